"""Pixels for a geometry: the tiles of a larger level, decoded, scaled to the fraction of a pixel, mirrored, turned, coloured.

Scaling is that of libvips with a Lanczos window of three lobes. libvips lays the middle of what it makes onto the middle of
what it is given, so a window of whole pixels of the level is chosen that brings it nearest to the region; where that leaves
more than a little (regions that do not begin on a pixel of the level), the picture is moved by the rest.
"""

import math
from typing import Literal, NamedTuple

import numpy as np
import pyvips
from numpy.typing import NDArray

from iiif.image.pyramid import jpeg
from iiif.image.pyramid.format import TILE_PX, Pyramid
from iiif.image.rendering import encoding, partial_decode
from iiif.image.request import Geometry, PixelBox, Rotation

RENDER_VERSION = 2  # to be raised with whatever gives other bytes for the same derivative (scaling, encoders, their settings)
QUALITY = encoding.QUALITY
LIKE_TILES = ("jpg", "pdf")  # see `scaled`
MOST_READ_PX = 64_000_000  # of a level, for one picture: 192 MB
MOST_DISTORTED_PX = 16_000_000  # likewise, for a picture shrunk DISTORTED times as much one way as the other
DISTORTED = 8
CHEAP_PX = 600_000  # of a level: so many are read rather than fewer of a coarser level
FINE = 2.0  # pixels of the level for one of the picture: from there on the level's own losses do not show (over 40 dB)
DEAR_PX = 4_000_000  # of a level: above, a picture makes do with a coarser one
COARSE = 1.3
NEAREST = 1.0
STILL_PX = 0.02  # of the picture; a smaller error of place is left
MASK_SUM = 64  # with larger sums libvips rounds the mask to what its vector code can hold
WHITE = 255
ALONE_BYTES = 3_000_000  # of pixels that are scaled
Kernel = Literal["lanczos3", "cubic"]


class Span(NamedTuple):
    """One axis of a window: `length` pixels of a level from `first` on give `out` pixels of the picture, which then lack
    `shift` pixels of theirs; `step` pixels of the level are one of the picture."""

    first: int
    length: int
    out: int
    step: float
    shift: float


class Source(NamedTuple):
    """A level, and whether its pixels are rather made of the tiles of the level before it, at half their size."""

    level: int
    halved: bool


def render(pyramid: Pyramid, geometry: Geometry) -> bytes:
    """The encoded picture."""
    like_tiles = geometry.format in LIKE_TILES
    pixels = scaled(pyramid, geometry.region, geometry.width, geometry.height, like_tiles=like_tiles)
    return finish(pixels, geometry)


def finish(pixels: NDArray[np.uint8], geometry: Geometry) -> bytes:
    """The picture from its pixels, (height, width, 3) sRGB at the size asked for: mirrored, turned, coloured, encoded."""
    if geometry.rotation.mirror:
        pixels = pixels[:, ::-1]
    bitonal = geometry.quality == "bitonal"
    image = _turned(pixels, geometry.rotation, transparent=geometry.format in encoding.TRANSPARENT and not bitonal)
    return encoding.encode(in_colours(image, geometry.quality), geometry.format, bitonal=bitonal)


