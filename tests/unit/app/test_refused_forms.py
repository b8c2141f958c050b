"""A refused form on the page of a specimen comes back open, with the reason and all that was typed; without script."""

import re
from html import unescape
from typing import Any

import pytest
from sqlalchemy import update

from analytics.steps.model import Finding
from annotations.regions import Region
from app.runtime.accounts_table import SessionRow
from iiif.catalogue.model import Media, Specimen
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet
from tests.unit.app.test_pages import say
from tests.unit.app.test_workplace import browser, finding, hub, read, ruler, words

__all__ = ["hub"]
TYPED = '  Käthe & "Jón" <b>Smith</b>\r\n\r\nleg.'
SHOWN = '  Käthe & "Jón" <b>Smith</b>\n\nleg.'


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    specimen, (media,) = add_sheet(hub.runtime)
    box = Region.of_box(100, 100, 900, 500)
    say(hub, media, "ocr", Finding("label", "Carex nigra\nBruges", box, motivations=("supplementing",)))
    return specimen, media


def send(hub: Hub, who: Person, path: str, accept: str = "text/html", **fields: Any) -> Any:
    return browser(hub).post(path, data=fields, headers={**who.cookie, **OUR_PAGE, "Accept": accept})


def form_of(html: str, anchor: str) -> str:
    """The form of what has that id, where it stands open; the id may be that of the form's own field."""
    found = re.search(rf'<details[^>]*id="{anchor}" open>.*?</form>', html, re.DOTALL)
    found = found or re.search(rf'<form(?:(?!</form>).)*id="{anchor}".*?</form>', html, re.DOTALL)
    assert found, anchor
    return found[0]


def fields_of(form: str) -> dict[str, str]:
    """What a browser would send of it again."""
    sent = {one[1]: one[2] for one in re.finditer(r'<input\b[^>]*?name="(\w+)"[^>]*?value="([^"]*)"', form)}
    for one in re.finditer(r'<textarea\b[^>]*?name="(\w+)"[^>]*>\n?(.*?)</textarea>', form, re.DOTALL):
        sent[one[1]] = one[2]
    for one in re.finditer(r'<select\b[^>]*?name="(\w+)".*?</select>', form, re.DOTALL):
        chosen = re.search(r'<option value="([^"]*)" selected', one[0])
        sent[one[1]] = chosen[1] if chosen else ""
    return {name: unescape(value).replace("\r\n", "\n") for name, value in sent.items()}  # as a parser of HTML does


