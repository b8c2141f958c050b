"""A lock among the processes of one machine: a file that one of them holds (flock), let go by the system when that one dies.

Some network file systems know no such locks. Then `wait` and `try_take` raise OSError, and the caller decides what order
is worth to it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self


class FileLock:
    """An open lock file, not held yet. It is let go by `close`, at the end of the `with` block, or with the process."""

    def __init__(self, path: Path, *, make: bool = True) -> None:
        """OSError where the file cannot be opened; with `make` it is made if it is not there, or else only read."""
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT if make else os.O_RDONLY, 0o644)

    def wait(self) -> None:
        """Hold it as soon as nobody else does. It does not nest."""
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Hold it if nobody else does, and whether that is so."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True

    def close(self) -> None:
        os.close(self._handle)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Wait for the lock, hold it, and let it go. It does not nest."""
    with FileLock(path) as lock:
        lock.wait()
        yield


def is_free(path: Path) -> bool:
    """Whether nobody holds the lock at this moment."""
    with FileLock(path) as lock:
        return lock.try_take()
