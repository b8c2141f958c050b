"""Blobs as a store far away has them: no paths, ranges fetched by requests, listings by page; in memory, for tests."""

import io
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from app.runtime.blobs import LEFTOVER, BlobEntry, sha256_of

PAGE = 3  # names in one answer of a listing


@dataclass(frozen=True, slots=True)
class StoredObject:
    body: bytes
    changed_at: float


class RemoteFile:
    """Every read is a request of its own for a range of bytes."""

    def __init__(self, fetch: Callable[[int, int], bytes], size: int) -> None:
        self.size = size
        self.read_at = fetch


class RemoteBlobs:
    """A second implementation of the port; `copies` counts the local files that were made."""

    def __init__(self) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._lock = threading.Lock()
        self.copies = 0

    def prepare(self, *, used: bool) -> None:
        """A store in memory is always there."""

    def check(self) -> None:
        """Likewise."""

    def has(self, sha256: str) -> bool:
        return sha256 in self._objects

    def size(self, sha256: str) -> int:
        return len(self._get(sha256).body)

    def open(self, sha256: str) -> BinaryIO:
        return io.BytesIO(self._get(sha256).body)

    def file(self, sha256: str) -> RemoteFile:
        body = self._get(sha256).body
        return RemoteFile(lambda length, offset: body[offset : offset + length], len(body))

    @contextmanager
    def local_path(self, sha256: str) -> Iterator[Path]:
        body = self._get(sha256).body
        self.copies += 1
        with tempfile.NamedTemporaryFile() as copy:
            copy.write(body)
            copy.flush()
            yield Path(copy.name)

    @contextmanager
    def workspace(self) -> Iterator[Path]:
        folder = Path(tempfile.mkdtemp())
        try:
            yield folder
        finally:
            shutil.rmtree(folder)

    def put(self, stream: BinaryIO) -> tuple[str, int]:
        parts = []
        while part := stream.read(1 << 16):
            parts.append(part)
        body = b"".join(parts)
        sha256 = sha256_of(io.BytesIO(body))
        with self._lock:
            self._objects[sha256] = StoredObject(body, time.time())
        return sha256, len(body)

    def adopt(self, path: Path) -> tuple[str, int]:
        with path.open("rb") as stream:
            kept = self.put(stream)
        path.unlink()
        return kept

    def delete(self, sha256: str, *, unless_changed_since: float | None = None) -> bool:
        with self._lock:
            found = self._objects.get(sha256)
            if found is None or (unless_changed_since is not None and found.changed_at >= unless_changed_since):
                return False
            del self._objects[sha256]
            return True

    def entries(self, prefix: str = "") -> Iterator[BlobEntry]:
        after = ""
        while True:
            with self._lock:
                names = sorted(name for name in self._objects if name.startswith(prefix) and name > after)[:PAGE]
                page = [BlobEntry(name, len(self._objects[name].body), self._objects[name].changed_at) for name in names]
            yield from page
            if len(page) < PAGE:
                return
            after = page[-1].sha256

    def strangers(self) -> Iterator[str]:
        return iter(())

    def sweep(self, older_than: float = LEFTOVER) -> int:
        return 0

    def _get(self, sha256: str) -> StoredObject:
        try:
            return self._objects[sha256]
        except KeyError:
            raise FileNotFoundError(sha256) from None
