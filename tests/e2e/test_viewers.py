"""OpenSeadragon, Mirador 3 and 4 and Universal Viewer on a sheet of fifteen megapixels, served live and from a static export.

Each opens the sheet, zooms in by the wheel to its own pixels and is dragged to its lower right corner. What then stands on
the screen is compared with the sheet, and every picture that was asked for must be one that costs no rendering.
"""

import io
import re
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, Request

from analytics import synth
from annotations import service as annotations
from annotations.segments import store as segments
from app.export.run import export
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import OwnRegion
from iiif.image.pyramid.format import Pyramid
from iiif.image.request import ImageRequest, SizeLimits
from tests import live
from tests.e2e.hub import ROOT
from tests.services import missing
from tests.sheets import add_sheet, comment
from tests.unit.iiif.image.pictures import derived, file_of

pytestmark = pytest.mark.e2e
VIEWERS = Path(__file__).parent / "viewers"
PAGES = {  # of each viewer, and what tells it more than the image or manifest
    "openseadragon": "openseadragon.html?",
    "mirador3": "mirador.html?script=node_modules/mirador/dist/mirador.min.js&",
    "mirador4": "mirador.html?script=/app/web/frontend/node_modules/mirador/dist/mirador.min.js&",
    "universalviewer": "universalviewer.html?",
}
WIDTH_PX, HEIGHT_PX = 3151, 4739  # no multiple of anything
OWN = (407, 1100, 1600, 1201)  # x, y, width, height; begins on no grid
LABEL = (1203, 2501, 1401, 1101)
WINDOW_PX = 1000
MOST_NOTCHES, DRAGS = 16, 7
SETTLED_S, PATIENCE_S = 0.15, 30.0
ALIKE = 0.94  # correlation of what is seen with the sheet: 0.95 to 1, as it is scaled otherwise; moved by 2 pixels, below 0.9


class Files(SimpleHTTPRequestHandler):
    """Files that pages of any origin may read."""

    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()

    def log_message(self, *_: object) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Collection:
    """One sheet at a running server and in a static export, and its pixels as (height, width, 3) sRGB.

    It shows a second specimen, `neighbour`, in the region OWN, and a label in the region LABEL, whose segment is `segment`.
    """

    live: str
    static: str
    media: str
    specimen: str
    neighbour: str
    segment: str
    pixels: NDArray[np.uint8]
    pyramid: Pyramid

    def lanes(self) -> Counter[str]:
        """How many answers of each lane the running server has given so far."""
        asked = urllib.request.Request(f"{self.live}/metrics", headers={"Authorization": "Bearer numbers"})
        with urllib.request.urlopen(asked, timeout=10) as response:
            text = response.read().decode()
        found: Counter[str] = Counter()
        for lane, number in re.findall(r'^lectotype_image_answers_total\{[^}]*lane="(\w+)"[^}]*\} (\S+)$', text, re.MULTILINE):
            found[lane] += int(float(number))
        return found

    def is_stored(self, path: str) -> bool:
        """Whether the picture of that path lies ready in the derivative."""
        region, size, rotation, last = path.split("/")[-4:]
        asked = ImageRequest.parse(3, region, size, rotation, *last.split("."))
        found = asked.resolve(self.pyramid.width_px, self.pyramid.height_px, SizeLimits(16_000, 36_000_000))
        box, plain = found.region, (found.quality, found.format, str(found.rotation)) == ("default", "jpg", "0")
        return plain and self.pyramid.stored_at(box.x, box.y, box.width, box.height, found.width, found.height) is not None


@pytest.fixture(scope="module")
def pages() -> Iterator[str]:
    """The address of the viewers' pages: a file server over the project's folder."""
    if not (VIEWERS / "node_modules" / "openseadragon").is_dir():
        missing("the viewers (make e2e installs them)")
    with serving(ROOT) as address:
        yield f"{address}/{VIEWERS.relative_to(ROOT).as_posix()}"


