"""Dumps: all that everybody may know, as N-Quads and as JSON Lines, with their digests.

A dump is written beside the ones that are there and takes its name when it is whole. What was broken off is written anew. Files
hold no times of their own, so that the same content has the same digest.
"""

import gzip
import hashlib
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.linked import things
from app.runtime import clock
from app.runtime.context import Runtime
from app.runtime.errors import Conflict
from app.runtime.file_lock import FileLock
from ontology import rdf

KEPT = 3  # the newest dumps; older ones go
QUADS, LINES, INDEX, SUMS = "things.nq.gz", "things.jsonl.gz", "index.json", "SHA256SUMS"
FILES: Mapping[str, str] = {QUADS: "application/n-quads", LINES: "application/x-ndjson"}
PART = "part-"
REPORT_EVERY = 100


class DumpUnderWay(Conflict):
    """Another process is writing a dump."""


@dataclass(frozen=True, slots=True)
class Dump:
    """`name` is the time at which it began; `files` have size and SHA-256 by name, `things` are counted by kind. `unreadable` are
    things whose documents are no RDF: they are in the lines, and not in the quads."""

    name: str
    files: Mapping[str, Mapping[str, Any]]
    things: Mapping[str, int]
    triples: int
    unreadable: int


class _Output:
    """A file that is compressed and digested as it is written."""

    def __init__(self, path: Path) -> None:
        self._path, self._file = path, path.open("wb")
        self._gzip = gzip.GzipFile("", "wb", 6, self._file, 0)

    def write(self, data: bytes) -> None:
        self._gzip.write(data)

    def close(self) -> dict[str, Any]:
        """Its size and digest."""
        self._gzip.close()
        self._file.close()
        with self._path.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        return {"bytes": self._path.stat().st_size, "sha256": sha256}


def write(runtime: Runtime, progress: Callable[[int], None] = lambda _: None) -> Dump:
    """Write a dump of all things; `progress` is told how many are written. Raises DumpUnderWay, OSError."""
    folder = folder_of(runtime)
    with _alone(folder):
        name = runtime.clock().strftime("%Y-%m-%dT%H%M%SZ")
        part = folder / f"{PART}{name}"
        part.mkdir()
        made = _written(runtime, part, name, progress)
        (part / INDEX).write_text(json.dumps(asdict(made), indent=1, sort_keys=True) + "\n")
        sums = "".join(f"{file['sha256']}  {file_name}\n" for file_name, file in made.files.items())
        (part / SUMS).write_text(sums)
        part.rename(folder / name)
        for old in _names(folder)[:-KEPT]:
            shutil.rmtree(folder / old)
    return made


def newest(runtime: Runtime) -> Dump | None:
    """The newest that is whole."""
    folder = folder_of(runtime)
    names = _names(folder) if folder.is_dir() else []
    return Dump(**json.loads((folder / names[-1] / INDEX).read_text())) if names else None


def folder_of(runtime: Runtime) -> Path:
    return runtime.settings.data_dir / "dumps"


def _written(runtime: Runtime, part: Path, name: str, progress: Callable[[int], None]) -> Dump:
    base, counts, triples, unreadable = runtime.addresses.base, Counter[str](), 0, 0
    quads, lines = _Output(part / QUADS), _Output(part / LINES)
    for number, one in enumerate(things.every(runtime), 1):
        counts[one.kind] += 1
        lines.write(json.dumps(one.document, ensure_ascii=False, separators=(",", ":")).encode() + b"\n")
        try:
            told = things.triples_of(one, base)
        except rdf.NoGraph:
            unreadable += 1
        else:
            triples += len(told)
            quads.write(rdf.n_quads(told, one.iri))
        if number % REPORT_EVERY == 0:
            progress(number)
    return Dump(name, {QUADS: quads.close(), LINES: lines.close()}, dict(sorted(counts.items())), triples, unreadable)


def _names(folder: Path) -> list[str]:
    """Those that are whole, oldest first."""
    return sorted(
        path.name for path in folder.iterdir() if path.is_dir() and (path / INDEX).is_file() and path.name[:1].isdigit()
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Nobody else writes a dump meanwhile; what others broke off is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    with FileLock(folder / "lock") as lock:
        if not lock.try_take():
            raise DumpUnderWay("Another dump is being written.")
        for broken in folder.glob(f"{PART}*"):
            shutil.rmtree(broken)
        yield


def moment_of(dump: Dump) -> str:
    """When it began, as ISO 8601."""
    return clock.iso(datetime.strptime(dump.name, "%Y-%m-%dT%H%M%SZ").replace(tzinfo=UTC))
