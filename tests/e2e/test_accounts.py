"""People in front of the pages: from the link to an account, through all its pages, and out; and nothing of it in the log."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from app.runtime.accounts import service
from app.runtime.principal import Grant, Principal
from tests import live
from tests.e2e.test_access import AXE
from tests.services import missing

pytestmark = pytest.mark.e2e
PASSWORD = "correct horse battery"  # made up for this test
PAGES = ("/", "/runs", "/account", "/accounts", "/audit")


def examine(page: Page, path: str) -> None:
    """No serious finding of axe, and nothing wider than the window."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run()")["violations"]
    serious = [(one["id"], one["nodes"][0]["html"][:200]) for one in found if one["impact"] in ("serious", "critical")]
    assert not serious, (path, serious)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path


def test_from_the_link_to_the_last_page_and_out_again(browser: Browser, tmp_path: Path) -> None:
    if not AXE.is_file():
        missing("axe-core (make assets)")
    with live.web(tmp_path, web_processes=1, log_access=True) as server:
        runtime, at = server.runtime, server.runtime.clock()
        with runtime.db.begin() as session:
            account, code = service.invite(
                session, "ada", naan="99999", at=at, by=Principal.of_system(), grant=Grant("administrator")
            )
        secrets = [code, PASSWORD]
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        page = context.new_page()
        page.goto(f"{server.url}/accounts")
        page.get_by_role("link", name="Sign in").first.click()
        expect(page).to_have_url(re.compile(r"/login\?next=%2Faccounts|/login\?next=/accounts"))
        examine(page, "/login")
        page.goto(f"{server.url}/join#{code}")
        expect(page.get_by_label("Code of your link")).to_have_value(code)
        assert "#" not in page.url, "it does not stay in the address bar, nor in the history"
        examine(page, "/join")
        page.get_by_label("Your name").fill("Ada Lovelace")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password once more").fill(PASSWORD)
        page.get_by_role("button", name="Set the password").click()
        expect(page.get_by_text("Welcome.")).to_be_visible()
        (cookie,) = context.cookies()
        assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("lectotype", True, "Lax")
        assert page.evaluate("document.cookie") == ""
        page.locator("#token-name").fill("ada-script")
        page.get_by_role("button", name="Make a token").click()
        secrets += [page.locator(".secret code").inner_text(), cookie["value"]]
        for scheme, width in (("light", 1280), ("dark", 360)):
            page.set_viewport_size({"width": width, "height": 900})
            chosen: Any = scheme
            page.emulate_media(color_scheme=chosen)
            for path in (*PAGES, f"/accounts/{account.key}", "/nowhere"):
                page.goto(server.url + path)
                expect(page.get_by_role("link", name="Ada Lovelace").first).to_be_visible()
                examine(page, path)
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_role("link", name="Sign in")).to_be_visible()
        assert context.cookies() == []
        page.goto(f"{server.url}/login?next=/audit")
        page.get_by_label("Login name").fill("ADA")
        page.get_by_label("Password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Who changed what")).to_be_visible()
        secrets += [cookie["value"] for cookie in context.cookies()]
        context.close()
        log = server.log.read_text()
        assert "/account/tokens" in log, "requests are logged"
        assert [secret for secret in secrets if secret in log] == []


def test_without_scripts_the_code_is_typed(browser: Browser, tmp_path: Path) -> None:
    with live.web(tmp_path, web_processes=1) as server:
        with server.runtime.db.begin() as session:
            at = server.runtime.clock()
            _, code = service.invite(session, "ben", naan="99999", at=at, by=Principal.of_system())
        context = browser.new_context(java_script_enabled=False)
        page = context.new_page()
        page.goto(f"{server.url}/join#{code}")
        page.get_by_label("Code of your link").fill(f"{server.url}/join#{code}")
        page.get_by_label("Your name").fill("Ben")
        page.get_by_label("Password", exact=True).fill(PASSWORD)
        page.get_by_label("Password once more").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.get_by_text("none yet; an administrator gives them")).to_be_visible()
        context.close()
