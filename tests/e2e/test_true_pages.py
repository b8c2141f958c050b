"""The pages of a specimen and of a run tell the truth, and can be read and used on a telephone, in light and in dark."""

import json
import re
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from app.runtime import tokens
from app.runtime.principal import Principal
from tests import live
from tests.conformance import SHARED
from tests.drain import drain
from tests.e2e.hub import Hub

pytestmark = pytest.mark.e2e
PHOTOGRAPH = "insect_jrd_500606.jpg"  # a small one of an insect beside a ruler
PAPER = (236, 228, 210)


@pytest.fixture(scope="module")
def hub(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """A leaf, one that the edge cuts, a bare label, and a photograph where it is there; analysed, and a person's word."""
    folder = tmp_path_factory.mktemp("true-pages")
    with live.web(folder, web_processes=1) as served:
        draw(folder / "sheets")
        command = [sys.executable, "-m", "app.cli", "ingest", str(folder / "sheets")]
        subprocess.run(command, cwd=live.ROOT, env=served.runtime.settings.environment(), check=True, stdout=subprocess.DEVNULL)
        drain(served.runtime)
        with served.runtime.db.begin() as session:
            token = tokens.create(session, "curator", served.runtime.clock(), by=Principal.of_system())
        hub = Hub(served.url)
        say(hub, token)
        yield hub


def draw(folder: Path) -> None:
    folder.mkdir()
    noise = np.random.default_rng(1).normal(0, 1.5, (900, 700, 3))
    paper = np.clip(np.array(PAPER) + noise, 0, 255).astype(np.uint8)
    for name, y in (("leaf", 400), ("cut", 800)):
        image = paper.copy()
        cv2.ellipse(image, (300, y), (90, 280), 12, 0, 360, (60, 90, 40), cv2.FILLED)
        cv2.imwrite(str(folder / f"{name}.png"), image[:, :, ::-1])
    label = np.full((600, 900, 3), 40, np.uint8)
    cv2.rectangle(label, (60, 60), (840, 540), PAPER, cv2.FILLED)
    cv2.rectangle(label, (60, 60), (140, 120), (40, 40, 40), cv2.FILLED)
    for row, text in enumerate(("Quercus robur L.", "Belgium, Meise", "12 June 1887")):
        cv2.putText(label, text, (110, 210 + 110 * row), cv2.FONT_HERSHEY_SIMPLEX, 2.2, (20, 20, 20), 4)
    cv2.imwrite(str(folder / "label.png"), label[:, :, ::-1])
    if (photograph := SHARED / "data" / "specimens" / PHOTOGRAPH).is_file():
        shutil.copy(photograph, folder)


def say(hub: Hub, token: str) -> None:
    """A person's scale on the leaf, which its document calls an assessment."""
    canvas = hub.json(f"/iiif/presentation/3/{key_of(hub, 'leaf')}/manifest.json")["items"][0]["id"]
    body = {"type": "dwc:Assertion", "value": "20 px per mm", "dwc:assertionValue": "20", "dwc:assertionUnit": "px/mm"}
    document = {
        "@context": [f"{hub.address}/ns/1/context.jsonld", "http://www.w3.org/ns/anno.jsonld"],
        "type": "Annotation",
        "motivation": "assessing",
        "creator": {"type": "Person", "name": "A. Curator"},
        "body": body,
        "target": canvas,
    }
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/ld+json"}
    request = urllib.request.Request(f"{hub.address}/annotations/", json.dumps(document).encode(), headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        assert answer.status == 201


def key_of(hub: Hub, number: str) -> str:
    return next(str(item["key"]) for item in hub.specimens() if item["catalogNumber"] == number)


def open_page(page: Page, hub: Hub, number: str) -> None:
    page.goto(f"{hub.address}/specimens/{key_of(hub, number)}")
    expect(page.locator("#viewer[data-open]")).to_be_attached()


def test_a_person_is_named_and_no_statement_is_sure(page: Page, hub: Hub) -> None:
    open_page(page, hub, "leaf")
    said = page.locator(".group", has=page.get_by_role("heading", name="Said by people")).locator(".finding")
    expect(said).to_contain_text("20 px/mm")
    expect(said).to_contain_text("Said by A. Curator,")
    expect(said).not_to_contain_text("nothing found")
    for number in ("leaf", "label"):
        page.goto(f"{hub.address}/specimens/{key_of(hub, number)}")
        expect(page.locator("#findings")).not_to_contain_text(re.compile(r"\d\s?% sure|\bsure\b"))
    expect(page.locator("#findings")).to_contain_text("Read by machine, not proofread")


def test_a_length_is_drawn_with_its_ends_and_a_cut_outline_is_doubtful(page: Page, hub: Hub) -> None:
    numbers = {item["catalogNumber"] for item in hub.specimens()}
    for number in {"leaf", "insect_jrd_500606"} & numbers:
        open_page(page, hub, number)
        length = page.locator(".finding", has=page.locator(".value", has_text="Length"))
        line = length.locator("svg line")
        line.scroll_into_view_if_needed()
        ends = [float(line.get_attribute(name) or "nan") for name in ("x1", "y1", "x2", "y2")]
        assert length.locator("svg circle").count() == 2
        expect(length.locator(".tag")).to_have_count(0) if number == "leaf" else None
        box = [float(side) for side in (length.locator("[data-box]").first.get_attribute("data-box") or "").split(",")]
        picture = length.locator("img[data-later], img[src]").first
        scale = float(picture.get_attribute("width") or 0) / float(number_in_region(picture, 2))
        drawn = np.hypot(ends[2] - ends[0], ends[3] - ends[1]) / scale
        assert drawn == pytest.approx(np.hypot(box[2] - box[0], box[3] - box[1]), rel=0.03), (
            "the line is as long as what it measures"
        )
    open_page(page, hub, "cut")
    for kind in ("Length", "Width"):
        finding = page.locator(".finding", has=page.locator(".value", has_text=kind))
        expect(finding.locator(".tag")).to_have_text("doubtful")
    expect(page.locator("#findings")).to_contain_text("it touches the image's edge along")
    page.goto(f"{hub.address}/specimens/{key_of(hub, 'label')}")
    expect(page.locator("#findings")).to_contain_text("Looked for a specimen")
    expect(page.locator(".value", has_text="Length")).to_have_count(0)


def number_in_region(picture: Any, place: int) -> str:
    """A number of the region that the address of a picture names."""
    address = picture.get_attribute("data-later") or picture.get_attribute("src") or ""
    return str(address.split("/")[4].split(",")[place])


@pytest.mark.parametrize("width", [1280, 768, 360])
def test_show_zooms_to_the_place_and_the_controls_stand_beside_the_sheet(browser: Browser, hub: Hub, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, has_touch=width < 800)
    page = context.new_page()
    open_page(page, hub, "leaf")
    sheet, controls = (
        page.locator(f"#viewer {part}").bounding_box() for part in (".openseadragon-canvas", ".mirador-canvas-nav")
    )
    assert sheet is not None
    assert controls is not None
    assert controls["y"] >= sheet["y"] + sheet["height"] - 1, "the controls do not cover the sheet"
    assert sheet["height"] > 250
    before = seen(page)
    assert green(before) > 0
    page.locator(".finding", has=page.locator(".value", has_text="Width")).locator("[data-show]").first.click()
    page.wait_for_timeout(2000)
    after = seen(page)
    assert green(after) > 1.5 * green(before), "the leaf fills more of the viewer"
    context.close()


def seen(page: Page) -> np.ndarray:
    """(H, W, 3) uint8 BGR of the sheet as it stands in the viewer."""
    raw = page.locator("#viewer .openseadragon-canvas").screenshot()
    return np.asarray(cv2.imdecode(np.frombuffer(raw, np.uint8), cv2.IMREAD_COLOR))


def green(picture: np.ndarray) -> float:
    """The share of it that is leaf."""
    return float((np.abs(picture.astype(int) - (40, 90, 60)).max(axis=2) < 25).mean())


SMALL = """least => [...document.querySelectorAll('a, button, summary, [role=tab], [role=button]')].filter(one => {
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  if (!box.width || !box.height || style.visibility === 'hidden' || one.closest('.hidden, .skip, noscript')) return false;
  const inText = style.display === 'inline' && one.closest('p, td, th, dd, li')?.textContent.trim() !== one.textContent.trim();
  return !inText && (box.height < least || box.width < least);
}).map(one => `${one.outerHTML.slice(0, 120)} ${one.getBoundingClientRect().width}x${one.getBoundingClientRect().height}`)"""


PAST_THE_EDGE = """() => [...document.querySelectorAll('main *')]
  .filter(one => !one.closest('.scroll, #viewer, .hidden, pre') && one.getBoundingClientRect().right > innerWidth + 1)
  .map(one => one.outerHTML.slice(0, 120))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages_fit_a_telephone_and_its_users_fingers(browser: Browser, hub: Hub, scheme: Any) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme, has_touch=True)
    page = context.new_page()
    run = hub.json("/api/runs")["items"][0]["key"]
    ingest = hub.json("/api/runs?kind=ingest")["items"][0]["key"]
    for path in (f"/specimens/{key_of(hub, 'leaf')}", "/runs", f"/runs/{run}", f"/runs/{ingest}"):
        page.goto(hub.address + path)
        if "/specimens/" in path:
            expect(page.locator("#viewer[data-open]")).to_be_attached()
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert page.evaluate(PAST_THE_EDGE) == [], path
        assert page.evaluate(SMALL, 43.5) == [], path
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)")
        assert (sum(ground) / 3 < 60) == (scheme == "dark")
    context.close()
