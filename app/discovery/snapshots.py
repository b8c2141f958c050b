"""Where the graphs lie that SPARQL is put to: each a folder in `graph` of the data folder, named by the time when it was begun.

A graph takes its name when it is whole, and is only read then. Those that are replaced stay until the one after the next, so
that whoever reads one ends in peace.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from app.runtime.settings import Settings

STORE, INDEX, PART = "store", "index.json", "part-"
NAME = "%Y-%m-%dT%H%M%S.%fZ"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A graph that is whole. `at` is when it was begun; `things` are counted by kind, `unreadable` those that are no RDF."""

    folder: Path
    at: datetime
    things: Mapping[str, int]
    triples: int
    unreadable: int

    @property
    def store(self) -> Path:
        return self.folder / STORE


def folder_of(settings: Settings) -> Path:
    return settings.data_dir.resolve() / "graph"


def newest(settings: Settings) -> Snapshot | None:
    """The newest that is whole; None before the first."""
    found = names(folder_of(settings))
    return _read(folder_of(settings) / found[-1]) if found else None


def names(folder: Path) -> list[str]:
    """Those that are whole, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(path.name for path in folder.iterdir() if path.name[:1].isdigit() and (path / INDEX).is_file())


def _read(folder: Path) -> Snapshot:
    at = datetime.strptime(folder.name, NAME).replace(tzinfo=UTC)
    return Snapshot(folder, at, **json.loads((folder / INDEX).read_text()))
