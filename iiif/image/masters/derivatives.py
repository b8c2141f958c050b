"""What is made of masters: when the derivative that is served has to be made, making it, and pixels for analysis.

Decoding itself is done by children (decoder_client.py).
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from app.runtime.blobs import Blobs
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.service import Derivative
from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_client
from iiif.image.masters.decoder_client import DecoderUnavailable
from iiif.image.masters.decoder_protocol import DecodeLimits, ImageFacts
from iiif.image.masters.pixel_file import PixelFile
from iiif.image.pyramid import format as pyramid_format

Fault = Literal["lost", "damaged", "older"]
OF_LIMITS = ("too-long", "too-much-memory", "decoder-died", "too-many-pixels")  # what other limits may mend
OF_THE_DAY = ("too-long", "too-much-memory", "decoder-died")  # what a quieter machine may mend
BATCH = 500


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of it: made; left alone, for it was whole and of this recipe; refused, and why (`code`, `reason`); or put off,
    as another try is worth it.

    `frames` is how many an animation has, of which the first is served.
    """

    key: str
    result: Literal["made", "left", "refused", "put off"]
    code: str = ""
    reason: str = ""
    frames: int = 1


def fault_of(blobs: Blobs, media: Media) -> Fault | None:
    """What is wrong with the derivative of a ready image: nothing if it lies there, of this recipe, with a sound index and in
    the frame of the image."""
    if not media.pyramid_sha256 or not blobs.has(media.pyramid_sha256):
        return "lost"
    if media.derivative_version == catalogue.DISTRUSTED:
        return "damaged"
    if media.derivative_version != pyramid_format.VERSION:
        return "older"
    try:
        found = pyramid_format.Pyramid(blobs.file(media.pyramid_sha256))
    except (OSError, pyramid_format.PyramidError):
        return "damaged"
    return None if (found.width_px, found.height_px) == (media.width_px, media.height_px) else "damaged"


def derive(runtime: Runtime, key: str, *, force: bool = False, patient: bool = False) -> Outcome:
    """Make the derivative of an image that has none which is whole, and enter what came of it; safe to repeat.

    An image that was refused stays so, unless with `force`, which also makes whole ones anew. An image that was ready once is
    never refused any more: what fails then (a folder that is away, a process that was killed) is not of the image, and it
    keeps what derivative it has. With `patient` a new image that time, memory or a dead decoder hindered stays pending.

    Raises:
        UnknownMedia: there is no such image.
        DecoderUnavailable: the machine could not do it now; trying again later is right.
    """
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, key)
    whole = media.state == "ready" and fault_of(runtime.blobs, media) is None
    if (whole or media.state == "failed") and not force:
        return Outcome(key, "left")
    limits = DecodeLimits.of(runtime.settings)
    try:
        made, facts = make_derivative(runtime.blobs, media.sha256, limits)
    except RejectedImage as error:
        if patient and media.state == "pending" and error.code in OF_THE_DAY:
            return Outcome(key, "put off", error.code, error.sentence)
        if media.state == "pending" and error.code == "missing-file":
            raise DecoderUnavailable(error.sentence) from error  # a disk that is not mounted looks like that
        if media.state != "ready":
            with runtime.db.begin() as session:
                under = str(limits) if error.code in OF_LIMITS else ""
                catalogue.media_failed(session, key, error.sentence, at=runtime.clock(), under=under)
        return Outcome(key, "refused", error.code, error.sentence)
    with runtime.db.begin() as session:
        catalogue.media_ready(session, key, made, at=runtime.clock())
    return Outcome(key, "made", frames=facts.frames)


def try_again_under_new_limits(runtime: Runtime) -> int:
    """Have the workers try again what failed under other limits than those of the settings; how many images."""
    limits, count = str(DecodeLimits.of(runtime.settings)), 0
    while True:
        with runtime.db.begin() as session:
            batch = catalogue.try_again_under(session, limits, limit=BATCH, at=runtime.clock())
        count += batch
        if batch < BATCH:
            return count


def decode_check(path: Path, limits: DecodeLimits, *, whole: bool = False) -> ImageFacts:
    """The facts of an image file from its header; with `whole` it is also decoded to its end.

    Raises:
        RejectedImage: it cannot be taken; `code` is one of those in docs/images.md.
    """
    return decoder_client.check(path, limits, whole=whole)


def make_derivative(blobs: Blobs, sha256: str, limits: DecodeLimits) -> tuple[Derivative, ImageFacts]:
    """Make the pyramid of a master and keep it among the blobs: whole, or not at all.

    Raises:
        RejectedImage: the master cannot be read to its end, or is too large; trying again would not help.
    """
    with _master(blobs, sha256) as master, blobs.workspace() as folder:
        path = folder / "pyramid.zip"
        facts = decoder_client.derive(master, path, limits)
        made_of = pyramid_format.Pyramid(path)
        if (made_of.width_px, made_of.height_px) != (facts.width_px, facts.height_px):
            declared, decoded = f"{facts.width_px} × {facts.height_px}", f"{made_of.width_px} × {made_of.height_px}"
            raise RejectedImage("truncated-image", f"The header says {declared} pixels, but {decoded} were decoded.")
        pyramid_sha256, _ = blobs.adopt(path)
    made = Derivative(
        facts.width_px, facts.height_px, facts.exif_orientation, facts.icc_profile, pyramid_sha256, pyramid_format.VERSION
    )
    return made, facts


def load_rgb(blobs: Blobs, media: Media, limits: DecodeLimits, max_side: int | None = None) -> NDArray[np.uint8]:
    """(height, width, 3) upright sRGB pixels of the master, at full quality, in the frame that is served.

    With `max_side` they are scaled down (never up) so that the longer side has that many pixels.

    Raises:
        RejectedImage: the master cannot be decoded.
    """
    with _master(blobs, media.sha256) as master, blobs.workspace() as folder:
        return decoder_client.pixels(master, limits, folder, max_side)


def rgb_of(path: Path, limits: DecodeLimits) -> NDArray[np.uint8]:
    """The same of a file that is not among the blobs."""
    with tempfile.TemporaryDirectory() as folder:
        return decoder_client.pixels(path, limits, Path(folder))


@contextmanager
def pixels_of_media(blobs: Blobs, media: Media, limits: DecodeLimits) -> Iterator[PixelFile]:
    """Upright sRGB pixels of the master at full quality, in the frame that is served, to be read in parts within the block.

    Raises:
        RejectedImage: the master cannot be decoded.
    """
    with _master(blobs, media.sha256) as master, blobs.workspace() as folder, pixels_of_file(master, limits, folder) as pixels:
        yield pixels


@contextmanager
def pixels_of_file(path: Path, limits: DecodeLimits, folder: Path | None = None) -> Iterator[PixelFile]:
    """The same of a file that is not among the blobs; `folder` is for temporary files."""
    with tempfile.TemporaryDirectory(dir=folder) as scratch, decoder_client.pixel_file(path, limits, Path(scratch)) as pixels:
        yield pixels


@contextmanager
def _master(blobs: Blobs, sha256: str) -> Iterator[Path]:
    if not blobs.has(sha256):
        raise RejectedImage("missing-file", "The image file is no longer among the stored files.")
    with blobs.local_path(sha256) as path:
        yield path
