"""Encoded pictures: small ones made in memory as a whole, large ones in bands, from the tiles to the file.

A large picture is a pipeline of libvips that is read once from top to bottom, and whose pixels are decoded when it asks for
them, some rows of tiles at a time. A JPEG is encoded band by band as well: a band is an interval between two restart markers,
and all have the same tables (ITU-T T.81, annex B.2.4).
"""

import struct
import zlib
from collections.abc import Iterator

import numpy as np
import pyvips
from numpy.typing import NDArray

from iiif.image.pyramid import jpeg
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import encoding, render, turned
from iiif.image.rendering.render import LIKE_TILES, WHITE, Source, Span
from iiif.image.request import Geometry, PixelBox

LARGE_PX = 8_000_000  # of the picture, or of the level that it is made of: from here on in bands
READ_PX = 128  # rows of a level that are decoded together: a part of those of its tiles
BAND_PX = 128  # rows of a picture that are encoded together: whole units of a JPEG
FED_PX = 16  # rows that are handed to libvips together
Pixels = NDArray[np.uint8]


def made(pyramid: Pyramid, geometry: Geometry) -> bytes:
    """The encoded picture."""
    if max(geometry.width * geometry.height, render.pixels_read(pyramid, geometry)) < LARGE_PX:
        return render.render(pyramid, geometry)
    body = _large(pyramid, geometry)
    turned.give_back()
    return body


def _large(pyramid: Pyramid, geometry: Geometry) -> bytes:
    image = _turned(_scaled(pyramid, geometry), geometry)
    if geometry.format not in LIKE_TILES:
        bitonal = geometry.quality == "bitonal"
        return encoding.encode_image(_in_colours(image, geometry.quality), geometry.format, bitonal=bitonal)
    return _in_bands((render.in_colours(band, geometry.quality) for band in _bands(image)), image.width, image.height, geometry)


def _in_bands(bands: Iterator[Pixels], width: int, height: int, geometry: Geometry) -> bytes:
    """A JPEG or a PDF."""
    if geometry.format == "jpg":
        return _jpeg(bands, width, height)
    bitonal, grey = geometry.quality == "bitonal", geometry.quality in ("gray", "bitonal")
    data = _packed(bands) if bitonal else _jpeg(bands, width, height)
    return encoding.pdf_of(data, width, height, grey=grey, bitonal=bitonal)


def _scaled(pyramid: Pyramid, geometry: Geometry) -> pyvips.Image:
    """As `render.scaled`, read once from top to bottom."""
    region, width, height, like_tiles = geometry.region, geometry.width, geometry.height, geometry.format in LIKE_TILES
    source, columns, rows = _window(pyramid, region, width, height, like_tiles=like_tiles)
    image = _streamed(_read(pyramid, source, columns, rows), columns.length, rows.length)
    if (columns.step, rows.step) != (1, 1):
        kernel = render.kernel_for(columns, rows, like_tiles=like_tiles)
        image = image.resize(1 / columns.step, vscale=1 / rows.step, kernel=kernel)
    if (image.width, image.height) != (width, height):
        image = image.embed(0, 0, width, height, extend="copy")
    return render.moved(image, columns.shift, rows.shift)


def _window(pyramid: Pyramid, region: PixelBox, width: int, height: int, *, like_tiles: bool) -> tuple[Source, Span, Span]:
    """What is read, and which part of it; a whole level is the same in every format."""
    if region == PixelBox(0, 0, pyramid.width_px, pyramid.height_px):
        for number, level in enumerate(pyramid.levels):
            if (level.width_px, level.height_px) == (width, height):
                return Source(number, halved=False), Span(0, width, width, 1.0, 0.0), Span(0, height, height, 1.0, 0.0)
    source = render.source_of(pyramid, region, width, height, like_tiles=like_tiles)
    facts = pyramid.levels[source.level]
    columns = render.span(region.x, region.width, source.level, facts.width_px, width)
    return source, columns, render.span(region.y, region.height, source.level, facts.height_px, height)


