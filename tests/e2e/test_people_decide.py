"""The whole way of those who decide, on real photographs: thirty items by keyboard, and what everybody sees of it after."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from annotations.bodies import several
from annotations.regions import Region, holds
from annotations.selectors import read_shape
from app.runtime.accounts import service as accounts
from app.runtime.principal import Grant, Principal, cookie_name
from tests import live
from tests.conformance import SHARED
from tests.drain import drain
from tests.e2e.test_access import AXE
from tests.e2e.test_review import examine
from tests.people import Person, add_person
from tests.services import missing

pytestmark = pytest.mark.e2e
PHOTOGRAPHS = ("insect_nhm_augochlora.jpg", "insect_mothra_1105737_angle90.jpg", "plant_aafc_001.jpg")
PASSWORD = "correct horse battery"  # made up for this test
ITEMS = 30
FIRST, LAST = ("label", "ruler", "outline"), "barcode"  # of the last question one item is left to others
READ, SCALE = "Collected by hand by Ana", "21.5"
TABS = 60
VERDICTS = (("a",), ("r", "3"), ("a",), ("d",), ("r", "Enter"), ("x",))  # in turn


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live]:
    """A hub with the photographs, analysed; the first is of a specimen whose collector the source has."""
    found = [SHARED / "data" / "specimens" / name for name in PHOTOGRAPHS]
    if not all(one.is_file() for one in found) or not AXE.is_file():
        missing("photographs in ../shared/data, and axe-core (make assets)")
    source = tmp_path_factory.mktemp("source")
    for one in found:
        (source / one.name).write_bytes(one.read_bytes())
    lines = [f"{name},J {number},NHMUK,{'Smyth' if number == 1 else ''}\n" for number, name in enumerate(PHOTOGRAPHS, 1)]
    (source / "t.csv").write_text("file,catalogNumber,institutionCode,recordedBy\n" + "".join(lines), encoding="utf-8")
    with live.web(tmp_path_factory.mktemp("decide"), web_processes=1) as served:
        command = [sys.executable, "-m", "app.cli", "ingest", str(source)]
        subprocess.run(command, cwd=live.ROOT, env=served.runtime.settings.environment(), check=True, stdout=subprocess.DEVNULL)
        drain(served.runtime)
        yield served


def asked(server: live.Live, path: str) -> Any:
    status, body = server.get(path.removeprefix(server.url))
    assert status == 200, (path, body[:500])
    return json.loads(body)


def said_by_people(server: live.Live, specimen: str) -> list[dict[str, Any]]:
    """What the manifest's annotation pages say that people said, on its first canvas."""
    canvas = asked(server, f"/iiif/presentation/3/{specimen}/manifest.json")["items"][0]
    pages = [page["id"] for page in canvas.get("annotations", []) if page["id"].endswith("/people.json")]
    return [item for page in pages for item in asked(server, page)["items"]]


def area(statement: dict[str, Any]) -> Region:
    selectors = several(statement["target"]["selector"])
    return read_shape(next(one["value"] for one in selectors if one["type"] == "SvgSelector"))


def signed_in(browser: Browser, server: live.Live, person: Person) -> BrowserContext:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    name = cookie_name(server.runtime.settings)
    context.add_cookies([{"name": name, "value": person.cookie["Cookie"].partition("=")[2], "url": server.url}])
    return context


def tab_to(page: Page, wanted: Locator) -> None:
    """By the key Tab alone."""
    expect(wanted).to_be_visible()
    for _ in range(TABS):
        if wanted.evaluate("one => one === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{TABS} tabs do not lead to {wanted}")


def comes_in(page: Page, server: live.Live) -> None:
    """From a link of an invitation to the queue, by keyboard alone."""
    with server.runtime.db.begin() as session:
        how: Any = {"naan": server.runtime.settings.naan, "at": server.runtime.clock(), "by": Principal.of_system()}
        _, code = accounts.invite(session, "ana", grant=Grant("curator"), **how)
    page.goto(f"{server.url}/join#{code}")
    for label, words in (("Your name", "Ana Alm"), ("Password", PASSWORD), ("Password once more", PASSWORD)):
        tab_to(page, page.get_by_label(label, exact=True))
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_text("Welcome.")).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    page.goto(f"{server.url}/login?next=/review")
    for label, words in (("Login name", "ana"), ("Password", PASSWORD)):
        tab_to(page, page.get_by_label(label))
        page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Review")).to_be_visible()


