"""People at work on the page of a specimen, on a real photograph: layers, verdicts by thumb, a line, talk, links to a place."""

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from analytics.steps.model import Finding
from annotations.regions import Region
from app.runtime import context as runtime_context
from app.runtime.accounts import service as accounts
from app.runtime.principal import Grant, Principal
from iiif.catalogue import service as catalogue
from iiif.image.actors import derive_image
from tests import live
from tests.conformance import SHARED
from tests.e2e.test_access import AXE
from tests.people import add_person
from tests.services import missing
from tests.sheets import Hub as Sheets
from tests.unit.app.test_pages import say
from tests.unit.iiif.image.pictures import drawn, file_of

pytestmark = pytest.mark.e2e
PHOTOGRAPH = SHARED / "data" / "specimens" / "insect_jrd_500606.jpg"  # 960 × 640 px, a butterfly above a ruler
PX_PER_MM, PASSWORD = 17.551, "correct horse battery"  # made up for this test
PHONE: dict[str, Any] = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "color_scheme": "dark"}


@dataclass(frozen=True)
class Desk:
    """The page that people work on, a link to join by, and the cookie of another reviewer."""

    page: str
    join: str
    ben: dict[str, str]


@pytest.fixture(scope="module")
def desk(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if not AXE.is_file():
        missing("axe-core (make assets)")
    with live.web(tmp_path_factory.mktemp("workplace"), web_processes=1) as server:
        runtime = server.runtime
        runtime_context.use(runtime)
        pixels = PHOTOGRAPH.read_bytes() if PHOTOGRAPH.is_file() else file_of(drawn(960, 640))
        sha256, size = runtime.blobs.put(io.BytesIO(pixels))
        at, naan = runtime.clock(), runtime.settings.naan
        with runtime.db.begin() as session:
            draft = catalogue.SpecimenDraft("BMNH(E) 500606", {"scientificName": "Ochlodes sylvanus"}, {}, "test")
            specimen = catalogue.add_specimen(session, draft, naan=naan, at=at)
            image = catalogue.MediaDraft(specimen.key, sha256, size, "image/jpeg", "500606.jpg")
            key = catalogue.add_media(session, image, naan=naan, at=at).key
        derive_image.fn(key)
        with runtime.db.begin() as session:
            media = catalogue.get_media(session, key)
            grant = Grant("reviewer")
            _, code = accounts.invite(session, "ana", naan=naan, at=at, by=Principal.of_system(), grant=grant)
        sheets = Sheets(runtime, None, "")  # type: ignore[arg-type]  # nothing is asked of it
        scale = {"value": PX_PER_MM, "unit": "px/mm", "uncertainty": 0.018, "motivations": ("calibrating",)}
        say(sheets, media, "ruler", Finding("ruler", "17.551 px per mm", Region.of_box(0, 447, 960, 632), **scale))
        texts = {"BMNH(E) # 500606\nPhotographed": (635, 300, 940, 420), "456789|123456789": (0, 530, 960, 632)}
        labels = [Finding("label", text, Region.of_box(*box), motivations=("supplementing",)) for text, box in texts.items()]
        say(sheets, media, "ocr", *labels)
        ben = add_person(runtime, "ben", "reviewer", name="Ben")
        name, _, value = ben.cookie["Cookie"].partition("=")
        cookie = {"name": name, "value": value, "url": server.url}
        yield Desk(f"{server.url}/specimens/{specimen.key}", f"{server.url}/join#{code}", cookie)


def opened(context: BrowserContext, address: str) -> Page:
    page = context.pages[0] if context.pages else context.new_page()
    page.goto(address)
    expect(page.locator("#viewer[data-open]")).to_be_attached()
    return page


def examine(page: Page) -> None:
    """No finding of axe at all, and nothing wider than the window."""
    page.evaluate(AXE.read_text())
    found = [(one["id"], one["nodes"][0]["html"][:200]) for one in page.evaluate("axe.run()")["violations"]]
    assert not found
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def told(page: Page, sentence: str) -> None:
    expect(page.locator("#answered")).to_have_text(sentence)


def test_people_work_on_a_photograph_and_others_see_it(browser: Browser, desk: Desk) -> None:
    ana = browser.new_context(viewport={"width": 1280, "height": 900})
    page = sign_in(ana, desk)
    layers(page, desk)
    line = measured(page)
    page.set_viewport_size({"width": 360, "height": 740})
    examine(page)
    phone = browser.new_context(**PHONE)
    phone.add_cookies([{"name": one["name"], "value": one["value"], "url": desk.page} for one in ana.cookies()])
    by_thumb(opened(phone, desk.page))
    phone.close()
    talk(browser, page, desk)
    ana.close()
    for_everybody(browser, desk, line)


def sign_in(context: BrowserContext, desk: Desk) -> Page:
    """From the page of the specimen, by the link of the invitation, and back."""
    page = opened(context, desk.page)
    expect(page.get_by_role("link", name="Sign in to answer")).to_have_attribute("href", re.compile(r"/login\?next=/specimens/"))
    assert page.locator("script[src*='workplace']").count() == 0
    page.goto(desk.join)
    page.get_by_label("Your name").fill("Ana")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.get_by_label("Password once more").fill(PASSWORD)
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_text("Welcome.")).to_be_visible()
    return opened(context, desk.page)


