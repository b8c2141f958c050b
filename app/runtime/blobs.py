"""Blobs: immutable bytes named by their SHA-256, in a folder."""

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

CHUNK = 1 << 20
LEFTOVER = 86_400.0  # seconds after which nobody is still writing an incoming file


@dataclass(frozen=True, slots=True)
class FolderBlobs:
    """`root/ab/abcdef…`: a blob is whole or absent, for it is renamed into place after it was synced."""

    root: Path

    def path(self, sha256: str) -> Path:
        """Where the blob of that digest lies, or would lie."""
        return self.root / sha256[:2] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        return self.path(sha256).is_file()

    def put(self, stream: BinaryIO) -> tuple[str, int]:
        """Keep what the stream holds; its SHA-256 in hexadecimal and its length in bytes."""
        incoming = self.root / "incoming"
        incoming.mkdir(parents=True, exist_ok=True)
        digest, size = hashlib.sha256(), 0
        handle, name = tempfile.mkstemp(dir=incoming)
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
        """Take over a finished file that lies on the same file system; it is moved, not copied."""
        with path.open("rb") as stream:
            sha256 = hashlib.file_digest(stream, "sha256").hexdigest()
            os.fsync(stream.fileno())
        size = path.stat().st_size
        self._place(path, sha256)
        return sha256, size

    def open(self, sha256: str) -> BinaryIO:
        """The blob as a stream; FileNotFoundError if it is not here."""
        return self.path(sha256).open("rb")

    def delete(self, sha256: str) -> None:
        """Forget the blob, if it is here."""
        self.path(sha256).unlink(missing_ok=True)

    def sweep(self, older_than: float = LEFTOVER) -> int:
        """Remove what crashes left in `incoming/`: files and folders untouched for so many seconds; how many."""
        count = 0
        for file in (self.root / "incoming").glob("*"):
            try:
                if time.time() - file.stat().st_mtime > older_than:
                    shutil.rmtree(file) if file.is_dir() else file.unlink()
                    count += 1
            except FileNotFoundError:  # it was placed or removed meanwhile
                continue
        return count

    def __iter__(self) -> Iterator[str]:
        return (file.name for file in self.root.glob("[0-9a-f][0-9a-f]/*"))

    def _place(self, source: Path, sha256: str) -> None:
        target = self.path(sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
