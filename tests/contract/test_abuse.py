"""A real web server under a flood of requests for the largest pictures: tiles go on, memory is bounded, the rest is 503.

The times are printed and hardly asserted, for machines differ; `python -m tests.bench.abuse` measures them for longer.
"""

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.runtime.settings import Settings
from tests import live
from tests.bench import abuse
from tests.services import wait_until

SECONDS = 3.0
MOST_MB = 1000
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="needs Linux's /proc")]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Settings, str, int]]:
    """Settings, the key of a sheet of 96 million pixels, and the id of the process that serves it."""
    with live.web(tmp_path_factory.mktemp("abuse")) as server:
        yield server.runtime.settings, abuse.sheet(server.runtime), server.process.pid


@pytest.mark.parametrize(("name", "paths"), [("the same", abuse.the_same), ("all different", abuse.all_different)])
def test_a_flood_of_large_pictures_stops_no_tile(
    served: tuple[Settings, str, int], name: str, paths: abuse.Paths, capsys: pytest.CaptureFixture[str]
) -> None:
    settings, key, process = served
    found = abuse.flood(name, settings, process, key, paths(), SECONDS)
    with capsys.disabled():
        print(f"\n  {found.line()}")  # noqa: T201 - the figures are for whoever reads the run
    assert set(found.tile_statuses) == {200}
    assert sorted(found.tile_ms)[len(found.tile_ms) // 2] < 500
    assert set(found.statuses) <= {200, 503}
    assert found.statuses[503] > 0, "nobody was refused"
    assert found.faults == []
    assert found.peak_mb < MOST_MB


def _connect(settings: Settings) -> socket.socket:
    return socket.create_connection(("127.0.0.1", settings.port), timeout=20)


def _status(settings: Settings, request: bytes) -> int:
    """Of one request on a connection of its own; 0 if it was closed without an answer."""
    with _connect(settings) as connection:
        try:
            connection.sendall(request)
            first = connection.recv(12)
        except (ConnectionResetError, BrokenPipeError):
            return 0
    return int(first[9:12] or 0)


def test_clients_that_send_or_read_slowly_hold_no_thread(served: tuple[Settings, str, int]) -> None:
    """More of them than there are threads: half a request, a body that never comes, or an answer that is not taken."""
    settings, key, _ = served
    threads = settings.web_threads * settings.web_processes
    idle = [_connect(settings) for _ in range(6 * threads)]
    for number, connection in enumerate(idle):
        whole = f"GET /iiif/3/{key}/full/max/0/default.jpg HTTP/1.1\r\nHost: x\r\n\r\n"
        bodiless = "POST /annotations/ HTTP/1.1\r\nHost: x\r\nContent-Type: application/ld+json\r\nContent-Length: 999\r\n\r\n"
        connection.sendall((whole, whole[:60], bodiless)[number % 3].encode())
    time.sleep(1.0)
    began = time.monotonic()
    path = f"/iiif/3/{key}/0,0,512,512/512,512/0/default.jpg"
    assert _status(settings, f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()) == 200
    assert time.monotonic() - began < 10
    for connection in idle:
        connection.close()


def test_addresses_and_headers_are_bounded(served: tuple[Settings, str, int]) -> None:
    settings, key, _ = served
    for length in (3_000, 60_000, 100_000):
        request = f"GET /iiif/3/{key}{'x' * length}/info.json HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        assert _status(settings, request) in (400, 404, 414), length
    header = f"GET /iiif/3/{key}/info.json HTTP/1.1\r\nHost: x\r\nX-Long: {'x' * 1_000_000}\r\n\r\n".encode()
    assert _status(settings, header) in (0, 400, 431)
    wait_until(lambda: _status(settings, f"GET /iiif/3/{key}/info.json HTTP/1.1\r\nHost: x\r\n\r\n".encode()) == 200, "an answer")
