"""The pictures in docs/images, taken from drawn sheets: `make screenshots`."""

import io
import re

from PIL import Image
from playwright.sync_api import Page, expect, sync_playwright

from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.hub import ROOT, Hub, starting

FOLDER = ROOT / "docs" / "images"
SHEETS = 12
MEASURED = re.compile(r"^Length [\d.,]+ ± [\d.]+ mm$")


def main() -> None:
    """Take the sheets in, wait until all is analysed, and write home.png, specimen.png, findings.png and runs.png."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    expect.set_options(timeout=60_000)
    with starting(SHEETS) as hub, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(viewport={"width": 1280, "height": 860}, color_scheme="light")
        hub.wait_until_done()
        page.goto(f"{hub.address}/?q=herbarium")
        page.wait_for_load_state("networkidle")
        keep(page, "home")
        open_measured(page, hub)
        page.wait_for_timeout(3000)
        keep(page, "specimen")
        page.locator("#findings").scroll_into_view_if_needed()
        page.evaluate("document.getElementById('findings').scrollIntoView()")
        page.wait_for_timeout(1500)
        keep(page, "findings")
        page.goto(f"{hub.address}/runs")
        page.wait_for_load_state("networkidle")
        keep(page, "runs")
        browser.close()


def open_measured(page: Page, hub: Hub) -> None:
    """The first sheet with a length in millimetres, or else the last one looked at."""
    for item in hub.specimens():
        page.goto(f"{hub.address}/specimens/{item['key']}")
        expect(page.locator("#viewer li[annotationid]").first).to_be_visible()
        if page.locator("#findings .value").filter(has_text=MEASURED).count():
            return


def keep(page: Page, name: str) -> None:
    picture = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
    picture.save(FOLDER / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
