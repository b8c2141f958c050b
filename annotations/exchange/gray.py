"""Pictures whose pixels are numbers: PNG of 8 or 16 bits, grey or with a palette, and TIFF of up to 32 bits.

Readers of pictures expand palettes and so merge classes of one colour; here the numbers themselves are kept. Transparency and
JPEG are refused, and colours but by `colours`, where a colour is a number. The size is checked before anything is unpacked. PNG,
third edition; TIFF 6.0, baseline and Deflate.
"""

import struct
import zlib
from collections.abc import Iterator, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

MOST_PIXELS = 600_000_000
SIGNATURE = b"\x89PNG\r\n\x1a\n"
Numbers = NDArray[np.unsignedinteger[Any]]
GREY, COLOUR, PALETTE, GREY_ALPHA, COLOUR_ALPHA = 0, 2, 3, 4, 6
BITS = {1, 2, 4, 8, 16}


class NoMask(ValueError):
    """A file that is no picture of numbers."""


def size_of(data: bytes) -> tuple[int, int]:
    """Width and height. Raises NoMask."""
    if data.startswith(SIGNATURE):
        return _png_head(data, coloured=True)[:2]
    tags = _tags(data)
    return _one(tags, 256), _one(tags, 257)


def read(data: bytes) -> Numbers:
    """The numbers, (height, width). Raises NoMask."""
    if data.startswith(SIGNATURE):
        return _read_png(data)
    if data[:4] in (b"II*\x00", b"MM\x00*"):
        return _read_tiff(data)
    raise NoMask("A mask is a PNG or a TIFF; other pictures (JPEG) change the numbers of pixels.")


def png(numbers: Numbers, palette: Sequence[tuple[int, int, int]] | None = None) -> bytes:
    """uint8 or uint16 (height, width) as PNG; with a palette, uint8 alone."""
    height, width = numbers.shape
    depth = 8 if numbers.dtype == np.uint8 else 16
    kind = GREY if palette is None else PALETTE
    rows = numbers.astype(">u2").view(np.uint8).reshape(height, -1) if depth == 16 else numbers
    raw = np.zeros((height, rows.shape[1] + 1), np.uint8)
    raw[:, 1:] = rows
    out = SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0))
    if palette is not None:
        out += _chunk(b"PLTE", bytes(value for colour in palette for value in colour))
    return out + _chunk(b"IDAT", zlib.compress(raw.tobytes(), 6)) + _chunk(b"IEND", b"")


def tiff(numbers: Numbers) -> bytes:
    """uint32 (height, width) as TIFF, one strip, Deflate."""
    height, width = numbers.shape
    packed = zlib.compress(numbers.astype("<u4").tobytes(), 6)
    tags = [
        *((256, 4, width), (257, 4, height), (258, 3, 32), (259, 3, 8), (262, 3, 1), (273, 4, 8)),
        *((277, 3, 1), (278, 4, height), (279, 4, len(packed)), (339, 3, 1)),
    ]
    packed += b"\0" * (len(packed) % 2)
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return (
        b"II*\x00" + struct.pack("<I", 8 + len(packed)) + packed + struct.pack("<H", len(tags)) + entries + struct.pack("<I", 0)
    )


def colours(data: bytes) -> Numbers:
    """The colours of a PNG of 8 bits as numbers, red times 65536 plus green times 256 plus blue; uint32. Raises NoMask."""
    if not data.startswith(SIGNATURE):
        raise NoMask("A mask of colours is a PNG; JPEG changes the colours of pixels.")
    width, height, depth, kind = _png_head(data, coloured=True)
    if (kind, depth) != (COLOUR, 8):
        raise NoMask("A mask of colours is a PNG with red, green and blue of 8 bits, without transparency.")
    raw = _inflated(b"".join(body for name, body in _chunks(data) if name == b"IDAT"), (3 * width + 1) * height)
    lines = _unfiltered(np.frombuffer(raw, np.uint8).reshape(height, 3 * width + 1), 3)
    channels = lines.reshape(height, width, 3).astype(np.uint32)
    numbers: NDArray[np.uint32] = (channels * np.array([1 << 16, 1 << 8, 1], np.uint32)).sum(axis=2, dtype=np.uint32)
    return numbers


