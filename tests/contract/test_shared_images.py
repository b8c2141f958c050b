"""Images that show several specimens, as manifests, collections, REST and pages show them; on SQLite and PostgreSQL."""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from annotations import service as annotations
from annotations.lint import lint
from app import compose
from app.cli.depict import depict
from app.runtime import tokens
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.settings import Settings
from iiif.catalogue import service
from iiif.catalogue.model import Media, OwnRegion, Specimen
from tests import databases
from tests.contract.presentation_schema import failure
from tests.sheets import Hub, add_sheet, comment

BY = Principal.of_system()
LEFT, RIGHT = OwnRegion(100, 200, 1100.4, 3200), OwnRegion(2000, 0, 4000, 6000)


@pytest.fixture(params=["sqlite", "postgresql"])
def runtime(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Runtime]:
    url = f"sqlite:///{tmp_path / 'test.db'}"
    if request.param == "postgresql":
        url = str(request.getfixturevalue("migrated_url"))
    runtime = compose.build(Settings(data_dir=tmp_path / "data", database_url=url, base_url="http://lectotype.test"))
    databases.prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@pytest.fixture
def check(shared: Path) -> Callable[[Any], None]:
    def _check(document: Any) -> None:
        assert failure(document, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
        assert lint(document) == ()

    return _check


@pytest.fixture
def tray(hub: Hub) -> tuple[Specimen, Specimen, Specimen, Media]:
    """Three specimens in one picture of 4000 × 6000 pixels: one on the left, one on the right, one somewhere."""
    first, (image,) = add_sheet(hub.runtime, "T 1", file_name="tray.jpg")
    second, _ = add_sheet(hub.runtime, "T 2", sizes=())
    third, _ = add_sheet(hub.runtime, "T 3", sizes=())
    at = hub.runtime.clock()
    with hub.runtime.db.begin() as session:
        service.depict(session, first.key, image.key, region=LEFT, by=BY, at=at)
        service.depict(session, second.key, image.key, role="detail", region=RIGHT, by=BY, at=at)
        service.depict(session, third.key, image.key, by=BY, at=at)
    return first, second, third, image


def manifest_of(hub: Hub, specimen: Specimen) -> Mapping[str, Any]:
    found = hub.get(hub.addresses.manifest(specimen.key)).json
    assert isinstance(found, dict)
    return found


def test_the_manifest_of_each_specimen_shows_its_own_region_first(
    hub: Hub, check: Callable[[Any], None], tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    first, second, third, image = tray
    boxes = {first.key: (100, 200, 1001, 3000), second.key: (2000, 0, 2000, 6000)}
    for specimen in (first, second):
        manifest = manifest_of(hub, specimen)
        check(manifest)
        x, y, width, height = boxes[specimen.key]
        own, whole = manifest["items"]
        assert own["id"] == f"{hub.addresses.canvas(specimen.key, image.key)}:{x},{y},{width},{height}"
        assert (own["width"], own["height"]) == (width, height)
        body = own["items"][0]["items"][0]["body"]
        assert body["service"][0]["id"] == f"{hub.addresses.image(image.key)}:{x},{y},{width},{height}"
        assert manifest["thumbnail"][0] == own["thumbnail"][0]
        assert manifest["thumbnail"][0]["id"].startswith(body["service"][0]["id"])
        assert whole["id"] == hub.addresses.canvas(specimen.key, image.key)
        assert (whole["width"], whole["height"]) == (4000, 6000)
        others = {one.catalog_number for one in (first, second, third)} - {specimen.catalog_number}
        assert all(other in whole["label"]["en"][0] for other in others)
        assert {record["id"].rsplit("/", 1)[1] for record in whole["seeAlso"]} == {first.key, second.key, third.key} - {
            specimen.key
        }
    (only,) = manifest_of(hub, third)["items"]
    assert only["label"] == {"en": ["tray.jpg, shows also T 1, T 2"]}


def test_version_2_1_has_the_same_canvases(hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]) -> None:
    for specimen in tray[:3]:
        old: Any = hub.get(hub.addresses.manifest(specimen.key, 2)).json
        new = manifest_of(hub, specimen)
        assert [canvas["@id"] for canvas in old["sequences"][0]["canvases"]] == [canvas["id"] for canvas in new["items"]]


def test_every_canvas_page_and_painting_answers_at_its_address(
    hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    for specimen in tray[:3]:
        for canvas in manifest_of(hub, specimen)["items"]:
            alone: Any = hub.get(canvas["id"]).json
            assert {name: alone[name] for name in ("id", "items", "width", "label")} == {
                name: canvas[name] for name in ("id", "items", "width", "label")
            }
            assert hub.get(canvas["items"][0]["id"]).json["items"] == canvas["items"][0]["items"]
            assert hub.get(canvas["items"][0]["items"][0]["id"]).json["target"] == canvas["id"]


def test_a_canvas_that_a_specimen_does_not_have_is_not_found(hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]) -> None:
    stranger, (other,) = add_sheet(hub.runtime, "U 1")
    _, _, third, image = tray
    canvas = hub.addresses.canvas(third.key, image.key)
    gone = [hub.addresses.canvas(stranger.key, image.key), hub.addresses.canvas(third.key, other.key)]
    gone += [f"{canvas}:{box}" for box in ("0,0,0,5", "3999,0,2,5", "0,0,5", "a,b,c,d", "0,5999,1,2")]
    assert [hub.get(iri).status_code for iri in gone] == [404] * len(gone)
    assert hub.get(f"{canvas}:3999,5999,1,1").status_code == 200


def test_collections_show_each_specimen_by_its_own_region(hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]) -> None:
    first, second, third, image = tray
    items: Any = hub.get(hub.addresses.collection("top")).json["items"]
    pictures = {item["id"]: item["thumbnail"][0]["service"][0]["id"] for item in items}
    service = hub.addresses.image(image.key)
    assert pictures == {
        hub.addresses.manifest(first.key): f"{service}:100,200,1001,3000",
        hub.addresses.manifest(second.key): f"{service}:2000,0,2000,6000",
        hub.addresses.manifest(third.key): service,
    }


