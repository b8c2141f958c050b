"""`lectotype doctor` beside a real server: itself, through proxies that spoil its answers, and another server in its place."""

import http.client
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

import pytest

from app import doctor, machine, proxy
from app.runtime.context import Runtime
from app.runtime.settings import Settings
from iiif.catalogue.model import Media
from tests.live import ROOT, Live, indexed, web
from tests.services import free_port
from tests.unit.iiif.image.pictures import derived, drawn, file_of

pytestmark = pytest.mark.slow
Headers = list[tuple[str, str]]


class Proxy:
    """Passes requests on to the hub, as it is told to; `port` is where it listens."""

    def __init__(self) -> None:
        self.port = free_port()
        self.upstream = 0
        self.path: Callable[[str], str] = str
        self.asked: Callable[[Headers], Headers] = list
        self.answered: Callable[[Headers], Headers] = list
        self.refuses: Callable[[str], int] = lambda _: 0

    def handler(self) -> type[BaseHTTPRequestHandler]:
        proxy = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                refusal = proxy.refuses(self.path)
                if refusal:
                    self.send_response_only(refusal)
                    self.send_header("Location", "https://hub.example" + self.path)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                    return
                connection = http.client.HTTPConnection("127.0.0.1", proxy.upstream, timeout=20)
                connection.request("GET", proxy.path(self.path), headers=dict(proxy.asked(self.headers.items())))
                answer = connection.getresponse()
                body = answer.read()
                connection.close()
                self.send_response_only(answer.status)
                for name, value in proxy.answered(answer.getheaders()):
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        return Handler


@pytest.fixture(scope="module")
def behind() -> Iterator[Proxy]:
    """A proxy that listens at the public address of `hub`."""
    proxy = Proxy()
    with _listening(proxy.port, proxy.handler()):
        yield proxy


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory, behind: Proxy) -> Iterator[Live]:
    public = f"http://127.0.0.1:{behind.port}"
    with web(tmp_path_factory.mktemp("doctor"), web_processes=1, base_url=public) as live:
        behind.upstream = live.runtime.settings.port
        yield live


@pytest.fixture(scope="module")
def media(hub: Live) -> Media:
    made = derived(hub.runtime, file_of(drawn(900, 700)))
    indexed(hub.runtime)
    return made


@contextmanager
def _listening(port: int, handler: type[BaseHTTPRequestHandler]) -> Iterator[None]:
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def spoilt(behind: Proxy, media: Media) -> Iterator[Proxy]:
    """The proxy, to be spoilt for one test."""
    yield behind
    behind.path, behind.asked, behind.answered, behind.refuses = str, list, list, lambda _: 0


def findings(runtime: Runtime) -> dict[str, str]:
    """What each check says; those that find a fault begin with WRONG."""
    said = {}
    for name, check in proxy.checks(runtime):
        try:
            said[name] = check()
        except machine.Unwell as error:
            said[name] = f"WRONG {error}"
    return said


def wrong(runtime: Runtime) -> dict[str, str]:
    return {name: says for name, says in findings(runtime).items() if says.startswith("WRONG")}


def without(*names: str) -> Callable[[Headers], Headers]:
    return lambda headers: [(name, value) for name, value in headers if name.lower() not in names]


def test_a_proxy_that_passes_everything_on_is_well(hub: Live, spoilt: Proxy) -> None:
    said = findings(hub.runtime)
    assert said.keys() == {"answers", "CORS", "escapes", "headers", "pictures"}
    assert wrong(hub.runtime) == {}
    assert said["answers"] == f"this hub, at http://127.0.0.1:{spoilt.port}"


def test_a_doubled_cors_header_is_found(hub: Live, spoilt: Proxy) -> None:
    spoilt.answered = lambda headers: [*headers, ("Access-Control-Allow-Origin", "*")]
    assert wrong(hub.runtime).keys() == {"CORS", "pictures"}
    assert "comes 2 times" in wrong(hub.runtime)["CORS"]
    spoilt.answered = without("access-control-allow-origin")
    assert "'missing' instead of *" in wrong(hub.runtime)["CORS"]


