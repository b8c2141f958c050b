"""JPEG 2000 (ISO/IEC 15444-1) and HTJ2K (15444-15), as codestreams or in the boxes of JP2 and JPH. Decoding child only."""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import imagecodecs
import numpy as np
import pyvips
from numpy.typing import NDArray
from PIL import Image

from iiif.image.errors import RejectedImage
from iiif.image.masters.colour import PROFILE

BOXED, BARE = b"\x00\x00\x00\x0cjP  \r\n\x87\n", b"\xff\x4f\xff\x51"
END = b"\xff\xd9"
CAP = b"\xff\x50"  # stands behind SIZ in high-throughput codestreams
CMYK, SYCC = 12, 18  # enumerated colour spaces
MAX_BOXES = 1000
STRIP_PX = 512


@dataclass(frozen=True, slots=True)
class Header:
    """What boxes and codestream say. `profile` is an ICC profile or empty, `bits` those of a channel; the codestream is `at`."""

    width_px: int
    height_px: int
    channels: int
    bits: int
    tiled: bool
    high_throughput: bool
    colour_space: int
    profile: bytes
    at: int
    ends: bool


def is_jpeg2000(head: bytes) -> bool:
    return head.startswith((BOXED, BARE))


def header(data: bytes) -> Header:
    """Raises RejectedImage `not-an-image`."""
    try:
        colour_space, profile, at, end = 0, b"", 0, len(data)
        if data.startswith(BOXED):
            colour_space, profile, at, end = _boxes(data)
        return _codestream(data, at, end, colour_space, profile)
    except (struct.error, IndexError) as error:
        raise RejectedImage("not-an-image", "The header of the JPEG 2000 image is broken.") from error


def load(data: bytes, header: Header) -> pyvips.Image:
    """The pixels, with their profile. Raises RejectedImage."""
    try:
        pixels = _decoded(data, header)
    except (imagecodecs.Jpeg2kError, imagecodecs.Htj2kError, OSError, SyntaxError) as error:
        raise RejectedImage("truncated-image", f"The JPEG 2000 image is cut off or its data are broken ({error}).") from error
    if pixels.shape[:2] != (header.height_px, header.width_px):
        raise RejectedImage("not-an-image", "The JPEG 2000 image has not the size that its header says.")
    return _image(_scaled(pixels, header.bits), header)


def _decoded(data: bytes, header: Header) -> NDArray[Any]:
    """(height, width) or (height, width, channels), in as many bits as the image has."""
    if header.high_throughput:
        pixels: NDArray[Any] = imagecodecs.htj2k_decode(data)
    elif header.tiled and header.bits == 8 and header.channels in (1, 3):  # half the memory, for it goes tile by tile
        pixels = _by_pillow(data, "L" if header.channels == 1 else "RGB")
    else:
        alone = data[header.at :] if header.profile else data  # for it would apply the profile of the boxes by itself
        pixels = imagecodecs.jpeg2k_decode(alone, numthreads=2)
    return pixels


def _by_pillow(data: bytes, mode: str) -> NDArray[Any]:
    """Copied in strips, so that the picture and the array are all there is."""
    Image.MAX_IMAGE_PIXELS = None  # the limit was seen to before
    with Image.open(io.BytesIO(data), formats=["JPEG2000"]) as picture:
        pixels = np.empty((picture.height, picture.width, len(mode)), np.uint8)
        for top in range(0, picture.height, STRIP_PX):
            strip = picture.crop((0, top, picture.width, min(picture.height, top + STRIP_PX)))
            pixels[top : top + STRIP_PX] = np.atleast_3d(np.asarray(strip if strip.mode == mode else strip.convert(mode)))
    return pixels


