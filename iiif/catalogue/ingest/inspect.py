"""See whether a file is an image that can be taken in, before it is."""

from pathlib import Path

import pyvips

from iiif.catalogue.errors import RejectedImage
from iiif.catalogue.ingest.model import Limits

FORMATS = {
    "jpegload": "image/jpeg",
    "pngload": "image/png",
    "tiffload": "image/tiff",
    "webpload": "image/webp",
    "jp2kload": "image/jp2",
    "gifload": "image/gif",
    "heifload": "image/heif",
}


def media_type_of(path: Path, limits: Limits) -> str:
    """The media type of an image that decodes to its end. Raises RejectedImage."""
    size = path.stat().st_size
    if size == 0:
        raise RejectedImage("empty-file", "The file has no content.")
    if size > limits.max_file_bytes:
        raise RejectedImage(
            "too-many-bytes", f"The file has {size} bytes; {limits.max_file_bytes} are allowed (LECTOTYPE_MAX_FILE_BYTES)."
        )
    try:
        image = pyvips.Image.new_from_file(str(path), access="sequential", fail_on="truncated")
    except pyvips.Error as error:
        raise RejectedImage("not-an-image", f"The file is no image that can be read ({_first_line(error)}).") from error
    loader = str(image.get("vips-loader")).removesuffix("_source").removesuffix("_buffer").removesuffix("file")
    media_type = next((name for prefix, name in FORMATS.items() if loader.startswith(prefix)), "")
    if not media_type:
        raise RejectedImage("not-an-image", f"Files of this kind ({loader}) are not taken.")
    if image.width * image.height > limits.max_pixels:
        pixels = f"{image.width} × {image.height}"
        raise RejectedImage(
            "too-many-pixels", f"The image has {pixels} pixels; {limits.max_pixels} are allowed (LECTOTYPE_MAX_PIXELS)."
        )
    try:
        image.avg()
    except pyvips.Error as error:
        raise RejectedImage("truncated-image", f"The image ends too soon or is broken ({_first_line(error)}).") from error
    return media_type


def _first_line(error: pyvips.Error) -> str:
    detail = str(error.detail or error.message).strip()
    return detail.splitlines()[0][:200] if detail else "no detail"
