"""The data folder of release 70fa686, unpacked, and its rows in a PostgreSQL database as that release would hold them."""

import json
import sqlite3
import tarfile
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import JSON, DateTime, MetaData, Table, insert, text

from app import migrate
from app.runtime.db import connect

ARCHIVE = Path(__file__).parent / "release-70fa686.tar.xz"
REVISION = "0002"  # the newest migration of that release
TABLES = ("specimens", "media", "annotations", "annotation_versions", "runs", "tokens", "outbox", "jobs")


@dataclass(frozen=True)
class Release:
    """`folder/data` is the data folder; the rest is what the recording says."""

    folder: Path
    settings: dict[str, Any]
    token: str
    exchanges: list[dict[str, Any]]

    @property
    def database(self) -> Path:
        return self.folder / "data" / "lectotype.db"

    def closed_keys(self) -> list[str]:
        """Of the closed images and their specimens; to be asked before the upgrade."""
        with closing(sqlite3.connect(self.database)) as source:
            rows = source.execute("SELECT key, specimen_key FROM media WHERE access = 'closed'").fetchall()
        return [key for row in rows for key in row]


def unpack(folder: Path) -> Release:
    """A fresh copy of the release's data folder, in `folder/data`."""
    with tarfile.open(ARCHIVE) as archive:
        archive.extractall(folder, filter="data")
    recording = json.loads((folder / "recording.json").read_text(encoding="utf-8"))
    return Release(folder, recording["settings"], recording["token"], recording["exchanges"])


def load(database: Path, url: str) -> None:
    """Bring the rows of the SQLite database into the empty PostgreSQL database of that address, in the release's schema."""
    target = connect(url)
    migrate.upgrade(target, REVISION)
    with closing(sqlite3.connect(database)) as source, target.engine.begin() as connection:
        source.row_factory = sqlite3.Row
        for name in TABLES:
            table = Table(name, MetaData(), autoload_with=connection)
            rows = [_converted(table, row) for row in source.execute(f"SELECT * FROM {name}")]
            connection.execute(insert(table), rows)
            if name in ("outbox", "jobs"):
                connection.execute(text(f"SELECT setval(pg_get_serial_sequence('{name}', 'id'), (SELECT max(id) FROM {name}))"))
    target.engine.dispose()


def _converted(table: Table, row: sqlite3.Row) -> dict[str, Any]:
    values = dict(row)
    for name, value in values.items():
        kind = table.columns[name].type
        if value is not None and isinstance(kind, JSON):
            values[name] = json.loads(value)
        elif value is not None and isinstance(kind, DateTime):
            values[name] = datetime.fromisoformat(value).replace(tzinfo=UTC)
    return values
