"""The lane: bounded, each picture once, and never an error that is not told."""

import errno
import fcntl
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from iiif.image.errors import Busy
from iiif.image.serving import render_queue
from iiif.image.serving.render_queue import RenderQueue
from tests.services import wait_until


def test_the_same_picture_asked_for_at_once_is_made_once() -> None:
    free, made = threading.Event(), []

    def work() -> bytes:
        free.wait(30)
        made.append(1)
        return b"picture"

    one = RenderQueue(2, 6, "test")
    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(one.make, "same", work) for _ in range(8)]
        wait_until(lambda: one.waiting == 8, "eight who wait")
        free.set()
        assert {future.result() for future in asked} == {b"picture"}
    assert len(made) == 1
    assert one.waiting == 0


def test_who_finds_no_place_is_told_at_once_and_the_others_go_on() -> None:
    free = threading.Event()
    one = RenderQueue(1, 1, "test")
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(one.make, str(number), lambda: b"x" * free.wait(30)) for number in range(2)]
        wait_until(lambda: one.waiting == 2, "a full lane")
        with pytest.raises(Busy):
            one.make("third", lambda: b"")
        free.set()
        assert [future.result() for future in asked] == [b"x", b"x"]
    assert one.make("third", lambda: b"now") == b"now"


def test_who_waits_too_long_for_a_turn_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_queue, "WAIT_S", 0.05)
    free = threading.Event()
    one = RenderQueue(1, 5, "test")
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(one.make, "first", lambda: b"x" * free.wait(30))
        wait_until(lambda: one.waiting == 1, "the first")
        with pytest.raises(Busy):
            one.make("second", lambda: b"never")
        free.set()
        assert first.result() == b"x", "what is being made already is waited for longer"


def test_an_error_goes_to_whoever_asked_and_is_not_kept() -> None:
    one = RenderQueue(1, 1, "test")
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            one.make("same", lambda: bytes(1 // 0))
    assert one.make("same", lambda: b"well") == b"well"


def test_large_pictures_are_made_one_at_a_time_on_the_machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(render_queue, "WAIT_S", 0.2)
    free = threading.Event()
    lanes = [RenderQueue(1, 1, "test", alone=tmp_path / "kept" / ".large") for _ in range(2)]  # as in two processes
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(lanes[0].make, "first", lambda: b"x" * free.wait(30))
        wait_until((tmp_path / "kept" / ".large").exists, "the lock")
        with pytest.raises(Busy):
            lanes[1].make("second", lambda: b"never")
        free.set()
        assert first.result() == b"x"
    assert lanes[1].make("second", lambda: b"now") == b"now"


def test_a_lock_that_cannot_be_made_stops_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert RenderQueue(1, 0, "test", alone=tmp_path / "file" / ".large").make("one", lambda: b"made") == b"made"


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.ENOTSUP])
def test_a_file_system_without_locks_stops_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    def flock(*_: object) -> None:
        raise OSError(number, "no locks here")

    monkeypatch.setattr(fcntl, "flock", flock)
    assert RenderQueue(1, 0, "test", alone=tmp_path / ".large").make("one", lambda: b"made") == b"made"
