"""A specimen in pages of another origin: the frame, the web component, and a frame as WordPress makes it."""

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from playwright.sync_api import Browser, FrameLocator, Page, Request, expect

from tests.e2e.hub import ROOT, Hub
from tests.services import missing

pytestmark = pytest.mark.e2e
MOST_BYTES = 150_000  # before pictures
MOST_OF_COMPONENT = 3_000
AXE = ROOT / "app" / "web" / "frontend" / "node_modules" / "axe-core" / "axe.min.js"
COUNTED = ("document", "script", "stylesheet", "fetch", "xhr", "font")
HEAD = "<!doctype html><html lang=en><meta charset=utf-8><title>A museum</title><link rel=icon href='data:,'>"
LONG = "<p style='height:1500px'>A long page</p>"


@contextmanager
def elsewhere(pages: dict[str, str]) -> Iterator[str]:
    """A server of another origin with these pages; where it answers."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = f"{HEAD}{pages.get(self.path, '')}".encode()
            self.send_response(200 if self.path in pages else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def key(hub: Hub) -> str:
    """The specimen with the most findings."""
    return max((item["key"] for item in hub.specimens()), key=lambda key: len(hub.annotations(key)))


@pytest.fixture(scope="module")
def segment(hub: Hub, key: str) -> str:
    found: list[dict[str, str]] = hub.json(f"/api/segments?specimen={key}&class=label")["items"]
    return found[0]["key"]


@pytest.fixture(scope="module")
def museum(hub: Hub, key: str, segment: str) -> Iterator[str]:
    """A site that embeds it: as oEmbed has it, by the component, and in a sandbox."""
    html = hub.json(f"/oembed?url={hub.address}/specimens/{key}&maxwidth=700&maxheight=560")["html"]
    sandboxed = html.replace("<iframe ", '<iframe sandbox="allow-scripts" security="restricted" ').replace(
        'allow="fullscreen"', ""
    )
    component = f'<script async src="{hub.address}/embed.js"></script><lectotype-viewer src="{hub.address}/specimens/{key}"'
    with elsewhere(
        {
            "/frame": f"<h1>A frame</h1>{html}{LONG}",
            "/sandbox": f"<h1>A sandbox</h1>{sandboxed}{LONG}",
            "/component": f'<h1>Elements</h1>{component} title="Our oak" annotations="none"></lectotype-viewer>',
            "/segment": f"<h1>A label</h1>{component.replace(f'specimens/{key}', f'segments/{segment}')}></lectotype-viewer>",
            "/high": f'{component} height="432"></lectotype-viewer>',
        }
    ) as address:
        yield address


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page whose errors are told at its end; it asks several origins."""
    context = browser.new_context(viewport={"width": 900, "height": 800})
    wrong: list[str] = []
    context.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    context.on("weberror", lambda error: wrong.append(str(error.error)))
    yield context.new_page()
    context.close()
    assert not wrong


def opened(frame: FrameLocator) -> FrameLocator:
    expect(frame.locator("#viewer[data-open]")).to_be_attached()
    expect(frame.locator("#viewer > img")).to_have_count(0)
    return frame


def test_a_frame_elsewhere_is_light_and_shows_picture_shapes_and_words(visitor: Page, museum: str, hub: Hub, key: str) -> None:
    requests: list[Request] = []
    visitor.on("requestfinished", lambda request: requests.append(request))
    visitor.goto(f"{museum}/frame")
    frame = opened(visitor.frame_locator("iframe"))
    expect(frame.locator(".pid")).to_have_text(f"{hub.address}/ark:99999/{key}")
    shapes, told = frame.locator("#shapes path"), frame.locator("#findings li")
    assert shapes.count() > 0
    assert told.count() >= shapes.count()
    frame.locator("summary", has_text="What is said of it").click()
    before = frame.locator("#shapes g").get_attribute("transform")
    frame.get_by_role("button", name=re.compile("^Show:")).first.click()
    expect(frame.locator("#shapes path.shown")).to_have_count(1)
    expect(frame.locator("#shapes g")).not_to_have_attribute("transform", before or "")
    ours = [one for one in requests if one.url.startswith(hub.address) and one.resource_type in COUNTED]
    sizes = {one.url: one.sizes()["responseBodySize"] + one.sizes()["responseHeadersSize"] for one in ours}
    assert len(sizes) >= 5
    assert sum(sizes.values()) <= MOST_BYTES, sizes
    assert not [one.url for one in ours if "cookie" in one.all_headers()]
    assert visitor.context.cookies() == []
    assert frame.locator("body").evaluate("localStorage.length + sessionStorage.length") == 0


def test_the_page_around_scrolls_until_the_picture_is_meant(visitor: Page, museum: str) -> None:
    visitor.goto(f"{museum}/frame")
    frame = opened(visitor.frame_locator("iframe"))
    group = frame.locator("#shapes g")
    still = group.get_attribute("transform") or ""
    box = frame.locator("#zoom").bounding_box()
    assert box is not None
    visitor.mouse.move(box["x"] + box["width"] / 2, box["y"] + 100)
    visitor.mouse.wheel(0, 60)
    expect(frame.locator("#hint.seen")).to_contain_text("Ctrl")
    visitor.wait_for_function("scrollY > 0")
    assert group.get_attribute("transform") == still, "the picture stays"
    visitor.keyboard.down("Control")
    visitor.mouse.wheel(0, -120)
    visitor.keyboard.up("Control")
    expect(group).not_to_have_attribute("transform", still)
    zoomed = group.get_attribute("transform") or ""
    place = visitor.evaluate("scrollY")
    visitor.mouse.click(box["x"] + box["width"] / 2, box["y"] + 40)
    visitor.mouse.wheel(0, -120)
    expect(group).not_to_have_attribute("transform", zoomed)
    assert visitor.evaluate("scrollY") == place, "after a click the wheel is the picture's"


