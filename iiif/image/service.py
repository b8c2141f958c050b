"""What other packages need of images: facts of a file, derivatives, pixels for analysis, thumbnails for manifests and pages."""

import math
from typing import Any

from app.runtime import context
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media, OwnRegion
from iiif.catalogue.visibility import sees
from iiif.image import info
from iiif.image.errors import NotYetDerived
from iiif.image.identifier import Identifier
from iiif.image.masters.decoder_protocol import DecodeLimits, ImageFacts
from iiif.image.masters.derivatives import decode_check, load_rgb, make_derivative, pixels_of_file, pixels_of_media, rgb_of
from iiif.image.request import PixelBox, SizeLimits

__all__ = [
    "DecodeLimits",
    "ImageFacts",
    "decode_check",
    "load_rgb",
    "make_derivative",
    "pixels_of_file",
    "pixels_of_media",
    "rgb_of",
    "segment_of",
    "service_address",
    "thumbnail",
]
THUMBNAIL_PX = 400


def segment_of(media: Media, region: OwnRegion | None) -> PixelBox | None:
    """The whole pixels that hold the region; None where there is none, where it is all of the image or no part of it."""
    if region is None or media.state != "ready" or not region.lies_within(media.width_px, media.height_px):
        return None
    x, y = math.floor(region.x0), math.floor(region.y0)
    box = PixelBox(x, y, math.ceil(region.x1) - x, math.ceil(region.y1) - y)
    return None if box == PixelBox(0, 0, media.width_px, media.height_px) else box


def service_address(addresses: Addresses, media: Media, segment: PixelBox | None = None, version: int = 3) -> str:
    """Id of the image service of the image, or of that segment of it as an image of its own."""
    return f"{addresses.image(media.key, version)}{Identifier(media.key, segment).suffix}"


def thumbnail(
    addresses: Addresses, media: Media, by: Principal, size: int = THUMBNAIL_PX, segment: PixelBox | None = None
) -> dict[str, Any] | None:
    """A thumbnail as Presentation API 3.0 wants it, in an advertised size, which is given out: the smallest whose longer side
    has at least three fifths of `size`. With the usual size that is always one stored tile, which costs nothing to serve; that
    of a segment is rendered once. None for an image that is closed to `by`; one that is reduced may come smaller than is said.

    Raises:
        NotYetDerived: the image has no size yet (ask `media.state` first).
    """
    if media.state != "ready":
        raise NotYetDerived(f"The image {media.key} has no derivative yet.")
    if not sees(media, by):
        return None
    shown = segment or PixelBox(0, 0, media.width_px, media.height_px)
    settings = context.current().settings
    limits = SizeLimits(settings.max_width, settings.max_area)
    offered = [pair for pair in info.sizes(shown.width, shown.height, info.tile_side(limits)) if limits.allow(*pair)]
    width, height = next((pair for pair in offered if max(pair) >= 0.6 * size), offered[-1])
    service = service_address(addresses, media, segment)
    return {
        "id": f"{service}/full/{'!' if media.access == 'reduced' else ''}{width},{height}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": width,
        "height": height,
        "service": [{"id": service, "type": "ImageService3", "profile": "level2"}],
    }
