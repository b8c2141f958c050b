"""The database: declarative base, column types, engine, and two session factories.

`sessions.begin()` writes. On SQLite it takes the write lock at once (BEGIN IMMEDIATE), so that no transaction fails
half-way because another wrote first. `reads.begin()` never takes it.
"""

import os
import sqlite3
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from urllib.parse import quote

from sqlalchemy import JSON, DateTime, Dialect, Engine, MetaData, TypeDecorator, create_engine, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.engine import make_url
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
BUSY_S = 30  # how long a connection of SQLite waits for another one's lock
Json = JSON().with_variant(JSONB(), "postgresql")
JsonOrNull = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")  # None is NULL, not JSON's null


class Base(DeclarativeBase):
    """Parent of every mapped row."""

    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar = {dict[str, Any]: Json, list[Any]: Json}


class Moment(TypeDecorator[datetime]):
    """An aware UTC time on every database (SQLite keeps no zone)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        if value is not None and value.tzinfo is None:
            raise ValueError("a time without a zone")
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(frozen=True, slots=True)
class Database:
    """An engine with its two session factories."""

    engine: Engine
    sessions: sessionmaker[Session]
    reads: sessionmaker[Session]


def connect(url: str) -> Database:
    """Open the database of that address; a missing SQLite folder is made."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
        engine = create_engine(address, pool_pre_ping=True, pool_size=10, max_overflow=30)
    elif address.database and _is_read_only(Path(address.database)):
        engine = create_engine(_read_only(Path(address.database)), connect_args={"timeout": BUSY_S})
        _prepare_sqlite(engine, read_only=True)
    else:
        if address.database:
            Path(address.database).parent.mkdir(parents=True, exist_ok=True)
        engine = create_engine(address, connect_args={"timeout": BUSY_S})
        _prepare_sqlite(engine)
    reading = engine.execution_options(sqlite_begin="BEGIN DEFERRED")
    return Database(engine, sessionmaker(engine, expire_on_commit=False), sessionmaker(reading, expire_on_commit=False))


def _is_read_only(file: Path) -> bool:
    """Whether the database is there, and nothing can be written beside it."""
    return file.is_file() and not os.access(file.parent, os.W_OK)


def _read_only(file: Path) -> str:
    """The address by which SQLite reads the file without writing anything beside it.

    A log that was not yet carried over is read where it lies. Without one the file is opened as one that nobody changes
    (immutable), for a database with a write-ahead log cannot be opened otherwise; a process that runs must be started again
    once the folder can be written.
    """
    log = file.with_name(f"{file.name}-wal")
    unchanged = "" if log.is_file() and log.stat().st_size else "&immutable=1"
    return f"sqlite:///file:{quote(str(file.resolve()))}?mode=ro{unchanged}&uri=true"


def _prepare_sqlite(engine: Engine, *, read_only: bool = False) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves, below
        if not read_only:
            _write_ahead(connection)
        for pragma in ("synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_S * 1000}"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        connection.exec_driver_sql(connection.get_execution_options().get("sqlite_begin", "BEGIN IMMEDIATE"))


def _write_ahead(connection: Any) -> None:
    """Turn the write-ahead log on. SQLite's own busy timeout does not cover this one change: who comes second is refused
    at once, so that two processes which open a new database together have to take turns here."""
    ends = time.monotonic() + BUSY_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > ends:
                raise
            time.sleep(0.02)
