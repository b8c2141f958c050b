"""Files of every kind that is read, small, and made here: nothing of them comes from elsewhere."""

import struct
import zlib
from io import BytesIO
from typing import Any

import imagecodecs
import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from tests.unit.iiif.image.pictures import drawn, file_of

SRGB_FROM_XYZ = (3.2404542, -1.5371385, -0.4985314, -0.9692660, 1.8760108, 0.0415560, 0.0556434, -0.2040259, 1.0572252)
BYTE, ASCII, SHORT, LONG, RATIONAL, SRATIONAL = 1, 2, 3, 4, 5, 10
Field = tuple[int, int, int, bytes]


def of_vips(pixels: NDArray[np.uint8] | NDArray[np.uint16], suffix: str, interpretation: str, **options: object) -> bytes:
    """The file that libvips writes."""
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation=interpretation).copy()
    profile = options.pop("profile", None)
    if profile is not None:
        image.set_type(pyvips.GValue.blob_type, "icc-profile-data", profile)
    data: bytes = image.write_to_buffer(suffix, **options)
    return data


def png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *, depth: int, colour: int, interlaced: bool = False, data: bytes = b"") -> bytes:
    """A PNG of that header whose compressed pixels are `data`, be they enough or not."""
    head = png_chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))
    return b"\x89PNG\r\n\x1a\n" + head + png_chunk(b"IDAT", data) + png_chunk(b"IEND", b"")


