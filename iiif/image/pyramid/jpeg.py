"""JPEG streams (ITU-T T.81): cutting tiles without decoding, and arrays in and out.

A tile has a restart marker every INTERVAL minimum coded units of 16 × 16 pixels, which is half a row of a full tile. Between
two markers each interval stands on its own, so a quarter of a tile is a choice of its intervals behind a header with
another size.
"""

import re
from collections.abc import Iterable, Sequence
from typing import NamedTuple

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
DCT_PX = 8
INTERVAL = 16  # units between two restart markers
HALF_PX = INTERVAL * MCU_PX
RESTART = re.compile(rb"\xff[\xd0-\xd7]")
RESTARTS = [bytes((0xFF, 0xD0 + number)) for number in range(8)]


def with_jfif(data: bytes) -> bytes:
    """The same stream with the marker that names its colours as YCbCr: without it decoders guess, and not all alike."""
    return data if data[2:4] == b"\xff\xe0" else SOI + JFIF + data[2:]


class Head(NamedTuple):
    """What stands before the first interval of a JPEG, and where in it height and width stand."""

    data: bytes
    size_at: int

    @property
    def width(self) -> int:
        return int.from_bytes(self.data[self.size_at + 2 : self.size_at + 4])

    @property
    def height(self) -> int:
        return int.from_bytes(self.data[self.size_at : self.size_at + 2])

    def of_size(self, width: int, height: int) -> bytes:
        """The same for a picture of another size."""
        return self.data[: self.size_at] + height.to_bytes(2) + width.to_bytes(2) + self.data[self.size_at + 4 :]


def head(data: bytes) -> Head:
    """The head of a JPEG of one scan."""
    at, size_at = 2, 0
    while data[at + 1] != 0xDA:
        if data[at + 1] == 0xC0:
            size_at = at + 5
        at += 2 + int.from_bytes(data[at + 2 : at + 4])
    return Head(data[: at + 2 + int.from_bytes(data[at + 2 : at + 4])], size_at)


def starts(tile: bytes, scan_at: int) -> list[int]:
    """Where the intervals begin, and two bytes behind where the last one ends, as if a marker stood there."""
    return [scan_at, *(found.end() for found in RESTART.finditer(tile, scan_at)), len(tile)]


def joined(head: Head, width: int, height: int, intervals: Sequence[bytes]) -> bytes:
    """A JPEG of these intervals."""
    parts = [head.of_size(width, height)]
    for number, interval in enumerate(intervals):
        parts += [interval, RESTARTS[number % 8]]
    parts[-1] = EOI
    return b"".join(parts)


def of_bands(bands: Iterable[bytes], width: int, height: int, rows: int) -> bytes:
    """A JPEG of such pictures one below the other, each a JPEG of `rows` rows, a multiple of MCU_PX, but for the last.

    All are of one encoder and its fixed tables, without restart markers of their own, and are taken one after another.
    """
    parts: list[bytes] = []
    for number, band in enumerate(bands):
        first = head(band)
        if not parts:
            in_unit = MCU_PX if _has_half_chroma(first) else DCT_PX
            units = -(-width // in_unit) * (rows // in_unit)
            parts.append(_with_interval(first.of_size(width, height), units))
        parts += [band[len(first.data) : -len(EOI)], RESTARTS[number % 8]]
    parts[-1] = EOI
    return b"".join(parts)


def _has_half_chroma(first: Head) -> bool:
    """Whether a unit is of 16 × 16 pixels: of three components the first is sampled twice as often; grey has units of 8 × 8."""
    return first.data[first.size_at + 4] == 3


def _with_interval(data: bytes, units: int) -> bytes:
    """The head with the marker DRI before its scan. ValueError for an interval that the marker cannot tell."""
    if units > 0xFFFF:
        raise ValueError(f"an interval of {units} units between restart markers")
    at = data.rindex(b"\xff\xda")
    return data[:at] + b"\xff\xdd\x00\x04" + units.to_bytes(2) + data[at:]


def cuttable(width: int) -> bool:
    """Whether the rows of a tile of that width fall on its restart markers."""
    return width <= HALF_PX or -(-width // MCU_PX) == 2 * INTERVAL


def quarter_of(width: int, height: int, column: int, row: int) -> range:
    """The intervals of that quarter of a tile of that size; column and row are 0 or 1.

    Raises:
        ValueError: there is no such quarter, or it cannot be cut.
    """
    if column * HALF_PX >= width or row * HALF_PX >= height or not cuttable(width):
        raise ValueError(f"a tile of {width} × {height} pixels has no quarter {column}, {row} to be cut")
    rows = -(-min(HALF_PX, height - row * HALF_PX) // MCU_PX)
    if width > HALF_PX:
        return range(2 * INTERVAL * row + column, 2 * (INTERVAL * row + rows), 2)
    units = -(-width // MCU_PX)  # sixteen rows of them are as many intervals as a row has units
    return range(units * row, units * row + -(-units * rows // INTERVAL))


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
