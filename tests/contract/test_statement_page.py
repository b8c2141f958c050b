"""The page of one statement: what it shows, and what people answer there without script."""

import re
from typing import Any

import pytest

from annotations import service as annotations
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from tests.contract.test_drawing_page import ask, machine
from tests.people import Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub


@pytest.fixture
def hub(runtime: Runtime) -> Hub:
    return make_hub(runtime)


@pytest.fixture
def media(hub: Hub) -> Media:
    _, (media,) = add_sheet(hub.runtime, "T 1", sizes=((1000, 1000),))
    return media


@pytest.fixture
def ben(hub: Hub) -> Person:
    return add_person(hub.runtime, "ben", "reviewer", name="Ben <b>Bos</b>")


def said_by_people(hub: Hub, media: Media, who: Person, selector: Any) -> str:
    target = {"source": hub.addresses.canvas(media.specimen_key, media.key), **({"selector": selector} if selector else {})}
    answer = hub.client.post("/annotations/", json=comment(target, "<script>alert(1)</script>"), headers=who.bearer)
    key: str = answer.json["id"].rpartition("/")[2]
    return key


def test_it_shows_the_shape_who_says_so_and_how_it_stands(hub: Hub, media: Media, ben: Person) -> None:
    key = machine(hub, media)
    page = ask(hub, ben, f"/statements/{key}")
    assert page.status_code == 200
    assert 'd="M10.062 10 L300 10 L300 200 Z"' in page.text
    assert f"/iiif/3/{media.key}/" in page.text
    for told in ("Carex rubra", "a machine", "unreviewed", "JSON-LD", f"/draw/{media.key}?annotation={key}"):
        assert told in page.text, told
    nobody = hub.client.get(f"/statements/{key}", headers={"Accept": "text/html"})
    assert "Accept</button>" not in nobody.text
    assert "Sign in</a> to say" in nobody.text
    hole = {"type": "SvgSelector", "value": '<svg><path d="M0 0 L9 0 L9 9 Z M2 1 L3 1 L3 2 Z" fill-rule="evenodd"/></svg>'}
    point = {"type": "PointSelector", "x": 5, "y": 6}
    for selector, drawn in ((hole, r'd="M[^"]* Z M[^"]* Z"'), (point, '<circle cx="5'), (None, "/iiif/3/[^/]+/0,0,1000,1000/")):
        own = said_by_people(hub, media, ben, selector)
        text = ask(hub, ben, f"/statements/{own}").text
        assert re.search(drawn, text)
        assert "<script>alert" not in text
        assert "Ben &lt;b&gt;Bos&lt;/b&gt;" in text
        assert "Accept</button>" not in text, "nobody accepts what they said themselves"
    assert ask(hub, ben, "/statements/n1nothing").status_code == 404


def test_a_verdict_is_given_and_taken_back_and_a_passed_version_is_told(hub: Hub, media: Media, ben: Person) -> None:
    key = machine(hub, media)
    verdicts = f"/statements/{key}/verdicts"
    given = ask(hub, ben, verdicts, {"verdict": "rejected", "reason": "wrong text", "version": "1"})
    assert (given.status_code, given.headers["Location"]) == (303, f"/statements/{key}")
    page = ask(hub, ben, f"/statements/{key}").text
    assert "You rejected this: wrong text" in page
    assert "rejected</span>" in page
    (verdict,) = hub.get(f"/api/annotations/{key}/history").json["verdicts"]
    of_verdict = ask(hub, ben, f"/statements/{verdict['key']}")
    assert of_verdict.status_code == 200
    assert "Accept</button>" not in of_verdict.text, "a verdict takes no verdict"
    (undo,) = re.findall(r'action="(/statements/\w+/verdicts/\w+/undo)"', page)
    assert ask(hub, ben, undo, {}).status_code == 303
    assert "unreviewed</span>" in ask(hub, ben, f"/statements/{key}").text
    for form in ({"verdict": "approved", "version": "7"}, {"verdict": "yes", "version": "1"}, {"verdict": "approved"}):
        wrong = ask(hub, ben, verdicts, form)
        assert wrong.status_code == 400
        assert 'role="alert"' in wrong.text
    told = ask(hub, ben, verdicts, {"verdict": "rejected", "reason": "wrong text", "version": "7"})
    assert "<option selected>wrong text</option>" in told.text
    following = ask(hub, ben, verdicts, {"verdict": "approved", "version": "1", "next": "/review"})
    assert following.headers["Location"] == "/review"