def test_one_finger_scrolls_and_two_move_the_picture(browser: Browser, museum: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 700}, has_touch=True, is_mobile=True)
    page = context.new_page()
    page.goto(f"{museum}/component")
    frame = opened(page.frame_locator("iframe"))
    frame.get_by_role("button", name="Larger").tap()
    group = frame.locator("#shapes g")
    page.wait_for_timeout(900)
    still = group.get_attribute("transform")
    touch = context.new_cdp_session(page)
    box = frame.locator("#zoom").bounding_box()
    assert box is not None

    def drag(*fingers: int) -> None:
        for step, name in enumerate(["touchStart", *["touchMove"] * 6, "touchEnd"]):
            points = [{"x": box["x"] + x + 6 * step, "y": box["y"] + 160 + 4 * step, "id": x} for x in fingers]  # type: ignore[index]
            touch.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": [] if name == "touchEnd" else points})

    drag(80)
    expect(frame.locator("#hint.seen")).to_contain_text("two fingers")
    page.wait_for_timeout(500)
    assert group.get_attribute("transform") == still
    drag(80, 200)
    expect(group).not_to_have_attribute("transform", still or "")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert frame.locator("html").evaluate("one => one.scrollWidth <= innerWidth")
    context.close()


def test_it_works_in_a_sandbox_without_origin_storage_or_full_screen(visitor: Page, museum: str, hub: Hub, key: str) -> None:
    visitor.goto(f"{museum}/sandbox")
    frame = opened(visitor.frame_locator("iframe"))
    assert frame.locator("body").evaluate("origin") == "null"
    expect(frame.get_by_role("button", name="Full screen")).to_be_hidden()
    expect(frame.get_by_role("button", name="Larger")).to_be_visible()
    picked = frame.locator(".pid").evaluate("one => { getSelection().selectAllChildren(one); return String(getSelection()); }")
    assert picked == f"{hub.address}/ark:99999/{key}"
    frame.locator("summary", has_text="Cite").click()
    expect(frame.locator(".cite")).to_contain_text(picked)


def test_the_component_finds_its_height_and_heeds_nobody_else(visitor: Page, museum: str) -> None:
    visitor.goto(f"{museum}/component")
    frame = opened(visitor.frame_locator("iframe"))
    element = visitor.locator("lectotype-viewer iframe")
    expect(element).to_have_attribute("title", "Our oak")
    expect(frame.locator("#shapes path")).to_have_count(0)
    visitor.wait_for_function("document.querySelector('iframe').style.height !== '600px'")
    height = element.evaluate("one => one.style.height")
    assert frame.locator("html").evaluate("one => one.scrollHeight <= innerHeight"), "nothing has to be scrolled in the frame"
    visitor.evaluate("postMessage({type: 'lectotype-size', height: 77}, '*')")
    visitor.evaluate("frames[0].postMessage({type: 'lectotype-size', height: 78}, '*')")
    visitor.wait_for_timeout(200)
    assert element.evaluate("one => one.style.height") == height
    visitor.goto(f"{museum}/high")
    opened(visitor.frame_locator("iframe"))
    assert visitor.locator("iframe").bounding_box()["height"] == 432  # type: ignore[index]


def test_the_component_shows_a_segment_on_its_own_canvas(visitor: Page, museum: str, hub: Hub, segment: str) -> None:
    visitor.goto(f"{museum}/segment")
    frame = opened(visitor.frame_locator("iframe"))
    expect(frame.locator(".pid")).to_have_text(f"{hub.address}/ark:99999/{segment}")
    box = hub.json(f"/api/segments/{segment}")["box"]
    assert frame.locator("#scene").evaluate("one => JSON.parse(one.textContent).width") == box[2]


def test_the_component_is_small(hub: Hub, visitor: Page) -> None:
    answer = visitor.request.get(f"{hub.address}/embed.js", headers={"Accept-Encoding": "identity"})
    assert answer.ok
    assert len(answer.body()) < MOST_OF_COMPONENT
    assert answer.headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_the_frame(browser: Browser, hub: Hub, key: str, segment: str, scheme: Any) -> None:
    if not AXE.is_file():
        missing("axe-core (make assets)")
    for width in (900, 360):
        context = browser.new_context(viewport={"width": width, "height": 700}, color_scheme=scheme)
        page = context.new_page()
        for path in (f"/embed/{key}?lang=de", f"/embed/{segment}", "/embed/s1nothing"):
            page.goto(hub.address + path)
            if "nothing" not in path:
                expect(page.locator("#viewer[data-open]")).to_be_attached()
                page.locator("#findings summary").click()
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run()")["violations"]
            assert not found, [(one["id"], one["nodes"][0]["html"][:200]) for one in found]
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{path} is wider than {width} px"
        context.close()


def test_the_picture_is_moved_by_keyboard(hub: Hub, key: str, visitor: Page) -> None:
    visitor.goto(f"{hub.address}/embed/{key}?xywh=100,100,800,800")
    expect(visitor.locator("#viewer[data-open]")).to_be_attached()
    group = visitor.locator("#shapes g")
    visitor.locator("#zoom .openseadragon-canvas").focus()
    for pressed in ("ArrowRight", "+", "0"):
        before = group.get_attribute("transform") or ""
        visitor.keyboard.press(pressed)
        expect(group).not_to_have_attribute("transform", before)