class Worker:
    """A curator at the queue, with what she said so far."""

    def __init__(self, page: Page, seen: Page, server: live.Live) -> None:
        """`seen` is a page in the browser of somebody who is not signed in."""
        self.page, self.seen, self.server, self.verdicts = page, seen, server, 0
        self.outlined = self.read_on = ""  # the outline that got a hole, and the specimen of the label that was corrected

    def works(self) -> None:
        """Question after question, until thirty items are judged."""
        kinds = self.page.locator(".questions th a").evaluate_all("links => links.map(one => one.getAttribute('href'))")
        names = [str(one).rpartition("/")[2] for one in kinds]
        for kind in [*FIRST, *(name for name in names if name not in (*FIRST, LAST)), LAST]:
            if self.verdicts >= ITEMS:
                return
            tab_to(self.page, self.page.locator(f".questions th a[href$='/review/{kind}']"))
            self.page.keyboard.press("Enter")
            self.answers(kind)
            if kind == "ruler":
                drain(self.server.runtime)  # what was measured by the old scale is measured anew
            self.page.goto(f"{self.server.url}/review")  # what she held is given back

    def answers(self, kind: str) -> None:
        first = True
        while self.waits() and self.verdicts < ITEMS:
            if kind == "label" and first:
                self.corrects(READ)
                first = False
            elif kind == "ruler" and first and "px/mm" in self.claim():
                self.corrects(SCALE)
                first = False
            elif kind == "outline" and "Outline of the specimen" in self.claim() and not self.outlined:
                self.cuts_a_hole()
            else:
                self.presses(*VERDICTS[self.verdicts % len(VERDICTS)])

    def waits(self) -> bool:
        """Whether an item is there to be judged: its picture is painted."""
        said = self.page.locator("#review[data-painted], #stage:has-text('Nothing more waits here for you.')")
        expect(said).to_be_visible()
        return self.page.locator("#review[data-painted]").count() == 1

    def claim(self) -> str:
        return self.page.locator("#claim").inner_text()

    def presses(self, *keys: str) -> None:
        """Keys that make a verdict; afterwards the next item is there."""
        self.page.locator("#claim > *").first.evaluate("one => one.setAttribute('data-before', '')")
        for key in keys:
            self.page.keyboard.press(key)
        expect(self.page.locator("#claim > [data-before]")).to_have_count(0)
        self.verdicts += 1

    def corrects(self, words: str) -> None:
        self.page.keyboard.press("t")
        field = self.page.locator("#editor input, #editor textarea").first
        expect(field).to_be_focused()
        if words == READ:
            self.read_on = str(self.page.locator("#beside a").get_attribute("href")).rpartition("/")[2]
            self.seen.goto(f"{self.server.url}/specimens/{self.read_on}")
            expect(self.seen.locator("#findings")).not_to_contain_text(READ)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(words)
        self.presses("Control+Enter")

    def cuts_a_hole(self) -> None:
        """In the editor of shapes, and back to the queue."""
        page = self.page
        page.keyboard.press("e")
        expect(page.locator("[data-draw][data-ready]")).to_be_attached()
        shape = page.locator("[data-part=shape]")
        expect(shape).to_contain_text("polygon")
        tab_to(page, page.get_by_role("button", name="Hole"))
        page.keyboard.press("Enter")
        expect(shape).to_contain_text("hole")
        self.outlined = page.url.partition("annotation=")[2].partition("&")[0]
        page.keyboard.press("Control+Enter")
        expect(page).to_have_url(f"{self.server.url}/review/outline")
        self.verdicts += 1


def everybody_sees_it(server: live.Live, worker: Worker) -> None:
    """In a browser that was open before, in the manifests, and in the search."""
    expect(worker.seen.locator("#findings")).to_contain_text(READ)
    people = said_by_people(server, worker.read_on)
    assert any(READ in json.dumps(one["body"]) for one in people), people
    corrected = {one["text"]: one for one in asked(server, "/api/proposals?state=accepted&limit=500")["items"]}
    scaled = corrected[f"{SCALE} px/mm"]["specimen"]
    canvas = asked(server, f"/iiif/presentation/3/{scaled}/manifest.json")["items"][0]
    scales = [one["physicalScale"] for one in canvas["service"] if "physicalScale" in one]
    assert scales == [pytest.approx(1 / float(SCALE), rel=1e-3)]
    outline = asked(server, f"/api/annotations/{worker.outlined}/history")
    assert outline["state"] == "superseded"
    key = outline["verdicts"][0]["correction"].rpartition("/")[2]
    was, now = (area(asked(server, f"/annotations/{one}")) for one in (worker.outlined, key))
    x, y = was.box.x0 + (was.box.x1 - was.box.x0) / 2, was.box.y0 + (was.box.y1 - was.box.y0) / 2
    assert (holds(was.outlines(), x, y), holds(now.outlines(), x, y)) == (True, False), "with a hole"
    found = asked(server, f"/api/search?q={READ.replace(' ', '+')}&type=specimen")["items"]
    assert worker.read_on in [item["key"] for item in found]


def takes_the_last_one_back(page: Page, server: live.Live) -> None:
    """And says it again, from another question, after the page was left."""
    page.goto(f"{server.url}/review/label")
    expect(page.locator("#review")).to_be_focused()
    with page.expect_response(lambda one: one.request.method == "DELETE" and "/api/verdicts/" in one.url) as undone:
        page.keyboard.press("u")
    assert undone.value.json()["state"] in ("unreviewed", "stale")
    expect(page.locator("#review[data-painted]")).to_be_visible()
    with page.expect_response(lambda one: one.request.method == "POST" and one.url.endswith("/api/verdicts")) as given:
        page.keyboard.press("a")
    assert given.value.json()["state"] == "accepted"


