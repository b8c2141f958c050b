"""Mirador in the page of a specimen: the image at full depth, the annotations on it, and the search inside it."""

import io
import re

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Page, Response, expect

from tests.e2e.hub import Hub

pytestmark = pytest.mark.e2e
REAL, DRAWN = ("plant_gouda_bm001128287", "Paulson"), ("LT", "Lectotypi")  # catalogue number begins so; a word of its label
DRAWN_RED = (224, 57, 62)  # of the boxes, app/web/frontend/src/viewer.js


@pytest.fixture
def sheet(hub: Hub) -> tuple[str, str]:
    """Key and a word on the label of a real sheet, or of a drawn one where the real ones are not there."""
    for number, word in (REAL, DRAWN):
        for item in hub.specimens():
            if item["catalogNumber"].startswith(number):
                return item["key"], word
    raise AssertionError("the collection holds neither")


def open_sheet(page: Page, hub: Hub, key: str) -> None:
    page.goto(f"{hub.address}/specimens/{key}")
    expect(page.locator("#viewer .openseadragon-canvas").first).to_be_visible()


def test_the_image_shows_in_tiles_down_to_its_own_pixels(page: Page, hub: Hub, sheet: tuple[str, str]) -> None:
    tiles: list[Response] = []
    page.on("response", lambda response: tiles.append(response) if re.search(r"/iiif/3/\w+/\d+,\d+,", response.url) else None)
    open_sheet(page, hub, sheet[0])
    page.wait_for_timeout(1500)
    assert seen(page).std() > 20, "the sheet is drawn"
    for _ in range(6):
        page.get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(400)
    page.wait_for_timeout(1500)
    assert tiles
    assert all(tile.status == 200 for tile in tiles)
    scales = {int(match[1]) / int(match[2]) for tile in tiles if (match := re.search(r"/\d+,\d+,(\d+),\d+/(\d+),", tile.url))}
    assert min(scales) == 1, f"tiles of the full depth were asked for, not only {sorted(scales)}"


def test_what_was_found_stands_beside_the_image_and_on_it(page: Page, hub: Hub, sheet: tuple[str, str]) -> None:
    found = hub.annotations(sheet[0])
    assert found
    open_sheet(page, hub, sheet[0])
    expect(page.locator("#viewer li[annotationid]")).to_have_count(len(found))
    expect(page.locator("#viewer")).to_contain_text(f"Showing {len(found)} annotations")
    page.wait_for_timeout(2500)
    red = (np.abs(seen(page).astype(int) - DRAWN_RED).max(axis=2) < 40).sum()
    assert red > 200, "their boxes are drawn"


def test_the_search_inside_the_manifest_finds_a_word_of_the_label(page: Page, hub: Hub, sheet: tuple[str, str]) -> None:
    key, word = sheet
    open_sheet(page, hub, key)
    page.locator("#viewer").get_by_role("tab", name="Search").click()
    page.locator("#viewer input[id^='search-']").fill(word)
    page.keyboard.press("Enter")
    hit = page.locator("#viewer .mirador-companion-window-left li").filter(has_text=re.compile(word, re.IGNORECASE)).first
    expect(hit).to_be_visible()


def test_a_finding_shows_itself_on_the_sheet(page: Page, hub: Hub, sheet: tuple[str, str]) -> None:
    open_sheet(page, hub, sheet[0])
    expect(page.locator("#viewer li[annotationid]").first).to_be_visible()
    link = page.locator("#findings [data-show]").first
    link.click()
    chosen = page.locator(f"#viewer li[annotationid='{link.get_attribute('data-show')}']")
    expect(chosen).to_have_class(re.compile("Mui-selected"))
    assert page.url.endswith(f"/specimens/{sheet[0]}"), "the page is not left"


def seen(page: Page) -> np.ndarray:
    """(H, W, 3) uint8, what stands in the viewer."""
    picture = Image.open(io.BytesIO(page.locator("#viewer .mirador-primary-window").screenshot())).convert("RGB")
    return np.asarray(picture)
