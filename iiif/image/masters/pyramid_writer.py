"""Write the derivative in the form of pyramid/format.py: tiles by libvips, then what is cut and rendered from them.

The bytes depend on the pixels alone, so the same image always gives the same derivative.
"""

import os
import re
import tempfile
import zipfile
from array import array
from pathlib import Path
from typing import BinaryIO

import pyvips

from iiif.image.pyramid import jpeg
from iiif.image.pyramid.format import (
    MAGIC,
    MAX_ABOUT,
    QUARTER_PX,
    STARTS,
    TAIL,
    TILE_PX,
    ByteRange,
    Index,
    Level,
    Pyramid,
    PyramidError,
)
from iiif.image.rendering import render
from iiif.image.request import PixelBox, Size, SizeLimits

QUALITY = 88  # from 90 on libvips writes no chroma subsampling: three times the bytes
STANDARD_PX = (400, 1000, 1500)  # the longer side of what lists, previews and articles show
STRIP_PX = 90  # the width that Universal Viewer asks for in its strip of thumbnails
LARGEST_WHOLE_PX = 2048  # levels up to this side are kept whole too, as info.json advertises them
UNLIMITED = SizeLimits(10**9, 10**18)
LOCAL_HEADER = 30  # bytes before the name of a member of a zip
NAME = re.compile(r"p_files/(\d+)/(\d+)_(\d+)\.jpg")


def write(image: pyvips.Image, path: Path, about: bytes = b"") -> None:
    """Write the derivative of upright sRGB pixels, with what is to be kept beside them.

    Raises:
        pyvips.Error: not all pixels can be read; the file at `path`, if there is one, is then no derivative.
        ValueError: `about` is longer than MAX_ABOUT bytes.
    """
    if len(about) > MAX_ABOUT:
        raise ValueError(f"{len(about)} bytes about the image; {MAX_ABOUT} are kept")
    width, height = image.width, image.height
    with tempfile.TemporaryFile(dir=path.parent) as scratch, path.open("w+b") as out:
        image.dzsave_target(
            pyvips.Target.new_to_descriptor(scratch.fileno()),
            layout="dz",
            imagename="p",
            tile_size=TILE_PX,
            overlap=0,
            depth="onetile",
            suffix=f".jpg[Q={QUALITY},restart_interval={jpeg.INTERVAL}]",
            container="zip",
            compression=0,
            keep="none",
        )
        with zipfile.ZipFile(scratch) as tiles, zipfile.ZipFile(out, "w") as members:
            _Writer(out, members).write(tiles, width, height, about)
        out.flush()
        os.fsync(out.fileno())


class _Writer:
    """One derivative in the making."""

    def __init__(self, out: BinaryIO, members: zipfile.ZipFile) -> None:
        self.out, self.members = out, members

    def write(self, tiles: zipfile.ZipFile, width: int, height: int, about: bytes) -> None:
        names = {tuple(int(part) for part in match.groups()): match[0] for match in map(NAME.match, tiles.namelist()) if match}
        deepest = max(level for level, _, _ in names)
        levels: list[Level] = []
        starts, first = [], 0
        for number in range(deepest + 1):
            scale = 1 << number
            level = _empty_level(-(-width // scale), -(-height // scale), first)
            for tile in range(level.columns * level.rows):
                row, column = divmod(tile, level.columns)
                data = jpeg.with_jfif(tiles.read(names[deepest - number, column, row]))
                place = self._add(f"{scale}/{column}_{row}.jpg", data)
                starts.append(_starts(data))
                level.offsets.append(place.offset)
                level.lengths.append(place.length)
            levels.append(level)
            first += len(level.offsets)
        if max(levels[-1].width_px, levels[-1].height_px) > TILE_PX:
            raise PyramidError(f"the smallest of {len(levels)} levels is more than a tile")
        starts_at = self._add("starts", b"".join(starts)).offset
        index = Index(width, height, tuple(levels), {}, {}, about, starts_at)
        self._add_quarters(index)
        self._add_pictures(index)
        if about:
            self._add("about.json", about)
        place = self._add("index", index.pack())
        self.members.comment = TAIL.pack(place.offset, place.length, MAGIC)

    def _add_quarters(self, index: Index) -> None:
        """Those of the last column of tiles, where its rows do not fall on restart markers."""
        for number, level in enumerate(index.levels):
            column = level.columns - 1
            if jpeg.cuttable(level.width_px - column * TILE_PX):
                continue
            for row in range(level.rows):
                tile = self._read(level.place(row * level.columns + column))
                tile_width, tile_height = level.tile_size(row * level.columns + column)
                for y in range(0, tile_height, QUARTER_PX):
                    for x in (0, QUARTER_PX):
                        size = min(QUARTER_PX, tile_width - x), min(QUARTER_PX, tile_height - y)
                        name = number, 2 * column + x // QUARTER_PX, 2 * row + y // QUARTER_PX
                        part = jpeg.with_jfif(jpeg.crop(tile, x, y, *size))
                        index.quarters[name] = self._add(f"{1 << number}/q/{name[1]}_{name[2]}.jpg", part)

    def _add_pictures(self, index: Index) -> None:
        """The whole image in the standard sizes that are neither larger than it nor one stored tile."""
        self.out.flush()
        pyramid = Pyramid(self.out.fileno(), index)
        for size in _standard_sizes(index):
            pixels = render.scaled(pyramid, PixelBox(0, 0, index.width_px, index.height_px), *size)
            index.pictures[size] = self._add(f"full/{size[0]}x{size[1]}.jpg", jpeg.encode(pixels, quality=render.QUALITY))

    def _add(self, name: str, data: bytes) -> ByteRange:
        info = zipfile.ZipInfo(name)  # of 1980, as every one
        self.members.writestr(info, data)
        return ByteRange(info.header_offset + LOCAL_HEADER + len(name), len(data))

    def _read(self, place: ByteRange) -> bytes:
        self.out.flush()
        return os.pread(self.out.fileno(), place.length, place.offset)


def _empty_level(width: int, height: int, first: int) -> Level:
    return Level(width, height, -(-width // TILE_PX), -(-height // TILE_PX), first, array("Q"), array("I"))


def _starts(tile: bytes) -> bytes:
    """Those of a tile; where it has fewer intervals the rest is 0."""
    found = jpeg.starts(tile, len(jpeg.head(tile).data))
    return STARTS.pack(*found, *(0,) * (65 - len(found)))


def _standard_sizes(index: Index) -> list[tuple[int, int]]:
    whole = PixelBox(0, 0, index.width_px, index.height_px)
    levels = {(level.width_px, level.height_px) for level in index.levels}
    confined = {Size("confined", width=side, height=side).resolve(whole, UNLIMITED) for side in STANDARD_PX}
    if index.width_px > STRIP_PX:
        confined.add(Size("w", width=STRIP_PX).resolve(whole, UNLIMITED))
    one_tile = {size for size in levels if max(size) <= TILE_PX}
    return sorted(({size for size in levels if max(size) <= LARGEST_WHOLE_PX} | confined) - one_tile)
