"""The derivative: a stored zip of JPEG tiles, of which every one can be sent as it lies there.

    1/0_0.jpg, 1/1_0.jpg …   tiles of 512 pixels by scale factor, column and row, each of its real size
    1/q/32_5.jpg …           the few aligned tiles of 256 that cannot be cut out of one of 512
    full/400x267.jpg …       the whole image in the sizes that are asked for most
    starts                   for each tile in turn, where its intervals between restart markers begin: 65 u32
    about.json               what is kept of the original's camera data
    index                    where all this lies; its own place stands in the last 16 bytes of the file:
                             u64 place | u32 length | "LTX2"

Any zip reader opens it. Level k is the image at scale factor 2^k and has ceil(width / 2^k) columns of pixels, which is what
viewers ask for. The tiles hold restart markers, so that an aligned tile of 256 is cut out of one of 512 without decoding
(iiif/image/pyramid/jpeg.py). iiif/image/masters/pyramid_writer.py writes it.
"""

import struct
from array import array
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from app.runtime.blobs import LocalFile, RandomAccess
from iiif.image.pyramid import jpeg
from iiif.image.pyramid.camera_facts import CameraFacts

VERSION = 2  # of the recipe; images whose derivative is older are made anew by `lectotype derive --all`
TILE_PX = 512
QUARTER_PX = 256
MAGIC = b"LTX2"
TAIL = struct.Struct("<QI4s")
HEAD = struct.Struct("<IIHHIIIQ")  # width, height, tile, levels, quarters, pictures, bytes of about, place of starts
LEVEL = struct.Struct("<III")  # width, height, tiles
QUARTER = struct.Struct("<HIIQI")  # level, column, row, offset, length
PICTURE = struct.Struct("<IIQI")  # width, height, offset, length
STARTS = struct.Struct("<65I")  # a full tile has 64 intervals
MAX_ABOUT = 100_000


class PyramidError(ValueError):
    """The file is no derivative of ours, or of an older recipe."""


class ByteRange(NamedTuple):
    """Where bytes lie in the file."""

    offset: int
    length: int


class Stored(NamedTuple):
    """A picture that can be sent without encoding: no finer than its level, where it lies, and which quarter (tile number,
    column, row) of the tile that lies there is meant (None: all of it)."""

    level: int
    place: ByteRange
    quarter: tuple[int, int, int] | None = None


@dataclass(frozen=True, slots=True)
class Level:
    """One level; sizes in its own pixels. Tile (column, row) has number row * columns + column, and `first` more in the file."""

    width_px: int
    height_px: int
    columns: int
    rows: int
    first: int
    offsets: "array[int]"
    lengths: "array[int]"

    def tile_size(self, number: int) -> tuple[int, int]:
        """Real width and height of a tile."""
        row, column = divmod(number, self.columns)
        return min(TILE_PX, self.width_px - column * TILE_PX), min(TILE_PX, self.height_px - row * TILE_PX)

    def place(self, number: int) -> ByteRange:
        """Where a tile lies."""
        return ByteRange(self.offsets[number], self.lengths[number])