def slow_png() -> bytes:
    """A small file of 3,600 million pixels of one bit, which takes ten seconds and more to decode."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(10_000_000)) + packer.flush(zlib.Z_FULL_FLUSH)
    return png(60_000, 60_000, depth=1, colour=0, data=b"\x78\x9c" + block * 45)


def dng(pixels: NDArray[np.uint8], orientation: int = 1) -> bytes:
    """An uncompressed DNG whose sensor saw these sRGB pixels through RGGB filters, with the primaries of sRGB."""
    linear = np.where(pixels <= 10, pixels / 255 / 12.92, ((pixels / 255 + 0.055) / 1.055) ** 2.4)
    mosaic = linear[:, :, 1].copy()
    mosaic[0::2, 0::2], mosaic[1::2, 1::2] = linear[0::2, 0::2, 0], linear[1::2, 1::2, 2]
    body = (mosaic * 65_535).round().astype("<u2").tobytes()
    height, width = mosaic.shape
    matrix = b"".join(struct.pack("<ii", round(value * 10_000), 10_000) for value in SRGB_FROM_XYZ)
    fields = [
        (254, LONG, 1, _long(0)),
        (256, LONG, 1, _long(width)),
        (257, LONG, 1, _long(height)),
        (258, SHORT, 1, _short(16)),
        (259, SHORT, 1, _short(1)),
        (262, SHORT, 1, _short(32_803)),
        _text(271, "Lectotype"),
        _text(272, "Drawn"),
        (273, LONG, 1, _long(8)),
        (274, SHORT, 1, _short(orientation)),
        (277, SHORT, 1, _short(1)),
        (278, LONG, 1, _long(height)),
        (279, LONG, 1, _long(len(body))),
        (33_421, SHORT, 2, _short(2, 2)),
        (33_422, BYTE, 4, bytes((0, 1, 1, 2))),
        (50_706, BYTE, 4, bytes((1, 4, 0, 0))),
        (50_707, BYTE, 4, bytes((1, 1, 0, 0))),
        _text(50_708, "Lectotype Drawn"),
        (50_714, LONG, 1, _long(0)),
        (50_717, LONG, 1, _long(65_535)),
        (50_721, SRATIONAL, 9, matrix),
        (50_728, RATIONAL, 3, struct.pack("<6I", 1, 1, 1, 1, 1, 1)),
        (50_778, SHORT, 1, _short(21)),
    ]
    return tiff(body, [fields])


def tiff(body: bytes, directories: list[list[Field]]) -> bytes:
    """A classic TIFF: header, `body` from byte 8 on, then the directories, each field as (tag, type, number, value)."""
    at = 8 + len(body) + len(body) % 2
    first, out = at, body.ljust(at - 8, b"\0")
    for number, fields in enumerate(directories):
        behind = at + 2 + 12 * len(fields) + 4
        table, values = struct.pack("<H", len(fields)), b""
        for tag, kind, count, value in sorted(fields):
            if len(value) > 4:
                table += struct.pack("<HHII", tag, kind, count, behind + len(values))
                values += value.ljust(len(value) + len(value) % 2, b"\0")
            else:
                table += struct.pack("<HHI", tag, kind, count) + value.ljust(4, b"\0")
        at = behind + len(values)
        out += table + struct.pack("<I", at if number + 1 < len(directories) else 0) + values
    return b"II*\0" + struct.pack("<I", first) + out


def tiff_of(
    samples: NDArray[np.integer[Any]],
    photometric: int,
    bits: int = 8,
    *,
    extra: tuple[int, ...] | None = None,
    planar: bool = False,
    more: tuple[Field, ...] = (),
) -> bytes:
    """An uncompressed TIFF of one strip, or of one a channel, from (height, width, samples) numbers of so many bits."""
    height, width, count = samples.shape
    parts = [samples[:, :, [channel]] for channel in range(count)] if planar else [samples]
    packed = [_packed(part, bits) for part in parts]
    starts = [8 + sum(map(len, packed[:number])) for number in range(len(packed))]
    fields = [
        (256, LONG, 1, _long(width)),
        (257, LONG, 1, _long(height)),
        (258, SHORT, count, _short(*[bits] * count)),
        (259, SHORT, 1, _short(1)),
        (262, SHORT, 1, _short(photometric)),
        (273, LONG, len(packed), b"".join(map(_long, starts))),
        (277, SHORT, 1, _short(count)),
        (278, LONG, 1, _long(height)),
        (279, LONG, len(packed), b"".join(_long(len(part)) for part in packed)),
        (284, SHORT, 1, _short(2 if planar else 1)),
        *more,
    ]
    if extra is not None:
        fields.append((338, SHORT, len(extra), _short(*extra)))
    return tiff(b"".join(packed), [fields])


def _packed(samples: NDArray[np.integer[Any]], bits: int) -> bytes:
    """Rows of numbers without gaps, each row filled up to a whole byte."""
    if bits in (8, 16):
        return samples.astype(f"<u{bits // 8}").tobytes()
    places = samples.reshape(len(samples), -1, 1) >> np.arange(bits)[::-1] & 1
    return np.packbits(places.reshape(len(samples), -1).astype(np.uint8), axis=1).tobytes()


def pages(count: int, sides: tuple[int, int] = (60, 40)) -> bytes:
    """A TIFF of several pages."""
    images = [Image.fromarray(drawn(*sides)) for _ in range(count)]
    out = BytesIO()
    images[0].save(out, "TIFF", save_all=True, append_images=images[1:])
    return out.getvalue()


def jp2_with(codestream: bytes, profile: bytes) -> bytes:
    """A JP2 with an ICC profile around a codestream (ISO/IEC 15444-1, Annex I)."""

    def box(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data) + 8) + kind + data

    width, height = struct.unpack_from(">II", codestream, 8)
    (channels,) = struct.unpack_from(">H", codestream, 40)
    head = box(b"ihdr", struct.pack(">IIHBBBB", height, width, channels, codestream[42], 7, 0, 0))
    colour = box(b"colr", b"\x02\0\0" + profile)
    signature = b"\x00\x00\x00\x0cjP  \r\n\x87\n" + box(b"ftyp", b"jp2 \0\0\0\0jp2 ")
    return signature + box(b"jp2h", head + colour) + box(b"jp2c", codestream)


def one_of_each(width: int = 61, height: int = 47) -> dict[str, tuple[str, bytes]]:
    """Media type and file of the same drawn picture, by what is special about it; all but a few without loss."""
    pixels = drawn(width, height)
    picture, wide = Image.fromarray(pixels), pixels.astype(np.uint16) * 257
    grey = pixels[:, :, 1]
    palette = picture.quantize(200)
    return {
        "JPEG": ("image/jpeg", file_of(pixels, quality=97, subsampling=0)),
        "progressive JPEG": ("image/jpeg", file_of(pixels, quality=97, subsampling=0, progressive=True)),
        "PNG": ("image/png", file_of(pixels, "PNG")),
        "interlaced PNG": ("image/png", of_vips(pixels, ".png", "srgb", interlace=True)),
        "16-bit PNG": ("image/png", of_vips(wide, ".png", "rgb16", bitdepth=16)),
        "16-bit PNG with alpha": ("image/png", of_vips(_opaque(wide), ".png", "rgb16", bitdepth=16)),
        "PNG with alpha": ("image/png", file_of(_opaque(pixels), "PNG")),
        "palette PNG": ("image/png", file_of(palette, "PNG")),
        "grey PNG": ("image/png", file_of(grey, "PNG")),
        "TIFF": ("image/tiff", of_vips(pixels, ".tif", "srgb")),
        "LZW TIFF": ("image/tiff", of_vips(pixels, ".tif", "srgb", compression="lzw", predictor="horizontal")),
        "16-bit TIFF": ("image/tiff", of_vips(wide, ".tif", "rgb16", compression="deflate")),
        "grey 16-bit TIFF": ("image/tiff", of_vips(wide[:, :, 1], ".tif", "grey16")),
        "palette TIFF": ("image/tiff", file_of(palette, "TIFF")),
        "BigTIFF": ("image/tiff", of_vips(pixels, ".tif", "srgb", bigtiff=True)),
        "pyramidal TIFF": ("image/tiff", of_vips(pixels, ".tif", "srgb", tile=True, tile_width=16, tile_height=16, pyramid=True)),
        "TIFF with SubIFDs": (
            "image/tiff",
            of_vips(pixels, ".tif", "srgb", tile=True, tile_width=16, tile_height=16, pyramid=True, subifd=True),
        ),
        "WebP": ("image/webp", file_of(pixels, "WEBP", lossless=True)),
        "WebP with alpha": ("image/webp", file_of(_opaque(pixels), "WEBP", lossless=True)),
        "AVIF": ("image/avif", file_of(pixels, "AVIF", quality=95, subsampling="4:4:4")),
        "GIF": ("image/gif", file_of(palette, "GIF")),
        "JPEG 2000": ("image/jp2", imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="jp2")),
        "JPEG 2000 codestream": ("image/jp2", imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k")),
        "16-bit JPEG 2000": ("image/jp2", imagecodecs.jpeg2k_encode(wide, level=0, codecformat="jp2")),
        "12-bit JPEG 2000": (
            "image/jp2",
            imagecodecs.jpeg2k_encode(wide >> 4, level=0, codecformat="jp2", bitspersample=12),
        ),
        "grey JPEG 2000": ("image/jp2", imagecodecs.jpeg2k_encode(grey, level=0, codecformat="jp2")),
        "tiled JPEG 2000": ("image/jp2", file_of(picture, "JPEG2000", tile_size=(32, 32), irreversible=False)),
        "HTJ2K": ("image/jp2", imagecodecs.htj2k_encode(pixels)),
        "16-bit HTJ2K": ("image/jp2", imagecodecs.htj2k_encode(wide)),
        "DNG": ("image/x-adobe-dng", dng(drawn(width + width % 2, height + height % 2))),
    }


def _opaque(pixels: NDArray[np.uint8] | NDArray[np.uint16]) -> NDArray[np.uint8] | NDArray[np.uint16]:
    full = np.full(pixels.shape[:2], np.iinfo(pixels.dtype).max, pixels.dtype)
    return np.dstack([pixels, full])


def _long(value: int) -> bytes:
    return struct.pack("<I", value)


def _short(*values: int) -> bytes:
    return struct.pack(f"<{len(values)}H", *values)


def _text(tag: int, text: str) -> Field:
    data = text.encode() + b"\0"
    return tag, ASCII, len(data), data
