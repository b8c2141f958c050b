"""The form on the page where people draw, without script: coordinates, words and numbers become statements and corrections."""

import html
import re
from typing import Any

import pytest
from werkzeug.test import Client

from annotations import service as annotations
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

SIDE = 1000


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "D 1", sizes=((SIDE, SIDE),))
    return media


@pytest.fixture
def ana(hub: Hub) -> Person:
    return add_person(hub.runtime, "ana", "annotator")


def path(media: Media) -> str:
    return f"/specimens/{media.specimen_key}/draw/{media.key}"


def ask(hub: Hub, who: Person, address: str, form: dict[str, str] | None = None) -> Any:
    client = Client(hub.client.application, use_cookies=False)
    headers = {**who.cookie, **OUR_PAGE, "Accept": "text/html"}
    return client.open(address, method="GET" if form is None else "POST", data=form, headers=headers)


def fields(answer: Any) -> dict[str, str]:
    """The fields of the form as a browser would send them back."""
    text = answer.text
    found = dict(re.findall(r'<input [^>]*name="(\w+)"[^>]* value="([^"]*)"', text))
    found |= dict(re.findall(r'<textarea [^>]*name="(\w+)"[^>]*>\n?([^<]*)</textarea>', text))
    (chosen,) = re.findall(r"<option[^>]* selected>", text) or [""]
    found["label"] = (re.findall(r'value="(\w+)"', chosen) or [""])[0]
    return {name: html.unescape(value) for name, value in found.items()}


def kept(hub: Hub, answer: Any) -> Any:
    """The statement that the answer leads to."""
    assert answer.status_code == 303, answer.text
    return hub.get(answer.headers["Location"].replace("/statements/", "/annotations/")).json


def machine(hub: Hub, media: Media) -> str:
    body = [
        {"type": "TextualBody", "value": "Carex rubra", "textGranularity": "block"},
        {"type": "TextualBody", "value": "label", "purpose": "tagging", "language": "en"},
    ]
    target = {
        "type": "SpecificResource",
        "source": {"id": hub.addresses.canvas(media.specimen_key, media.key), "partOf": {"id": "http://x.example/m"}},
        "selector": {"type": "SvgSelector", "value": '<svg><path d="M10.0625 10 L300 10 L300 200 Z"/></svg>'},
        "isROIOf": hub.addresses.pid(media.key),
    }
    document = {**comment(target, motivation="supplementing"), "body": body}
    with hub.runtime.db.begin() as session:
        how: Any = {"addresses": hub.addresses, "at": hub.runtime.clock()}
        return annotations.create_machine(session, document, media=media, run_key="x1", kind="label", **how).key


def test_a_shape_with_a_hole_and_words_are_stored_from_the_form(hub: Hub, media: Media, ana: Person) -> None:
    form = fields(ask(hub, ana, path(media)))
    form |= {"corners": "10,10 400,10 400,400 10,400\n100,100 200,100 200,200", "comment": "a galled leaf", "label": "outline"}
    said = kept(hub, ask(hub, ana, path(media), {**form, "value": "12.5", "unit": "mm"}))
    assert said["creator"]["id"] == hub.addresses.pid(ana.key)
    assert said["motivation"] == "commenting"
    assert said["target"]["selector"]["value"].count("Z") == 2
    assert [body.get("value", body.get("dwc:assertionValue")) for body in said["body"]] == ["a galled leaf", "outline", "12.5"]
    shown = fields(ask(hub, ana, f"{path(media)}?annotation={said['id'].rpartition('/')[2]}"))
    assert (shown["corners"], shown["comment"], shown["label"]) == (form["corners"], "a galled leaf", "outline")
    assert (shown["value"], shown["unit"]) == ("12.5", "mm")
    changed = kept(hub, ask(hub, ana, path(media), {**shown, "comment": "a leaf"}))
    assert changed["id"] == said["id"]
    assert (changed["target"], changed["creator"], changed["body"][1:]) == (said["target"], said["creator"], said["body"][1:])
    passed = ask(hub, ana, path(media), {**shown, "comment": "mine"})
    assert passed.status_code == 412
    assert "mine" in passed.text
    assert "a leaf" in passed.text, "mine and theirs stand on the page"


def test_a_machines_statement_gets_a_correction_and_keeps_its_shape(hub: Hub, media: Media, ana: Person) -> None:
    key = machine(hub, media)
    page = ask(hub, ana, f"{path(media)}?annotation={key}")
    assert "a correction in your name" in page.text
    assert page.headers["Cache-Control"] == "private, no-store"
    form = fields(page)
    assert (form["text"], form["label"]) == ("Carex rubra", "label")
    before = hub.get(f"/annotations/{key}").json
    said = kept(hub, ask(hub, ana, path(media), {**form, "text": "Carex nigra"}))
    assert said["wasRevisionOf"] == f"{before['id']}/versions/1"
    assert said["target"] == before["target"], "a change of the text alone loses no shape, nor what is said of it"
    assert said["body"][0] == {**before["body"][0], "value": "Carex nigra"}
    assert hub.get(f"/annotations/{key}").json == before
    (verdict,) = hub.get(f"/api/annotations/{key}/history").json["verdicts"]
    assert (verdict["verdict"], verdict["reason"], verdict["by"]) == ("rejected", "wrong text", ana.key)


