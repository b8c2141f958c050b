"""The file of an image as it came, for those whom the rights allow it: whole or a range of it, under its own name.

It is given out where the image is open and no more is held back of it: neither its full size, nor the place of a specimen that it
shows, which the file may tell. Who may see closed images of its collection gets it in any case.
"""

import base64
import io
from collections.abc import Callable

from flask import Blueprint, Response, request, send_file
from sqlalchemy.orm import Session

from app.runtime import context, principal
from app.runtime.blobs import RandomAccess
from app.runtime.errors import Forbidden, NotFound
from app.runtime.http import depends_on
from app.runtime.principal import Principal, may
from app.runtime.settings import Settings
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import UnknownMedia
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import view_of
from iiif.image.request import SizeLimits
from iiif.presentation.manifest import rights_of

BUFFER_BYTES = 262_144
blueprint = Blueprint("original_files", __name__)


@blueprint.get("/api/media/<key>/file")
def read_file(key: str) -> Response:
    """200, or 206 for a range; the licence in `Link`, the digest in `Repr-Digest` (RFC 9530). Raises UnknownMedia, Closed,
    NotYours, Forbidden where it is not given out, NotFound where its bytes are not in the store."""
    by, runtime = principal.of_page(), context.current()
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, key[:64])
        view_of(media, by)
        if media.state != "ready":
            raise UnknownMedia(f"The image {media.key!r} is {media.state}: its file is not given out before it can be shown.")
        if why := refused(session, media, runtime.settings, by):
            raise Forbidden(f"The file of image {media.key} is not given out: {why}")
        licence = rights_of(places.as_seen(catalogue.get_specimen(session, media.specimen_key), by), media)
    if not runtime.blobs.has(media.sha256):
        raise NotFound(f"The file of image {media.key!r} is not in the store of this hub.")
    return _sent(media, licence, runtime.blobs.file(media.sha256), by)


def refused(session: Session, media: Media, settings: Settings, by: Principal) -> str:
    """Why `by` does not get the file, as a sentence; empty where they do."""
    if may(by, "see", media):
        return ""
    if not settings.original_files:
        return "this hub gives no originals out."
    if media.access == "closed":
        return "the image is not public."
    if media.access == "reduced":
        return "the public sees a small picture of it only."
    if not SizeLimits(settings.max_width, settings.max_area).allow(media.width_px, media.height_px):
        return "it is larger than the pictures that this hub gives out."
    if catalogue.withholds_place(session, media.key):
        return "its record holds the place back, and the file may tell it."
    return ""


def _sent(media: Media, licence: str, file: RandomAccess, by: Principal) -> Response:
    response = send_file(
        io.BufferedReader(_Reading(file), BUFFER_BYTES),
        mimetype=media.format,
        as_attachment=True,
        download_name=media.file_name,
        conditional=False,
        etag=media.sha256,
    )
    response.headers["Repr-Digest"] = f"sha-256=:{base64.b64encode(bytes.fromhex(media.sha256)).decode()}:"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    if licence:
        response.headers.add("Link", f'<{licence}>; rel="license"')
    response.content_length = file.size
    response.cache_control.no_cache = True
    depends_on(response, by)
    response.make_conditional(request, accept_ranges=True, complete_length=file.size)
    return response


class _Reading(io.RawIOBase):
    """A file of the store as one that is read from a place on."""

    def __init__(self, file: RandomAccess) -> None:
        super().__init__()
        self._read_at: Callable[[int, int], bytes] = file.read_at
        self._size, self._at = file.size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        self._at = max(0, offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence])
        return self._at

    def readinto(self, buffer: "memoryview | bytearray") -> int:  # type: ignore[override]  # the buffer protocol has no type in 3.11
        found = self._read_at(len(buffer), self._at)
        buffer[: len(found)] = found
        self._at += len(found)
        return len(found)