@pytest.fixture(scope="module")
def collection(browser: Browser, pages: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Collection]:
    """Needs the browser, so that nothing is built for nobody. Its pages link to the viewers here, which are of another origin."""
    folder = tmp_path_factory.mktemp("viewers")
    sheet = Image.fromarray(synth.draw(1, 0).rgb).resize((WIDTH_PX, HEIGHT_PX), Image.Resampling.LANCZOS)
    viewers: Any = {
        "mirador_url": f"{pages}/{PAGES['mirador4']}manifest=",
        "universal_viewer_url": f"{pages}/{PAGES['universalviewer']}manifest=",
    }
    with live.web(folder, web_processes=1, **viewers) as server, serving(folder / "static") as static:
        media = derived(server.runtime, file_of(sheet))
        pyramid = Pyramid(server.runtime.blobs.path(media.pyramid_sha256))
        neighbour, _ = add_sheet(server.runtime, "neighbour", sizes=())
        x, y, width, height = OWN
        with server.runtime.db.begin() as session:
            own, by = OwnRegion(x, y, x + width, y + height), Principal.of_system()
            catalogue.depict(session, neighbour.key, media.key, region=own, by=by, at=server.runtime.clock())
            addresses, at = server.runtime.addresses, server.runtime.clock()
            label = comment(f"{addresses.canvas(media.specimen_key, media.key)}#xywh={','.join(map(str, LABEL))}", "Quercus")
            annotations.create_machine(session, label, media=media, run_key="x1", kind="label", addresses=addresses, at=at)
            (segment,) = segments.on_image(session, media.key)
            code = comment(f"{addresses.canvas(media.specimen_key, media.key)}#xywh=500,1200,300,200", "LT 1")
            annotations.create_machine(session, code, media=media, run_key="x1", kind="barcode", addresses=addresses, at=at)
        export(server.runtime, [media.specimen_key, neighbour.key], folder / "static", static)
        yield Collection(
            server.url, static, media.key, media.specimen_key, neighbour.key, segment.key, np.asarray(sheet), pyramid
        )


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """The address of a file server over a folder."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@dataclass
class Screen:
    """A viewer that is open; `asked` are the addresses at the server of images, `wrong` what went wrong."""

    page: Page
    server: str
    asked: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    waiting: set[Request] = field(default_factory=set)

    @classmethod
    def open(cls, browser: Browser, viewer: str, server: str, query: str) -> "Screen":
        screen = cls(browser.new_page(viewport={"width": WINDOW_PX, "height": 700}), server)
        screen.page.on("request", screen._began)
        screen.page.on("requestfinished", screen._ended)
        screen.page.on("requestfailed", screen._ended)
        screen.page.on("pageerror", lambda error: screen.wrong.append(str(error)))
        screen.page.goto(f"{viewer}{query}")
        screen.page.wait_for_selector(".openseadragon-canvas canvas", timeout=PATIENCE_S * 1000)
        screen.settle()
        return screen

    def _began(self, request: Request) -> None:
        if request.url.startswith(self.server):
            self.asked.append(request.url.removeprefix(self.server))
            self.waiting.add(request)

    def _ended(self, request: Request) -> None:
        self.waiting.discard(request)
        response = request.response() if request.failure is None else None
        if request.url.startswith(self.server) and (response is None or response.status != 200):
            self.wrong.append(f"{request.url}: {request.failure or (response and response.status)}")

    def view(self) -> tuple[float, float, float, float]:
        """What is seen, in pixels of the image: left, top, width, height."""
        left, top, width, height, _ = self.page.evaluate("view()")
        return left, top, width, height

    def settle(self) -> None:
        """Wait until nothing moves, nothing is waited for, and nothing is missing."""
        deadline, since = time.monotonic() + PATIENCE_S, time.monotonic()
        before: list[float] = []
        while time.monotonic() - since < SETTLED_S:
            assert time.monotonic() < deadline, f"still waiting for {[request.url for request in self.waiting]}"
            self.page.wait_for_timeout(50)
            now = self.page.evaluate("(() => { try { return view() } catch { return [] } })()")
            if (
                self.waiting
                or not before
                or not now
                or not now[4]
                or max(abs(a - b) for a, b in zip(now, before, strict=True)) > 0.01
            ):
                since, before = time.monotonic(), now

    def middle(self) -> tuple[float, float]:
        box = self.page.locator(".openseadragon-canvas").first.bounding_box()
        assert box is not None
        return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2

    def zoom_in(self) -> None:
        """Turn the wheel, a notch at a time, until the image is at its own pixels; slow
        enough for the pictures of each step to be asked for."""
        self.page.mouse.move(*self.middle())
        for _ in range(MOST_NOTCHES):
            self.page.mouse.wheel(0, -240)
            self.page.wait_for_timeout(200)
            if self.view()[2] < WINDOW_PX:
                break
        self.settle()

    def drag_to_the_corner(self) -> None:
        """Drag the sheet to the upper left, until its lower right corner is seen."""
        x, y = self.middle()
        for _ in range(DRAGS):
            self.page.mouse.move(x + 250, y + 150)
            self.page.mouse.down()
            self.page.mouse.move(x, y, steps=4)
            self.page.mouse.move(x - 100, y - 250, steps=4)
            self.page.mouse.up()
            self.page.wait_for_timeout(100)
        self.settle()

    def likeness(self, pixels: NDArray[np.uint8]) -> float:
        """Correlation of the middle of what is seen, where no button lies, with that part of the sheet."""
        left, top, width, height = self.view()
        picture = self.page.locator(".openseadragon-canvas").first.screenshot()
        seen = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB"))
        scale_x, scale_y = width / seen.shape[1], height / seen.shape[0]
        box = [round(seen.shape[1] * 0.2), round(seen.shape[0] * 0.2), round(seen.shape[1] * 0.8), round(seen.shape[0] * 0.75)]
        x0, x1 = (max(0.0, min(pixels.shape[1], left + side * scale_x)) for side in (box[0], box[2]))
        y0, y1 = (max(0.0, min(pixels.shape[0], top + side * scale_y)) for side in (box[1], box[3]))
        area = (
            round((x0 - left) / scale_x),
            round((y0 - top) / scale_y),
            round((x1 - left) / scale_x),
            round((y1 - top) / scale_y),
        )
        size = area[2] - area[0], area[3] - area[1]
        assert min(size) > 100, f"too little of the sheet is seen: {self.view()}"
        expected = Image.fromarray(pixels).resize(size, Image.Resampling.BILINEAR, box=(x0, y0, x1, y1), reducing_gap=2.0)
        shown = seen[area[1] : area[3], area[0] : area[2]]
        return float(np.corrcoef(np.asarray(expected).ravel(), shown.ravel())[0, 1])


def query_of(viewer: str, server: str, collection: Collection) -> str:
    if viewer == "openseadragon":
        return "image=" + quote(f"{server}/iiif/3/{collection.media}/info.json")
    return "manifest=" + quote(f"{server}/iiif/presentation/3/{collection.specimen}/manifest.json")


@pytest.mark.parametrize(
    ("viewer", "source"), [*((name, "live") for name in PAGES), ("openseadragon", "static"), ("mirador4", "static")]
)
def test_a_sheet_is_right_at_every_depth_and_costs_no_rendering(
    browser: Browser, pages: str, collection: Collection, viewer: str, source: str, tmp_path: Path
) -> None:
    server = collection.live if source == "live" else collection.static
    before = collection.lanes()
    screen = Screen.open(browser, f"{pages}/{PAGES[viewer]}", server, query_of(viewer, server, collection))
    for step, act in (("whole", lambda: None), ("deep", screen.zoom_in), ("corner", screen.drag_to_the_corner)):
        act()
        screen.page.screenshot(path=tmp_path / f"{viewer}-{source}-{step}.png")
        assert screen.likeness(collection.pixels) > ALIKE, step
    left, top, width, height = screen.view()
    assert width < WINDOW_PX, "the image is at its own pixels"
    assert left + width > WIDTH_PX - 1
    assert top + height > HEIGHT_PX - 1, "the corner is seen"
    screen.page.close()
    assert not screen.wrong
    pictures = [path for path in screen.asked if path.endswith(".jpg")]
    assert {1, 2, 4, 8} <= {scale_of(path) for path in pictures}
    assert [path for path in pictures if not collection.is_stored(path)] == []
    answered = collection.lanes() - before
    assert set(answered) <= {"tile", "info"}
    if source == "live":
        assert len(set(pictures)) <= answered["tile"] <= len(pictures)


def test_a_segment_is_an_image_of_its_own(browser: Browser, pages: str, collection: Collection) -> None:
    """Where it begins on the grid of the sheet and ends with it, its tiles are the sheet's."""
    left, top = 1024, 2048
    segment = f"{collection.media}:{left},{top},{WIDTH_PX - left},{HEIGHT_PX - top}"
    before = collection.lanes()
    query = "image=" + quote(f"{collection.live}/iiif/3/{segment}/info.json")
    screen = Screen.open(browser, f"{pages}/{PAGES['openseadragon']}", collection.live, query)
    pixels = collection.pixels[top:, left:]
    assert screen.likeness(pixels) > ALIKE
    screen.zoom_in()
    assert screen.likeness(pixels) > ALIKE
    screen.page.close()
    assert not screen.wrong
    pictures = [path for path in screen.asked if path.endswith(".jpg")]
    on_the_grid = [path for path in pictures if scale_of(path) in (1, 2)]
    answered = collection.lanes() - before
    assert on_the_grid
    assert answered["render"] <= len(pictures) - len(on_the_grid)


