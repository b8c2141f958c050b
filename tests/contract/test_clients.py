"""What annotation clients and viewers send: nothing is lost or invented when what they read comes back."""

import json
from pathlib import Path
from typing import Any

import pytest

from annotations.segment_api.views import SegmentKey
from iiif.catalogue.model import Media, Specimen
from tests.sheets import ANNO, Hub, comment

CASES = Path(__file__).parents[2].parent / "shared/cases/clients"
OURS = ("created", "modified")
PROFILES = ("w3c", "annotorious", "iiif3", "iiif2")
Sheet = tuple[Specimen, Media]
ACCEPTED = (
    "put-annotorious-drops-second-target",
    "put-iiif3-destroys-bodies",
    "put-iiif3-own-answer-refused",
    "painting-in-the-page-of-people",
    "no-text-for-linked-bodies",
    "points/point-selector.json",
    "target-is-the-address-of-a-picture",
)


def case(name: str, hub: Hub, sheet: Sheet, canvas: str, canvas2: str) -> Any:
    """A document of ../shared/cases; the test is skipped where they are not."""
    if not (CASES / name).is_file():
        pytest.skip("the shared cases are not here")
    text = (CASES / name).read_text().replace("{CANVAS}", canvas).replace("{CANVAS2}", canvas2)
    return json.loads(text.replace("{BASE}", hub.addresses.base).replace("{IMAGE}", sheet[1].key))


def cases(*folders: str) -> list[str]:
    """The documents of those folders; of the folders that are not here their names, for the skipped tests to bear."""
    return [str(path.relative_to(CASES)) for name in folders for path in sorted((CASES / name).glob("*.json")) or [CASES / name]]


def taken(hub: Hub, document: Any) -> str:
    response = hub.post(document)
    assert response.status_code == 201, response.json
    return str(response.json["id"])


def put(hub: Hub, iri: str, document: Any, profile: str = "") -> dict[str, Any]:
    query = f"?profile={profile}" if profile else ""
    response = hub.write("PUT", iri + query, document)
    assert response.status_code == 200, response.json
    return dict(response.json)


def stored(hub: Hub, iri: str) -> dict[str, Any]:
    """What stands, less the times, which are ours."""
    return {name: value for name, value in hub.get(iri).json.items() if name not in OURS}


def box(value: str = "xywh=pixel:100,100,50,50") -> dict[str, str]:
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": value}


def everything(canvas: str, canvas2: str) -> dict[str, Any]:
    """An annotation that no form for viewers can hold."""
    target = {"source": canvas, "selector": box(), "styleClass": "red", "scope": "http://example.org/x", "maeState": 1}
    bodies = [
        {"type": "TextualBody", "value": "a leaf", "purpose": "commenting", "creator": {"id": "https://example.org/people/1"}},
        {"type": "SpecificResource", "purpose": "classifying", "source": "http://www.wikidata.org/entity/Q12004"},
        {"id": "https://example.org/x.png", "type": "Image", "format": "image/png"},
        "https://example.org/plain",
    ]
    more = {"stylesheet": {"type": "CssStylesheet", "value": ".red { color: red }"}, "maeData": {"x": 1}, "confidence": 0.5}
    return comment([target, f"{canvas2}#xywh=5,5,50,50"]) | more | {"motivation": ["classifying", "painting"], "body": bodies}


@pytest.mark.parametrize("profile", PROFILES)
def test_what_was_read_in_a_profile_changes_nothing_when_it_comes_back(hub: Hub, canvas: str, canvas2: str, profile: str) -> None:
    typed = {"source": {"id": canvas, "type": "Canvas"}, "selector": box()}
    plain = {name: value for name, value in comment(typed, bodyValue="words").items() if name != "body"}
    for document in (
        everything(canvas, canvas2),
        comment(canvas),
        plain,
        {"@context": [ANNO], "type": "Annotation", "target": canvas},
    ):
        iri = taken(hub, document)
        before = stored(hub, iri)
        put(hub, iri, hub.get(f"{iri}?profile={profile}").json, profile)
        assert stored(hub, iri) == before


@pytest.mark.parametrize("name", cases(*ACCEPTED[:5]))
def test_the_cases_come_back_as_they_were(hub: Hub, sheet: Sheet, canvas: str, canvas2: str, name: str) -> None:
    iri = taken(hub, case(name, hub, sheet, canvas, canvas2))
    before = stored(hub, iri)
    for profile in PROFILES:
        shown = hub.get(f"{iri}?profile={profile}")
        assert "(no text)" not in shown.text
        put(hub, iri, shown.json, profile)
        assert stored(hub, iri) == before


