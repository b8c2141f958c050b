"""Work on datasets in the background: what was asked, how far it is, what came of it. The jobs are rows; actors do them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from annotations.datasets import service
from annotations.datasets.errors import UnknownJob
from annotations.datasets.jobs import ExportDataset, FreezeDataset
from annotations.datasets.model import Version
from annotations.datasets.tables import DatasetJobRow
from app.runtime import clock, ids, outbox
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal

JobState = Literal["waiting", "running", "done", "failed", "cancelled"]
OPEN: tuple[JobState, ...] = ("waiting", "running")


@dataclass(frozen=True, slots=True)
class Job:
    """One piece of work; `outcome` has its `version` or `files`, or the `error` in a sentence."""

    key: str
    dataset_key: str
    number: int
    kind: str
    format: str
    options: Mapping[str, Any]
    state: JobState
    stage: str
    done: int
    total: int
    outcome: Mapping[str, Any]
    asked_at: datetime
    asked_by: str
    ended_at: datetime | None


def ask_freeze(session: Session, key: str, *, by: Principal, naan: str, at: datetime) -> Job:
    """Have the next version frozen. One that is asked for already is not asked for twice. Raises UnknownDataset, NotAllowed,
    Forbidden."""
    dataset = service.get(session, key)
    service.require_keeper(by, dataset.created_by)
    row = DatasetJobRow
    waiting = select(row).where(row.dataset_key == key, row.kind == "freeze", row.state.in_(OPEN)).limit(1)
    if (known := session.scalar(waiting)) is not None:
        return _job(known)
    made = DatasetJobRow(
        key=ids.new_key(ids.EXPORT, naan),
        dataset_key=key,
        kind="freeze",
        options={},
        state="waiting",
        outcome={},
        asked_at=at,
        asked_by=by.name,
    )
    session.add(made)
    session.flush()
    outbox.add(session, FreezeDataset(made.key))
    return _job(made)


def ask_export(
    session: Session,
    version: Version,
    format_name: str,
    options: Mapping[str, Any] | None = None,
    *,
    by: str,
    naan: str,
    at: datetime,
) -> Job:
    """Have the files of a version made in a format. What is asked for already is not asked for twice."""
    row, given = DatasetJobRow, dict(options or {})
    same = (row.dataset_key == version.key, row.number == version.number, row.kind == "export", row.format == format_name)
    for known in session.scalars(select(row).where(*same, row.state.in_(OPEN)).order_by(row.asked_at).limit(100)):
        if known.options == given:
            return _job(known)
    made = DatasetJobRow(
        key=ids.new_key(ids.EXPORT, naan),
        dataset_key=version.key,
        number=version.number,
        kind="export",
        format=format_name,
        options=given,
        state="waiting",
        outcome={},
        asked_at=at,
        asked_by=by,
    )
    session.add(made)
    session.flush()
    outbox.add(session, ExportDataset(made.key))
    return _job(made)


def get(session: Session, key: str) -> Job:
    """Raises UnknownJob."""
    row = session.get(DatasetJobRow, key)
    if row is None:
        raise UnknownJob(f"There is no export or freeze {key[:40]!r} here.")
    return _job(row)


def of_dataset(session: Session, key: str, limit: int) -> tuple[Job, ...]:
    """The jobs of a dataset that were asked for last."""
    row = DatasetJobRow
    return tuple(map(_job, session.scalars(select(row).where(row.dataset_key == key).order_by(row.asked_at.desc()).limit(limit))))


def cancel(session: Session, key: str, *, by: Principal, at: datetime) -> Job:
    """Have it end at the next image. Raises UnknownJob, NotAllowed, Forbidden."""
    job = get(session, key)
    if job.asked_by != by.name or not by.name:
        service.require_keeper(by, service.get(session, job.dataset_key).created_by)
    end(session, key, "cancelled", {"error": "It was cancelled."}, at=at)
    return get(session, key)


def begin(session: Session, key: str) -> Job | None:
    """The job, from now on running; None where it has ended."""
    job = get(session, key)
    if job.state not in OPEN:
        return None
    session.execute(update(DatasetJobRow).where(DatasetJobRow.key == key).values(state="running"))
    return get(session, key)


def note(session: Session, key: str, stage: str, done: int, total: int = 0) -> bool:
    """Say how far it is; whether it is to go on."""
    row = DatasetJobRow
    told = update(row).where(row.key == key, row.state == "running").values(stage=stage, done=done, total=total)
    return session.execute(told.returning(row.key).execution_options(synchronize_session=False)).first() is not None


def end(session: Session, key: str, state: JobState, outcome: Mapping[str, Any], *, at: datetime) -> None:
    """What came of it; the first end stands."""
    row = DatasetJobRow
    ended = update(row).where(row.key == key, row.state.in_(OPEN)).values(state=state, outcome=dict(outcome), ended_at=at)
    session.execute(ended.execution_options(synchronize_session="fetch"))


def _job(row: DatasetJobRow) -> Job:
    return Job(**{name: getattr(row, name) for name in Job.__dataclass_fields__})


def to_json(job: Job, addresses: Addresses) -> dict[str, Any]:
    """A job under camelCase names."""
    return {
        "key": job.key,
        "id": f"{addresses.base}/api/exports/{job.key}",
        "dataset": addresses.dataset_record(job.dataset_key),
        "version": job.number or None,
        "kind": job.kind,
        "format": job.format or None,
        "options": dict(job.options),
        "state": job.state,
        "stage": job.stage or None,
        "done": job.done,
        "total": job.total or None,
        "outcome": dict(job.outcome),
        "asked": clock.iso(job.asked_at),
        "ended": clock.iso(job.ended_at) if job.ended_at else None,
    }
