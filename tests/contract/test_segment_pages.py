"""The page of a segment as who may change it uses it, without script: another class, parts, a merger, an end, a new shape."""

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.segments import ranges
from annotations.segments.model import Segment
from app.fsck import Check
from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from iiif.image.request import PixelBox
from tests.contract.presentation_schema import failure
from tests.contract.test_drawing_page import ask, fields
from tests.contract.test_segments import find, listed, told
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, make_hub


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "P 1", sizes=((1000, 1500),))
    return media


def tag(hub: Hub, key: str) -> str:
    found = hub.get(f"/api/segments/{key}").headers["ETag"].strip('"')
    return str(found)


def only(hub: Hub) -> str:
    (one,) = listed(hub)
    return str(one["key"])


def post(hub: Hub, who: Person, path: str, status: int = 303, **form: Any) -> Any:
    answer = ask(hub, who, path, {name.rstrip("_").replace("__", "-"): value for name, value in form.items()})
    assert answer.status_code == status, answer.text[:2000]
    return answer


def test_who_may_change_a_segment_finds_the_forms_on_its_page_and_others_do_not(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    key = only(hub)
    nobody = hub.get(f"/segments/{key}", Accept="text/html").text
    assert 'id="change"' not in nobody
    assert f'/login?next=/segments/{key}">Sign in</a> to change it' in nobody
    ana, ben = add_person(hub.runtime, "ana", "annotator"), add_person(hub.runtime, "ben", "reviewer")
    cat = add_person(hub.runtime, "cat", "curator")
    assert 'id="change"' not in ask(hub, ana, f"/segments/{key}").text
    page = ask(hub, ben, f"/segments/{key}").text
    assert 'id="change"' in page
    assert 'id="delete"' not in page
    assert 'id="delete"' in ask(hub, cat, f"/segments/{key}").text
    sheet = ask(hub, ben, f"/specimens/{media.specimen_key}").text
    assert f'id="segment-{key}"' in sheet
    assert f'/specimens/{media.specimen_key}/segments/{media.key}">Draw a segment' in sheet
    assert f'/segments/{key}#change">where it is changed' in sheet
    assert f'id="segment-{key}"' not in hub.get(f"/specimens/{media.specimen_key}", Accept="text/html").text


def test_a_class_is_changed_from_the_segment_and_from_the_sheet_and_who_is_late_is_told(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    key, ben = only(hub), add_person(hub.runtime, "ben", "reviewer", name="Ben Bos")
    seen = tag(hub, key)
    answer = post(hub, ben, f"/segments/{key}/change", class_="stamp", etag=seen)
    assert answer.headers["Location"] == f"/segments/{key}"
    record = told(hub, key)
    assert (record["class"], record["state"], record["version"]) == ("stamp", "accepted", 2)
    page = ask(hub, ben, f"/segments/{key}").text
    assert "Ben Bos says what and where it is" in page
    assert "Ben Bos says so, as reviewer, and nobody has said otherwise." in page
    late = post(hub, ben, f"/segments/{key}/change", 412, class_="packet", etag=seen)
    assert "has changed since you read it" in late.text
    assert '<option value="packet" selected>' in late.text, "what was chosen is kept"
    post(hub, ben, f"/segments/{key}/change", 400, class_="leafs", etag=tag(hub, key))
    post(hub, ben, f"/segments/{key}/change", 400, class_="label")
    back = f"/specimens/{media.specimen_key}"
    sheet = ask(hub, ben, back).text
    form = sheet.partition(f'id="segment-{key}"')[2]
    (etag,) = re.findall(r'name="etag" value="([^"]+)"', form.partition("</form>")[0])
    answer = post(hub, ben, f"/segments/{key}/change", class_="barcode", etag=etag, next=back)
    assert answer.headers["Location"] == back
    assert told(hub, key)["class"] == "barcode"


def test_a_segment_is_cut_by_lines_and_each_part_keeps_what_of_the_shape_lies_there(hub: Hub, media: Media) -> None:
    ben = add_person(hub.runtime, "ben", "reviewer")
    shape = "100,200 400,200 400,350 100,350"
    drawn = {"label": "label", "corners": shape, "x": "100", "y": "200", "w": "300", "h": "150", "annotation": ""}
    post(hub, ben, f"/specimens/{media.specimen_key}/segments/{media.key}", **drawn)
    key = only(hub)
    for wrong in ("300", "0", "x", "", "1.5", "-3"):
        refused = post(hub, ben, f"/segments/{key}/split", 400, side="left", at=wrong, class_="", etag=tag(hub, key))
        assert f'name="at" required maxlength="400" inputmode="numeric" autocomplete="off" value="{wrong}"' in refused.text
    assert only(hub) == key, "nothing is left behind"
    answer = post(hub, ben, f"/segments/{key}/split", side="left", at="200, 100", class_="", etag=tag(hub, key))
    parts = sorted(listed(hub), key=lambda one: one["box"])
    assert [one["box"] for one in parts] == [[100, 200, 100, 150], [200, 200, 100, 150], [300, 200, 100, 150]]
    assert all("200.0" not in str(one["selector"]) and one["class"] == "label" for one in parts)
    page = ask(hub, ben, answer.headers["Location"])
    assert page.status_code == 410
    assert all(f'/segments/{one["key"]}"' in page.text for one in parts)
    first = parts[0]["key"]
    post(hub, ben, f"/segments/{first}/split", side="top", at="60", class_="handwriting", etag=tag(hub, first))
    (upper, lower) = sorted(listed(hub, class_="handwriting"), key=lambda one: one["box"])
    assert (upper["box"], lower["box"]) == ([100, 200, 100, 60], [100, 260, 100, 90])


def test_segments_are_merged_and_deleted_on_the_page(hub: Hub, media: Media) -> None:
    find(hub, media, "10,10,100,50")
    find(hub, media, "10,70,120,50")
    find(hub, media, "600,900,120,50", kind="ruler")
    cat = add_person(hub.runtime, "cat", "curator")
    one, other = sorted(listed(hub, class_="label"), key=lambda one: one["box"])
    page = ask(hub, cat, f"/segments/{one['key']}").text
    assert re.search(r'name="with" value="(r1\w+)"', page)[1] == other["key"], "the nearest is the first"
    tags = dict(re.findall(r'name="etag-(r1\w+)" value="([^"]+)"', page))
    path = f"/segments/{one['key']}"
    refused = post(hub, cat, f"{path}/merge", 400, etag=tag(hub, one["key"]))
    assert "Choose from 1 to 19 segments" in refused.text
    form = {"etag": tag(hub, one["key"]), "with": other["key"], f"etag-{other['key']}": "1.99"}
    late = ask(hub, cat, f"{path}/merge", {**form, "class": "label"})
    assert late.status_code == 412
    assert f'value="{other["key"]}" checked' in late.text
    answer = ask(hub, cat, f"{path}/merge", {**form, f"etag-{other['key']}": tags[other["key"]], "class": "label"})
    assert answer.status_code == 303, answer.text
    merged = answer.headers["Location"].rpartition("/")[2]
    assert told(hub, merged)["box"] == [10, 10, 120, 110]
    post(hub, cat, f"/segments/{merged}/delete", etag=tag(hub, merged))
    ended = ask(hub, cat, f"/segments/{merged}")
    assert ended.status_code == 410
    assert "somebody says that there is none" in ended.text
    assert 'id="change"' not in ended.text


def test_a_segment_is_drawn_and_redrawn_by_numbers_alone_and_keeps_its_key(hub: Hub, media: Media) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    path = f"/specimens/{media.specimen_key}/segments/{media.key}"
    blank = fields(ask(hub, ana, path))
    refused = post(hub, ana, path, 400, **{**blank, "label": "stamp"})
    assert "A segment has a region" in refused.text
    refused = post(hub, ana, path, 400, **{**blank, "x": "1", "y": "2", "w": "30", "h": "40"})
    assert fields(refused)["w"] == "30", "what was written is kept"
    answer = post(hub, ana, path, **{**blank, "label": "stamp", "x": "50", "y": "60", "w": "70", "h": "80"})
    key = only(hub)
    assert answer.headers["Location"] == f"/segments/{key}"
    again = f"{path}?segment={key}"
    form = fields(ask(hub, ana, again))
    assert (form["label"], form["x"], form["w"], form["annotation"]) == ("stamp", "50", "70", key)
    post(hub, ana, path, **{**form, "w": "100"})
    record = told(hub, key)
    assert (record["box"], record["version"]) == ([50, 60, 100, 80], 2)
    late = post(hub, ana, path, 412, **{**form, "w": "120"})
    assert fields(late)["w"] == "120"
    _, (elsewhere,) = add_sheet(hub.runtime, "P 2", sizes=((800, 900),))
    assert ask(hub, ana, f"/specimens/{elsewhere.specimen_key}/segments/{elsewhere.key}?segment={key}").status_code == 400


def test_the_manifest_of_the_sheet_has_a_range_of_each_segment_nested_as_they_lie(hub: Hub, media: Media, shared: Path) -> None:
    find(hub, media, "100,200,300,150")
    find(hub, media, "120,220,50,50", kind="barcode")
    find(hub, media, "110,210,80,80", kind="stamp")
    find(hub, media, "600,900,120,50")
    manifest = hub.get(hub.addresses.manifest(media.specimen_key)).json
    assert failure(manifest, shared / "schemas" / "iiif" / "iiif_3_0.json") == ""
    (top,) = manifest["structures"]
    canvas = manifest["items"][0]["id"]

    def tree(shown: Any) -> Any:
        inner = [tree(one) for one in shown["items"] if one["type"] == "Range"]
        places = [one["selector"]["value"] for one in shown["items"] if one["type"] == "SpecificResource"]
        assert all(one["source"]["id"] == canvas for one in shown["items"] if one["type"] == "SpecificResource")
        return (shown["label"]["en"][0], *places, *inner)

    barcode = ("Barcode", "xywh=120,220,50,50")
    stamp = ("Stamp", "xywh=110,210,80,80", barcode)
    assert tree(top) == ("Segments", ("Label 1", "xywh=100,200,300,150", stamp), ("Label 2", "xywh=600,900,120,50"))
    assert top["items"][0]["metadata"][0]["value"] == {"en": ["Label"]}
    two = hub.get(hub.addresses.manifest(media.specimen_key, 2)).json["structures"]
    assert [one["label"] for one in two] == ["Segments", "Label 1", "Stamp", "Barcode", "Label 2"]
    assert two[0]["ranges"] == [two[1]["@id"], two[4]["@id"]]
    assert two[3]["canvases"] == [f"{canvas}#xywh=120,220,50,50"]
    assert len({one["@id"] for one in two}) == 5


boxes = st.lists(st.tuples(*[st.integers(0, 60)] * 2, *[st.integers(1, 40)] * 2), max_size=12)


@given(boxes)
def test_a_segment_is_nested_in_a_larger_one_that_holds_it_and_none_in_itself(found: list[tuple[int, int, int, int]]) -> None:
    now = datetime(2026, 1, 1, tzinfo=UTC)
    segments = [
        Segment(f"r{n}", 1, "label", "m1", (), PixelBox(*box), "accepted", "n", (), (), "x", now, now)
        for n, box in enumerate(found)
    ]
    around = ranges.parents(segments)
    assert len(around) == len(segments)
    for number, parent in enumerate(around):
        seen = set()
        while parent >= 0:
            assert parent not in seen, "no circle"
            seen.add(parent)
            inner, outer = segments[number].box, segments[parent].box
            assert outer.width * outer.height > inner.width * inner.height
            number, parent = parent, around[parent]


def test_versions_have_times_and_a_page_that_draws_them_and_are_restored(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    key, cat = only(hub), add_person(hub.runtime, "cat", "curator", name="Cat Cox")
    iri = hub.addresses.segment_record(key)
    post(hub, cat, f"/segments/{key}/change", class_="stamp", etag=tag(hub, key))
    drawing = f"/specimens/{media.specimen_key}/segments/{media.key}?segment={key}"
    post(hub, cat, drawing, **{**fields(ask(hub, cat, drawing)), "w": "200"})
    timemap = hub.get(f"{iri}/timemap")
    assert timemap.mimetype == "application/link-format"
    assert [f"<{iri}/versions/{n}>" in timemap.text for n in (1, 2, 3, 4)] == [True, True, True, False]
    second = hub.get(f"{iri}/versions/2")
    assert (second.json["class"], second.json["box"], second.json["by"]) == ("stamp", [100, 200, 300, 150], cat.key)
    assert second.headers["Memento-Datetime"]
    sent = hub.get(iri, Accept_Datetime="Thu, 01 Jan 2026 00:00:00 GMT")
    assert (sent.status_code, sent.headers["Location"]) == (302, f"{iri}/versions/1")
    assert "timemap" in hub.get(iri).headers["Link"]
    for unknown in (f"{iri}/versions/9", f"{iri}/timemap?before=1", hub.addresses.segment_record("r1bcdfghjkmn") + "/timemap"):
        assert hub.get(unknown).status_code == 404
    page = ask(hub, cat, f"/segments/{key}").text
    assert page.count('class="old"') == 1
    assert "67% of both in common" in page
    assert "<del>Label</del> <ins>Stamp</ins>" in page
    assert "Let version 3 stand again" not in page
    assert "stand again" not in hub.get(f"/segments/{key}", Accept="text/html").text
    post(hub, cat, f"/segments/{key}/restore", 412, version="1", etag="1.0")
    post(hub, cat, f"/segments/{key}/restore", 404, version="9", etag=tag(hub, key))
    post(hub, cat, f"/segments/{key}/restore", 400, version="3", etag=tag(hub, key))
    post(hub, cat, f"/segments/{key}/restore", version="1", etag=tag(hub, key))
    record = told(hub, key)
    assert (record["class"], record["box"], record["state"]) == ("label", [100, 200, 300, 150], "accepted")
    assert (record["versions"][0]["how"], record["versions"][0]["by"]) == ("restored", cat.key)
    assert list(Check(hub.runtime).wrong_segments()) == []


def test_what_was_ended_by_mistake_is_there_again_unless_its_parts_are(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    key, cat = only(hub), add_person(hub.runtime, "cat", "curator")
    ben = add_person(hub.runtime, "ben", "reviewer")
    post(hub, cat, f"/segments/{key}/delete", etag=tag(hub, key))
    assert "stand again" not in ask(hub, ben, f"/segments/{key}").text
    post(hub, ben, f"/segments/{key}/restore", 403, version="1", etag=tag(hub, key))
    assert "Let version 1 stand again" in ask(hub, cat, f"/segments/{key}").text
    post(hub, cat, f"/segments/{key}/restore", version="1", etag=tag(hub, key))
    assert (only(hub), told(hub, key)["version"]) == (key, 3)
    post(hub, cat, f"/segments/{key}/split", side="left", at="100", class_="", etag=tag(hub, key))
    refused = post(hub, cat, f"/segments/{key}/restore", 409, version="1", etag=tag(hub, key))
    assert "What it was split into is there" in refused.text
    for part in [one["key"] for one in listed(hub)]:
        post(hub, cat, f"/segments/{part}/delete", etag=tag(hub, part))
    answer = hub.client.post(
        f"/api/segments/{key}/restore", json={"version": 3}, headers={**cat.bearer, "If-Match": f'"{tag(hub, key)}"'}
    )
    assert answer.status_code == 200, answer.json
    assert (answer.json["box"], answer.json["successors"]) == ([100, 200, 300, 150], [])
    assert list(Check(hub.runtime).wrong_segments()) == []


def test_an_annotator_takes_the_end_of_their_own_segment_back(hub: Hub, media: Media) -> None:
    ana = add_person(hub.runtime, "ana", "annotator")
    new = {"media": media.key, "class": "stamp", "selector": {"type": "FragmentSelector", "value": "xywh=50,60,70,80"}}
    key = hub.client.post("/api/segments", json=new, headers=ana.bearer).json["key"]
    post(hub, ana, f"/segments/{key}/delete", etag=tag(hub, key))
    assert listed(hub) == []
    post(hub, ana, f"/segments/{key}/restore", version="1", etag=tag(hub, key))
    assert (only(hub), told(hub, key)["state"]) == (key, "unreviewed")
    assert list(Check(hub.runtime).wrong_segments()) == []


def test_a_refused_form_keeps_what_it_held_and_the_others_stay_as_they_are(hub: Hub, media: Media) -> None:
    find(hub, media, "100,200,300,150")
    find(hub, media, "100,600,300,150")
    key, cat = str(listed(hub)[0]["key"]), add_person(hub.runtime, "cat", "curator")
    page = post(hub, cat, f"/segments/{key}/merge", 400, class_="stamp", etag=tag(hub, key)).text
    change, merge = page[page.index('<select id="class"') :], page[page.index('<select id="class-merge"') :]
    assert '<details id="merge" open>' in page
    assert re.findall(r'value="(\w+)" selected', merge)[0] == "stamp"
    assert re.findall(r'value="(\w+)" selected', change)[0] == "label"