def coloured(numbers: Numbers) -> bytes:
    """Such numbers, uint32 (height, width), as PNG."""
    height, width = numbers.shape
    raw = np.zeros((height, 3 * width + 1), np.uint8)
    for channel, shift in enumerate((16, 8, 0)):
        raw[:, 1 + channel :: 3] = (numbers >> np.uint32(shift)) & np.uint32(255)
    out = SIGNATURE + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, COLOUR, 0, 0, 0))
    return out + _chunk(b"IDAT", zlib.compress(raw.tobytes(), 6)) + _chunk(b"IEND", b"")


def _png_head(data: bytes, *, coloured: bool = False) -> tuple[int, int, int, int]:
    """Width, height, depth and kind of colour."""
    if len(data) < 33 or data[12:16] != b"IHDR":
        raise NoMask("The PNG is damaged: it has no head.")
    width, height, depth, kind, _, _, interlace = struct.unpack(">IIBBBBB", data[16:29])
    if kind in (GREY_ALPHA, COLOUR_ALPHA) or (kind == COLOUR and not coloured):
        raise NoMask("The mask has colours or transparency. A mask tells classes by number: grey, or with a palette.")
    if kind not in (GREY, PALETTE, COLOUR) or depth not in BITS or interlace:
        raise NoMask("The PNG is of a kind that is not read: interlaced, or of an unknown depth.")
    if not width or not height or width * height > MOST_PIXELS:
        raise NoMask(f"A mask has 1 to {MOST_PIXELS:,} pixels, not {width:,} by {height:,}.")
    return width, height, depth, kind


