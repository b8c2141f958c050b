"""Runs of kind import: they bring statements from a file, and what they state can be retracted like that of any run."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from analytics import provenance, store, tasks
from analytics.model import Run
from analytics.tables import RunRow
from app.runtime import changes, ids
from app.runtime.principal import Principal, require

IMPORT = "import"  # their pipeline


def open_import(
    session: Session, file_name: str, parameters: Mapping[str, Any], *, by: Principal, naan: str, at: datetime
) -> Run:
    """Open the run of an import of statements from a file: it has no images to work through, and `end_import` ends it.

    Raises NotAllowed, Forbidden.
    """
    require(by, "curate")
    code = provenance.code_version()
    row = RunRow(
        key=ids.new_key(ids.RUN, naan),
        state="running",
        pipeline=IMPORT,
        pipeline_version="",
        code_version=code,
        other_code=[],
        models={},
        parameters=dict(parameters),
        seed=0,
        fingerprint="",
        environment={},
        selection={"kind": IMPORT, "file": file_name},
        again=False,
        retry=False,
        asked_by=by.name,
        created_at=at,
        started_at=at,
        frozen_at=at,
    )
    session.add(row)
    changes.record(session, by, "ask", "run", row.key, at=at, pipeline=IMPORT, selection=IMPORT)
    session.flush()
    return store.run(row)


def end_import(session: Session, key: str, *, at: datetime, reason: str = "") -> Run:
    """The file is read to its end, or `reason` says why not. Raises UnknownRun."""
    row = tasks.lock_run(session, key)
    row.reason = reason
    tasks.end_run_if_done(row, at)
    return store.run(row)
