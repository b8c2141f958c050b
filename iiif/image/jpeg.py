"""JPEG streams (ITU-T T.81): cutting tiles without decoding, and arrays in and out.

A tile has a restart marker every INTERVAL minimum coded units of 16 × 16 pixels, which is half a row of a full tile. Between
two markers each interval stands on its own, so a quarter of a tile is a choice of its intervals behind a header with
another size.
"""

import re

import numpy as np
import simplejpeg
from numpy.typing import NDArray

try:
    import turbojpeg
except ImportError:  # its wheels are few; without it the few quarters that cannot be cut are encoded once more
    turbojpeg = None

SOI, EOI = b"\xff\xd8", b"\xff\xd9"
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
MCU_PX = 16  # with chroma at half the resolution
INTERVAL = 16  # units between two restart markers
HALF_PX = INTERVAL * MCU_PX
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
RESTARTS = [bytes((0xFF, 0xD0 + number)) for number in range(8)]


def with_jfif(data: bytes) -> bytes:
    """The same stream with the marker that names its colours as YCbCr: without it decoders guess, and not all alike."""
    return data if data[2:4] == b"\xff\xe0" else SOI + JFIF + data[2:]


def quarter(tile: bytes, column: int, row: int) -> bytes:
    """The 256 pixels of that column and row (0 or 1) of a tile, or as many as it has; nothing is decoded.

    Raises:
        ValueError: the tile has no such quarter, or none that can be cut (`cuttable`).
    """
    size_at, scan_at = _frame(tile), _scan(tile)
    height, width = int.from_bytes(tile[size_at : size_at + 2]), int.from_bytes(tile[size_at + 2 : size_at + 4])
    left, top = column * HALF_PX, row * HALF_PX
    if left >= width or top >= height or not cuttable(width):
        raise ValueError(f"a tile of {width} × {height} pixels has no quarter {column}, {row} to be cut")
    halves = 2 if width > HALF_PX else 1
    rows = -(-min(HALF_PX, height - top) // MCU_PX)
    if halves == 2:
        chosen = range(2 * INTERVAL * row + column, 2 * (INTERVAL * row + rows), 2)
    else:  # narrower rows: sixteen of them are as many intervals as a row has units
        units = -(-width // MCU_PX)
        chosen = range(units * row, units * row + -(-units * rows // INTERVAL))
    marks = [found.start() for found in RESTART.finditer(tile, scan_at)]
    starts, ends = [scan_at, *(mark + 2 for mark in marks)], [*marks, len(tile) - 2]
    size = min(HALF_PX, height - top).to_bytes(2) + min(HALF_PX, width - left).to_bytes(2)
    parts = [tile[:size_at], size, tile[size_at + 4 : scan_at]]
    for number, interval in enumerate(chosen):
        parts += [tile[starts[interval] : ends[interval]], RESTARTS[number % 8]]
    parts[-1] = EOI
    return b"".join(parts)


def cuttable(width: int) -> bool:
    """Whether the rows of a tile of that width fall on its restart markers."""
    return width <= HALF_PX or -(-width // MCU_PX) == 2 * INTERVAL


def crop(tile: bytes, x: int, y: int, width: int, height: int) -> bytes:
    """A part that begins at a whole unit, its coefficients untouched."""
    if turbojpeg is None:
        return encode(decode(tile)[y : y + height, x : x + width], quality=95)
    cropped: bytes = turbojpeg.transform(
        tile, turbojpeg.OP.NONE, x=x, y=y, w=width, h=height, crop=True, perfect=False, copynone=True
    )
    return cropped


def decode(data: bytes) -> NDArray[np.uint8]:
    """(height, width, 3) sRGB."""
    pixels: NDArray[np.uint8] = simplejpeg.decode_jpeg(data, colorspace="RGB")
    return pixels


def encode(pixels: NDArray[np.uint8], *, quality: int) -> bytes:
    """(height, width, 3) sRGB, or (height, width) grey."""
    grey = pixels.ndim == 2
    data: bytes = simplejpeg.encode_jpeg(
        np.ascontiguousarray(pixels[:, :, None] if grey else pixels),
        quality=quality,
        colorspace="GRAY" if grey else "RGB",
        colorsubsampling="Gray" if grey else "420",
    )
    return data


def _frame(data: bytes) -> int:
    """Where height and width stand in the header of the frame."""
    at = 2
    while data[at + 1] != 0xC0:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at + 5


def _scan(data: bytes) -> int:
    """Where the first bytes of the only scan stand."""
    at = 2
    while data[at + 1] != 0xDA:
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return at + 2 + int.from_bytes(data[at + 2 : at + 4])
