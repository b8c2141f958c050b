"""A lock among processes: one holds it, and what dies lets go."""

import errno
import fcntl
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.runtime.file_lock import FileLock, is_free, locked
from tests.live import ROOT

HOLD = "import sys, pathlib; from app.runtime.file_lock import FileLock; lock = FileLock(pathlib.Path(sys.argv[1])); lock.wait(); print('held', flush=True); sys.stdin.read()"  # noqa: E501 - a program


def test_one_holds_it_until_it_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    with FileLock(path) as first, FileLock(path) as second:
        assert first.try_take()
        assert not second.try_take()
        assert not is_free(path)
    assert is_free(path)


def test_who_waits_comes_after_who_holds(tmp_path: Path) -> None:
    path, order = tmp_path / "lock", []

    def come_second() -> None:
        with locked(path):
            order.append("second")

    with locked(path):
        thread = threading.Thread(target=come_second)
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_a_killed_process_lets_go(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        assert not is_free(path)
        holder.kill()
    assert is_free(path)


def test_a_file_that_is_only_read_can_be_locked_and_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        FileLock(tmp_path / "lock", make=False)
    (tmp_path / "lock").touch(0o444)
    with FileLock(tmp_path / "lock", make=False) as lock:
        assert lock.try_take()


def test_a_file_system_without_locks_is_told_from_a_lock_that_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise OSError(errno.ENOTSUP, "not supported")

    monkeypatch.setattr(fcntl, "flock", refuse)
    with FileLock(tmp_path / "lock") as lock:
        for take in (lock.wait, lock.try_take):
            with pytest.raises(OSError, match="not supported"):
                take()
