"""On which databases tests run, and databases whose tables the migrations have made once, for all tests to copy."""

import atexit
import functools
import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from app import compose, migrate
from app.runtime import db
from app.runtime.context import Runtime
from app.runtime.settings import Settings


@pytest.fixture(params=["sqlite", "postgresql"])
def on_both(settings: Any, request: pytest.FixtureRequest) -> Any:
    """The settings of a hub on SQLite, then on PostgreSQL. A module whose tests hold for both has `settings = on_both`."""
    return settings if request.param == "sqlite" else settings.with_(database_url=request.getfixturevalue("migrated_url"))


def prepare(runtime: Runtime) -> None:
    """Do what commands do before they begin; a new database of SQLite is a copy of one that the migrations have made."""
    url = runtime.database.engine.url
    if url.get_backend_name() == "sqlite" and url.database and not Path(url.database).exists():
        shutil.copyfile(_migrated_sqlite(), url.database)
    compose.prepare(runtime)


@pytest.fixture
def prepared(settings: Settings) -> Iterator[Runtime]:
    """The same as commands and processes find it: with the tables made by the migrations."""
    runtime = compose.build(settings)
    prepare(runtime)
    yield runtime
    runtime.search.close()
    runtime.database.engine.dispose()


@functools.cache
def _migrated_sqlite() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="lectotype-sqlite-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    _migrate(f"sqlite:///{folder / 'lectotype.db'}")
    return folder / "lectotype.db"


def _migrate(url: str) -> None:
    database = db.connect(url)
    migrate.upgrade(database)
    database.engine.dispose()


@pytest.fixture(scope="session")
def migrated_postgresql(postgresql_server: str) -> str:
    """The name of a database that the migrations have made."""
    name = f"migrated_{uuid.uuid4().hex}"
    with psycopg.connect(f"{postgresql_server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
    _migrate(f"{postgresql_server}/{name}")
    return name


@pytest.fixture
def migrated_url(postgresql_server: str, migrated_postgresql: str) -> Iterator[str]:
    """The address of a database of PostgreSQL of the test's own that stands at the newest migration and holds nothing."""
    with own_database(postgresql_server, migrated_postgresql) as url:
        yield url


@contextmanager
def own_database(server: str, template: str) -> Iterator[str]:
    """The address of a copy of that database, which goes with the block."""
    name = f"test_{uuid.uuid4().hex}"
    with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        yield f"{server}/{name}"
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")
