"""Reviewers at work, by keyboard alone, over what an analysis found on a real photograph."""

import json
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import select

from annotations import service as annotations
from annotations.states.derive import State
from annotations.tables import QueueItemRow
from app.runtime.principal import cookie_name
from iiif.catalogue import service as catalogue
from tests import live
from tests.conformance import SHARED
from tests.drain import drain
from tests.e2e.test_access import AXE
from tests.people import Person, add_person
from tests.services import missing, wait_until
from tests.sheets import comment

pytestmark = pytest.mark.e2e
PHOTOGRAPH = "insect_nhm_augochlora.jpg"  # a small one, of an insect beside a ruler, a code and several labels
PAINTED = "#review[data-painted]"


@pytest.fixture(scope="module")
def server(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[live.Live]:
    """A hub with the photograph, analysed."""
    photograph = SHARED / "data" / "specimens" / PHOTOGRAPH
    if not photograph.is_file() or not AXE.is_file():
        missing("photographs in ../shared/data, and axe-core (make assets)")
    with live.web(tmp_path_factory.mktemp("review"), web_processes=1) as served:
        command = [sys.executable, "-m", "app.cli", "ingest", str(photograph)]
        subprocess.run(command, cwd=live.ROOT, env=served.runtime.settings.environment(), check=True, stdout=subprocess.DEVNULL)
        drain(served.runtime)
        yield served


def signed_in(browser: Browser, server: live.Live, person: Person, width: int = 1280, **more: Any) -> BrowserContext:
    context = browser.new_context(viewport={"width": width, "height": 800}, **more)
    name = cookie_name(server.runtime.settings)
    context.add_cookies([{"name": name, "value": person.cookie["Cookie"].partition("=")[2], "url": server.url}])
    return context


def opened(context: BrowserContext, server: live.Live, kind: str) -> Page:
    page = context.new_page()
    page.goto(f"{server.url}/review/{kind}")
    expect(page.locator(PAINTED)).to_be_visible()
    return page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def in_state(server: live.Live, state: State) -> set[str]:
    """The texts of the statements in that state."""
    status, body = server.get(f"/api/proposals?state={state}&limit=500")
    assert status == 200
    return {one["text"] for one in json.loads(body)["items"]}


def comes(server: live.Live, state: State, text: str) -> None:
    """Verdicts are written behind: wait until it is so."""
    wait_until(lambda: text in in_state(server, state), f"{text!r} to be {state}", 20)


def claimed(page: Page) -> str:
    return page.locator("#claim blockquote, #claim p").first.inner_text()


def examine(page: Page) -> None:
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    assert [(one["id"], one["nodes"][0]["html"][:200]) for one in found] == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_labels_are_worked_through_by_keyboard_and_nobody_else_is_given_them(browser: Browser, server: live.Live) -> None:
    ana = add_person(server.runtime, "ana", "reviewer")
    ben = add_person(server.runtime, "ben", "reviewer")
    context = signed_in(browser, server, ana)
    page = opened(context, server, "label")
    others = signed_in(browser, server, ben)
    second = others.new_page()
    second.goto(f"{server.url}/review/label")
    expect(second.get_by_text("Nothing more waits here for you.").first).to_be_visible()
    others.close()  # what was leased to the first comes to nobody else: there are no more than ten

    first = claimed(page)
    press(page, "a")
    expect(page.locator(PAINTED)).to_be_visible()
    expect(page.locator("#claim")).not_to_contain_text(first)
    wrong = claimed(page)
    press(page, "r")
    expect(page.get_by_role("button", name="3 wrong text")).to_be_visible()
    examine(page)
    press(page, "3")
    expect(page.locator("#claim")).not_to_contain_text(wrong)
    expect(page.locator(PAINTED)).to_be_visible()
    misread = claimed(page)
    press(page, "t")
    expect(page.locator("#editor input, #editor textarea").first).to_be_focused()
    examine(page)
    page.keyboard.type("Corrected by hand")
    page.keyboard.press("Escape")
    press(page, "t")
    expect(page.locator("#editor input, #editor textarea").first).to_have_value("Corrected by hand")
    page.keyboard.press("Control+Enter")
    expect(page.locator("#claim")).not_to_contain_text(misread)
    comes(server, "superseded", misread)
    assert first in in_state(server, "accepted")
    assert wrong in in_state(server, "rejected")
    assert any("Corrected by hand" in text for text in in_state(server, "accepted"))

    page.reload()
    expect(page.locator("#review")).to_be_focused()
    for taken_back in (misread, wrong):
        press(page, "u")
        expect(page.locator("#claim")).to_contain_text(taken_back.split("\n")[0])
    comes(server, "unreviewed", wrong)
    assert misread in in_state(server, "unreviewed")
    assert not in_state(server, "superseded")
    assert not any("Corrected by hand" in text for text in in_state(server, "accepted"))
    context.close()


def view(page: Page) -> list[float]:
    """What the stage shows: x, y, width and height in pixels of the image."""
    shown = page.locator("#stage > svg").get_attribute("viewBox")
    assert shown is not None
    return [float(number) for number in shown.split()]


def test_digits_give_the_class_and_keys_hide_zoom_and_move_the_picture(browser: Browser, server: live.Live) -> None:
    with server.runtime.db.begin() as session:
        media = catalogue.get_media(session, session.scalars(select(QueueItemRow.media_key).limit(1)).one())
        keys = []
        for number, name in enumerate(("adult", "adult", "larva")):
            side = media.width_px // (40 if number else 3)
            target = f"{server.runtime.addresses.image(media.key)}#xywh={10 + 10 * number},10,{side},{side}"
            document = {
                **comment(target, motivation="classifying"),
                "body": [{"type": "TextualBody", "value": name, "purpose": "classifying"}],
            }
            how: Any = {"addresses": server.runtime.addresses, "at": server.runtime.clock(), "run_key": "x9", "kind": "stage"}
            keys.append(annotations.create_machine(session, document, media=media, confidence=0.5 + 0.1 * number, **how).key)
    context = signed_in(browser, server, add_person(server.runtime, "fay", "curator"))
    page = opened(context, server, "stage")
    at_first = view(page)
    press(page, "+")
    nearer = view(page)
    assert nearer[2] < at_first[2]
    press(page, "Shift+ArrowRight", "Shift+ArrowDown")
    moved = view(page)
    assert (moved[0] > nearer[0], moved[1] > nearer[1]) == (True, True)
    press(page, "-", "-")
    assert view(page)[2] > nearer[2]
    press(page, "0")
    assert view(page) == at_first
    press(page, "f")
    assert view(page)[2] >= media.width_px
    press(page, "f")
    assert view(page) == at_first
    shapes = page.locator("#stage path.shape")
    expect(shapes).to_be_visible()
    page.keyboard.down("h")
    expect(shapes).to_be_hidden()
    page.keyboard.up("h")
    expect(shapes).to_be_visible()

    press(page, "9")
    expect(page.locator("#told")).to_have_text("There is no such class here.")
    press(page, "2")
    expect(page.locator("#claim")).not_to_contain_text("0.50")
    expect(page.locator(PAINTED)).to_be_visible()
    small = view(page)
    press(page, "+")
    assert view(page)[2] <= small[2], "a small item, which is shown as near as can be, is no farther then"
    wait_until(
        lambda: json.loads(server.get(f"/api/annotations/{keys[0]}/history")[1])["state"] == "superseded", "it is a larva", 20
    )
    (verdict,) = json.loads(server.get(f"/api/annotations/{keys[0]}/history")[1])["verdicts"]
    assert verdict["reason"] == "wrong class"
    correction = json.loads(server.get("/annotations/" + verdict["correction"].rpartition("/")[2])[1])
    assert [one["value"] for one in correction["body"]] == ["larva"]
    context.close()


def test_a_verdict_that_is_not_kept_comes_back_and_one_on_its_way_survives_a_reload(browser: Browser, server: live.Live) -> None:
    context = signed_in(browser, server, add_person(server.runtime, "cat", "curator"))
    page = opened(context, server, "barcode")
    code = claimed(page)
    context.route("**/api/verdicts", lambda route: route.fulfill(status=412, json={"detail": "Version 2 stands by now."}))
    press(page, "d")
    expect(page.get_by_role("alert").get_by_text("Version 2 stands by now.")).to_be_visible()
    page.get_by_role("button", name="Show it again").click()
    expect(page.locator("#claim")).to_contain_text(code)
    context.unroute("**/api/verdicts")
    context.route("**/api/verdicts", lambda route: route.abort())
    expect(page.locator(PAINTED)).to_be_visible()
    press(page, "a")
    page.wait_for_timeout(200)
    context.unroute("**/api/verdicts")
    page.reload()
    comes(server, "accepted", code)  # it was sent again after the reload
    context.close()


def test_a_ruler_is_corrected_in_fields_on_a_telephone_and_keys_are_changed(browser: Browser, server: live.Live) -> None:
    dan = add_person(server.runtime, "dan", "curator")
    context = signed_in(browser, server, dan, 360, color_scheme="dark", has_touch=True)
    page = opened(context, server, "ruler")
    examine(page)
    for name in ("Accept", "Wrong", "Next"):
        box = page.get_by_role("button", name=name).first.bounding_box()
        assert box is not None
        assert box["height"] >= 44
        assert 400 < box["y"] < 800 - box["height"] + 1, "in reach of a thumb"
    page.get_by_role("button", name="All keys").click()
    examine(page)
    page.get_by_role("button", name="Change the key of: Correct the text, number or unit").click()
    press(page, "a")
    expect(page.locator("#key-told")).to_contain_text("a is the key of")
    page.get_by_role("button", name="Change the key of: Correct the text, number or unit").click()
    press(page, "w")
    page.get_by_role("button", name="Close").click()
    page.locator("#review").focus()
    press(page, "w")
    expect(page.get_by_role("textbox", name="Number")).to_be_focused()
    page.keyboard.type("21,5")
    page.keyboard.press("Control+s")
    expect(page.locator("#claim")).to_contain_text("You said that this is wrong.")
    comes(server, "accepted", "21.5 px/mm")
    page.goto(f"{server.url}/review")
    page.get_by_label("Question", exact=True).select_option("label")
    page.get_by_label("Confidence of at least").fill("0.51")
    page.get_by_role("button", name="Look at some of them").click()
    examine(page)
    page.get_by_role("button", name="Accept ").click()
    page.get_by_role("button", name="Take all of it back").click()
    expect(page.get_by_text("All of it is taken back.")).to_be_visible()
    context.close()
