"""Manifests of several kinds of specimens, their collections and pages, against the official schema and our linter."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from annotations import annotation_pages as annotation_pages
from annotations import service
from annotations.lint import lint
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.presentation.manifest import nav_date, plain
from tests.contract.presentation_schema import failure
from tests.sheets import QUERCUS, Hub, add_sheet, comment

KINDS: dict[str, dict[str, Any]] = {
    "an ordinary sheet": {},
    "a sheet with nothing known of it": {"number": "IMG_0001", "terms": {}},
    "a specimen with three images": {"sizes": ((100, 200), (6000, 4000), (1, 1))},
    "a name in another script": {"number": "標本 №7", "terms": {"scientificName": "Camellia japonica 'やぶつばき' L."}},
    "markup in a value": {"terms": {**QUERCUS, "locality": "<b onload=x>Meise</b>"}},
    "rights that are no address": {"terms": {"scientificName": "Fagus", "license": "ask the curator"}},
    "rights of the image": {
        "rights": "http://rightsstatements.org/vocab/InC/1.0/",
        "rights_holder": "Herbarium X",
        "creator": "A. Example",
    },
    "an interval of dates": {"terms": {"eventDate": "1887-06-12/1888"}},
    "an impossible date": {"terms": {"eventDate": "1887-13-40"}},
    "a date before Christ": {"terms": {"eventDate": "-0044-03-15"}},
}


@pytest.fixture
def settings(settings: Any) -> Any:
    return settings.with_(page_size=4)


@pytest.fixture
def schema(shared: Path) -> Path:
    return shared / "schemas" / "iiif" / "iiif_3_0.json"


@pytest.fixture
def check(schema: Path) -> Callable[[Any], None]:
    def _check(document: Any) -> None:
        assert failure(document, schema) == ""
        assert lint(document) == ()

    return _check


def objects(value: Any) -> Iterator[Mapping[str, Any]]:
    """Every object inside a JSON value."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from objects(inner)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_specimen_has_a_valid_manifest(hub: Hub, check: Callable[[Any], None], kind: str) -> None:
    specimen, media = add_sheet(hub.runtime, **{"number": "BR 0001", **KINDS[kind]})
    for one in media:
        hub.post(comment(hub.addresses.canvas(specimen.key, one.key)))
    manifest = hub.get(hub.addresses.manifest(specimen.key)).json
    check(manifest)
    assert [canvas["label"]["none"] for canvas in manifest["items"]] == [[one.file_name] for one in media]
    for canvas, one in zip(manifest["items"], media, strict=True):
        painting = canvas["items"][0]["items"][0]
        assert painting["target"] == canvas["id"] == hub.addresses.canvas(specimen.key, one.key)
        assert (canvas["width"], canvas["height"]) == (one.width_px, one.height_px)
        assert [service.get("id", service.get("@id")) for service in painting["body"]["service"]] == [
            hub.addresses.image(one.key, 3),
            hub.addresses.image(one.key, 2),
        ]
        for page in canvas["annotations"]:
            check(hub.get(page["id"]).json)


def test_a_manifest_says_what_is_known(hub: Hub) -> None:
    specimen, _ = add_sheet(hub.runtime)
    manifest = hub.get(hub.addresses.manifest(specimen.key)).json
    assert manifest["label"] == {"en": ["Quercus robur L. · BR 0001"]}
    assert manifest["rights"] == "http://creativecommons.org/licenses/by/4.0/"
    assert manifest["navDate"] == "1887-06-12T00:00:00Z"
    assert manifest["provider"][0]["label"] == {"en": ["Lectotype"]}
    assert manifest["homepage"][0]["id"] == hub.addresses.specimen_page(specimen.key)
    assert manifest["seeAlso"][0]["id"] == hub.addresses.specimen_record(specimen.key)
    assert {"format", "label"} <= set(manifest["seeAlso"][0])
    assert isinstance(manifest["thumbnail"], list)
    shown = {entry["label"]["en"][0]: entry["value"]["none"][0] for entry in manifest["metadata"]}
    assert shown["Scientific name"] == "Quercus robur L."
    assert shown["Country"] == "Belgium"
    assert shown["Catalogue number"] == "BR 0001"


def test_search_services_are_nested_as_viewers_need_them(hub: Hub) -> None:
    specimen, _ = add_sheet(hub.runtime)
    two, one = hub.get(hub.addresses.manifest(specimen.key)).json["service"]
    assert (two["type"], two["service"][0]["type"]) == ("SearchService2", "AutoCompleteService2")
    assert (one["@type"], one["profile"]) == ("SearchService1", "http://iiif.io/api/search/1/search")
    assert isinstance(one["service"], list)
    assert one["service"][0]["profile"] == "http://iiif.io/api/search/1/autocomplete"


