"""Pages and documents compressed by gzip on their way out. Assets were compressed when they were built, pictures are as they are.

Never compressed:
- what only its client may see (`Cache-Control: private`) or what sets a cookie: an observer who has a victim's browser ask for
  words of the observer's choice could guess a secret beside them from the length of the answer (BREACH). What is public holds
  none.
- single annotations: `If-Match` compares ETags strongly (RFC 9110, section 13.1.1), and one ETag for two encodings is weak.
"""

import gzip

from flask import Response, request

TYPES = frozenset({"text/html", "application/json", "application/ld+json"})
LEAST_BYTES = 1_000  # about one packet: below it nothing is won
LEVEL = 6


def compress(response: Response) -> Response:
    """The same answer, compressed where that is possible, allowed and accepted."""
    if response.mimetype not in TYPES or response.is_streamed or _guarded(response):
        return response
    response.vary.add("Accept-Encoding")
    if response.status_code != 200 or response.content_encoding or request.accept_encodings.quality("gzip") <= 0:
        return response
    body = response.get_data()
    if len(body) < LEAST_BYTES:
        return response
    response.set_data(gzip.compress(body, LEVEL, mtime=0))
    response.content_encoding = "gzip"
    tag, _ = response.get_etag()
    if tag is not None:
        response.set_etag(tag, weak=True)
    return response


def _guarded(response: Response) -> bool:
    return bool(response.cache_control.private) or "Set-Cookie" in response.headers or request.path.startswith("/annotations/")
