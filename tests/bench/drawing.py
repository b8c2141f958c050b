"""How usable the page is on which people draw, with a thousand shapes on the sheet: `make bench-drawing`.

Milliseconds in headless Chromium with software rendering: from the address to an editor that is ready, ten steps of the zoom
until the sheet is drawn anew, and from choosing a statement until its handles are there.
"""

import math
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import click
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from analytics import synth
from annotations import service as annotations
from iiif.catalogue.model import Media
from tests import live
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.people import Person, add_person
from tests.sheets import comment
from tests.unit.iiif.image.pictures import derived, file_of

CORNERS, RADIUS = 50, 20.0
PATIENCE_MS = 120_000
CHOSEN = 5
ZOOM = """async () => {
  const begun = performance.now();
  for (let step = 0; step < 10; step += 1) {
    document.querySelector(`[data-do="${step < 5 ? "in" : "out"}"]`).click();
    for (let frame = 0; frame < 3; frame += 1) await new Promise(requestAnimationFrame);
  }
  return (performance.now() - begun) / 10;
}"""


@click.command()
@click.option("--shapes", default=1000, show_default=True)
def main(shapes: int) -> None:
    """Print one row of docs/performance.md."""
    with tempfile.TemporaryDirectory() as folder, live.web(Path(folder), web_processes=1) as server:
        media = derived(server.runtime, file_of(Image.fromarray(synth.draw(1, 0).rgb)))
        fill(server, media, shapes)
        person = add_person(server.runtime, "ana", "annotator")
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
            context = browser.new_context(viewport={"width": 1280, "height": 900})
            context.add_cookies([cookie(person, server.url)])
            page = context.new_page()
            page.set_default_timeout(PATIENCE_MS)
            row = measure(page, f"{server.url}/specimens/{media.specimen_key}/draw/{media.key}")
            browser.close()
    click.echo(f"| {shapes:,} | " + " | ".join(f"{value:,.0f}" for value in row) + " |")


def fill(server: live.Live, media: Media, shapes: int) -> None:
    """Polygons of 50 corners, side by side over the sheet."""
    addresses, at = server.runtime.addresses, server.runtime.clock()
    side = math.ceil(math.sqrt(shapes))
    with server.runtime.db.begin() as session:
        for number in range(shapes):
            x = (number % side + 0.5) * media.width_px / side
            y = (number // side + 0.5) * media.height_px / side
            turns = [2 * math.pi * corner / CORNERS for corner in range(CORNERS)]
            path = " L".join(f"{x + RADIUS * math.cos(turn):.3f} {y + RADIUS * math.sin(turn):.3f}" for turn in turns)
            selector = {"type": "SvgSelector", "value": f'<svg xmlns="http://www.w3.org/2000/svg"><path d="M{path} Z"/></svg>'}
            target = {"source": addresses.canvas(media.specimen_key, media.key), "selector": selector}
            how: Any = {"media": media, "run_key": "x1", "kind": "outline", "addresses": addresses, "at": at}
            annotations.create_machine(session, comment(target, f"shape {number}"), **how)


def cookie(person: Person, url: str) -> Any:
    name, _, value = person.cookie["Cookie"].partition("=")
    return {"name": name, "value": value, "url": url}


def measure(page: Page, address: str) -> tuple[float, float, float]:
    begun = time.perf_counter()
    page.goto(address)
    page.wait_for_selector("[data-draw][data-ready]", state="attached")
    ready = 1000 * (time.perf_counter() - begun)
    page.wait_for_timeout(1000)
    step = page.evaluate(ZOOM)
    page.locator("summary", has_text="Statements on this image").click()
    taken = []
    for number in range(CHOSEN):
        begun = time.perf_counter()
        page.locator("[data-pick]").nth(number * 7).click()
        page.locator("[data-part=shape]", has_text="polygon").wait_for()
        page.locator("svg .a9s-handle").first.wait_for()
        taken.append(1000 * (time.perf_counter() - begun))
    return ready, step, statistics.median(taken)


if __name__ == "__main__":
    main()