def layers(page: Page, desk: Desk) -> None:
    """A run that is off is neither listed nor drawn, nor is it for whoever is sent the address."""
    drawn_now = page.locator("#viewer li[annotationid]")
    expect(drawn_now).to_have_count(3)
    page.locator("#layers > summary").click()
    page.locator("#layers input[type=checkbox]").first.uncheck()  # the newest run: the labels
    expect(page.locator("#findings blockquote")).to_have_count(0)
    expect(drawn_now).to_have_count(1)
    shared = page.url
    assert "layer=" in shared
    opened(page.context, shared)
    expect(drawn_now).to_have_count(1)
    page.locator("#layers input[type=checkbox]").first.check()
    expect(drawn_now).to_have_count(3)
    assert page.url == desk.page


def measured(page: Page) -> str:
    """A line by mouse and keyboard is as long as the scale says, is kept, listed and drawn; the key of the statement."""
    page.locator("#measuring > summary").click()
    sheet = page.locator(".ruling").bounding_box()
    assert sheet is not None
    page.mouse.move(sheet["x"] + 120, sheet["y"] + 150)
    page.mouse.down()
    page.mouse.move(sheet["x"] + 320, sheet["y"] + 250, steps=4)
    page.mouse.up()
    end = page.get_by_role("button", name="The end of the line: arrows move it")
    expect(end).to_be_focused()
    before = float(page.locator("#measure-x1").input_value())
    page.keyboard.press("Shift+ArrowRight")
    assert float(page.locator("#measure-x1").input_value()) > before
    ends = [float(page.locator(f"#measure-{name}").input_value()) for name in ("x0", "y0", "x1", "y1")]
    length = float(np.hypot(ends[2] - ends[0], ends[3] - ends[1]) / PX_PER_MM)
    shown = page.locator("#measure-length").inner_text()
    assert float(shown.split()[0]) == pytest.approx(length, rel=0.01)
    examine(page)
    page.keyboard.press("Enter")
    expect(page.get_by_label("What is measured")).to_be_focused()
    page.keyboard.type("Left wing")
    page.keyboard.press("Enter")
    told(page, "The line is kept.")
    kept = page.locator(".finding", has_text="Left wing")
    expect(kept).to_contain_text(re.compile(rf"{re.escape(shown.split()[0])} ± [\d.]+ mm"))
    expect(kept.locator("svg line")).to_have_count(1)
    expect(page.locator("#viewer li[annotationid]")).to_have_count(4)
    return str(kept.get_attribute("id"))


