"""Clients that send bodies slowly, and such that do not read their answers, against a real server of few threads."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from urllib.parse import urlsplit

import numpy as np
import pytest

from tests import live
from tests.bench import measure
from tests.live import Live, indexed
from tests.services import wait_until
from tests.unit.iiif.image.pictures import derived, file_of

pytestmark = pytest.mark.slow
SLOW = 40
PATIENCE_S = 4
MOST_MB = 700
HEAD = "POST /annotations/ HTTP/1.1\r\nHost: hub\r\nContent-Type: application/ld+json\r\nContent-Length: 1000\r\n\r\n"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    folder = tmp_path_factory.mktemp("slow")
    with live.web(folder, web_processes=1, web_threads=16, client_seconds=PATIENCE_S) as server:
        yield server


@pytest.fixture
def picture(server: Live) -> str:
    """The address of a large one, made before anybody connects."""
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1600, 3), np.uint8)
    media = derived(server.runtime, file_of(noise))
    indexed(server.runtime)
    picture = f"/iiif/3/{media.key}/full/max/0/default.png"
    assert len(server.get(picture)[1]) > 5_000_000
    return picture


@pytest.fixture
def connections(server: Live) -> Iterator[list[socket.socket]]:
    """Three times SLOW of them, with little room for what the server sends; closed in the end."""
    address = ("127.0.0.1", urlsplit(server.url).port)
    with ExitStack() as stack:
        several = [stack.enter_context(socket.socket()) for _ in range(3 * SLOW)]
        for one in several:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            one.settimeout(20)
            one.connect(address)
        yield several


def ended(connection: socket.socket) -> bool:
    """Whether the server has closed it, without reading what it sent."""
    connection.settimeout(0)
    try:
        return connection.send(b" ") == 0
    except BlockingIOError:
        return False
    except OSError:
        return True


def answered(server: Live) -> None:
    for path in ("/health/live", "/", "/annotations/", "/iiif/presentation/3/collection/top.json"):
        assert server.get(path, timeout_s=10)[0] == 200, path


def test_slow_bodies_and_readers_that_do_not_read_leave_the_rest_alone_and_are_ended(
    server: Live, picture: str, connections: list[socket.socket]
) -> None:
    slow, trickling, deaf = connections[:SLOW], connections[SLOW : 2 * SLOW], connections[2 * SLOW :]
    for connection in (*slow, *trickling):
        connection.sendall(HEAD.encode() + b"{")
    for connection in deaf:
        connection.sendall(f"GET {picture} HTTP/1.1\r\nHost: hub\r\n\r\n".encode())
    assert busy(server), "who finds no place is told so"
    ends = time.monotonic() + PATIENCE_S
    while time.monotonic() < ends:
        answered(server)
        for connection in trickling:
            if not ended(connection):  # which sends a byte
                time.sleep(0.01)
    assert measure.memory([server.process.pid]).pss_mb < MOST_MB
    wait_until(lambda: all(ended(one) for one in connections), "the end of all of them", 4 * PATIENCE_S)
    answered(server)
    wait_until(lambda: server.get("/annotations/")[0] == 200 and not busy(server), "places for bodies", 10)


def busy(server: Live) -> bool:
    """Whether a whole body finds no place (503); without a token it is otherwise 401."""
    with socket.create_connection(("127.0.0.1", urlsplit(server.url).port), timeout=20) as client:
        client.sendall(HEAD.encode() + b"{" + b" " * 998 + b"}")
        return b" 503 " in client.recv(100)


def test_a_client_that_takes_its_answer_slowly_but_steadily_gets_all_of_it(server: Live) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (1200, 1600, 3), np.uint8)
    media = derived(server.runtime, file_of(noise))
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65_536)
        client.connect(("127.0.0.1", urlsplit(server.url).port))
        client.settimeout(20)
        request = f"GET /iiif/3/{media.key}/full/max/0/default.png HTTP/1.1\r\nHost: hub\r\nConnection: close\r\n\r\n"
        client.sendall(request.encode())
        began, got = time.monotonic(), b""
        while part := client.recv(65_536):
            got += part
            if time.monotonic() - began < 2.5 * PATIENCE_S:
                time.sleep(0.2)
    head, _, body = got.partition(b"\r\n\r\n")
    assert int(dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])[b"content-length"]) == len(body)
