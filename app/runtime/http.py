"""What all views share: bodies with their ETag, conditional answers, and page numbers."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Response, request

from app.runtime.errors import Invalid
from app.runtime.principal import Principal

JSON = "application/json"
JSON_LD = "application/ld+json"
IIIF_PRESENTATION = 'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json"'
ANNO = 'application/ld+json; profile="http://www.w3.org/ns/anno.jsonld"'


def encode(value: Any) -> bytes:
    """JSON in UTF-8, without needless spaces, keys in the order given."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def etag_of(body: bytes) -> str:
    """A short digest of the content, without quotes."""
    return hashlib.sha256(body).hexdigest()[:32]


def answer(
    value: Any,
    media_type: str = JSON,
    status: int = 200,
    *,
    by: Principal | None = None,
    etag: str = "",
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The value as JSON with an ETag of its content (or the one given); 304 where the client has it already.

    `by` is who asks, where the answer depends on that.
    """
    body = encode(value)
    response = Response(body, status, content_type=media_type)
    response.set_etag(etag or etag_of(body))
    response.headers.extend(dict(headers or {}))
    response.vary.add("Accept")
    if by is not None:
        depends_on(response, by)
    if status == 200:
        response.make_conditional(request)
    return response


def depends_on(response: Response, by: Principal) -> None:
    """Have caches know that others may be answered otherwise, and keep what a token opened to its bearer. What a cookie opened
    is not kept at all (`app/web/visits.py`)."""
    response.vary.add("Authorization")
    if by.name:
        response.cache_control.private = True


def integer(name: str, default: int, low: int, high: int) -> int:
    """A whole number from the query string, or Invalid that names its limits."""
    text = request.args.get(name)
    if text is None or text == "":
        return default
    if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) is None or not low <= int(text) <= high:
        raise Invalid(f"{name} must be a whole number from {low} to {high}, not {text[:40]!r}.", parameter=name)
    return int(text)