def test_references_to_pages_carry_no_items_and_empty_layers_are_not_named(hub: Hub, runtime: Runtime) -> None:
    specimen, (first, _) = add_sheet(runtime, sizes=((100, 100), (100, 100)))
    canvas = hub.addresses.canvas(specimen.key, first.key)
    with runtime.db.begin() as session:
        more = {"media": first, "run_key": "x1", "kind": "ruler", "value": 11.812, "unit": "px/mm"}
        service.create_machine(session, comment(canvas), addresses=hub.addresses, at=runtime.clock(), **more)
    shown = hub.get(hub.addresses.manifest(specimen.key)).json["items"]
    assert [page["id"] for page in shown[0]["annotations"]] == [hub.addresses.annotation_page(first.key, "machine")]
    assert all("items" not in page for page in shown[0]["annotations"])
    assert "annotations" not in shown[1]
    hub.post(comment(canvas))
    pages = hub.get(hub.addresses.manifest(specimen.key)).json["items"][0]["annotations"]
    assert [page["label"]["en"] for page in pages] == [["Found by machine"], ["Said by people"]]


def test_a_calibrated_canvas_carries_its_scale_in_millimetres(hub: Hub, runtime: Runtime, check: Callable[[Any], None]) -> None:
    specimen, (media,) = add_sheet(runtime)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    with runtime.db.begin() as session:
        more = {"media": media, "run_key": "x1", "kind": "ruler", "value": 11.812, "unit": "px/mm"}
        service.create_machine(session, comment(canvas), addresses=hub.addresses, at=runtime.clock(), **more)
    manifest = hub.get(hub.addresses.manifest(specimen.key)).json
    check(manifest)
    (scale,) = manifest["items"][0]["service"]
    assert scale["@context"] == "http://iiif.io/api/annex/services/physdim/1/context.json"
    assert {"@id", "@type"} <= set(scale)
    assert scale["physicalScale"] == pytest.approx(1 / 11.812)
    assert scale["physicalUnits"] == "mm"


def test_only_ready_images_are_canvases(hub: Hub, runtime: Runtime) -> None:
    specimen, (media,) = add_sheet(runtime)
    with runtime.db.begin() as session:
        catalogue.media_failed(session, media.key, "truncated", at=runtime.clock())
    assert hub.get(hub.addresses.manifest(specimen.key)).status_code == 404
    assert hub.get(hub.addresses.canvas(specimen.key, media.key)).status_code == 404
    assert hub.get(hub.addresses.collection("top")).json["items"] == []
    assert hub.get(hub.addresses.manifest("s1nothing")).status_code == 404


@pytest.mark.parametrize("count", [1, 4, 5, 40])
def test_every_manifest_is_reached_from_the_top(hub: Hub, schema: Path, count: int) -> None:
    expected = {hub.addresses.manifest(add_sheet(hub.runtime, f"BR {index}")[0].key) for index in range(count)}
    found: list[str] = []
    left = [hub.addresses.collection("top")]
    while left:
        collection = hub.get(left.pop()).json
        assert failure(collection, schema) == ""
        assert lint(collection) == ()
        manifests = [item["id"] for item in collection["items"] if item["type"] == "Manifest"]
        assert len(manifests) <= 4
        found += manifests
        left += [item["id"] for item in collection["items"] if item["type"] == "Collection"]
    assert len(found) == count
    assert set(found) == expected


@pytest.mark.parametrize("name", ["keys-s1", "keys-", "keys-s1a", "keys-s1%25", "bottom", "keys-s1zzzzzzzzzzzzzzz"])
def test_unknown_collections(hub: Hub, name: str) -> None:
    assert hub.get(hub.addresses.collection(name)).status_code == 404


def test_canvas_page_and_painting_answer_at_their_own_ids(hub: Hub, check: Callable[[Any], None]) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    shown = hub.get(hub.addresses.manifest(specimen.key)).json["items"][0]
    canvas = hub.get(shown["id"]).json
    assert {name: value for name, value in canvas.items() if name in shown} == shown
    assert canvas["partOf"][0]["id"] == hub.addresses.manifest(specimen.key)
    page = hub.get(shown["items"][0]["id"]).json
    assert page["items"] == shown["items"][0]["items"]
    assert hub.get(page["items"][0]["id"]).json["target"] == shown["id"]
    other, _ = add_sheet(hub.runtime, "BR 0002")
    assert hub.get(hub.addresses.canvas(other.key, media.key)).status_code == 404


