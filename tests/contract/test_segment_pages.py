"""The page of a segment as who may change it uses it, without script: another class, parts, a merger, an end, a new shape."""

import re
from typing import Any

import pytest

from app.runtime.context import Runtime
from iiif.catalogue.model import Media
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
