"""Every sentence on the page of a specimen and of a run is true, and says who says it."""

import re
from html import unescape

import pytest

from analytics import service as analytics
from analytics import tasks
from analytics.model import StepMark, Worker
from analytics.statements import gave_up, nothing_found
from analytics.steps.model import Finding
from annotations.regions import Region
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue import depictions
from iiif.catalogue.model import Media
from tests.sheets import ANNO, Hub, add_sheet, comment, make_hub
from tests.unit.app.test_pages import page, say


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


def words(hub: Hub, path: str) -> str:
    """The text of a page, white space as single spaces."""
    html = re.sub(r"(?s)<(script|style)\b.*?</\1>", " ", page(hub, path))
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())


def ruler_of_a_person(hub: Hub, media: Media, value: str = "11.81", **more: object) -> dict[str, object]:
    body = {"type": "dwc:Assertion", "value": f"{value} px per mm", "dwc:assertionValue": value, "dwc:assertionUnit": "px/mm"}
    context = [f"{hub.addresses.base}/ns/1/context.jsonld", ANNO]
    target = hub.addresses.canvas(media.specimen_key, media.key)
    return comment(target, **{"@context": context, "motivation": "assessing", "body": body, **more})


def test_what_a_person_says_is_never_nothing_found_and_names_who_and_when(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    named = ruler_of_a_person(hub, media, creator={"type": "Person", "name": "A. Curator"})
    assert hub.post(named).status_code == 201
    assert hub.post(comment(hub.addresses.canvas(specimen.key, media.key), motivation="assessing")).status_code == 201
    shown = words(hub, f"/specimens/{specimen.key}")
    assert "nothing found" not in shown
    assert "11.81 px/mm" in shown
    day = f"{hub.runtime.clock():%d %b %Y}"
    assert f"Said by A. Curator, {day}" in shown
    assert f"A galled leaf Said by a person who is not named, {day}" in shown


def test_no_statement_claims_a_surety_that_nobody_calibrated(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    box = Region.of_box(0, 0, 100, 50)
    lines = [{"text": "Quercus", "confidence": 0.999}, {"text": "Brux.", "confidence": 0.7}]
    data = {"lines": lines, "turnedDegrees": 0}
    say(hub, media, "ocr", Finding("label", "Quercus\nBrux.", box, confidence=1.0, motivations=("supplementing",), data=data))
    for kind, text in (("Code 128", "BR 0001"), ("Code 39", "BR 0002"), ("QR code", "BR 0003")):
        found = Finding("barcode", text, box, motivations=("identifying",), data={"format": kind, "value": text})
        say(hub, media, "barcode", found)
    shown = words(hub, f"/specimens/{specimen.key}")
    assert not re.search(r"\d\s?%|\bsure\b", shown)
    assert "not proofread; 1 of 2 lines poorly" in shown
    for grounds in ("its check character agrees", "need not have a check character, so it may be misread", "error correction"):
        assert grounds in shown


def test_a_doubtful_outline_and_its_length_say_so(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    doubts = {
        "endsPx": [(10, 20), (300, 400)],
        "doubts": [{"kind": "edge", "text": "touches the image's edge along 5 % of its length"}],
    }
    line = Region.of_line([(10, 20), (300, 400)])
    text = "Length of the specimen: 47 px (u = 1 px); doubtful, as the outline is"
    say(hub, media, "specimen", Finding("length", text, line, 47.0, "px", 1.0, motivations=("measuring",), data=doubts))
    html = page(hub, f"/specimens/{specimen.key}")
    assert '<span class="tag warn">doubtful</span>' in html
    assert 'data-box="10,20,300,400"' in html
    assert html.count("<circle") == 2, "the ends of the line that was measured"


def test_a_length_tells_when_its_scale_is_not_the_one_that_counts(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    scale = Finding("ruler", "10 px per mm", value=10.0, unit="px/mm", motivations=("calibrating",))
    say(hub, media, "ruler", scale)
    assert "Another scale counts" not in words(hub, f"/specimens/{specimen.key}")
    assert hub.post(ruler_of_a_person(hub, media)).status_code == 201
    assert "Another scale counts for this image." in words(hub, f"/specimens/{specimen.key}")


def test_what_is_said_of_an_image_of_several_specimens_may_be_of_another(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    other, _ = add_sheet(hub.runtime, "BR 0002")
    say(hub, media, "specimen", Finding("length", "Length", value=12.0, unit="mm", uncertainty=0.5, motivations=("measuring",)))
    assert "may be another's" not in words(hub, f"/specimens/{specimen.key}")
    with hub.runtime.db.begin() as session:
        depictions.depict(session, other.key, media.key, by=Principal.of_system(), at=hub.runtime.clock())
    assert "The image shows other specimens too: this may be another's." in words(hub, f"/specimens/{specimen.key}")


def analysed(hub: Hub, media: Media, **states: tuple[str, str]) -> str:
    """A run over the image whose steps ended so, by name (state, reason); the others found nothing. The run's key."""
    runtime, at = hub.runtime, hub.runtime.clock()
    with runtime.db.begin() as session:
        run = analytics.run_over(session, [media], by=Principal.of_system(), naan=runtime.settings.naan, at=at)
        begun = tasks.begin(session, run.key, media.key, Worker("1", "f", {}), at=at)
        assert begun is not None
        for name in begun[1].steps:
            state, reason = states.get(name, ("nothing found", "Looked."))
            tasks.end_step(session, run.key, media.key, name, StepMark(state, reason, 0.1))
        tasks.end(session, run.key, media.key, at=at)
    return run.key


def test_a_step_that_failed_is_told_and_not_taken_for_one_that_found_nothing(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    analysed(hub, media, ruler=("failed", "ValueError: no"))
    shown = words(hub, f"/specimens/{specimen.key}")
    assert "ruler failed Nothing is known of what it looks for. ValueError: no" in shown
    assert "No analysis has run" not in shown
    assert shown.count("ValueError: no") == 1


def test_a_page_without_findings_says_why(hub: Hub) -> None:
    bare, _ = add_sheet(hub.runtime, "BR 0009", sizes=())
    assert "it has no image that can be analysed" in words(hub, f"/specimens/{bare.key}")
    specimen, (media,) = add_sheet(hub.runtime)
    assert "no analysis has run over its images yet" in words(hub, f"/specimens/{specimen.key}")
    key = analysed(hub, media)
    assert "how the analyses ended is told below" in words(hub, f"/specimens/{specimen.key}")
    with hub.runtime.db.begin() as session:
        analytics.retract(session, key, "Wrong unit.", by=Principal.of_system(), at=hub.runtime.clock())
    shown = words(hub, f"/specimens/{specimen.key}")
    assert "Nothing that was said of it stands: the analyses were retracted." in shown
    assert "Wrong unit." in shown


def test_a_step_that_found_nothing_and_its_author_are_told(hub: Hub) -> None:
    specimen, (media,) = add_sheet(hub.runtime)
    say(hub, media, "ruler", nothing_found("ruler", "No scale: nothing was seen."))
    shown = words(hub, f"/specimens/{specimen.key}")
    assert (
        "No scale: nothing was seen. nothing found Details of: No scale: nothing was seen. Said by Lectotype, step ruler" in shown
    )
    say(hub, media, "chart", gave_up("chart", 300))
    assert "nothing is known of what it looks for. gave up Details" in words(hub, f"/specimens/{specimen.key}")


@pytest.mark.parametrize(
    ("terms", "rights", "told"),
    [
        ({}, "", "Rights Nothing is stated."),
        ({"license": "CC BY 4.0"}, "", "Rights CC BY 4.0 (the record says so, not the image)"),
        ({"license": "CC0"}, "All rights reserved", "Rights All rights reserved Cite"),
    ],
)
def test_rights_are_those_of_the_image_or_else_said_to_be_the_records(
    hub: Hub, terms: dict[str, str], rights: str, told: str
) -> None:
    specimen, _ = add_sheet(hub.runtime, terms=terms, rights=rights)
    assert told in words(hub, f"/specimens/{specimen.key}")


def test_a_place_that_is_held_back_is_said_to_be(hub: Hub) -> None:
    terms = {"country": "Belgium", "locality": "Meise", "informationWithheld": "Locality withheld"}
    specimen, _ = add_sheet(hub.runtime, terms=terms)
    shown = words(hub, f"/specimens/{specimen.key}")
    assert "Meise" not in shown
    assert "The record holds its place back (information withheld): no more than country and province are public." in shown
    open_one, _ = add_sheet(hub.runtime, "BR 0002")
    assert "holds its place back" not in words(hub, f"/specimens/{open_one.key}")


def test_a_run_counts_what_is_analysed_apart_from_what_failed_or_was_passed_over(hub: Hub) -> None:
    specimen, images = add_sheet(hub.runtime, sizes=((400, 600), (5000, 4)))
    key = analysed(hub, images[0])
    assert "analysed" not in words(hub, f"/runs/{key}"), "a run over one image counts none"
    with hub.runtime.db.begin() as session:
        at = hub.runtime.clock()
        run = analytics.run_over(session, images, by=Principal.of_system(), naan=hub.runtime.settings.naan, at=at)
        tasks.begin(session, run.key, images[1].key, Worker("1", "f", {}), at=at)
        tasks.fail(session, run.key, images[1].key, "The image has 5000 × 4 pixels.", at=at)
    shown = words(hub, f"/runs/{run.key}")
    assert "0 of 2 images analysed, 1 failed, 1" in shown
    assert "The image has 5000 × 4 pixels." in words(hub, f"/specimens/{specimen.key}")
