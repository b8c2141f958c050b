"""See whether a file is an image that can be taken in, before it is."""

from pathlib import Path

from iiif.catalogue.errors import RejectedImage
from iiif.catalogue.ingest.model import Limits
from iiif.image.derivative import decode_check


def check_size(path: Path, limits: Limits) -> None:
    """Raises RejectedImage for a file with no content, or too much of it to be read at all."""
    size = path.stat().st_size
    if size == 0:
        raise RejectedImage("empty-file", "The file has no content.")
    if size > limits.max_file_bytes:
        allowed = f"{limits.max_file_bytes:,} are allowed (LECTOTYPE_MAX_FILE_BYTES)"
        raise RejectedImage("too-many-bytes", f"The file has {size:,} bytes; {allowed}.")


def media_type_of(path: Path, limits: Limits) -> str:
    """The media type of an image that decodes to its end; memory stays flat. Raises RejectedImage."""
    check_size(path, limits)
    return decode_check(path, limits.decode, whole=True).format
