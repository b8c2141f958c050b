"""SQL of runs and tasks: rows in, frozen values out. Who locks both, locks the run before its tasks, and runs by key."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, func, insert, select, update
from sqlalchemy.orm import Session

from analytics.model import TASK_STATES, Run, Task
from analytics.tables import RunRow, TaskRow

COLUMNS = {"state": RunRow.state, "pipeline": RunRow.pipeline, "ingest": RunRow.ingest_key}
NEWEST_FIRST = (RunRow.created_at.desc(), RunRow.key.desc())


def run(row: RunRow) -> Run:
    return Run(**{name: getattr(row, name) for name in Run.__dataclass_fields__})


def task(row: TaskRow) -> Task:
    return Task(**{name: getattr(row, name) for name in Task.__dataclass_fields__})


def find(session: Session, key: str, *, lock: bool = False) -> RunRow | None:
    """With `lock`, the row as it stands now, and nobody else changes it before this transaction ends."""
    return session.get(RunRow, key, with_for_update=lock or None, populate_existing=lock)


def find_task(session: Session, run_key: str, media_key: str, *, lock: bool = False) -> TaskRow | None:
    return session.get(TaskRow, (run_key, media_key), with_for_update=lock or None, populate_existing=lock)


def lock_runs(session: Session, keys: Iterable[str]) -> Mapping[str, RunRow]:
    """The runs, locked in the order of their keys."""
    return {key: row for key in sorted(set(keys)) if (row := find(session, key, lock=True)) is not None}


def page(session: Session, where: Mapping[str, str], media: Sequence[str] | None, *, offset: int, limit: int) -> Sequence[RunRow]:
    """Newest first; `media` restricts them to those that have a task with one of these images."""
    query = select(RunRow).where(*_where(where, media)).order_by(*NEWEST_FIRST)
    return session.scalars(query.offset(offset).limit(limit)).all()


def newest(session: Session, state: str, offset: int, limit: int) -> list[tuple[datetime, str]]:
    """When each of the newest was asked for, and its key; read from the index alone."""
    query = select(RunRow.created_at, RunRow.key).where(*([RunRow.state == state] if state else []))
    return [(at, key) for at, key in session.execute(query.order_by(*NEWEST_FIRST).offset(offset).limit(limit))]


def keys(session: Session, after: str, limit: int) -> Sequence[str]:
    return session.scalars(select(RunRow.key).where(RunRow.key > after).order_by(RunRow.key).limit(limit)).all()


def by_key(session: Session, keys: Sequence[str]) -> Sequence[RunRow]:
    return session.scalars(select(RunRow).where(RunRow.key.in_(keys))).all()


def count(session: Session, where: Mapping[str, str], media: Sequence[str] | None) -> int:
    return session.scalar(select(func.count()).select_from(RunRow).where(*_where(where, media))) or 0


def counts_by_state(session: Session) -> Mapping[str, int]:
    return dict(session.execute(select(RunRow.state, func.count()).group_by(RunRow.state)).all())


def running(session: Session) -> Mapping[str, int]:
    """The tasks of all runs that have not ended, by state; few rows, as the index leads to them."""
    sums = [func.sum(getattr(RunRow, state)) for state in TASK_STATES]
    row = session.execute(select(*sums).where(RunRow.state == "running")).one()
    return {state: number or 0 for state, number in zip(TASK_STATES, row, strict=True)}


def steps_done(session: Session) -> int:
    """Steps that have ended of the tasks that are being done just now."""
    under_way = select(RunRow.key).where(RunRow.state == "running")
    query = select(func.sum(TaskRow.done)).where(TaskRow.run_key.in_(under_way), TaskRow.state == "running")
    return session.scalar(query) or 0


def of_media(session: Session, media_keys: Sequence[str], limit: int) -> Sequence[tuple[RunRow, TaskRow]]:
    """The runs over these images with their tasks, newest first."""
    query = select(RunRow, TaskRow).join(TaskRow, TaskRow.run_key == RunRow.key).where(TaskRow.media_key.in_(media_keys))
    return [(run, task) for run, task in session.execute(query.order_by(*NEWEST_FIRST).limit(limit))]


def page_of_tasks(session: Session, run_key: str, state: str, *, after: str, limit: int) -> Sequence[TaskRow]:
    """In the order of the images' keys, from the one behind `after`."""
    return session.scalars(page_query(run_key, state, after, limit)).all()


