"""Blobs: immutable bytes named by their SHA-256. `Blobs` is the port; `FolderBlobs` keeps them in a folder.

Only an implementation knows where a blob lies. Who reads a stream calls `open`; who keeps an image open and reads
tiles from it calls `file`; a library that wants a path gets one from `local_path`, for as long as the block lasts.
"""

import hashlib
import os
import shutil
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Protocol

from app.runtime.errors import Unavailable

CHUNK = 1 << 20
LEFTOVER = 86_400.0  # seconds after which nobody is still writing an incoming file
HEXADECIMAL = frozenset("0123456789abcdef")
MARKER = "lectotype-blobs"  # the file by which a store knows its folder
MARKED = "Lectotype keeps images here. Without this file the folder is taken for an empty disk, and nothing is written to it.\n"


class StoreAway(Unavailable):
    """The store is not where it was, as when its disk is not mounted; nothing is read from there or written to it."""


class RandomAccess(Protocol):
    """A file that may stay open for long, and that threads may share: every read says where. Closed with its last holder."""

    @property
    def size(self) -> int:
        """Bytes in all."""
        ...

    @property
    def read_at(self) -> Callable[[int, int], bytes]:
        """So many bytes from that offset on, `read_at(length, offset)`; fewer where the file ends. It keeps the file open."""
        ...


@dataclass(frozen=True, slots=True)
class BlobEntry:
    """One blob of a listing; `changed_at` is when these bytes came in last, in seconds since 1970."""

    sha256: str
    size: int
    changed_at: float


class Blobs(Protocol):
    """A store of blobs. A blob is whole or absent, and anyone may read while others write; names are in hexadecimal.

    Where a blob is not found, or something is to be written, and the store itself is not there, StoreAway is raised.
    """

    def prepare(self, *, used: bool) -> None:
        """Make the store where there is none; `used` tells whether some of its blobs are known. Safe to repeat.

        StoreAway where there should be blobs and no store is there.
        """
        ...

    def check(self) -> None:
        """StoreAway unless the store is there."""
        ...

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        ...

    def size(self, sha256: str) -> int:
        """Its length in bytes; FileNotFoundError if it is not here."""
        ...

    def open(self, sha256: str) -> BinaryIO:
        """The blob as a stream that can seek; FileNotFoundError if it is not here."""
        ...

    def file(self, sha256: str) -> RandomAccess:
        """The blob, open for reads at any place; FileNotFoundError if it is not here. It outlives a deletion."""
        ...

    def local_path(self, sha256: str) -> AbstractContextManager[Path]:
        """A file with the blob's bytes, perhaps a copy, that must not be written to; it may be gone behind the block.

        FileNotFoundError on entering if the blob is not here.
        """
        ...

    def workspace(self) -> AbstractContextManager[Path]:
        """A folder for the length of the block, from which `adopt` takes files over without copying where that is possible."""
        ...

    def put(self, stream: BinaryIO) -> tuple[str, int]:
        """Keep what the stream holds; its SHA-256 and its length in bytes."""
        ...

    def adopt(self, path: Path) -> tuple[str, int]:
        """Keep a finished file of a `workspace`, which is then no longer there; its SHA-256 and its length in bytes."""
        ...

    def delete(self, sha256: str, *, unless_changed_since: float | None = None) -> bool:
        """Forget the blob; whether it was here and is not any more.

        With a time it is kept if it came in since then, be it once more: somebody may be about to name it.
        """
        ...

    def entries(self, prefix: str = "") -> Iterator[BlobEntry]:
        """The blobs whose names begin so, in no order, in flat memory. What comes in or goes meanwhile may be missing."""
        ...

    def strangers(self) -> Iterator[str]:
        """What lies here and is no blob, by names that an operator finds it by."""
        ...

    def sweep(self, older_than: float = LEFTOVER) -> int:
        """Remove what crashes left half-written: what nobody has touched for so many seconds; how many."""
        ...


class LocalFile:
    """`RandomAccess` to a file of this machine, by a path or by a handle, which is not taken over."""

    __slots__ = ("read_at", "size")

    def __init__(self, file: Path | int) -> None:
        handle = os.dup(file) if isinstance(file, int) else os.open(file, os.O_RDONLY)
        self.read_at: Callable[[int, int], bytes] = partial(os.pread, handle)
        weakref.finalize(self.read_at, os.close, handle)  # not with us, for who reads may hold no more than this
        self.size = os.fstat(handle).st_size


