"""The images that this process serves: open derivatives, how much of them a client may see, the render queues and the cache.

`iiif/catalogue/visibility.py` decides who may see an image. What is known of an image is kept for KEPT_S
seconds, so a change of access is in force everywhere after that time.
"""

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import principal
from app.runtime.blobs import StoreAway
from app.runtime.context import Runtime
from app.runtime.kept import Kept
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import View, view_of
from iiif.image.errors import CannotBeServed, NotYetDerived, OutsideImage
from iiif.image.identifier import Identifier
from iiif.image.pyramid.format import Pyramid, PyramidError
from iiif.image.request import PixelBox, SizeLimits
from iiif.image.serving import embedded_metadata
from iiif.image.serving.picture_cache import PictureCache
from iiif.image.serving.reduced_access import Frame, Frames
from iiif.image.serving.render_queue import Outflow, RenderQueue

KEPT_IMAGES = 256
KEPT_S = 10.0
ASKED_AGAIN_S = 60.0  # between two requests for the same lost derivative
THREADS_FOR_TILES = 4  # of a web process, at most half of them: no render ever waits there. Below 3 none are left
OUTFLOW_BYTES_S = 60_000_000  # of large pictures, from one web process
ServicesOf = Callable[[Session, Media], Sequence[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Served:
    """A ready image, or a segment of one, as somebody may see it.

    `part` is what is shown, in pixels of the full upright image: all of it, or the segment. `digest` stands for everything
    that the bytes of its pictures depend on; `packet` is what is written into them. With the view "reduced" nothing finer
    than `frame` is given out; "private" is what only a token opened.
    """

    media: Media
    pyramid: Pyramid
    name: str
    part: PixelBox
    view: View
    frame: Frame | None
    digest: str
    packet: bytes
    until: float


@dataclass(frozen=True, slots=True)
class _Opened:
    media: Media
    pyramid: Pyramid
    packet: bytes
    digest: str
    until: float


class OpenImages:
    """What one process needs to answer image requests."""

    def __init__(self, runtime: Runtime) -> None:
        settings = runtime.settings
        self.runtime = runtime
        self.addresses = runtime.addresses
        self.limits = SizeLimits(settings.max_width, settings.max_area)
        places = settings.web_threads - min(THREADS_FOR_TILES, settings.web_threads // 2)
        queue_large = min(1, settings.render_queue) if places > 3 else 0
        places = max(1, places - 1 - queue_large)
        threads = min(settings.renders, places)
        self.lane = RenderQueue(threads, min(settings.render_queue, places - threads), "render")
        self.large_lane = RenderQueue(1, queue_large, "render large", alone=settings.pictures_dir / ".large")
        self.outflow = Outflow(OUTFLOW_BYTES_S, OUTFLOW_BYTES_S)
        self.cache = PictureCache(settings.pictures_dir, settings.picture_cache_bytes, processes=settings.web_processes)
        self.frames = Frames()
        self._policy = embedded_metadata.Policy.of(settings)
        self.services_of: ServicesOf = lambda _session, _media: ()
        self._opened: Kept[str, _Opened] = Kept(KEPT_IMAGES)
        self._public: Kept[str, Served] = Kept(KEPT_IMAGES)
        self._principals: Kept[str, tuple[Principal, float]] = Kept(KEPT_IMAGES)
        self._lost: Kept[str, float] = Kept(KEPT_IMAGES)

    def find(self, name: str, authorization: str = "") -> Served:
        """What the bearer of that header may see of the image of that name (see `Identifier`).

        Raises:
            UnknownMedia: there is none.
            OutsideImage: it has no such segment.
            NotYetDerived: its derivative is being made.
            CannotBeServed: none could be made.
            Closed: only a token opens it.
            NotYours: a token of another collection opens it.
        """
        served = self._public.get(name)
        if served is not None and served.until > time.monotonic():
            return served
        identifier = Identifier.parse(name, self.addresses.naan)
        by = self._who(authorization) if authorization else NOBODY
        opened = self._opened.get(identifier.key)
        if opened is None or opened.until <= time.monotonic():
            opened = self._open(identifier.key, by)
            self._opened.put(identifier.key, opened)
        served = _seen(opened, identifier, view_of(opened.media, by), self.runtime.settings.reduced_width)
        if opened.media.access == "open":
            self._public.put(name, served)
        return served

    def _who(self, authorization: str) -> Principal:
        """The bearer of that header, asked of the database every KEPT_S seconds at most."""
        digest = principal.digest(authorization)
        known = self._principals.get(digest)
        if known is None or known[1] <= time.monotonic():
            known = principal.of_authorization(self.runtime, authorization), time.monotonic() + KEPT_S
            self._principals.put(digest, known)
        return known[0]

    def _open(self, key: str, by: Principal) -> _Opened:
        with self.runtime.reads.begin() as session:
            media = catalogue.get_media(session, key)
            withheld = self._policy.gps and catalogue.withholds_place(session, key)
        if media.state != "ready":
            view_of(media, by)  # to whom it is closed is told nothing of its state
        if media.state == "failed":
            raise CannotBeServed(f"The image {key} cannot be served. {media.state_reason}")
        if media.state != "ready":
            raise NotYetDerived(f"The image {key} is still being prepared.")
        kept = self._opened.get(key)
        same = kept is not None and kept.media.version == media.version  # made anew, a derivative may have the same digest
        try:
            pyramid = kept.pyramid if kept and same else Pyramid(self.runtime.blobs.file(media.pyramid_sha256))
        except StoreAway:
            view_of(media, by)
            raise
        except (FileNotFoundError, PyramidError) as error:
            view_of(media, by)
            raise self.lost(key) from error
        policy = self._policy.of_withheld_place() if withheld else self._policy
        packet = embedded_metadata.packet(media, self.addresses.pid(key), pyramid.camera, policy)
        digest = f"{media.pyramid_sha256}.{hashlib.sha256(packet).hexdigest()[:16]}"
        return _Opened(media, pyramid, packet, digest, time.monotonic() + KEPT_S)

    def lost(self, key: str) -> NotYetDerived:
        """Have the derivative made again, which is not there or was cut off, and say so."""
        self._opened.drop(key)
        self._ask_again(key)
        return NotYetDerived(f"The derivative of the image {key} is lost and has to be made again.")

    def _ask_again(self, key: str) -> None:
        """Have the lost derivative made again, once a minute at most."""
        asked = self._lost.get(key)
        if asked is None or asked <= time.monotonic():
            self._lost.put(key, time.monotonic() + ASKED_AGAIN_S)
            with self.runtime.db.begin() as session:
                catalogue.derive_again(session, key)


def _seen(opened: _Opened, identifier: Identifier, view: View, reduced_width: int) -> Served:
    media, part = opened.media, identifier.segment
    if part is None:
        part = PixelBox(0, 0, media.width_px, media.height_px)
        name = media.key
    else:
        name = f"{media.key}:{part.x},{part.y},{part.width},{part.height}"
        if min(part.width, part.height) < 1 or part.x + part.width > media.width_px or part.y + part.height > media.height_px:
            size = f"{media.width_px} × {media.height_px} pixels"
            raise OutsideImage(f"There is no segment {name!r}: x,y,w,h must lie within the image of {size}.")
    frame = Frame.of(media.width_px, media.height_px, reduced_width) if view == "reduced" else None
    digest = opened.digest if frame is None else f"{opened.digest}.{frame.width}x{frame.height}"
    return Served(media, opened.pyramid, name, part, view, frame, digest, opened.packet, opened.until)


_of_process: list[OpenImages] = []


def of(runtime: Runtime) -> OpenImages:
    """The images of this process (in tests: of this runtime)."""
    for images in _of_process:
        if images.runtime is runtime:
            return images
    _of_process[:] = [OpenImages(runtime)]
    return _of_process[0]
