"""The cache of rendered pictures: on disk up to a limit in bytes for all processes, the last used also in memory.

On disk a picture is one file, `ab/abcdef…`, with a head that tells its length and CRC-32, so that a file which is torn or
rotten is noticed and made again. Files are renamed into place and never synced: a crash loses pictures that can be made
anew, nothing else. A file's time of change is when it was last used, to the minute.

No process knows the total. Each may write an eighth of the cap, divided by the number of processes, and then has to sweep:
the folder is counted, and where it holds more than seven eighths the longest unused pictures go. So the cap holds whatever
the processes do, and the folder is read once for hundreds of pictures, in a thread of its own.
"""

import os
import struct
import tempfile
import threading
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

import structlog

from app.runtime import metrics
from app.runtime.file_lock import FileLock
from app.runtime.kept import Kept

MEMORY_BYTES = 32_000_000  # of pictures in the memory of each process
MEMORY_ITEM = 4_000_000  # larger ones are not kept there
HEAD = struct.Struct("<4sIQ")  # magic, CRC-32 and length of the picture
MAGIC = b"LTP1"
USED_S = 60.0  # a file used again within that time is not touched again
ABANDONED_S = 3600.0  # after which nobody is still writing a temporary file
LOCK = ".sweep"
Where = Literal["memory", "disk"]
log = structlog.get_logger()


class PictureCache:
    """Shared by all threads of a process. It never raises for a disk that is full, read-only or gone: it only keeps less."""

    def __init__(self, folder: Path, max_bytes: int, *, processes: int = 1, memory_bytes: int = MEMORY_BYTES) -> None:
        """`processes` is how many write to the folder; with 0 for `max_bytes` nothing is kept on disk.

        A picture of more than an eighth of `max_bytes`, divided by the processes, is not kept there either.
        """
        self.folder = folder
        self.max_bytes = max_bytes
        self._memory: Kept[str, bytes] = Kept(memory_bytes, weigh=len)
        self._share = max_bytes // (8 * processes)
        self._room = self._share
        self._swept = False
        self._troubled = False
        self._lock = threading.Lock()
        self._sweeping = threading.Lock()

    def get(self, key: str) -> tuple[bytes, Where] | None:
        """The picture and where it was found; `key` is at least three hexadecimal digits."""
        body = self._memory.get(key)
        if body is not None:
            return body, "memory"
        body = self._read(key) if self.max_bytes else None
        if body is None:
            return None
        self._remember(key, body)
        return body, "disk"

    def put(self, key: str, body: bytes) -> None:
        """Keep the picture, on disk as far as this process may write now."""
        self._remember(key, body)
        size = HEAD.size + len(body)
        if size > self._share:
            return
        with self._lock:
            fits = size <= self._room
            self._room -= size if fits else 0
            due = not (fits and self._swept)
        if fits:
            self._write(key, body)
        if due:
            threading.Thread(target=self.sweep, name="sweep pictures", daemon=True).start()

    def _remember(self, key: str, body: bytes) -> None:
        if len(body) <= MEMORY_ITEM:
            self._memory.put(key, body)

    def sweep(self) -> int:
        """Remove the longest unused pictures if there are too many, and what crashes left; the bytes that stay.

        0 without a look where another thread or process is sweeping.
        """
        if not self._sweeping.acquire(blocking=False):
            return 0
        try:
            with _alone(self.folder) as alone:
                if not alone:
                    return 0
                total = self._make_room()
        except OSError as error:
            self._trouble(error)
            return 0
        finally:
            self._sweeping.release()
        with self._lock:
            self._room, self._swept = self._share, True
        return total

    def _make_room(self) -> int:
        files = sorted(_files(self.folder))
        total = sum(size for _, size, _ in files)
        if total <= self.max_bytes * 7 // 8:
            return total
        for _, size, path in files:
            if total <= self.max_bytes * 3 // 4:
                break
            path.unlink(missing_ok=True)
            total -= size
        return total

    def _read(self, key: str) -> bytes | None:
        path = self._path(key)
        try:
            with path.open("rb") as stream:
                data = stream.read()
                if time.time() - os.fstat(stream.fileno()).st_mtime > USED_S:
                    with suppress(OSError):  # a read-only folder: then the age since it was made decides
                        os.utime(stream.fileno())
        except FileNotFoundError:
            return None
        except OSError as error:
            self._trouble(error)
            return None
        body = data[HEAD.size :]
        if len(data) >= HEAD.size and HEAD.unpack_from(data) == (MAGIC, zlib.crc32(body), len(body)):
            return body
        with suppress(OSError):
            path.unlink(missing_ok=True)
        return None

    def _write(self, key: str, body: bytes) -> None:
        path = self._path(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(dir=path.parent, prefix=".")
            try:
                with os.fdopen(handle, "wb") as out:
                    out.write(HEAD.pack(MAGIC, zlib.crc32(body), len(body)))
                    out.write(body)
                Path(name).replace(path)
            except OSError:
                Path(name).unlink(missing_ok=True)
                raise
        except OSError as error:
            self._trouble(error)
        else:
            self._troubled = False

    def _trouble(self, error: OSError) -> None:
        metrics.picture_not_kept()
        if not self._troubled:
            log.warning("pictures cannot be kept on disk; they are made each time", folder=str(self.folder), error=str(error))
        self._troubled = True

    def _path(self, key: str) -> Path:
        return self.folder / key[:2] / key


def _files(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Time of last use, size and path of every picture; on the way temporary files that nobody writes any more go."""
    now = time.time()
    for part in os.scandir(folder):
        if not part.is_dir():
            continue
        for entry in os.scandir(part.path):
            try:
                facts = entry.stat()
            except FileNotFoundError:
                continue
            if not entry.name.startswith("."):
                yield facts.st_mtime, facts.st_size, Path(entry.path)
            elif now - facts.st_mtime > ABANDONED_S:
                Path(entry.path).unlink(missing_ok=True)


@contextmanager
def _alone(folder: Path) -> Iterator[bool]:
    """Whether no other process of this machine is in here; the system ends it with the process."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / LOCK) as lock:
        yield lock.try_take()
