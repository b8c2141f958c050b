"""Ask other servers: politely, within limits, and never one of our own network.

Each address, redirections included, is http or https, of a host that the source's rules allow, and public
(`app/runtime/outside.py`). Requests to one host keep a pause. A server that is busy is asked again when it says so (RFC 9110,
10.2.3). A document has a most of bytes and of seconds. The file of an image comes in as a stream; one that broke off goes on
where it stopped, as long as it is the same file (RFC 9110, 13.1.5 and 14.2).
"""

import http.client
import ipaddress
import json
import math
import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urljoin, urlsplit, urlunsplit

from app.runtime.outside import NotPublic, Pinned, is_public, resolve
from iiif.harvest.errors import CannotFetch, NotAllowedThere, NotReadable

ACCEPT = (
    'application/ld+json;profile="http://iiif.io/api/presentation/3/context.json", application/ld+json, application/json;q=0.9'
)
AGENT = "Lectotype-Harvester"
LONGEST_URL, LONGEST_NUMBER = 2_000, 100
DEEPEST = 100  # levels of a document
UNFIT = re.compile("[\x00\ud800-\udfff]")
MOST_REDIRECTIONS = 5
TRIES = 4
DOCUMENT_S, IMAGE_S, STALL_S = 60.0, 1_800.0, 30.0
LONGEST_WAIT_S = 60.0  # that a server may ask for by Retry-After
CHUNK = 1 << 17
BUSY = frozenset({429, 502, 503, 504})
Sleep = Callable[[float], None]


