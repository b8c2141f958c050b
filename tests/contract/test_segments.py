"""Segments: parts of images that are things of their own; alike on SQLite and PostgreSQL."""

import importlib
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from annotations import recount, region_frames, target_check, withdrawal
from annotations import service as annotations
from annotations.model import Canvas, CanvasBox
from annotations.regions import Region
from annotations.search import consistency
from annotations.segments import following
from annotations.segments.tables import SegmentRow, SegmentStatementRow, SegmentVersionRow
from annotations.selectors import read_fragment, read_shape, stored_selectors
from annotations.tables import AnnotationRow
from app.fsck import Check
from app.runtime import ids
from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from tests.contract.presentation_schema import failure
from tests.databases import on_both
from tests.drain import drain
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

settings = on_both


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    return make_hub(prepared)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "S 1", sizes=((1000, 1500),))
    return media


def find(hub: Hub, media: Media, xywh: str, kind: str = "label", run: str = "x1", **more: Any) -> str:
    """A machine's statement, as an analysis stores it; its key."""
    canvas = Canvas(media.width_px, media.height_px)
    region = more.pop("region", None) or read_fragment(f"xywh={xywh}", canvas)
    target = {"source": hub.addresses.canvas(media.specimen_key, media.key), "selector": stored_selectors(region)}
    document = comment(target, more.pop("text", "Carex nigra"), motivation="supplementing")
    with hub.runtime.db.begin() as session:
        made = {"media": media, "run_key": run, "kind": kind, "addresses": hub.addresses, "at": hub.runtime.clock()}
        return annotations.create_machine(session, document, **made, **more).key


def listed(hub: Hub, **asked: Any) -> list[dict[str, Any]]:
    answer = hub.client.get("/api/segments", query_string={name.rstrip("_"): value for name, value in asked.items()})
    assert answer.status_code == 200, answer.json
    assert answer.json["total"] == len(answer.json["items"])
    found: list[dict[str, Any]] = answer.json["items"]
    return found


def told(hub: Hub, key: str, status: int = 200) -> Any:
    answer = hub.get(f"/api/segments/{key}")
    assert answer.status_code == status, answer.json
    return answer.json


def judge(hub: Hub, who: Person, key: str, verdict: str, **more: Any) -> Any:
    said = {"annotation": hub.addresses.annotation(key), "version": 1, "verdict": verdict, **more}
    answer = hub.client.post("/api/verdicts", json=said, headers=who.bearer)
    assert answer.status_code == 201, answer.json
    return answer.json


def test_a_finding_makes_a_segment_and_a_newer_run_confirms_it(hub: Hub, media: Media) -> None:
    first = find(hub, media, "100.5,200,300,150.25")
    again = find(hub, media, "105,203,300,150", run="x2", text="Carex nigra L.")
    other = find(hub, media, "105,203,300,150", run="x2", text="another in the same run")
    find(hub, media, "100,200,300,150", kind="length")
    find(hub, media, "100,200,300,150", kind="ruler")
    labels = listed(hub, class_="label", media=media.key)
    assert len(labels) == 2, "two findings of one run are two segments"
    (one,) = (label for label in labels if label["box"] == [100, 200, 301, 151])
    assert ids.is_key(one["key"], hub.runtime.settings.naan)
    assert (one["class"], one["classTerm"], one["state"], one["madeBy"]) == ("label", "accd:c01", "unreviewed", "x1")
    assert one["specimenKeys"] == [media.specimen_key]
    assert (one["xFrac"], one["widthFrac"]) == (0.1, 0.301)
    record = told(hub, one["key"])
    assert [(said["key"], said["part"]) for said in record["statements"]] == [(first, "made"), (again, "confirms")]
    assert record["selector"][0]["value"] == "xywh=pixel:100.5,200,300,150.25"
    assert [version["how"] for version in record["versions"]] == ["made"]
    (second,) = (label for label in labels if label is not one)
    assert [said["key"] for said in told(hub, second["key"])["statements"]] == [other]
    assert [one["class"] for one in listed(hub, class_="ruler")] == ["ruler"]