def test_lost_headers_are_named(hub: Live, spoilt: Proxy) -> None:
    spoilt.answered = without("etag", "link")
    assert "ETag, Link of an image is lost" in wrong(hub.runtime)["headers"]
    spoilt.answered = list
    spoilt.asked = without("if-none-match")
    assert wrong(hub.runtime).keys() == {"headers"}
    assert "not answered 304" in wrong(hub.runtime)["headers"]


def test_changed_addresses_are_found(hub: Live, spoilt: Proxy) -> None:
    spoilt.path = unquote
    assert wrong(hub.runtime).keys() == {"escapes"}
    assert "unescapes addresses" in wrong(hub.runtime)["escapes"]
    spoilt.path = str
    spoilt.refuses = lambda path: 404 if "%2F" in path else 0
    assert "answered 404 instead of 200" in wrong(hub.runtime)["escapes"]


def test_compressed_and_converted_pictures_are_found(hub: Live, spoilt: Proxy) -> None:
    def compressed(headers: Headers) -> Headers:
        return [*headers, ("Content-Encoding", "gzip")] if ("Content-Type", "image/jpeg") in map(_lower, headers) else headers

    def converted(headers: Headers) -> Headers:
        return [(name, value.replace("image/jpeg", "image/webp")) for name, value in headers]

    spoilt.answered = compressed
    assert "compresses" in wrong(hub.runtime)["pictures"]
    spoilt.answered = converted
    assert "as image/webp" in wrong(hub.runtime)["pictures"]


def _lower(header: tuple[str, str]) -> tuple[str, str]:
    return header[0].title(), header[1]


def test_another_scheme_is_found(hub: Live, spoilt: Proxy) -> None:
    spoilt.refuses = lambda _: 301
    assert wrong(hub.runtime).keys() == {"answers"}
    assert "LECTOTYPE_BASE_URL to the address with https" in wrong(hub.runtime)["answers"]


def test_another_server_in_our_place_is_found_and_none_is_only_a_note(hub: Live, settings: Settings, runtime: Runtime) -> None:
    public = hub.runtime.settings.base_url
    stranger = Runtime(settings.with_(base_url=public), runtime.database, runtime.blobs, runtime.search)
    assert wrong(stranger).keys() == {"answers"}
    assert "another server than this hub" in wrong(stranger)["answers"]
    silent = f"http://127.0.0.1:{free_port()}"
    alone = Runtime(settings.with_(base_url=silent), runtime.database, runtime.blobs, runtime.search)
    said = findings(alone)
    assert said.keys() == {"answers"}
    assert said["answers"].startswith(f"nobody answers at {silent}")


def test_the_command_says_all_of_it(hub: Live, spoilt: Proxy) -> None:
    spoilt.answered = without("etag")
    command = [sys.executable, "-m", "app.cli", "doctor", "--json"]
    result = subprocess.run(
        command, cwd=ROOT, env=hub.runtime.settings.environment(), capture_output=True, text=True, check=False
    )
    found = {one["name"]: one for one in json.loads(result.stdout)}
    assert result.returncode == 1
    assert [name for name, one in found.items() if not one["well"] and name != "web assets"] == ["headers"]
    assert {"libvips", "lossless crop", "decoders", "open files", "disk", "picture cache", "scratch", "clock"} <= found.keys()


def test_signing_in_without_https_is_said() -> None:
    public = Settings(base_url="http://hub.example", host="0.0.0.0")
    assert "signing in wants https" in doctor._base_url(public)
    for sound in ("https://hub.example", "http://127.0.0.1:8000", "http://localhost:8000"):
        assert doctor._base_url(Settings(base_url=sound)) == sound