@dataclass(frozen=True, slots=True)
class Rules:
    """What may be asked of whom. `hosts` are the only ones that are asked; without any, every public one.

    `private` allows addresses of an inner network, for hubs that stand side by side.
    """

    hosts: tuple[str, ...] = ()
    private: bool = False
    pause_s: float = 0.2
    max_document_bytes: int = 20_000_000
    max_image_bytes: int = 2_000_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """By what a server tells whether a thing is still as we have it: the headers ETag and Last-Modified that came with it."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True, slots=True)
class Fetched:
    """A document with the address that gave it; `known` is for the next time."""

    document: Any
    known: Known
    url: str


@dataclass(slots=True)
class Fetcher:
    """Asks servers by the rules of a source. One at a time: it keeps when which host was asked last."""

    rules: Rules
    sleep: Sleep = time.sleep
    asked_at_s: dict[str, float] = field(default_factory=dict)
    requests: int = 0

    def document(self, url: str, known: Known = Known()) -> Fetched | None:
        """The JSON document at the address; None where it is as it was. Raises CannotFetch, NotReadable."""
        headers = {"Accept": ACCEPT, "Accept-Encoding": "identity", **_conditions(known)}
        for _ in range(TRIES):
            with self._answer(url, headers, DOCUMENT_S) as (answer, at):
                if answer.status == 304 and _conditions(known):
                    return None
                if self._is_busy(answer):
                    continue
                _check_status(answer, at)
                body = _read(answer, self.rules.max_document_bytes, at, DOCUMENT_S)
                return Fetched(_parsed(body, at), _known(answer), at)
        raise CannotFetch(f"{url[:200]} is busy: it was asked {TRIES} times.", 503)

    def image(self, url: str, path: Path, known: Known = Known()) -> Known | None:
        """Have the file of an image at `path`; None where it is as it was. What a broken connection left there is used.

        Raises CannotFetch; what came so far stays beside it for the next time.
        """
        part, tag = path.with_suffix(".part"), path.with_suffix(".etag")
        for _ in range(TRIES):
            begun = part.stat().st_size if part.exists() and tag.exists() else 0
            headers = {"Accept": "image/*", "Accept-Encoding": "identity"}
            headers |= {"Range": f"bytes={begun}-", "If-Range": tag.read_text()} if begun else _conditions(known)
            with self._answer(url, headers, IMAGE_S) as (answer, at):
                if answer.status == 304 and not begun and _conditions(known):
                    return None
                if self._is_busy(answer):
                    continue
                if answer.status == 416:  # the file is shorter than what is here
                    part.unlink(missing_ok=True)
                    continue
                if answer.status == 206 and not (begun and answer.headers.get("Content-Range", "").startswith(f"bytes {begun}-")):
                    part.unlink(missing_ok=True)  # another part than was asked for: all of it, then
                    continue
                _check_status(answer, at)
                found = _known(answer)
                tag.write_text(found.etag) if _is_strong(found.etag) else tag.unlink(missing_ok=True)
                _keep(answer, part, begun if answer.status == 206 else 0, self.rules.max_image_bytes, at)
            part.replace(path)
            tag.unlink(missing_ok=True)
            return found
        raise CannotFetch(f"{url[:200]} is busy, or gives parts alone: it was asked {TRIES} times.", 503)

    def _is_busy(self, answer: http.client.HTTPResponse) -> bool:
        if answer.status not in BUSY:
            return False
        text = answer.headers.get("Retry-After", "")
        self.sleep(min(float(text) if text.isascii() and text.isdigit() else 2.0, LONGEST_WAIT_S))
        return True

    @contextmanager
    def _answer(self, url: str, headers: Mapping[str, str], all_s: float) -> Iterator[tuple[http.client.HTTPResponse, str]]:
        """The answer to a GET, and the address that gave it after redirections. Raises CannotFetch."""
        for _ in range(MOST_REDIRECTIONS + 1):
            parts = check(url, self.rules)
            connection = self._connect(parts.hostname or "", parts.port, parts.scheme == "https", url)
            watch = threading.Timer(all_s, connection.cut)  # a server that drips byte after byte passes every other limit
            watch.daemon = True
            watch.start()
            try:
                answer = _ask(connection, parts.path or "/", parts.query, headers, url)
                if answer.status not in (301, 302, 303, 307, 308):
                    with _broken_off(url, connection, all_s):
                        yield answer, url
                    return
                url = urljoin(url, answer.headers.get("Location", ""))
            finally:
                watch.cancel()
                connection.close()
        raise CannotFetch(f"The address leads on more than {MOST_REDIRECTIONS} times, last to {url[:200]}.")

    def _connect(self, host: str, port: int | None, secure: bool, url: str) -> Pinned:
        number = port or (443 if secure else 80)
        wait_s = self.asked_at_s.get(host, 0.0) + self.rules.pause_s - time.monotonic()
        if wait_s > 0:
            self.sleep(wait_s)
        self.asked_at_s[host] = time.monotonic()
        self.requests += 1
        try:
            return Pinned(host, number, resolve(host, number, private=self.rules.private), secure)
        except NotPublic as refused:
            raise NotAllowedThere(refused.sentence) from refused
        except (OSError, UnicodeError) as error:
            raise CannotFetch(f"The host of {url[:200]} was not found ({error}).") from error


def check(url: str, rules: Rules) -> Any:
    """The parts of an address that may be asked, with what is not ASCII in it escaped. Raises NotAllowedThere."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotAllowedThere(f"{url[:200]!r} is no address.") from error
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0 or len(url) > LONGEST_URL:
        raise NotAllowedThere(f"{url[:200]!r} is not asked: only http and https addresses of up to {LONGEST_URL} characters are.")
    if parts.username is not None or parts.password is not None:
        raise NotAllowedThere(f"{url[:200]!r} is not asked: it holds a name or a password.")
    if rules.hosts and parts.hostname.lower() not in rules.hosts:
        raise NotAllowedThere(f"{parts.hostname} is not among the hosts of this source: name it with --host if it may be asked.")
    try:
        number = ipaddress.ip_address(parts.hostname)
    except ValueError:
        pass
    else:
        if not rules.private and not is_public(number):
            raise NotAllowedThere(f"{parts.hostname} is of an inner network, and is not asked.")
    if any(ord(char) <= 32 or ord(char) == 127 for char in url):
        raise NotAllowedThere(f"{url[:200]!r} is no address: it holds blanks or control characters.")
    path, query = quote(parts.path, safe="%/:=&?~#+!$,;'@()*[]"), quote(parts.query, safe="%/:=&?~#+!$,;'@()*[]")
    return urlsplit(urlunsplit((parts.scheme, parts.netloc, path, query, "")))


def _ask(connection: Pinned, path: str, query: str, headers: Mapping[str, str], url: str) -> http.client.HTTPResponse:
    try:
        connection.connect()
        connection.sock.settimeout(STALL_S)
        connection.request("GET", path + (f"?{query}" if query else ""), headers={"User-Agent": AGENT, **headers})
        return connection.getresponse()
    except (OSError, http.client.HTTPException, UnicodeError) as error:
        raise CannotFetch(f"{url[:200]} did not answer ({type(error).__name__}: {str(error)[:100]}).") from error


