"""A fast path for image tiles, thumbnails and info.json in front of Flask.

Flask's routing and response cost more than such an answer itself. The fast path knows only what is stored as it is sent;
whatever else comes, errors included, goes to Flask.
"""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING

from iiif.image import answers, service
from iiif.image.answers import Answer, Conditions
from iiif.image.gallery import Gallery
from iiif.image.request import Box, Geometry, Rotation, Version, other_side

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

TILE = re.compile(
    r"/iiif/([23])/([0-9a-z]{1,32})/(?:full|(\d{1,9}),(\d{1,9}),(\d{1,9}),(\d{1,9}))/(\d{1,9}),(\d{0,9})/0/default\.jpg", re.ASCII
)
INFO = re.compile(r"/iiif/([23])/([0-9a-z]{1,32})/info\.json", re.ASCII)
UPRIGHT = Rotation.parse("0")
STATUS = {200: "200 OK", 304: "304 Not Modified"}


class FastImages:
    """WSGI middleware."""

    def __init__(self, app: "WSGIApplication", images: Gallery) -> None:
        self.app = app
        self.images = images

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = None
        if environ["REQUEST_METHOD"] == "GET" and environ["PATH_INFO"].startswith("/iiif/"):
            try:
                answer = self._answer(environ)
            except Exception:  # noqa: BLE001 - Flask comes to the same error, puts it into words and logs it
                answer = None
        if answer is None:
            return self.app(environ, start_response)
        start_response(STATUS[answer.status], answer.headers)
        return [answer.body]

    def _answer(self, environ: "WSGIEnvironment") -> Answer | None:
        path = environ["PATH_INFO"]
        tile = TILE.fullmatch(path)
        if tile is not None:
            return self._tile(tile, _conditions(environ))
        asked = INFO.fullmatch(path)
        if asked is None:
            return None
        return answers.of_info(self.images, asked[2], _version(asked[1]), environ.get("HTTP_ACCEPT", ""), _conditions(environ))

    def _tile(self, match: re.Match[str], conditions: Conditions) -> Answer | None:
        served = self.images.find(match[2])
        full_width, full_height = served.media.width_px, served.media.height_px
        box = Box(0, 0, full_width, full_height)
        if match[3] is not None:
            x, y = int(match[3]), int(match[4])
            box = Box(x, y, min(int(match[5]), full_width - x), min(int(match[6]), full_height - y))
        width = int(match[7])
        if box.width < 1 or box.height < 1 or width < 1:
            return None
        height = int(match[8]) if match[8] else other_side(box.width, box.height, width)
        geometry = Geometry(full_width, full_height, box, width, height, UPRIGHT, "default", "jpg")
        if service.tile_of(served, geometry) is None:
            return None
        return answers.of_geometry(self.images, served, geometry, _version(match[1]), conditions)


def _conditions(environ: "WSGIEnvironment") -> Conditions:
    return Conditions(environ.get("HTTP_IF_NONE_MATCH", ""), environ.get("HTTP_IF_MODIFIED_SINCE", ""))


def _version(text: str) -> Version:
    return 2 if text == "2" else 3