def _image(pixels: NDArray[Any], header: Header) -> pyvips.Image:
    wide, bands = pixels.dtype == np.uint16, 1 if pixels.ndim == 2 else pixels.shape[2]
    kind = ("grey16" if wide else "b-w") if bands < 3 else ("rgb16" if wide else "srgb")
    if bands >= 4 and (header.colour_space == CMYK or header.profile[16:20] == b"CMYK"):
        kind = "cmyk"
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation=kind)
    if header.profile:
        image = image.copy()
        image.set_type(pyvips.GValue.blob_type, PROFILE, header.profile)
    return image


def _scaled(pixels: NDArray[Any], bits: int) -> NDArray[Any]:
    """To the full range of 8 or 16 bit, whichever holds it."""
    if pixels.dtype not in (np.uint8, np.uint16) or bits > 16:
        raise RejectedImage("unsupported-pixels", "The JPEG 2000 image has signed numbers, or more than 16 bits a channel.")
    if bits == 8 * pixels.dtype.itemsize:
        return pixels
    most, full = (1 << bits) - 1, np.iinfo(pixels.dtype).max
    table: NDArray[Any] = (np.arange(full + 1, dtype=np.uint64).clip(0, most) * full // most).astype(pixels.dtype)
    return np.take(table, pixels)


def _codestream(data: bytes, at: int, end: int, colour_space: int, profile: bytes) -> Header:
    """The SIZ marker (Annex A.5.1)."""
    if data[at : at + 4] != BARE:
        raise RejectedImage("not-an-image", "The JPEG 2000 file holds no image.")
    (length,) = struct.unpack_from(">H", data, at + 4)
    right, bottom, left, top, tile_width, tile_height = struct.unpack_from(">6I", data, at + 8)
    (channels,) = struct.unpack_from(">H", data, at + 40)
    depths = {data[at + 42 + 3 * number] for number in range(channels)}
    steps = {data[at + 43 + 3 * number : at + 45 + 3 * number] for number in range(channels)}
    width, height = right - left, bottom - top
    if width < 1 or height < 1 or not 1 <= channels <= 5:
        raise RejectedImage("not-an-image", "The JPEG 2000 image has no size, or no channels that make colours.")
    if len(depths) != 1 or (len(steps) != 1 and colour_space != SYCC):
        sentence = "The channels of the JPEG 2000 image differ in depth or size, which is not read."
        raise RejectedImage("unsupported-pixels", sentence)
    bits = (depths.pop() & 0x7F) + 1
    return Header(
        width_px=width,
        height_px=height,
        channels=channels,
        bits=bits,
        tiled=tile_width < width or tile_height < height,
        high_throughput=data[at + 4 + length : at + 6 + length] == CAP,
        colour_space=colour_space,
        profile=profile,
        at=at,
        ends=data.rfind(END, max(at, end - 64), end) > 0,
    )


def _boxes(data: bytes) -> tuple[int, bytes, int, int]:
    """Colour space, profile, and from where to where the codestream goes (Annex I)."""
    colour_space, profile = 0, b""
    for kind, start, end in _walk(data, 0, len(data)):
        if kind == b"jp2h":
            for inner, inner_start, inner_end in _walk(data, start, end):
                if inner == b"colr" and data[inner_start] == 1 and not colour_space:
                    (colour_space,) = struct.unpack_from(">I", data, inner_start + 3)
                elif inner == b"colr" and data[inner_start] in (2, 3) and not profile:
                    profile = data[inner_start + 3 : inner_end]
        elif kind == b"jp2c":
            return colour_space, profile, start, end
    raise RejectedImage("not-an-image", "The JP2 file holds no image.")


def _walk(data: bytes, at: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Type, start and end of the content of each box."""
    for _ in range(MAX_BOXES):
        if at + 8 > end:
            return
        length, kind = struct.unpack_from(">I4s", data, at)
        start = at + 8
        if length == 1:
            (length,) = struct.unpack_from(">Q", data, start)
            start += 8
        stop = end if length == 0 else min(end, at + length)
        if stop < start:
            return
        yield kind, start, stop
        at = stop