@pytest.mark.parametrize(
    ("viewer", "source"), [("mirador3", "live"), ("mirador4", "live"), ("universalviewer", "live"), ("mirador4", "static")]
)
def test_a_specimen_of_a_shared_image_opens_on_its_own_region(
    browser: Browser, pages: str, collection: Collection, viewer: str, source: str, tmp_path: Path
) -> None:
    server = collection.live if source == "live" else collection.static
    screen = Screen.open(browser, f"{pages}/{PAGES[viewer]}", server, manifest(server, collection.neighbour))
    shows(screen, collection, OWN, tmp_path / f"{viewer}-{source}-own.png")


@pytest.mark.parametrize(("viewer", "source"), [("mirador3", "live"), ("mirador4", "live"), ("universalviewer", "live")])
def test_the_manifest_of_a_segment_shows_its_part_of_the_sheet(
    browser: Browser, pages: str, collection: Collection, viewer: str, source: str, tmp_path: Path
) -> None:
    server = collection.live if source == "live" else collection.static
    screen = Screen.open(browser, f"{pages}/{PAGES[viewer]}", server, manifest(server, collection.segment))
    shows(screen, collection, LABEL, tmp_path / f"{viewer}-{source}-segment.png")


@pytest.mark.parametrize(("viewer", "label"), [("mirador3", "Label"), ("mirador4", "Label"), ("universalviewer", "Barcode")])
def test_the_index_of_a_viewer_names_the_segments_of_the_sheet(
    browser: Browser, pages: str, collection: Collection, viewer: str, label: str, tmp_path: Path
) -> None:
    """Universal Viewer has an index for manifests of several canvases alone."""
    key = collection.neighbour if viewer == "universalviewer" else collection.specimen
    screen = Screen.open(browser, f"{pages}/{PAGES[viewer]}", collection.live, manifest(collection.live, key))
    if viewer == "universalviewer":
        screen.page.locator(".leftPanel .tab.index").click()
        index = screen.page.locator(".leftPanel .treeView")
        index.locator(".toggle").first.click()
    else:
        screen.page.get_by_role("button", name="Toggle sidebar").click()
        screen.page.get_by_role("tab", name="Index").click()
        index = screen.page.get_by_role("tree")
        index.get_by_text("Segments").wait_for()
    entry = index.get_by_text(label, exact=True).first
    screen.page.wait_for_timeout(500)
    if not entry.is_visible():  # Mirador 3 opens what holds the canvas by itself
        index.get_by_text("Segments").click()
    entry.wait_for()
    screen.page.screenshot(path=tmp_path / f"{viewer}-index.png")
    entry.click()
    screen.settle()
    if viewer == "universalviewer":
        assert screen.view()[3] > OWN[3], "it has turned to the whole sheet"
    screen.page.close()
    assert not screen.wrong


