"""The derivative: a pyramidal TIFF of JPEG tiles whose every tile can be sent as it lies there.

The image is padded (by repeating its last row and column) so that each level is exactly half of the one before and made
of whole blocks, hence level k has ceil(width / 2^k) real columns, which is what viewers ask for. Tiles that reach past
the real edge are kept a second time, losslessly cropped, behind the TIFF; there too stands the index, with the
camera's facts as JSON at its end, and its place in the last 16 bytes:

    TIFF | cropped edge tiles | index | u64 place of index | u32 its length | "LTX2"

Any TIFF reader still opens the file, as it never looks behind the last directory.
"""

import os
import struct
import weakref
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import pyvips

from iiif.image import jpeg, tiff
from iiif.image.camera import CameraFacts

VERSION = 2  # of the recipe; images whose derivative is older are made anew by `lectotype derive --all`
TILE_PX = 512
QUALITY = 88  # from 90 on libvips writes no chroma subsampling: three times the bytes
BLOCK_PX = 16  # what JPEG encodes at a time; libvips fills the rest of a block with black, which would show at the edge
MAGIC = b"LTX2"
TAIL = struct.Struct("<QI4s")
HEAD = struct.Struct("<IIHH")  # width, height, tile, levels
UNKNOWN = CameraFacts()
LEVEL = struct.Struct("<IIHI")  # width, height, bytes of prefix, tiles


class PyramidError(ValueError):
    """The file is no derivative of ours, or of an older version."""


@dataclass(frozen=True, slots=True)
class Level:
    """One level; sizes in its own pixels. Tile (column, row) has number row * columns + column."""

    width_px: int
    height_px: int
    columns: int
    rows: int
    prefix: bytes
    offsets: "array[int]"
    lengths: "array[int]"

    def tile_size(self, number: int) -> tuple[int, int]:
        """Real width and height of a tile."""
        row, column = divmod(number, self.columns)
        return min(TILE_PX, self.width_px - column * TILE_PX), min(TILE_PX, self.height_px - row * TILE_PX)