def test_the_page_of_a_specimen_leads_from_a_finding_to_its_segment_and_back(hub: Hub, media: Media) -> None:
    key = find(hub, media, "100,200,300,150")
    find(hub, media, "100,200,300,150", kind="length")
    (segment,) = listed(hub)
    page = hub.get(f"/specimens/{media.specimen_key}", Accept="text/html").text
    (card,) = [part for part in page.split('<li class="finding')[1:] if "has a page of its own" in part]
    assert f'id="finding-{key}"' in card
    assert f'/segments/{segment["key"]}">This label has a page of its own</a>' in card
    back = hub.get(f"/segments/{segment['key']}", Accept="text/html").text
    assert f'/specimens/{media.specimen_key}"' in back
    assert f'/statements/{key}"' in back


def test_lists_are_narrowed_and_paged(hub: Hub, media: Media) -> None:
    _, (elsewhere,) = add_sheet(hub.runtime, "S 2", sizes=((1000, 1500),))
    for number in range(5):
        find(hub, media, f"{number * 100},0,50,{10 + number}", kind=("label", "ruler")[number % 2])
    find(hub, elsewhere, "0,0,500,500", run="x2", kind="outline")
    assert len(listed(hub)) == 6
    assert len(listed(hub, specimen=media.specimen_key)) == 5
    assert len(listed(hub, run="x1", class_="ruler")) == 2
    assert [one["class"] for one in listed(hub, run="x2")] == ["specimen"]
    assert len(listed(hub, state="unreviewed")) == 6
    assert listed(hub, state="deleted") == []
    areas = [one["box"][2] * one["box"][3] for one in listed(hub, minArea=550, maxArea=700)]
    assert areas == [550, 600, 650, 700]
    for asked in ("", "&minArea=0", "&class=label", "&run=x1"):
        whole = [one["key"] for one in hub.client.get(f"/api/segments?limit=100{asked}").json["items"]]
        seen, address = [], f"/api/segments?limit=2{asked}"
        while address:
            answer = hub.get(address)
            assert answer.json["total"] == len(whole)
            seen += [one["key"] for one in answer.json["items"]]
            address = answer.json["next"]
        assert seen == whole, asked
    for wrong in ("class=leafs", "state=gone", "after=x", "minArea=a", "limit=0", "limit=1000"):
        assert hub.client.get(f"/api/segments?{wrong}").status_code == 400, wrong
    assert hub.get("/api/segments/r1bcdfghjkmn").status_code == 404


def test_what_people_think_of_a_statement_is_what_becomes_of_its_segment(hub: Hub, media: Media) -> None:
    key, ana = find(hub, media, "10,10,100,50"), add_person(hub.runtime, "ana", "reviewer")
    (segment,) = listed(hub)
    said = judge(hub, ana, key, "approved")
    assert [one["key"] for one in listed(hub, state="accepted")] == [segment["key"]]
    hub.client.delete(f"/api/verdicts/{said['key']}", headers=ana.bearer)
    assert told(hub, segment["key"])["state"] == "unreviewed"
    judge(hub, ana, key, "rejected", reason="wrong text")
    assert told(hub, segment["key"])["state"] == "unreviewed", "its words are wrong, and the label is there"
    said = judge(hub, ana, key, "rejected", reason="nothing there")
    gone = told(hub, segment["key"], 410)
    assert (gone["title"], gone["state"], gone["successors"]) == ("EndedSegment", "rejected", [])
    assert gone["statements"][0]["state"] == "rejected"
    assert listed(hub) == []
    find(hub, media, "11,11,100,50", run="x2")
    assert told(hub, segment["key"], 410)["state"] == "rejected", "a machine does not bring back what people rejected"
    hub.client.delete(f"/api/verdicts/{said['key']}", headers=ana.bearer)
    assert told(hub, segment["key"])["state"] == "unreviewed"


