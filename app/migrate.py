"""Migrations: alembic, configured here and run in this process; no file of settings and no command of its own is needed."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.runtime.db import Database
from app.runtime.settings import Settings
from app.schema import METADATA

FOLDER = Path(__file__).parent / "migrations"
PG_LOCK = 0x6D696772  # "migr": key of the advisory lock that lets one process migrate at a time
NAAN: str = Settings.model_fields["naan"].default
Before = Callable[[str, str], None]  # told of the migrations that a used database stands at and is to stand at


def upgrade(database: Database, revision: str = "head", before: Before | None = None, *, naan: str = NAAN) -> None:
    """Bring the database to that migration, the newest by default: all of it or nothing. Others that begin meanwhile wait.

    `before` is called before a database that others have used is changed; `naan` stands in the keys that migrations make.
    SQLite alters a table by making it anew and dropping the old one, which would delete or refuse the rows that refer to
    it; so its foreign keys are not enforced meanwhile, but checked as a whole before the transaction commits.
    """
    with database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            with _without_foreign_keys(connection), connection.begin():  # this takes the write lock
                stood = current(connection)
                _upgrade(connection, revision, before, naan)
                if current(connection) != stood:  # the check reads every row
                    _check_foreign_keys(connection)
            return
        with connection.begin():
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PG_LOCK})
            _upgrade(connection, revision, before, naan)


def within(connection: Connection, revision: str) -> None:
    """Bring an empty database to that migration, in the transaction of the connection."""
    command.upgrade(_config(connection), revision)


def _upgrade(connection: Connection, revision: str, before: Before | None, naan: str) -> None:
    stands, target = current(connection), newest() if revision == "head" else revision
    if before is not None and stands not in ("", target):
        before(stands, target)
    command.upgrade(_config(connection, naan), revision)


@contextmanager
def _without_foreign_keys(connection: Connection) -> Iterator[None]:
    """SQLite heeds this pragma outside of transactions only, so it goes past SQLAlchemy, which would begin one."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101 - it is None for connections that were given back
    driver.execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        driver.execute("PRAGMA foreign_keys=ON")


def _check_foreign_keys(connection: Connection) -> None:
    broken = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchmany(5)
    if broken:
        raise RuntimeError(f"the migration left rows that refer to nothing: {[tuple(row) for row in broken]}")


def add(database: Database, message: str, revision: str) -> None:
    """Write the next migration from the difference between the tables in code and the database. For developers."""
    with database.engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def known() -> frozenset[str]:
    """The names of all migrations that this code knows."""
    return frozenset(script.revision for script in ScriptDirectory(str(FOLDER)).walk_revisions())


@functools.cache
def newest() -> str:
    """The name of the newest migration that this code knows; the files are read once, though every probe asks."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def current(connection: Connection) -> str:
    """The migration that the database stands at; empty if it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def drift(connection: Connection) -> list[object]:
    """What the tables in code have otherwise than the database; empty if they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, METADATA))


def _config(connection: Connection, naan: str = NAAN) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["naan"] = naan
    return config
