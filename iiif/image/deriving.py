"""When the derivative of an image has to be made, and making it: for the worker and for `lectotype derive`."""

from dataclasses import dataclass
from typing import Literal

from app.runtime.blobs import FolderBlobs
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import RejectedImage
from iiif.catalogue.model import Media
from iiif.image import derivative, pyramid
from iiif.image.decoder import DecoderUnavailable
from iiif.image.wire import DecodeLimits

Fault = Literal["lost", "damaged", "older"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: made; left alone, for it was whole and of this recipe; or refused, and why (`code`, `reason`).

    `frames` is how many an animation has, of which the first is served.
    """

    key: str
    result: Literal["made", "left", "refused"]
    code: str = ""
    reason: str = ""
    frames: int = 1


def fault_of(blobs: FolderBlobs, media: Media) -> Fault | None:
    """What is wrong with the derivative of a ready image: nothing if it lies there, of this recipe, with a sound index and in
    the frame of the image."""
    if not media.pyramid_sha256 or not blobs.has(media.pyramid_sha256):
        return "lost"
    if media.derivative_version == catalogue.DISTRUSTED:
        return "damaged"
    if media.derivative_version != pyramid.VERSION:
        return "older"
    try:
        found = pyramid.Pyramid(blobs.path(media.pyramid_sha256))
    except (OSError, pyramid.PyramidError):
        return "damaged"
    return None if (found.width_px, found.height_px) == (media.width_px, media.height_px) else "damaged"


def derive(runtime: Runtime, key: str, *, force: bool = False) -> Outcome:
    """Make the derivative of an image that has none which is whole, and enter what came of it; safe to repeat.

    An image that was refused stays so, unless with `force`, which also makes whole ones anew. An image that was ready once is
    never refused any more: what fails then (a folder that is away, a process that was killed) is not of the image, and it
    keeps what derivative it has.

    Raises:
        UnknownMedia: there is no such image.
        DecoderUnavailable: the machine could not do it now; trying again later is right.
    """
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, key)
    whole = media.state == "ready" and fault_of(runtime.blobs, media) is None
    if (whole or media.state == "failed") and not force:
        return Outcome(key, "left")
    try:
        made, facts = derivative.make_derivative(runtime.blobs, media.sha256, DecodeLimits.of(runtime.settings))
    except RejectedImage as error:
        if media.state == "pending" and error.code == "missing-file":
            raise DecoderUnavailable(error.sentence) from error  # a disk that is not mounted looks like that
        if media.state != "ready":
            with runtime.db.begin() as session:
                catalogue.media_failed(session, key, error.sentence, at=runtime.clock())
        return Outcome(key, "refused", error.code, error.sentence)
    with runtime.db.begin() as session:
        catalogue.media_ready(session, key, made, at=runtime.clock())
    return Outcome(key, "made", frames=facts.frames)
