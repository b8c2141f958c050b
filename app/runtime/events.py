"""Events: that something changed, for whoever listens. They tell which thing, never what it says.

Whoever changes something announces it in the transaction of the change. The relay, of which one is at work, carries
announcements over in order (`app/announcements.py`), so that the numbers of events grow in the order in which they can be seen:
who has seen number n misses nothing by asking for those behind n. Databases give no such order to transactions that overlap.

The newest KEPT events are kept. Whoever comes back later is told so, and looks at the whole again.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Integer, String, delete, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime import clock, outbox
from app.runtime.db import Base, Json, Moment

KEPT = 100_000
TYPES = (
    "annotation.created",
    "annotation.changed",
    "annotation.deleted",
    "annotation.withdrawn",  # with the run that stated it
    "annotation.restored",  # with its run
    "annotation.reviewed",  # its state may have changed
    "specimen.changed",  # its record
    "image.ready",
    "image.failed",
    "image.access",
    "dataset.frozen",  # a version of it
    "dataset.withdrawn",  # a version of it
)
OUTBOX_KIND = "event"


class EventRow(Base):
    """One event. `images` and `specimens` in `details` are where the annotation lies or lay, `version` the one that it got."""

    __tablename__ = "events"

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    type: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(64))
    details: Mapped[dict[str, Any]] = mapped_column(Json)


@dataclass(frozen=True, slots=True)
class Event:
    """`id` grows with time; it is 0 before the event is kept."""

    id: int
    at: datetime
    type: str
    key: str
    version: int = 0
    images: tuple[str, ...] = ()
    specimens: tuple[str, ...] = ()


def announce(session: Session, event_type: str, key: str, *, at: datetime, version: int = 0) -> None:
    """Say that this happened to that thing, once this transaction has committed."""
    announce_all(session, event_type, [key], at=at, version=version)


def announce_all(session: Session, event_type: str, keys: Iterable[str], *, at: datetime, version: int = 0) -> None:
    """The same of many things, in one statement."""
    outbox.put(session, announcements(event_type, keys, at=at, version=version))


def announcements(event_type: str, keys: Iterable[str], *, at: datetime, version: int = 0) -> list[dict[str, Any]]:
    """The rows of the outbox that say so."""
    if event_type not in TYPES:
        raise ValueError(f"no such event: {event_type}")
    said = {"kind": OUTBOX_KIND, "name": event_type, "queue": ""}
    return [said | {"payload": {"key": key, "version": version, "at": clock.iso(at)}} for key in keys]


def add(session: Session, happened: Sequence[Event]) -> tuple[Event, ...]:
    """Keep them, in this order, with their numbers; the oldest of all go."""
    rows = [
        EventRow(at=one.at, type=one.type, key=one.key, details=_details(one.version, one.images, one.specimens))
        for one in happened
    ]
    session.add_all(rows)
    session.flush()  # in the order given, so that their numbers grow with it
    if rows:
        session.execute(delete(EventRow).where(EventRow.id <= rows[-1].id - KEPT))
    return tuple(map(_event, rows))


def page(session: Session, *, after: int, limit: int) -> tuple[Event, ...]:
    """The events behind that number, oldest first."""
    rows = session.scalars(select(EventRow).where(EventRow.id > after).order_by(EventRow.id).limit(limit))
    return tuple(map(_event, rows))


def ends(session: Session) -> tuple[int, int]:
    """The numbers of the oldest and the newest event; (0, 0) before the first."""
    oldest, newest = session.execute(select(func.min(EventRow.id), func.max(EventRow.id))).one()
    return oldest or 0, newest or 0


def _details(version: int, images: Sequence[str], specimens: Sequence[str]) -> dict[str, Any]:
    return {"version": version, "images": list(images), "specimens": list(specimens)}


def _event(row: EventRow) -> Event:
    details: Mapping[str, Any] = row.details
    return Event(row.id, row.at, row.type, row.key, details["version"], tuple(details["images"]), tuple(details["specimens"]))
