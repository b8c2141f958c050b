"""Clients that send bodies slowly, against a real server of few threads."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests import live
from tests.live import Live

pytestmark = pytest.mark.slow
SLOW = 40
HEAD = "POST /annotations/ HTTP/1.1\r\nHost: hub\r\nContent-Type: application/ld+json\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Live]:
    with live.web(tmp_path, web_processes=1, web_threads=16) as server:
        yield server


def test_slow_bodies_leave_threads_for_everything_else(server: Live) -> None:
    port = urlsplit(server.url).port
    with ExitStack() as stack:
        clients = [stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=20)) for _ in range(SLOW)]
        for client in clients:
            client.sendall(HEAD.encode() + b"{")
        time.sleep(3)  # until those that wait for a place have been refused
        for path in ("/health/live", "/", "/annotations/", "/iiif/presentation/3/collection/top.json"):
            assert server.get(path, timeout_s=10)[0] == 200, path
        refused = 0
        for client in clients:
            client.settimeout(0.2)
            try:
                refused += b" 503 " in client.recv(100)
            except TimeoutError:
                continue
        assert SLOW - 8 <= refused < SLOW
    assert server.get("/health/live")[0] == 200
