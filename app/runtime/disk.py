"""What a disk that is full or read-only looks like, whichever library met it, in one sentence for people."""

import errno
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from app.runtime.errors import Unavailable

FULL = (errno.ENOSPC, errno.EDQUOT)
FORBIDDEN = (errno.EACCES, errno.EPERM)
SQLITE_FULL = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_SHMSIZE)
SQLITE_READ_ONLY = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM)
POSTGRES_FULL = "53100"  # disk_full
POSTGRES_READ_ONLY = "25006"  # read_only_sql_transaction
LEAST_BYTES = 16_000_000  # with less, the next write may fail: a log of SQLite grows by megabytes


class DiskFull(Unavailable):
    """Nothing can be written until there is room."""


class DiskReadOnly(Unavailable):
    """Nothing can be written there."""


def trouble(error: BaseException) -> DiskFull | DiskReadOnly | None:
    """What the error, or one that led to it, says of a disk; None if it is of something else."""
    for one in _chain(error):
        place = f" ({one.filename})" if isinstance(one, OSError) and one.filename else ""
        if _is_full(one):
            return DiskFull(f"The disk is full{place}: nothing can be written until there is room again. What is stored is safe.")
        if isinstance(one, OSError) and one.errno in FORBIDDEN:
            return DiskReadOnly(f"This process is not allowed to use {one.filename or 'a file or folder'} ({one.strerror}).")
        if _is_read_only(one):
            return DiskReadOnly(f"This cannot be written{place}: the folder, file or database is read-only for this process.")
    return None


def check_room(folder: Path) -> str:
    """How much room there is. Raises DiskFull if it is too little for the next writes."""
    place = folder
    while not place.exists():
        place = place.parent
    free = shutil.disk_usage(place).free
    if free < LEAST_BYTES:
        raise DiskFull(f"{place} has {free / 1e6:.1f} MB left: make room, then writing goes on by itself")
    return f"{free / 1e9:.1f} GB left"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and what it came from."""
    seen: set[int] = set()
    following: BaseException | None = error
    while following is not None and id(following) not in seen:
        seen.add(id(following))
        yield following
        following = following.orig if isinstance(following, DBAPIError) else following.__cause__ or following.__context__


def _is_full(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno in FULL
    return _sqlite_code(error) in SQLITE_FULL or getattr(error, "sqlstate", None) == POSTGRES_FULL


def _is_read_only(error: BaseException) -> bool:
    if isinstance(error, OSError):
        return error.errno == errno.EROFS
    code = _sqlite_code(error)
    return (code is not None and code & 0xFF in SQLITE_READ_ONLY) or getattr(error, "sqlstate", None) == POSTGRES_READ_ONLY


def _sqlite_code(error: BaseException) -> int | None:
    return getattr(error, "sqlite_errorcode", None) if isinstance(error, sqlite3.Error) else None