@pytest.mark.parametrize("profile", ["annotorious", "iiif3", "iiif2"])
def test_an_edited_text_and_a_moved_shape_change_nothing_else(hub: Hub, canvas: str, canvas2: str, profile: str) -> None:
    document = everything(canvas, canvas2)
    iri = taken(hub, document)
    before = stored(hub, iri)
    sent = hub.get(f"{iri}?profile={profile}").json
    selector = box("xywh=140,100,50,50")
    if profile == "iiif2":
        sent["resource"][0]["chars"], sent["on"] = "two leaves", f"{canvas}#xywh=140,100,50,50"
    else:
        sent["body"][0]["value"], sent["target"]["selector"] = "two leaves", selector
    put(hub, iri, sent, profile)
    after = stored(hub, iri)
    moved = after["target"][0].pop("selector")
    assert "140,100,50,50" in moved["value"]
    assert after["target"][0] == {name: value for name, value in document["target"][0].items() if name != "selector"}
    assert after["target"][1] == before["target"][1]
    assert after["body"] == [{**before["body"][0], "value": "two leaves"}, *before["body"][1:]]
    assert {**after, "target": 0, "body": 0} == {**before, "target": 0, "body": 0}


def test_a_body_that_a_viewer_removes_or_adds_is_removed_or_added_alone(hub: Hub, canvas: str, canvas2: str) -> None:
    document = everything(canvas, canvas2)
    for profile in ("annotorious", "iiif3"):
        iri = taken(hub, document)
        sent = hub.get(f"{iri}?profile={profile}").json
        del sent["body"][1]
        added = {"type": "TextualBody", "value": "new", "purpose": "replying"}
        sent["body"].append(added)
        put(hub, iri, sent, profile)
        kept = document["body"]
        assert stored(hub, iri)["body"] == [kept[0], kept[2], kept[3], added]
        put(hub, iri, sent | {"body": []}, profile)
        assert "body" not in stored(hub, iri)


def test_a_plain_put_replaces_and_keeps_only_canonical_and_via(hub: Hub, canvas: str) -> None:
    selectors = [box("xywh=100,100,50,50"), {"type": "SvgSelector", "value": '<svg><path d="M100,100 h50 v50 h-50 z"/></svg>'}]
    more = {"rights": "http://creativecommons.org/licenses/by/4.0/", "confidence": 0.5, "creator": "https://example.org/people/1"}
    known = {"canonical": "urn:x:first", "id": "urn:x:mine"}
    iri = taken(hub, comment({"source": canvas, "selector": selectors}, **more, **known))
    for profile in ("", "w3c"):
        plain = comment({"source": canvas, "selector": selectors[0]})
        put(hub, iri, plain, profile)
        assert stored(hub, iri) == plain | {"id": iri, "canonical": "urn:x:first", "via": "urn:x:mine"}
    for changed in ({"canonical": "urn:x:other"}, {"via": ["urn:x:mine", "urn:x:other"]}):
        response = hub.write("PUT", iri, plain | changed)
        assert (response.status_code, response.json["title"]) == (409, "IdentityChanged")


def test_the_case_of_a_plain_put_is_gone(hub: Hub, sheet: Sheet, canvas: str, canvas2: str) -> None:
    folder = "plain-put-restores-what-was-removed"
    iri = taken(hub, case(f"{folder}/annotation.json", hub, sheet, canvas, canvas2))
    document = case(f"{folder}/put.json", hub, sheet, canvas, canvas2)
    put(hub, iri, document)
    assert stored(hub, iri) == document | {"id": iri}


def test_a_linked_body_is_read_by_its_label_or_its_iri(hub: Hub, canvas: str) -> None:
    tag = {"type": "SpecificResource", "purpose": "classifying", "source": {"id": "http://q/1", "label": "Quercus robur"}}
    named = {"id": "http://q/2", "type": "Image", "label": {"en": ["A drawing"]}}
    place = {"id": "http://q/3", "type": "Feature"}
    iri = taken(hub, comment(canvas) | {"body": [{"type": "TextualBody", "value": "seen"}, tag, named, place]})
    texts = ["seen", "Quercus robur", "A drawing", "http://q/3"]
    assert [body["value"] for body in hub.get(f"{iri}?profile=iiif3").json["body"]] == texts
    assert [body["chars"] for body in hub.get(f"{iri}?profile=iiif2").json["resource"]] == texts


def test_no_page_for_viewers_names_painting(hub: Hub, sheet: Sheet, canvas: str) -> None:
    taken(hub, comment(canvas) | {"motivation": "painting"})
    items = hub.get(hub.addresses.annotation_page(sheet[1].key, "people")).json["items"]
    assert [item["motivation"] for item in items] == [["commenting"]]


def one_of(converter: object) -> str | int:
    """A value that the converter of an address takes."""
    if isinstance(converter, SegmentKey):
        return "r10123456789"
    words = getattr(converter, "items", None)
    return 1 if "int" in str(converter).lower() else "a" if words is None else min(words)


