"""JPEG streams without decoding: making TIFF tiles whole (TIFF Technical Note 2), and cropping them losslessly."""

import numpy as np
import simplejpeg
from numpy.typing import NDArray

try:
    import turbojpeg
except ImportError:  # its wheels are few; without it edge tiles are encoded once more
    turbojpeg = None

SOI = b"\xff\xd8"
JFIF = b"\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
ADOBE_RGB = b"\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00\x00"
YCBCR = 6


def prefix(tables: bytes, photometric: int) -> bytes:
    """What stands before a tile without its SOI: start, a marker that names the colours, and the tables.

    Without the marker decoders guess, and Safari guesses otherwise: JFIF says YCbCr, Adobe's transform 0 says RGB.
    """
    return SOI + (JFIF if photometric == YCBCR else ADOBE_RGB) + tables[2:-2]


def crop(tile: bytes, width: int, height: int) -> bytes:
    """The upper left part of a JPEG, its coefficients untouched."""
    if turbojpeg is None:
        return encode(decode(tile)[:height, :width], quality=95)
    cropped: bytes = turbojpeg.transform(
        tile, turbojpeg.OP.NONE, x=0, y=0, w=width, h=height, crop=True, perfect=False, copynone=True
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