def scaled(pyramid: Pyramid, region: PixelBox, width: int, height: int, *, like_tiles: bool = False) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB: the region of the full image at that size.

    With `like_tiles` a picture at the very scale of a level is made of its tiles: a JPEG loses as much again by its own
    encoding. Otherwise a finer level is read, unless that is dear.
    """
    stored = _stored(pyramid, region, width, height)
    if stored is not None:
        return stored
    source = source_of(pyramid, region, width, height, like_tiles=like_tiles)
    facts = pyramid.levels[source.level]
    columns = span(region.x, region.width, source.level, facts.width_px, width)
    rows = span(region.y, region.height, source.level, facts.height_px, height)
    if source.halved:
        pixels = read(pyramid, source.level - 1, columns.first, rows.first, columns.length, rows.length, halved=True)
    else:
        rough = min(columns.step, rows.step) >= FINE
        pixels = read(pyramid, source.level, columns.first, rows.first, columns.length, rows.length, rough=rough)
    kernel = kernel_for(columns, rows, like_tiles=like_tiles)
    return _moved(resized(pixels, width, height, columns.step, rows.step, kernel=kernel), columns.shift, rows.shift)


def kernel_for(columns: Span, rows: Span, *, like_tiles: bool) -> Kernel:
    """For what becomes smaller and a JPEG the cheaper one: the difference drowns in its losses."""
    return "cubic" if like_tiles and min(columns.step, rows.step) > 1 else "lanczos3"


def pixels_read(pyramid: Pyramid, geometry: Geometry) -> int:
    """How many pixels of a level are read for the picture, a few at the edges aside; about the same where it is stored."""
    region, width, height = geometry.region, geometry.width, geometry.height
    source = source_of(pyramid, region, width, height, like_tiles=geometry.format in LIKE_TILES)
    return (region.width * region.height) >> (2 * source.level)


def read(
    pyramid: Pyramid, level: int, left: int, top: int, width: int, height: int, *, rough: bool = False, halved: bool = False
) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB of one level, in its own pixels, or in those of half its size; `rough` and `halved` as in
    iiif/image/rendering/partial_decode.py."""
    facts, tile_px = pyramid.levels[level], TILE_PX // 2 if halved else TILE_PX
    out = np.empty((height, width, 3), np.uint8)
    for row in range(top // tile_px, -(-(top + height) // tile_px)):
        y = row * tile_px
        y0, y1 = max(0, top - y), min(tile_px, top + height - y)
        for column in range(left // tile_px, -(-(left + width) // tile_px)):
            x = column * tile_px
            x0, x1 = max(0, left - x), min(tile_px, left + width - x)
            tile = pyramid.tile(level, row * facts.columns + column)
            box = (x0, y0, x1, y1)
            part = partial_decode.decode_halved(tile, *box) if halved else partial_decode.decode(tile, *box, rough=rough)
            out[y + y0 - top : y + y1 - top, x + x0 - left : x + x1 - left] = part
    return out


def resized(
    pixels: NDArray[np.uint8],
    width: int,
    height: int,
    step_x: float | None = None,
    step_y: float | None = None,
    *,
    kernel: Kernel = "lanczos3",
) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB, scaled; a step is how many pixels become one where that is not just the ratio of the sides."""
    step_x, step_y = step_x or pixels.shape[1] / width, step_y or pixels.shape[0] / height
    if (pixels.shape[1], pixels.shape[0]) == (width, height) and step_x == step_y == 1:
        return pixels
    image = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    made = image.resize(1 / step_x, vscale=1 / step_y, kernel=kernel)
    if (made.width, made.height) != (width, height):
        made = made.embed(0, 0, width, height, extend="copy")
    if pixels.size <= ALONE_BYTES:  # in this very thread: handing so little over to others costs as much again
        return np.frombuffer(pyvips.Region.new(made).fetch(0, 0, width, height), np.uint8).reshape(height, width, 3)
    out: NDArray[np.uint8] = made.numpy()
    return out


def span(start: int, length: int, level: int, side: int, out: int) -> Span:
    """The window on a level of that side for `length` pixels of the full image from `start` on, to become `out` pixels.

    The middle of pixel i of the picture should lie at (start + (i + ½) · length / out) / 2^level. From n pixels beginning
    at f, libvips takes it from f + (i + ½) · step - (out · step - n) / 2, if n / step rounds to `out`.
    """
    step = length / out / (1 << level)
    at, whole = start / (1 << level), out * step
    best: Span | None = None
    for pixels in (round(whole), math.floor(whole), math.ceil(whole), math.floor(whole) - 1, math.ceil(whole) + 1):
        if not 0 < pixels <= side or math.floor(pixels / step + 0.5) != out:
            continue
        surplus = (whole - pixels) / 2
        first = min(max(0, round(at + surplus)), side - pixels)
        found = Span(first, pixels, out, step, (at + surplus - first) / step)
        if best is None or abs(found.shift) < abs(best.shift) - 1e-9:
            best = found
    return best or _rough_span(at, whole, side, out)


def _rough_span(at: float, whole: float, side: int, out: int) -> Span:
    """Where no window fits, as with pictures of less than a pixel of the level: what they touch, scaled by itself."""
    first = min(int(at), side - 1)
    pixels = max(1, min(side, math.ceil(at + whole - 1e-9)) - first)
    return Span(first, pixels, out, pixels / out, 0.0)


def _stored(pyramid: Pyramid, region: PixelBox, width: int, height: int) -> NDArray[np.uint8] | None:
    """What is kept of just this picture: a whole level, a tile or a quarter of one; so it is the same in every format."""
    if region != PixelBox(0, 0, pyramid.width_px, pyramid.height_px):
        stored = pyramid.stored_at(region.x, region.y, region.width, region.height, width, height)
        return None if stored is None else jpeg.decode(pyramid.read(stored))
    for number, level in enumerate(pyramid.levels):
        if (level.width_px, level.height_px) == (width, height):
            return read(pyramid, number, 0, 0, width, height)
    return None


def source_of(pyramid: Pyramid, region: PixelBox, width: int, height: int, *, like_tiles: bool) -> Source:
    """What to read: the level itself where the picture has its very scale; otherwise the smallest that still has FINE pixels
    for each of the picture, or COARSE where that would be dear, or a larger one where that is cheap. A JPEG hides what is
    gained by that (docs/performance.md), so it is made of the NEAREST level.

    Only a picture much more distorted than anybody asks for comes from a smaller one.
    """
    shrinks, deepest = sorted((region.width / width, region.height / height)), len(pyramid.levels) - 1
    shrink = shrinks[0]
    most = MOST_READ_PX if shrinks[1] < DISTORTED * shrink else MOST_DISTORTED_PX
    cost = [region.width * region.height >> (2 * level) for level in range(deepest + 1)]
    level = _level_with(shrink, 1.0, deepest)
    if (region.width, region.height) == (width << level, height << level) and cost[level] <= MOST_READ_PX:
        if like_tiles or level == 0:
            return Source(level, halved=False)
        if (region.x | region.y) % (1 << level) == 0 and cost[level - 1] <= DEAR_PX:
            return Source(level, halved=True)
    level = _level_with(shrink, NEAREST if like_tiles else FINE, deepest)
    if not like_tiles:
        if cost[level] > DEAR_PX:
            level = _level_with(shrink, COARSE, deepest)
        while level > 0 and cost[level - 1] <= CHEAP_PX:
            level -= 1
    while level < deepest and cost[level] > max(most, 4 * width * height):
        level += 1
    return Source(level, halved=False)


def _level_with(shrink: float, ratio: float, deepest: int) -> int:
    level = 0
    while level < deepest and ratio * (2 << level) <= shrink + 1e-9:
        level += 1
    return level


def _moved(pixels: NDArray[np.uint8], right: float, down: float) -> NDArray[np.uint8]:
    """The same of pixels (height, width, 3) as of an image."""
    if max(abs(right), abs(down)) <= STILL_PX:
        return pixels
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation="srgb")
    out: NDArray[np.uint8] = moved(image, right, down).numpy()
    return out


def moved(image: pyvips.Image, right: float, down: float) -> pyvips.Image:
    """The image seen from so many of its pixels further to the right and down, each at most one half."""
    masks = [(mask_of(right), True)] if abs(right) > STILL_PX else []
    masks += [(mask_of(down), False)] if abs(down) > STILL_PX else []
    for mask, along in masks:
        rows = [mask] if along else [[weight] for weight in mask]
        image = image.conv(pyvips.Image.new_from_array(rows, scale=MASK_SUM), precision="integer")
    return image


def mask_of(shift: float) -> list[int]:
    """Weights of the pixels from -3 to +3 for the value at `shift`: a Lanczos window of three lobes in whole numbers."""
    distance = np.arange(-3, 4) - shift
    weights = np.sinc(distance) * np.sinc(distance / 3) * (np.abs(distance) < 3)
    mask = [round(MASK_SUM * float(weight)) for weight in weights / weights.sum()]
    mask[3] += MASK_SUM - sum(mask)
    return mask


def _turned(pixels: NDArray[np.uint8], rotation: Rotation, *, transparent: bool) -> NDArray[np.uint8]:
    """Clockwise; corners that stay empty are transparent where the format knows that, else white."""
    degrees = float(rotation.degrees)
    if degrees % 90 == 0:
        return np.rot90(pixels, -int(degrees // 90))
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation="srgb")
    if transparent:
        image = image.bandjoin(WHITE)
    out: NDArray[np.uint8] = image.rotate(degrees, background=[WHITE] * 3 + ([0] if transparent else [])).numpy()
    return out


def in_colours(pixels: NDArray[np.uint8], quality: str) -> NDArray[np.uint8]:
    """Grey is the luma of ITU-R BT.601, as in JPEG; alpha stays."""
    if quality not in ("gray", "bitonal"):
        return pixels
    colours = pixels[..., :3].astype(np.uint16)
    grey: NDArray[np.uint8] = ((colours[..., 0] * 77 + colours[..., 1] * 150 + colours[..., 2] * 29 + 128) >> 8).astype(np.uint8)
    if quality == "bitonal":
        return np.where(grey >= 128, np.uint8(WHITE), np.uint8(0))
    return np.dstack((grey, pixels[..., 3])) if pixels.shape[2] == 4 else grey