def test_two_specimens_of_one_number_know_of_each_other(hub: Hub, check: Callable[[Any], None]) -> None:
    skin, _ = add_sheet(hub.runtime, "4711", {"occurrenceID": "urn:x:skin", "institutionCode": "M"})
    skull, _ = add_sheet(hub.runtime, "4711", {"occurrenceID": "urn:x:skull", "institutionCode": "M"})
    elsewhere, _ = add_sheet(hub.runtime, "4711", {"institutionCode": "W"})
    manifest = manifest_of(hub, skin)
    check(manifest)
    assert [record["id"] for record in manifest["seeAlso"]] == [hub.addresses.specimen_record(one.key) for one in (skin, skull)]
    assert "4711" in manifest["seeAlso"][1]["label"]["en"][0]
    assert len(manifest_of(hub, elsewhere)["seeAlso"]) == 1


def test_an_image_of_one_specimen_is_shown_as_before(hub: Hub) -> None:
    specimen, (image,) = add_sheet(hub.runtime)
    hub.post(comment(hub.addresses.canvas(specimen.key, image.key)))
    (canvas,) = manifest_of(hub, specimen)["items"]
    assert canvas["label"] == {"none": [image.file_name]}
    assert [page["id"] for page in canvas["annotations"]] == [hub.addresses.annotation_page(image.key, "people")]
    assert "seeAlso" not in canvas


def test_what_is_said_of_an_image_lies_on_the_canvas_of_each_specimen(
    hub: Hub, check: Callable[[Any], None], tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    first, second, third, image = tray
    posted: Any = hub.post(comment(f"{hub.addresses.canvas(first.key, image.key)}#xywh=10,20,30,40")).json
    for specimen in (first, second, third):
        whole = manifest_of(hub, specimen)["items"][-1]
        (reference,) = whole["annotations"]
        page: Any = hub.get(reference["id"]).json
        check(page)
        (item,) = page["items"]
        assert (page["id"], item["id"]) == (reference["id"], posted["id"])
        assert item["target"]["source"]["id"] == whole["id"]
        assert item["target"]["source"]["partOf"][0]["id"] == hub.addresses.manifest(specimen.key)
        assert all("annotations" not in canvas for canvas in manifest_of(hub, specimen)["items"][:-1])
    stranger, _ = add_sheet(hub.runtime, "U 1")
    assert hub.get(hub.addresses.annotation_page(image.key, "people", stranger.key)).status_code == 404


def test_a_closed_image_tells_of_no_region(hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]) -> None:
    _, second, _, image = tray
    with hub.runtime.db.begin() as session:
        service.set_access(session, image.key, "closed", by=BY, at=hub.runtime.clock())
    manifest = manifest_of(hub, second)
    assert [canvas["label"] for canvas in manifest["items"]] == [{"en": ["Not public"]}]
    assert "2000,0,2000,6000" not in str(manifest)
    canvas = hub.addresses.canvas(second.key, image.key)
    assert [hub.get(f"{canvas}{box}").status_code for box in ("", ":2000,0,2000,6000")] == [401, 401]
    with_token = hub.write("GET", hub.addresses.manifest(second.key)).json
    assert len(with_token["items"]) == 2


