"""What annotations are about: every target is kept as sent, found by whatever it names, and shown where it lies."""

from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy import event, select

from annotations import service, store
from annotations.model import About
from annotations.tables import AnnotationTargetRow
from app import relay
from app.runtime.outbox import OutboxRow
from app.runtime.principal import NOBODY, Grant, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.ingest import service as ingests
from tests.drain import drain
from tests.sheets import Hub, add_sheet, comment

CURATOR = Principal("c", (Grant("curator"),))
Sheet = tuple[Specimen, Media]


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(settings: Any, request: pytest.FixtureRequest) -> Any:
    url = "" if request.param == "sqlite" else request.getfixturevalue("migrated_url")
    return settings.with_(page_size=3, database_url=url)


def canvas(hub: Hub, sheet: Sheet) -> str:
    return hub.addresses.canvas(sheet[0].key, sheet[1].key)


def said(hub: Hub, target: Any, text: str = "A galled leaf", **headers: str) -> str:
    """The IRI of a new annotation about the target, which is kept as it is sent."""
    response = hub.post(comment(target, text), **headers)
    assert response.status_code == 201, response.json
    assert response.json["target"] == target
    assert hub.get(response.json["id"]).json["target"] == target
    return str(response.json["id"])


def listed(hub: Hub, target: str) -> list[str]:
    """The IRIs of the annotations about a thing, page after page."""
    found: list[str] = []
    url = hub.get("/annotations/", Accept="application/json").json["id"]
    page = hub.client.get("/annotations/", query_string={"target": target, "page": "first", "iris": "1"}).json
    total = page["partOf"]["total"]
    while True:
        found += page["items"]
        if "next" not in page:
            break
        page = hub.get(page["next"]).json
    assert url.endswith("/annotations/")
    assert len(found) == total == len(set(found))
    return found


def page_of(hub: Hub, sheet: Sheet) -> dict[str, Any]:
    """The targets of the page of annotations of people on the canvas, by the annotation's IRI."""
    items = hub.get(hub.addresses.annotation_page(sheet[1].key, "people")).json["items"]
    return {item["id"]: item["target"] for item in items}


def xywh(target: Any) -> str:
    selector = target["selector"]
    return str((selector[0] if isinstance(selector, list) else selector)["value"])