def test_comments_have_replies_and_bad_ones_are_kept_in_the_form(hub: Hub, media: Media, ben: Person) -> None:
    key, ana = machine(hub, media), add_person(hub.runtime, "ana", "annotator", name="Ana Alm")
    said = ask(hub, ben, f"/statements/{key}/comments", {"text": "Is it nigra?"})
    assert said.status_code == 303
    first = said.headers["Location"].rpartition("#comment-")[2]
    assert ask(hub, ana, f"/statements/{key}/comments", {"text": "It is.", "about": first}).status_code == 303
    page = ask(hub, ana, f"/statements/{key}").text
    assert page.index("Is it nigra?") < page.index("It is.")
    assert "Ana Alm</strong> to Ben" in page
    assert ask(hub, ana, f"/statements/{first}").status_code == 200
    long = "x" * 5_001
    refused = ask(hub, ana, f"/statements/{key}/comments", {"text": long})
    assert refused.status_code == 400
    assert long in refused.text
    reply = ask(hub, ana, f"/statements/{key}/comments", {"text": long, "about": first})
    assert '<details open><summary>Reply<span class="hidden"> to Ben' in reply.text
    assert re.search(rf'id="say-{first}"[^>]*>\n{long}</textarea>', reply.text), "beside what it replies to"
    with hub.runtime.db.begin() as session:
        annotations.delete(session, key, by=Principal.of_system(), at=hub.runtime.clock())
    gone = ask(hub, ana, f"/statements/{key}/comments", {"text": "Still here?"})
    assert gone.status_code == 410
    assert '<pre class="typed written">Still here?</pre>' in gone.text


def test_replies_are_on_the_page_of_the_comment_too_and_lead_back(hub: Hub, media: Media, ben: Person) -> None:
    key = machine(hub, media)
    first = ask(hub, ben, f"/statements/{key}/comments", {"text": "Is this nigra?"}).headers["Location"].rpartition("-")[2]
    second = ask(hub, ben, f"/statements/{first}/comments", {"text": "I think so."}).headers["Location"].rpartition("-")[2]
    ask(hub, ben, f"/statements/{first}/comments", {"text": "And sure now.", "about": second})
    page = ask(hub, ben, f"/statements/{first}").text
    talk = page.partition('id="comments"')[2]
    assert "<h2>Replies</h2>" in page
    assert talk.index("I think so.") < talk.index("And sure now.")
    assert f'/statements/{key}">another statement</a>' in talk
    assert "None yet." not in talk
    assert "And sure now." in ask(hub, ben, f"/statements/{second}").text
    assert "Is this nigra?" in ask(hub, ben, f"/statements/{key}").text


def test_a_correction_and_what_it_corrects_lead_to_one_another(hub: Hub, media: Media, ben: Person) -> None:
    key = machine(hub, media)
    said = {"annotation": key, "version": 1, "verdict": "rejected"}
    right = comment(f"{hub.addresses.image(media.key)}#xywh=1,1,5,5", "Carex nigra", motivation="supplementing")
    answer = hub.client.post("/api/verdicts", json={**said, "correction": right}, headers=ben.bearer)
    correction = answer.json["correction"].rpartition("/")[2]
    assert f"/statements/{correction}" in ask(hub, ben, f"/statements/{key}").text
    assert f"/statements/{key}" in ask(hub, ben, f"/statements/{correction}").text
    with hub.runtime.db.begin() as session:
        how: Any = {"by": Principal.of_system(), "at": hub.runtime.clock()}
        annotations.delete(session, correction, **how)
    gone = ask(hub, ben, f"/statements/{correction}")
    assert gone.status_code == 410
    assert "deleted" in gone.text