def test_media_types_and_conditional_requests(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    for iri in (
        hub.addresses.manifest(specimen.key),
        hub.addresses.collection("top"),
        hub.addresses.annotation_page(media.key, "people"),
    ):
        response = hub.get(iri)
        assert response.content_type == 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
        assert "Accept" in response.headers["Vary"]
        assert hub.get(iri, Accept="application/json").content_type == "application/json"
        assert hub.get(iri, Accept="text/html,*/*;q=0.1").status_code == 200
        assert hub.get(iri, If_None_Match=response.headers["ETag"]).status_code == 304


def test_a_new_annotation_changes_the_etag_of_its_page(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    page = hub.addresses.annotation_page(media.key, "people")
    before = hub.get(page).headers["ETag"]
    hub.post(comment(hub.addresses.canvas(specimen.key, media.key)))
    assert hub.get(page, If_None_Match=before).status_code == 200


def test_a_page_has_the_form_that_viewers_draw(hub: Hub, check: Callable[[Any], None]) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    canvas = hub.addresses.canvas(specimen.key, media.key)
    svg = "<svg xmlns='http://www.w3.org/2000/svg'><polygon points='10.5,10 90,10 50,80.2'/></svg>"
    document = comment({"source": canvas, "selector": {"type": "SvgSelector", "value": svg}})
    del document["motivation"]
    hub.post(document)
    page = hub.get(hub.addresses.annotation_page(media.key, "people")).json
    check(page)
    (shown,) = page["items"]
    assert shown["motivation"] == ["commenting"]
    assert shown["body"][0]["type"] == "TextualBody"
    assert shown["target"]["source"]["id"] == canvas
    box, shape = shown["target"]["selector"]
    assert box["value"] == "xywh=10,10,80,71"
    assert (
        shape["value"]
        == '<svg xmlns="http://www.w3.org/2000/svg"><path fill-rule="evenodd" d="M10.5,10 L90,10 L50,80.2 Z"/></svg>'
    )


def test_a_page_that_is_not_complete_says_so(hub: Hub, monkeypatch: pytest.MonkeyPatch, check: Callable[[Any], None]) -> None:
    monkeypatch.setattr(annotation_pages, "MAX_ON_PAGE", 3)
    specimen, (media,) = add_sheet(hub.runtime)
    for _ in range(5):
        hub.post(comment(hub.addresses.canvas(specimen.key, media.key)))
    page = hub.get(hub.addresses.annotation_page(media.key, "people")).json
    check(page)
    assert len(page["items"]) == 3
    assert page["label"] == {"en": ["Said by people (the first 3 of 5)"]}


def test_unknown_layers_and_canvases(hub: Hub) -> None:
    _, (media,) = add_sheet(hub.runtime)
    assert hub.get(f"/canvases/{media.key}/annotations/gods.json").status_code == 404
    assert hub.get("/canvases/m1nothing/annotations/people.json").status_code == 404


def test_presentation_2_shows_the_same_canvases(hub: Hub) -> None:
    specimen, media = add_sheet(hub.runtime, sizes=((100, 100), (200, 300)))
    old = hub.get(f"/iiif/presentation/2/{specimen.key}/manifest.json").json
    assert old["@id"].endswith(f"/iiif/presentation/2/{specimen.key}/manifest.json")
    canvases = old["sequences"][0]["canvases"]
    assert [canvas["@id"] for canvas in canvases] == [hub.addresses.canvas(specimen.key, one.key) for one in media]
    for canvas, one in zip(canvases, media, strict=True):
        assert canvas["images"][0]["on"] == canvas["@id"]
        assert canvas["images"][0]["resource"]["service"]["@id"] == hub.addresses.image(one.key, 2)
    assert old["service"][0]["profile"] == "http://iiif.io/api/search/1/search"
    assert not any("type" in thing or "id" in thing for thing in objects(old))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1887-06-12", "1887-06-12T00:00:00Z"),
        ("1887-06", "1887-06-01T00:00:00Z"),
        ("1887", "1887-01-01T00:00:00Z"),
        ("1887-06-12/1888-01-01", "1887-06-12T00:00:00Z"),
        ("1887-06-12T10:15:00Z", "1887-06-12T00:00:00Z"),
        ("188X", ""),
        ("12.vi.1887", ""),
        ("0000", ""),
        ("", ""),
    ],
)
def test_the_date_of_collecting_places_the_manifest_in_time(text: str, expected: str) -> None:
    assert nav_date(text) == expected


def test_only_text_between_angle_brackets_is_taken_out_of_html() -> None:
    assert plain("<b>x</b>") == "<span>&lt;b&gt;x&lt;/b&gt;</span>"
    assert plain("5 < 6") == "5 < 6"


def test_ids_come_from_the_settings_and_not_from_the_request(hub: Hub) -> None:
    specimen, _ = add_sheet(hub.runtime)
    response = hub.get(hub.addresses.manifest(specimen.key), Host="evil.example", X_Forwarded_Host="evil.example")
    assert b"evil" not in response.data
    assert hub.runtime.addresses.base.encode() in response.data
