"""The built front end: which hashed file stands for which source, and how it is sent."""

import json
from functools import cache
from pathlib import Path

from flask import Response, request
from werkzeug.exceptions import NotFound

ASSETS = Path(__file__).parent / "assets"
TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
    ".svg": "image/svg+xml",
}
ENCODINGS = (("br", ".br"), ("gzip", ".gz"))
A_YEAR_S = 31_536_000


def names() -> dict[str, str]:
    """The addresses of pages.css and pages.js; empty where `make assets` never ran."""
    try:
        return _manifest(ASSETS.joinpath("manifest.json").stat().st_mtime_ns)
    except FileNotFoundError:
        return {}


@cache
def _manifest(_changed_ns: int) -> dict[str, str]:
    listed = json.loads(ASSETS.joinpath("manifest.json").read_text())
    return {source: f"/assets/{built}" for source, built in listed.items()}


def send(name: str) -> Response:
    """A built file, in the smallest encoding that the client takes; its name holds its hash, so it may be kept for good."""
    path = ASSETS / name
    media_type = TYPES.get(path.suffix)
    if media_type is None or path.parent != ASSETS or not path.is_file():
        raise NotFound("There is no such file among the assets.")
    encoding, suffix = next(
        (pair for pair in ENCODINGS if _takes(pair[0]) and path.with_name(name + pair[1]).is_file()), ("", "")
    )
    response = Response(path.with_name(name + suffix).read_bytes(), content_type=media_type)
    if encoding:
        response.content_encoding = encoding
    response.vary.add("Accept-Encoding")
    response.cache_control.public = True
    response.cache_control.max_age = A_YEAR_S
    response.cache_control.immutable = True
    response.set_etag(path.stem + suffix)
    response.make_conditional(request)
    return response


def _takes(encoding: str) -> bool:
    return request.accept_encodings.quality(encoding) > 0
