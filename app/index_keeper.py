"""Keeping the search index in shape, beside the relay: made anew when it is for other fields or missing, and tended.

It works in a thread of the relay, which is the one writer of the index; the old index answers meanwhile, and is written.
Whoever is killed in the middle leaves the old one as it was, and the next relay begins again.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from sqlalchemy.exc import OperationalError

from annotations.search import consistency
from app.runtime.context import Runtime
from app.runtime.search.port import SearchDown

BETWEEN = 60.0  # seconds between two looks
SHORTEST_BACK_OFF, LONGEST_BACK_OFF = 1.0, 60.0  # seconds, where the engine or the database is down
REPORT_EVERY = 30.0  # seconds between two reports of how far it is
log = structlog.get_logger()


class _StoppedError(Exception):
    """The relay ends."""


class IndexKeeper:
    """`is_ready` says whether the index may be written: not while there is none, as one with the newest changes alone would pass
    for a whole one."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._ready = threading.Event()
        self._due = threading.Event()  # the relay cannot go on before the next look

    def is_ready(self) -> bool:
        """Raises SearchDown."""
        if self._ready.is_set() and self._runtime.search.standing().state == "none":  # somebody has deleted it
            self._ready.clear()
            self._due.set()
        return self._ready.is_set()

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """Keep the index in shape while the block lasts."""
        thread = threading.Thread(target=self._run, name="index keeper", daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._due.set()
            thread.join()

    def look(self) -> None:
        """Make the index anew if that is due, else tend it. Raises SearchDown, OperationalError."""
        search = self._runtime.search
        state = search.standing().state
        if state != "none":
            self._ready.set()
        if state == "current":
            search.tend(self._stop.is_set)
        else:
            self._rebuild(state)
            self._ready.set()

    def _rebuild(self, state: str) -> None:
        runtime, began, reported, done = self._runtime, time.monotonic(), time.monotonic(), 0

        def advance(step: int) -> None:
            nonlocal done, reported
            if self._stop.is_set():
                raise _StoppedError
            done += step
            if time.monotonic() - reported > REPORT_EVERY:
                reported = time.monotonic()
                log.info("the search index is being made anew", done=done)

        if state == "other":
            log.info("the search index is of another version and is made anew; the old one answers meanwhile")
        with runtime.reads.begin() as session:
            written = consistency.rebuild(session, runtime.search, runtime.addresses, advance)
        if written:
            log.info("the search index was made anew", documents=written, seconds=round(time.monotonic() - began, 1))

    def _run(self) -> None:
        wait = SHORTEST_BACK_OFF
        while not self._stop.is_set():
            wait = self._tried(wait)
            (self._due if wait == BETWEEN else self._stop).wait(wait)
            self._due.clear()

    def _tried(self, wait: float) -> float:
        """Look once; how long to wait until the next time."""
        try:
            self.look()
        except _StoppedError:
            pass
        except (SearchDown, OperationalError, OSError) as error:
            log.warning("the search index cannot be looked after now", error=str(error))
            return min(wait * 2, LONGEST_BACK_OFF)
        except Exception:  # the relay goes on without; the next relay tries again
            log.exception("the search index cannot be looked after")
            self._ready.set()
            return LONGEST_BACK_OFF
        return BETWEEN