class Pyramid:
    """An open derivative: reads are positional, so that threads may share it. Closed when nobody holds it any more."""

    __slots__ = ("__weakref__", "_handle", "camera", "height_px", "levels", "modified_s", "width_px")

    def __init__(self, path: Path) -> None:
        """Raises FileNotFoundError, PyramidError."""
        self._handle = os.open(path, os.O_RDONLY)
        weakref.finalize(self, os.close, self._handle)
        self.modified_s = int(os.fstat(self._handle).st_mtime)
        self.width_px, self.height_px, self.levels, self.camera = _read_index(self._handle)

    def tile(self, level: int, number: int) -> bytes:
        """A tile as a whole JPEG of its real size (at the right and lower edge smaller than 512)."""
        facts = self.levels[level]
        data = os.pread(self._handle, facts.lengths[number], facts.offsets[number])
        return data if min(facts.tile_size(number)) < TILE_PX else facts.prefix + data[2:]

    def tile_at(self, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> tuple[int, int] | None:
        """(level, tile number) if the region of the full image, at that output size, is exactly one tile."""
        level = (-(-width // out_width)).bit_length() - 1 if out_width > 0 else -1
        for candidate in (level, level + 1):
            if 0 <= candidate < len(self.levels) and self._is_tile(candidate, x, y, width, height, out_width, out_height):
                facts, span = self.levels[candidate], TILE_PX << candidate
                return candidate, (y // span) * facts.columns + x // span
        return None

    def _is_tile(self, level: int, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> bool:
        span, scale = TILE_PX << level, 1 << level
        return (
            x % span == 0
            and y % span == 0
            and width == min(span, self.width_px - x)
            and height == min(span, self.height_px - y)
            and out_width == -(-width // scale)
            and out_height == -(-height // scale)
        )


def write(image: pyvips.Image, path: Path, camera: CameraFacts = UNKNOWN) -> None:
    """Write the derivative of upright sRGB pixels; pyvips.Error if they cannot all be read (then nothing is complete)."""
    width, height = image.width, image.height
    deepest = 0
    while max(-(-width // (1 << deepest)), -(-height // (1 << deepest))) > TILE_PX:
        deepest += 1
    step = BLOCK_PX << deepest
    padded = image.embed(0, 0, -(-width // step) * step, -(-height // step) * step, extend="copy")
    padded.tiffsave(
        str(path),
        tile=True,
        tile_width=TILE_PX,
        tile_height=TILE_PX,
        pyramid=deepest > 0,
        depth="onetile",
        compression="jpeg",
        Q=QUALITY,
        keep="none",
        bigtiff=width * height > 1_000_000_000,
    )
    _append_index(path, width, height, deepest, camera)


def _append_index(path: Path, width: int, height: int, deepest: int, camera: CameraFacts) -> None:
    directories = tiff.directories(path)
    if len(directories) != deepest + 1:
        raise PyramidError(f"{len(directories)} levels were written instead of {deepest + 1}")
    with path.open("r+b") as stream:
        levels = [_crop_edges(stream, directory, width, height, number) for number, directory in enumerate(directories)]
        place = stream.seek(0, os.SEEK_END)
        index = [HEAD.pack(width, height, TILE_PX, len(levels))]
        for level in levels:
            index.append(LEVEL.pack(level.width_px, level.height_px, len(level.prefix), len(level.offsets)))
            index += [level.prefix, level.offsets.tobytes(), level.lengths.tobytes()]
        body = b"".join([*index, camera.to_json()])
        stream.write(body + TAIL.pack(place, len(body), MAGIC))
        stream.flush()
        os.fsync(stream.fileno())


def _crop_edges(stream: BinaryIO, directory: tiff.Directory, width: int, height: int, number: int) -> Level:
    """Append the cropped edge tiles of a level; the level with the places of all its tiles."""
    real_width, real_height = -(-width // (1 << number)), -(-height // (1 << number))
    columns, rows = -(-real_width // TILE_PX), -(-real_height // TILE_PX)
    stored_columns = -(-directory.width_px // TILE_PX)
    prefix = jpeg.prefix(directory.jpeg_tables, directory.photometric)
    level = Level(real_width, real_height, columns, rows, prefix, array("Q"), array("I"))
    for tile in range(columns * rows):
        row, column = divmod(tile, columns)
        stored = row * stored_columns + column
        offset, length = directory.offsets[stored], directory.lengths[stored]
        tile_width, tile_height = level.tile_size(tile)
        if min(tile_width, tile_height) < TILE_PX:
            stream.seek(offset)
            cropped = jpeg.crop(prefix + stream.read(length)[2:], tile_width, tile_height)
            offset, length = stream.seek(0, os.SEEK_END), len(cropped)
            stream.write(cropped)
        level.offsets.append(offset)
        level.lengths.append(length)
    return level


def _read_index(handle: int) -> tuple[int, int, tuple[Level, ...], CameraFacts]:
    size = os.fstat(handle).st_size
    place, length, magic = TAIL.unpack(os.pread(handle, TAIL.size, max(0, size - TAIL.size)).ljust(TAIL.size))
    if magic != MAGIC or place + length + TAIL.size != size:
        raise PyramidError("the file has no tile index of this version")
    try:
        return _parse_index(os.pread(handle, length, place))
    except (struct.error, ValueError, TypeError) as error:
        raise PyramidError(f"the tile index is broken ({error})") from error


def _parse_index(body: bytes) -> tuple[int, int, tuple[Level, ...], CameraFacts]:
    width, height, _, count = HEAD.unpack_from(body)
    at, levels = HEAD.size, []
    for _ in range(count):
        level_width, level_height, prefix_bytes, tiles = LEVEL.unpack_from(body, at)
        at += LEVEL.size
        prefix, at = body[at : at + prefix_bytes], at + prefix_bytes
        offsets, lengths = array("Q"), array("I")
        offsets.frombytes(body[at : at + 8 * tiles])
        lengths.frombytes(body[at + 8 * tiles : at + 12 * tiles])
        at += 12 * tiles
        columns, rows = -(-level_width // TILE_PX), -(-level_height // TILE_PX)
        levels.append(Level(level_width, level_height, columns, rows, prefix, offsets, lengths))
    return width, height, tuple(levels), CameraFacts.from_json(body[at:])
