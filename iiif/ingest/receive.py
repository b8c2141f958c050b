"""Receive the images of records: keep each file among the blobs, and check it there, for that is what will be served."""

import errno
import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from app.runtime import disk
from app.runtime.context import Runtime
from iiif.catalogue import rights, service
from iiif.image.errors import RejectedImage
from iiif.image.masters.derivatives import decode_check
from iiif.ingest.files import is_regular
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, Place, Record
from ontology.darwin_core import spelling

MAX_TEXT = 1000
CHUNK = 1 << 17
OF_WRITING = (*disk.FULL, errno.EROFS)  # no file that is read fails by these: the store does


@dataclass(frozen=True, slots=True)
class ReceivedImage:
    """An image file that was read to its end; `media_type` is empty where its bytes are an image of ours already."""

    image: ImageFile
    sha256: str
    byte_size: int
    media_type: str


def receive(image: ImageFile, runtime: Runtime, limits: IngestLimits) -> ReceivedImage | IngestIssue:
    """The image, or why its file is refused; then no blob stays behind."""
    try:
        _check_size(image.path, limits)
        sha256, size = digest(image.path)
        with runtime.reads.begin() as session:
            if service.find_media_by_hash(session, sha256) is not None:
                return ReceivedImage(image, sha256, size, "")
    except RejectedImage as error:
        return IngestIssue(error.code, error.sentence)
    except OSError as error:
        return _unreadable(error)
    return receive_new(image, runtime, limits)


def receive_new(image: ImageFile, runtime: Runtime, limits: IngestLimits) -> ReceivedImage | IngestIssue:
    """The same of an image that the hub does not have. Raises DiskFull, DiskReadOnly, StoreAway of the store of files."""
    try:
        _check_size(image.path, limits)
        with image.path.open("rb") as stream:
            sha256, size = runtime.blobs.put(stream)
        return ReceivedImage(image, sha256, size, checked(sha256, runtime, limits))
    except RejectedImage as error:
        return IngestIssue(error.code, error.sentence)
    except OSError as error:
        if error.errno in OF_WRITING and (trouble := disk.trouble(error)) is not None:
            raise trouble from error
        return _unreadable(error)


def _unreadable(error: OSError) -> IngestIssue:
    return IngestIssue("unreadable", f"The file could not be read ({error.strerror or error}).")


def checked(sha256: str, runtime: Runtime, limits: IngestLimits) -> str:
    """The media type of a new blob. Raises RejectedImage, and forgets the blob unless another ingest entered it meanwhile."""
    try:
        with runtime.blobs.local_path(sha256) as path:
            _check_size(path, limits)
            return decode_check(path, limits.decode, whole=True).format
    except RejectedImage:
        with runtime.reads.begin() as session:
            known = service.find_media_by_hash(session, sha256) is not None
        if not known:
            runtime.blobs.delete(sha256)
        raise


def digest(path: Path) -> tuple[str, int]:
    """SHA-256 and size of what the file holds."""
    size, sha256 = 0, hashlib.sha256()
    with path.open("rb", buffering=0) as stream:
        while chunk := stream.read(CHUNK):
            sha256.update(chunk)
            size += len(chunk)
    return sha256.hexdigest(), size


def size_of(image: ImageFile) -> int:
    """Bytes of the file; 0 for one that cannot be seen."""
    try:
        return os.stat(image.path).st_size  # noqa: PTH116 - a million times
    except (OSError, ValueError):
        return 0


def digests(images: Iterable[ImageFile]) -> list[str]:
    """The SHA-256 of each file; empty for one that cannot be read."""
    found = []
    for image in images:
        try:
            found.append(digest(image.path)[0] if is_regular(image.path) else "")
        except OSError:
            found.append("")
    return found


def draft_of(record: Record, master: ReceivedImage, specimen_key: str = "") -> service.MediaDraft:
    """The image for the catalogue. What a media row says of its image goes before what the specimen's row says of all."""
    own = rights.read(master.image.terms) if master.image.terms else rights.RightsReading()
    shared = rights.read(record.verbatim) if not (own.statement and own.holder) else rights.RightsReading()
    return service.MediaDraft(
        specimen_key=specimen_key,
        sha256=master.sha256,
        byte_size=master.byte_size,
        format=master.media_type,
        file_name=master.image.file_name[-MAX_TEXT:],
        rights=(own.statement or shared.statement)[:MAX_TEXT],
        rights_holder=(own.holder or shared.holder)[:MAX_TEXT],
        creator=(_creator_of(master.image.terms) or _creator_of(record.verbatim))[:MAX_TEXT],
    )


def _creator_of(columns: Mapping[str, str]) -> str:
    """dc:creator of an image; Darwin Core itself has no such term."""
    return next((text.strip() for column, text in columns.items() if spelling(column) in ("creator", "photographer")), "")


def place_of(record: Record, image: ImageFile) -> Place:
    return replace(record.place, image=image.file_name)


def _check_size(path: Path, limits: IngestLimits) -> None:
    """Raises RejectedImage for a file with no content, or too much of it to be read at all, or none that ends."""
    if not is_regular(path):
        raise RejectedImage("unreadable", "It is not a file that can be read to its end.")
    size = path.stat().st_size
    if size == 0:
        raise RejectedImage("empty-file", "The file has no content.")
    if size > limits.max_file_bytes:
        allowed = f"{limits.max_file_bytes:,} are allowed (LECTOTYPE_MAX_FILE_BYTES)"
        raise RejectedImage("too-many-bytes", f"The file has {size:,} bytes; {allowed}.")
