"""The image server's answers in front of Flask, whose routing and response cost more than most of them.

Every error here passes the request on to Flask, which meets the same error, answers with a sentence and logs it. Only a full
queue is answered here, so that a flood of requests costs little.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from app.runtime import metrics
from app.runtime.http import encode
from iiif.image.errors import Busy
from iiif.image.serving import responses
from iiif.image.serving.open_images import OpenImages
from iiif.image.serving.responses import CORS, ImageResponse

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

STATUS = {
    200: "200 OK",
    206: "206 Partial Content",
    303: "303 See Other",
    304: "304 Not Modified",
    416: "416 Range Not Satisfiable",
}
LONGEST = 2_000  # characters of an address of an image
RETRY_S = 5


class FastImages:
    """WSGI middleware."""

    def __init__(self, app: "WSGIApplication", images: OpenImages) -> None:
        self.app = app
        self.answers = responses.of(images)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if environ["REQUEST_METHOD"] in ("GET", "HEAD") and path.startswith(("/iiif/3/", "/iiif/2/")) and len(path) <= LONGEST:
            try:
                answer = self.answers.answer(environ)
            except Busy as busy:
                metrics.image_answered("refused", "json", "none")
                return _busy(busy, environ, start_response)
            except Exception:  # noqa: BLE001 - Flask comes to the same error, puts it into words and logs it
                metrics.image_answered("error", "json", "none")
                return self.app(environ, start_response)
            body = answer.body if environ["REQUEST_METHOD"] == "GET" else b""
            _count(answer, len(body))
            start_response(STATUS[answer.status], answer.headers)
            return [body]
        return self.app(environ, start_response)


def _count(answer: ImageResponse, sent_bytes: int) -> None:
    lane: metrics.Lane = "info" if answer.format == "json" else "tile" if answer.source == "stored" else "render"
    metrics.image_answered(lane, answer.format, "unchanged" if answer.status == 304 else answer.source or "none", sent_bytes)


def _busy(busy: Busy, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
    """503 as app/problems.py would put it."""
    body = encode({"type": "about:blank", "title": "Busy", "status": 503, "detail": busy.sentence})
    headers = [("Content-Type", "application/problem+json"), ("Content-Length", str(len(body))), ("Retry-After", str(RETRY_S))]
    start_response("503 Service Unavailable", [*headers, ("Cache-Control", "no-store"), *CORS])
    return [body if environ["REQUEST_METHOD"] == "GET" else b""]
