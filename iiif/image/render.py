"""Pixels for a geometry: the tiles of the nearest larger level, decoded, scaled, mirrored, turned, coloured, encoded."""

from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from iiif.image import jpeg
from iiif.image.pyramid import TILE_PX, Pyramid
from iiif.image.request import Box, Geometry, Rotation

QUALITY = 85
MOST_READ_PX = 64_000_000  # of a level, for one picture: 192 MB
SAVE: dict[str, dict[str, Any]] = {
    "png": {"compression": 3},
    "webp": {"Q": 82, "effort": 2},
    "tif": {"compression": "deflate", "predictor": "horizontal"},
    "gif": {"effort": 3},
    "avif": {"Q": 60, "effort": 1},
}
SUFFIX = {"png": ".png", "webp": ".webp", "tif": ".tif", "gif": ".gif", "avif": ".avif"}
TRANSPARENT = ("png", "webp")
WHITE = 255


def render(pyramid: Pyramid, geometry: Geometry) -> bytes:
    """The encoded picture."""
    return finish(scaled(pyramid, geometry.region, geometry.width, geometry.height), geometry)


def finish(pixels: NDArray[np.uint8], geometry: Geometry) -> bytes:
    """The picture from its pixels, (height, width, 3) sRGB at the size asked for: mirrored, turned, coloured, encoded."""
    if geometry.rotation.mirror:
        pixels = pixels[:, ::-1]
    image = _turned(pixels, geometry.rotation, transparent=geometry.format in TRANSPARENT)
    return encode(_in_colours(image, geometry.quality), geometry.format, bitonal=geometry.quality == "bitonal")


def scaled(pyramid: Pyramid, region: Box, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB: the region of the full image at that size, by a Lanczos window of three lobes."""
    level = _nearest_level(pyramid, region, width, height)
    facts = pyramid.levels[level]
    left, right = _span(region.x, region.width, level, facts.width_px)
    top, bottom = _span(region.y, region.height, level, facts.height_px)
    pixels = read(pyramid, level, left, top, right - left, bottom - top)
    return resized(pixels, width, height)


def read(pyramid: Pyramid, level: int, left: int, top: int, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB of one level, in its own pixels."""
    facts = pyramid.levels[level]
    out = np.empty((height, width, 3), np.uint8)
    for row in range(top // TILE_PX, -(-(top + height) // TILE_PX)):
        for column in range(left // TILE_PX, -(-(left + width) // TILE_PX)):
            tile = jpeg.decode(pyramid.tile(level, row * facts.columns + column))
            x, y = column * TILE_PX, row * TILE_PX
            x0, y0 = max(x, left), max(y, top)
            x1, y1 = min(x + tile.shape[1], left + width), min(y + tile.shape[0], top + height)
            out[y0 - top : y1 - top, x0 - left : x1 - left] = tile[y0 - y : y1 - y, x0 - x : x1 - x]
    return out


def encode(pixels: NDArray[np.uint8], format_: str, *, bitonal: bool = False) -> bytes:
    """(height, width) grey, or (height, width, 3 or 4) sRGB with or without alpha."""
    if format_ == "jpg":
        return jpeg.encode(pixels, quality=QUALITY)
    options = dict(SAVE[format_])
    if bitonal and format_ in ("png", "tif"):
        options = {"compression": "ccittfax4", "bitdepth": 1} if format_ == "tif" else {"bitdepth": 1}
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation="b-w" if pixels.ndim == 2 else "srgb")
    data: bytes = image.write_to_buffer(SUFFIX[format_], **options)
    return data


def _span(start: int, length: int, level: int, side: int) -> tuple[int, int]:
    """From where to where on a level of that side, to its nearest pixel and at least one pixel long."""
    half, end = (1 << level) >> 1, start + length
    first = min((start + half) >> level, side - 1)
    last = side if end >> level >= side - 1 and end + half >= side << level else (end + half) >> level
    return first, min(side, max(first + 1, last))


def _nearest_level(pyramid: Pyramid, region: Box, width: int, height: int) -> int:
    """The smallest level that is still at least as large as the picture, as far as it may be read into memory at once.

    Only a picture much more distorted than anybody asks for comes from a smaller one.
    """
    shrink = min(region.width / width, region.height / height)
    level = 0
    while level + 1 < len(pyramid.levels) and (2 << level) <= shrink + 1e-9:
        level += 1
    most_px = max(MOST_READ_PX, 4 * width * height)
    while level + 1 < len(pyramid.levels) and region.width * region.height >> (2 * level) > most_px:
        level += 1
    ceiling = level + 1
    if ceiling < len(pyramid.levels) and _ceil_size(region, ceiling) == (width, height):
        return ceiling
    return level


def _ceil_size(region: Box, level: int) -> tuple[int, int]:
    return -(-region.width // (1 << level)), -(-region.height // (1 << level))


def resized(pixels: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB, scaled."""
    if (pixels.shape[1], pixels.shape[0]) == (width, height):
        return pixels
    image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    resized = image.resize(width / pixels.shape[1], vscale=height / pixels.shape[0], kernel="lanczos3")
    if (resized.width, resized.height) != (width, height):
        resized = resized.embed(0, 0, width, height, extend="copy")
    out: NDArray[np.uint8] = resized.numpy()
    return out


def _turned(pixels: NDArray[np.uint8], rotation: Rotation, *, transparent: bool) -> NDArray[np.uint8]:
    """Clockwise; corners that stay empty are transparent where the format knows that, else white."""
    degrees = float(rotation.degrees)
    if degrees % 90 == 0:
        return np.rot90(pixels, -int(degrees // 90))
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation="srgb")
    if transparent:
        image = image.bandjoin(WHITE)
    out: NDArray[np.uint8] = image.rotate(degrees, background=[0] * 4 if transparent else [WHITE] * 3).numpy()
    return out


def _in_colours(pixels: NDArray[np.uint8], quality: str) -> NDArray[np.uint8]:
    if quality not in ("gray", "bitonal"):
        return pixels
    colours = pixels[..., :3].astype(np.uint16)
    grey: NDArray[np.uint8] = ((colours[..., 0] * 77 + colours[..., 1] * 150 + colours[..., 2] * 29 + 128) >> 8).astype(np.uint8)
    if pixels.shape[2] == 4:
        grey[pixels[..., 3] < 128] = WHITE
    return np.where(grey >= 128, np.uint8(WHITE), np.uint8(0)) if quality == "bitonal" else grey