def place(hub: Hub, specimen: Specimen, media: Media) -> str:
    return f"{hub.addresses.specimen_record(specimen.key)}/media/{media.key}"


@pytest.fixture
def curator(runtime: Runtime) -> str:
    """A token to say with what images show."""
    with runtime.db.begin() as session:
        return tokens.create(session, "curator", runtime.clock(), role="curator", by=BY)


def test_what_an_image_shows_is_said_asked_and_taken_back_over_http(hub: Hub, curator: str) -> None:
    first, (image,) = add_sheet(hub.runtime, "T 1")
    second, _ = add_sheet(hub.runtime, "T 2", sizes=())
    bearer = {"Authorization": f"Bearer {curator}"}
    iri = place(hub, second, image)
    said = hub.write("PUT", iri, {"role": "label", "region": "10,20,30.5,40"}, **bearer)
    assert (said.status_code, said.json["role"], said.json["region"], said.json["home"]) == (201, "label", "10,20,30.5,40", False)
    assert hub.get(iri).json == said.json
    again = hub.write("PUT", iri, {}, **bearer)
    assert (again.status_code, again.json["role"], again.json["region"]) == (200, None, None)
    media: Any = hub.get(f"{hub.addresses.base}/api/media/{image.key}").json
    assert [one["specimenKey"] for one in media["depicts"]] == [first.key, second.key]
    record: Any = hub.get(hub.addresses.specimen_record(second.key)).json
    assert [(one["key"], one["depictsTotal"], one["depiction"]["home"]) for one in record["media"]] == [(image.key, 2, False)]
    assert hub.write("DELETE", place(hub, first, image), **bearer).status_code == 409
    assert hub.write("DELETE", iri, **bearer).status_code == 204
    assert [hub.write("DELETE", iri, **bearer).status_code, hub.get(iri).status_code] == [404, 404]


