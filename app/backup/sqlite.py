"""A SQLite database as one file, while others read and write it."""

import os
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import Engine

from app.backup.manifest import BadBackup
from app.runtime.db import BUSY_S


def file_of(engine: Engine) -> Path:
    """Where the database lies. BadBackup for one in memory, which has no file."""
    name = engine.url.database
    if not name or name == ":memory:":
        raise BadBackup("A database in memory cannot be backed up.")
    return Path(unquote(name.removeprefix("file:").partition("?")[0]) if name.startswith("file:") else name)


def copy(engine: Engine, target: Path) -> None:
    """Write the database as it stands at this moment to a new file; whole and on the disk, or an error and no file."""
    try:
        with closing(engine.raw_connection()) as connection, closing(connection.cursor()) as cursor:
            cursor.execute("VACUUM INTO ?", (str(target),))
        with target.open("rb+") as stream:
            os.fsync(stream.fileno())
    except BaseException:
        target.unlink(missing_ok=True)
        raise


def size(source: Path) -> int:
    """About how many bytes a copy takes at most."""
    log = source.with_name(f"{source.name}-wal")
    return source.stat().st_size + (log.stat().st_size if log.exists() else 0)


def revision_of(database: Path) -> str:
    """The migration that the database stands at; empty if it has none."""
    with closing(sqlite3.connect(database, timeout=BUSY_S)) as connection:
        known = connection.execute("SELECT count(*) FROM sqlite_schema WHERE name = 'alembic_version'").fetchone()[0]
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone() if known else None
    return str(row[0]) if row else ""


def check(database: Path) -> None:
    """BadBackup where SQLite finds the file broken."""
    with closing(sqlite3.connect(database)) as connection:
        try:
            (found,) = connection.execute("PRAGMA quick_check(1)").fetchone()
        except sqlite3.DatabaseError as error:
            found = str(error)
    if found != "ok":
        raise BadBackup(f"The database in the backup is broken: {found}")
