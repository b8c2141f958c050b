"""What `lectotype doctor` asks of the public address: does this very hub answer there, and what does a proxy do to its answers?

Where nothing answers, that is no fault: the hub may just not be running.
"""

import http.client
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from typing import Any
from urllib.parse import urlsplit

from app.machine import Unwell
from app.runtime import identity
from app.runtime.context import Runtime
from app.runtime.principal import NOBODY
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image import service as images

TIMEOUT_S = 5.0
MOST_BYTES = 20_000_000
LOOKED_AT = 100  # images, until one is found that everybody may see
Check = tuple[str, Callable[[], str]]


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer; header names in any case."""

    status: int
    headers: Message
    body: bytes


class _Stay(urllib.request.HTTPRedirectHandler):
    """Redirections are what we look for."""

    def redirect_request(self, *_: Any, **__: Any) -> None:
        return None


def checks(runtime: Runtime) -> tuple[Check, ...]:
    """One that asks who answers, and, where this hub does, those of what a proxy may spoil."""
    base = runtime.settings.base_url
    checks: list[Check] = [("answers", lambda: _answers(runtime))]
    try:
        if not _is_ours(runtime, ask(f"{base}/health/live")):
            return tuple(checks)
    except (OSError, http.client.HTTPException, ValueError):
        return tuple(checks)
    checks.append(("CORS", lambda: _cors(ask(f"{base}/iiif/3/no-such-image/info.json"))))
    media = _public(runtime)
    if media is not None:
        checks += [
            ("escapes", lambda: _escapes(runtime, media)),
            ("headers", lambda: _headers(runtime, media)),
            ("pictures", lambda: _pictures(runtime, media)),
        ]
    return tuple(checks)


def ask(url: str, **headers: str) -> Reply:
    """GET, without following redirections; OSError where nobody answers in time."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url, headers={"User-Agent": "lectotype-doctor"} | names)  # noqa: S310 - _base_url saw to it
    opener = urllib.request.build_opener(_Stay, urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT_S) as answer:
            return Reply(answer.status, answer.headers, answer.read(MOST_BYTES))
    except urllib.error.HTTPError as error:
        with error:
            return Reply(error.code, error.headers, error.read(MOST_BYTES))


def _is_ours(runtime: Runtime, reply: Reply) -> bool:
    return reply.status == 200 and identity.name(runtime.settings).encode() in reply.body


def _answers(runtime: Runtime) -> str:
    base = runtime.settings.base_url
    try:
        reply = ask(f"{base}/health/live")
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"nobody answers at {base} ({error}); it is not running, or cannot be reached from here"
    if reply.status in (301, 302, 303, 307, 308):
        there = reply.headers.get("Location", "")
        if urlsplit(there).scheme not in ("", urlsplit(base).scheme):
            raise Unwell(f"{base} leads on to {there}: set LECTOTYPE_BASE_URL to the address with {urlsplit(there).scheme}")
        raise Unwell(f"{base} leads on to {there}: set LECTOTYPE_BASE_URL to where the hub is")
    if not _is_ours(runtime, reply):
        raise Unwell(
            f"another server than this hub answers at {base} (status {reply.status}): set LECTOTYPE_BASE_URL, or have the "
            f"proxy pass its requests on to {runtime.settings.host}:{runtime.settings.port}"
        )
    return f"this hub, at {base}"


def _public(runtime: Runtime) -> Media | None:
    """An image that everybody may see."""
    with runtime.reads.begin() as session:
        some = catalogue.list_media(session, state="ready", limit=LOOKED_AT)
    return next((media for media in some if media.access == "open"), None)


def _cors(reply: Reply) -> str:
    values = reply.headers.get_all("Access-Control-Allow-Origin") or []
    if len(values) > 1 or "," in "".join(values):
        raise Unwell(
            f"Access-Control-Allow-Origin comes {len(values)} times, which browsers refuse: the hub sends it, the proxy must not"
        )
    if values != ["*"]:
        raise Unwell(
            f"Access-Control-Allow-Origin is {(values or ['missing'])[0]!r} instead of *: have the proxy pass it on as it is"
        )
    return "Access-Control-Allow-Origin: *, once"


def _escapes(runtime: Runtime, media: Media) -> str:
    """`%2F` must arrive as it was sent: `%252F`, which names nothing, comes to an image where a proxy unescapes."""
    base, naan = runtime.settings.base_url, runtime.settings.naan
    escaped = ask(f"{base}/iiif/3/ark:%2F{naan}%2F{media.key}/info.json").status
    if escaped != 200:
        hint = "nginx: proxy_pass without a path; Apache: AllowEncodedSlashes NoDecode and nocanon"
        raise Unwell(
            f"an identifier with escaped slashes is answered {escaped} instead of 200: the proxy refuses or changes them; {hint}"
        )
    if ask(f"{base}/iiif/3/ark:%252F{naan}%252F{media.key}/info.json").status == 200:
        raise Unwell(
            "the proxy unescapes addresses: pass them on as they come (nginx: proxy_pass without a path; Apache: nocanon)"
        )
    return "slashes arrive as they are sent"


def _headers(runtime: Runtime, media: Media) -> str:
    address = f"{runtime.addresses.image(media.key)}/info.json"
    reply = ask(address)
    lost = [name for name in ("ETag", "Link", "Cache-Control") if name not in reply.headers]
    if lost:
        raise Unwell(
            f"{', '.join(lost)} of an image is lost on the way: have the proxy pass {'it' if len(lost) == 1 else 'them'} on"
        )
    if ask(address, If_None_Match=reply.headers["ETag"]).status != 304:
        raise Unwell("a request with If-None-Match is not answered 304: have the proxy pass conditional requests on")
    return "ETag, Link and Cache-Control arrive"


def _pictures(runtime: Runtime, media: Media) -> str:
    thumbnail = images.thumbnail(runtime.addresses, media, NOBODY)
    assert thumbnail is not None  # noqa: S101 - for the type checker; the image is open
    reply = ask(thumbnail["id"], Accept_Encoding="gzip, deflate, br", Accept="image/avif,image/webp,*/*")
    if reply.headers.get("Content-Encoding") not in (None, "identity"):
        raise Unwell("the proxy compresses JPEG pictures, which costs time and saves nothing: leave image/* out of its types")
    if reply.headers.get("Content-Type") != "image/jpeg" or not reply.body.startswith(b"\xff\xd8"):
        kind = reply.headers.get("Content-Type")
        raise Unwell(f"a JPEG is answered {reply.status} as {kind}: turn off what converts pictures on the way")
    _cors(reply)
    return "arrive as they are sent"
