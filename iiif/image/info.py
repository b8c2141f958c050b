"""The image information document (Image API 3.0 and 2.1, section 5)."""

from collections.abc import Sequence
from typing import Any

from iiif.image.pyramid.format import TILE_PX
from iiif.image.request import FORMATS, QUALITIES, SizeLimits, Version

CONTEXT = {2: "http://iiif.io/api/image/2/context.json", 3: "http://iiif.io/api/image/3/context.json"}
PROFILE = {2: "http://iiif.io/api/image/2/level2.json", 3: "http://iiif.io/api/image/3/level2.json"}
PROTOCOL = "http://iiif.io/api/image"
LEVEL_2_FORMATS = ("jpg", "png")
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
Linked = dict[str, Any]


def sizes(width: int, height: int, tile_px: int = TILE_PX) -> list[tuple[int, int]]:
    """The size of every level, smallest first: the smallest is one tile, the largest the full image."""
    found = [(width, height)]
    while max(found[-1]) > tile_px:
        scale = 1 << len(found)
        found.append((-(-width // scale), -(-height // scale)))
    return found[::-1]


def build(
    version: Version,
    *,
    base: str,
    width: int,
    height: int,
    limits: SizeLimits,
    rights: str = "",
    services: Sequence[Linked] = (),
    part_of: Sequence[Linked] = (),
    smallest_scale: float = 1,
) -> dict[str, Any]:
    """The document of an image, or of a segment of one, whose address is `base`.

    Args:
        rights: the address of a licence; others than those of Creative Commons and rightsstatements.org are left out in 3.0.
        services: further services of this image, such as its physical dimensions.
        part_of: what contains it, such as the manifest; only 3.0 has a word for that.
        smallest_scale: at least 1; how many pixels of the image, on each axis, make one of the finest view given out.
    """
    most, tile_px = _most(width, height, limits, smallest_scale), tile_side(limits)
    allowed = [size for size in _all_sizes(width, height, smallest_scale, tile_px) if _fits(size, most)]
    frame: dict[str, Any] = {"width": width, "height": height, "sizes": [{"width": w, "height": h} for w, h in allowed]}
    frame["tiles"] = [
        {"width": tile_px, "height": tile_px, "scaleFactors": scale_factors(width, height, smallest_scale, tile_px)}
    ]
    if version == 2:
        return _version_2(base, frame, most, rights, services)
    document: dict[str, Any] = {"@context": CONTEXT[3], "id": base, "type": "ImageService3", "protocol": PROTOCOL}
    document |= {"profile": "level2", **frame, **most, "preferredFormats": ["jpg"]}
    document |= {"extraFormats": [name for name in FORMATS if name not in LEVEL_2_FORMATS]}
    document |= {"extraQualities": [name for name in QUALITIES if name != "default"], "extraFeatures": BEYOND_LEVEL_2}
    if rights.startswith(RIGHTS):
        document["rights"] = rights
    return document | ({"service": list(services)} if services else {}) | ({"partOf": list(part_of)} if part_of else {})


def tile_side(limits: SizeLimits) -> int:
    """The largest tile that is given out: one of those that are stored, or where the limits are smaller than that, the next
    power of two."""
    side = TILE_PX
    while side > 1 and not limits.allow(side, side):
        side //= 2
    return side


def scale_factors(width: int, height: int, smallest_scale: float = 1, tile_px: int = TILE_PX) -> list[int]:
    """Those of all levels that are no finer than allowed; of the first allowed one where every level is finer."""
    factors = [1 << level for level in range(len(sizes(width, height, tile_px)))]
    while factors[-1] < smallest_scale:
        factors.append(2 * factors[-1])
    return [factor for factor in factors if factor >= smallest_scale]


def finest(width: int, height: int, smallest_scale: float) -> tuple[int, int]:
    """Width and height of the whole at that scale, to the nearest pixel, at least one."""
    return max(1, int(width / smallest_scale + 0.5)), max(1, int(height / smallest_scale + 0.5))


def _most(width: int, height: int, limits: SizeLimits, smallest_scale: float) -> dict[str, int]:
    """maxWidth, maxHeight and maxArea; by reduced access they are those of its finest view."""
    side, area = limits.max_width_px, limits.max_area_px
    if smallest_scale <= 1:
        return {"maxWidth": side, "maxHeight": side, "maxArea": area}
    finest_width, finest_height = finest(width, height, smallest_scale)
    return {
        "maxWidth": min(side, finest_width),
        "maxHeight": min(side, finest_height),
        "maxArea": min(area, finest_width * finest_height),
    }


def _all_sizes(width: int, height: int, smallest_scale: float, tile_px: int) -> list[tuple[int, int]]:
    found = sizes(width, height, tile_px)
    if smallest_scale > 1:
        found.append(finest(width, height, smallest_scale))
    return sorted(set(found))


def _fits(size: tuple[int, int], most: dict[str, int]) -> bool:
    return size[0] <= most["maxWidth"] and size[1] <= most["maxHeight"] and size[0] * size[1] <= most["maxArea"]


def _version_2(base: str, frame: dict[str, Any], most: dict[str, int], rights: str, services: Sequence[Linked]) -> dict[str, Any]:
    features = {"formats": list(FORMATS), "qualities": list(QUALITIES), "supports": SUPPORTS_2, **most}
    document: dict[str, Any] = {"@context": CONTEXT[2], "@id": base, "protocol": PROTOCOL, **frame}
    document["profile"] = [PROFILE[2], features]
    if rights.startswith(("http://", "https://")):
        document["license"] = rights
    if services:
        document["service"] = services[0] if len(services) == 1 else list(services)
    return document
