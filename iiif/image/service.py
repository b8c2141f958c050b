"""What other packages need of images: facts of a file, derivatives, pixels for analysis, thumbnails for manifests and pages."""

from typing import Any

from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees
from iiif.image import info
from iiif.image.errors import NotYetDerived
from iiif.image.masters.decoder_protocol import DecodeLimits, ImageFacts
from iiif.image.masters.derivatives import decode_check, load_rgb, make_derivative, rgb_of

__all__ = ["DecodeLimits", "ImageFacts", "decode_check", "load_rgb", "make_derivative", "rgb_of", "thumbnail"]
THUMBNAIL_PX = 400


def thumbnail(addresses: Addresses, media: Media, by: Principal, size: int = THUMBNAIL_PX) -> dict[str, Any] | None:
    """A thumbnail as Presentation API 3.0 wants it, in an advertised size: the smallest whose longer side has at least three
    fifths of `size`. With the usual size that is always one stored tile, which costs nothing to serve. None for an image that
    is closed to `by`; one that is reduced may come smaller than is said here.

    Raises:
        NotYetDerived: the image has no size yet (ask `media.state` first).
    """
    if media.state != "ready":
        raise NotYetDerived(f"The image {media.key} has no derivative yet.")
    if not sees(media, by):
        return None
    offered = info.sizes(media.width_px, media.height_px)
    width, height = next((pair for pair in offered if max(pair) >= 0.6 * size), offered[-1])
    service = addresses.image(media.key)
    return {
        "id": f"{service}/full/{'!' if media.access == 'reduced' else ''}{width},{height}/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "width": width,
        "height": height,
        "service": [{"id": service, "type": "ImageService3", "profile": "level2"}],
    }
