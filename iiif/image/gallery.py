"""The images that this process serves: open derivatives in an LRU, and the two lanes.

Whether someone may see an image is decided in `Gallery.find` and nowhere else; today all are public. What is found is
kept for KEPT_S seconds, so a withdrawn image is gone everywhere after that time.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from app.runtime.context import Runtime
from iiif.addresses import Addresses
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.errors import Busy, CannotBeServed, NotYetDerived
from iiif.image.pyramid import Pyramid, PyramidError
from iiif.image.request import Limits

KEPT = 256
KEPT_S = 10.0
WAIT_S = 30.0


@dataclass(frozen=True, slots=True)
class Served:
    """A ready image with its derivative."""

    media: Media
    pyramid: Pyramid
    until: float


class Gallery:
    """What one process needs to answer image requests."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.addresses = Addresses.of(settings)
        self.limits = Limits(settings.max_width, settings.max_area)
        self.lane = Lane(settings.renders, settings.render_queue)
        self._found: OrderedDict[str, Served] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, key: str) -> Served:
        """The image of that key.

        Raises:
            UnknownMedia: there is none.
            NotYetDerived: its derivative is being made.
            CannotBeServed: none could be made.
        """
        served = self._found.get(key)
        if served is not None and served.until > time.monotonic():
            return served
        served = self._open(key)
        with self._lock:
            self._found[key] = served
            self._found.move_to_end(key)
            while len(self._found) > KEPT:
                self._found.popitem(last=False)
        return served

    def _open(self, key: str) -> Served:
        with self.runtime.reads.begin() as session:
            media = catalogue.get_media(session, key)
        if media.state == "failed":
            raise CannotBeServed(f"The image {key} cannot be served. {media.state_reason}")
        if media.state != "ready":
            raise NotYetDerived(f"The image {key} is still being prepared.")
        kept = self._found.get(key)
        same = kept is not None and kept.media.pyramid_sha256 == media.pyramid_sha256
        try:
            pyramid = kept.pyramid if kept and same else Pyramid(self.runtime.blobs.path(media.pyramid_sha256))
        except (FileNotFoundError, PyramidError) as error:
            raise NotYetDerived(f"The derivative of the image {key} is lost and has to be made again.") from error
        return Served(media, pyramid, time.monotonic() + KEPT_S)


class Lane:
    """Renders go one after another (or a few at a time) while tiles pass; who cannot wait any more is told so."""

    def __init__(self, permits: int, queue: int) -> None:
        self._permits = threading.BoundedSemaphore(permits)
        self._places = threading.BoundedSemaphore(permits + queue)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Wait for one's turn. Raises Busy where the queue is full, or does not move."""
        if not self._places.acquire(blocking=False):
            raise Busy("Too many pictures are being made at this moment.")
        try:
            if not self._permits.acquire(timeout=WAIT_S):
                raise Busy("The pictures before this one take too long.")
            try:
                yield
            finally:
                self._permits.release()
        finally:
            self._places.release()


_galleries: list[Gallery] = []


def of(runtime: Runtime) -> Gallery:
    """The gallery of this process (in tests: of this runtime)."""
    for gallery in _galleries:
        if gallery.runtime is runtime:
            return gallery
    _galleries[:] = [Gallery(runtime)]
    return _galleries[0]