def test_a_plain_text_of_ones_own_is_changed_as_the_text_that_it_is(hub: Hub, media: Media, ana: Person) -> None:
    document = {name: value for name, value in comment(hub.addresses.image(media.key)).items() if name != "body"}
    answer = hub.client.post("/annotations/", json={**document, "bodyValue": "galled"}, headers=ana.bearer)
    form = fields(ask(hub, ana, f"{path(media)}?annotation={answer.json['id'].rpartition('/')[2]}"))
    assert form["comment"] == "galled"
    moved = kept(hub, ask(hub, ana, path(media), {**form, "x": "1", "y": "2", "w": "3", "h": "4"}))
    assert (moved["bodyValue"], moved["target"]["selector"]["value"]) == ("galled", "xywh=pixel:1,2,3,4")
    form = fields(ask(hub, ana, f"{path(media)}?annotation={answer.json['id'].rpartition('/')[2]}"))
    said = kept(hub, ask(hub, ana, path(media), {**form, "comment": "not galled"}))
    assert said["body"][0]["value"] == "not galled"
    assert "bodyValue" not in said


def test_bad_input_gets_a_sentence_and_loses_nothing(hub: Hub, media: Media, ana: Person) -> None:
    form = fields(ask(hub, ana, path(media))) | {"comment": "<b>my words</b>"}
    for change in (
        {"value": "twelve", "unit": "mm"}, {"value": "12"}, {"corners": "1,1 2,2"}, {"corners": "a,b c,d e,f"}, {"x": "1"},
        {"x": "1", "y": "1", "w": "nine", "h": "1"}, {"unit": "m" * 41}, {"corners": "1,1 " * 60_000},
        {"x": "5000", "y": "5000", "w": "10", "h": "10"},
    ):  # fmt: skip
        answer = ask(hub, ana, path(media), {**form, **change})
        assert answer.status_code == 400, change
        assert 'role="alert"' in answer.text
        assert "&lt;b&gt;my words&lt;/b&gt;" in answer.text
    assert ask(hub, ana, path(media), fields(ask(hub, ana, path(media)))).status_code == 400
    assert hub.get("/annotations/").json["total"] == 0


def test_one_goes_on_to_a_page_of_the_hub_alone(hub: Hub, media: Media, ana: Person) -> None:
    for asked, following in (
        ("/review", "/review"),
        ("https://evil.example/", "/statements/"),
        ("//evil.example", "/statements/"),
    ):
        form = fields(ask(hub, ana, f"{path(media)}?next={asked}")) | {"comment": "x"}
        answer = ask(hub, ana, path(media), form)
        assert answer.headers["Location"].startswith(following)
    assert ask(hub, ana, "/specimens/s1nothing/draw/m1nothing").status_code == 404
    other, _ = add_sheet(hub.runtime, "D 2", sizes=())
    assert ask(hub, ana, f"/specimens/{other.key}/draw/{media.key}").status_code == 404


def test_a_form_whose_statement_is_deleted_by_then_is_kept_and_makes_a_new_one(hub: Hub, media: Media, ana: Person) -> None:
    form = {**fields(ask(hub, ana, path(media))), "corners": "10,10 400,10 400,400", "comment": "a galled leaf"}
    said = kept(hub, ask(hub, ana, path(media), form))
    key = said["id"].rpartition("/")[2]
    seen = fields(ask(hub, ana, f"{path(media)}?annotation={key}"))
    with hub.runtime.db.begin() as session:
        annotations.delete(session, key, by=Principal.of_system(), at=hub.runtime.clock())
    refused = ask(hub, ana, path(media), {**seen, "comment": "two galled leaves"})
    assert refused.status_code == 410
    again = fields(refused)
    assert (again["comment"], again["corners"], again["annotation"]) == ("two galled leaves", form["corners"], "")
    made = kept(hub, ask(hub, ana, path(media), again))
    assert made["id"] != said["id"]
    assert made["body"][0]["value"] == "two galled leaves"


def test_a_segment_that_has_ended_by_then_keeps_what_was_drawn_as_a_new_one(hub: Hub, media: Media) -> None:
    cur, of_segments = add_person(hub.runtime, "cur", "curator"), f"/specimens/{media.specimen_key}/segments/{media.key}"
    form = {**fields(ask(hub, cur, of_segments)), "corners": "10,10 400,10 400,400", "label": "label"}
    first = ask(hub, cur, of_segments, form).headers["Location"].rpartition("/")[2]
    seen = fields(ask(hub, cur, f"{of_segments}?segment={first}"))
    etag = re.findall(r'name="etag" value="([^"]+)"', ask(hub, cur, f"/segments/{first}").text)[0]
    assert ask(hub, cur, f"/segments/{first}/delete", {"etag": etag}).status_code == 303
    refused = ask(hub, cur, of_segments, {**seen, "corners": "20,20 400,10 400,400"})
    assert refused.status_code == 410
    assert fields(refused)["corners"] == "20,20 400,10 400,400"
    assert ask(hub, cur, of_segments, fields(refused)).headers["Location"].rpartition("/")[2] != first
