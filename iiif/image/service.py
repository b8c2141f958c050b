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
from iiif.image import info, pyramid, render
from iiif.image.errors import NotYetDerived
from iiif.image.gallery import Gallery, Served
from iiif.image.master import ImageFacts, broken, decode_check, is_damage, open_upright
from iiif.image.request import Geometry

__all__ = ["ImageFacts", "decode_check", "load_rgb", "make_derivative", "picture", "thumbnail"]
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


def picture(gallery: Gallery, served: Served, geometry: Geometry) -> bytes:
    """The encoded picture: a tile as it is stored where it is just that, otherwise rendered in turn. Raises Busy."""
    tile = tile_of(served, geometry)
    if tile is not None:
        return served.pyramid.tile(*tile)
    with gallery.lane.turn():
        return render.render(served.pyramid, geometry)


def tile_of(served: Served, geometry: Geometry) -> tuple[int, int] | None:
    """(level, tile number) if the picture is exactly one stored tile."""
    plain = geometry.format == "jpg" and geometry.quality in ("default", "color")
    if not plain or geometry.rotation.mirror or geometry.rotation.degrees:
        return None
    box = geometry.region
    return served.pyramid.tile_at(box.x, box.y, box.width, box.height, geometry.width, geometry.height)


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
