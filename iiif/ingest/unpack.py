"""Unpack a zip from a stranger: nothing is written outside the folder, and no more than the limits allow."""

import lzma
import os
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from iiif.ingest.guessing import best_single
from iiif.ingest.model import IngestLimits, SourceError

CHUNK = 1 << 20
LOCAL_HEADER_BYTES = 30  # at least: the name and the extra field follow
ZIP_SUFFIXES = frozenset({".zip", ".dwca"})

DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, LookupError, OverflowError, struct.error)
UNREADABLE = (*DAMAGED, NotImplementedError, RuntimeError, OSError, ValueError)
"""What `zipfile` raises of a file: one that is damaged, packed in another way or locked by a password, or cannot be opened."""


def is_zip_name(name: str) -> bool:
    """Whether the name ends as that of a zip of an archive; a zip is what is one (`sources.is_zip`)."""
    return os.path.splitext(name)[1].lower() in ZIP_SUFFIXES  # noqa: PTH122 - the name need not be a path


def unpack(path: Path, folder: Path, limits: IngestLimits) -> Path:
    """Unpack into `folder`; the folder to read, which is the only one inside where there is but one.

    Raises SourceError (`bad-archive`, `path-outside`, `zip-bomb`) before anything of a bad archive is taken in.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
            if len(members) > limits.max_members:
                raise SourceError("zip-bomb", f"{path.name} has {len(members)} members; {limits.max_members} are allowed.")
            budget = _budget(path, limits)
            _check_space(path, sum(member.file_size for member in members), folder, budget)
            _check_apart(path, members)
            _check_names(path, members)
            for member in members:
                budget -= _unpack_member(archive, member, folder, budget, limits)
    except UNREADABLE as error:
        raise SourceError("bad-archive", f"{path.name} cannot be unpacked ({error}).") from error
    return _only_folder(folder)


def _budget(path: Path, limits: IngestLimits) -> int:
    """The bytes that the archive as a whole may unpack to: its members share one ratio."""
    return min(limits.max_unpacked_bytes, max(limits.ratio_from_bytes, path.stat().st_size * limits.max_ratio))


def _check_space(path: Path, promised_bytes: int, folder: Path, budget: int) -> None:
    allowed = min(budget, shutil.disk_usage(folder).free)
    if promised_bytes > allowed:
        raise SourceError("zip-bomb", f"{path.name} unpacks to {promised_bytes:,} bytes; {allowed:,} are allowed.")


def _check_apart(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Each byte of the file belongs to one member at most: a few that overlap unpack to many times the file (APPNOTE 4.3.7)."""
    ends_at = 0
    for member in sorted(members, key=lambda each: each.header_offset):
        if member.header_offset < ends_at:
            raise SourceError("zip-bomb", f"In {path.name} the member {member.filename[:200]!r} overlaps another one.")
        ends_at = member.header_offset + LOCAL_HEADER_BYTES + member.compress_size


def _check_names(path: Path, members: Sequence[zipfile.ZipInfo]) -> None:
    """Of two members of one name that differ nobody can tell which is meant."""
    seen: dict[str, tuple[int, int]] = {}
    for member in members:
        held = (member.CRC, member.file_size)
        name = str(PurePosixPath(_name_of(member).replace("\\", "/")))  # `./t.csv` is `t.csv`
        if not member.is_dir() and seen.setdefault(name, held) != held:
            sentence = f"In {path.name} two members are called {member.filename[:200]!r}, and they differ."
            raise SourceError("bad-archive", sentence, value=member.filename[:200])


def _unpack_member(archive: zipfile.ZipFile, member: zipfile.ZipInfo, folder: Path, budget: int, limits: IngestLimits) -> int:
    """Write one member; the bytes it took. Its own statement of its size is not believed."""
    if not member.filename.strip("/\\"):
        raise SourceError("bad-archive", "A member of the archive has no name.")
    target = _target_of(member, folder)
    if member.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    allowed = min(budget, max(limits.ratio_from_bytes, member.compress_size * limits.max_ratio))
    size = 0
    with archive.open(member) as source, target.open("wb") as out:
        while chunk := source.read(CHUNK):
            size += out.write(chunk)
            if size > allowed:
                raise SourceError("zip-bomb", f"{member.filename[:200]!r} unpacks to over {allowed} bytes, more than is allowed.")
    return size


def _target_of(member: zipfile.ZipInfo, folder: Path) -> Path:
    name = _name_of(member).replace("\\", "/")
    pure = PurePosixPath(name)
    target = folder / pure
    outside = pure.is_absolute() or ".." in pure.parts or not target.resolve().is_relative_to(folder.resolve())
    if outside or stat.S_ISLNK(member.external_attr >> 16):
        raise SourceError("path-outside", f"The archive's member {member.filename[:200]!r} leads out of it.")
    return target


def _name_of(member: zipfile.ZipInfo) -> str:
    """Names without the flag for UTF-8 are UTF-8 nevertheless where they can be: macOS and others leave the flag out. Others
    are in the code page of DOS, as the format has it, or in that of Windows, whichever makes more sense."""
    if member.flag_bits & 0x800 or member.filename.isascii():
        return member.filename
    raw = member.filename.encode("cp437", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeError:
        return raw.decode(best_single(raw, among=("cp437", "cp1252")), "replace")


def _only_folder(folder: Path) -> Path:
    inside = [path for path in folder.iterdir() if path.name != "__MACOSX" and not path.name.startswith(".")]
    return inside[0] if len(inside) == 1 and inside[0].is_dir() else folder