def _read(pyramid: Pyramid, source: Source, columns: Span, rows: Span) -> Iterator[Pixels]:
    """The pixels of the window, some rows of its tiles at a time."""
    level, rows_px = (source.level - 1, READ_PX // 2) if source.halved else (source.level, READ_PX)
    rough = not source.halved and min(columns.step, rows.step) >= render.FINE
    at, end = rows.first, rows.first + rows.length
    while at < end:
        below = min(end, (at // rows_px + 1) * rows_px)
        yield render.read(pyramid, level, columns.first, at, columns.length, below - at, rough=rough, halved=source.halved)
        at = below


def _streamed(bands: Iterator[Pixels], width: int, height: int) -> pyvips.Image:
    """An image whose pixels are taken from these bands (rows, width, 3) when they are asked for, from top to bottom, once."""
    parts, rest = _png(bands, width, height), memoryview(b"")

    def read(size: int) -> bytes:
        nonlocal rest
        rest = rest or memoryview(next(parts, b""))
        part, rest = rest[:size], rest[size:]
        return bytes(part)

    source = pyvips.SourceCustom()
    source.on_read(read)
    return pyvips.Image.new_from_source(source, "", access="sequential")


def _png(bands: Iterator[Pixels], width: int, height: int) -> Iterator[bytes]:
    """A PNG that is not compressed (ISO/IEC 15948): the one format that libvips reads from a stream and that needs no encoder."""
    yield b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    packer = zlib.compressobj(0)
    for band in bands:
        for y in range(0, len(band), FED_PX):
            rows = band[y : y + FED_PX]
            lines = np.zeros((len(rows), 1 + 3 * width), np.uint8)  # each behind the number of its filter, which is none
            lines[:, 1:] = rows.reshape(len(rows), 3 * width)
            yield _chunk(b"IDAT", packer.compress(lines.tobytes()))
    yield _chunk(b"IDAT", packer.flush()) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _turned(image: pyvips.Image, geometry: Geometry) -> pyvips.Image:
    """Mirrored and turned, the latter by way of a temporary file."""
    rotation = geometry.rotation
    if rotation.mirror:
        image = image.fliphor()
    if not rotation.degrees % 360:
        return image
    if rotation.degrees % 90 == 0:
        bands = turned.by_quarters(_bands(image), image.width, image.height, int(rotation.degrees), BAND_PX)
        return _streamed(bands, *rotation.turned(image.width, image.height))
    image = turned.kept(_bands(image), image.width, image.height)
    transparent = geometry.format in encoding.TRANSPARENT and geometry.quality != "bitonal"
    image = image.bandjoin(WHITE) if transparent else image
    return image.rotate(float(rotation.degrees), background=[WHITE] * 3 + ([0] if transparent else []))


def _bands(image: pyvips.Image) -> Iterator[Pixels]:
    """(BAND_PX or fewer, width, bands) of the image, from top to bottom."""
    region = pyvips.Region.new(image)
    for y in range(0, image.height, BAND_PX):
        rows = min(BAND_PX, image.height - y)
        yield np.frombuffer(region.fetch(0, y, image.width, rows), np.uint8).reshape(rows, image.width, image.bands)


def _in_colours(image: pyvips.Image, quality: str) -> pyvips.Image:
    """As `render.in_colours`: grey is the luma of ITU-R BT.601; alpha stays."""
    if quality not in ("gray", "bitonal"):
        return image
    grey = ((image[0] * 77 + image[1] * 150 + image[2] * 29 + 128).cast("ushort") >> 8).cast("uchar").copy(interpretation="b-w")
    if quality == "bitonal":
        return grey >= 128
    return grey.bandjoin(image[3]) if image.bands == 4 else grey


def _jpeg(bands: Iterator[Pixels], width: int, height: int) -> bytes:
    """One JPEG of all bands, each of which is an interval between two restart markers."""
    return jpeg.of_bands((jpeg.encode(band, quality=encoding.QUALITY) for band in bands), width, height, BAND_PX)


def _packed(bands: Iterator[Pixels]) -> bytes:
    """Black and white, a bit for each pixel, in the form of zlib."""
    packer = zlib.compressobj(6)
    return b"".join([*(packer.compress(np.packbits(band >= 128, axis=1).tobytes()) for band in bands), packer.flush()])
