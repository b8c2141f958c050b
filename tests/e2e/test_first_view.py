"""What a browser fetches before the first view of a specimen stands is held to a budget (docs/performance.md)."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, Route, expect

from tests.e2e.hub import Hub

pytestmark = pytest.mark.e2e
MOST_BYTES = 100_000  # two seconds at 400 kbit/s
MOST_REQUESTS = 12
SHEET = re.compile(r"/assets/(sheet|viewer|panels|chunk)-")


@pytest.fixture
def loaded(page: Page, hub: Hub) -> tuple[Page, list[Request]]:
    """The page of the specimen with the most findings, as it is when its `load` event fires; all requests, those later too."""
    requests: list[Request] = []
    page.on("requestfinished", lambda request: requests.append(request))
    key = max((item["key"] for item in hub.specimens()), key=lambda key: len(hub.annotations(key)))
    page.goto(f"{hub.address}/specimens/{key}", wait_until="load")
    return page, requests


def test_the_first_view_keeps_to_its_budget_and_the_viewer_comes_after_it(loaded: tuple[Page, list[Request]]) -> None:
    page, requests = loaded
    picture = page.locator("#viewer img")
    assert picture.evaluate("one => one.complete && one.naturalWidth > 300")
    assert page.evaluate("[...document.fonts].filter(one => one.status === 'loading').length") == 0
    expect(page.locator("#viewer[data-open]")).to_be_attached()
    ends = page.evaluate("performance.timing.loadEventStart") - page.evaluate("performance.timeOrigin")
    first = [one for one in requests if one.timing["startTime"] - page.evaluate("performance.timeOrigin") < ends]
    later = [one for one in requests if one not in first]
    sizes = {one.url: one.sizes()["responseBodySize"] + one.sizes()["responseHeadersSize"] for one in first}
    assert {one.resource_type for one in first} >= {"document", "stylesheet", "script", "font", "image"}
    assert len(first) <= MOST_REQUESTS, sorted(sizes)
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert not [url for url in sizes if SHEET.search(url)]
    assert [one for one in later if SHEET.search(one.url)], "the viewer follows"


def test_pictures_far_down_are_fetched_when_they_come_near(loaded: tuple[Page, list[Request]]) -> None:
    page, _ = loaded
    crops = page.locator("#findings img[data-later]")
    if crops.count() < 5:
        pytest.skip("the real sheet is not beside the project")
    expect(crops.last).not_to_have_attribute("src", re.compile("."))
    crops.last.scroll_into_view_if_needed()
    expect(crops.last).to_have_attribute("src", re.compile("/iiif/3/"))


def test_the_sheet_can_be_zoomed_before_mirador_is_there_and_stays_where_it_was_moved(context: BrowserContext, hub: Hub) -> None:
    page = context.new_page()
    held: list[Route] = []
    page.route(re.compile(r"/assets/viewer-"), lambda route: held.append(route))
    page.goto(f"{hub.address}/specimens/{hub.specimens()[0]['key']}")
    expect(page.locator("#viewer[data-zoomable]")).to_be_attached()
    box = page.locator("#viewer").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    with page.expect_response(re.compile(r"/iiif/3/m\w+/\d+,\d+,512,512/512,")):
        for _ in range(16):
            page.mouse.wheel(0, -400)
            page.wait_for_timeout(100)
    page.wait_for_timeout(1500)
    held[0].continue_()
    with page.expect_response(re.compile(r"/iiif/3/m\w+/\d+,\d+,512,512/512,")) as tile:
        expect(page.locator("#viewer[data-open]")).to_be_attached()
    assert tile.value.ok, "Mirador shows the same depth"


def test_what_was_asked_to_be_shown_before_mirador_is_there_is_shown_then(page: Page, hub: Hub) -> None:
    held: list[Route] = []
    page.route(re.compile(r"/assets/viewer-"), lambda route: held.append(route))
    page.goto(f"{hub.address}/specimens/{hub.specimens()[0]['key']}")
    expect(page.locator("#viewer[data-zoomable]")).to_be_attached()
    link = page.locator("#findings [data-show]").first
    link.click()
    page.wait_for_timeout(1000)
    held[0].continue_()
    chosen = page.locator(f"#viewer li[annotationid='{link.get_attribute('data-show')}']")
    expect(chosen).to_have_class(re.compile("Mui-selected"))


def test_a_page_stands_without_the_viewer_where_that_does_not_come(browser_page: Page, hub: Hub) -> None:
    browser_page.route(re.compile(r"/assets/(sheet|viewer)-"), lambda route: route.abort())
    browser_page.goto(f"{hub.address}/specimens/{hub.specimens()[0]['key']}")
    expect(browser_page.locator("#viewer img")).to_be_visible()
    expect(browser_page.locator("#findings")).to_be_visible()


@pytest.fixture
def browser_page(browser: Browser) -> Iterator[Page]:
    """A page whose requests may fail."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()