def by_thumb(page: Page) -> None:
    """At 360 px one finding is accepted and another rejected, with targets of a thumb's size, and taken back."""
    examine(page)
    scale = page.locator(".finding", has_text="17.551 px per mm")
    accept = scale.get_by_role("button", name="Accept")
    box = accept.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    accept.tap()
    told(page, "Accepted.")
    expect(scale.locator(".state")).to_contain_text("accepted Enough voices. Accepted by Ana (reviewer)")
    marks = page.locator(".finding", has_text="456789|123456789")
    marks.locator("summary", has_text="Wrong").tap()
    reason = marks.get_by_role("button", name="Nothing there")
    box = reason.bounding_box()
    assert box is not None
    assert min(box["width"], box["height"]) >= 44
    reason.tap()
    told(page, "Rejected.")
    expect(marks.locator(".state")).to_contain_text("You rejected this: nothing there.")
    marks.get_by_role("button", name="Undo").tap()
    told(page, "Your verdict is taken back.")
    expect(marks.locator(".state")).to_have_count(0)
    marks.locator("summary", has_text="Wrong").tap()
    marks.get_by_role("button", name="Nothing there").tap()
    told(page, "Rejected.")
    examine(page)


def talk(browser: Browser, page: Page, desk: Desk) -> None:
    """Ana asks at a label; Ben replies, and corrects it; she finds both."""
    label = page.locator(".finding", has_text="Photographed").first
    label.locator("summary", has_text="Comment").click()
    label.get_by_label("Comment on this").fill("Is this the <b>first</b> photograph?")
    label.get_by_role("button", name="Comment", exact=True).click()
    told(page, "Your comment is kept.")
    expect(label.locator(".comment .words")).to_have_text("Is this the <b>first</b> photograph?")
    ben = browser.new_context(viewport={"width": 1280, "height": 900})
    ben.add_cookies([desk.ben])  # type: ignore[list-item]  # it is a cookie
    other = opened(ben, desk.page)
    label = other.locator(".finding", has_text="Photographed").first
    label.locator("summary", has_text="Comments (1)").click()
    label.locator("summary", has_text="Reply").click()
    label.get_by_label("Your reply").fill("The second")
    label.get_by_role("button", name="Reply", exact=True).click()
    told(other, "Your comment is kept.")
    label.locator(".comment .words").first.wait_for()
    label.locator("summary", has_text=re.compile("^Edit: ")).click()
    label.get_by_label("What it says").fill("BMNH(E) # 500606\nPhotographed twice")
    label.get_by_role("button", name="Save as mine").click()
    told(other, "Your statement stands in its place.")
    expect(other.locator(".finding", has_text="Photographed twice")).to_contain_text("Said by Ben")
    ben.close()
    page.reload()
    expect(page.locator(".finding", has_text="Photographed twice")).to_be_visible()


def for_everybody(browser: Browser, desk: Desk, line: str) -> None:
    """Who is not signed in sees what came of it; and a link to a place, and its content state, lead there."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = opened(context, desk.page)
    expect(page.locator("#findings")).to_contain_text("Accepted by Ana (reviewer)")
    expect(page.locator("#findings")).not_to_contain_text("456789|123456789")
    expect(page.locator(f"#{line}")).to_contain_text("Said by Ana")
    expect(page.locator("#viewer li[annotationid]")).to_have_count(3)  # the scale, Ben's label, Ana's line
    examine(page)
    page.locator("#share > summary").click()
    page.evaluate("scrollTo(0, 0)")
    sheet = page.locator("#viewer .openseadragon-canvas").first.bounding_box()
    assert sheet is not None
    page.mouse.move(sheet["x"] + 200, sheet["y"] + 150)
    for _ in range(5):
        page.mouse.wheel(0, -400)
    view, state = page.locator("#share-view"), page.locator("#share-state")
    expect(view).to_have_value(re.compile(r"&xywh=\d+,\d+,\d+,\d+$"))
    page.wait_for_timeout(1500)
    here, content = view.input_value(), state.input_value()
    for address in (here, f"{desk.page}?iiif-content={content}"):
        opened(context, address)
        page.locator("#share > summary").click()
        expect(view).to_have_value(re.compile(r"&xywh="))
        page.wait_for_timeout(1500)
        there = np.array([float(part) for part in view.input_value().rpartition("=")[2].split(",")])
        assert there == pytest.approx([float(part) for part in here.rpartition("=")[2].split(",")], abs=6)
    context.close()