@contextmanager
def _broken_off(url: str, connection: Pinned, all_s: float) -> Iterator[None]:
    try:
        yield
    except (OSError, http.client.HTTPException) as error:
        reason = f"it took more than {all_s:.0f} seconds" if connection.is_cut else f"{type(error).__name__}: {str(error)[:100]}"
        raise CannotFetch(f"{url[:200]} broke off ({reason}).") from error


def _check_status(answer: http.client.HTTPResponse, url: str) -> None:
    if answer.status not in (200, 206):
        raise CannotFetch(f"{url[:200]} answered {answer.status} {answer.reason[:60]}.", answer.status)


def _conditions(known: Known) -> dict[str, str]:
    """RFC 9110, 13.1: If-Modified-Since counts for nothing beside If-None-Match."""
    if known.etag:
        return {"If-None-Match": known.etag}
    return {"If-Modified-Since": known.modified} if known.modified else {}


def _known(answer: http.client.HTTPResponse) -> Known:
    said = (answer.headers.get(name, "")[:200] for name in ("ETag", "Last-Modified"))
    return Known(*(text if text.isprintable() else "" for text in said))


def _is_strong(etag: str) -> bool:
    return etag.startswith('"') and len(etag) > 2


def _read(answer: http.client.HTTPResponse, most: int, url: str, all_s: float) -> bytes:
    body, until = bytearray(), time.monotonic() + all_s
    while chunk := answer.read1(CHUNK):
        body += chunk
        if len(body) > most:
            raise CannotFetch(f"{url[:200]} has more than {most:,} bytes.")
        if time.monotonic() > until:
            raise CannotFetch(f"{url[:200]} took more than {all_s:.0f} seconds.")
    _check_whole(answer, url)
    return bytes(body)


def _keep(answer: http.client.HTTPResponse, part: Path, begun: int, most: int, url: str) -> None:
    """Write the answer's body behind the first `begun` bytes of the file."""
    size = begun
    with part.open("ab" if begun else "wb") as stream:
        while chunk := answer.read1(CHUNK):
            size += len(chunk)
            if size > most:
                raise CannotFetch(f"{url[:200]} has more than {most:,} bytes.")
            stream.write(chunk)
    _check_whole(answer, url)


def _check_whole(answer: http.client.HTTPResponse, url: str) -> None:
    """`read1` takes an early end for the end."""
    if answer.length:
        raise CannotFetch(f"{url[:200]} broke off with {answer.length:,} bytes to come.")


def _parsed(body: bytes, url: str) -> Any:
    """JSON that can be kept: not nested deeper than DEEPEST, no number that is none, and no character that no text may hold."""
    try:
        return _sound(json.loads(body, parse_float=_finite, parse_int=_short, parse_constant=_refused))
    except (ValueError, RecursionError) as error:
        raise NotReadable(f"{url[:200]} is not JSON ({str(error)[:100]}).") from error


def _sound(document: Any) -> Any:
    """The document with U+FFFD for NUL and for halves of characters. Raises ValueError where it is nested too deep."""
    whole = [document]
    waiting: list[tuple[Any, int]] = [(whole, 0)]
    while waiting:
        one, depth = waiting.pop()
        if depth > DEEPEST:
            raise ValueError(f"it is nested deeper than {DEEPEST} levels")
        if isinstance(one, dict) and any(map(UNFIT.search, one)):
            held = {UNFIT.sub("\ufffd", name): value for name, value in one.items()}
            one.clear()
            one.update(held)
        for place, value in one.items() if isinstance(one, dict) else enumerate(one):
            if isinstance(value, str) and UNFIT.search(value):
                one[place] = UNFIT.sub("\ufffd", value)
            elif isinstance(value, dict | list):
                waiting.append((value, depth + 1))
    return whole[0]


def _finite(text: str) -> float:
    if math.isfinite(number := float(text)):
        return number
    raise ValueError(f"{text[:20]} is too great a number")


def _short(text: str) -> int:
    if len(text) > LONGEST_NUMBER:
        raise ValueError(f"{text[:20]}… is too great a number")
    return int(text)


def _refused(text: str) -> None:
    raise ValueError(f"{text} is no number")
