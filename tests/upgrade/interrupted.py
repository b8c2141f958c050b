"""Migrations killed in the middle and begun again: a program of its own, as it forks.

    python -m tests.upgrade.interrupted sqlite RELEASE.db FOLDER
    python -m tests.upgrade.interrupted postgresql SERVER TEMPLATE

Prints as JSON how many statements a whole upgrade has, and for each place where one was killed whether the database that
came out is the same as without.
"""

import hashlib
import itertools
import json
import os
import random
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import MetaData, event, inspect

from app import migrate
from app.runtime.db import Database, connect

PLACES = 12  # where an upgrade is killed: the first and last statement, and others by chance
AT_ONCE = 5  # processes that upgrade at the same time
# "table.column" whose values may differ from one upgrade to the next: a sequence of PostgreSQL goes on after a rollback
VARIES = frozenset({"outbox.id"})
_numbers = itertools.count()


def main(kind: str, *arguments: str) -> dict[str, Any]:
    fresh = _sqlite(*map(Path, arguments)) if kind == "sqlite" else _postgresql(*arguments)
    url = fresh()
    statements = _counted(url)
    whole = _fingerprint(url)
    inner = range(2, statements)
    places = sorted({1, statements, *random.sample(inner, min(PLACES, len(inner)))}) if statements else []
    return {"statements": statements, "killed": {place: _killed_at(fresh(), place) == whole for place in places},
            "at_once": _at_once(fresh()) == whole}  # fmt: skip


def _sqlite(release: Path, folder: Path) -> Callable[[], str]:
    def fresh() -> str:
        copy = folder / f"copy{next(_numbers)}" / "lectotype.db"
        copy.parent.mkdir()
        if release.is_file():
            shutil.copy(release, copy)
        return f"sqlite:///{copy}"

    return fresh


def _postgresql(server: str, template: str) -> Callable[[], str]:
    def fresh() -> str:
        name = f"upgrade_{os.getpid()}_{next(_numbers)}"
        with psycopg.connect(f"{server}/postgres", autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return f"{server}/{name}"

    return fresh


def _counted(url: str) -> int:
    """Upgrade without a hitch; how many statements that took."""
    database, seen = connect(url), 0

    def count(*_: Any) -> None:
        nonlocal seen
        seen += 1

    event.listen(database.engine, "before_cursor_execute", count)
    migrate.upgrade(database)
    database.engine.dispose()
    return seen


def _killed_at(url: str, place: int) -> str:
    """Upgrade in a process that dies of SIGKILL before its statement of that number, then again to the end."""
    pid = os.fork()
    if not pid:
        database, numbers = connect(url), itertools.count(1)

        def die(*_: Any) -> None:
            if next(numbers) == place:
                os.kill(os.getpid(), signal.SIGKILL)

        event.listen(database.engine, "before_cursor_execute", die)
        migrate.upgrade(database)
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status), f"it was to be killed at statement {place}, but ended with {status}"
    _upgraded(url)
    return _fingerprint(url)


def _at_once(url: str) -> str:
    """Upgrade in several processes at the same time."""
    children = []
    for _ in range(AT_ONCE):
        pid = os.fork()
        if not pid:
            try:
                _upgraded(url)
            except BaseException as error:  # noqa: BLE001 - a child that goes on would be a second parent
                sys.stderr.write(f"{error!r}\n")
                os._exit(1)
            os._exit(0)
        children.append(pid)
    statuses = [os.waitpid(pid, 0)[1] for pid in children]
    return _fingerprint(url) if not any(statuses) else f"ended with {statuses}"


def _upgraded(url: str) -> None:
    database: Database = connect(url)
    migrate.upgrade(database)
    database.engine.dispose()


def _fingerprint(url: str) -> str:
    """A digest of every table, column, index and row."""
    database, digest = connect(url), hashlib.sha256()
    with database.engine.begin() as connection:
        assert migrate.current(connection) == migrate.newest(), "it stands at another migration"
        assert migrate.drift(connection) == [], "its tables are others than those in code"
        metadata = MetaData()
        metadata.reflect(connection)
        for table in sorted(metadata.tables.values(), key=lambda table: table.name):
            columns = [column for column in table.columns if f"{table.name}.{column.name}" not in VARIES]
            digest.update(f"{table.name} {[(column.name, str(column.type)) for column in columns]}".encode())
            indexes = inspect(connection).get_indexes(table.name)
            digest.update(str(sorted((index["name"] or "", index["column_names"]) for index in indexes)).encode())
            rows = connection.execute(table.select().with_only_columns(*columns)).all()
            digest.update("\n".join(sorted(json.dumps(list(row), default=str, sort_keys=True) for row in rows)).encode())
    database.engine.dispose()
    return digest.hexdigest()


if __name__ == "__main__":
    sys.stdout.write(json.dumps(main(*sys.argv[1:])))
