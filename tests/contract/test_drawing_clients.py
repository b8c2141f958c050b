"""Documents as Annotorious 2 and hypothes.is write them: taken where they can be placed, else refused with a reason."""

from typing import Any

import pytest

from iiif.catalogue.model import Media, Specimen
from tests.sheets import ANNO, Hub

PROFILES = ("w3c", "annotorious", "iiif3", "iiif2")
QUOTE = {"type": "TextQuoteSelector", "exact": "Quercus", "prefix": "det. ", "suffix": " L."}
OF_A_PAGE = [
    {"type": "RangeSelector", "startContainer": "/div/p[1]", "startOffset": 5, "endContainer": "/div/p[1]", "endOffset": 12},
    {"type": "TextPositionSelector", "start": 5, "end": 12},
    QUOTE,
]
BOX = {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": "xywh=pixel:10,20,30,40"}


def annotorious(target: Any, **more: Any) -> dict[str, Any]:
    """As its store of a browser has it: an id that is only a fragment, and bodies with purposes."""
    bodies = [
        {"type": "TextualBody", "value": "a gall", "purpose": "commenting"},
        {"type": "TextualBody", "value": "gall", "purpose": "tagging"},
    ]
    named = {"@context": ANNO, "id": "#a88b22d0-6106-4872-9435-c78b5e89fede", "type": "Annotation"}
    return {**named, "body": bodies, "target": target, **more}


def hypothesis(target: Any, **more: Any) -> dict[str, Any]:
    """As the JSON-LD of its API, with members of its own."""
    document = {"title": ["A sheet"], "link": [{"href": "https://museum.example/1"}]}
    mine = {"document": document, "tags": ["leaf", "gall"], "uri": "https://museum.example/1", "group": "__world__"}
    named = {"@context": ANNO, "type": "Annotation", "motivation": "commenting", **mine}
    return {**named, "body": [{"type": "TextualBody", "value": "see here", "format": "text/markdown"}], "target": target, **more}


def taken(hub: Hub, sent: dict[str, Any], box: Any = None) -> str:
    """Its address, where it went in as it was sent and nothing is lost when a viewer sends it back."""
    posted = hub.post(sent)
    assert posted.status_code == 201, posted.json
    iri = posted.json["id"]
    kept = {name: value for name, value in sent.items() if name not in ("id", "motivation") and value != []}
    assert kept.items() <= posted.json.items()
    for profile in PROFILES:
        shown = hub.get(f"{iri}?profile={profile}")
        assert shown.status_code == 200
        back = hub.write("PUT", f"{iri}?profile={profile}", shown.json)
        assert back.status_code == 200, back.json
        assert kept.items() <= hub.get(iri).json.items(), profile
    if box is not None:
        assert box in hub.get(f"{iri}?profile=iiif2").text
    return str(iri)


SHAPES = {
    "a rectangle": (BOX, "#xywh=10,20,30,40"),
    "a polygon": ({"type": "SvgSelector", "value": '<svg><polygon points="10,20 40,20 40,60" /></svg>'}, "#xywh=10,20,30,40"),
    "a circle": ({"type": "SvgSelector", "value": '<svg><circle cx="25" cy="40" r="15"></circle></svg>'}, "#xywh=10,25,30,30"),
    "a freehand line": ({"type": "SvgSelector", "value": '<svg><path d="M10 20 L40 20 L40 60" /></svg>'}, "#xywh=10,20,30,40"),
    "a point": ({**BOX, "value": "xywh=pixel:10,20,0,0"}, "#xywh=10,20,1,1"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_annotorious_2_draws_on_a_canvas_or_an_image(hub: Hub, sheet: tuple[Specimen, Media], canvas: str, shape: str) -> None:
    selector, box = SHAPES[shape]
    picture = hub.addresses.image(sheet[1].key) + "/full/max/0/default.jpg"
    for source in (canvas, hub.addresses.image(sheet[1].key), picture):
        taken(hub, annotorious({"source": source, "selector": selector, "renderedVia": {"name": "rect"}}), box)


def test_annotorious_2_without_bodies_yet(hub: Hub, canvas: str) -> None:
    taken(hub, annotorious({"source": canvas, "selector": BOX}, body=[]), "#xywh=10,20,30,40")


def test_annotorious_2_without_a_source_is_refused_with_the_reason(hub: Hub) -> None:
    refused = hub.post(annotorious({"selector": BOX}))
    assert (refused.status_code, refused.json["parameter"]) == (400, "target")
    assert "an object with a source or an id" in refused.json["detail"]


def test_hypothesis_on_a_record_or_a_page_is_kept_as_it_came(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    for source in (hub.addresses.specimen_record(sheet[0].key), hub.addresses.manifest(sheet[0].key)):
        iri = taken(hub, hypothesis([{"source": source, "selector": OF_A_PAGE}]))
        assert hub.get(iri).json["tags"] == ["leaf", "gall"]


def test_a_quotation_beside_a_place_on_an_image_lies_there(hub: Hub, canvas: str) -> None:
    taken(hub, hypothesis([{"source": canvas, "selector": [QUOTE, BOX]}]), "#xywh=10,20,30,40")


def test_a_time_beside_no_place_is_of_the_whole_image(hub: Hub, canvas: str) -> None:
    for selector in ({**BOX, "value": "t=10,20"}, {"type": "PointSelector", "t": 10}):
        iri = taken(hub, hypothesis([{"source": canvas, "selector": selector}]))
        assert hub.get(iri).json["target"][0]["selector"] == selector
    taken(hub, hypothesis(f"{canvas}#t=10,20"))


def test_a_quotation_alone_selects_nothing_on_an_image(hub: Hub, canvas: str) -> None:
    refused = hub.post(hypothesis([{"source": canvas, "selector": OF_A_PAGE}]))
    assert refused.status_code == 400
    assert "not 'RangeSelector'" in refused.json["detail"]


def test_hypothesis_on_a_page_elsewhere_alone_or_in_its_own_form_is_refused_with_the_reason(hub: Hub) -> None:
    elsewhere = hub.post(hypothesis([{"source": "https://museum.example/1", "selector": OF_A_PAGE}]))
    assert elsewhere.status_code in (400, 404, 422)
    assert "At least one target must be a thing of" in elsewhere.json["detail"]
    own = hub.post({"uri": "https://museum.example/1", "text": "see", "tags": ["leaf"], "target": []})
    assert (own.status_code, own.json["parameter"]) == (400, "@context")
