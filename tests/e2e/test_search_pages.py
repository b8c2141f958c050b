"""The search page and the pages of errors in Chromium: what they say, at 360 pixels, in light and dark, for fingers."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.hub import Hub

pytestmark = pytest.mark.e2e
FINGER_PX = 44
STATES = {
    "all": ("/", 200),
    "hits": ("/?q=herbarium", 200),
    "narrowed": ("/?none=barcode&has=quality", 200),
    "no hits": ("/?q=zyzzyva&kind=barcode", 200),
    "slip": ("/?q=herbarium+length:9..5&kind=label", 400),
    "unknown field": ("/?famly=Fagaceae", 400),
    "not found": ("/nowhere/at-all", 404),
    "no such specimen": ("/specimens/s1nothing0000", 404),
    "bad page": ("/?page=none", 400),
}
TOO_SMALL = """(least) => [...document.querySelectorAll("a, button, input:not([type=hidden]), select, summary")].filter((one) => {
  if (one.matches(".skip") || one.closest("details:not([open])") && !one.matches("details > summary")) return false;
  if (one.matches("p:not(.ways, .meant) a")) return false; // within a sentence (WCAG 2.2, 2.5.8)
  const shown = (one.closest("article") ?? one).getBoundingClientRect();
  return shown.width > 0 && (shown.height < least || shown.width < least);
}).map((one) => one.outerHTML.slice(0, 120) + " " + one.getBoundingClientRect().height)"""
WIDER = "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"


@pytest.fixture(params=["light", "dark"])
def phone(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    """360 by 740 pixels, touched by fingers; pages of errors are asked for, so statuses are no fault here."""
    context = browser.new_context(
        viewport={"width": 360, "height": 740}, color_scheme=request.param, has_touch=True, is_mobile=True, device_scale_factor=2
    )
    yield context.new_page()
    context.close()


def go(page: Page, hub: Hub, name: str) -> None:
    path, status = STATES[name]
    answer = page.goto(hub.address + path)
    assert answer is not None
    assert answer.status == status
    _keep(page, name)


def _keep(page: Page, name: str) -> None:
    """A picture for people, where LECTOTYPE_TEST_PICTURES names a folder."""
    if folder := os.environ.get("LECTOTYPE_TEST_PICTURES"):
        scheme = "dark" if page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches") else "light"
        width = page.viewport_size["width"] if page.viewport_size else 0
        page.wait_for_load_state("networkidle")
        page.screenshot(path=Path(folder) / f"{name.replace(' ', '-')}-{width}-{scheme}.png", full_page=True)


def test_every_state_fits_a_phone_and_its_fingers(phone: Page, hub: Hub) -> None:
    for name in STATES:
        go(phone, hub, name)
        assert not phone.evaluate(WIDER), name
        fold = phone.locator("#fold > summary")
        if fold.count() and fold.is_visible() and not phone.locator("#facet-kind").is_visible():
            fold.tap()
        assert phone.evaluate(TOO_SMALL, FINGER_PX) == [], name


def test_what_was_found_and_what_was_not_are_counted_apart(browser: Browser, hub: Hub) -> None:
    """The numbers of the page are those of the statements."""
    found: dict[str, set[str]] = {}
    sought: dict[str, set[str]] = {}
    for item in hub.specimens():
        for statement in hub.json(f"/api/search?type=annotation&limit=100&specimen={item['key']}")["items"]:
            nothing = statement["motivation"] == ["assessing"] and statement["box"] is None and statement["kind"] != "quality"
            (sought if nothing else found).setdefault(statement["kind"], set()).add(item["key"])
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(hub.address)
    _keep(page, "all")
    for kind, label in (("barcode", "Barcode or QR code"), ("ruler", "Ruler"), ("label", "Label")):
        entry = page.locator("#facet-kind li", has_text=re.compile(f"^{label}"))
        if keys := found.get(kind):
            assert entry.locator(".count").text_content() == str(len(keys))
        else:
            expect(entry).to_have_count(0)
    for kind in ("barcode", "ruler"):
        there = found.get(kind, set())
        assert hub.json(f"/api/search?q=has:{kind}")["total"] == len(there)
        assert hub.json(f"/api/search?q=none:{kind}")["total"] == len(sought.get(kind, set()) - there)
    page.close()


def test_a_slip_leads_to_what_was_meant_and_the_json_is_the_same_search(browser: Browser, hub: Hub) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    go(page, hub, "slip")
    expect(page.get_by_role("alert")).to_contain_text("The range length:9..5 ends before it begins.")
    page.get_by_role("link", name="herbarium length:5..9").click()
    expect(page).to_have_url(re.compile(r"\?q=herbarium\+length%3A5\.\.9&kind=label$"))
    expect(page.get_by_role("heading", level=2)).to_have_text("0 found")
    page.get_by_label("A name, a number, or any word on a label").fill("herbarium kind:barcod")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("kind is one of barcode, ruler, label")
    page.get_by_role("link", name="herbarium kind:barcode").click()
    shown = page.locator(".drawer article").count()
    page.get_by_role("link", name="This search as JSON").click()
    body: dict[str, Any] = json.loads(page.locator("pre").inner_text())
    assert body["total"] == shown == len(body["items"])
    assert set(body["facets"]) >= {"kind", "none"}
    page.close()


def test_errors_are_in_our_words_with_a_way_on(browser: Browser, hub: Hub) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    for name, says in (
        ("not found", "Nothing here has the address /nowhere/at-all."),
        ("no such specimen", "There is no specimen 's1nothing0000' here."),
        ("bad page", "page must be a whole number from 1 to 1000"),
    ):
        go(page, hub, name)
        expect(page.locator("p.detail")).to_contain_text(says)
        expect(page.get_by_role("link", name="All specimens")).to_be_visible()
    page.get_by_role("searchbox").fill("herbarium")
    page.keyboard.press("Enter")
    expect(page.locator(".drawer article").first).to_be_visible()
    for path in ("/nowhere", "/specimens/s1nothing0000", "/?page=none"):
        answer = page.request.get(hub.address + path, headers={"Accept": "application/json"})
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"]
    page.close()
