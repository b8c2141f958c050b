"""A copy of the database before a migration changes it: made by itself on SQLite, asked for on PostgreSQL.

Each function here is a `migrate.Before`: it is called with the migrations that the database stands at and is to stand at,
while no other process can migrate, and raises to forbid it.
"""

import shutil
from pathlib import Path

import structlog

from app.backup import sqlite
from app.backup.write import write
from app.migrate import Before
from app.runtime.context import Runtime
from app.runtime.disk import LEAST_BYTES, DiskFull
from app.runtime.errors import Conflict

log = structlog.get_logger()


class BackupWanted(Conflict):
    """A database that holds records is migrated only when somebody has seen to its backup."""


def usual(runtime: Runtime) -> Before:
    """What a hub does where nobody said anything else."""
    if runtime.settings.migrate_without_backup:
        return nothing
    return _asked_for if runtime.database.engine.dialect.name == "postgresql" else _kept_by(runtime)


def into(runtime: Runtime, file: Path) -> Before:
    """A backup without blobs, in that file; migrations change no blob."""

    def before(stands: str, target: str) -> None:
        write(runtime, file, left_out="all")
        log.info("the database is backed up before it is migrated", file=str(file), stands=stands, target=target)

    return before


def nothing(stands: str, target: str) -> None:
    """The operator has seen to it."""
    log.info("the database is migrated without a backup", stands=stands, target=target)


def _asked_for(stands: str, target: str) -> None:
    raise BackupWanted(
        f"The database stands at migration {stands} and this version needs {target}: run `lectotype migrate --backup FILE`, or "
        "`lectotype migrate --without-backup` if you have a backup (LECTOTYPE_MIGRATE_WITHOUT_BACKUP says so for good)."
    )


def _kept_by(runtime: Runtime) -> Before:
    def before(stands: str, target: str) -> None:
        source, folder = sqlite.file_of(runtime.database.engine), runtime.settings.data_dir / "backups"
        folder.mkdir(parents=True, exist_ok=True)
        need, free = sqlite.size(source) + LEAST_BYTES, shutil.disk_usage(folder).free
        if free < need:
            raise DiskFull(
                f"Before it is migrated, the database is copied to {folder}, which takes {need / 1e6:.0f} MB, and "
                f"{free / 1e6:.0f} MB are left. Make room, or run `lectotype migrate --without-backup`."
            )
        copy = folder / f"before-{target}-from-{stands}-{runtime.clock():%Y%m%dT%H%M%S%f}.db"
        unfinished = copy.with_suffix(".unfinished")
        for leftover in folder.glob("before-*.unfinished"):  # of processes that were killed; nobody else is in here
            leftover.unlink()
        sqlite.copy(runtime.database.engine, unfinished)
        unfinished.chmod(source.stat().st_mode)
        unfinished.replace(copy)
        log.info("the database is copied before it is migrated", file=str(copy), stands=stands, target=target)

    return before
