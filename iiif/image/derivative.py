"""What is made of masters: the derivative that is served, and pixels for analysis. Decoding itself is done by children."""

import tempfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.runtime.blobs import FolderBlobs
from iiif.catalogue.errors import RejectedImage
from iiif.catalogue.model import Media
from iiif.catalogue.service import Derivative
from iiif.image import decoder, pyramid
from iiif.image.wire import DecodeLimits, ImageFacts


def decode_check(path: Path, limits: DecodeLimits, *, whole: bool = False) -> ImageFacts:
    """The facts of an image file from its header; with `whole` it is also decoded to its end.

    Raises:
        RejectedImage: it cannot be taken; `code` is one of those in docs/images.md.
    """
    return decoder.check(path, limits, whole=whole)


def make_derivative(blobs: FolderBlobs, sha256: str, limits: DecodeLimits) -> tuple[Derivative, ImageFacts]:
    """Make the pyramid of a master and keep it among the blobs: whole, or not at all.

    Raises:
        RejectedImage: the master cannot be read to its end, or is too large; trying again would not help.
    """
    master = _master(blobs, sha256)
    incoming = _incoming(blobs)
    with tempfile.TemporaryDirectory(dir=incoming) as folder:
        path = Path(folder) / "pyramid.zip"
        facts = decoder.derive(master, path, limits)
        made_of = pyramid.Pyramid(path)
        if (made_of.width_px, made_of.height_px) != (facts.width_px, facts.height_px):
            said, found = f"{facts.width_px} × {facts.height_px}", f"{made_of.width_px} × {made_of.height_px}"
            raise RejectedImage("truncated-image", f"The header tells of {said} pixels, and {found} were decoded.")
        pyramid_sha256, _ = blobs.adopt(path)
    made = Derivative(facts.width_px, facts.height_px, facts.exif_orientation, facts.icc_profile, pyramid_sha256, pyramid.VERSION)
    return made, facts


def load_rgb(blobs: FolderBlobs, media: Media, limits: DecodeLimits, max_side: int | None = None) -> NDArray[np.uint8]:
    """(height, width, 3) upright sRGB pixels of the master, at full quality, in the frame that is served.

    With `max_side` they are scaled down (never up) so that the longer side has that many pixels.

    Raises:
        RejectedImage: the master cannot be decoded.
    """
    return decoder.pixels(_master(blobs, media.sha256), limits, _incoming(blobs), max_side)


def rgb_of(path: Path, limits: DecodeLimits) -> NDArray[np.uint8]:
    """The same of a file that is not among the blobs."""
    with tempfile.TemporaryDirectory() as folder:
        return decoder.pixels(path, limits, Path(folder))


def _master(blobs: FolderBlobs, sha256: str) -> Path:
    path = blobs.path(sha256)
    if not path.is_file():
        raise RejectedImage("missing-file", "The image file is no longer among the stored files.")
    return path


def _incoming(blobs: FolderBlobs) -> Path:
    folder = blobs.root / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder
