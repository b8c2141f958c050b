"""Decisions of the image server: making derivatives, and which picture a request gets.

Also what other packages need of images: facts of a file, pixels for analysis, thumbnails for manifests and pages.
"""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from app.runtime.blobs import FolderBlobs
from iiif.addresses import Addresses
from iiif.catalogue.errors import RejectedImage
from iiif.catalogue.model import Media
from iiif.catalogue.service import Derivative
from iiif.image import info, pyramid
from iiif.image.errors import NotYetDerived
from iiif.image.master import ImageFacts, broken, decode_check, is_damage, open_upright

__all__ = ["ImageFacts", "decode_check", "load_rgb", "make_derivative", "thumbnail"]
THUMBNAIL_PX = 400


def make_derivative(blobs: FolderBlobs, sha256: str, *, max_pixels: int) -> Derivative:
    """Make the pyramid of a master and keep it among the blobs: whole, or not at all.

    Raises:
        RejectedImage: the master cannot be read to its end, or is too large; trying again would not help.
    """
    master = blobs.path(sha256)
    if not master.is_file():
        raise RejectedImage("missing-file", "The image file is no longer among the stored files.")
    facts = decode_check(master, max_pixels=max_pixels)
    incoming = blobs.root / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=incoming) as folder:
        path = Path(folder) / "pyramid.tif"
        _write_pyramid(master, path)
        pyramid_sha256, _ = blobs.adopt(path)
    return Derivative(facts.width_px, facts.height_px, facts.exif_orientation, facts.icc_profile, pyramid_sha256, pyramid.VERSION)


def _write_pyramid(master: Path, path: Path) -> None:
    """A second, more forgiving pass where the first one stopped at a warning that tells of no damage."""
    try:
        pyramid.write(open_upright(master, strict=True), path)
    except pyvips.Error as warning:
        if is_damage(warning):
            raise broken(warning) from warning
        try:
            pyramid.write(open_upright(master), path)
        except pyvips.Error as error:
            raise broken(error) from error


def load_rgb(blobs: FolderBlobs, media: Media, max_side: int | None = None) -> NDArray[np.uint8]:
    """(height, width, 3) upright sRGB pixels of the master, at full quality, in the frame that is served.

    With `max_side` they are scaled down (never up) so that the longer side has that many pixels.

    Raises:
        RejectedImage: the master cannot be decoded.
    """
    try:
        image = open_upright(blobs.path(media.sha256))
        longest = max(image.width, image.height)
        if max_side is not None and longest > max_side:
            image = image.resize(max_side / longest, kernel="lanczos3")
        pixels: NDArray[np.uint8] = image.numpy()
    except pyvips.Error as error:
        raise broken(error) from error
    return pixels


def thumbnail(addresses: Addresses, media: Media, size: int = THUMBNAIL_PX) -> dict[str, Any]:
    """A thumbnail as Presentation API 3.0 wants it, in an advertised size: the smallest whose longer side has at least three
    fifths of `size`. With the usual size that is always one stored tile, which costs nothing to serve.

    Raises:
        NotYetDerived: the image has no size yet (ask `media.state` first).
    """
    if media.state != "ready":
        raise NotYetDerived(f"The image {media.key} has no derivative yet.")
    offered = info.sizes(media.width_px, media.height_px)
    width, height = next((pair for pair in offered if max(pair) >= 0.6 * size), offered[-1])
    service = addresses.image(media.key)
    return {
        "id": f"{service}/full/{width},{height}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": width,
        "height": height,
        "service": [{"id": service, "type": "ImageService3", "profile": "level2"}],
    }
