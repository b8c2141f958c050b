"""Connections to addresses that come from outside, without being led into our own network (SSRF).

The name is resolved here, every address that it has must be public, and the connection is made to the very address that was
checked: a name that means something else a moment later changes nothing. No proxy and no credentials are used.
"""

import http.client
import ipaddress
import socket
import ssl

from app.runtime.errors import Invalid

CONNECT_S = 5.0
NAT64 = ipaddress.ip_network("64:ff9b::/96")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotPublic(Invalid):
    """The address leads to what is not public."""


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
        raise NotPublic(f"{host} leads to an address that is not public.")
    return found[0]


class Pinned(http.client.HTTPConnection):
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
