"""What a process keeps in memory of what it used last."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from cachetools import LRUCache

K = TypeVar("K")
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values used last, up to `most` of them, or up to `most` of what `weigh` says of each. Threads share it."""

    def __init__(self, most: int, *, weigh: Callable[[V], int] | None = None) -> None:
        self._values: LRUCache[K, V] = LRUCache(most, weigh)
        self._lock = threading.Lock()

    def get(self, key: K) -> V | None:
        with self._lock:
            try:
                return self._values[key]  # half the time of `.get`, which looks twice; every tile comes by here
            except KeyError:
                return None

    def put(self, key: K, value: V) -> None:
        """Keep it in place of what was kept under that key; what weighs more than all together may is not kept."""
        with self._lock:
            self._values.pop(key, None)
            if self._values.getsizeof(value) <= self._values.maxsize:
                self._values[key] = value

    def drop(self, key: K) -> None:
        """Keep nothing under that key."""
        with self._lock:
            self._values.pop(key, None)
