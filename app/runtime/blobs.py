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

CHUNK = 1 << 20
LEFTOVER = 86_400.0  # seconds after which nobody is still writing an incoming file
HEXADECIMAL = frozenset("0123456789abcdef")


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
    """A store of blobs. A blob is whole or absent, and anyone may read while others write; names are in hexadecimal."""

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

    def path(self, sha256: str) -> Path:
        """Where the blob of that digest lies, or would lie. For this module and for tests that damage files."""
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int:
        return self.path(sha256).stat().st_size

    def open(self, sha256: str) -> BinaryIO:
        return self.path(sha256).open("rb")

    def file(self, sha256: str) -> LocalFile:
        return LocalFile(self.path(sha256))

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        path = self.path(sha256)
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
        folder = self.root / "incoming"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def _place(self, source: Path, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)


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
