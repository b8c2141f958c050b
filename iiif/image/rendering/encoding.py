"""Pixels to files: what of each format is used, so that every quality, with or without empty corners, has its right form."""

import io
import zlib
from typing import Any

import numpy as np
import pyvips
from numpy.typing import NDArray

from iiif.image.pyramid import jpeg

QUALITY = 85
SAVE: dict[str, dict[str, Any]] = {
    "png": {"compression": 3},
    "webp": {"Q": 82, "effort": 2},
    "tif": {"compression": "deflate", "predictor": "horizontal"},
    "gif": {"effort": 1, "dither": 0.5},
    "avif": {"Q": 60, "effort": 1},
}
BITONAL: dict[str, dict[str, Any]] = {
    "png": {"bitdepth": 1},
    "tif": {"compression": "ccittfax4", "bitdepth": 1},
    "webp": {"lossless": True, "effort": 1},
    "gif": {"effort": 1, "dither": 0.0, "bitdepth": 1},
    "avif": {"Q": 60, "effort": 1},
}
TRANSPARENT = frozenset({"png", "webp", "tif", "gif", "avif"})
PDF_MOST_POINTS = 14_400  # of a page's side (ISO 32000-1, annex C)


def encode(pixels: NDArray[np.uint8], format_: str, *, bitonal: bool = False) -> bytes:
    """(height, width) or (height, width, 1 to 4): grey or sRGB, each with or without alpha; bitonal is grey of 0 and 255.

    JPEG and PDF take no alpha.
    """
    if format_ == "jpg":
        return jpeg.encode(pixels, quality=QUALITY)
    if format_ == "pdf":
        return _pdf(pixels, bitonal=bitonal)
    grey = pixels.ndim == 2 or pixels.shape[2] < 3
    image = pyvips.Image.new_from_array(np.ascontiguousarray(pixels), interpretation="b-w" if grey else "srgb")
    return encode_image(image, format_, bitonal=bitonal)


def encode_image(image: pyvips.Image, format_: str, *, bitonal: bool = False) -> bytes:
    """The same of an image, in a format that libvips writes; a pipeline is read once from top to bottom.

    What is written is held once: of a photograph without loss it is as large as all else that is held.
    """
    written = io.BytesIO()
    target = pyvips.TargetCustom()
    target.on_write(written.write)
    target.on_read(written.read)
    target.on_seek(written.seek)
    image.write_to_target(target, f".{format_}", **(BITONAL if bitonal else SAVE)[format_])
    return written.getvalue()


def _pdf(pixels: NDArray[np.uint8], *, bitonal: bool) -> bytes:
    height, width = pixels.shape[:2]
    bits = zlib.compress(np.packbits(pixels >= 128, axis=1).tobytes(), 6) if bitonal else b""
    return pdf_of(bits or jpeg.encode(pixels, quality=QUALITY), width, height, grey=pixels.ndim == 2, bitonal=bitonal)


def pdf_of(data: bytes, width: int, height: int, *, grey: bool, bitonal: bool) -> bytes:
    """One page of that size at 72 pixels an inch, or as large as a page may be (ISO 32000-1).

    `data` is a JPEG; of a bitonal picture the bits of its rows, each of whole bytes, in the form of zlib.
    """
    depth, how = (1, "FlateDecode") if bitonal else (8, "DCTDecode")
    points = min(1.0, PDF_MOST_POINTS / max(width, height))
    page_width, page_height = f"{width * points:.4f}", f"{height * points:.4f}"
    colours = "DeviceGray" if grey else "DeviceRGB"
    draw = f"q {page_width} 0 0 {page_height} 0 0 cm /I Do Q".encode()
    picture = f"/Type /XObject /Subtype /Image /Width {width} /Height {height} /ColorSpace /{colours} "
    picture += f"/BitsPerComponent {depth} /Filter /{how} /Length {len(data)}"
    page = f"/Type /Page /Parent 2 0 R /MediaBox [0 0 {page_width} {page_height}] /Contents 4 0 R "
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        f"<< {page}/Resources << /XObject << /I 5 0 R >> >> >>".encode(),
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(draw), draw),
        b"<< %s >>\nstream\n%s\nendstream" % (picture.encode(), data),
    ]
    out = [b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n"]
    places, at = [], len(out[0])
    for number, body in enumerate(objects, 1):
        out.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
        places.append(at)
        at += len(out[-1])
    rows = b"".join(b"%010d 00000 n \n" % place for place in places)
    out.append(b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(objects) + 1, rows))
    out.append(b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, at))
    return b"".join(out)
