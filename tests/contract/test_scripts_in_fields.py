"""Whatever stands in a field is text on every page: no element, no attribute and no address of a script comes of it."""

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
from werkzeug.test import Client

from annotations import service as annotations
from app.runtime import context
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from ontology import darwin_core
from tests import live
from tests.people import OUR_PAGE, Person, add_person
from tests.sheets import Hub, add_sheet, comment, make_hub

ELEMENT = "evil-element"
NASTY = f"'\"><{ELEMENT} onload=alert(1)>"
ADDRESS = "javascript:alert(1)"
OF_SCRIPTS = re.compile(r"\s*(javascript:|vbscript:|data:(text|application))", re.IGNORECASE)
OF_ADDRESSES = ("license", "references", "rightsHolder", "accessRights")  # what pages may make a link of
CODES = ("institutionCode", "collectionCode", "catalogNumber")
READ_AS_SOMETHING = (*darwin_core.DATE_TERMS, *darwin_core.COORDINATES)


class Elements(HTMLParser):
    """What a browser makes of a page: the names of its elements and attributes, and the addresses in them."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names |= {tag, *(name for name, _ in attrs)}
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src", "action", "formaction", "data")]


@pytest.fixture
def hub(prepared: Runtime) -> Hub:
    context.use(prepared)
    return make_hub(prepared)


@pytest.fixture
def sheet(hub: Hub) -> tuple[Specimen, Media]:
    """A record with something nasty in every term, and an image with it in its name and rights."""
    terms = {term: NASTY for term in sorted(darwin_core.TERMS) if term not in READ_AS_SOMETHING}
    terms |= dict.fromkeys(OF_ADDRESSES, ADDRESS) | {"scientificName": f"Quercus {NASTY}"}
    verbatim = {NASTY: NASTY, "occurrenceRemarks": NASTY}
    at, naan = hub.runtime.clock(), hub.runtime.settings.naan
    added, (media,) = add_sheet(hub.runtime, NASTY, terms=terms, rights=ADDRESS, rights_holder=NASTY, creator=NASTY)
    with hub.runtime.db.begin() as session:
        draft = catalogue.SpecimenDraft(f"{NASTY} 2", terms, verbatim, NASTY)
        catalogue.add_specimen(session, draft, naan=naan, at=at)
    return added, media


def said(hub: Hub, sheet: tuple[Specimen, Media], ana: Person) -> str:
    """Statements of every sort, by people of nasty names; the key of one with a history and verdicts."""
    specimen, media = sheet
    where = f"{hub.addresses.canvas(specimen.key, media.key)}#xywh=10,10,200,100"
    bodies = [
        {"type": "TextualBody", "value": NASTY, "format": "text/plain", "purpose": "commenting"},
        {"type": "TextualBody", "value": NASTY, "format": "text/html", "purpose": "describing"},
        {"type": "TextualBody", "value": NASTY, "purpose": "tagging"},
        {"type": "SpecificResource", "source": "https://example.org/?q=<b>", "purpose": "linking"},
    ]
    with hub.runtime.db.begin() as session:
        how: Any = {"addresses": hub.addresses, "at": hub.runtime.clock(), "run_key": "x1", "media": media}
        document = comment(where, NASTY, motivation="supplementing")
        key = annotations.create_machine(session, document, kind="label", **how).key
        annotations.create_machine(session, document, kind="ruler", value=2.0, unit="<b>px/mm", **how)
    hub.post({**comment(where), "body": bodies, "creator": {"type": "Person", "name": NASTY, "homepage": ADDRESS}})
    made = hub.post(comment(hub.addresses.annotation(key), NASTY))
    assert made.status_code == 201, made.text
    proposal = {"specimen": specimen.key, "term": "recordedBy", "value": f"{NASTY}!", "verbatim": NASTY, "source": key}
    assert hub.client.post("/api/proposals", json=proposal, headers=ana.bearer).status_code == 201
    verdict = {"annotation": key, "version": 1, "verdict": "rejected", "comment": NASTY}
    verdict |= {"correction": comment(where, f"{NASTY} corrected")}
    assert hub.client.post("/api/verdicts", json=verdict, headers=ana.bearer).status_code == 201
    return key


def pages(hub: Hub, sheet: tuple[Specimen, Media], key: str, person: Person) -> Iterator[str]:
    specimen, media = sheet
    yield from ("/", "/?q=evil", f"/?q={NASTY}", "/runs", "/review", "/review/label", "/review/ruler", "/review/agreement")
    yield "/review/groups"
    yield from ("/audit", "/accounts", f"/accounts/{person.key}", "/account", "/webhooks", f"/login?next={NASTY}", f"/{NASTY}")
    drawing = f"/specimens/{specimen.key}/draw/{media.key}"
    yield from (f"/specimens/{specimen.key}", f"/specimens/{specimen.key}?q={NASTY}", drawing, f"{drawing}?annotation={key}")
    yield from (f"/statements/{key}", f"/statements/{key}/history", f"/embed/{specimen.key}")
    with hub.runtime.reads.begin() as session:
        (other,) = catalogue.list_specimens_by_number(session, f"{NASTY} 2", limit=2)
    yield f"/specimens/{other.key}"
    for segment in hub.get("/api/segments").get_json()["items"]:
        yield from (f"/segments/{segment['key']}", f"/embed/{segment['key']}")
        yield f"/segments/{segment['key']}/like?term=recordedBy&value={NASTY}"


def test_whatever_stands_in_a_field_is_text_on_every_page(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    ana = add_person(hub.runtime, "ana", "administrator", name=NASTY, orcid="", email="")
    add_person(hub.runtime, "ben", "curator", "BR/'><b>", name=NASTY)
    key = said(hub, sheet, ana)
    url = f"https://example.org/<{ELEMENT}>"
    assert hub.client.post("/api/webhooks", json={"url": url}, headers=ana.bearer).status_code == 201
    live.indexed(hub.runtime)
    browser, told = Client(hub.client.application, use_cookies=False), 0
    for path in pages(hub, sheet, key, ana):
        for headers in ({**ana.cookie, **OUR_PAGE}, {}):
            page = browser.get(path, headers={**headers, "Accept": "text/html"})
            assert page.status_code < 500, (path, page.text[:300])
            if page.mimetype != "text/html":
                continue
            found = Elements()
            found.feed(page.text)
            assert ELEMENT not in found.names, (path, bool(headers))
            assert "onload" not in found.names, path
            assert [
                one
                for one in found.addresses
                if re.match(r"\s*(javascript:|vbscript:|data:(text|application))", one, re.IGNORECASE)
            ] == [], path
            told += ELEMENT in page.text
    assert told > 20, "it stands there, as text"


def test_what_stands_in_a_field_breaks_out_of_no_other_form(hub: Hub, sheet: tuple[Specimen, Media]) -> None:
    specimen, _ = sheet
    key = said(hub, sheet, add_person(hub.runtime, "ana", "curator", name=NASTY))
    frame = hub.get(f"/oembed?url={hub.addresses.specimen_page(specimen.key)}").get_json()
    found = Elements()
    found.feed(frame["html"])
    assert ELEMENT not in found.names
    for path in (f"/api/specimens/{specimen.key}", f"/annotations/{key}", f"/iiif/presentation/3/{specimen.key}/manifest.json"):
        answer = hub.get(path)
        assert "html" not in answer.mimetype
        assert answer.headers["X-Content-Type-Options"] == "nosniff", path
    named = str(hub.get(f"/specimens/{specimen.key}/record.csv").headers["Content-Disposition"])
    assert "\n" not in named
    assert f"<{ELEMENT}" not in named
