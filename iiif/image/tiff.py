"""The few fields of a tiled pyramidal TIFF that serving needs, parsed without libtiff (TIFF 6.0 and BigTIFF)."""

import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

WIDTH, HEIGHT, PHOTOMETRIC, TILE_WIDTH, TILE_HEIGHT = 256, 257, 262, 322, 323
OFFSETS, LENGTHS, JPEG_TABLES = 324, 325, 347
FORMATS = {1: "B", 3: "H", 4: "I", 7: "B", 16: "Q"}
MAX_DIRECTORIES = 32


class TiffError(ValueError):
    """Not a TIFF of the kind that the derivative is."""


@dataclass(frozen=True, slots=True)
class Directory:
    """One image of the file: its size and where its tiles lie, row by row."""

    width_px: int
    height_px: int
    photometric: int
    tile_width_px: int
    tile_height_px: int
    offsets: tuple[int, ...]
    lengths: tuple[int, ...]
    jpeg_tables: bytes


@dataclass(frozen=True, slots=True)
class _Layout:
    order: str
    count: str
    entry: int
    address: str
    inline: int


def directories(path: Path) -> tuple[Directory, ...]:
    """All images of the file in their order. Raises TiffError."""
    with path.open("rb") as stream:
        try:
            layout, at = _header(stream)
            found: list[Directory] = []
            while at and len(found) < MAX_DIRECTORIES:
                fields, at = _fields(stream, layout, at)
                found.append(_directory(fields))
        except (struct.error, KeyError, IndexError) as error:
            raise TiffError(f"{path.name}: {error!r}") from error
    return tuple(found)


def _header(stream: BinaryIO) -> tuple[_Layout, int]:
    head = stream.read(16)
    order = {b"II": "<", b"MM": ">"}[head[:2]]
    if struct.unpack_from(order + "H", head, 2)[0] == 43:
        return _Layout(order, "Q", 20, "Q", 8), struct.unpack_from(order + "Q", head, 8)[0]
    return _Layout(order, "H", 12, "I", 4), struct.unpack_from(order + "I", head, 4)[0]


def _fields(stream: BinaryIO, layout: _Layout, at: int) -> tuple[dict[int, bytes | tuple[int, ...]], int]:
    count_bytes, address_bytes = struct.calcsize("=" + layout.count), struct.calcsize("=" + layout.address)
    stream.seek(at)
    (count,) = struct.unpack(layout.order + layout.count, stream.read(count_bytes))
    table = stream.read(count * layout.entry + address_bytes)
    fields: dict[int, bytes | tuple[int, ...]] = {}
    for start in range(0, count * layout.entry, layout.entry):
        tag, kind, number = struct.unpack_from(f"{layout.order}HH{layout.address}", table, start)
        code = FORMATS.get(kind)
        if code is None:
            continue
        size = struct.calcsize("=" + code) * number
        value_at = start + 4 + address_bytes
        if size <= layout.inline:
            data = table[value_at : value_at + size]
        else:
            stream.seek(struct.unpack_from(layout.order + layout.address, table, value_at)[0])
            data = stream.read(size)
        fields[tag] = data if code == "B" else struct.unpack(f"{layout.order}{number}{code}", data)
    return fields, struct.unpack_from(layout.order + layout.address, table, count * layout.entry)[0]


def _directory(fields: dict[int, bytes | tuple[int, ...]]) -> Directory:
    return Directory(
        width_px=fields[WIDTH][0],
        height_px=fields[HEIGHT][0],
        photometric=fields[PHOTOMETRIC][0],
        tile_width_px=fields[TILE_WIDTH][0],
        tile_height_px=fields[TILE_HEIGHT][0],
        offsets=tuple(fields[OFFSETS]),
        lengths=tuple(fields[LENGTHS]),
        jpeg_tables=bytes(fields[JPEG_TABLES]),
    )