@pytest.mark.parametrize(
    ("body", "status", "parameter"),
    [
        ({"region": "0,0,4000,6001"}, 400, "region"),
        ({"region": "0,0,0,10"}, 400, "region"),
        ({"region": "pct:0,0,10,10"}, 400, "region"),
        ({"region": "1e3,0,10,10"}, 400, "region"),
        ({"region": [0, 0, 10, 10]}, 400, None),
        ({"role": "habitus"}, 400, "role"),
        ({"role": 7}, 400, None),
        ({"rolle": "label"}, 400, None),
        ([], 400, None),
        (b"{", 400, None),
        (b"[" * 100_000, 400, None),
        (b"\xff", 400, None),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence_and_changes_nothing(
    hub: Hub, curator: str, body: Any, status: int, parameter: str | None
) -> None:
    _, (image,) = add_sheet(hub.runtime, "T 1")
    second, _ = add_sheet(hub.runtime, "T 2", sizes=())
    answer = hub.write("PUT", place(hub, second, image), body, Authorization=f"Bearer {curator}")
    assert (answer.status_code, answer.json.get("parameter")) == (status, parameter)
    assert answer.json["detail"].endswith(".")
    assert hub.get(place(hub, second, image)).status_code == 404


def test_saying_what_an_image_shows_needs_a_curator(hub: Hub) -> None:
    _, (image,) = add_sheet(hub.runtime, "T 1")
    second, _ = add_sheet(hub.runtime, "T 2", sizes=())
    iri = place(hub, second, image)
    path = iri.removeprefix(hub.addresses.base)
    assert [hub.client.put(path, data="{}").status_code, hub.client.delete(path).status_code] == [401, 401]
    assert hub.write("PUT", iri, {}).status_code == 403


def test_the_region_of_a_closed_image_is_for_those_who_may_see_it(
    hub: Hub, curator: str, tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    _, second, _, image = tray
    with hub.runtime.db.begin() as session:
        service.set_access(session, image.key, "closed", by=BY, at=hub.runtime.clock())
    assert "region" not in hub.get(place(hub, second, image)).json
    assert "2000,0,2000,6000" not in hub.get(hub.addresses.specimen_record(second.key)).text
    assert hub.get(place(hub, second, image), Authorization=f"Bearer {curator}").json["region"] == "2000,0,2000,6000"


def test_numbers_list_all_their_specimens(hub: Hub) -> None:
    both = [add_sheet(hub.runtime, "4711", {"occurrenceID": f"urn:x:{name}"}, sizes=())[0] for name in ("skin", "skull")]
    listed: Any = hub.get(f"{hub.addresses.base}/api/specimens?catalogNumber=4711").json
    assert (listed["total"], {one["key"] for one in listed["items"]}) == (2, {one.key for one in both})
    record: Any = hub.get(hub.addresses.specimen_record(both[0].key)).json
    assert record["sameNumber"] == [
        {"id": hub.addresses.pid(both[1].key), "self": hub.addresses.specimen_record(both[1].key)},
    ]
    page = hub.get(hub.addresses.specimen_page(both[0].key), Accept="text/html").text
    assert f'href="/specimens/{both[1].key}"' in page


def test_the_page_of_a_specimen_names_the_others_in_the_picture(
    hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    first, second, third, image = tray
    page = hub.get(hub.addresses.specimen_page(second.key), Accept="text/html").text
    assert all(f'<a href="/specimens/{one.key}">{one.catalog_number}</a>' in page for one in (first, third))
    assert "a detail" in page
    assert f'src="/iiif/3/{image.key}/2000,0,2000,6000/' in page


def test_the_command_line_says_the_same(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    first, (image,) = add_sheet(hub.runtime, "T 1")
    second, _ = add_sheet(hub.runtime, "T 2", sizes=())
    monkeypatch.setattr(compose, "build", lambda: hub.runtime)
    run = CliRunner()
    done = run.invoke(depict, [second.key, image.key, "--role", "whole", "--region", "0,0,100,200", "--json"])
    assert json.loads(done.output)["specimens"] == [
        {"specimen": first.key, "role": None, "region": None},
        {"specimen": second.key, "role": "whole", "region": "0,0,100,200"},
    ]
    assert "2 specimens" in run.invoke(depict, [second.key, image.key]).output
    refused = run.invoke(depict, [second.key, image.key, "--region", "0,0,100,20000"])
    assert (refused.exit_code, "is not a part of the image" in refused.output) == (1, True)
    assert run.invoke(depict, [second.key, image.key, "--end", "--role", "whole"]).exit_code == 2
    assert "1 specimen:" in run.invoke(depict, [second.key, image.key, "--end"]).output


def test_a_barcode_in_a_shared_image_that_is_not_this_specimens_number_is_no_contradiction(
    hub: Hub, tray: tuple[Specimen, Specimen, Specimen, Media]
) -> None:
    """The third specimen may be anywhere in the picture, the first is not where the code is."""
    first, second, third, image = tray
    code = comment(f"{hub.addresses.canvas(first.key, image.key)}#xywh=2100,20,300,40", "T 2", motivation="identifying")
    with hub.runtime.db.begin() as session:
        found = {"media": image, "run_key": "x1run", "kind": "barcode", "addresses": hub.addresses}
        annotations.create_machine(session, code, **found, at=hub.runtime.clock())
    pages = [hub.get(hub.addresses.specimen_page(one.key), Accept="text/html").text for one in (first, second, third)]
    assert ["is the catalogue number" in page for page in pages] == [False, True, False]
    assert not any("is not the catalogue number" in page for page in pages)
    for specimen, page in zip((second, third), pages[1:], strict=True):
        assert f'data-canvas="{hub.addresses.canvas(specimen.key, image.key)}"' in page
