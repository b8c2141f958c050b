"""Foreign image files are decoded in child processes, which may fail as badly as they like.

A child has no settings in its environment, bounded memory, time, output and open files, and dies with its parent. It runs as
the same user, so what a file makes of a hole in a decoder is not confined by it. As many as were busy at once, up to KEPT, are
kept warm, for a start takes 0.2 s. Threads may call all this at once; each call has a child of its own.
"""

import atexit
import mmap
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import structlog
from numpy.typing import NDArray

from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_protocol
from iiif.image.masters.decoder_protocol import BadReply, Channel, DecodeLimits, ImageFacts
from iiif.image.masters.pixel_file import PixelFile

MODULE = "iiif.image.masters.decoder_process"
ROOT = Path(__file__).resolve().parents[2]
START_S = 60.0
QUEUE_S = 1500.0  # how long a child may wait for its turn at a codec that takes much memory
KEPT = 4  # warm children
MAX_FILES = 100  # that one child decodes, so that what a decoder leaks is bounded
MAX_RESIDENT_MB = 200  # of a child that is kept
TRIES = 2  # where a child dies, for it may have been ended by something else than its file
log = structlog.get_logger()


class DecoderUnavailable(RuntimeError):
    """No decoding process can be started; the image is not to blame, and trying again later is right."""


class _Died(Exception):
    """The child ended, by this signal or exit status (negative and positive, as in subprocess)."""


class _Child:
    """One decoding process."""

    def __init__(self, limits: DecodeLimits) -> None:
        self.limits, self.files = limits, 0
        ours, theirs = socket.socketpair()
        self._channel = Channel(ours)
        arguments = [str(os.getpid()), str(limits.seconds), str(limits.address_space)]
        with theirs:
            self.process = subprocess.Popen(  # noqa: S603 - our own command
                [sys.executable, "-P", "-s", "-m", MODULE, *arguments],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
            )

    def wait_ready(self) -> None:
        """Raises DecoderUnavailable."""
        try:
            self._receive(START_S)
        except (OSError, EOFError, BadReply) as error:
            self.close()
            reason = f"{MODULE} ended with {self.process.returncode} before it was ready"
            raise DecoderUnavailable(reason) from error

    def ask(self, message: Mapping[str, Any], files: Sequence[int]) -> dict[str, Any]:
        """Raises _Died, TimeoutError; after either the child is of no more use."""
        self.files += 1
        try:
            self._channel.send(message, files)
            reply = self._receive(self.limits.seconds)
            if reply.get("state") == "queued":
                self._await_turn()
                reply = self._receive(self.limits.seconds)
        except TimeoutError:
            self.close()
            raise
        except (OSError, EOFError, BadReply) as error:
            self.close(kill=isinstance(error, BadReply))
            raise _Died(self.process.returncode) from error
        return reply

    def _await_turn(self) -> None:
        """Raises DecoderUnavailable if others take too long with a codec that takes much memory."""
        try:
            self._receive(QUEUE_S)
        except TimeoutError as error:
            self.close()
            raise DecoderUnavailable(f"others have been decoding for {QUEUE_S:.0f} s") from error

    def close(self, *, kill: bool = True) -> None:
        """End it, and wait until it is gone."""
        self._channel.close()
        if kill:
            self.process.kill()
        self.process.wait()

    def _receive(self, timeout_s: float) -> dict[str, Any]:
        reply, files = self._channel.receive(timeout_s)
        decoder_protocol.close(files)
        return reply


class _Children:
    """The warm children of one process.

    All are started by one thread that lives as long as the process: Linux ends a child with the thread that started it.
    """

    def __init__(self) -> None:
        self.owner = os.getpid()
        self._starter = ThreadPoolExecutor(1, "decoder-starter")
        self._idle: list[_Child] = []
        self._lock = threading.Lock()
        atexit.register(self.close)

    @contextmanager
    def one(self, limits: DecodeLimits) -> Iterator[_Child]:
        """A child of these limits for one question; it is kept afterwards if the question was answered."""
        child = self._take(limits)
        try:
            yield child
        except BaseException:
            child.close()
            raise
        with self._lock:
            keep = child.files < MAX_FILES and len(self._idle) < KEPT
            if keep:
                self._idle.append(child)
        if not keep:
            child.close()

    def _take(self, limits: DecodeLimits) -> _Child:
        with self._lock:
            found = next((child for child in self._idle if _same(child.limits, limits)), None)
            if found is not None:
                self._idle.remove(found)
        if found is not None and found.process.poll() is None:
            return found
        if found is not None:
            found.close()
        child: _Child = self._starter.submit(_Child, limits).result()
        child.wait_ready()
        return child

    def close(self) -> None:
        """End the warm ones."""
        with self._lock:
            idle, self._idle = self._idle, []
        if self.owner == os.getpid():
            for child in idle:
                child.close()


_children: list[_Children] = []
_children_lock = threading.Lock()


def _of_this_process() -> _Children:
    with _children_lock:
        if not _children or _children[0].owner != os.getpid():
            _children[:] = [_Children()]
        return _children[0]


def end_children() -> None:
    """End the warm children of this process; the next question starts new ones."""
    _of_this_process().close()