@dataclass(frozen=True, slots=True)
class FolderBlobs:
    """`root/ab/abcdef…`: a blob is renamed into place after it was synced."""

    root: Path

    def prepare(self, *, used: bool) -> None:
        """A folder that holds blobs is the store, also where no release before this one has marked it."""
        marker = self.root / MARKER
        if marker.is_file():
            return
        if used and next(self.entries(), None) is None:
            raise self._away()
        self.root.mkdir(parents=True, exist_ok=True)
        marker.write_text(MARKED)

    def check(self) -> None:
        if not (self.root / MARKER).is_file():
            raise self._away()

    def path(self, sha256: str) -> Path:
        """Where the blob of that digest lies, or would lie. For this module and for tests that damage files."""
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        if self.path(sha256).is_file():
            return True
        self.check()
        return False

    def size(self, sha256: str) -> int:
        with self._lookup():
            return self.path(sha256).stat().st_size

    def open(self, sha256: str) -> BinaryIO:
        with self._lookup():
            return self.path(sha256).open("rb")

    def file(self, sha256: str) -> LocalFile:
        with self._lookup():
            return LocalFile(self.path(sha256))

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        path = self.path(sha256)
        with self._lookup():
            path.stat()
        yield path

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self._incoming()) as folder:
            yield Path(folder)

    def put(self, stream: BinaryIO) -> tuple[str, int]:
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=self._incoming())
        try:
            with os.fdopen(handle, "wb") as out:
                while chunk := stream.read(CHUNK):
                    digest.update(chunk)
                    size += out.write(chunk)
                out.flush()
                os.fsync(out.fileno())
            self._place(Path(name), digest.hexdigest())
        finally:
            Path(name).unlink(missing_ok=True)
        return digest.hexdigest(), size

    def adopt(self, path: Path) -> tuple[str, int]:
        with path.open("rb") as stream:
            sha256 = sha256_of(stream)
            os.fsync(stream.fileno())
        size = path.stat().st_size
        self._place(path, sha256)
        return sha256, size

    def delete(self, sha256: str, *, unless_changed_since: float | None = None) -> bool:
        """The time is that of the file's own change (`st_ctime`), which a rename sets anew even where `st_mtime` is older."""
        path = self.path(sha256)
        try:
            if unless_changed_since is not None and path.stat().st_ctime >= unless_changed_since:
                return False
            path.unlink()
        except FileNotFoundError:
            return False
        return True

    def entries(self, prefix: str = "") -> Iterator[BlobEntry]:
        for folder in sorted(self.root.glob(f"{prefix[:2]}{'[0-9a-f]' * (2 - len(prefix[:2]))}")):
            with os.scandir(folder) as found:
                for entry in found:
                    if not entry.name.startswith(prefix) or not _is_blob(entry):
                        continue
                    try:
                        facts = entry.stat()
                    except FileNotFoundError:
                        continue
                    yield BlobEntry(entry.name, facts.st_size, facts.st_ctime)

    def strangers(self) -> Iterator[str]:
        for folder in self.root.glob("[0-9a-f][0-9a-f]"):
            with os.scandir(folder) as found:
                yield from (entry.path for entry in found if not _is_blob(entry))

    def sweep(self, older_than: float = LEFTOVER) -> int:
        self.check()
        count = 0
        for file in (self.root / "incoming").glob("*"):
            try:
                if time.time() - file.stat().st_mtime > older_than:
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
                    count += 1
            except FileNotFoundError:  # it was placed or removed meanwhile
                continue
        return count

    def _incoming(self) -> Path:
        self.check()
        folder = self.root / "incoming"
        folder.mkdir(exist_ok=True)
        return folder

    def _place(self, source: Path, sha256: str) -> None:
        self.check()
        target = self.path(sha256)
        target.parent.mkdir(exist_ok=True)
        source.replace(target)

    @contextmanager
    def _lookup(self) -> Iterator[None]:
        """What is not found may be on a disk that is not mounted."""
        try:
            yield
        except FileNotFoundError:
            self.check()
            raise

    def _away(self) -> StoreAway:
        return StoreAway(
            f"The folder of the stored files is not there: {self.root} holds no file {MARKER}, as when its disk is not mounted. "
            "Mount it, or set LECTOTYPE_BLOBS_URL (or LECTOTYPE_DATA_DIR) to where it is. Nothing is written until then. To go "
            "on with an empty folder on purpose, make a file of that name in it."
        )


def sha256_of(stream: BinaryIO) -> str:
    """The digest of what is left of the stream, in hexadecimal."""
    digest = hashlib.sha256()
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _is_blob(entry: "os.DirEntry[str]") -> bool:
    """Whether a file of a store's folder is named by a digest, in the folder of its first two digits."""
    name = entry.name
    return len(name) == 64 and Path(entry.path).parent.name == name[:2] and HEXADECIMAL.issuperset(name) and entry.is_file()
