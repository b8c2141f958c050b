"""Where pictures are made: a few threads with a bounded queue, so that tiles, which need no turn, never wait for them."""

import os
import sys
import threading
from collections.abc import Callable
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as StillWaiting

from iiif.image.errors import Busy

WAIT_S = 10.0  # for one's turn
WORK_S = 60.0  # for the picture itself, once it is being made
KINDER = 5  # steps of niceness below the rest of the process


class Lane:
    """Pictures that are asked for while the same one is being made are made once."""

    def __init__(self, threads: int, queue: int, name: str) -> None:
        self.waiting = 0
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix=name, initializer=_give_way)
        self._places = threading.BoundedSemaphore(threads + queue)
        self._making: dict[str, Future[bytes]] = {}
        self._lock = threading.Lock()

    def make(self, key: str, work: Callable[[], bytes]) -> bytes:
        """The picture of that key, by `work` or by the same work of another thread.

        Raises:
            Busy: the queue is full, or did not move.
        """
        if not self._places.acquire(blocking=False):
            raise Busy("Too many pictures are being made at this moment.")
        try:
            return self._result(self._begun(key, work))
        finally:
            self._places.release()

    def _begun(self, key: str, work: Callable[[], bytes]) -> Future[bytes]:
        with self._lock:
            future = self._making.get(key)
            if future is None:
                future = self._making[key] = self._pool.submit(work)
                future.add_done_callback(lambda _: self._making.pop(key, None))
        return future

    def _result(self, future: Future[bytes]) -> bytes:
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


def _give_way() -> None:
    """Give this thread less of the processor than the others; Linux counts niceness by thread."""
    if sys.platform == "linux":
        thread = threading.get_native_id()
        os.setpriority(os.PRIO_PROCESS, thread, min(19, os.getpriority(os.PRIO_PROCESS, thread) + KINDER))
