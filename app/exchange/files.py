"""The files of an import: a folder, an archive unpacked within the limits of ingests, or one file."""

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from app.runtime.errors import Invalid, TooMuch
from iiif.ingest import files as ingested
from iiif.ingest.model import IngestLimits, SourceError
from iiif.ingest.unpack import unpack

MOST_FILES = 2_000_000
MOST_BYTES = 8_000_000_000  # of one file
CHUNK = 1 << 20


class FolderFiles:
    """All files below a folder, or one file. Links that lead out of it are none of them."""

    def __init__(self, root: Path) -> None:
        self.root = root if root.is_dir() else root.parent
        found = ingested.walk(root) if root.is_dir() else iter([root])
        self._names = sorted(path.relative_to(self.root).as_posix() for path in found if self._is_fit(path))
        if len(self._names) > MOST_FILES:
            raise TooMuch(f"An import reads up to {MOST_FILES:,} files.")

    def names(self) -> Sequence[str]:
        return self._names

    def open(self, name: str) -> BinaryIO:
        path = self.root / name
        if not ingested.is_within(path, self.root):
            raise FileNotFoundError(name)
        return path.open("rb")

    def size(self, name: str) -> int:
        return (self.root / name).stat().st_size

    def _is_fit(self, path: Path) -> bool:
        return ingested.is_regular(path) and ingested.is_within(path, self.root) and path.stat().st_size <= MOST_BYTES


@contextmanager
def opened(path: Path, limits: IngestLimits) -> Iterator[FolderFiles]:
    """The files of a folder, a zip or a single file. Raises Invalid."""
    if path.is_file() and _is_zip(path):
        with tempfile.TemporaryDirectory(prefix="lectotype-import-") as folder:
            try:
                yield FolderFiles(unpack(path, Path(folder), limits))
            except SourceError as error:
                raise Invalid(str(error)) from error
    else:
        yield FolderFiles(path)


def digest(path: Path) -> str:
    """SHA-256 of a file; of a folder, of the names, sizes and digests of its files."""
    whole = hashlib.sha256()
    if path.is_file():
        with path.open("rb") as stream:
            _feed(whole, stream)
        return whole.hexdigest()
    files = FolderFiles(path)
    for name in files.names():
        own = hashlib.sha256()
        with files.open(name) as stream:
            _feed(own, stream)
        whole.update(f"{own.hexdigest()}  {name}\n".encode())
    return whole.hexdigest()


def _feed(digest: "hashlib._Hash", stream: BinaryIO) -> None:
    while chunk := stream.read(CHUNK):
        digest.update(chunk)


def _is_zip(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06")


def text_of(path: Path) -> str:
    """A small table of the user's. Raises Invalid."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Invalid(f"{path.name} cannot be read as UTF-8.") from error
