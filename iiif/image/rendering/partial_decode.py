"""Decoding no more of a stored tile than is needed: its restart markers let rows of units and either half be left out."""

from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from iiif.image.pyramid import jpeg
from iiif.image.pyramid.jpeg import HALF_PX, INTERVAL, MCU_PX

ROW_UNITS = 2 * INTERVAL  # of a tile whose rows can be halved


class Part(NamedTuple):
    """A JPEG of a part of a tile, and where in the tile that begins."""

    data: bytes
    x: int
    y: int


def decode(tile: bytes, left: int, top: int, right: int, bottom: int, *, rough: bool = False) -> NDArray[np.uint8]:
    """(bottom - top, right - left, 3) sRGB: these columns and rows of a tile.

    With `rough` chroma is not smoothed, which does not show in pictures of half the size or less (over 50 dB).
    """
    part = cut(tile, left, top, right, bottom)
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(part.data, colorspace="RGB", fastupsample=rough)
    return pixels[top - part.y : bottom - part.y, left - part.x : right - part.x]


def decode_halved(tile: bytes, left: int, top: int, right: int, bottom: int) -> NDArray[np.uint8]:
    """(bottom - top, right - left, 3) sRGB: these columns and rows of a tile at half its size (rounded up).

    Only the lower half of the frequencies is transformed back, which costs less than decoding and is closer to a scaling by
    a Lanczos window than the next level, which was encoded a second time (44 against 38 dB on photographs of specimens).
    """
    part = cut(tile, 2 * left, 2 * top, 2 * right, 2 * bottom)
    head = jpeg.head(part.data)
    width, height = -(-head.width // 2), -(-head.height // 2)
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(
        part.data, colorspace="RGB", min_width=width, min_height=height, min_factor=2
    )
    if pixels.shape[:2] != (height, width):  # of a few pixels, for which another scale does as well
        whole = np.pad(jpeg.decode(part.data), ((0, head.height % 2), (0, head.width % 2), (0, 0)), mode="edge")
        pixels = whole.reshape(height, 2, width, 2, 3).mean(axis=(1, 3)).round().astype(np.uint8)
    return pixels[top - part.y // 2 : bottom - part.y // 2, left - part.x // 2 : right - part.x // 2]


def cut(tile: bytes, left: int, top: int, right: int, bottom: int) -> Part:
    """The least of a tile that can be cut and holds these pixels with their neighbours, whose chroma they are smoothed with.

    That is whole rows of units, and the half that is meant where a row has two; a tile of another width stays whole.
    """
    head = jpeg.head(tile)
    width, height = head.width, head.height
    first, last = max(0, top - 1) // MCU_PX, min(-(-height // MCU_PX), bottom // MCU_PX + 1)
    start, stop = max(0, left - 1) // HALF_PX, min(2, right // HALF_PX + 1)
    if -(-width // MCU_PX) != ROW_UNITS or (last - first) * (stop - start) * MCU_PX >= 2 * height:
        return Part(tile, 0, 0)
    starts = jpeg.starts(tile, len(head.data))
    rows, columns = min(height, last * MCU_PX) - first * MCU_PX, min(width, stop * HALF_PX) - start * HALF_PX
    wanted = (2 * row + half for row in range(first, last) for half in range(start, stop))
    intervals = [tile[starts[number] : starts[number + 1] - 2] for number in wanted]
    return Part(jpeg.joined(head, columns, rows, intervals), start * HALF_PX, first * MCU_PX)
