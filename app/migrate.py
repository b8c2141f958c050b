"""Migrations: alembic, configured here and run in this process; no file of settings and no command of its own is needed."""

from pathlib import Path

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from app.runtime.db import Database
from app.schema import METADATA

FOLDER = Path(__file__).parent / "migrations"
PG_LOCK = 0x6D696772  # "migr": key of the advisory lock that lets one process migrate at a time


def upgrade(database: Database) -> None:
    """Bring the database to the newest migration, all of it or nothing. Others that begin meanwhile wait."""
    with database.engine.begin() as connection:  # on SQLite this takes the write lock
        if connection.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": PG_LOCK})
        command.upgrade(_config(connection), "head")


def add(database: Database, message: str, revision: str) -> None:
    """Write the next migration from the difference between the tables in code and the database. For developers."""
    with database.engine.begin() as connection:
        command.revision(_config(connection), message, autogenerate=True, rev_id=revision)


def newest() -> str:
    """The name of the newest migration that this code knows."""
    return ScriptDirectory(str(FOLDER)).get_current_head() or ""


def current(connection: Connection) -> str:
    """The migration that the database stands at; empty if it has none."""
    return MigrationContext.configure(connection).get_current_revision() or ""


def drift(connection: Connection) -> list[object]:
    """What the tables in code have otherwise than the database; empty if they agree."""
    context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
    return list(compare_metadata(context, METADATA))


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config
