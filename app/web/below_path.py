"""A hub below a path: `LECTOTYPE_BASE_URL=https://museum.example/collections`.

A reverse proxy may hand the path on or take it off: both are understood. Pages and redirections are told of the path by
SCRIPT_NAME (PEP 3333), so that their links lead through the proxy in either case.
"""

from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment


class BelowPath:
    """WSGI middleware; `base_url` has a path."""

    def __init__(self, app: "WSGIApplication", base_url: str) -> None:
        self.app = app
        self.path = path_of(base_url)

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        asked = environ["PATH_INFO"]
        if asked == self.path or asked.startswith(f"{self.path}/"):
            environ["PATH_INFO"] = asked[len(self.path) :] or "/"
        environ["SCRIPT_NAME"] = self.path
        return self.app(environ, start_response)


def path_of(base_url: str) -> str:
    """The path below which the hub stands, as WSGI has it: decoded, without a slash at its end; empty where there is none."""
    return unquote(urlsplit(base_url).path, encoding="latin-1").rstrip("/")