def settles(browser: Browser, page: Page, server: live.Live, folder: Path) -> None:
    """A reviewer accepts, a second one says that it is wrong, and the curator settles it."""
    ben = signed_in(browser, server, add_person(server.runtime, "ben", "reviewer", name="Ben Bos"))
    desk = ben.new_page()
    desk.goto(f"{server.url}/review/{LAST}")
    expect(desk.locator("#review[data-painted]")).to_be_visible()
    with desk.expect_response(lambda one: one.request.method == "POST" and one.url.endswith("/api/verdicts")) as given:
        desk.keyboard.press("a")
    assert given.value.json()["state"] == "accepted"
    judged = json.loads(given.value.request.post_data or "")["annotation"]
    accepted = asked(server, f"/api/proposals?state=accepted&kind={LAST}")["items"]
    (specimen,) = (one["specimen"] for one in accepted if one["key"] == judged)
    ben.close()

    dan = signed_in(browser, server, add_person(server.runtime, "dan", "reviewer", name="Dan Dal"))
    other = dan.new_page()
    other.goto(f"{server.url}/specimens/{specimen}")
    card = other.locator(f"#finding-{judged}")
    card.locator("summary", has_text="Wrong").click()
    card.get_by_role("button", name="Wrong text").click()
    expect(card.locator(".state")).to_contain_text("disputed")
    other.screenshot(path=folder / "4-disputed.png")
    dan.close()

    page.goto(f"{server.url}/review")
    expect(page.get_by_text("because people disagree")).to_be_visible()
    tab_to(page, page.locator(f".questions th a[href$='/review/{LAST}']"))
    page.keyboard.press("Enter")
    expect(page.locator("#review[data-painted]")).to_be_visible()
    expect(page.locator("#claim")).to_contain_text("Verdicts go both ways")
    page.screenshot(path=folder / "5-to-be-settled.png")
    with page.expect_response(lambda one: one.request.method == "POST" and one.url.endswith("/api/verdicts")) as settled:
        page.keyboard.press("a")
    assert settled.value.json()["state"] == "accepted"
    assert asked(server, f"/api/annotations/{judged}/history")["state"] == "accepted"


def lets_the_collector_in(browser: Browser, page: Page, server: live.Live, specimen: str, folder: Path) -> None:
    """Somebody read the label and says who collected it; the curator lets it into the record."""
    eva = signed_in(browser, server, add_person(server.runtime, "eva", "annotator", name="Eva Eng"))
    other = eva.new_page()
    other.goto(f"{server.url}/specimens/{specimen}")
    other.locator("summary", has_text="Propose a value for the record").click()
    other.get_by_label("Value").fill("Ana Alm")
    other.get_by_label("As it is written, to the letter").fill("by Ana")
    other.get_by_label("Read from").select_option(index=1)
    other.set_viewport_size({"width": 360, "height": 740})
    # Mirador's own heading stands empty until it has read the manifest
    expect(other.locator("h2.MuiTypography-h2:empty")).to_have_count(0)
    examine(other)
    other.locator("#propose").screenshot(path=folder / "6-proposing.png")
    other.get_by_role("button", name="Propose").click()
    expect(other.locator(".proposal", has_text="Ana Alm")).to_contain_text("Eva Eng")
    eva.close()

    page.goto(f"{server.url}/specimens/{specimen}")
    page.locator(".proposal", has_text="Ana Alm").get_by_role("button", name="Accept").click()
    row = page.locator(".record tr", has_text="Collector")
    expect(row).to_contain_text("Ana Alm")
    expect(row).to_contain_text("source: Smyth")
    page.locator("#record-history").scroll_into_view_if_needed()
    page.screenshot(path=folder / "7-record.png")
    manifest = asked(server, f"/iiif/presentation/3/{specimen}/manifest.json")
    told = {one["label"]["en"][0]: next(iter(one["value"].values()))[0] for one in manifest["metadata"]}
    assert (told["Collector"], told["Collector, as its source has it"]) == ("Ana Alm", "Smyth")
    live.indexed(server.runtime)
    found = asked(server, "/api/search?q=collector:alm&type=specimen")["items"]
    assert [item["key"] for item in found] == [specimen]


def test_people_decide_and_everybody_sees_it(browser: Browser, server: live.Live, tmp_path: Path) -> None:
    (specimen,) = (one["key"] for one in asked(server, "/api/search?type=specimen")["items"] if one["catalogNumber"] == "J 1")
    public = browser.new_context(viewport={"width": 1280, "height": 900})
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    comes_in(page, server)
    page.screenshot(path=tmp_path / "1-questions.png")
    worker = Worker(page, public.new_page(), server)
    worker.works()
    assert worker.verdicts == ITEMS
    assert worker.outlined
    page.screenshot(path=tmp_path / "2-after-thirty.png")
    drain(server.runtime)
    everybody_sees_it(server, worker)
    worker.seen.screenshot(path=tmp_path / "3-second-browser.png", full_page=True)
    takes_the_last_one_back(page, server)
    settles(browser, page, server, tmp_path)
    lets_the_collector_in(browser, page, server, specimen, tmp_path)
    context.close()
    public.close()
