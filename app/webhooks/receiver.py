"""One message to one receiver: signed (Standard Webhooks 1.0), to an address that was checked, in bounded time.

An address that somebody types could lead into our own network: `app/runtime/outside.py` connects to public ones alone.
Redirections are not followed, and little of the answer is read.
"""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.runtime.errors import Invalid
from app.runtime.outside import NotPublic, Pinned, is_public, resolve

LONGEST_URL = 500
ALL_S = 10.0  # for all of it
MOST_READ = 4_096  # bytes of the answer's body
LONGEST_ERROR = 200


@dataclass(frozen=True, slots=True)
class Answer:
    """How a try ended: the status, 0 where there was none, what went wrong, and how long it took."""

    status: int
    error: str
    ms: int

    @property
    def taken(self) -> bool:
        return 200 <= self.status < 300


def check_address(url: str, *, private: bool) -> None:
    """Raises Invalid, NotPublic. Whom its name leads to is looked at when something is sent, and here where it is a number."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise Invalid("The address of a webhook is a whole https address.", parameter="url") from error
    if len(url) > LONGEST_URL or not url.isascii() or not url.isprintable() or " " in url:
        raise Invalid(f"The address of a webhook has up to {LONGEST_URL} plain characters.", parameter="url")
    if parts.scheme not in (("https", "http") if private else ("https",)) or not parts.hostname or port == 0:
        raise Invalid("The address of a webhook begins with https:// and names a host.", parameter="url")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise Invalid("The address of a webhook holds no password and no #: messages are signed instead.", parameter="url")
    try:
        number = ipaddress.ip_address(parts.hostname)
    except ValueError:
        return
    if not private and not is_public(number):
        raise NotPublic("The address of a webhook must be public: this one is of an inner network.", parameter="url")


def sign(secret: str, message_id: str, timestamp: int, body: bytes) -> str:
    """The value of `webhook-signature`: HMAC-SHA256 over id, time and body."""
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()


def send(url: str, secret: str, message_id: str, body: bytes, *, at_s: int, private: bool) -> Answer:
    """One try; whatever goes wrong is told in the answer. `at_s` is the time in seconds since 1970."""
    began = time.monotonic()
    try:
        check_address(url, private=private)
        status, error = _post(url, secret, message_id, body, at_s, private)
    except NotPublic as refused:
        status, error = 0, refused.sentence
    except (OSError, http.client.HTTPException, Invalid, UnicodeError) as failed:
        late = time.monotonic() - began >= ALL_S
        status, error = 0, f"no answer in {ALL_S:.0f} seconds" if late else _plain(f"{type(failed).__name__}: {failed}")
    return Answer(status, error, round((time.monotonic() - began) * 1000))


def _post(url: str, secret: str, message_id: str, body: bytes, at_s: int, private: bool) -> tuple[int, str]:
    parts = urlsplit(url)
    secure, host = parts.scheme == "https", parts.hostname or ""
    port = parts.port or (443 if secure else 80)
    connection = Pinned(host, port, resolve(host, port, private=private), secure)
    watch = threading.Timer(ALL_S, connection.cut)  # a receiver that drips byte after byte passes every other limit
    watch.daemon = True
    watch.start()
    try:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Lectotype-Webhooks",
            "webhook-id": message_id,
            "webhook-timestamp": str(at_s),
            "webhook-signature": sign(secret, message_id, at_s, body),
        }
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=body, headers=headers)
        answer = connection.getresponse()
        text = answer.read(MOST_READ) if not 200 <= answer.status < 300 else b""
        if connection.is_cut:  # half an answer would be taken for a whole one, as its end looks like the end of the headers
            raise TimeoutError
        if 300 <= answer.status < 400:
            return answer.status, "redirections are not followed: give the address to which it leads"
        return answer.status, _plain(text.decode("utf-8", "replace"))
    finally:
        watch.cancel()
        connection.close()


def _plain(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())[:LONGEST_ERROR]
