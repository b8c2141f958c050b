"""Ends connections of clients that neither send nor take: half a body that goes on for ever, an answer that nobody reads.

The web server has a time limit for heads of requests alone, and hands an answer over at once, so that it lies in memory until
it is taken. What a client does is known by the kernel's counts of each connection (Linux, tcp(7), TCP_INFO). A connection stays
as long as in every stretch of `patience_s` seconds

- where something waits to be taken: the client takes LEAST_BYTES_S bytes a second of it;
- where nothing does: it is sent something, or sends LEAST_BYTES_S bytes a second itself.

No request here takes longer to answer than that, and the streams of events say something more often. Where the kernel has no
such counts, nothing is ended: then a reverse proxy has to see to it.
"""

import fcntl
import os
import socket
import stat
import struct
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import structlog

LEAST_BYTES_S = 1_000
LOOKS = 6  # in each stretch
SOCKETS = Path("/proc/self/fd")
COUNTS = struct.Struct("=QQ")  # tcpi_bytes_acked, tcpi_bytes_received
COUNTS_AT = 120  # bytes into struct tcp_info (linux/tcp.h)
NEVER_WAIT = struct.pack("ii", 1, 0)  # SO_LINGER: what is not taken is dropped with the connection
Name = tuple[int, str, int]  # a connection: inode of its socket, address and port of the client
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Counts:
    """Bytes that a client has acknowledged and sent since it came, and those that wait for it in the kernel."""

    taken: int
    sent: int
    waiting: int


@dataclass(frozen=True, slots=True)
class Stretch:
    """When it began, by the monotonic clock, and the counts then."""

    began: float
    counts: Counts

    def goes_on(self, now: Counts) -> bool:
        """Whether what the client has to do is still the same as when it began."""
        return bool(now.waiting) if self.counts.waiting else now.taken == self.counts.taken and not now.waiting

    def too_slow(self, now: Counts, seconds: float) -> bool:
        done = now.taken - self.counts.taken if self.counts.waiting else now.sent - self.counts.sent
        return done < LEAST_BYTES_S * seconds


class SlowClients:
    """The connections of one process that serves `port`."""

    def __init__(self, port: int, patience_s: float) -> None:
        self.port = port
        self.patience_s = patience_s
        self._stretches: dict[Name, Stretch] = {}

    def watch(self) -> None:
        """From now on, in a thread that ends with the process."""
        if sys.platform == "linux" and SOCKETS.is_dir():
            threading.Thread(target=self._run, name="slow-clients", daemon=True).start()

    def _run(self) -> None:
        while True:
            time.sleep(self.patience_s / LOOKS)
            if ended := self.look(time.monotonic()):
                log.info("connections of clients that neither sent nor took enough were ended", connections=ended)

    def look(self, at: float) -> int:
        """Judge every connection by what it did since the last look; how many were ended. `at`: the monotonic clock, seconds."""
        stretches: dict[Name, Stretch] = {}
        ended = 0
        for name, connection in self._connections():
            with closing(connection):
                counts = _counts(connection)
                stretch = self._stretches.get(name)
                if stretch is None or not stretch.goes_on(counts):
                    stretch = Stretch(at, counts)
                elif at - stretch.began >= self.patience_s:
                    if stretch.too_slow(counts, at - stretch.began):
                        ended += 1
                        _end(connection)
                        continue
                    stretch = Stretch(at, counts)
                stretches[name] = stretch
        self._stretches = stretches
        return ended

    def _connections(self) -> Iterator[tuple[Name, socket.socket]]:
        """Those of clients, each by a descriptor of our own, so that it stays the same whatever the server does meanwhile."""
        for entry in SOCKETS.iterdir():
            connection = _own(entry)
            if connection is None:
                continue
            inode = os.fstat(connection.fileno()).st_ino
            try:
                address, port = connection.getpeername()[:2]
                ours = connection.getsockname()[1] == self.port
            except (OSError, ValueError):  # it listens, or is no connection of TCP
                ours = False
            if ours and connection.type == socket.SOCK_STREAM:
                yield (inode, address, port), connection
            else:
                connection.close()


def _own(entry: Path) -> socket.socket | None:
    """The socket behind that entry by a descriptor of our own; None where it is none, or was closed meanwhile.

    No descriptor of a file is ever closed here: to close any of them ends all locks that this process has on that file
    (POSIX, fcntl), and with them those by which SQLite keeps processes apart.
    """
    try:
        if not str(entry.readlink()).startswith("socket:"):
            return None
        descriptor = os.dup(int(entry.name))
    except OSError:  # closed meanwhile
        return None
    if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):  # a file has taken its number just now: ours stays open
        return None
    return socket.socket(fileno=descriptor)


def _counts(connection: socket.socket) -> Counts:
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, COUNTS_AT + COUNTS.size)
    taken, sent = COUNTS.unpack_from(info, COUNTS_AT)
    waiting = struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, b"\0" * 4))[0]
    return Counts(taken, sent, waiting)


def _end(connection: socket.socket) -> None:
    """The server finds it closed, and lets go of what it holds for it."""
    try:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NEVER_WAIT)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return  # it ended by itself