@dataclass(frozen=True, slots=True)
class Index:
    """What a derivative holds: levels from the largest on, `quarters` by (level, column, row) and `pictures` by size."""

    width_px: int
    height_px: int
    levels: tuple[Level, ...]
    quarters: dict[tuple[int, int, int], ByteRange]
    pictures: dict[tuple[int, int], ByteRange]
    about: bytes
    starts_at: int = 0

    def pack(self) -> bytes:
        """As `unpack` reads it."""
        parts = [
            HEAD.pack(
                self.width_px,
                self.height_px,
                TILE_PX,
                len(self.levels),
                len(self.quarters),
                len(self.pictures),
                len(self.about),
                self.starts_at,
            )
        ]
        for level in self.levels:
            parts.append(LEVEL.pack(level.width_px, level.height_px, len(level.offsets)))
            parts += [level.offsets.tobytes(), level.lengths.tobytes()]
        parts += [QUARTER.pack(*name, *place) for name, place in self.quarters.items()]
        parts += [PICTURE.pack(*size, *place) for size, place in self.pictures.items()]
        return b"".join([*parts, self.about])

    @classmethod
    def unpack(cls, body: bytes) -> "Index":
        """Raises struct.error, ValueError, where the bytes are no index."""
        width, height, _, count, quarters, pictures, about, starts_at = HEAD.unpack_from(body)
        at, levels, first = HEAD.size, [], 0
        for _ in range(count):
            level_width, level_height, tiles = LEVEL.unpack_from(body, at)
            at += LEVEL.size
            offsets, lengths = array("Q"), array("I")
            offsets.frombytes(body[at : at + 8 * tiles])
            lengths.frombytes(body[at + 8 * tiles : at + 12 * tiles])
            at += 12 * tiles
            columns, rows = -(-level_width // TILE_PX), -(-level_height // TILE_PX)
            levels.append(Level(level_width, level_height, columns, rows, first, offsets, lengths))
            first += tiles
        found_quarters = {}
        for *name, offset, length in QUARTER.iter_unpack(body[at : at + QUARTER.size * quarters]):
            found_quarters[name[0], name[1], name[2]] = ByteRange(offset, length)
        at += QUARTER.size * quarters
        found_pictures = {}
        for level_width, level_height, offset, length in PICTURE.iter_unpack(body[at : at + PICTURE.size * pictures]):
            found_pictures[level_width, level_height] = ByteRange(offset, length)
        at += PICTURE.size * pictures
        return cls(width, height, tuple(levels), found_quarters, found_pictures, body[at : at + about], starts_at)


class Pyramid:
    """An open derivative: reads are positional, so that threads may share it. Closed when nobody holds it any more."""

    __slots__ = (
        "_head",
        "_read_at",
        "_starts_at",
        "about",
        "height_px",
        "levels",
        "pictures",
        "quarters",
        "width_px",
    )

    def __init__(self, file: RandomAccess | Path | int, index: Index | None = None) -> None:
        """A blob's file, or one by its path or its handle (with `index` where it is still being written), not taken over.

        Raises:
            FileNotFoundError: there is no such file.
            PyramidError: it is no derivative, or one of an older recipe.
        """
        opened = LocalFile(file) if isinstance(file, Path | int) else file
        self._read_at = opened.read_at  # which keeps it open
        index = index or _read_index(opened)
        self.width_px, self.height_px, self.levels = index.width_px, index.height_px, index.levels
        self.quarters, self.pictures, self.about = index.quarters, index.pictures, index.about
        self._starts_at = index.starts_at
        self._head: jpeg.Head | None = None

    @property
    def camera(self) -> CameraFacts:
        """What the camera of the original said."""
        return CameraFacts.from_json(self.about)

    def tile(self, level: int, number: int) -> bytes:
        """A tile as a whole JPEG of its real size (at the right and lower edge smaller than 512)."""
        return self.read(Stored(level, self.levels[level].place(number)))

    def read(self, stored: Stored) -> bytes:
        """A whole JPEG. Raises PyramidError where the file was cut off since it was opened."""
        if stored.quarter is not None:
            return self._cut(stored.level, *stored.quarter)
        return self._bytes(*stored.place)

    def stored_at(self, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> Stored | None:
        """What is stored of just this region of the full image at this output size."""
        tile = self.tile_at(x, y, width, height, out_width, out_height)
        if tile is not None:
            return Stored(tile[0], self.levels[tile[0]].place(tile[1]))
        if (width, height) == (self.width_px, self.height_px) and (out_width, out_height) in self.pictures:
            level = (width // out_width).bit_length() - 1
            return Stored(level, self.pictures[out_width, out_height])
        return self._quarter_at(x, y, width, height, out_width, out_height)

    def tile_at(self, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> tuple[int, int] | None:
        """(level, tile number) if the region of the full image, at that output size, is exactly one tile."""
        level = self._level_of(TILE_PX, x, y, width, height, out_width, out_height)
        if level is None:
            return None
        span = TILE_PX << level
        return level, (y // span) * self.levels[level].columns + x // span

    def _quarter_at(self, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> Stored | None:
        level = self._level_of(QUARTER_PX, x, y, width, height, out_width, out_height)
        if level is None:
            return None
        span = QUARTER_PX << level
        column, row = x // span, y // span
        place = self.quarters.get((level, column, row))
        if place is not None:
            return Stored(level, place)
        facts = self.levels[level]
        number = (row // 2) * facts.columns + column // 2
        return Stored(level, facts.place(number), (number, column % 2, row % 2))

    def _cut(self, level: int, number: int, column: int, row: int) -> bytes:
        """A quarter of a tile: no more of it is read than its rows. Raises ValueError where there is none."""
        facts = self.levels[level]
        width, height = facts.tile_size(number)
        wanted = jpeg.quarter_of(width, height, column, row)
        starts = STARTS.unpack(self._bytes(self._starts_at + STARTS.size * (facts.first + number), STARTS.size))
        first = starts[wanted[0]]
        data = self._bytes(facts.offsets[number] + first, starts[wanted[-1] + 1] - first)
        intervals = [data[starts[one] - first : starts[one + 1] - 2 - first] for one in wanted]
        size = min(QUARTER_PX, width - column * QUARTER_PX), min(QUARTER_PX, height - row * QUARTER_PX)
        return jpeg.joined(self._head_of_tiles(), *size, intervals)

    def _bytes(self, offset: int, length: int) -> bytes:
        """Raises PyramidError where the file has become shorter since it was opened."""
        data = self._read_at(length, offset)
        if len(data) != length:
            raise PyramidError("the file was cut off while it was open")
        return data

    def _head_of_tiles(self) -> jpeg.Head:
        """What all tiles begin with, but for their size."""
        if self._head is None:
            self._head = jpeg.head(self.tile(0, 0))
        return self._head

    def _level_of(self, tile: int, x: int, y: int, width: int, height: int, out_width: int, out_height: int) -> int | None:
        """The level of whose aligned tiles of that side this is one."""
        shrink = max(-(-width // out_width), -(-height // out_height)) if out_width > 0 and out_height > 0 else 0
        level = shrink.bit_length() - 1
        for candidate in (level, level + 1):
            span, scale = tile << candidate if candidate >= 0 else 0, 1 << max(0, candidate)
            if (
                0 <= candidate < len(self.levels)
                and x % span == 0
                and y % span == 0
                and width == min(span, self.width_px - x)
                and height == min(span, self.height_px - y)
                and out_width == -(-width // scale)
                and out_height == -(-height // scale)
            ):
                return candidate
        return None


def _read_index(file: RandomAccess) -> Index:
    place, length, magic = TAIL.unpack(file.read_at(TAIL.size, max(0, file.size - TAIL.size)).ljust(TAIL.size))
    if magic != MAGIC:
        raise PyramidError("the file has no tile index of this recipe")
    try:
        return Index.unpack(file.read_at(length, place))
    except (struct.error, ValueError) as error:
        raise PyramidError(f"the tile index cannot be read: {error}") from error
