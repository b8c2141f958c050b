"""Decisions about ingests as records: begun, counted, ended with a report, and abandoned where their process was killed."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import changes, ids, processes
from app.runtime.principal import Principal, may
from iiif.catalogue import places
from iiif.catalogue.visibility import sees_names
from iiif.ingest import store
from iiif.ingest.errors import UnknownIngest
from iiif.ingest.model import Ingest
from iiif.ingest.tables import IngestRow

STOPPED = "The program was stopped in the middle; run it again, what is in already stays."
MOST_RUNNING = 1_000


def begin(
    session: Session,
    sources: Sequence[str],
    *,
    by: Principal,
    code_version: str,
    environment: Mapping[str, Any],
    naan: str,
    at: datetime,
) -> Ingest:
    """Begin an ingest in this process."""
    row = IngestRow(
        key=ids.new_key(ids.INGEST, naan),
        state="running",
        sources=list(sources),
        process=processes.name(),
        asked_by=by.name,
        code_version=code_version,
        environment=dict(environment),
        report={},
        created_at=at,
    )
    session.add(row)
    changes.record(session, by, "begin", "ingest", row.key, at=at, sources=", ".join(map(str, sources)))
    session.flush()
    return store.ingest(row)


def progress(session: Session, key: str, done: int, total: int) -> None:
    """How many records have been seen to, and how many there are as far as is known. Raises UnknownIngest."""
    row = _row(session, key, lock=True)
    row.done, row.total = done, total


def end(session: Session, key: str, report: Mapping[str, Any], *, failure: str = "", at: datetime) -> Ingest:
    """End it with its report; `failure` says why nothing of it could be read. Raises UnknownIngest."""
    row = _row(session, key, lock=True)
    row.report = dict(report)
    if row.ended_at is None:
        row.state, row.reason, row.ended_at = "failed" if failure else "completed", failure, at
    return store.ingest(row)


def abandon(session: Session, *, at: datetime) -> int:
    """End the ingests whose process was killed; how many."""
    rows = store.page(session, "running", offset=0, limit=MOST_RUNNING)
    dead = [row for row in rows if processes.is_dead(row.process)]
    for row in dead:
        row.state, row.reason, row.ended_at = "failed", STOPPED, at
    session.flush()
    return len(dead)


def get(session: Session, key: str, *, by: Principal) -> Ingest:
    """As `by` sees it. Raises UnknownIngest."""
    return _as_seen(session, [_row(session, key)], by)[0]


def page(session: Session, *, by: Principal, state: str = "", offset: int = 0, limit: int) -> tuple[Ingest, ...]:
    """Ingests as `by` sees them, newest first."""
    return _as_seen(session, store.page(session, state, offset=offset, limit=limit), by)


def newest(session: Session, *, state: str = "", offset: int = 0, limit: int) -> list[tuple[datetime, str]]:
    """When each of the newest ingests was asked for, and its key."""
    return store.newest(session, state, offset, limit)


def by_key(session: Session, keys: Iterable[str], *, by: Principal) -> Mapping[str, Ingest]:
    """Those of the ingests that are here, as `by` sees them; for one page of a list."""
    return {ingest.key: ingest for ingest in _as_seen(session, store.by_key(session, keys), by)}


def _as_seen(session: Session, rows: Sequence[IngestRow], by: Principal) -> tuple[Ingest, ...]:
    """Without what names files, where `by` may not see the name of each, or what may quote a place that a record withholds."""
    found = tuple(map(store.ingest, rows))
    named = not found or sees_names(session, by)
    placed = may(by, "see") or places.are_shown()
    return tuple(one if named and (placed or not one.may_tell_places) else one.without_names() for one in found)


def counts(session: Session) -> Mapping[str, int]:
    """How many ingests there are, by state."""
    return store.counts_by_state(session)


def _row(session: Session, key: str, *, lock: bool = False) -> IngestRow:
    row = store.find(session, key, lock=lock)
    if row is None:
        raise UnknownIngest(f"There is no ingest {key[:64]!r} here.")
    return row