def check(path: Path, limits: DecodeLimits, *, whole: bool = False) -> ImageFacts:
    """The facts of an image file from its header; with `whole` it is also decoded to its end, in flat memory.

    Raises:
        RejectedImage: it is no image that can be taken; among the codes are `too-long`, `too-much-memory`, `decoder-died`.
        DecoderUnavailable, FileNotFoundError.
    """
    with path.open("rb") as source:
        reply = _ask("check", limits, {"whole": whole}, [source])
    return _facts(reply)


def derive(path: Path, out: Path, limits: DecodeLimits) -> ImageFacts:
    """Write the derivative of an image file to `out`. Raises what `check` raises; then `out` is not complete."""
    with path.open("rb") as source, tempfile.TemporaryFile(dir=out.parent) as scratch:
        return _facts(_ask("derive", limits, {"out": str(out.resolve())}, [source, scratch]))


def pixels(path: Path, limits: DecodeLimits, folder: Path, max_side: int | None = None) -> NDArray[np.uint8]:
    """(height, width, 3) upright sRGB pixels of an image file, scaled down to `max_side` on the longer side if that is given.

    The array is memory shared with nobody any more. `folder` is for temporary files. Raises what `check` raises.
    """
    with path.open("rb") as source, _shared_memory() as target, tempfile.TemporaryFile(dir=folder) as scratch:
        reply = _ask("pixels", limits, {"max_side": max_side}, [source, target, scratch])
        facts = _facts(reply)
        shape = (facts.height_px, facts.width_px, 3)
        _seal(target)
        if os.fstat(target.fileno()).st_size != shape[0] * shape[1] * 3:
            raise RejectedImage("decoder-died", "The decoder gave a different number of pixels than it announced.")
        memory = mmap.mmap(target.fileno(), 0)
    return np.frombuffer(memory, np.uint8).reshape(shape)


@contextmanager
def pixel_file(path: Path, limits: DecodeLimits, folder: Path) -> Iterator[PixelFile]:
    """The same at full size, in a file without a name in `folder` for the length of the block. Raises what `check` raises."""
    with tempfile.TemporaryFile(dir=folder) as target:
        with path.open("rb") as source, tempfile.TemporaryFile(dir=folder) as scratch:
            facts = _facts(_ask("pixels", limits, {"max_side": None}, [source, target, scratch]))
        if os.fstat(target.fileno()).st_size != facts.width_px * facts.height_px * 3:
            raise RejectedImage("decoder-died", "The decoder gave a different number of pixels than it announced.")
        yield PixelFile(target, facts.width_px, facts.height_px)


def _ask(what: str, limits: DecodeLimits, options: Mapping[str, Any], files: Sequence[BinaryIO]) -> dict[str, Any]:
    """The reply of a child. Raises RejectedImage, DecoderUnavailable."""
    message = {"do": what, "max_pixels": limits.max_pixels, **options}
    status = 0
    for _ in range(TRIES):
        try:
            with _of_this_process().one(limits) as child:
                reply = child.ask(message, [file.fileno() for file in files])
                if reply.get("resident_mb", 0) > MAX_RESIDENT_MB:
                    child.files = MAX_FILES
        except TimeoutError as error:
            sentence = f"Decoding takes longer than {limits.seconds} s (LECTOTYPE_DECODE_SECONDS)."
            raise RejectedImage("too-long", sentence) from error
        except _Died as error:
            status = int(error.args[0])
            log.warning("a decoding process died", status=status, doing=what)
            continue
        if "unavailable" in reply:
            raise DecoderUnavailable(f"decoding cannot write: {str(reply['unavailable'])[:300]}")
        if "code" in reply:
            if reply.get("trace"):
                log.warning("a decoder failed", trace=str(reply["trace"])[:4000])
            raise RejectedImage(str(reply["code"])[:40], str(reply.get("sentence"))[:500])
        return reply
    if status == -signal.SIGXCPU:
        raise RejectedImage("too-long", f"Decoding takes longer than {limits.seconds} s (LECTOTYPE_DECODE_SECONDS).")
    name = signal.Signals(-status).name if status < 0 else f"exit status {status}"
    sentence = f"This file ended the decoder ({name}, twice), as happens with damaged files or without enough memory."
    raise RejectedImage("decoder-died", sentence)


def _facts(reply: Mapping[str, Any]) -> ImageFacts:
    try:
        return ImageFacts.from_reply(reply)
    except BadReply as error:
        raise RejectedImage("decoder-died", f"The decoder gave no usable answer ({error}).") from error


def _same(one: DecodeLimits, other: DecodeLimits) -> bool:
    return (one.seconds, one.address_space) == (other.seconds, other.address_space)


def _environment() -> dict[str, str]:
    """Nothing of ours but what Python and libvips need: no settings, no secrets."""
    threads = str(min(4, os.cpu_count() or 1))
    return {
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "MALLOC_ARENA_MAX": "2",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": "1",
        "VIPS_CONCURRENCY": threads,
        "TMPDIR": tempfile.gettempdir(),
    }


def _shared_memory() -> BinaryIO:
    if sys.platform == "linux":
        return os.fdopen(os.memfd_create("pixels", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING), "w+b")
    return tempfile.TemporaryFile()


def _seal(memory: BinaryIO) -> None:
    """From now on the child, should it live, cannot shrink what is mapped here."""
    if sys.platform == "linux":
        import fcntl

        fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW)
