"""The rows of a PostgreSQL database, table by table in COPY's text form; no program of PostgreSQL is needed for it.

All tables are read in one transaction that sees one state. They are written back in one transaction, too, into tables that
the migrations made.
"""

from collections.abc import Iterator
from typing import IO, BinaryIO

import psycopg
from psycopg import sql
from sqlalchemy import Connection, Engine, MetaData, inspect, text

from app.backup.manifest import Part
from app.runtime.blobs import CHUNK

VERSION_TABLE = "alembic_version"
SEQUENCES = text(
    "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
    "AND pg_get_serial_sequence(quote_ident(table_name), column_name) IS NOT NULL"
)


def is_empty(engine: Engine) -> bool:
    """Whether there is no table at all."""
    with engine.connect() as connection:
        return not inspect(connection).get_table_names()


def snapshot(engine: Engine) -> Connection:
    """A connection that sees one state of the database until it is closed."""
    return engine.connect().execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def tables(connection: Connection) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every table with its columns; those that others refer to come first."""
    metadata = MetaData()
    metadata.reflect(connection)
    for table in metadata.sorted_tables:
        if table.name != VERSION_TABLE:
            yield table.name, tuple(column.name for column in table.columns)


def dump(connection: Connection, table: str, columns: tuple[str, ...], out: IO[bytes]) -> None:
    """Write the rows of a table."""
    with _driver(connection).cursor() as cursor, cursor.copy(_statement("COPY {} ({}) TO STDOUT", table, columns)) as copy:
        for rows in copy:
            out.write(rows)


def load(connection: Connection, part: Part, rows: BinaryIO) -> None:
    """Add the rows to a table, in the transaction of the connection."""
    statement = _statement("COPY {} ({}) FROM STDIN", part.table, part.columns)
    with _driver(connection).cursor() as cursor, cursor.copy(statement) as copy:
        while chunk := rows.read(CHUNK):
            copy.write(chunk)


def advance_sequences(connection: Connection) -> None:
    """Let the next number that a table gives be one that no row has."""
    form = "SELECT setval(pg_get_serial_sequence({}, {}), (SELECT coalesce(max({}), 0) + 1 FROM {}), false)"
    for table, column in connection.execute(SEQUENCES).all():
        names = sql.Literal(f'"{table}"'), sql.Literal(column), sql.Identifier(column), sql.Identifier(table)
        _driver(connection).execute(sql.SQL(form).format(*names))


def _statement(form: str, table: str, columns: tuple[str, ...]) -> sql.Composed:
    return sql.SQL(form).format(sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns)))


def _driver(connection: Connection) -> "psycopg.Connection[tuple[object, ...]]":
    """Psycopg's own, for COPY; it takes part in the transaction that SQLAlchemy has begun."""
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101 - for the type
    return driver
