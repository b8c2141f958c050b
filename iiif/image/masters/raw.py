"""Raw files of cameras and DNG, developed by LibRaw in the same way every time. Decoding child only."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import pyvips
import rawpy

from iiif.image.errors import RejectedImage

MAGICS = (b"FUJIFILMCCD-RAW", b"IIRO", b"IIRS", b"MMOR", b"IIU\0")  # Fujifilm, Olympus, Panasonic
ISO_BRANDS = (b"crx ",)  # Canon CR3
ORIENTATION = {0: 1, 3: 3, 5: 8, 6: 6}  # of LibRaw's flips, in the numbers of EXIF
SRGB_GAMMA = (2.4, 12.92)


def is_raw(head: bytes) -> bool:
    """Whether it is a raw file of those that do not begin as any TIFF does."""
    return head.startswith(MAGICS) or (head[4:8] == b"ftyp" and head[8:12] in ISO_BRANDS)


def size(data: bytes) -> tuple[int, int, int]:
    """Upright width and height in pixels, and the orientation that the camera told, in the numbers of EXIF."""
    with _opened(data) as raw:
        sizes = raw.sizes
        width, height = int(sizes.iwidth), int(sizes.iheight)
        upright = (height, width) if sizes.flip in (5, 6) else (width, height)
        return *upright, ORIENTATION.get(sizes.flip, 1)


def unpack(data: bytes) -> None:
    """Read the sensor data to their end."""
    with _opened(data) as raw:
        raw.unpack()


def load(data: bytes) -> pyvips.Image:
    """The upright picture in sRGB of 8 bit: the camera's white balance, nothing brightened, sharpened or denoised."""
    with _opened(data) as raw:
        pixels = raw.postprocess(
            use_camera_wb=True,
            no_auto_bright=True,
            output_color=rawpy.ColorSpace.sRGB,
            output_bps=8,
            gamma=SRGB_GAMMA,
        )
    return pyvips.Image.new_from_array(pixels, interpretation="srgb")


@contextmanager
def _opened(data: bytes) -> Iterator[rawpy.RawPy]:
    try:
        with rawpy.imread(io.BytesIO(data)) as raw:
            yield raw
    except rawpy.LibRawError as error:
        text = error.args[0].decode() if error.args and isinstance(error.args[0], bytes) else str(error)
        lost = isinstance(error, rawpy.LibRawIOError | rawpy.LibRawDataError)
        if isinstance(error, rawpy.LibRawUnsufficientMemoryError):
            raise MemoryError from error
        code = "truncated-image" if lost else "not-an-image"
        raise RejectedImage(code, f"The raw file of the camera cannot be read ({text}).") from error