def test_the_preflight_of_every_address_that_may_be_read_is_answered(hub: Hub, sheet: Sheet, canvas: str) -> None:
    iri, own = taken(hub, comment(canvas)), {"specimen_key": sheet[0].key, "media_key": sheet[1].key}
    asked = {"Origin": "https://viewer.example", "Access-Control-Request-Method": "GET"}
    asked |= {"Access-Control-Request-Headers": "accept,if-none-match,authorization"}
    app = hub.client.application
    adapter = app.url_map.bind("lectotype.test")
    addresses = [iri, f"/iiif/3/{sheet[1].key}/info.json", f"/iiif/2/{sheet[1].key}/full/max/0/default.jpg", "/annotations"]
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()):
            values = {name: own.get(name, one_of(rule._converters.get(name))) for name in rule.arguments}
            addresses.append(adapter.build(rule.endpoint, values | {"version": "2" if "iiif" in rule.rule else 1}))
    assert len(addresses) > 40
    for address in addresses:
        response = hub.client.options(address, headers=asked)
        assert response.status_code in (200, 204), address
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert "GET" in response.headers["Access-Control-Allow-Methods"]
        allowed = response.headers["Access-Control-Allow-Headers"].lower()
        assert all(name in allowed for name in ("accept,", "if-none-match", "authorization"))
        assert "Access-Control-Allow-Credentials" not in response.headers


@pytest.mark.parametrize(
    ("name", "xywh"),
    [
        ("svg-viewport-ignored/half-size.json", "20,20,100,80"),
        ("svg-viewport-ignored/viewbox-half.json", "20,20,100,80"),
        ("svg-viewport-ignored/viewbox-100.json", "110,140,551,562"),
        ("svg-viewport-ignored/offset.json", "10,10,50,40"),
        ("svg-viewport-ignored/nested.json", "110,110,50,40"),
        ("drawn-past-the-edge/box-left.json", "0,20,97,50"),
        ("drawn-past-the-edge/box-right.json", "1001,20,100,50"),
        ("drawn-past-the-edge/polygon.json", "0,100,300,300"),
        ("lines/level.json", "10,10,290,1"),
        ("lines/line.json", "10,10,290,300"),
        ("lines/path.json", "10,10,290,300"),
        ("lines/polyline.json", "10,10,290,300"),
        ("points/point-selector.json", "500,500,1,1"),
        ("points/zero-box.json", "500,500,1,1"),
        ("target-is-the-address-of-a-picture/full-max.json", "1,2,30,40"),
        ("target-is-the-address-of-a-picture/info.json", "1,2,30,40"),
    ],
)
def test_the_cases_lie_where_they_were_drawn(hub: Hub, sheet: Sheet, canvas: str, canvas2: str, name: str, xywh: str) -> None:
    iri = taken(hub, case(name, hub, sheet, canvas, canvas2))
    selector = hub.get(f"{iri}?profile=iiif3").json["target"]["selector"]
    assert selector[0]["value"] == f"xywh={xywh}"


def test_a_shape_drawn_past_the_edge_is_kept_as_sent_and_the_answer_says_so(hub: Hub, canvas: str) -> None:
    polygon = {"type": "SvgSelector", "value": '<svg><polygon points="-2,100 300,120 200,400"/></svg>'}
    for selector in (box("xywh=pixel:-3.2,20,100,50"), polygon):
        document = comment({"source": canvas, "selector": selector})
        response = hub.post(document)
        assert (response.status_code, response.json["target"]) == (201, document["target"])
        assert "reaches past the edge" in response.headers["Warning"]
        iri = response.json["id"]
        for profile in ("annotorious", "iiif3"):
            shown = hub.get(f"{iri}?profile={profile}").json
            drawn = shown["target"]["selector"]
            assert "-" not in (drawn[0] if isinstance(drawn, list) else drawn)["value"].replace("fill-rule", "")
            put(hub, iri, shown, profile)
            assert stored(hub, iri)["target"] == document["target"]
    inside = hub.post(comment({"source": canvas, "selector": box()}))
    assert "Warning" not in inside.headers
    mostly_outside = hub.post(comment({"source": canvas, "selector": box("xywh=-90,0,100,50")}))
    assert (mostly_outside.status_code, "Warning" in mostly_outside.headers) == (201, True)
    assert hub.get(f"{mostly_outside.json['id']}?profile=iiif3").json["target"]["selector"][0]["value"] == "xywh=0,0,10,50"
    response = hub.post(comment({"source": canvas, "selector": box("xywh=-90,0,90,50")}))
    assert (response.status_code, response.json["title"]) == (400, "SelectorOutsideCanvas")


def test_a_box_too_thin_to_be_seen_is_refused(hub: Hub, canvas: str) -> None:
    for target in (f"{canvas}#xywh=10,10,0.0000005,50", {"source": canvas, "selector": box("xywh=percent:1,1,0.0001,5")}):
        response = hub.post(comment(target))
        assert (response.status_code, response.json["title"]) == (400, "BadSelector")
        assert "0.01 canvas units" in response.json["detail"]
