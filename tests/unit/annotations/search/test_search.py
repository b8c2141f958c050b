"""Search over HTTP and from the command line, on real tables and a real index."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from annotations import service as annotations
from annotations.model import FOUND_NOTHING, GAVE_UP, Annotation
from annotations.search import documents
from annotations.search import views as search_views
from annotations.search.schema import FIELDS
from app import problems, relay
from app.cli import search as commands
from app.runtime.addresses import Addresses
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from app.runtime.search import engines
from app.runtime.search.port import Document
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from tests.services import free_port
from tests.sheets import add_sheet, comment

LABEL = "HERBARIUM HORTI BOTANICI\nQuercus robur L.\nLeg. A. Example 12.vi.1887\nMeise, in silva"
OAK = {
    "scientificName": "Quercus robur L.",
    "family": "Fagaceae",
    "genus": "Quercus",
    "eventDate": "1887-06-12",
    "country": "Belgium",
    "recordedBy": "A. Example | B. Another",
}
BIRCH = {"scientificName": "Betula pendula Roth", "family": "Betulaceae", "genus": "Betula", "year": "1901", "country": "Norway"}


@pytest.fixture
def client(runtime: Runtime) -> FlaskClient:
    app = Flask("search", static_folder=None)
    problems.install(app)
    app.register_blueprint(search_views.blueprint)
    return app.test_client()


@pytest.fixture
def addresses(runtime: Runtime) -> Addresses:
    return runtime.addresses


def index(runtime: Runtime) -> None:
    while relay.update_index(runtime):
        pass


def machine(runtime: Runtime, media: Media, kind: str, text: str, xywh: str = "2510,4880,1380,760", **more: Any) -> Annotation:
    """What a run of the analysis would say."""
    addresses = runtime.addresses
    target = f"{addresses.canvas(media.specimen_key, media.key)}#xywh={xywh}"
    with runtime.db.begin() as session:
        return annotations.create_machine(
            session,
            comment(target, text, motivation="supplementing"),
            media=media,
            run_key="x10000000000",
            kind=kind,
            addresses=addresses,
            at=runtime.clock(),
            **more,
        )


def found_nothing(runtime: Runtime, media: Media, step: str, motivations: Sequence[str] = FOUND_NOTHING) -> None:
    """As a step says that it looked and found nothing."""
    document = comment(runtime.addresses.canvas(media.specimen_key, media.key), "Looked for it", motivation=list(motivations))
    with runtime.db.begin() as session:
        annotations.create_machine(
            session, document, media=media, run_key="x1", kind=step, addresses=runtime.addresses, at=runtime.clock()
        )


@pytest.fixture
def oak(runtime: Runtime) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(runtime, "BR0000005065868", OAK)
    add_sheet(runtime, "S-M-12", BIRCH)
    machine(runtime, media, "text", LABEL, confidence=0.88)
    machine(runtime, media, "length", "Length 71.5 mm", "100,200,300,400", value=71.5, unit="mm")
    machine(runtime, media, "ruler", "11.8 px per mm", "200,5560,2380,210", value=11.8, unit="px/mm")
    index(runtime)
    return specimen, media


def ask(client: FlaskClient, **asked: Any) -> dict[str, Any]:
    response = client.get("/api/search", query_string=asked)
    assert response.status_code == 200, response.text
    found: dict[str, Any] = response.json
    return found


def numbers(client: FlaskClient, **asked: Any) -> list[str]:
    return sorted(item["catalogNumber"] for item in ask(client, **asked)["items"])


def test_a_word_on_a_label_finds_the_specimen(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    found = ask(client, q="silva")
    (item,) = found["items"]
    assert found["total"] == 1
    assert item["key"] == oak[0].key
    assert item["label"] == "Quercus robur L. · BR0000005065868"
    assert (item["snippet"]["match"], item["snippet"]["before"][-10:]) == ("silva", "Meise, in ")
    assert item["thumbnail"]["id"].startswith("http://lectotype.test/iiif/3/")
    assert max(item["thumbnail"]["width"], item["thumbnail"]["height"]) <= 400
    assert item["manifest"].endswith(f"{oak[0].key}/manifest.json")
    assert item["page"] == f"http://lectotype.test/specimens/{oak[0].key}"


@pytest.mark.parametrize(
    ("q", "expected"),
    [
        ("", ["BR0000005065868", "S-M-12"]),
        ("BR0000005065868", ["BR0000005065868"]),
        ("5065868", ["BR0000005065868"]),
        ("S-M-12", ["S-M-12"]),
        ("s m 12", ["S-M-12"]),
        ("BR00000050*", ["BR0000005065868"]),
        ("family:fagaceae", ["BR0000005065868"]),
        ("year:1880..1890", ["BR0000005065868"]),
        ("year:1901", ["S-M-12"]),
        ("length:50..90", ["BR0000005065868"]),
        ("length:90..", []),
        ("scientificName:quercus length:50..90 silva", ["BR0000005065868"]),
        ('recordedBy:"B. Another"', ["BR0000005065868"]),
        ("-quercus", ["S-M-12"]),
        ("bitula~", ["S-M-12"]),
        ("hasRuler:true", ["BR0000005065868"]),
    ],
)
def test_questions_about_specimens(client: FlaskClient, oak: tuple[Specimen, Media], q: str, expected: list[str]) -> None:
    assert numbers(client, q=q) == expected


def test_places_and_dates_are_asked_for(client: FlaskClient, runtime: Runtime) -> None:
    places = {"A": ("50.93", "4.33"), "B": ("-16.5", "179.9"), "C": ("0", "0"), "D": ("95", "4"), "E": ("", "")}
    dates = {"A": "1887-06-12", "B": "1899-05/1901", "C": "no date", "D": "188X", "E": "0099"}
    for number, (latitude, longitude) in places.items():
        add_sheet(runtime, number, {"decimalLatitude": latitude, "decimalLongitude": longitude, "eventDate": dates[number]})
    add_sheet(runtime, "F", {"verbatimEventDate": "12.VI.1887"})
    _, (media,) = add_sheet(runtime, "G", {"eventDate": "1850", "decimalLatitude": "-16,5", "decimalLongitude": "-179"})
    machine(runtime, media, "text", "galls")
    index(runtime)
    assert numbers(client, bbox="4,50,5,51") == ["A"]
    assert numbers(client, bbox="170,-20,-170,0") == ["B"]
    assert numbers(client, near="50.9,4.3,4000") == ["A"]
    assert numbers(client, near="50.9,4.3,4000", bbox="5,50,6,51") == []
    assert numbers(client, q="coordinates:*") == ["A", "B"]
    assert numbers(client, eventDate="1850..1900") == ["A", "B", "D", "F", "G"]
    assert numbers(client, q="eventDate:1900") == ["B"]
    assert numbers(client, eventDate="1887-06-12/1887-06-20") == ["A", "D", "F"]
    assert numbers(client, q="eventDate:1887-06-13..1898") == ["D"]
    assert [item["catalogNumber"] for item in ask(client, q="eventDate:1850..1900", sort="eventDate")["items"]][:2] == ["G", "D"]
    assert ask(client, type="annotation", eventDate="1850")["total"] == 1


def test_an_ark_finds_what_it_names(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    assert numbers(client, q=f"ark:99999/{oak[0].key}") == ["BR0000005065868"]


def test_facets_count_what_was_found(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    facets = ask(client)["facets"]
    assert facets["family"] == [{"value": "Betulaceae", "count": 1}, {"value": "Fagaceae", "count": 1}]
    assert {"value": "ruler", "count": 1} in facets["kind"]
    assert facets["recordedBy"] == [{"value": "A. Example", "count": 1}, {"value": "B. Another", "count": 1}]
    assert facets["year"] == [{"value": "1887", "count": 1}, {"value": "1901", "count": 1}]
    assert ask(client, facets="country", family="Fagaceae")["facets"] == {"country": [{"value": "Belgium", "count": 1}]}
    assert ask(client, facets="")["facets"] == {}


def test_annotations_are_found_by_kind_taxon_measure_and_box(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    found = ask(client, type="annotation", family="Fagaceae", length="50..90")
    (item,) = found["items"]
    assert (item["kind"], item["value"], item["unit"], item["box"]) == ("length", 71.5, "mm", [100, 200, 400, 600])
    assert item["thumbnail"]["id"].endswith("/100,200,300,400/300,400/0/default.jpg")
    assert item["canvas"].endswith(f"/canvas/{oak[1].key}")
    assert [one["kind"] for one in ask(client, type="annotation", xywh="2500,4800,100,100")["items"]] == ["text"]
    assert ask(client, type="annotation", xywh="0,0,50,50")["total"] == 0
    assert ask(client, type="annotation", kind="text", confidence="0.8..")["items"][0]["confidence"] == 0.88
    assert ask(client, type="all", q="silva")["total"] == 3  # the label as a segment, too


def test_pages_follow_one_another(client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media]) -> None:
    first = ask(client, limit=1, sort="catalogNumber", q="")
    second = client.get(first["next"].removeprefix("http://lectotype.test")).json
    assert [item["catalogNumber"] for item in (*first["items"], *second["items"])] == ["BR0000005065868", "S-M-12"]
    assert second["next"] is None
    assert [item["catalogNumber"] for item in ask(client, sort="-year")["items"]] == ["S-M-12", "BR0000005065868"]


@pytest.mark.parametrize(
    ("asked", "status", "parameter"),
    [
        ({"type": "leaf"}, 400, "type"),
        ({"type": "media"}, 400, "type"),
        ({"sort": "annotation"}, 400, "sort"),
        ({"sort": "leaf"}, 400, "sort"),
        ({"order": "year"}, 400, "order"),
        ({"sort": "coordinates"}, 400, "sort"),
        ({"facets": "eventDate"}, 400, "facets"),
        ({"bbox": "1,2,3"}, 400, "bbox"),
        ({"bbox": "4,51,5,50"}, 400, "bbox"),
        ({"bbox": "4,50,181,51"}, 400, "bbox"),
        ({"near": "50,4"}, 400, "near"),
        ({"near": "50,4,-1"}, 400, "near"),
        ({"near": "nan,4,1"}, 400, "near"),
        ({"coordinates": "50,4"}, 400, "coordinates"),
        ({"eventDate": "spring"}, 400, "eventDate"),
        ({"eventDate": "1887-13..1890"}, 400, "eventDate"),
        ({"year": "old"}, 400, "year"),
        ({"facets": "soup"}, 400, "soup"),
        ({"facets": "text"}, 400, "facets"),
        ({"sort": "-text"}, 400, "sort"),
        ({"page": "0"}, 400, "page"),
        ({"page": "9000"}, 413, "page"),
        ({"limit": "5000"}, 400, "limit"),
        ({"xywh": "1,2,3"}, 400, "xywh"),
        ({"q": "a" * 1001}, 400, "q"),
    ],
)
def test_what_cannot_be_asked_is_said(client: FlaskClient, asked: dict[str, str], status: int, parameter: str) -> None:
    response = client.get("/api/search", query_string=asked)
    assert (response.status_code, response.json["parameter"]) == (status, parameter)


def test_unknown_parameters_are_ignored_and_said_to_be(client: FlaskClient) -> None:
    assert ask(client, utm="x")["ignored"] == ["utm"]


@pytest.mark.parametrize(
    ("asked", "parameter", "says"),
    [
        ({"q": "length:9..5"}, "q", "The range length:9..5 ends before it begins. Did you mean length:5..9?"),
        ({"q": "year:abc"}, "q", "year is a year or a range such as 1850..1900, not 'abc'."),
        ({"q": "famly:Fagaceae"}, "q", "Did you mean family:Fagaceae?"),
        ({"q": "kind:barcod"}, "q", "Did you mean kind:barcode?"),
        ({"length": "9..5"}, "length", "Did you mean 5..9?"),
        ({"famly": "Fagaceae"}, "famly", "There is no field 'famly'. Did you mean family?"),
        ({"kind": "barcod"}, "kind", "Did you mean barcode?"),
        ({"facets": "famly"}, "famly", "Did you mean family?"),
    ],
)
def test_what_finds_nothing_by_a_slip_is_refused_by_the_api_and_the_command_line(
    client: FlaskClient, runtime: Runtime, monkeypatch: pytest.MonkeyPatch, asked: dict[str, str], parameter: str, says: str
) -> None:
    refused = client.get("/api/search", query_string=asked)
    assert (refused.status_code, refused.json["parameter"]) == (400, parameter)
    assert says in refused.json["detail"]
    if "q" in asked:
        monkeypatch.setenv("LECTOTYPE_DATA_DIR", str(runtime.settings.data_dir))
        done = CliRunner().invoke(commands.search, [asked["q"]])
        assert done.exit_code == 1
        assert says in done.output


def test_what_was_looked_for_and_not_found_is_no_finding(
    client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media]
) -> None:
    """Of three specimens one has a barcode, and steps looked for one on all; one of them has it on another image."""
    specimen, media = add_sheet(runtime, "BR3", OAK, sizes=((4000, 6000), (4200, 6000)))
    plain, (image,) = add_sheet(runtime, "BR4", OAK)
    for looked in (*media, image, oak[1]):
        found_nothing(runtime, looked, "barcode")
    found_nothing(runtime, image, "ocr")
    found_nothing(runtime, image, "specimen")
    found_nothing(runtime, media[0], "traits")  # of which nothing follows for the outline
    found_nothing(runtime, image, "ruler", GAVE_UP)
    machine(runtime, media[1], "barcode", "BR3")
    with runtime.db.begin() as session:
        opinion = comment(runtime.addresses.canvas(plain.key, image.key), "No ruler either", motivation="assessing")
        annotations.create(session, opinion, by=Principal.of_system(), addresses=runtime.addresses, at=runtime.clock())
    index(runtime)
    facets = {name: {one["value"]: one["count"] for one in values} for name, values in ask(client)["facets"].items()}
    assert facets["kind"]["barcode"] == facets["kind"]["ruler"] == 1
    assert facets["none"] == {"barcode": 2, "label": 1, "outline": 1}
    assert [item["key"] for item in ask(client, q="has:barcode")["items"]] == [specimen.key]
    assert {item["key"] for item in ask(client, q="none:barcode")["items"]} == {plain.key, oak[0].key}
    assert ask(client, q="kind:barcode none:barcode")["total"] == 0
    assert ask(client, has="ruler")["items"][0]["key"] == oak[0].key
    assert ask(client, q="-has:ruler family:Fagaceae")["total"] == 2
    assert ask(client, type="annotation", none="barcode")["total"] == 4
    assert ask(client, type="annotation", kind="barcode")["total"] == 1


def test_words_in_use_are_proposed(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    assert {"value": "silva", "total": 3} in client.get("/api/search/terms?q=quercus%20sil").json["items"]


def test_a_deleted_annotation_is_found_no_more(client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media]) -> None:
    added = machine(runtime, oak[1], "text", "zyzzyva")
    index(runtime)
    assert ask(client, q="zyzzyva")["total"] == 1
    with runtime.db.begin() as session:
        annotations.delete(session, added.key, by=Principal.of_system(), at=runtime.clock())
    assert ask(client, q="zyzzyva", type="annotation")["items"] == []
    index(runtime)
    assert ask(client, q="zyzzyva", type="all")["total"] == 0


def test_that_nothing_was_found_is_no_word_of_the_specimen(
    client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media]
) -> None:
    addresses = runtime.addresses
    with runtime.db.begin() as session:
        said = comment(addresses.canvas(oak[0].key, oak[1].key), "No barcode seen", motivation="assessing")
        annotations.create_machine(
            session, said, media=oak[1], run_key="x1", kind="barcode", addresses=addresses, at=runtime.clock()
        )
    index(runtime)
    assert ask(client, q="seen")["total"] == 0
    assert ask(client, q="seen", type="annotation", none="barcode")["total"] == 1
    assert ask(client, q="seen", type="annotation", kind="barcode")["total"] == 0


def test_an_engine_that_is_down_is_503_for_search_alone(settings: Any, runtime: Runtime, client: FlaskClient) -> None:
    from app import compose

    specimen, (media,) = add_sheet(runtime, "BR1", OAK)
    down = compose.build(settings.with_(search_url=f"http://127.0.0.1:{free_port()}"))
    try:
        for path in (
            "/api/search?q=oak",
            "/api/search/terms?q=o",
            f"/search/1/{specimen.key}?q=oak",
            f"/search/2/{specimen.key}?q=oak",
        ):
            response = client.get(path)
            assert (response.status_code, response.json["title"]) == (503, "SearchDown")
            assert response.headers["Retry-After"]
        assert machine(down, media, "text", "still written").text == "still written"
        assert client.get(f"/search/1/{specimen.key}/autocomplete?q=writ").json["terms"][0]["match"] == "written"
    finally:
        down.search.close()
        down.database.engine.dispose()


def content(client: FlaskClient, version: int, specimen: Specimen, **asked: Any) -> dict[str, Any]:
    response = client.get(f"/search/{version}/{specimen.key}", query_string=asked)
    assert response.status_code == 200, response.text
    assert f"search/{version}/context.json" in response.content_type
    found: dict[str, Any] = response.json
    return found


def test_content_search_2_is_a_page_of_embedded_annotations(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    found = content(client, 2, oak[0], q="meise silva", user="me", motivation="supplementing")
    assert found["@context"] == "http://iiif.io/api/search/2/context.json"
    assert found["id"] == f"http://lectotype.test/search/2/{oak[0].key}?q=meise+silva&motivation=supplementing"
    assert (found["type"], found["ignored"]) == ("AnnotationPage", ["user"])
    (item,) = found["items"]
    assert item["type"] == "Annotation"
    assert "supplementing" in item["motivation"]
    assert item["target"]["source"]["id"].endswith(f"/canvas/{oak[1].key}")
    (highlights,) = found["annotations"]
    assert highlights["type"] == "AnnotationPage"
    exact = [one["target"]["selector"][0]["exact"] for one in highlights["items"]]
    assert exact == ["Meise", "silva"]
    assert {one["target"]["source"] for one in highlights["items"]} == {item["id"]}


def test_the_collection_of_everything_is_searched_as_a_whole(
    client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media]
) -> None:
    """Content Search 2.0, section 6.1: the service stands at the collection that it searches."""
    _, (second,) = add_sheet(runtime, "N 2", BIRCH)
    machine(runtime, second, "text", "Betula in silva", "10,20,30,40")
    index(runtime)
    found = client.get("/search/2/top?q=silva").json
    assert found["id"] == "http://lectotype.test/search/2/top?q=silva"
    assert {item["target"]["source"]["id"].rpartition("/")[2] for item in found["items"]} == {oak[1].key, second.key}
    exact = [one["target"]["selector"][0]["exact"] for one in found["annotations"][0]["items"]]
    assert exact == ["silva", "silva"]
    old = client.get("/search/1/top?q=silva").json
    assert [hit["match"] for hit in old["hits"]] == ["silva", "silva"]
    assert sorted(one["on"].partition("#")[2] for one in old["resources"]) == ["xywh=10,20,30,40", "xywh=2510,4880,1380,760"]
    assert [term["value"] for term in client.get("/search/2/top/autocomplete?q=sil").json["items"]] == ["silva"]
    assert [term["count"] for term in client.get("/search/1/top/autocomplete?q=sil").json["terms"]] == [2]
    assert client.get("/search/2/top/autocomplete?q=sil&min=3").json["items"] == []
    web = create_app(runtime).test_client()
    services = web.get("/iiif/presentation/3/collection/top.json").json["service"]
    assert [one.get("id") or one["@id"] for one in services] == [f"http://lectotype.test/search/{n}/top" for n in (2, 1)]


def test_content_search_1_has_a_box_on_every_annotation_and_each_hit_in_its_list(
    client: FlaskClient, runtime: Runtime, oak: tuple[Specimen, Media], addresses: Addresses
) -> None:
    with runtime.db.begin() as session:
        for target in (addresses.canvas(oak[0].key, oak[1].key), addresses.manifest(oak[0].key)):
            annotations.create(
                session, comment(target, "silva it is"), by=Principal.of_system(), addresses=addresses, at=runtime.clock()
            )
    index(runtime)
    found = content(client, 1, oak[0], q="silva")
    assert found["@context"] == ["http://iiif.io/api/presentation/2/context.json", "http://iiif.io/api/search/1/context.json"]
    assert (found["@type"], found["within"]) == ("sc:AnnotationList", {"@type": "sc:Layer", "total": 3})
    assert len(found["resources"]) == len(found["hits"]) == 3
    listed = {resource["@id"] for resource in found["resources"]}
    assert all(hit["annotations"][0] in listed and hit["match"] == "silva" for hit in found["hits"])
    assert all("#xywh=" in resource["on"] for resource in found["resources"])
    assert all(resource["motivation"] and resource["resource"] for resource in found["resources"])


def test_words_in_different_annotations_are_found_one_by_one(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    assert len(content(client, 1, oak[0], q="silva length")["resources"]) == 2
    assert content(client, 1, oak[0], q="nowhere")["hits"] == []
    assert content(client, 2, oak[0], q="")["items"] == []
    assert content(client, 2, oak[0])["items"] == []


def test_motivation_and_date_narrow_a_content_search(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    def total(**asked: str) -> int:
        return len(content(client, 2, oak[0], q="silva", **asked)["items"])

    assert (total(motivation="painting"), total(motivation="non-painting"), total(motivation="supplementing tagging")) == (
        0,
        1,
        1,
    )
    assert total(motivation="commenting") == 1  # as viewers are shown it
    assert total(date="2000-01-01T00:00:00Z/2999-01-01T00:00:00Z") == 1
    assert total(date="2000-01-01T00:00:00Z/2001-01-01T00:00:00Z") == 0
    assert client.get(f"/search/2/{oak[0].key}?q=silva&date=yesterday").status_code == 400


def test_long_content_searches_come_in_pages(
    client: FlaskClient, runtime: Runtime, settings: Any, oak: tuple[Specimen, Media]
) -> None:
    for number in range(5):
        machine(runtime, oak[1], "text", f"acorn {number}")
    index(runtime)
    from app.runtime import context

    context.use(Runtime(settings.with_(page_size=2), runtime.database, runtime.blobs, runtime.search))
    for version, first, size in (
        (1, "resources", lambda shown: shown["within"]["total"]),
        (2, "items", lambda shown: shown["partOf"]["total"]),
    ):
        shown = content(client, version, oak[0], q="acorn")
        seen: list[str] = []
        while True:
            assert size(shown) == 5
            seen += [one.get("id") or one["@id"] for one in shown[first]]
            following = shown.get("next")
            if not following:
                break
            iri = following if version == 1 else following["id"]
            shown = client.get(iri.removeprefix("http://lectotype.test")).json
            assert iri == (shown["@id"] if version == 1 else shown["id"])
        assert len(set(seen)) == len(seen) == 5
        assert shown["startIndex"] == 4


def test_autocomplete_proposes_words_of_this_specimen(client: FlaskClient, oak: tuple[Specimen, Media]) -> None:
    two = client.get(f"/search/2/{oak[0].key}/autocomplete?q=in%20sil&user=x").json
    assert (two["type"], two["ignored"]) == ("TermPage", ["user"])
    assert two["items"] == [
        {
            "value": "silva",
            "total": 1,
            "service": [{"id": f"http://lectotype.test/search/2/{oak[0].key}?q=silva", "type": "SearchService2"}],
        }
    ]
    one = client.get(f"/search/1/{oak[0].key}/autocomplete?q=M").json
    assert one["@type"] == "search:TermList"
    assert {"match": "mm", "url": f"http://lectotype.test/search/1/{oak[0].key}?q=mm", "count": 2} in one["terms"]
    assert client.get(f"/search/2/{oak[0].key}/autocomplete?q=birch").json["items"] == []
    assert client.get(f"/search/1/{oak[0].key}/autocomplete?q=mm&min=3").json["terms"] == []


def test_nothing_is_found_in_what_is_not_there(client: FlaskClient) -> None:
    assert client.get("/search/2/s10000000000?q=a").status_code == 404
    assert client.get("/search/3/s10000000000?q=a").status_code == 404


def test_a_document_is_made_of_what_stands(runtime: Runtime, oak: tuple[Specimen, Media], addresses: Addresses) -> None:
    with runtime.reads.begin() as session:
        made = documents.build(session, "specimen", oak[0].key, addresses)
        version = catalogue.get_specimen(session, oak[0].key).version
        unknown = documents.build(session, "annotation", "n10000000000", addresses)
    assert made.version == version
    assert made.fields["length"] == [71.5]
    assert made.fields["pxPerMm"] == [11.8]
    assert (made.fields["images"], made.fields["annotations"], made.fields["hasRuler"]) == (1, 3, True)
    assert LABEL in made.fields["text"]  # type: ignore[operator]  # text is a list
    assert "11.8 px per mm" not in made.fields["text"]  # type: ignore[operator]  # numbers are fields of their own
    assert unknown.deleted
    assert set(made.fields) <= {field.name for field in FIELDS}


@pytest.fixture(params=["tantivy", "elasticsearch"])
def hub(request: pytest.FixtureRequest, settings: Any, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> Iterator[Runtime]:
    """The runtime on either engine, as the commands find it."""
    search_url = request.getfixturevalue("elasticsearch_url") if request.param == "elasticsearch" else ""
    chosen = settings.with_(search_url=search_url, search_index=f"cli{free_port()}")
    engine = engines.connect(chosen, FIELDS)
    for name in ("data_dir", "search_url", "search_index", "base_url"):
        monkeypatch.setenv(f"LECTOTYPE_{name.upper()}", str(getattr(chosen, name)))
    yield Runtime(chosen, runtime.database, runtime.blobs, engine)
    engine.close()


def run(command: Any, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, list(arguments))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.stdout


def test_the_index_is_compared_repaired_and_made_anew(hub: Runtime) -> None:
    specimen, (media,) = add_sheet(hub, "BR7", OAK)
    said = machine(hub, media, "text", LABEL)
    index(hub)
    assert run(commands.check_index) == (0, "nothing differs.\n")
    hub.search.write(
        [
            Document(f"annotation/{said.key}", said.version, deleted=True),
            Document("specimen/s1zzzzzzzzzz", 1, {"sort": "specimen"}),
        ]
    )
    code, told = run(commands.check_index, "--json")
    assert code == 1
    faults = {(one["key"], one["fault"]) for one in json.loads(told)["differences"]}
    assert faults == {(f"annotation/{said.key}", "missing"), ("specimen/s1zzzzzzzzzz", "superfluous")}
    code, told = run(commands.check_index, "--repair")
    assert (code, told.splitlines()[-1]) == (0, "1 missing, 1 superfluous; 2 repaired.")
    hub.search.write([Document(f"specimen/{specimen.key}", 10_000, {"sort": "specimen"})])
    code, told = run(commands.check_index, "--repair")
    assert (code, told.splitlines()[-1]) == (1, "1 stale; 0 repaired.")
    assert run(commands.reindex) == (0, "3 documents indexed.\n")  # the segment that the text is, too
    assert run(commands.check_index) == (0, "nothing differs.\n")
    code, told = run(commands.search, "silva", "--json")
    assert (code, json.loads(told)["total"]) == (0, 1)
    assert "Meise, in [silva]" in run(commands.search, "silva")[1]
