"""The decoding child: `python -m iiif.image.masters.decoder_process PARENT SECONDS ADDRESS_SPACE`, on a socket.

Foreign files are decoded here and nowhere else. It is started and asked by decoder_client.py, one question at a time.
"""

import ctypes
import errno
import os
import resource
import signal
import socket
import sys
import traceback
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO

from app.runtime.file_lock import FileLock
from iiif.image.errors import RejectedImage
from iiif.image.masters.decoder_protocol import Channel, ImageFacts

PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 1, 38
MAX_OPEN = 64
DISK_FAULTS = (errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS)
DISK_TROUBLE = tuple(os.strerror(number) for number in DISK_FAULTS)  # as libvips cites the system
HUNGRY = ("image/jp2", "image/x-dcraw", "image/x-adobe-dng")  # decoded in memory as a whole, so one at a time on a machine


def main(parent: int, seconds: int, address_space: int) -> None:
    """Answer questions until the other end is closed."""
    _confine(parent, address_space)
    channel = Channel(socket.socket(fileno=0))
    from iiif.image.masters import master, pyramid_writer  # noqa: F401 - loaded before the first question, and under the limits

    channel.send({"state": "ready"})
    while True:
        try:
            message, files = channel.receive()
        except EOFError:
            return
        _allow(seconds)
        reply = _answer(channel, message, [os.fdopen(file, "r+b" if number else "rb") for number, file in enumerate(files)])
        channel.send(reply | {"resident_mb": _resident_mb()})


def _confine(parent: int, address_space: int) -> None:
    """Give up what decoding does not need. Files are bounded as memory is, for turned images are laid down in one."""
    if sys.platform == "linux":
        libc = ctypes.CDLL(None)
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    for kind, limit in (
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, MAX_OPEN),
        (resource.RLIMIT_FSIZE, address_space),
        (resource.RLIMIT_AS, address_space),
    ):
        most = resource.getrlimit(kind)[1]
        limit = limit if most == resource.RLIM_INFINITY else min(limit, most)
        if kind == resource.RLIMIT_AS and sys.platform == "darwin":
            continue  # macOS bounds no address space
        resource.setrlimit(kind, (limit, limit))


def _allow(seconds: int) -> None:
    """From now on so many seconds of all threads; the parent's clock stops what sleeps instead."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    threads = min(4, os.cpu_count() or 1)
    limit = int(used.ru_utime + used.ru_stime) + 1 + seconds * threads
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (limit if most == resource.RLIM_INFINITY else min(limit, most), most))


def _answer(channel: Channel, message: Mapping[str, Any], files: list[BinaryIO]) -> dict[str, Any]:
    """Whatever a decoder raises becomes a refusal, for it is of the file that it speaks."""
    import pyvips

    from iiif.image.masters.master import broken

    try:
        try:
            return _OPERATIONS[message["do"]](channel, message, files)
        except pyvips.Error as error:
            trouble = next((words for words in DISK_TROUBLE if words in str(error)), None)
            if trouble is not None:
                return {"unavailable": trouble}
            raise broken(error) from error
    except RejectedImage as error:
        return {"code": error.code, "sentence": error.sentence}
    except MemoryError:
        space = f"{resource.getrlimit(resource.RLIMIT_AS)[0]:,} bytes of memory (LECTOTYPE_DECODE_BYTES)"
        return {"code": "too-much-memory", "sentence": f"Decoding needs more than {space}."}
    except OSError as error:
        if error.errno in DISK_FAULTS:
            return {"unavailable": str(error)}
        return _unreadable(error)
    except Exception as error:  # noqa: BLE001 - codecs raise errors of every class
        return _unreadable(error)
    finally:
        for file in files:
            file.close()
        while _turn:
            _turn.pop().close()


def _unreadable(error: Exception) -> dict[str, Any]:
    sentence = f"The file is cut off or its data are broken: {type(error).__name__}: {error}"[:300].rstrip(".") + "."
    return {"code": "truncated-image", "sentence": sentence, "trace": traceback.format_exc()[-4000:]}


def _check(channel: Channel, message: Mapping[str, Any], files: list[BinaryIO]) -> dict[str, Any]:
    from iiif.image.masters.master import open_master

    opened = open_master(files[0].fileno(), max_pixels=message["max_pixels"])
    if message["whole"]:
        _queue(channel, opened.facts)
        opened.read_through()
    return _facts_message(opened.facts)


def _derive(channel: Channel, message: Mapping[str, Any], files: list[BinaryIO]) -> dict[str, Any]:
    """A second, more forgiving pass where the first one stopped at a warning that tells of no damage."""
    import pyvips

    from iiif.image.masters import pyramid_writer
    from iiif.image.masters.master import is_damage, open_master, upright

    source, scratch = files
    target = Path(message["out"])
    opened = open_master(source.fileno(), max_pixels=message["max_pixels"])
    _queue(channel, opened.facts)
    camera = opened.camera().to_json()
    try:
        pyramid_writer.write(upright(opened, scratch, strict=True), target, camera)
    except pyvips.Error as warning:
        if is_damage(warning):
            raise
        pyramid_writer.write(upright(opened, scratch, strict=False), target, camera)
    return _facts_message(opened.facts)


def _pixels(channel: Channel, message: Mapping[str, Any], files: list[BinaryIO]) -> dict[str, Any]:
    import pyvips

    from iiif.image.masters.master import open_master, upright

    source, target, scratch = files
    opened = open_master(source.fileno(), max_pixels=message["max_pixels"])
    _queue(channel, opened.facts)
    image, max_side = upright(opened, scratch, strict=False), message["max_side"]
    longest = max(image.width, image.height)
    if max_side is not None and longest > max_side:
        image = image.resize(max_side / longest, kernel="lanczos3")
    target.seek(0)
    target.truncate()
    image.rawsave_target(pyvips.Target.new_to_descriptor(target.fileno()))
    return _facts_message(opened.facts) | {"width_px": image.width, "height_px": image.height}


def _facts_message(facts: ImageFacts) -> dict[str, Any]:
    return {name: getattr(facts, name) for name in ImageFacts.__slots__}


def _queue(channel: Channel, facts: ImageFacts) -> None:
    """Wait until no other child that runs this very file decodes one that takes much memory; the lock ends with the question.

    Where the file system knows no locks, nobody waits.
    """
    if facts.format not in HUNGRY or _turn:
        return
    lock = FileLock(Path(__file__), make=False)
    channel.send({"state": "queued"})
    _turn.append(lock)
    with suppress(OSError):
        lock.wait()
    channel.send({"state": "begun"})


def _resident_mb() -> int:
    """What the process holds now; 0 where the system does not tell so."""
    status = Path("/proc/self/statm")
    return int(status.read_text().split()[1]) * resource.getpagesize() // 1_000_000 if status.exists() else 0


_turn: list[FileLock] = []
_OPERATIONS: dict[str, Callable[[Channel, Mapping[str, Any], list[BinaryIO]], dict[str, Any]]] = {
    "check": _check,
    "derive": _derive,
    "pixels": _pixels,
}

if __name__ == "__main__":
    main(*(int(argument) for argument in sys.argv[1:]))
