"""Imports that come by HTTP: written down, done by a worker, told; a dry run may be taken in afterwards."""

import shutil
import tempfile
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from annotations.exchange import importing as takes
from annotations.exchange import store
from annotations.exchange.store import Import
from annotations.exchange.tables import ImportRow
from app.exchange import importing
from app.exchange.importing import AskedImport
from app.exchange.jobs import ImportFile
from app.runtime import ids, outbox
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, DomainError, NotFound
from app.runtime.principal import Grant, Principal, require

UNFIT = "/\\\0"


class UnknownImport(NotFound):
    """There is no import of that key."""


class NotToBeTaken(Conflict):
    """The import is no dry run that has ended."""


def ask(runtime: Runtime, asked: AskedImport, file_name: str, file_sha256: str, by: Principal) -> Import:
    """Write down an import, and have a worker do it. Raises Invalid, NotAllowed, Forbidden."""
    asked.check()
    require(by, "curate")
    with runtime.db.begin() as session:
        return _add(session, runtime, asked.format, _options(asked), file_name, file_sha256, by)


def accept(runtime: Runtime, key: str, by: Principal) -> Import:
    """Take in what a dry run has read: another import, of the same file. Raises UnknownImport, NotToBeTaken."""
    require(by, "curate")
    with runtime.db.begin() as session:
        row = _row(session, key, lock=True)
        if not row.options.get("dry") or row.state != "completed":
            raise NotToBeTaken("Only a dry run that has been read to its end can be taken in.")
        return _add(session, runtime, row.format, {**row.options, "dry": False}, row.file_name, row.file_sha256, by)


def get(session: Session, key: str, by: Principal) -> Import:
    """Raises UnknownImport, NotAllowed, Forbidden: its report names files."""
    require(by, "curate")
    return store.told(_row(session, key))


def page(session: Session, by: Principal, *, offset: int, limit: int) -> list[Import]:
    """Newest first."""
    require(by, "curate")
    return store.page_of_imports(session, offset=offset, limit=limit)


def perform(runtime: Runtime, key: str) -> None:
    """Do it, unless it is done. What is no fault of the hub ends it as failed, with the sentence."""
    with runtime.db.begin() as session:
        row = _row(session, key, lock=True)
        if row.state in ("completed", "failed"):
            return
        row.state = "running"
        told = store.told(row)
    asked = _asked(told)
    by = Principal(told.asked_by, (Grant("curator"),), account=_account(told.asked_by, runtime))
    try:
        report, reason = _run(runtime, told, asked, by), ""
    except DomainError as error:
        report, reason = None, str(error)
    except FileNotFoundError:  # `fsck --collect` has taken it
        report, reason = None, "The file is kept no more: send it again."
    with runtime.db.begin() as session:
        row = _row(session, key, lock=True)
        row.state, row.reason, row.report = "failed" if report is None else "completed", reason, report
        row.ended_at, row.done = runtime.clock(), 0 if report is None else int(report["objects"]["read"])


def give_up(session: Session, key: str, reason: str, *, at: datetime) -> None:
    """Let an import end as failed whose job was given up."""
    row = store.find_import(session, key, lock=True)
    if row is not None and row.ended_at is None:
        row.state, row.reason, row.ended_at = "failed", reason, at


def _run(runtime: Runtime, told: Import, asked: AskedImport, by: Principal) -> dict[str, Any]:
    """The file under the name that it came with, in a folder of its own."""

    def opened(run_key: str) -> None:
        with runtime.db.begin() as session:
            _row(session, told.key, lock=True).run_key = run_key

    with tempfile.TemporaryDirectory(prefix="lectotype-import-") as folder, runtime.blobs.local_path(told.file_sha256) as blob:
        path = Path(folder) / file_name_of(told.file_name)
        shutil.copyfile(blob, path)
        report = importing.run(runtime, path, asked, by, name=told.file_name, run_key=told.run_key, opened=opened)
    return report.to_json()


def file_name_of(name: str) -> str:
    """A name that is fit for a file of ours: the last part, without what leads elsewhere."""
    last = name.replace("\\", "/").rpartition("/")[2].lstrip(".")
    return "".join(char for char in last if char not in UNFIT)[-150:] or "file"


def _add(
    session: Session, runtime: Runtime, format_name: str, options: dict[str, Any], name: str, sha256: str, by: Principal
) -> Import:
    row = ImportRow(
        key=takes.new_key(runtime.settings.naan),
        state="waiting",
        format=format_name,
        file_name=name[-1000:],
        file_sha256=sha256,
        options=options,
        asked_by=by.name,
        created_at=runtime.clock(),
        run_key="",
        reason="",
        done=0,
    )
    store.add_import(session, row)
    outbox.add(session, ImportFile(row.key))
    return store.told(row)


def _options(asked: AskedImport) -> dict[str, Any]:
    return {"layer": asked.layer, "classes": asked.classes, "dry": asked.dry, "options": dict(asked.options or {})}


def _asked(told: Import) -> AskedImport:
    options = told.options
    return AskedImport(told.format, options["layer"], options["classes"], dry=options["dry"], options=options["options"])


def _row(session: Session, key: str, *, lock: bool = False) -> ImportRow:
    row = store.find_import(session, key, lock=lock)
    if row is None:
        raise UnknownImport(f"There is no import {key[:64]!r} here.")
    return row


def _account(name: str, runtime: Runtime) -> str:
    return name if ids.is_key(name, runtime.settings.naan) else ""
