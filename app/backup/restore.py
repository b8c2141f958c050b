"""Put a backup into an empty hub. Everything is verified on the way; the database comes last, and whole."""

import shutil
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from app import migrate
from app.backup import manifest, postgresql, sqlite
from app.backup.manifest import SQLITE_MEMBER, BadBackup, Manifest
from app.runtime.blobs import sha256_of
from app.runtime.context import Runtime
from app.runtime.errors import Conflict

LARGEST_MANIFEST = 10_000_000  # bytes
Progress = Callable[[str, int], None]


class NotEmpty(Conflict):
    """A backup is only put where nothing is."""


def restore(runtime: Runtime, file: Path, *, progress: Progress = lambda *_: None) -> Manifest:
    """Restore the file; then the database stands at the newest migration. The index is still to be made.

    What an error or a damaged backup leaves is nothing. A process that is killed may leave blobs, which a second try tells.

    Raises:
        NotEmpty: there is a database already, or there are blobs.
        BadBackup: it is no backup, is damaged or not complete, or comes from another kind of database or a newer version.
    """
    _check_room_for(runtime)
    with tempfile.TemporaryDirectory(dir=_beside(runtime), prefix=".restoring-") as folder:
        try:
            try:
                found = _unpack(runtime, file, Path(folder), progress)
            except tarfile.TarError as error:
                raise BadBackup(f"{file} is no backup of ours, or is damaged or cut off: {error}") from error
            _check(runtime, found, Path(folder))
            _place(runtime, found, Path(folder))
        except BaseException:
            _forget(runtime, Path(folder))
            raise
    migrate.upgrade(runtime.database, naan=runtime.settings.naan)
    return found


def _check_room_for(runtime: Runtime) -> None:
    engine = runtime.database.engine
    on_server = engine.dialect.name == "postgresql"
    if not postgresql.is_empty(engine) if on_server else sqlite.file_of(engine).exists():
        name = engine.url.render_as_string(hide_password=True)
        raise NotEmpty(f"There is a database already ({name}); a backup is restored into an empty one.")


def _beside(runtime: Runtime) -> Path:
    """A folder on the disk that the database is to lie on."""
    engine = runtime.database.engine
    folder = runtime.settings.data_dir if engine.dialect.name == "postgresql" else sqlite.file_of(engine).parent
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _unpack(runtime: Runtime, file: Path, folder: Path, progress: Progress) -> Manifest:
    """Parts of the database into the folder, blobs among the blobs; then what the manifest says of them holds."""
    blobs, size, digests = 0, 0, dict[str, tuple[str, int]]()
    for name, stream in _members(file):
        if name == manifest.NAME:
            found = Manifest.unpack(stream.read(LARGEST_MANIFEST))
            _compare(found, digests, blobs, size)
            return found
        if name.startswith("blobs/"):
            if not blobs:
                _check_no_blobs(runtime, folder)
            blobs += 1
            size += _keep(runtime, name, stream)
            progress("blobs", size)
        elif name == SQLITE_MEMBER or name.startswith("tables/"):
            digests[name] = _spool(folder / f"part{len(digests)}", stream)
            progress(name, digests[name][1])
        else:
            raise BadBackup(f"{file} is no backup of ours: it holds {name[:100]!r}.")
    raise BadBackup(f"{file} is not complete: its end is missing.")


def _members(file: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of one member after the other, in flat memory. Raises BadBackup, tarfile.TarError."""
    with tarfile.open(file, "r:") as archive:
        while (member := archive.next()) is not None:
            stream = archive.extractfile(member) if member.isreg() else None
            if stream is None:
                raise BadBackup(f"{file} is no backup of ours: {member.name[:100]!r} is no plain file.")
            yield member.name, stream  # type: ignore[misc]  # it is one in all but name
            archive.members.clear()  # type: ignore[attr-defined]  # it is public; it would remember every member that it read


def _check_no_blobs(runtime: Runtime, folder: Path) -> None:
    if next(runtime.blobs.entries(), None) is not None:
        raise NotEmpty(
            "There are blobs already, perhaps of a restoration that was broken off; a backup is restored into an empty store."
        )
    runtime.blobs.prepare(used=False)
    (folder / "blobs").touch()  # from now on what is there is ours


def _keep(runtime: Runtime, name: str, stream: BinaryIO) -> int:
    sha256, size = runtime.blobs.put(stream)
    if name != f"blobs/{sha256[:2]}/{sha256}":
        raise BadBackup(f"The backup is damaged: {name[:100]} holds other bytes than its name says.")
    return size


def _spool(path: Path, stream: BinaryIO) -> tuple[str, int]:
    with path.open("wb") as out:
        shutil.copyfileobj(stream, out)
    with path.open("rb") as written:
        return sha256_of(written), path.stat().st_size


def _compare(found: Manifest, digests: dict[str, tuple[str, int]], blobs: int, size: int) -> None:
    if {part.name: (part.sha256, part.size) for part in found.parts} != digests:
        raise BadBackup("The backup is damaged: its database is not what it says.")
    if (found.blobs, found.blob_bytes) != (blobs, size):
        raise BadBackup(f"The backup is damaged: it holds {blobs} blobs and says {found.blobs}.")


def _check(runtime: Runtime, found: Manifest, folder: Path) -> None:
    ours = runtime.database.engine.dialect.name
    if found.database != ours:
        raise BadBackup(f"The backup is of a hub on {found.database}; this one is on {ours}, and LECTOTYPE_DATABASE_URL says so.")
    if found.revision not in migrate.known():
        raise BadBackup(
            f"The backup comes from a newer version ({found.program}, migration {found.revision}); install that or a later one."
        )
    if ours == "sqlite":
        sqlite.check(folder / "part0")


def _place(runtime: Runtime, found: Manifest, folder: Path) -> None:
    engine = runtime.database.engine
    if engine.dialect.name != "postgresql":
        (folder / "part0").replace(sqlite.file_of(engine))
        return
    with engine.begin() as connection:
        migrate.within(connection, found.revision)
        for number, part in enumerate(found.parts):
            with (folder / f"part{number}").open("rb") as rows:
                postgresql.load(connection, part, rows)
        postgresql.advance_sequences(connection)


def _forget(runtime: Runtime, folder: Path) -> None:
    """Remove the blobs that came with this try; the store was empty before."""
    if (folder / "blobs").exists():
        for entry in runtime.blobs.entries():
            runtime.blobs.delete(entry.sha256)
