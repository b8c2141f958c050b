"""Make a backup of a hub that may be running: first the database, as it stands at one moment, then the blobs.

Blobs never change, so what the copy of the database names is among them, unless `fsck --collect` removes it meanwhile, which
it does only with what nobody has named for a day.
"""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from importlib import metadata
from pathlib import Path
from typing import IO, BinaryIO, Protocol

from sqlalchemy import Engine

from app import migrate
from app.backup import manifest, postgresql, sqlite
from app.backup.manifest import SQLITE_MEMBER, BadBackup, LeftOut, Manifest, Part
from app.runtime import clock
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue

PAGE = 500
PREFIXES = [f"{number:02x}" for number in range(256)]
PRIVATE = 0o600  # a backup holds what is closed, and the digests of tokens
Progress = Callable[[str, int], None]  # what is being written, and the bytes so far


def write(runtime: Runtime, out: Path, *, left_out: LeftOut = "nothing", progress: Progress = lambda *_: None) -> Manifest:
    """Write the backup to a new file: whole and on the disk, or an error and no file.

    Raises:
        BadBackup: there is a file of that name, or the database stands at no migration.
    """
    if out.exists():
        raise BadBackup(f"{out} is there already; a backup is written to a new file.")
    unfinished = out.with_name(f".{out.name}.{os.getpid()}.unfinished")
    handle = _opened(unfinished)
    try:
        with os.fdopen(handle, "w+b") as stream:
            made = _Writer(runtime, stream, unfinished.parent, progress).write(left_out)
            stream.flush()
            os.fsync(stream.fileno())
        unfinished.rename(out)
    finally:
        unfinished.unlink(missing_ok=True)
    return made


def _opened(file: Path) -> int:
    """A handle of the new file, in a folder that is made where it is missing. Raises BadBackup."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return os.open(file, os.O_RDWR | os.O_CREAT | os.O_TRUNC, PRIVATE)
    except OSError as error:
        raise BadBackup(f"Nothing can be written to {file.parent} ({error.strerror}).") from error


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


@dataclass
class _Writer:
    runtime: Runtime
    stream: BinaryIO
    folder: Path
    progress: Progress
    blobs: int = 0
    blob_bytes: int = 0
    parts: list[Part] = field(default_factory=list)

    def write(self, left_out: LeftOut) -> Manifest:
        with tarfile.open(fileobj=self.stream, mode="w") as archive:
            kind, revision = self._database(archive)
            if left_out != "all":
                self._blobs(archive, derivatives=left_out == "nothing")
            made = Manifest(
                made=clock.iso(self.runtime.clock()),
                program=f"lectotype {metadata.version('lectotype')}",
                base_url=self.runtime.settings.base_url,
                naan=self.runtime.settings.naan,
                database="postgresql" if kind == "postgresql" else "sqlite",
                revision=revision,
                parts=tuple(self.parts),
                blobs=self.blobs,
                blob_bytes=self.blob_bytes,
                left_out=left_out,
            )
            body = made.pack()
            self._add(archive, manifest.NAME, len(body), io.BytesIO(body))
        return made

    def _database(self, archive: tarfile.TarFile) -> tuple[str, str]:
        """Its kind, and the migration that it stands at."""
        engine = self.runtime.database.engine
        if engine.dialect.name == "postgresql":
            with postgresql.snapshot(engine) as connection:
                revision = migrate.current(connection)
                for table, columns in postgresql.tables(connection):
                    with tempfile.TemporaryFile(dir=self.folder) as rows:
                        postgresql.dump(connection, table, columns, rows)
                        self._part(archive, f"tables/{table}", rows, table, columns)
        else:
            with _copied(engine, self.folder) as copy, copy.open("rb") as stream:
                revision = sqlite.revision_of(copy)
                self._part(archive, SQLITE_MEMBER, stream)
        if not revision:
            raise BadBackup("The database stands at no migration: there is nothing to back up.")
        return engine.dialect.name, revision

    def _part(
        self, archive: tarfile.TarFile, name: str, stream: IO[bytes], table: str = "", columns: tuple[str, ...] = ()
    ) -> None:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        counted = _Digesting(stream)
        self._add(archive, name, size, counted)
        self.parts.append(Part(name, counted.digest.hexdigest(), size, table, columns))
        self.progress(name, size)

    def _blobs(self, archive: tarfile.TarFile, *, derivatives: bool) -> None:
        with tempfile.TemporaryDirectory(dir=self.folder) as folder:
            if not derivatives:
                self._note_derivatives(Path(folder))
            for prefix in PREFIXES:
                noted = Path(folder) / prefix
                passed_over = set(noted.read_text().split()) if noted.exists() else set()
                for entry in self.runtime.blobs.entries(prefix):
                    if entry.sha256 not in passed_over:
                        self._blob(archive, entry.sha256, entry.size)

    def _note_derivatives(self, folder: Path) -> None:
        """Their names, in files by their first two digits, so that memory holds one of 256 parts at a time."""
        after = ""
        with ExitStack() as stack:
            names = {prefix: stack.enter_context((folder / prefix).open("w")) for prefix in PREFIXES}
            while True:
                with self.runtime.reads.begin() as session:
                    page = catalogue.list_media(session, after=after, limit=PAGE)
                for media in page:
                    if media.pyramid_sha256:
                        names[media.pyramid_sha256[:2]].write(f"{media.pyramid_sha256}\n")
                if len(page) < PAGE:
                    return
                after = page[-1].key

    def _blob(self, archive: tarfile.TarFile, sha256: str, size: int) -> None:
        try:
            stream = self.runtime.blobs.open(sha256)
        except FileNotFoundError:  # an ingest refused it meanwhile
            return
        with stream:
            self._add(archive, f"blobs/{sha256[:2]}/{sha256}", size, stream)
        self.blobs += 1
        self.blob_bytes += size
        self.progress("blobs", self.blob_bytes)

    def _add(self, archive: tarfile.TarFile, name: str, size: int, stream: _Readable) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode, member.mtime = size, PRIVATE, int(self.runtime.clock().timestamp())
        archive.addfile(member, stream)
        archive.members.clear()  # type: ignore[attr-defined]  # it is public; it would remember every member that it wrote


class _Digesting:
    """A stream that is digested while it is read."""

    def __init__(self, stream: _Readable) -> None:
        self.stream, self.digest = stream, hashlib.sha256()

    def read(self, size: int = -1, /) -> bytes:
        data = self.stream.read(size)
        self.digest.update(data)
        return data


@contextmanager
def _copied(engine: Engine, folder: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=folder) as inner:
        copy = Path(inner) / "database"
        sqlite.copy(engine, copy)
        yield copy
