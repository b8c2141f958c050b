"""The annotation-protocol suite of the web-platform tests, in Chromium, against a hub.

`python -m tests.contract.protocol_suite FOLDER`. FOLDER is a checkout of github.com/web-platform-tests/wpt, or of its folders
`annotation-protocol`, `common` and `resources`. The suite sends no credentials, so the browser adds a token to what it sends.
Its annotations are about pages of example.com; a hub takes what is said about its own things, so the page that is run names two
of those instead. One of its tests wants https, which a hub has behind a proxy; that one alone may fail here.
"""

import functools
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import click
from playwright.sync_api import sync_playwright

from tests import live
from tests.e2e.conftest import CHROMIUM, FLAGS
from tests.people import add_person
from tests.sheets import add_sheet, comment, make_hub

SUITE = "annotation-protocol/server/server-manual.html"
OVER_HTTP = "Annotation server SHOULD use HTTPS rather than HTTP"
TESTS, PASSED = 45, 0  # how many there are, and the status of one that passed (testharness.js)
PAGE_SIZE = 3
TARGETS = ("http://www.example.com/index.html", "http://other.example/")
TOLD = "all.map(({name, status, message}) => [name, status, message])"
COMPLETED = f"new Promise(done => add_completion_callback(all => done({TOLD})))"


def main(folder: Path) -> int:
    """Run it and tell what failed; the exit status."""
    with tempfile.TemporaryDirectory(prefix="lectotype-protocol-") as data, live.web(Path(data), page_size=PAGE_SIZE) as hub:
        results = run(hub, folder)
    failed = [(name, message) for name, status, message in results if status != PASSED]
    for name, message in failed:
        click.echo(f"protocol: not passed: {name}: {message}", err=True)
    click.echo(f"protocol: {len(results) - len(failed)} of {len(results)} web-platform tests passed")
    return 0 if len(results) == TESTS and all(name.endswith(OVER_HTTP) for name, _ in failed) else 1


def run(hub: live.Live, folder: Path) -> list[tuple[str, int, str]]:
    """Name, status and message of each test, on a container of several pages."""
    person = add_person(hub.runtime, "wpt", "curator")
    specimen, (media,) = add_sheet(hub.runtime)
    sheets = make_hub(hub.runtime)
    canvas = hub.runtime.addresses.canvas(specimen.key, media.key)
    said = [sheets.post(comment(f"{canvas}#xywh={place},0,10,10", f"number {place}")) for place in range(3 * PAGE_SIZE)]
    text = (folder / SUITE).read_text(encoding="utf-8")
    for theirs, own in zip(TARGETS, (canvas, hub.runtime.addresses.pid(specimen.key)), strict=True):
        assert theirs in text, f"the suite no longer speaks of {theirs}"
        text = text.replace(theirs, own)
    with serving(folder, text) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        page = browser.new_page(extra_http_headers=person.bearer)
        page.goto(f"{address}/{SUITE}")
        page.locator("#uri").fill(f"{hub.url}/annotations/")
        page.locator("#annotation").fill(said[0].json["id"])
        page.evaluate(f"void (window.completed = {COMPLETED})")
        page.locator("#endpoint-submit-button").click()
        results: Any = page.evaluate("completed")
        browser.close()
    return [(str(name), int(status), str(message)) for name, status, message in results]


@contextmanager
def serving(folder: Path, suite: str) -> Iterator[str]:
    """The address at which the files of the folder lie, the suite with that text; of another origin than the hub's."""

    class Files(SimpleHTTPRequestHandler):
        def do_GET(self) -> None:
            if self.path != f"/{SUITE}":
                super().do_GET()
                return
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(suite.encode())

        def log_message(self, *_: Any) -> None: ...

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Files, directory=str(folder)))
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
