"""Served annotations, collections and pages against the assertions of the W3C model suite."""

import json
from pathlib import Path
from typing import Any

import pytest

from analytics.statements import statement
from annotations.errors import MalformedAnnotation
from tests.contract.test_context import FINDINGS, source
from tests.contract.web_annotation import assertions, failures
from tests.sheets import ANNO, Hub, add_sheet, comment

COLLECTION, PAGE = "collections/collectionMusts.test", "collections/pages/pageMusts.test"
WRONG_SAMPLES = {"anno11.json", "anno12.json", "anno13.json"}  # called correct, and yet they fail the suite's own schemas


@pytest.fixture
def suite(shared: Path) -> Path:
    return shared / "schemas" / "web-annotation"


@pytest.fixture
def canvas(hub: Hub) -> str:
    specimen, (media,) = add_sheet(hub.runtime)
    return hub.addresses.canvas(specimen.key, media.key)


def samples(suite: Path, kind: str) -> dict[str, Any]:
    """The suite's sample annotations that are JSON."""
    found = {}
    for path in sorted((suite / "samples" / kind).rglob("anno*.json")):
        try:
            found[path.name] = json.loads(path.read_text())
        except ValueError:
            continue
    return found


def test_the_suite_is_whole_and_tells_right_from_wrong(suite: Path) -> None:
    assert len(assertions(suite)) == 54
    right, wrong = samples(suite, "correct"), samples(suite, "incorrect")
    assert {name for name, document in right.items() if failures(document, suite)} == WRONG_SAMPLES
    assert len(right) == 41
    assert wrong
    assert all(failures(document, suite) for document in wrong.values())


BODIES: dict[str, Any] = {
    "none": None,
    "an empty list": [],
    "an IRI": "http://example.org/note",
    "a text": {"type": "TextualBody", "value": "leaf", "purpose": "tagging", "language": "en"},
    "several": [
        {"type": "TextualBody", "value": "a"},
        "http://example.org/note",
        {"id": "http://example.org/x", "type": "Image"},
    ],
    "a specific resource": {"type": "SpecificResource", "purpose": "classifying", "source": "obo:PO_0025034"},
    "a choice": {"type": "Choice", "items": [{"type": "TextualBody", "value": "a"}, {"type": "TextualBody", "value": "b"}]},
}


@pytest.mark.parametrize("name", BODIES)
def test_what_is_accepted_is_served_as_the_model_asks(hub: Hub, canvas: str, suite: Path, name: str) -> None:
    box = {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": "xywh=pixel:1,2,3.5,4"}
    shape = {
        "type": "SvgSelector",
        "value": '<svg xmlns="http://www.w3.org/2000/svg"><rect x="1" y="1" width="2" height="2"/></svg>',
    }
    source = {"id": canvas, "type": "Canvas", "partOf": {"id": "http://lectotype.test/m"}}
    for target in (canvas, f"{canvas}#xywh=1,1,5,5", {"source": source, "selector": [box, shape]}, [canvas, {"id": canvas}]):
        document = {**comment(target, id="urn:uuid:5"), "body": BODIES[name]}
        if BODIES[name] is None:
            del document["body"]
        posted = hub.post(document)
        assert posted.status_code == 201, posted.json
        for profile in ("w3c", "annotorious"):
            shown = hub.get(f"{posted.json['id']}?profile={profile}").json
            assert failures(shown, suite) == []


def test_the_model_suite_and_our_checks_agree_on_the_wrong_samples(hub: Hub, canvas: str, suite: Path) -> None:
    """Whatever the suite finds wrong beside `id` and `target`, which we set and check ourselves, is refused here."""
    ours = {"3.1-annotationIdValidated", "3.2-targetObjectsRecognized", "3.1-targetKeyFound"}
    for name, sample in samples(suite, "incorrect").items():
        document = {**sample, "target": canvas}
        if set(failures({**document, "id": "urn:x:y"}, suite)) - ours:
            posted = hub.post(document)
            assert (posted.status_code, posted.json["title"]) == (400, MalformedAnnotation.__name__), name


def test_the_suites_correct_samples_are_accepted_on_our_canvas(hub: Hub, canvas: str, suite: Path) -> None:
    for name, sample in samples(suite, "correct").items():
        posted = hub.post({**sample, "target": canvas})
        assert posted.status_code == 201, (name, posted.json)
        assert failures(hub.get(posted.json["id"]).json, suite) == [], name


@pytest.mark.parametrize("form", ["anno_ocr", "anno_ruler", "anno_segment", "anno_ident", "anno_trait"])
def test_the_forms_of_machine_annotations_pass(hub: Hub, canvas: str, shared: Path, suite: Path, form: str) -> None:
    document = json.loads((shared / "design" / "ontology" / f"{form}.jsonld").read_text())
    if isinstance(document["target"], dict) and "source" in document["target"]:
        document["target"]["source"]["id"] = canvas
        document["target"]["selector"] = document["target"]["selector"][:1]
    else:
        document["target"] = canvas
    if form == "anno_ruler":
        document["target"]["selector"][0]["value"] = "xywh=pixel:200,5560,2380,210"
    posted = hub.post(document)
    assert posted.status_code == 201, posted.json
    assert failures(hub.get(posted.json["id"]).json, suite) == []


def test_the_container_and_its_pages_pass(hub: Hub, canvas: str, suite: Path) -> None:
    for _ in range(5):
        hub.post(comment(canvas))
    for prefer in ("ldp#PreferMinimalContainer", "oa#PreferContainedIRIs", "oa#PreferContainedDescriptions"):
        header = f'return=representation;include="http://www.w3.org/ns/{prefer}"'
        assert failures(hub.get("/annotations/", Prefer=header).json, suite, COLLECTION) == []
    for query in ("iris=0&page=first", "iris=1&page=first", "page=last"):
        assert failures(hub.get(f"/annotations/?{query}").json, suite, PAGE) == []


def test_the_context_may_be_a_list_that_holds_ours(hub: Hub, canvas: str, suite: Path) -> None:
    contexts = ["http://lectotype.test/ns/1/context.jsonld", ANNO]
    posted = hub.post(comment(canvas) | {"@context": contexts})
    assert posted.json["@context"] == contexts
    assert failures(posted.json, suite) == []


@pytest.mark.parametrize("name", FINDINGS)
def test_what_a_machine_states_passes_whatever_its_region_is(suite: Path, name: str) -> None:
    """But for a point: the suite of 2017 does not know the PointSelector of IIIF."""
    document = statement(FINDINGS[name], 1, source()) | {"id": "http://lectotype.test/annotations/n1"}
    assert failures(document, suite) == (["4.2-selectorValidIfPresent"] if name == "point" else [])
