"""How long the page of a specimen takes on a slow network: `make bench-pages`, or `python -m tests.bench.pages --url …`.

Chromium behind 400 kbit/s with 400 ms until an answer begins (CDP, Network.emulateNetworkConditions), each round in a fresh
context.
"""

import re
import statistics
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import click
from playwright.sync_api import Browser, Page, sync_playwright

from tests.conformance import analysed_collection
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.e2e.hub import Hub

NETWORK = {"offline": False, "latency": 400, "downloadThroughput": 50_000, "uploadThroughput": 50_000}  # bytes a second
OWN_PIXELS = re.compile(r"/iiif/3/m\w+/\d+,\d+,(\d+),\d+/\1,")  # a tile that is not scaled
LONGEST_MS = 60_000
STEPS = ("first view", "can be zoomed", "shows its own pixels", "Mirador")


@click.command()
@click.option("--url", help="A page to measure; by default those of an analysed collection, made for this.")
@click.option("--rounds", default=3, show_default=True)
def main(url: str | None, rounds: int) -> None:
    """Print a table of seconds, for docs/performance.md."""
    with nullcontext(url) if url else analysed_collection() as address, sync_playwright() as playwright:
        assert address is not None
        pages = [url] if url else [f"{address}/specimens/{item['key']}" for item in Hub(address).specimens()]
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        click.echo(f"| page | requests | kB | {' | '.join(STEPS)} |")
        click.echo("|---" * (3 + len(STEPS)) + "|")
        for page in pages:
            click.echo(line(page, [measure(browser, page) for _ in range(rounds)]))
        browser.close()


def line(url: str, rounds: list[list[float]]) -> str:
    """One row: requests and kilobytes of the first view, then the medians in seconds."""
    requests, size, *seconds = (statistics.median(column) for column in zip(*rounds, strict=True))
    return f"| {url.rsplit('/', 1)[1]} | {requests:.0f} | {size:.0f} | " + " | ".join(f"{one:.1f} s" for one in seconds) + " |"


def measure(browser: Browser, url: str) -> list[float]:
    """Requests and kilobytes until the first view stands, and the seconds to each of STEPS; to the last one without zooming."""
    with _opened(browser, url) as (page, began, sizes):
        found = [time.monotonic() - began]
        page.wait_for_timeout(100)  # for the last requests to be told of; the viewer takes longer to come
        first = [len(sizes), sum(sizes) / 1000]
        found.append(_until(page, "#viewer[data-zoomable]", began))
        found.append(_own_pixels(page, began))
    with _opened(browser, url) as (page, began, _):
        found.append(_until(page, "#viewer[data-open]", began))
    return first + found


@contextmanager
def _opened(browser: Browser, url: str) -> Iterator[tuple[Page, float, list[int]]]:
    """The page once its `load` event has fired, when it was asked for, and the sizes of bodies as they come."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    page.goto("about:blank")
    sizes: list[int] = []
    page.on("requestfinished", lambda request: sizes.append(request.sizes()["responseBodySize"]))
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", NETWORK)
    began = time.monotonic()
    page.goto(url, wait_until="load")
    yield page, began, sizes
    context.close()


def _until(page: Page, selector: str, began: float) -> float:
    page.wait_for_selector(selector, state="attached", timeout=LONGEST_MS)
    return time.monotonic() - began


def _own_pixels(page: Page, began: float) -> float:
    """Zoom in as a reader does, and wait for the first tile at full depth."""
    box = page.locator("#viewer").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    with page.expect_event("requestfinished", lambda request: OWN_PIXELS.search(request.url) is not None, timeout=LONGEST_MS):
        for _ in range(20):
            page.mouse.wheel(0, -400)
            page.wait_for_timeout(20)
    return time.monotonic() - began


if __name__ == "__main__":
    main()
