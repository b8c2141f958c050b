"""Decoding no more of a stored tile than is needed: its restart markers let rows of units and either half be left out."""

from typing import NamedTuple

import numpy as np
import simplejpeg
from numpy.typing import NDArray

from iiif.image.jpeg import EOI, HALF_PX, INTERVAL, MCU_PX, RESTART, RESTARTS

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


def cut(tile: bytes, left: int, top: int, right: int, bottom: int) -> Part:
    """The least of a tile that can be cut and holds these pixels with their neighbours, whose chroma they are smoothed with.

    That is whole rows of units, and the half that is meant where a row has two; a tile of another width stays whole.
    """
    size_at, scan_at = _headers(tile)
    height, width = int.from_bytes(tile[size_at : size_at + 2]), int.from_bytes(tile[size_at + 2 : size_at + 4])
    first, last = max(0, top - 1) // MCU_PX, min(-(-height // MCU_PX), bottom // MCU_PX + 1)
    start, stop = max(0, left - 1) // HALF_PX, min(2, right // HALF_PX + 1)
    if -(-width // MCU_PX) != ROW_UNITS or (last - first) * (stop - start) * MCU_PX >= 2 * height:
        return Part(tile, 0, 0)
    marks = [found.start() for found in RESTART.finditer(tile, scan_at)]
    starts, ends = [scan_at, *(mark + 2 for mark in marks)], [*marks, len(tile) - 2]
    rows, columns = min(height, last * MCU_PX) - first * MCU_PX, min(width, stop * HALF_PX) - start * HALF_PX
    parts = [tile[:size_at], rows.to_bytes(2), columns.to_bytes(2), tile[size_at + 4 : scan_at]]
    for number, interval in enumerate(2 * row + half for row in range(first, last) for half in range(start, stop)):
        parts += [tile[starts[interval] : ends[interval]], RESTARTS[number % 8]]
    parts[-1] = EOI
    return Part(b"".join(parts), start * HALF_PX, first * MCU_PX)


def _headers(data: bytes) -> tuple[int, int]:
    """Where the height stands in the header of the frame, and where the bytes of the only scan begin."""
    at, size_at = 2, 0
    while data[at + 1] != 0xDA:
        if data[at + 1] == 0xC0:
            size_at = at + 5
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return size_at, at + 2 + int.from_bytes(data[at + 2 : at + 4])