@pytest.mark.parametrize("viewer", ["Mirador", "Universal Viewer"])
def test_the_links_of_a_segments_page_open_it_in_viewers_of_others(
    browser: Browser, pages: str, collection: Collection, viewer: str, tmp_path: Path
) -> None:
    context = browser.new_context(viewport={"width": WINDOW_PX, "height": 700})
    page = context.new_page()
    page.goto(f"{collection.live}/segments/{collection.segment}")
    page.get_by_text("Share and embed").click()
    with context.expect_page() as opened:
        page.get_by_role("link", name=f"Open in {viewer}").click()
    assert opened.value.url.startswith(pages), "it is elsewhere"
    screen = Screen(opened.value, collection.live)
    screen.page.wait_for_selector(".openseadragon-canvas canvas", timeout=PATIENCE_S * 1000)
    screen.settle()
    shows(screen, collection, LABEL, tmp_path / f"{viewer}-opened.png")
    context.close()


def manifest(server: str, key: str) -> str:
    """The query by which a viewer opens the manifest of that key."""
    return "manifest=" + quote(f"{server}/iiif/presentation/3/{key}/manifest.json")


def shows(screen: Screen, collection: Collection, box: tuple[int, int, int, int], picture: Path) -> None:
    """The screen, kept as `picture`, has that part of the sheet (x, y, width, height), and nothing went wrong; it is closed."""
    screen.page.screenshot(path=picture)
    x, y, width, height = box
    assert screen.likeness(collection.pixels[y : y + height, x : x + width]) > ALIKE
    screen.page.close()
    assert not screen.wrong


def scale_of(path: str) -> int:
    """How many pixels of the image, on one axis, are one of the tile; 0 for a picture of the whole."""
    match = re.search(r"/\d+,\d+,(\d+),\d+/(\d+),", path)
    return round(int(match[1]) / int(match[2])) if match else 0