def test_a_refused_proposal_stands_open_with_the_reason_and_all_that_was_typed(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    source, _ = finding(read(hub, specimen, ana))
    typed = {"term": "locality", "value": " ", "verbatim": TYPED, "source": source}
    refused = send(hub, ana, f"/specimens/{specimen.key}/proposals?state=rejected", **typed)
    assert refused.status_code == 400
    assert refused.headers["Cache-Control"] == "private, no-store"
    assert '<p class="detail">A proposed value has from 1 to 10,000 characters.</p>' in refused.text
    form = form_of(refused.text, "propose")
    assert 'id="why-propose">A proposed value has' in form
    assert fields_of(form) == {**typed, "verbatim": SHOWN}
    assert 'value="rejected" id="layer-rejected" checked' in refused.text, "and what was looked at is looked at still"
    again = send(hub, ana, f"/specimens/{specimen.key}/proposals", **{**fields_of(form), "value": "Bruges"})
    assert again.status_code == 303
    fresh = read(hub, specimen, ana)
    assert 'id="refused"' not in fresh
    assert 'id="propose" open' not in fresh
    assert '<option value="recordedBy" selected' in fresh
    odd = send(hub, ana, f"/specimens/{specimen.key}/proposals", **{**typed, "value": "a" * 10_001})
    assert odd.status_code == 400
    assert fields_of(form_of(odd.text, "propose"))["value"] == "a" * 10_001


def test_a_refused_correction_stands_open_at_its_statement_and_goes_through_when_it_is_mended(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, media = sheet
    ana = add_person(hub.runtime, "ana", "reviewer")
    key, version = finding(read(hub, specimen, ana))
    said = {"annotation": key, "version": version, "verdict": "rejected", "reason": "wrong text"}
    path = f"/specimens/{specimen.key}/verdicts"
    unknown = send(hub, ana, path, **{**said, "version": "7"}, text=TYPED)
    assert unknown.status_code == 400
    form = form_of(unknown.text, f"edit-{key}")
    assert fields_of(form) == {**said, "text": SHOWN}, "with the version that there is"
    assert f'href="#why-edit-{key}"' in unknown.text
    assert send(hub, ana, path, **fields_of(form)).status_code == 303
    ruler(hub, media)
    number = re.search(r'id="value-(\w+)"', read(hub, specimen, ana))
    assert number
    wrong = send(hub, ana, path, annotation=number[1], version="1", verdict="rejected", reason="wrong value", value="twenty")
    assert wrong.status_code == 400
    assert fields_of(form_of(wrong.text, f"edit-{number[1]}"))["value"] == "twenty"


def test_a_refused_comment_reply_or_change_keeps_its_words_where_they_were_written(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, _ = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    about, _ = finding(read(hub, specimen, ana))
    path = f"/specimens/{specimen.key}"
    first = send(hub, ana, f"{path}/comments", about=about, text="Nigra?").headers["Location"].partition("#comment-")[2]
    long = "a" * 5_001
    for said_of, anchor in (("", "say-specimen"), (about, f"say-{about}"), (first, f"reply-{first}")):
        refused = send(hub, ana, f"{path}/comments", about=said_of, text=long)
        assert refused.status_code == 400
        form = form_of(refused.text, anchor)
        assert fields_of(form) == {"about": said_of, "text": long}
        assert "A comment has up to 5,000 characters." in form
        assert (f'id="talk-{about}" open' in refused.text) == bool(said_of)
    seen = fields_of(
        form_of(read(hub, specimen, ana).replace(f'id="change-{first}"', f'id="change-{first}" open'), f"change-{first}")
    )
    assert send(hub, ana, f"{path}/statements/{first}/change", **{**seen, "text": "Fusca"}).status_code == 303
    late = send(hub, ana, f"{path}/statements/{first}/change", **{**seen, "text": TYPED})
    assert late.status_code == 412
    form = form_of(late.text, f"change-{first}")
    assert fields_of(form)["text"] == SHOWN
    assert send(hub, ana, f"{path}/statements/{first}/change", **fields_of(form)).status_code == 303
    assert SHOWN.strip() in unescape(read(hub, specimen))


def test_a_refused_line_keeps_its_ends_and_its_name(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, media = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    line = {"media": media.key, "x0": "100", "y0": "ten", "x1": "400", "y1": "500", "step": "1", "name": 'Blade "A"'}
    refused = send(hub, ana, f"/specimens/{specimen.key}/lines", **line)
    assert refused.status_code == 400
    form = form_of(refused.text, "measuring")
    assert fields_of(form) == line
    assert "y0 is a number of pixels, such as 1204.5." in form


def test_words_about_what_is_gone_by_now_are_shown_to_be_copied(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana, cur = add_person(hub.runtime, "ana", "annotator"), add_person(hub.runtime, "cur", "curator")
    path = f"/specimens/{specimen.key}"
    first = send(hub, cur, f"{path}/comments", text="Nigra?").headers["Location"].partition("#comment-")[2]
    assert send(hub, cur, f"{path}/statements/{first}/delete").status_code == 303
    refused = send(hub, ana, f"{path}/comments", about=first, text=TYPED)
    assert refused.status_code == 410
    assert f'You wrote:</p><pre class="typed written">{SHOWN.strip()}</pre>' in unescape(refused.text).replace("\r\n", "\n")


def test_who_may_not_answer_or_is_signed_out_by_now_gets_the_words_back_and_changes_nothing(
    hub: Hub, sheet: tuple[Specimen, Media]
) -> None:
    specimen, _ = sheet
    rea, ana = add_person(hub.runtime, "rea", "reader"), add_person(hub.runtime, "ana", "annotator")
    path = f"/specimens/{specimen.key}/comments"
    refused = send(hub, rea, path, text="Nigra, surely")
    assert refused.status_code == 403
    assert '<pre class="typed written">Nigra, surely</pre>' in refused.text
    with hub.runtime.db.begin() as session:
        session.execute(update(SessionRow).values(expires_at=hub.runtime.clock()))
    ended = send(hub, ana, path, text="Nigra, surely")
    assert ended.status_code == 401
    assert "Your session has ended: sign in again." in words(ended.text)
    assert '<pre class="typed written">Nigra, surely</pre>' in ended.text
    assert "Nigra, surely" not in read(hub, specimen)


def test_a_form_from_elsewhere_gets_nothing_of_it_back_and_a_program_the_problem(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    ana = add_person(hub.runtime, "ana", "annotator")
    path = f"/specimens/{specimen.key}/comments"
    headers = {**ana.cookie, "Sec-Fetch-Site": "cross-site", "Accept": "text/html"}
    planted = browser(hub).post(path, data={"text": "Call 555-1234"}, headers=headers)
    assert planted.status_code == 403
    assert "555-1234" not in planted.text
    nobody = browser(hub).post(path, data={"text": "Call 555-1234"}, headers={"Accept": "text/html"})
    assert nobody.status_code == 401
    assert "555-1234" not in nobody.text
    program = send(hub, ana, path, accept="application/json", text="")
    assert (program.status_code, program.mimetype) == (400, "application/problem+json")
    assert program.json["detail"] == "Write something first."
