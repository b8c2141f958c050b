"""Another museum's web server on the loopback: documents and files at addresses, and whatever a test wants to go wrong."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Answer = tuple[int, dict[str, str], bytes]
Given = bytes | str | dict[str, Any] | list[Any] | Callable[["dict[str, str]"], Answer]


@dataclass
class Museum:
    """`things` are what it gives at a path: JSON, bytes, or a function of the request's headers. `asked` is every path."""

    address: str
    things: dict[str, Given] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    def answer(self, path: str, headers: dict[str, str]) -> Answer:
        self.asked.append(path)
        thing = self.things.get(path)
        if thing is None:
            return 404, {}, b"nothing here"
        if callable(thing):
            return thing(headers)
        is_file = isinstance(thing, bytes)
        body = thing if isinstance(thing, bytes) else (thing if isinstance(thing, str) else json.dumps(thing)).encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if headers.get("if-none-match") == etag:
            return 304, {"ETag": etag}, b""
        kind = "image/jpeg" if is_file else "application/ld+json"
        wanted = headers.get("range", "")
        if is_file and wanted.startswith("bytes=") and headers.get("if-range", etag) == etag:
            begun = int(wanted.removeprefix("bytes=").rstrip("-"))
            said = {"ETag": etag, "Content-Type": kind, "Content-Range": f"bytes {begun}-{len(body) - 1}/{len(body)}"}
            return 206, said, body[begun:]
        return 200, {"ETag": etag, "Content-Type": kind}, body


@contextmanager
def museum() -> Iterator[Museum]:
    """It is closed on leaving."""
    found = Museum("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, headers, body = found.answer(self.path, {name.lower(): value for name, value in self.headers.items()})
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)
            self.close_connection = True

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found.address = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
