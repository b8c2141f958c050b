"""Masks as files: grey PNG of one bit a pixel, white for what belongs to the region (PNG, third edition, W3C 2025).

What is written has no filter, no interlacing and the least chunks, so that the same mask gives the same bytes. What is
read may come from anyone: greyscale of one bit, not interlaced, checked before anything is unpacked.
"""

import struct
import zlib

import numpy as np
from numpy.typing import NDArray

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.region_masks import Mask

SIGNATURE = b"\x89PNG\r\n\x1a\n"
MAX_FILE_BYTES = 64 << 20
MAX_SIDE = 1_000_000
MAX_FILE_PIXELS = 500_000_000
LEVEL = 9


def encoded(mask: Mask) -> bytes:
    """The box of the mask as a PNG."""
    rows = np.frombuffer(mask.bits, np.uint8).reshape(mask.height, -1)
    lines = np.zeros((mask.height, rows.shape[1] + 1), np.uint8)  # each line begins with its filter, 0
    lines[:, 1:] = rows
    header = struct.pack(">IIBBBBB", mask.width, mask.height, 1, 0, 0, 0, 0)
    data = zlib.compress(lines.tobytes(), LEVEL)
    return SIGNATURE + _chunk(b"IHDR", header) + _chunk(b"IDAT", data) + _chunk(b"IEND", b"")


def decoded(data: bytes) -> NDArray[np.bool_]:
    """The pixels of such a file: bool (H, W). Raises BadSelector, AnnotationTooBig."""
    if len(data) > MAX_FILE_BYTES:
        raise AnnotationTooBig(f"A mask's file may have up to {MAX_FILE_BYTES:,} bytes.", parameter="mask")
    width, height, packed = _parts(data)
    stride = (width + 7) // 8
    unpack = zlib.decompressobj()
    try:
        lines = unpack.decompress(packed, height * (stride + 1) + 1)
    except zlib.error as error:
        raise BadSelector(f"The mask's PNG cannot be unpacked: {error}.", parameter="mask") from error
    if len(lines) != height * (stride + 1):
        raise BadSelector("The mask's PNG holds another number of pixels than it says.", parameter="mask")
    rows = _unfiltered(np.frombuffer(lines, np.uint8).reshape(height, stride + 1))
    return np.unpackbits(rows, axis=1, count=width).view(np.bool_)


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height that the file says, checked to be what is read here. Raises BadSelector, AnnotationTooBig."""
    width, height, _ = _parts(data)
    return width, height


def _parts(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and the packed lines."""
    if not data.startswith(SIGNATURE):
        raise BadSelector("A mask's file must be a PNG.", parameter="mask")
    chunks = _chunks(data)
    header = chunks.get(b"IHDR", b"")
    if len(header) != 13:
        raise BadSelector("The mask's PNG has no header.", parameter="mask")
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if (depth, colour, packing, filtering, interlaced) != (1, 0, 0, 0, 0):
        raise BadSelector("A mask's PNG must be greyscale of one bit a pixel, not interlaced.", parameter="mask")
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise BadSelector(f"A mask's PNG must be 1 to {MAX_SIDE:,} pixels wide and high.", parameter="mask")
    if width * height > MAX_FILE_PIXELS:
        raise AnnotationTooBig(f"A mask's PNG may have up to {MAX_FILE_PIXELS:,} pixels.", parameter="mask")
    return width, height, chunks.get(b"IDAT", b"")


def _chunks(data: bytes) -> dict[bytes, bytes]:
    """The chunks by name, those of one name joined. BadSelector where one is cut off or damaged, or none ends the file."""
    found: dict[bytes, list[bytes]] = {}
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        length, name = struct.unpack_from(">I4s", data, place)
        end = place + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[place + 4 : end]) != struct.unpack_from(">I", data, end)[0]:
            break
        found.setdefault(name, []).append(data[place + 8 : end])
        if name == b"IEND":
            return {name: b"".join(parts) for name, parts in found.items()}
        place = end + 4
    raise BadSelector("The mask's PNG is cut off or damaged.", parameter="mask")


def _unfiltered(lines: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The rows without their filters (section 9.2), uint8 (H, bytes a row)."""
    kinds, rows = lines[:, 0], lines[:, 1:].copy()
    if not kinds.any():
        return rows
    if kinds.max() > 4:
        raise BadSelector("The mask's PNG names a filter that there is not.", parameter="mask")
    above = np.zeros(rows.shape[1], np.uint8)
    for number, kind in enumerate(kinds.tolist()):
        if kind == 1:
            rows[number] = np.cumsum(rows[number], dtype=np.uint8)
        elif kind == 2:
            rows[number] += above
        elif kind:
            rows[number] = _predicted(rows[number], above, paeth=kind == 4)
        above = rows[number]
    return rows


def _predicted(row: NDArray[np.uint8], above: NDArray[np.uint8], *, paeth: bool) -> NDArray[np.uint8]:
    """A row of the filters Average and Paeth; the byte to the left is one byte away as pixels are smaller than that."""
    found = []
    left = corner = 0
    for value, up in zip(row.tolist(), above.tolist(), strict=True):
        if paeth:
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            near = (left + up) // 2
        left, corner = (value + near) & 255, up
        found.append(left)
    return np.array(found, np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