def page_query(run_key: str, state: str, after: str, limit: int) -> Select[Any]:
    """By an index whether there is a state or not."""
    where = [TaskRow.run_key == run_key, TaskRow.media_key > after, *([TaskRow.state == state] if state else [])]
    return select(TaskRow).where(*where).order_by(TaskRow.media_key).limit(limit)


def tasks_of_runs(session: Session, run_keys: Sequence[str]) -> Sequence[TaskRow]:
    """All tasks of these runs, which have few."""
    return session.scalars(select(TaskRow).where(TaskRow.run_key.in_(run_keys))).all()


def known_media(session: Session, run_key: str, media_keys: Sequence[str]) -> set[str]:
    """Those of the images that the run has already."""
    query = select(TaskRow.media_key).where(TaskRow.run_key == run_key, TaskRow.media_key.in_(media_keys))
    return set(session.scalars(query))


def same_work(session: Session, fingerprint: str, media_keys: Sequence[str]) -> Sequence[TaskRow]:
    """Tasks of that very code, models and parameters over these images, of runs that are neither cancelled nor retracted, or
    that had ended before their run was cancelled."""
    query = (
        select(TaskRow)
        .join(RunRow, RunRow.key == TaskRow.run_key)
        .where(TaskRow.media_key.in_(media_keys), TaskRow.fingerprint == fingerprint)
        .where(TaskRow.state.in_(("waiting", "running", "completed", "failed")))
        .where(RunRow.state != "retracted", (RunRow.state != "cancelled") | TaskRow.state.in_(("completed", "failed")))
    )
    return session.scalars(query.execution_options(populate_existing=True)).all()  # a second look sees what is new


def waiting_for(session: Session, media_key: str) -> Sequence[tuple[str, str]]:
    """(run key, image key) of the tasks that wait for the image."""
    query = select(TaskRow.run_key, TaskRow.media_key).where(TaskRow.media_key == media_key, TaskRow.state == "waiting")
    return [(run_key, media_key) for run_key, media_key in session.execute(query.order_by(TaskRow.run_key))]


def insert_tasks(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    if rows:
        session.execute(insert(TaskRow), [dict(row) for row in rows])


def lock_waiting(session: Session, run_key: str, limit: int) -> Sequence[str]:
    """Images whose tasks still wait, locked."""
    query = select(TaskRow.media_key).where(TaskRow.run_key == run_key, TaskRow.state == "waiting").order_by(TaskRow.media_key)
    return session.scalars(query.limit(limit).with_for_update()).all()


def set_tasks(session: Session, run_key: str, media_keys: Sequence[str], **values: object) -> None:
    session.execute(
        update(TaskRow)
        .where(TaskRow.run_key == run_key, TaskRow.media_key.in_(media_keys))
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def open_selections(session: Session, limit: int) -> Sequence[RunRow]:
    """Running runs whose list of images is not complete."""
    where = (RunRow.state == "running", RunRow.frozen_at.is_(None))
    return session.scalars(select(RunRow).where(*where).order_by(RunRow.created_at, RunRow.key).limit(limit)).all()


def _where(where: Mapping[str, str], media: Sequence[str] | None) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [COLUMNS[name] == value for name, value in where.items() if value]
    if media is not None:
        found.append(RunRow.key.in_(select(TaskRow.run_key).where(TaskRow.media_key.in_(media))))
    return found
