"""SQL of ingests: rows in, frozen values out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from iiif.ingest.model import Ingest
from iiif.ingest.tables import IngestRow


def ingest(row: IngestRow) -> Ingest:
    return Ingest(**{name: getattr(row, name) for name in Ingest.__dataclass_fields__ if name != "names_left_out"})


def find(session: Session, key: str, *, lock: bool = False) -> IngestRow | None:
    return session.get(IngestRow, key, with_for_update=lock or None, populate_existing=lock)


def page(session: Session, state: str, *, offset: int, limit: int) -> Sequence[IngestRow]:
    """Newest first."""
    query = select(IngestRow).where(*([IngestRow.state == state] if state else []))
    return session.scalars(query.order_by(IngestRow.created_at.desc(), IngestRow.key.desc()).offset(offset).limit(limit)).all()


def newest(session: Session, state: str, offset: int, limit: int) -> list[tuple[datetime, str]]:
    """When each of the newest was asked for, and its key; read from the index alone."""
    query = select(IngestRow.created_at, IngestRow.key).where(*([IngestRow.state == state] if state else []))
    in_order = query.order_by(IngestRow.created_at.desc(), IngestRow.key.desc())
    return [(at, key) for at, key in session.execute(in_order.offset(offset).limit(limit))]


def by_key(session: Session, keys: Iterable[str]) -> Sequence[IngestRow]:
    return session.scalars(select(IngestRow).where(IngestRow.key.in_(list(keys)))).all()


def counts_by_state(session: Session) -> Mapping[str, int]:
    return dict(session.execute(select(IngestRow.state, func.count()).group_by(IngestRow.state)).all())
