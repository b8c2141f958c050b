"""One message to one receiver: signed (Standard Webhooks 1.0), to an address that was checked, in bounded time.

An address that somebody types could lead into our own network (SSRF). So the name is resolved here, every address that it has
must be public, and the connection is made to the very address that was checked: a name that means something else a moment later
changes nothing. Redirections are not followed, no proxy and no credentials are used, and little of the answer is read.
"""

import base64
import hashlib
import hmac
import http.client
import ipaddress
import socket
import ssl
import threading
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from app.runtime.errors import Invalid

LONGEST_URL = 500
CONNECT_S, ALL_S = 5.0, 10.0  # to connect, and for all of it
MOST_READ = 4_096  # bytes of the answer's body
LONGEST_ERROR = 200
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Invalid):
    """The address leads to what is not public."""


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


def is_public(address: Address) -> bool:
    """Whether it is of the public internet, also within an address of the other family."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.is_site_local:
            return False
    return address.is_global and not address.is_multicast


def resolve(host: str, port: int, *, private: bool) -> str:
    """The address to connect to. Raises NotPublic where any that the name has is not public, OSError where it has none."""
    found = [str(one[4][0]) for one in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    if not private and not all(is_public(ipaddress.ip_address(one.partition("%")[0])) for one in found):
        raise NotPublic(f"{host} leads to an address that is not public, so nothing was sent.")
    return found[0]


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
    connection = _Pinned(host, port, resolve(host, port, private=private), secure)
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


class _Pinned(http.client.HTTPConnection):
    """A connection to that address, under that name."""

    def __init__(self, host: str, port: int, address: str, secure: bool) -> None:
        super().__init__(host, port, timeout=CONNECT_S)
        self.default_port = 443 if secure else 80
        self.address = address
        self.context = ssl.create_default_context() if secure else None
        self.raw: socket.socket | None = None
        self.is_cut = False

    def connect(self) -> None:
        self.raw = socket.create_connection((self.address, self.port), CONNECT_S)
        self.sock = self.raw
        if self.context is not None:
            self.sock = self.raw = self.context.wrap_socket(self.raw, server_hostname=self.host)

    def cut(self) -> None:
        """End it from another thread."""
        self.is_cut = True
        if self.raw is not None:
            try:
                self.raw.shutdown(socket.SHUT_RDWR)
            except OSError:
                return