def box(value: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": value}


def key_of(iri: str) -> str:
    return iri.rpartition("/")[2]


def delete(hub: Hub, iri: str) -> None:
    assert hub.write("DELETE", iri).status_code == 204


def put(hub: Hub, iri: str, document: Any, query: str = "") -> Any:
    response = hub.write("PUT", iri + query, document)
    assert response.status_code == 200, response.json
    return response.json


def touched(hub: Hub) -> set[str]:
    """The specimens that wait to be indexed; they wait no more afterwards."""
    with hub.runtime.db.begin() as session:
        rows = session.scalars(select(OutboxRow).where(OutboxRow.kind == "index", OutboxRow.name == "specimen")).all()
        session.query(OutboxRow).delete()
        return {row.payload["key"] for row in rows}


def test_an_annotation_on_two_canvases_is_found_on_each_with_the_target_that_lies_there(
    hub: Hub, sheet: Sheet, other: Sheet
) -> None:
    here, there = canvas(hub, sheet), canvas(hub, other)
    iri = said(hub, [{"source": here, "selector": box("xywh=1,2,30,40")}, {"source": there, "selector": box("xywh=5,6,70,80")}])
    for iri_of_thing in (here, there, hub.addresses.pid(sheet[0].key), hub.addresses.manifest(other[0].key)):
        assert listed(hub, iri_of_thing) == [iri]
    for where, shown in ((sheet, "xywh=1,2,30,40"), (other, "xywh=5,6,70,80")):
        target = page_of(hub, where)[iri]
        assert target["source"]["id"] == canvas(hub, where)
        assert xywh(target) == shown
        manifest = hub.get(hub.addresses.manifest(where[0].key)).json
        assert manifest["items"][0]["annotations"][0]["id"] == hub.addresses.annotation_page(where[1].key, "people")
        assert iri in hub.get(hub.addresses.specimen_page(where[0].key)).text
    assert touched(hub) >= {sheet[0].key, other[0].key}


def test_an_annotation_on_two_canvases_is_found_by_search_inside_each(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    iri = said(hub, [f"{canvas(hub, sheet)}#xywh=1,2,30,40", f"{canvas(hub, other)}#xywh=5,6,70,80"], "cecidium")
    while relay.update_index(hub.runtime):
        pass
    for where, shown in ((sheet, "1,2,30,40"), (other, "5,6,70,80")):
        (item,) = hub.get(f"{hub.addresses.search(2, where[0].key)}?q=cecidium").json["items"]
        assert (item["id"], xywh(item["target"])) == (iri, f"xywh={shown}")
        (old,) = hub.get(f"{hub.addresses.search(1, where[0].key)}?q=cecidium").json["resources"]
        assert old["on"] == f"{canvas(hub, where)}#xywh={shown}"
        found = hub.get(f"/api/search?type=annotation&q=cecidium&media={where[1].key}").json
        assert [one["id"] for one in found["items"]] == [iri]
        (specimen,) = hub.get(f"/api/search?type=specimen&q=cecidium&media={where[1].key}").json["items"]
        assert specimen["key"] == where[0].key


def test_a_comment_on_an_annotation_lies_where_that_lies_and_is_listed_by_it(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    first = said(hub, [f"{canvas(hub, sheet)}#xywh=1,2,30,40", f"{canvas(hub, other)}#xywh=5,6,70,80"])
    reply = said(hub, first, "No gall, a mine")
    again = said(hub, {"source": reply, "selector": {"type": "TextQuoteSelector", "exact": "mine"}}, "Agreed")
    assert listed(hub, first) == [reply]
    assert listed(hub, reply) == [again]
    for where, shown in ((sheet, "xywh=1,2,30,40"), (other, "xywh=5,6,70,80")):
        assert sorted(listed(hub, canvas(hub, where))) == sorted([first, reply, again])
        assert {xywh(target) for target in page_of(hub, where).values()} == {shown}


def test_a_comment_on_a_version_names_the_version(hub: Hub, sheet: Sheet) -> None:
    first = said(hub, canvas(hub, sheet))
    put(hub, first, comment(canvas(hub, sheet), "better"))
    of_old, of_any = said(hub, f"{first}/versions/1"), said(hub, first)
    assert sorted(listed(hub, first)) == sorted([of_old, of_any])
    assert listed(hub, f"{first}/versions/1") == [of_old]
    assert listed(hub, f"{first}/versions/2") == []
    refused = hub.post(comment(f"{first}/versions/3"))
    assert (refused.status_code, refused.json["title"]) == (400, "UnknownTarget")


SEGMENT = ":100,200,400,300"


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize("ending", ["", "/info.json"])
def test_a_segments_selectors_count_from_its_corner(hub: Hub, sheet: Sheet, ending: str, version: int) -> None:
    service = f"{hub.addresses.base}/iiif/{version}/{sheet[1].key}{SEGMENT}"
    whole = said(hub, service + ending)
    part = said(hub, {"source": service + ending, "selector": box("xywh=10,20,30,40")})
    percent = said(hub, f"{service}{ending}#xywh=percent:50,50,50,50")
    polygon = '<svg xmlns="http://www.w3.org/2000/svg"><polygon points="0,0 100,0 50,80"/></svg>'
    shape = said(hub, {"source": service + ending, "selector": {"type": "SvgSelector", "value": polygon}})
    shown = page_of(hub, sheet)
    assert xywh(shown[whole]) == "xywh=100,200,400,300"
    assert xywh(shown[part]) == "xywh=110,220,30,40"
    assert xywh(shown[percent]) == "xywh=300,350,200,150"
    assert xywh(shown[shape]) == "xywh=100,200,100,80"
    assert "M100,200 L200,200 L150,280 Z" in shown[shape]["selector"][1]["value"]
    assert sorted(listed(hub, service)) == sorted([whole, part, percent, shape])
    assert listed(hub, canvas(hub, sheet)) == sorted([whole, part, percent, shape])
    outside = hub.post(comment({"source": service + ending, "selector": box("xywh=400,0,50,20")}))
    assert (outside.status_code, outside.json["title"]) == (400, "SelectorOutsideCanvas")


def test_an_info_json_and_a_picture_name_their_image(hub: Hub, sheet: Sheet) -> None:
    image = hub.addresses.image(sheet[1].key)
    cases = {
        f"{image}/info.json": "xywh=1,2,30,40",
        f"{image}/full/max/0/default.jpg": "xywh=1,2,30,40",
        f"{hub.addresses.image(sheet[1].key, 2)}/full/full/0/native.jpg": "",  # no quality of 2.1
        f"{image}/100,200,400,300/max/0/default.jpg": "xywh=101,202,30,40",
        f"{image}/100,200,400,300/200,150/0/gray.png": "xywh=102,204,60,80",
    }
    for source, shown in cases.items():
        document = comment({"source": source, "selector": box("xywh=pixel:1,2,30,40")})
        response = hub.post(document)
        if not shown:
            assert (response.status_code, response.json["title"]) == (400, "UnknownTarget")
            continue
        assert response.status_code == 201, response.json
        assert response.json["target"] == document["target"]
        assert xywh(page_of(hub, sheet)[response.json["id"]]) == shown
        assert response.json["id"] in listed(hub, source)
        assert response.json["id"] in listed(hub, canvas(hub, sheet))


def test_of_a_turned_picture_only_the_region_counts(hub: Hub, sheet: Sheet) -> None:
    turned = f"{hub.addresses.image(sheet[1].key)}/pct:0,0,50,50/!90,90/!90/default.jpg"
    iri = said(hub, turned)
    assert xywh(page_of(hub, sheet)[iri]) == "xywh=0,0,551,702"
    refused = hub.post(comment(f"{turned}#xywh=1,1,2,2"))
    assert (refused.status_code, refused.json["title"]) == (400, "BadSelector")


@pytest.mark.parametrize(
    "path",
    [
        "iiif/3/{media}:1000,1400,400,300", "iiif/3/{media}/2000,0,10,10/max/0/default.jpg",
        "iiif/3/{media}/full/max/0/default.xyz", "iiif/3/{media}/full/9,9999999/0/default.jpg",
        "iiif/3/{media}/full/max/720/default.jpg", "iiif/presentation/3/collection/none.json", "annotations/nothing",
        "api/runs/x1zzzzzzzzzz", "datasets/galls", "search/2/s1zzzzzzzzzz", "canvases/m1zzzzzzzzzz/annotations/people.json",
        "api/media/m1zzzzzzzzzz", "nothing/at/all", "annotations/", "specimens/{specimen}#xywh=1,1,2,2",
    ],
)  # fmt: skip
def test_what_is_not_here_is_refused_with_a_sentence_and_leaves_nothing(hub: Hub, sheet: Sheet, path: str) -> None:
    iri = f"{hub.addresses.base}/{path.format(media=sheet[1].key, specimen=sheet[0].key)}"
    for target in (iri, [canvas(hub, sheet), iri]):
        refused = hub.post(comment(target))
        assert (refused.status_code, refused.json["title"]) == (400, "UnknownTarget"), refused.json
    with hub.runtime.reads.begin() as session:
        assert service.count(session, by=CURATOR) == 0
        assert session.scalars(select(AnnotationTargetRow)).all() == []


def test_a_run_a_collection_and_a_page_of_annotations_are_targets_too(hub: Hub, sheet: Sheet) -> None:
    at, naan = hub.runtime.clock(), hub.addresses.naan
    with hub.runtime.db.begin() as session:
        ingest = ingests.begin(session, ["x.zip"], by=CURATOR, code_version="", environment={}, naan=naan, at=at)
    run, top = hub.addresses.ingest(ingest.key), hub.addresses.collection("top")
    page = hub.addresses.annotation_page(sheet[1].key, "people")
    on_run, on_top, on_page = said(hub, run), said(hub, top), said(hub, page)
    assert listed(hub, run) == listed(hub, f"{hub.addresses.base}/runs/{ingest.key}") == [on_run]
    assert (listed(hub, top), listed(hub, page)) == ([on_top], [on_page])
    assert listed(hub, canvas(hub, sheet)) == [on_page]
    assert hub.get(f"{on_run}?profile=iiif3").json["target"] == run
    while relay.update_index(hub.runtime):
        pass
    found = hub.get("/api/search?type=annotation&q=galled").json
    assert sorted(one["id"] for one in found["items"]) == sorted([on_run, on_top, on_page])


def test_things_elsewhere_may_stand_beside_ours_and_are_listed(hub: Hub, sheet: Sheet) -> None:
    long = "https://elsewhere.example/" + "a" * 900
    beside = said(
        hub, ["https://elsewhere.example/canvas/1", canvas(hub, sheet), {"id": long, "selector": {"type": "CssSelector"}}]
    )
    assert listed(hub, "https://elsewhere.example/canvas/1#xywh=1,1,1,1") == listed(hub, long) == [beside]
    assert page_of(hub, sheet) == {beside: canvas(hub, sheet)}
    assert hub.get(f"{beside}?profile=iiif3").json["target"] == canvas(hub, sheet)
    refused = hub.post(comment(["https://elsewhere.example/canvas/1", long]))
    assert (refused.status_code, refused.json["title"]) == (400, "UnknownTarget")
    refused = hub.post(comment([canvas(hub, sheet), "not an iri"]))
    assert (refused.status_code, refused.json["title"]) == (400, "MalformedAnnotation")


def test_what_is_said_about_a_deleted_annotation_stays_and_may_be_changed(hub: Hub, sheet: Sheet) -> None:
    first = said(hub, f"{canvas(hub, sheet)}#xywh=1,2,30,40")
    reply = said(hub, first)
    delete(hub, first)
    assert listed(hub, first) == listed(hub, canvas(hub, sheet)) == [reply]
    assert put(hub, reply, comment(first, "Why was it deleted?"))["target"] == first
    assert xywh(page_of(hub, sheet)[reply]) == "xywh=1,2,30,40"
    refused = hub.post(comment(first))
    assert (refused.status_code, refused.json["title"]) == (400, "UnknownTarget")


def test_what_is_said_about_an_annotation_moves_along(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    first = said(hub, f"{canvas(hub, sheet)}#xywh=1,2,30,40")
    reply = said(hub, first)
    again = said(hub, reply)
    touched(hub)
    put(hub, first, comment(f"{canvas(hub, other)}#xywh=5,6,70,80"))
    assert touched(hub) == {sheet[0].key, other[0].key}
    assert listed(hub, canvas(hub, sheet)) == []
    assert {iri: xywh(target) for iri, target in page_of(hub, other).items()} == dict.fromkeys(
        (first, reply, again), "xywh=5,6,70,80"
    )
    delete(hub, first)
    assert touched(hub) == {other[0].key}


def test_every_specimen_that_was_or_is_a_target_is_indexed_again(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    third, _ = add_sheet(hub.runtime, "A 3")
    iri = said(hub, [hub.addresses.pid(sheet[0].key), canvas(hub, other)])
    assert touched(hub) >= {sheet[0].key, other[0].key}
    put(hub, iri, comment([hub.addresses.pid(sheet[0].key), hub.addresses.manifest(third.key)]))
    assert touched(hub) == {sheet[0].key, other[0].key, third.key}
    assert listed(hub, canvas(hub, other)) == []
    delete(hub, iri)
    assert touched(hub) == {sheet[0].key, third.key}


def test_annotations_about_one_another_do_no_harm(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    one, two = said(hub, canvas(hub, sheet)), said(hub, canvas(hub, other))
    put(hub, one, comment([two, canvas(hub, sheet)]))
    put(hub, two, comment([one, canvas(hub, other)]))
    put(hub, one, comment([two, f"{canvas(hub, sheet)}#xywh=1,1,9,9"]))
    for where in (sheet, other):
        assert listed(hub, canvas(hub, where)) == sorted([one, two])
    refused = hub.write("PUT", one, comment(one))
    assert (refused.status_code, refused.json["detail"]) == (400, "An annotation cannot be about itself.")


def drawer(hub: Hub) -> tuple[list[Specimen], Media]:
    """Three specimens in one image of 800 × 600: the first is its home, the others have the left and the right half."""
    first, (image,) = add_sheet(hub.runtime, "D 1", sizes=((800, 600),))
    halves = {"D 2": OwnRegion(0, 0, 400, 600), "D 3": OwnRegion(400, 0, 800, 600)}
    specimens = [first]
    for number, region in halves.items():
        specimen, _ = add_sheet(hub.runtime, number, sizes=())
        specimens.append(specimen)
        with hub.runtime.db.begin() as session:
            at = hub.runtime.clock()
            catalogue.depict(session, specimen.key, image.key, by=CURATOR, region=region, at=at)
    return specimens, image


def test_a_target_lies_on_every_specimen_that_the_image_shows_there(hub: Hub) -> None:
    (home, left, right), image = drawer(hub)
    service_of = hub.addresses.image(image.key)
    everywhere, on_left, on_right = (
        said(hub, service_of),
        said(hub, f"{service_of}#xywh=1,1,9,9"),
        said(hub, f"{service_of}#xywh=500,1,9,9"),
    )
    assert listed(hub, hub.addresses.pid(home.key)) == sorted([everywhere, on_left, on_right])
    assert listed(hub, hub.addresses.pid(left.key)) == sorted([everywhere, on_left])
    assert listed(hub, hub.addresses.pid(right.key)) == sorted([everywhere, on_right])
    assert listed(hub, hub.addresses.canvas(home.key, image.key)) == sorted([everywhere, on_left, on_right])
    shown = page_of(hub, (home, image))
    assert {target if isinstance(target, str) else target["source"]["id"] for target in shown.values()} == {
        hub.addresses.canvas(home.key, image.key)
    }


def test_what_is_said_about_an_image_follows_the_specimens_that_it_shows(hub: Hub, sheet: Sheet) -> None:
    said_before = [said(hub, f"{canvas(hub, sheet)}#xywh=1,1,{side},9") for side in range(2, 9)]
    reply = said(hub, said_before[0])
    second, _ = add_sheet(hub.runtime, "A 9", sizes=())
    assert listed(hub, hub.addresses.pid(second.key)) == []
    with hub.runtime.db.begin() as session:
        catalogue.depict(session, second.key, sheet[1].key, by=CURATOR, at=hub.runtime.clock())
    drain(hub.runtime)
    for specimen in (second, sheet[0]):
        assert listed(hub, hub.addresses.pid(specimen.key)) == sorted([*said_before, reply])
    found = hub.get(f"{hub.addresses.search(2, second.key)}?q=galled").json["items"]
    assert len(found) == 3
    with hub.runtime.db.begin() as session:
        region, at = OwnRegion(500, 500, 600, 600), hub.runtime.clock()
        catalogue.depict(session, second.key, sheet[1].key, by=CURATOR, region=region, at=at)
    drain(hub.runtime)
    assert listed(hub, hub.addresses.pid(second.key)) == []
    assert listed(hub, hub.addresses.pid(sheet[0].key)) == sorted([*said_before, reply])


def test_a_statement_is_as_closed_as_the_most_closed_of_its_targets(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    iri = said(hub, [canvas(hub, sheet), canvas(hub, other)], "cecidium")
    reply = said(hub, iri, "cecidium indeed")
    with hub.runtime.db.begin() as session:
        catalogue.set_access(session, other[1].key, "closed", by=CURATOR, at=hub.runtime.clock())
    drain(hub.runtime)
    for about in (canvas(hub, sheet), hub.addresses.pid(sheet[0].key), iri):
        assert hub.client.get("/annotations/", query_string={"target": about}).json["total"] == 0
    assert page_of(hub, sheet) == {}
    assert hub.get("/annotations/").json["total"] == 0
    assert hub.get("/annotations/", Authorization=f"Bearer {hub.token}").json["total"] == 2
    for closed in (iri, reply, f"{iri}/versions/1"):
        assert hub.get(closed).status_code == 401
        assert hub.get(closed, Authorization=f"Bearer {hub.token}").status_code == 200
    assert hub.get("/api/search?type=annotation&q=cecidium").json["total"] == 0
    assert hub.get(f"{hub.addresses.search(2, sheet[0].key)}?q=cecidium").json["items"] == []
    refused = hub.write("POST", "/annotations/", comment(iri), Authorization="Bearer nothing")
    assert refused.status_code == 401


def plan(hub: Hub, ask: Any) -> Sequence[str]:
    """How SQLite finds the first thing that the call asks for."""
    asked: list[Any] = []
    event.listen(hub.runtime.database.engine, "before_cursor_execute", lambda *given: asked.append(given[2:4]))
    with hub.runtime.reads.begin() as session:
        ask(session)
        question, given = next(pair for pair in asked if pair[0].startswith("SELECT"))
        found = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {question}", given).all()
    return [row[3] for row in found]


@pytest.mark.parametrize("settings", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    "about",
    [
        About(media_key="m1"), About(media_key="m1", layer="people"), About(specimen_key="s1"),
        About(kind="annotation", key="n1"), About(kind="annotation", key="n1", version=2),
    ],
)  # fmt: skip
def test_whatever_is_asked_for_is_found_by_an_index_in_the_order_of_its_pages(hub: Hub, about: About) -> None:
    for after, before in (("n1a", ""), ("", "n1b"), ("", "~")):
        steps = plan(hub, lambda session, a=after, b=before: store.page(session, about, NOBODY, after=a, before=b, limit=10))
        assert not any(step.startswith("SCAN") or "TEMP B-TREE" in step for step in steps), steps
        assert "INDEX ix_annotation_targets_" in steps[0]
        assert before == "~" or "annotation_key" in steps[0].partition("(")[2], steps
    counted = plan(hub, lambda session: store.count(session, about, NOBODY))
    assert not any(step.startswith("SCAN") for step in counted), counted


def test_a_drawing_client_moves_the_target_that_it_was_shown_and_no_other(hub: Hub, sheet: Sheet, other: Sheet) -> None:
    here = {
        "source": canvas(hub, sheet),
        "selector": box("xywh=pixel:100,100,50,50"),
        "styleClass": "red",
        "scope": "http://a.example/",
    }
    there = {"source": canvas(hub, other), "selector": box("xywh=pixel:5,5,50,50")}
    iri = said(hub, [here, there])
    drawn = hub.get(f"{iri}?profile=annotorious").json
    drawn["target"]["selector"]["value"] = "xywh=pixel:140,100,50,50"
    moved = put(hub, iri, drawn, "?profile=annotorious")["target"]
    assert moved == [{**here, "selector": drawn["target"]["selector"]}, there]
    drawn["target"] = {"source": canvas(hub, other), "selector": box("xywh=pixel:7,7,50,50")}
    assert put(hub, iri, drawn, "?profile=annotorious")["target"] == [moved[0], drawn["target"]]
    unmoved = put(hub, iri, drawn, "?profile=annotorious")["target"]
    assert unmoved == [moved[0], drawn["target"]]


def test_a_drawing_client_that_leaves_a_segments_shape_leaves_the_segment(hub: Hub, sheet: Sheet) -> None:
    segment = {"source": hub.addresses.image(f"{sheet[1].key}{SEGMENT}"), "selector": box("xywh=10,20,30,40")}
    iri = said(hub, segment)
    drawn = hub.get(f"{iri}?profile=annotorious").json
    assert drawn["target"]["selector"]["value"] == "xywh=pixel:110,220,30,40"
    assert put(hub, iri, drawn, "?profile=annotorious")["target"] == segment
    drawn["target"]["selector"]["value"] = "xywh=pixel:150,220,30,40"
    assert put(hub, iri, drawn, "?profile=annotorious")["target"] == drawn["target"]
    assert xywh(page_of(hub, sheet)[iri]) == "xywh=150,220,30,40"
