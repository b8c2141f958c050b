"""The way of a museum's data manager: take sheets in, watch, find one by a word on its label, read its length."""

import re

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from analytics import pipelines
from tests.e2e.hub import Hub, starting

pytestmark = pytest.mark.e2e
A_WORD = "Lectotypi"  # printed on every drawn label, and in no table


def test_a_word_on_a_label_leads_to_a_length_in_millimetres(page: Page, hub: Hub) -> None:
    page.goto(hub.address)
    page.get_by_role("combobox", name="A name, a number, or any word on a label").fill(A_WORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile(r"\d+ found"))).to_be_visible()
    card = page.locator(".mount").filter(has=page.locator("mark", has_text=re.compile(A_WORD, re.IGNORECASE))).first
    expect(card.locator("img")).to_be_visible()
    for index in range(page.locator(".mount").count()):
        page.locator(".mount h3 a").nth(index).click()
        expect(page.locator("#viewer .openseadragon-canvas").first).to_be_visible()
        length = page.locator("#findings .value").filter(has_text=re.compile(r"^Length [\d.,]+ ± [\d.]+ mm$"))
        if length.count():
            return
        page.go_back()
    raise AssertionError("no sheet has a length in millimetres")


def test_the_search_that_was_brought_along_is_open_in_the_viewer(page: Page, hub: Hub) -> None:
    page.goto(f"{hub.address}/?q={A_WORD}")
    page.locator(".mount h3 a").first.click()
    hit = page.locator("#viewer .mirador-companion-window-left li").filter(has_text=re.compile(A_WORD, re.IGNORECASE))
    expect(hit.first).to_be_visible()


def test_a_facet_narrows_and_is_taken_back(page: Page, hub: Hub) -> None:
    page.goto(hub.address)
    everything = page.locator(".mount").count()
    page.locator("#facet-scientificName li a").first.click()
    expect(page.locator(".mount")).not_to_have_count(everything)
    page.locator(".chip").click()
    expect(page.locator(".mount")).to_have_count(everything)


def test_everything_can_be_read_without_scripts(browser: Browser, hub: Hub) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{hub.address}/?q={A_WORD}")
    page.locator(".mount h3 a").first.click()
    expect(page.locator("#viewer img")).to_be_visible()
    expect(page.locator("#findings")).to_contain_text("Labels")
    page.get_by_role("link", name=re.compile("Pipeline sheet")).click()
    expect(page.locator("#run tbody tr")).to_have_count(len(pipelines.load("sheet").steps))
    context.close()


def test_pages_follow_the_work_by_themselves(context: BrowserContext) -> None:
    """From the empty drawer to the analysed sheet, nobody reloads anything."""
    with starting(count=1) as hub:
        home, runs = context.new_page(), context.new_page()
        asked: list[str] = []
        runs.on("request", lambda request: asked.append(request.url))
        home.goto(hub.address)
        runs.goto(f"{hub.address}/runs")
        runs.evaluate("window.neverLeft = true")
        expect(runs.locator("article.run .tag.running").first).to_be_visible()
        expect(runs.locator("article.run")).to_have_count(2, timeout=120_000)
        expect(runs.locator("article.run .when .tag.good", has_text="completed")).to_have_count(2, timeout=300_000)
        assert runs.evaluate("window.neverLeft")
        assert any(url.endswith("/api/events?type=progress") for url in asked)
        home.bring_to_front()
        expect(home.locator(".mount img")).to_have_count(1)
        expect(home.locator("#progress progress")).to_have_count(0)
        hub.wait_until_done()