def _read_png(data: bytes) -> Numbers:
    width, height, depth, _ = _png_head(data)
    row = (width * depth + 7) // 8
    raw = _inflated(b"".join(body for name, body in _chunks(data) if name == b"IDAT"), (row + 1) * height)
    lines = _unfiltered(np.frombuffer(raw, np.uint8).reshape(height, row + 1), max(1, depth // 8))
    if depth == 16:
        return lines.view(">u2").astype(np.uint16)
    if depth == 8:
        return lines
    shifts = np.arange(8 - depth, -1, -depth, dtype=np.uint8)
    numbers: Numbers = ((lines[:, :, np.newaxis] >> shifts) & np.uint8(2**depth - 1)).reshape(height, -1)[:, :width]
    return numbers


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = 8
    while place + 12 <= len(data):
        (length,) = struct.unpack(">I", data[place : place + 4])
        if place + 12 + length > len(data):
            break
        name = data[place + 4 : place + 8]
        yield name, data[place + 8 : place + 8 + length]
        if name == b"IEND":
            return
        if name == b"tRNS":
            raise NoMask("The mask has transparency.")
        place += 12 + length
    raise NoMask("The PNG is cut off.")


def _inflated(packed: bytes, expected: int) -> bytes:
    unpacker = zlib.decompressobj()
    try:
        raw = unpacker.decompress(packed, expected + 1)
    except zlib.error as error:
        raise NoMask("The file is damaged: its pixels cannot be unpacked.") from error
    if len(raw) != expected:
        raise NoMask("The file is damaged: its pixels are too few or too many.")
    return raw


def _unfiltered(lines: NDArray[np.uint8], step: int) -> NDArray[np.uint8]:
    """The rows without their filters; `step` is how many bytes a pixel has."""
    kinds, rows = lines[:, 0], lines[:, 1:].copy()
    if not kinds.any():
        return rows
    if kinds.max() > 4:
        raise NoMask("The PNG names a filter that there is not.")
    above = np.zeros(rows.shape[1], np.uint8)
    for number, kind in enumerate(kinds.tolist()):
        if kind == 1:
            rows[number] = np.cumsum(rows[number].reshape(-1, step), axis=0, dtype=np.uint8).reshape(-1)
        elif kind == 2:
            rows[number] += above
        elif kind:
            rows[number] = _predicted(rows[number], above, step, paeth=kind == 4)
        above = rows[number]
    return rows


def _predicted(row: NDArray[np.uint8], above: NDArray[np.uint8], step: int, *, paeth: bool) -> NDArray[np.uint8]:
    """A row of the filters Average and Paeth (section 9.2)."""
    values, ups = row.tolist(), above.tolist()
    found: list[int] = []
    for place, (value, up) in enumerate(zip(values, ups, strict=True)):
        left = found[place - step] if place >= step else 0
        if paeth:
            corner = ups[place - step] if place >= step else 0
            guess = left + up - corner
            near = min((abs(guess - left), 0, left), (abs(guess - up), 1, up), (abs(guess - corner), 2, corner))[2]
        else:
            near = (left + up) // 2
        found.append((value + near) & 255)
    return np.array(found, np.uint8)


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _tags(data: bytes) -> dict[int, tuple[int, ...]]:
    """The numbers of the first directory of a TIFF."""
    order: Literal["<", ">"] = "<" if data[:2] == b"II" else ">"
    try:
        (place,) = struct.unpack(order + "I", data[4:8])
        (count,) = struct.unpack(order + "H", data[place : place + 2])
        found: dict[int, tuple[int, ...]] = {0: (0 if order == "<" else 1,)}
        for number in range(min(count, 100)):
            tag, kind, many = struct.unpack(order + "HHI", data[place + 2 + 12 * number : place + 10 + 12 * number])
            letter, size = {1: ("B", 1), 3: ("H", 2), 4: ("I", 4)}.get(kind, ("", 0))
            if not letter or many > 1_000_000:
                continue
            begin = place + 10 + 12 * number
            if size * many > 4:
                (begin,) = struct.unpack(order + "I", data[begin : begin + 4])
            found[tag] = struct.unpack(f"{order}{many}{letter}", data[begin : begin + size * many])
    except struct.error as error:
        raise NoMask("The TIFF is damaged.") from error
    return found


def _one(tags: dict[int, tuple[int, ...]], tag: int, default: int = 0) -> int:
    return tags.get(tag, (default,))[0] if tags.get(tag, (default,)) else default


def _read_tiff(data: bytes) -> Numbers:
    tags = _tags(data)
    width, height, bits = _one(tags, 256), _one(tags, 257), _one(tags, 258, 1)
    if not width or not height or width * height > MOST_PIXELS:
        raise NoMask(f"A mask has 1 to {MOST_PIXELS:,} pixels, not {width:,} by {height:,}.")
    packed = _one(tags, 259, 1)
    if bits not in (8, 16, 32) or _one(tags, 277, 1) != 1 or packed not in (1, 8, 32946) or _one(tags, 317, 1) != 1:
        raise NoMask("A mask as TIFF is one grey of 8, 16 or 32 bits, in strips, plain or Deflate; this one is not.")
    if _one(tags, 339, 1) != 1 or _one(tags, 262, 1) not in (0, 1, 3) or 273 not in tags or 279 not in tags:
        raise NoMask("A mask as TIFF has whole numbers in strips; this one has not.")
    rows, size = _one(tags, 278, height) or height, bits // 8
    parts = []
    for number, (begin, length) in enumerate(zip(tags[273], tags[279], strict=False)):
        expected = min(rows, height - number * rows) * width * size
        if expected <= 0:
            break
        strip = data[begin : begin + length]
        parts.append(strip[:expected] if packed == 1 else _inflated(strip, expected))
    raw = b"".join(parts)
    if len(raw) != width * height * size:
        raise NoMask("The TIFF is damaged: its pixels are too few.")
    order: Literal["<", ">"] = ">" if _one(tags, 0) else "<"
    kind = {8: np.uint8, 16: np.uint16, 32: np.uint32}[bits]
    return np.frombuffer(raw, np.dtype(kind).newbyteorder(order)).astype(kind).reshape(height, width)
