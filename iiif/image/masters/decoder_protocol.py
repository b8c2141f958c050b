"""What a process and its decoding child say to each other: one line of JSON each, with open files beside it.

Both ends bound what they read. The child may have been taken over by the file that it decodes, so its replies are checked.
"""

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.runtime.settings import Settings

MAX_LINE = 64_000
MAX_FILES = 3
MAX_SIDE_PX = 200_000
MAX_NAME = 255


@dataclass(frozen=True, slots=True)
class DecodeLimits:
    """What decoding one foreign file may take; `address_space` is in bytes."""

    max_pixels: int
    seconds: int
    address_space: int

    @classmethod
    def of(cls, settings: Settings) -> "DecodeLimits":
        return cls(settings.max_pixels, settings.decode_seconds, settings.decode_bytes)

    def __str__(self) -> str:
        return f"{self.max_pixels} pixels, {self.seconds} s, {self.address_space} bytes"


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the header tells; width and height are those of the upright image, `icc_profile` its profile's own name.

    `frames` above 1 tells of an animation, of which only the first frame is an image here.
    """

    format: str
    width_px: int
    height_px: int
    exif_orientation: int
    icc_profile: str
    frames: int = 1

    @classmethod
    def from_reply(cls, reply: Mapping[str, Any]) -> "ImageFacts":
        """Raises BadReply."""
        values = {name: reply.get(name) for name in cls.__slots__}
        for name, value in values.items():
            expected = str if name in ("format", "icc_profile") else int
            if not isinstance(value, expected) or (isinstance(value, str) and len(value) > MAX_NAME):
                raise BadReply(f"{name} is of another type")
        facts = cls(**values)  # type: ignore[arg-type]  # looked at above
        sides = (facts.width_px, facts.height_px)
        if min(sides) < 1 or max(sides) > MAX_SIDE_PX or not 1 <= facts.exif_orientation <= 8:
            raise BadReply("the facts are out of range")
        return facts


class BadReply(ValueError):
    """The other end does not keep to the protocol."""


class Channel:
    """One end of a connected pair of sockets."""

    def __init__(self, end: socket.socket) -> None:
        self._end, self._read = end, b""

    def send(self, message: Mapping[str, Any], files: Sequence[int] = ()) -> None:
        """One message with descriptors of open files, which stay the sender's to close."""
        line = json.dumps(message).encode() + b"\n"
        sent = socket.send_fds(self._end, [line], files) if files else 0
        self._end.sendall(line[sent:])

    def receive(self, timeout: float | None = None) -> tuple[dict[str, Any], list[int]]:
        """The next message and the files that came with it, which are the caller's to close.

        Raises EOFError where the other end is gone, BadReply, TimeoutError.
        """
        until = None if timeout is None else time.monotonic() + timeout
        files: list[int] = []
        try:
            while b"\n" not in self._read:
                self._end.settimeout(None if until is None else max(0.001, until - time.monotonic()))
                more, fresh, _, _ = socket.recv_fds(self._end, MAX_LINE, MAX_FILES)
                files += fresh
                self._read += more
                if not more:
                    raise EOFError
                if len(self._read) > 2 * MAX_LINE:
                    raise BadReply("the message is too long")
            line, _, self._read = self._read.partition(b"\n")
            return _message(line), files
        except BaseException:
            close(files)
            raise

    def close(self) -> None:
        self._end.close()


def _message(line: bytes) -> dict[str, Any]:
    try:
        message = json.loads(line)
    except ValueError as error:
        raise BadReply("the message is no JSON") from error
    if not isinstance(message, dict):
        raise BadReply("the message is no object")
    return message


def close(files: Sequence[int]) -> None:
    for file in files:
        os.close(file)
