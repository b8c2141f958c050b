"""What keeps tiles from waiting: pictures are made by a few threads with a bounded queue, and large ones leave at a bounded
rate. Tiles need neither turn nor leave.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting
from contextlib import contextmanager
from pathlib import Path

from app.runtime import metrics
from app.runtime.file_lock import FileLock
from iiif.image.errors import Busy

WAIT_S = 10.0  # for one's turn
POLL_S = 0.05
WORK_S = 60.0  # for the picture itself, once it is being made
KINDER = 5  # steps of niceness below the rest of the process


class RenderQueue:
    """Pictures that are asked for while the same one is being made are made once."""

    def __init__(self, threads: int, queue: int, name: str, *, alone: Path | None = None) -> None:
        """With `alone`, a file that is made where it is missing, one picture at a time is made on the whole machine."""
        self.waiting = 0  # requests that have a place: those whose picture is being made, and those behind them
        self._alone = alone
        self.most = threads + queue
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=_give_way)
        self._making: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()

    def make(self, key: str, work: Callable[[], bytes]) -> bytes:
        """The picture of that key, by `work` or by the same work of another thread.

        Raises:
            Busy: the queue is full, or did not move.
        """
        with self._lock:
            if self.waiting >= self.most:
                raise Busy("Too many pictures are being made at this moment.")
            self.waiting += 1
            future = self._making.get(key)
            if future is None:
                future = self._making[key] = self._pool.submit(self._work, work)
                future.add_done_callback(lambda _: self._making.pop(key, None))
        metrics.renders_wait(1)
        try:
            return _result(future)
        finally:
            metrics.renders_wait(-1)
            with self._lock:
                self.waiting -= 1

    def _work(self, work: Callable[[], bytes]) -> bytes:
        if self._alone is None:
            return _timed(work)
        with _held(self._alone):
            return _timed(work)


class Outflow:
    """Bytes of large pictures that leave this process: so many a second on the average, and so many at once before.

    Else a crowd that asks for a large picture which lies ready would have the server copy bytes and do nothing else.
    """

    def __init__(self, bytes_s: float, at_once: float) -> None:
        self._bytes_s = bytes_s
        self._at_once = at_once
        self._left = at_once
        self._at = time.monotonic()
        self._lock = threading.Lock()

    def check(self) -> None:
        """Busy where too much has left of late."""
        with self._lock:
            now = time.monotonic()
            self._left = min(self._at_once, self._left + (now - self._at) * self._bytes_s)
            self._at = now
            if self._left <= 0:
                raise Busy("Too many large pictures are being sent at this moment.")

    def spend(self, count: int) -> None:
        with self._lock:
            self._left -= count


def _timed(work: Callable[[], bytes]) -> bytes:
    began = time.perf_counter()
    body = work()
    metrics.rendered(time.perf_counter() - began)
    return body


def _result(future: Future[bytes]) -> bytes:
    try:
        return future.result(WAIT_S)
    except StillWaiting:
        if future.cancel():
            raise Busy("The pictures before this one take too long.") from None
    except CancelledError:
        raise Busy("The pictures before this one take too long.") from None
    try:
        return future.result(WORK_S)
    except (StillWaiting, CancelledError):
        raise Busy("This picture takes too long.") from None


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """The lock of that file, which the system gives back should the process die. Busy where others keep it too long.

    Where no such file can be made, there is no lock: pictures are worth more than their order.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
    except OSError:
        yield
        return
    with lock:
        until = time.monotonic() + WAIT_S
        while not _taken(lock):
            if time.monotonic() > until:
                raise Busy("The pictures before this one take too long.")
            time.sleep(POLL_S)
        yield


def _taken(lock: FileLock) -> bool:
    """Whether nobody else holds the lock, or there is none, as on some network file systems."""
    try:
        return lock.try_take()
    except OSError:
        return True


def _give_way() -> None:
    """Give this thread less of the processor than the others; Linux counts niceness by thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + KINDER))
