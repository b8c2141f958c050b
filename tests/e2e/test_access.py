"""Pages for everyone: no serious finding of axe in light or dark, on a desk or a telephone, and all of it by keyboard."""

from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.hub import ROOT, Hub
from tests.services import missing

pytestmark = pytest.mark.e2e
AXE = ROOT / "app" / "web" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS_PX = (1280, 390)


def paths(hub: Hub) -> tuple[str, ...]:
    specimen = hub.specimens()[0]["key"]
    ingest = hub.json("/api/runs?kind=ingest")["items"][0]["key"]
    return ("/", "/?q=Lectotypi", "/?q=nothinghasthis", f"/specimens/{specimen}", "/runs", f"/runs/{ingest}", "/nowhere")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious(browser: Browser, hub: Hub, scheme: Any) -> None:
    if not AXE.is_file():
        missing("axe-core (make assets)")
    for width in WIDTHS_PX:
        context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        page = context.new_page()
        for path in paths(hub):
            page.goto(hub.address + path)
            if "/specimens/" in path:
                expect(page.locator("#viewer .openseadragon-canvas").first).to_be_visible()
                page.wait_for_timeout(1000)
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            serious = [
                f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in found if one["impact"] in ("serious", "critical")
            ]
            assert not serious, f"{path}, {width} px, {scheme}: {[(one['id'], one['nodes'][0]['html'][:200]) for one in serious]}"
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than {width} px"
        context.close()


def test_from_the_search_to_the_findings_by_keyboard(page: Page, hub: Hub) -> None:
    page.goto(hub.address)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to content")).to_be_focused()
    page.keyboard.press("/")
    expect(page.get_by_role("combobox", name="A name, a number, or any word on a label")).to_be_focused()
    page.keyboard.type("Lectotypi")
    page.keyboard.press("Enter")
    expect(page.locator("mark").first).to_be_visible()
    page.get_by_role("combobox", name="A name, a number, or any word on a label").focus()
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.closest('.mount') !== null"):
            break
    assert page.evaluate("document.activeElement.closest('.mount') !== null"), "the first card is reached"
    page.keyboard.press("Enter")
    expect(page.locator("#viewer .openseadragon-canvas").first).to_be_visible()
    page.locator("#findings [data-show]").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer li.Mui-selected")).to_be_visible()