def test_a_dispute_that_is_sealed_is_not_told_by_the_segment(hub: Hub, media: Media) -> None:
    key = find(hub, media, "10,10,100,50")
    with hub.runtime.db.begin() as session:
        session.execute(update(AnnotationRow).where(AnnotationRow.key == key).values(state="disputed", sealed=True))
        following.follow(session, [key], hub.runtime.clock())
    (segment,) = listed(hub)
    said = told(hub, segment["key"])
    assert (said["state"], said["statements"][0]["state"]) == ("unreviewed", "unreviewed")


def test_a_correction_moves_the_segment_and_its_undoing_moves_it_back(hub: Hub, media: Media) -> None:
    key, ana = find(hub, media, "10,10,100,50", kind="ruler"), add_person(hub.runtime, "ana", "reviewer")
    (segment,) = listed(hub)
    right = comment(f"{hub.addresses.canvas(media.specimen_key, media.key)}#xywh=20,20,200,60")
    said = judge(hub, ana, key, "rejected", reason="wrong place", correction=right)
    moved = told(hub, segment["key"])
    assert (moved["version"], moved["box"], moved["state"]) == (2, [20, 20, 200, 60], "accepted")
    assert [(one["how"], one["by"]) for one in moved["versions"]] == [("moved", ana.key), ("made", "x1")]
    assert moved["links"]["image"].endswith(":20,20,200,60")
    hub.client.delete(f"/api/verdicts/{said['key']}", headers=ana.bearer)
    back = told(hub, segment["key"])
    assert (back["version"], back["box"], back["state"]) == (3, [10, 10, 100, 50], "unreviewed")


def test_what_a_run_is_retracted_with_it_is_not_said_any_more(hub: Hub, media: Media) -> None:
    find(hub, media, "10,10,100,50", run="x1")
    find(hub, media, "14,10,100,50", run="x2")
    find(hub, media, "500,500,100,50", run="x1")
    assert len(listed(hub)) == 2
    with hub.runtime.db.begin() as session:
        withdrawal.withdraw(session, "x1", by="cat", reason="wrong", at=hub.runtime.clock())
        withdrawal.withdraw_batch(session, "x1", at=hub.runtime.clock())
    (left,) = listed(hub)
    assert left["box"] == [14, 10, 100, 50], "what still stands says where it is"
    assert [one["state"] for one in listed(hub, state="withdrawn")] == ["withdrawn"]
    with hub.runtime.db.begin() as session:
        withdrawal.restore(session, "x1")
        withdrawal.restore_batch(session, "x1", at=hub.runtime.clock())
    assert sorted(one["box"][0] for one in listed(hub)) == [10, 500]


def test_segments_are_found_and_the_index_agrees(hub: Hub, media: Media) -> None:
    key, ana = find(hub, media, "10,10,100,50", text="Chenopodium"), add_person(hub.runtime, "ana", "reviewer")
    find(hub, media, "10,500,400,50", kind="ruler", text="a ruler")
    drain(hub.runtime)
    answer = hub.client.get("/api/search?type=segment&q=chenopodium").json
    assert answer["total"] == 1
    (hit,) = answer["items"]
    assert (hit["type"], hit["class"], hit["box"]) == ("segment", "label", [10, 10, 110, 60])
    assert hub.client.get("/api/search?type=segment&kind=ruler").json["total"] == 1
    judge(hub, ana, key, "rejected", reason="nothing there")
    drain(hub.runtime)
    assert hub.client.get("/api/search?type=segment").json["total"] == 1
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []


