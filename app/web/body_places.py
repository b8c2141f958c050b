"""Bounds how many threads wait for request bodies, whatever clients do; the others serve requests without one.

A body is received whole before Flask sees the request. A client that sends one slowly holds its place until it is given up
(app/web/slow_clients.py), but no more than that: who finds no place is answered 503.
"""

import threading
from collections.abc import Iterable
from io import BytesIO
from typing import TYPE_CHECKING

from app.problems import problem

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

PATIENCE_S = 2.0  # that a request waits for a place


class BodyPlaces:
    """WSGI middleware."""

    def __init__(self, app: "WSGIApplication", threads: int, most_bytes: int) -> None:
        """Of so many threads a quarter may receive bodies, and as many may wait to. Bodies of more bytes are left to the app."""
        places = max(1, threads // 4)
        self.app = app
        self.most_bytes = most_bytes
        self._places = threading.BoundedSemaphore(places)
        self._waiting = threading.BoundedSemaphore(2 * places)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        size = int(environ.get("CONTENT_LENGTH") or 0)
        chunked = environ.get("HTTP_TRANSFER_ENCODING", "").lower() == "chunked"
        if (not size and not chunked) or size > self.most_bytes:
            return self.app(environ, start_response)
        body = self._received(environ, size if size else self.most_bytes + 1)
        if body is None:
            return problem(503, "Busy", "Too many requests with bodies are being received: try again in a moment.")(
                environ, start_response
            )
        if len(body) < min(size, self.most_bytes):
            return problem(400, "Incomplete", "The connection ended before the whole body had come: nothing was done.")(
                environ, start_response
            )
        environ["wsgi.input"], environ["CONTENT_LENGTH"] = BytesIO(body), str(len(body))
        return self.app(environ, start_response)

    def _received(self, environ: "WSGIEnvironment", most: int) -> bytes | None:
        """The body, up to so many bytes; None where there is no place."""
        if not self._waiting.acquire(blocking=False):
            return None
        try:
            if not self._places.acquire(timeout=PATIENCE_S):
                return None
            try:
                body: bytes = environ["wsgi.input"].read(most)
                return body
            finally:
                self._places.release()
        finally:
            self._waiting.release()
