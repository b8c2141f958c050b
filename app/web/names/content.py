"""Content by its digest: `/.well-known/ni/sha-256/…` (RFC 6920, section 4) for images, masks and pipelines."""

import base64
import binascii
import re

from flask import Blueprint, Response

from analytics import descriptions as of_analysis
from analytics import pipelines
from annotations import masks
from app.runtime import context, ids, principal
from app.runtime.errors import NotFound
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import sees

blueprint = Blueprint("content", __name__)
DIGEST = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)


class UnknownContent(NotFound):
    """Nothing of that digest is here."""


@blueprint.get("/.well-known/ni/sha-256/<digest>")
def read_content(digest: str) -> Response:
    """307 to the file, whose own address says who may have it; the bytes of a pipeline. Raises UnknownContent."""
    sha256, runtime, by = _hexadecimal(digest), context.current(), principal.of_request()
    base = runtime.addresses.base
    with runtime.reads.begin() as session:
        media = catalogue.find_media_by_hash(session, sha256)
        is_mask = media is None and masks.is_kept(session, sha256)
    if media is not None and sees(media, by):
        return _at(f"{base}/api/media/{media.key}/file")
    if is_mask:
        return _at(runtime.addresses.mask(sha256))
    for name in pipelines.names():
        code = pipelines.source(name)
        if ids.ni(sha256) == of_analysis.ni_of_bytes(code):
            return Response(code, content_type="application/yaml")
    for model in of_analysis.own_models(runtime.settings.naan):
        if model.version == f"sha256:{sha256}":
            return _at(f"{runtime.addresses.pid(model.key)}.html", 303)  # its file is not given out, what it is, is
    raise UnknownContent(f"Nothing of the digest sha-256;{digest[:60]} is here.")


def _at(address: str, status: int = 307) -> Response:
    return Response(status=status, headers={"Location": address})


def _hexadecimal(digest: str) -> str:
    """Raises UnknownContent for what is no SHA-256 in base64url without padding."""
    try:
        if DIGEST.fullmatch(digest) is None:
            raise ValueError(digest)
        return base64.urlsafe_b64decode(f"{digest}=").hex()
    except (ValueError, binascii.Error) as error:
        raise UnknownContent(f"{digest[:60]!r} is no SHA-256 as RFC 6920 writes it: 43 characters of base64url.") from error