def test_a_segment_has_a_manifest_and_a_canvas_of_its_own(hub: Hub, media: Media, shared: Path) -> None:
    find(hub, media, "100.5,200,300,150.25", text="Quercus suber")
    (one,) = listed(hub)
    manifest = hub.get(one["links"]["manifest"]).json
    assert failure(manifest, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
    (canvas,) = manifest["items"]
    assert (canvas["id"], canvas["width"], canvas["height"]) == (one["links"]["canvas"], 301, 151)
    service = canvas["items"][0]["items"][0]["body"]["service"][0]["id"]
    assert service == one["links"]["image"]
    sheet = hub.addresses.canvas(media.specimen_key, media.key)
    assert {part["id"] for part in canvas["partOf"]} == {manifest["id"], sheet}
    assert hub.addresses.manifest(media.specimen_key) in {part["id"] for part in manifest["partOf"]}
    assert hub.get(canvas["id"]).json["id"] == canvas["id"]
    assert hub.get(f"{canvas['id']}/page").json["items"][0]["target"] == canvas["id"]
    assert hub.get(f"{canvas['id']}/painting").json["motivation"] == "painting"
    assert hub.get(hub.addresses.manifest(one["key"], 2)).json["sequences"][0]["canvases"][0]["width"] == 301
    (page,) = canvas["annotations"]
    (said,) = hub.get(page["id"]).json["items"]
    assert said["target"]["source"]["id"] == canvas["id"]
    assert said["target"]["selector"][0]["value"] == "xywh=0,0,301,151"
    pages = hub.get(hub.addresses.manifest(media.specimen_key)).json["items"][0]["annotations"]
    (links,) = (page["id"] for page in pages if "segments" in page["id"])
    (link,) = hub.get(links).json["items"]
    assert (link["body"][0]["id"], link["motivation"]) == (manifest["id"], ["linking"])
    collection = next(part["id"] for part in manifest["partOf"] if part["type"] == "Collection")
    assert [item["id"] for item in hub.get(collection).json["items"]] == [manifest["id"]]
    assert hub.get(hub.addresses.collection("segments-leafs")).status_code == 404
    iiif = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
    for accept, where in (("text/html", "page"), (iiif, "manifest"), ("application/json", "self")):
        assert hub.get(one["id"], Accept=accept).headers["Location"] == one["links"][where]


def test_what_is_said_on_a_segment_is_on_the_sheet_and_the_reverse(hub: Hub, media: Media) -> None:
    find(hub, media, "101,203,307,151", kind="ruler")
    (one,) = listed(hub)
    canvas, page = one["links"]["canvas"], hub.addresses.annotation_page(one["key"], "people")
    shape = '<svg xmlns="http://www.w3.org/2000/svg"><path d="M 1.5 2 L 20 2 L 20 30.25 Z"/></svg>'
    target = {"source": canvas, "selector": {"type": "SvgSelector", "value": shape}}
    kept = hub.post(comment(target, "on the segment")).json
    assert kept["target"] == target, "it is stored as it was sent"
    hub.post(comment(f"{canvas}#xywh=280,100,40,100", "over the edge"))
    hub.post(comment(canvas, "about all of it"))
    sheet = hub.addresses.canvas(media.specimen_key, media.key)
    hub.post(comment(f"{sheet}#xywh=111,213,10,10", "on the sheet"))
    hub.post(comment(f"{sheet}#xywh=0,0,110,210", "its centre lies elsewhere"))
    on_sheet = shown(hub, hub.addresses.annotation_page(media.key, "people"))
    assert on_sheet["on the segment"] == ["xywh=102,205,19,29", "M102.5,205 L121,205 L121,233.25 Z"]
    assert on_sheet["about all of it"] == ["xywh=101,203,307,151"]
    on_segment = shown(hub, page)
    assert on_segment == {
        "on the segment": ["xywh=1,2,19,29", "M1.5,2 L20,2 L20,30.25 Z"],
        "over the edge": ["xywh=280,100,27,51"],
        "about all of it": ["xywh=0,0,307,151"],
        "on the sheet": ["xywh=10,10,10,10"],
    }
    ana = add_person(hub.runtime, "ana", "reviewer")
    moved = comment(f"{sheet}#xywh=90,190,400,200")
    judge(hub, ana, told(hub, one["key"])["statements"][0]["key"], "rejected", reason="wrong place", correction=moved)
    assert told(hub, one["key"])["box"] == [90, 190, 400, 200]
    assert shown(hub, hub.addresses.annotation_page(media.key, "people"))["on the segment"] == on_sheet["on the segment"]
    assert shown(hub, page)["on the segment"][0] == "xywh=12,15,19,29", "it stays on the sheet where it was"
    words = {**kept, "body": {"type": "TextualBody", "value": "in other words"}}
    assert hub.write("PUT", kept["id"], words).status_code == 200
    assert shown(hub, page)["in other words"][0] == "xywh=12,15,19,29"
    with hub.runtime.reads.begin() as session:
        faults = target_check.page(session, hub.addresses, after="", limit=100)
    assert [compared for compared in faults.values() if compared.differences or compared.unread] == []
    for iri in (one["id"], hub.addresses.manifest(one["key"]), one["links"]["page"], page):
        assert hub.post(comment(iri, "about it")).status_code == 201, iri
    assert hub.client.get("/annotations/", query_string={"target": canvas}).json["total"] == 6
    assert hub.post(comment(f"{canvas}#xywh=500,0,10,10")).status_code == 400


def test_nothing_new_is_said_of_a_segment_that_has_ended(hub: Hub, media: Media) -> None:
    key, ana = find(hub, media, "10,10,100,50"), add_person(hub.runtime, "ana", "reviewer")
    (one,) = listed(hub)
    note = hub.post(comment(f"{one['links']['canvas']}#xywh=1,1,5,5", "before")).json
    judge(hub, ana, key, "rejected", reason="nothing there")
    for address in (one["links"]["manifest"], one["links"]["canvas"], hub.addresses.annotation_page(one["key"], "people")):
        answer = hub.get(address)
        assert (answer.status_code, answer.json["state"]) == (410, "rejected"), address
    refused = hub.post(comment(one["links"]["canvas"], "after"))
    assert (refused.status_code, refused.json["title"]) == (400, "UnknownTarget")
    assert hub.write("PUT", note["id"], {**note, "bodyValue": "changed", "body": []}).status_code in (200, 400)
    assert shown(hub, hub.addresses.annotation_page(media.key, "people"))["before"] == ["xywh=11,11,5,5"]


@given(st.tuples(*[st.integers(0, 400)] * 2, *[st.integers(1, 400)] * 2), st.tuples(*[st.integers(0, 3200)] * 4))
def test_odd_boxes_come_back_exactly(box: tuple[int, int, int, int], part: tuple[int, ...]) -> None:
    """A statement in whole units or eighths of a segment's canvas lies on the sheet, and is on the segment where it was."""
    x, y, width, height = box
    frame = region_frames.Frame.segment(x, y, width, height)
    left, top, across, down = (number / 8 for number in part)
    own = Region(CanvasBox(left, top, left + across + 0.125, top + down + 0.25))
    assert frame.over(frame.back(own)) == own
    assert frame.back(own).box.x0 == own.box.x0 + x


def shown(hub: Hub, page: str) -> dict[str, list[str]]:
    """By its text what is drawn of each annotation on a page: its box, and its path."""
    found = {}
    for one in hub.get(page).json["items"]:
        target = one["target"]
        selectors = [] if isinstance(target, str) else target["selector"]
        selectors = selectors if isinstance(selectors, list) else [selectors]
        values = [re.sub(r".* d=\"([^\"]*)\".*", r"\1", selector["value"]) for selector in selectors]
        found[one["body"][0]["value"]] = values
    return found


def test_what_is_stored_otherwise_than_follows_is_told_and_mended(hub: Hub, media: Media) -> None:
    find(hub, media, "10,10,100,50")
    find(hub, media, "10,500,100,50")
    assert list(Check(hub.runtime).wrong_segments()) == []
    (one, _) = listed(hub)
    with hub.runtime.db.begin() as session:
        session.execute(update(SegmentRow).where(SegmentRow.key == one["key"]).values(state="rejected", live=False))
    (fault,) = Check(hub.runtime).wrong_segments()
    assert (fault.segment, fault.repaired) == (one["key"], False)
    assert "stored as rejected" in fault.sentence
    assert [fault.repaired for fault in Check(hub.runtime, repair=True).wrong_segments()] == [True]
    assert list(Check(hub.runtime).wrong_segments()) == []
    assert len(listed(hub)) == 2


def box(x: int, y: int, width: int, height: int) -> dict[str, str]:
    return {"type": "FragmentSelector", "value": f"xywh={x},{y},{width},{height}"}


def edit(hub: Hub, who: Person, method: str, path: str, body: Any = None, status: int = 200, etag: str = "*") -> Any:
    tag = etag if etag == "*" else f'"{etag}"'
    answer = hub.client.open(f"/api/segments{path}", method=method, json=body, headers={**who.bearer, "If-Match": tag})
    assert answer.status_code == status, answer.json
    return answer.json


def test_people_add_change_and_delete_segments(hub: Hub, media: Media) -> None:
    ana, ben = add_person(hub.runtime, "ana", "annotator"), add_person(hub.runtime, "ben", "reviewer")
    cat = add_person(hub.runtime, "cat", "curator")
    new = {"media": media.key, "class": "stamp", "selector": box(50, 60, 70, 80)}
    made = edit(hub, ana, "POST", "", new, 201)
    assert (made["class"], made["classTerm"], made["state"], made["madeBy"]) == ("stamp", "hub:stamp", "unreviewed", ana.key)
    (said,) = told(hub, made["key"])["statements"]
    statement = hub.get(said["id"]).json
    assert statement["creator"] == {"id": hub.addresses.pid(ana.key), "type": "Person"}
    assert (statement["motivation"], statement["body"][0]["source"]) == ("classifying", "hub:stamp")
    key, path = made["key"], f"/{made['key']}"
    changed = edit(hub, ana, "PATCH", path, {"selector": box(50, 60, 100, 80)}, etag=made["etag"])
    assert (changed["version"], changed["box"], changed["class"]) == (2, [50, 60, 100, 80], "stamp")
    edit(hub, ben, "PATCH", path, {"class": "label"}, 412, etag=made["etag"])
    changed = edit(hub, ben, "PATCH", path, {"class": "label"}, etag=changed["etag"])
    assert (changed["version"], changed["class"], changed["state"]) == (3, "label", "accepted")
    assert [(one["how"], one["by"]) for one in told(hub, key)["versions"]] == [
        ("reclassified", ben.key), ("moved", ana.key), ("made", ana.key),
    ]  # fmt: skip
    assert "accepted" in hub.get(f"/segments/{key}", Accept="text/html").text
    edit(hub, ben, "DELETE", path, status=403)
    edit(hub, cat, "DELETE", path, status=204)
    assert told(hub, key, 410)["state"] == "deleted"
    edit(hub, cat, "DELETE", path, status=410)
    page = hub.get(f"/segments/{key}", Accept="text/html")
    assert page.status_code == 410
    assert "says that there is none" in page.text
    find(hub, media, "50,60,100,80")
    assert listed(hub) == [], "what a person has ended is recognised, and stays ended"
    for wrong in (
        {"class": "leafs"}, {"selector": None}, {"selector": box(5000, 0, 10, 10)}, {"state": "accepted"}, {"class": 7},
        {"selector": "x"},
    ):  # fmt: skip
        edit(hub, ana, "POST", "", {**new, **wrong}, 400)
    edit(hub, ana, "POST", "", {**new, "media": "m1nothing"}, 404)
    assert hub.client.patch(f"/api/segments{path}", json={"class": "label"}, headers=ben.bearer).status_code == 428


def test_people_merge_and_split_segments_and_the_old_ones_say_what_took_their_place(hub: Hub, media: Media) -> None:
    ben, ana = add_person(hub.runtime, "ben", "reviewer"), add_person(hub.runtime, "ana", "annotator")
    _, (elsewhere,) = add_sheet(hub.runtime, "S 2", sizes=((800, 900),))
    find(hub, elsewhere, "0,0,10,10")
    find(hub, media, "10,10,100,50")
    find(hub, media, "10,70,120,50")
    one, two = (told(hub, label["key"]) for label in listed(hub, media=media.key))
    (other,) = listed(hub, media=elsewhere.key)
    tags = {label["key"]: hub.get(f"/api/segments/{label['key']}").headers["ETag"].strip('"') for label in (one, two, other)}
    both = {label["key"]: tags[label["key"]] for label in (one, two)}
    edit(hub, ana, "POST", "/merge", {"segments": both}, 403)
    edit(hub, ben, "POST", "/merge", {"segments": tags}, 409)
    edit(hub, ben, "POST", "/merge", {"segments": {**both, two["key"]: "1.9"}}, 412)
    edit(hub, ben, "POST", "/merge", {"segments": {one["key"]: both[one["key"]]}}, 400)
    assert len(listed(hub, media=media.key)) == 2, "nothing is left behind"
    merged = edit(hub, ben, "POST", "/merge", {"segments": both}, 201)
    assert (merged["box"], merged["state"]) == ([10, 10, 120, 110], "accepted")
    assert merged["derivedFrom"] == sorted(hub.addresses.pid(key) for key in both)
    gone = told(hub, one["key"], 410)
    assert (gone["state"], gone["successors"]) == ("merged", [merged["id"]])
    refused = hub.post(comment(one["links"]["canvas"]))
    assert merged["id"] in refused.json["detail"]
    parts = {"parts": [{"selector": box(10, 10, 100, 50)}, {"selector": box(10, 70, 120, 50), "class": "barcode"}]}
    edit(hub, ben, "POST", f"/{merged['key']}/split", {"parts": parts["parts"][:1]}, 400)
    made = edit(hub, ben, "POST", f"/{merged['key']}/split", parts, 201, etag=merged["etag"])["items"]
    assert [part["class"] for part in made] == ["label", "barcode"]
    assert told(hub, merged["key"], 410)["successors"] == [part["id"] for part in made]
    assert hub.get(hub.addresses.manifest(merged["key"])).json["successors"] == [part["id"] for part in made]
    drain(hub.runtime)
    assert hub.client.get(f"/api/search?type=segment&media={media.key}").json["total"] == 2
    with hub.runtime.reads.begin() as session:
        assert list(consistency.differences(session, hub.runtime.search)) == []


def test_an_older_release_gets_the_same_segments_by_the_migration(hub: Hub, media: Media) -> None:
    _, (elsewhere,) = add_sheet(hub.runtime, "S 2", sizes=((800, 900),))
    ana = add_person(hub.runtime, "ana", "reviewer")
    find(hub, media, "10.5,10,100,50")
    find(hub, media, "12,10,100,50", run="x2")
    find(hub, media, "12,10,100,50", run="x2")
    find(hub, media, "12,600,100,50", kind="length")
    shape = read_shape('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 1 1 L 300 1 L 300 400 Z"/></svg>')
    find(hub, elsewhere, "", kind="outline", region=shape)
    judge(hub, ana, find(hub, elsewhere, "500,500,9,9", kind="ruler"), "rejected", reason="nothing there")
    made = stored(hub)
    drain(hub.runtime)
    with hub.runtime.db.begin() as session:
        for table in (SegmentVersionRow, SegmentStatementRow, SegmentRow):
            session.execute(delete(table))
    migration = importlib.import_module("app.migrations.versions.0023_segments")
    with hub.runtime.database.engine.begin() as connection:
        for found in migration._by_image(connection):
            groups = [group for statements in found for group in migration._segments(statements)]
            migration._enter(connection, groups, hub.runtime.settings.naan)
    assert stored(hub) == made
    with hub.runtime.reads.begin() as session:
        rows = session.scalars(select(SegmentRow)).all()
        assert all(ids.is_key(row.key, hub.runtime.settings.naan) for row in rows)
        assert len(session.scalars(select(SegmentVersionRow)).all()) == len(rows)
    drain(hub.runtime)
    with hub.runtime.reads.begin() as session:
        differing = [one.fault for one in consistency.differences(session, hub.runtime.search)]
    assert set(differing) <= {"superfluous"}, "those with the keys of before"


def stored(hub: Hub) -> list[Any]:
    """What is kept of all segments, but for their keys."""
    names = ("class_name", "media_key", "selector", "x", "y", "width", "height", "area_px", "state", "live", "leader_key")
    with hub.runtime.reads.begin() as session:
        behind: dict[str, list[Any]] = {}
        for row in session.scalars(select(SegmentStatementRow).order_by(SegmentStatementRow.annotation_key)):
            behind.setdefault(row.segment_key, []).append((row.annotation_key, row.part, row.class_name, row.run_key))
        rows = session.scalars(select(SegmentRow).order_by(SegmentRow.leader_key)).all()
        return [[*(getattr(row, name) for name in names), behind[row.key]] for row in rows]


def test_what_says_that_there_is_a_segment_falls_and_rises_with_it(hub: Hub, media: Media) -> None:
    first, again = find(hub, media, "10,10,100,50"), find(hub, media, "11,10,100,50", run="x2", text="Carex nigra L.")
    ana, cat = add_person(hub.runtime, "ana", "reviewer"), add_person(hub.runtime, "cat", "curator")
    sheet = hub.addresses.canvas(media.specimen_key, media.key)
    hub.post(comment(f"{sheet}#xywh=20,20,10,10", "a hole in the paper"))
    (segment,) = listed(hub)

    def on_sheet() -> set[str]:
        pages = (hub.get(hub.addresses.annotation_page(media.key, layer)).json["items"] for layer in ("machine", "people"))
        return {item["id"].rpartition("/")[2] for page in pages for item in page}

    def state(key: str) -> tuple[str, str]:
        told_history = hub.get(f"/api/annotations/{key}/history").json
        return told_history["state"], (told_history["reason"] or {}).get("rule", "")

    before = on_sheet()
    assert {first, again} < before
    said = judge(hub, ana, first, "rejected", reason="nothing there")
    assert told(hub, segment["key"], 410)["state"] == "rejected"
    assert state(again) == ("rejected", "its segment was rejected")
    assert on_sheet() == before - {first, again}
    hub.client.delete(f"/api/verdicts/{said['key']}", headers=ana.bearer)
    assert (state(again)[0], state(first)[0], on_sheet()) == ("unreviewed", "unreviewed", before)
    edit(hub, cat, "DELETE", f"/{segment['key']}", status=204)
    assert {state(first), state(again)} == {("rejected", "its segment was deleted")}
    assert on_sheet() == before - {first, again}, "what else is said of the place stays"
    drain(hub.runtime)
    assert hub.client.get("/api/search?type=annotation&kind=label&state=rejected").json["total"] == 2
    with hub.runtime.reads.begin() as session:
        assert recount.check(session, after="", limit=100)[0] == []
    edit(hub, cat, "POST", f"/{segment['key']}/restore", {"version": 1})
    assert (state(first)[0], state(again)[0]) == ("unreviewed", "unreviewed")
    assert before < on_sheet()
    merged = edit(
        hub,
        cat,
        "POST",
        f"/{segment['key']}/split",
        {"parts": [{"selector": box(10, 10, 40, 50)}, {"selector": box(60, 10, 50, 50)}]},
        201,
    )
    assert len(merged["items"]) == 2
    drawn = [one["key"] for one in told(hub, segment["key"], 410)["statements"] if one["part"] == "changes"]
    assert [state(one) for one in drawn] == [("superseded", "its segment was merged or split")]
    assert state(first)[0] == "unreviewed", "what was read there was read"
    with hub.runtime.reads.begin() as session:
        assert recount.check(session, after="", limit=100)[0] == []
    assert list(Check(hub.runtime).wrong_segments()) == []
