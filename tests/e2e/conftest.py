"""Chromium, and one analysed collection served by real processes, each started once per test session."""

import os
import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from tests.conformance import analysed_collection
from tests.e2e.hub import Hub
from tests.services import missing

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update", "--disable-sync")
PATIENCE_MS = 30_000
HARMLESS = "net::ERR_ABORTED"  # the browser gave up a request of its own because the page was left


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    if not os.access(CHROMIUM, os.X_OK):
        missing("Chromium (apt-get install chromium)")
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def hub(browser: Browser) -> Iterator[Hub]:
    """Two drawn sheets and, where shared/ lies beside the project, two real ones, all analysed.

    Needs the browser, so that nothing is built for nobody.
    """
    with analysed_collection() as address:
        yield Hub(address)


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A browser context whose pages may log no error, fail no request, and ask no other server than the page's own."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    wrong: list[str] = []
    context.on("console", lambda message: wrong.append(f"console: {message.text}") if message.type == "error" else None)
    context.on("weberror", lambda error: wrong.append(f"error: {error.error}"))
    context.on("requestfailed", lambda request: None if request.failure == HARMLESS else wrong.append(f"failed: {request.url}"))
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    yield context
    served_from = {"/".join(page.url.split("/")[:3]) for page in context.pages}
    context.close()
    elsewhere = [url for url in asked if not url.startswith((*served_from, "data:", "blob:"))]
    assert not wrong
    assert not elsewhere, "pages ask nobody but their own server"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    return context.new_page()
