"""Shapes of SvgSelectors lie where a browser draws them, if the outermost svg is stretched to the canvas."""

import io
from collections.abc import Mapping

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser

from annotations import clipping, selectors
from annotations.model import Canvas
from annotations.regions import Region
from tests.svg_drawings import AREAS, HEIGHT, LINES, WIDTH

CANVAS = Canvas(WIDTH, HEIGHT)
COLUMNS = 10
HIDE = "text, foreignObject { display: none } * { marker: none !important; shape-rendering: crispEdges }"
FILLED = f"{HIDE} * {{ fill: #000 !important; stroke: none !important }}"
STROKED = f"{HIDE} * {{ fill: none !important; stroke: #000 !important; stroke-width: 2px; vector-effect: non-scaling-stroke }}"
# Each svg in a shadow tree of its own, as style rules hold for a whole tree; then stretched, whatever size it says.
DRAW = """([drawings, css, width, height, columns]) => drawings.forEach((text, number) => {
  const tile = document.body.appendChild(document.createElement("div"))
  tile.style = `position:absolute; overflow:hidden; width:${width}px; height:${height}px;
    left:${(number % columns) * width}px; top:${Math.floor(number / columns) * height}px`
  const tree = tile.attachShadow({mode: "open"})
  const inner = tree.appendChild(document.createElement("div"))
  inner.style = `position:absolute; width:${width}px; height:${height}px; transform-origin:0 0`
  text = text.replace(/^<svg(?![^>]*xmlns=)/, '<svg xmlns="http://www.w3.org/2000/svg"')
  const svg = inner.appendChild(document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true))
  for (const [name, size] of [["width", width], ["height", height]])
    if (!svg.hasAttribute(name) && !svg.style[name]) svg.style[name] = `${size}px`
  svg.style.display = "block"
  const own = getComputedStyle(svg)
  inner.style.transform = `scale(${width / parseFloat(own.width)}, ${height / parseFloat(own.height)})`
  tree.prepend(Object.assign(document.createElement("style"), {textContent: css}))
})"""


def drawn(browser: Browser, drawings: Mapping[str, str], css: str) -> dict[str, NDArray[np.bool_]]:
    """Which pixels of the canvas the browser paints, by the names of the drawings."""
    rows = -(-len(drawings) // COLUMNS)
    page = browser.new_page(viewport={"width": COLUMNS * WIDTH, "height": rows * HEIGHT})
    page.set_content("<!doctype html><body style='margin:0;background:#fff'></body>")
    page.evaluate(DRAW, [list(drawings.values()), css, WIDTH, HEIGHT, COLUMNS])
    whole = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L")) < 128
    page.close()
    tiles = (whole[HEIGHT * row :][:HEIGHT, WIDTH * column :][:, :WIDTH] for row in range(rows) for column in range(COLUMNS))
    return dict(zip(drawings, tiles, strict=False))


def read(text: str) -> Region:
    region = selectors.read({"type": "SvgSelector", "value": text}, CANVAS)
    assert region is not None
    return clipping.clipped(region, CANVAS)


def test_areas_cover_the_pixels_that_a_browser_paints(browser: Browser) -> None:
    wrong = {}
    for name, painted in drawn(browser, AREAS, FILLED).items():
        mask = read(AREAS[name]).raster()
        ours = np.zeros_like(painted) if mask is None else mask.on_canvas(WIDTH, HEIGHT)
        shared = (ours & painted).sum() / max((ours | painted).sum(), 1)
        if shared < 0.97 or painted.sum() < 500:
            wrong[name] = (round(float(shared), 3), int(painted.sum()), int(ours.sum()))
    assert not wrong


def test_lines_run_where_a_browser_draws_them(browser: Browser) -> None:
    wrong = {}
    for name, painted in drawn(browser, LINES, STROKED).items():
        box = read(LINES[name]).box
        ys, xs = np.nonzero(painted)
        around = (xs.min(), ys.min(), xs.max() + 1, ys.max() + 1)
        if np.abs(np.subtract(around, (box.x0, box.y0, box.x1, box.y1))).max() > 2:
            wrong[name] = (around, box)
    assert not wrong


@pytest.mark.parametrize("name", LINES)
def test_what_is_open_is_read_as_lines(name: str) -> None:
    assert read(LINES[name]).kind == "line"
