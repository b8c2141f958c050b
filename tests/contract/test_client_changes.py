"""What clients do to annotations: all that they hand back unchanged stays, and what they change changes alone.

The forms are those of Annotorious 2 and 3, of Mirador's annotation plugin, and of scripts that copy what a page holds.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import update

from annotations.tables import AnnotationRow, AnnotationTargetRow
from iiif.catalogue.model import Media, Specimen
from tests.contract.test_clients import OURS, PROFILES, box, everything, put, stored, taken
from tests.contract.test_masks import selector
from tests.sheets import ANNO, Hub, comment

Sheet = tuple[Specimen, Media]
IIIF3 = "http://iiif.io/api/presentation/3/context.json"
PERSON = {"id": "https://example.org/people/1", "type": "Person"}


def svg(inner: str, attributes: str = "") -> dict[str, str]:
    return {"type": "SvgSelector", "value": f'<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inner}</svg>'}


def forms(hub: Hub, sheet: Sheet, canvas: str, canvas2: str) -> dict[str, dict[str, Any]]:
    """Annotations of every kind of target, selector and body."""
    specimen, media = sheet
    image = f"{hub.addresses.base}/iiif/3/{media.key}"
    selectors: dict[str, Any] = {
        "box in per cent": box("xywh=percent:10,10,12.3456789,20"),
        "box of parts of a unit": box("xywh=pixel:10.123456,20.9,30.000001,40"),
        "point": {"type": "PointSelector", "x": 12.25, "y": 30},
        "line": svg('<line x1="1.23456" y1="2" x2="300" y2="310"/>'),
        "closed line": svg('<path data-kind="line" fill="none" d="M9,9 L90,9 L90,90 L9,9"/>'),
        "ring with a hole": svg('<path fill-rule="evenodd" d="M9,9h90v90h-90z m20,20h40v40h-40z"/>'),
        "rings and a line": svg(
            '<circle cx="90" cy="90" r="40"/><rect x="9" y="300" width="40" height="30"/><path d="M9,9 400,400"/>'
        ),
        "styled": svg(
            '<style>g {transform: rotate(10deg)}</style><defs><path id="a" d="M99,9h50v50z"/></defs><g><use href="#a"/></g>'
        ),
        "viewBox": svg('<polygon points="10,10 90,20 40,80"/>', 'viewBox="0 0 100 100" preserveAspectRatio="none"'),
        "past the edge": svg('<polygon points="-700,100 300,120 200,400"/>'),
        "mask": [box("xywh=100,200,90,60"), selector(hub)],
        "box and shape": [box("xywh=5,5,200,200"), svg('<polygon points="10,10 90,20 40,80"/>')],
    }
    made = {name: comment({"source": canvas, "selector": said}) for name, said in selectors.items()}
    reply = taken(hub, comment(canvas))
    targets: dict[str, Any] = {
        "fragment": f"{canvas}#xywh=1,2,30,40",
        "typed": {"id": canvas, "type": "Canvas"},
        "image": {"source": image, "selector": box()},
        "info.json": {"source": f"{image}/info.json", "selector": box()},
        "picture": f"{image}/100,100,300,300/150,/0/default.jpg#xywh=10,10,20,20",
        "segment": {"source": f"{image}:100,100,300,300", "selector": box("xywh=10,10,20,20")},
        "manifest": hub.addresses.manifest(specimen.key),
        "specimen": hub.addresses.pid(specimen.key),
        "annotation": reply,
        "version": f"{reply}/versions/1",
        "words of an annotation": {"source": reply, "selector": {"type": "TextQuoteSelector", "exact": "leaf"}},
        "elsewhere first": ["https://example.org/page", {"source": canvas2, "selector": box("xywh=5,5,50,50")}],
    }
    made |= {name: comment(target) for name, target in targets.items()}
    bodies: dict[str, Any] = {
        "choice": {"type": "Choice", "items": [{"type": "TextualBody", "value": v, "language": v} for v in ("de", "en")]},
        "one in a list": [{"type": "TextualBody", "value": "x"}],
        "linked": {"source": {"id": "http://q/1", "label": "Quercus"}, "purpose": "identifying", "styleClass": "red"},
        "an IRI": "https://example.org/plain",
        "dated": [{"type": "TextualBody", "value": "x", "created": "2026-01-01T00:00:00Z", "creator": PERSON}, {"id": "urn:x:1"}],
        "twice the same": [{"type": "TextualBody", "value": "x"}, {"type": "TextualBody", "value": "x", "rights": "http://r/1"}],
    }
    made |= {name: comment(canvas) | {"body": body} for name, body in bodies.items()}
    made["everything"] = everything(canvas, canvas2)
    made["known elsewhere"] = comment(canvas) | {"id": "urn:x:mine", "canonical": "urn:x:first", "via": ["urn:x:a", "urn:x:b"]}
    made["nothing said"] = {"@context": [ANNO, IIIF3], "type": "Annotation", "target": canvas, "stylesheet": "http://s/1"}
    return made  # fmt: skip


def test_what_comes_back_in_a_form_in_which_it_was_handed_out_changes_nothing(
    hub: Hub, sheet: Sheet, canvas: str, canvas2: str
) -> None:
    """In each profile, and as the pages of the canvas and of the container have it."""
    changed = {}
    made = {name: taken(hub, document) for name, document in forms(hub, sheet, canvas, canvas2).items()}
    page = {item["id"]: item for item in hub.get(hub.addresses.annotation_page(sheet[1].key, "people")).json["items"]}
    container = {item["id"]: item for item in hub.get("/annotations/?iris=0&page=first").json["items"]}
    for name, iri in made.items():
        before = stored(hub, iri)
        sent = [(profile, hub.get(f"{iri}?profile={profile}").json) for profile in PROFILES]
        sent += [("iiif3", page[iri])] if iri in page else []
        sent += [("w3c", container[iri])] if iri in container else []
        for profile, document in sent:
            answer = hub.write("PUT", f"{iri}?profile={profile}", document)
            if answer.status_code != 200 or stored(hub, iri) != before:
                changed[name, profile] = answer.json
    assert not changed
    assert len(page) > 20


def milliseconds(time: str) -> str:
    """As JavaScript writes times."""
    return datetime.fromisoformat(time).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def through_annotorious(shown: Mapping[str, Any], source: str, value: str) -> dict[str, Any]:
    """What Annotorious 3 hands back with its W3C format: one target with the source that the page gave it, times of its own."""
    target = shown["target"] if isinstance(shown["target"], dict) else {}
    bodies = [
        {**body, "created": milliseconds(body["created"])} if "created" in body else dict(body) for body in shown.get("body", [])
    ]
    times = {name: milliseconds(shown[name]) for name in OURS}
    drawn = {**target, "source": source, "selector": {**target["selector"], "value": value}}
    return {**shown, "@context": ANNO, **times, "body": bodies, "target": drawn, "creator": {"id": "guest", "isGuest": True}}


@pytest.mark.parametrize("source", ["{canvas}", "{image}", "{image}/info.json", "{image}/full/max/0/default.jpg"])
def test_annotorious_moves_a_shape_and_nothing_else(hub: Hub, sheet: Sheet, canvas: str, canvas2: str, source: str) -> None:
    document = everything(canvas, canvas2) | {"creator": PERSON, "via": "urn:x:mine"}
    document["body"][0]["created"] = "2026-01-01T00:00:00Z"
    iri = taken(hub, document)
    before = stored(hub, iri)
    named = source.format(canvas=canvas, image=f"{hub.addresses.base}/iiif/3/{sheet[1].key}")
    sent = through_annotorious(hub.get(f"{iri}?profile=annotorious").json, named, "xywh=pixel:100,100,50,50")
    put(hub, iri, sent, "annotorious")
    assert stored(hub, iri) == before
    sent["target"]["selector"]["value"] = "xywh=pixel:140.5,100,50,50"
    put(hub, iri, sent, "annotorious")
    after = stored(hub, iri)
    assert after["target"][0].pop("selector") == sent["target"]["selector"]
    assert after["target"][0] == {name: value for name, value in before["target"][0].items() if name != "selector"}
    assert {**after, "target": 0} == {**before, "target": 0}
    assert after["target"][1:] == before["target"][1:]


def test_a_shape_moved_on_a_part_of_the_image_lies_on_its_canvas(hub: Hub, sheet: Sheet, canvas: str) -> None:
    """The viewer saw it in canvas units, so that its target is the canvas from then on."""
    segment = f"{hub.addresses.base}/iiif/3/{sheet[1].key}:100,100,300,300"
    iri = taken(hub, comment({"source": segment, "selector": box("xywh=10,10,20,20"), "styleClass": "red"}))
    sent = hub.get(f"{iri}?profile=annotorious").json
    assert sent["target"]["selector"]["value"] == "xywh=pixel:110,110,20,20"
    sent["target"]["selector"]["value"] = "xywh=pixel:150,110,20,20"
    put(hub, iri, sent, "annotorious")
    target = stored(hub, iri)["target"]
    assert target == {"source": canvas, "selector": sent["target"]["selector"], "styleClass": "red"}


def test_mirador_needs_no_context_and_says_its_canvas_in_its_own_words(hub: Hub, sheet: Sheet, canvas: str) -> None:
    source = {"id": canvas, "partOf": {"id": hub.addresses.manifest(sheet[0].key), "type": "Manifest"}, "type": "Canvas"}
    shapes = [box("xywh=10,20,30,40"), svg('<path d="M10,20h30v40h-30z" fill="none" stroke="#00bfff"/>')]
    drawn: dict[str, Any] = {
        "type": "Annotation",
        "motivation": "commenting",
        "body": [{"type": "TextualBody", "value": "<p>gall</p>"}, {"type": "TextualBody", "value": "leaf", "purpose": "tagging"}],
        "target": {"source": source, "selector": shapes},
        "maeData": {"templateType": "text"},
    }
    assert hub.post(drawn).status_code == 400  # Web Annotation Data Model, 3.1
    answer = hub.write("POST", "/annotations/?profile=iiif3", drawn)
    assert answer.status_code == 201, answer.json
    iri = answer.json["id"]
    assert stored(hub, iri)["maeData"] == drawn["maeData"]
    before = stored(hub, iri)
    shown = hub.get(hub.addresses.annotation_page(sheet[1].key, "people")).json["items"][0]
    shown["body"][0]["value"] = "<p>two galls</p>"
    put(hub, iri, shown, "iiif3")
    assert stored(hub, iri) == before | {"body": [{**drawn["body"][0], "value": "<p>two galls</p>"}, drawn["body"][1]]}


def test_what_a_form_does_not_show_is_not_overwritten_and_what_is_new_is_added(hub: Hub, canvas: str) -> None:
    text = {"type": "TextualBody", "value": "a leaf", "purpose": "commenting", "creator": PERSON}
    document = comment(f"{canvas}#xywh=1,2,30,40") | {"body": [text], "creator": PERSON, "rights": "http://r/1"}
    iri = taken(hub, document)
    before = stored(hub, iri)
    sent = hub.get(f"{iri}?profile=iiif3").json
    sent |= {"creator": "https://example.org/people/2", "audience": {"id": "urn:x:all", "type": "Audience"}}
    sent["body"][0] |= {"creator": "https://example.org/people/2", "textDirection": "ltr"}
    sent["target"] |= {"styleClass": "blue"}
    put(hub, iri, sent, "iiif3")
    after = stored(hub, iri)
    selected = {"type": "FragmentSelector", "value": "xywh=1,2,30,40"}
    assert after.pop("target") == {"source": canvas, "selector": selected, "styleClass": "blue"}
    assert after.pop("body") == [{**text, "textDirection": "ltr"}]
    assert after.pop("audience") == sent["audience"]
    assert after == {name: value for name, value in before.items() if name not in ("target", "body")}


def test_another_purpose_of_a_text_leaves_what_else_is_said_of_it(hub: Hub, canvas: str) -> None:
    texts = [{"type": "TextualBody", "value": value, "purpose": "commenting", "creator": PERSON} for value in ("one", "two")]
    iri = taken(hub, comment(canvas) | {"body": texts})
    sent = hub.get(f"{iri}?profile=iiif3").json
    sent["body"][1]["purpose"] = "tagging"
    put(hub, iri, sent, "iiif3")
    assert stored(hub, iri)["body"] == [texts[0], {**texts[1], "purpose": "tagging"}]


def test_what_a_form_does_not_show_stays_where_it_stood(hub: Hub, canvas: str) -> None:
    """A quantity for machines stands between two texts."""
    first, last = ({"type": "TextualBody", "value": value, "purpose": "commenting"} for value in ("one", "two"))
    quantity = {"id": "urn:x:q", "type": "dwc:Assertion", "dwc:assertionValue": "5"}
    iri = taken(hub, comment(canvas) | {"body": [first, quantity, last]})
    sent = hub.get(f"{iri}?profile=iiif3").json
    assert len(sent["body"]) == 2
    sent["body"][1]["value"] = "three"
    new = {"type": "TextualBody", "value": "four", "purpose": "replying"}
    put(hub, iri, sent | {"body": [*sent["body"], new]}, "iiif3")
    assert stored(hub, iri)["body"] == [first, quantity, {**last, "value": "three"}, new]


def test_a_document_with_the_context_of_presentation_3_alone_is_taken(hub: Hub, canvas: str) -> None:
    document = comment(canvas) | {"@context": IIIF3}
    iri = taken(hub, document)
    assert stored(hub, iri)["@context"] == [ANNO, IIIF3]
    before = stored(hub, iri)
    put(hub, iri, document)
    assert stored(hub, iri) == before
    open_annotation = {
        "@context": "http://iiif.io/api/presentation/2/context.json",
        "@type": "oa:Annotation",
        "motivation": ["oa:commenting"],
        "resource": [{"@type": "dctypes:Text", "chars": "a seal", "format": "text/html"}],
        "on": f"{canvas}#xywh=1,2,30,40",
    }
    answer = hub.write("POST", "/annotations/?profile=iiif2", open_annotation)
    assert (answer.status_code, answer.json["target"]) == (201, f"{canvas}#xywh=1,2,30,40")
    assert answer.json["body"] == [{"type": "TextualBody", "value": "a seal", "format": "text/html"}]


def test_a_page_shows_what_an_older_release_took_though_it_would_be_refused_now(hub: Hub, sheet: Sheet, canvas: str) -> None:
    """A box of no size that can be seen, one past the edge, and an svg that no reader takes any more."""
    old = {
        "tiny": box("xywh=10,10,0.0000005,50"),
        "outside": box("xywh=pixel:9000,9000,5,5"),
        "unread": svg('<polygon points="1,2 3,4 5,9" transform="perspective(5)"/>'),
    }
    made = {name: taken(hub, comment({"source": canvas, "selector": box("xywh=10,10,50,50")})) for name in old}
    with hub.runtime.db.begin() as session:
        for name, iri in made.items():
            key = iri.rpartition("/")[2]
            row = session.get_one(AnnotationRow, key)
            row.document = row.document | {"target": {"source": canvas, "selector": old[name]}}
        thin = update(AnnotationTargetRow).where(AnnotationTargetRow.annotation_key == made["tiny"].rpartition("/")[2])
        session.execute(thin.values(x1=10.0000005))
    items = {item["id"]: item for item in hub.get(hub.addresses.annotation_page(sheet[1].key, "people")).json["items"]}
    for name, iri in made.items():
        assert items[iri]["target"]["selector"][0]["value"] == ("xywh=10,10,1,50" if name == "tiny" else "xywh=10,10,50,50")
        for profile in PROFILES:
            assert hub.get(f"{iri}?profile={profile}").status_code == 200
        assert stored(hub, iri)["target"]["selector"] == old[name]
