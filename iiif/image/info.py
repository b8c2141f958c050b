"""The image information document (Image API 3.0 and 2.1, section 5)."""

from typing import Any

from iiif.addresses import Addresses
from iiif.catalogue.model import Media
from iiif.image.pyramid import TILE_PX
from iiif.image.request import FORMATS, QUALITIES, Limits, Version

CONTEXT = {2: "http://iiif.io/api/image/2/context.json", 3: "http://iiif.io/api/image/3/context.json"}
PROFILE = {2: "http://iiif.io/api/image/2/level2.json", 3: "http://iiif.io/api/image/3/level2.json"}
PROTOCOL = "http://iiif.io/api/image"
BEYOND_LEVEL_2 = ["canonicalLinkHeader", "mirroring", "profileLinkHeader", "rotationArbitrary", "sizeUpscaling"]
SUPPORTS_2 = [
    "baseUriRedirect",
    "canonicalLinkHeader",
    "cors",
    "jsonldMediaType",
    "mirroring",
    "profileLinkHeader",
    "regionByPct",
    "regionByPx",
    "regionSquare",
    "rotationArbitrary",
    "rotationBy90s",
    "sizeAboveFull",
    "sizeByConfinedWh",
    "sizeByDistortedWh",
    "sizeByH",
    "sizeByPct",
    "sizeByW",
    "sizeByWh",
]
RIGHTS = ("http://creativecommons.org/", "http://rightsstatements.org/")


def sizes(width: int, height: int) -> list[tuple[int, int]]:
    """The size of every level, smallest first: the smallest is one tile, the largest the full image."""
    found = [(width, height)]
    while max(found[-1]) > TILE_PX:
        scale = 1 << len(found)
        found.append((-(-width // scale), -(-height // scale)))
    return found[::-1]


def build(version: Version, media: Media, addresses: Addresses, limits: Limits) -> dict[str, Any]:
    """The document of a ready image."""
    width, height = media.width_px, media.height_px
    all_sizes = sizes(width, height)
    offered = [{"width": w, "height": h} for w, h in all_sizes if limits.allow(w, h)]
    tiles = [{"width": TILE_PX, "height": TILE_PX, "scaleFactors": [1 << level for level in range(len(all_sizes))]}]
    frame = {"width": width, "height": height}
    most = {"maxWidth": limits.max_width_px, "maxArea": limits.max_area_px}
    if version == 2:
        features = {"formats": list(FORMATS), "qualities": list(QUALITIES), "supports": SUPPORTS_2, **most}
        document: dict[str, Any] = {"@context": CONTEXT[2], "@id": addresses.image(media.key, 2), "protocol": PROTOCOL}
        return document | frame | {"sizes": offered, "tiles": tiles, "profile": [PROFILE[2], features]}
    document = {"@context": CONTEXT[3], "id": addresses.image(media.key), "type": "ImageService3", "protocol": PROTOCOL}
    document |= {"profile": "level2", **frame, **most, "sizes": offered, "tiles": tiles}
    document |= {"preferredFormats": ["jpg"], "extraFormats": [name for name in FORMATS if name not in ("jpg", "png")]}
    document |= {"extraQualities": [name for name in QUALITIES if name != "default"], "extraFeatures": BEYOND_LEVEL_2}
    if media.rights.startswith(RIGHTS):
        document["rights"] = media.rights
    return document
