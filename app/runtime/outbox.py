"""The outbox: what must happen after a change, committed with the change (transactional outbox).

Three kinds of row: a *job* goes to the broker, by the name of its actor, so that whoever adds it imports no worker code;
a *note for the index* says that an object changed, and the relay copies its present state to the search engine;
an *announcement* says that something happened, and the relay makes an event of it for those who listen.
All leave the table only after they were handed over, so each happens at least once.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Protocol

from sqlalchemy import BigInteger, Index, Integer, String, insert, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime import clock
from app.runtime.db import Base, Json, Moment


class OutboxRow(Base):
    """One thing that is still to be handed over."""

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "kind", "id"),)

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    kind: Mapped[str] = mapped_column(String(8))  # "job", "index" or "event"
    name: Mapped[str] = mapped_column(String(64))  # the actor, or the sort of object: "specimen", "annotation"
    queue: Mapped[str] = mapped_column(String(32), default="")
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    added_at: Mapped[datetime] = mapped_column(Moment, default=clock.now)


class Job(Protocol):
    """A frozen dataclass of plain values, with the actor it is for; its fields become the actor's keywords."""

    actor: ClassVar[str]
    queue: ClassVar[str]

    def payload(self) -> dict[str, Any]: ...


def add(session: Session, job: Job) -> None:
    """Have the job sent once this transaction has committed."""
    session.add(OutboxRow(kind="job", name=job.actor, queue=job.queue, payload=job.payload()))


def add_all(session: Session, jobs: Sequence[Job]) -> None:
    """The same for many jobs, in one statement."""
    rows = [{"kind": "job", "name": job.actor, "queue": job.queue, "payload": job.payload()} for job in jobs]
    if rows:
        session.execute(insert(OutboxRow), rows)


def waits(session: Session, job: Job) -> bool:
    """Whether the same job is still to be sent; its values are text."""
    alike = [OutboxRow.payload[name].as_string() == str(value) for name, value in job.payload().items()]
    row = select(OutboxRow.id).where(OutboxRow.kind == "job", OutboxRow.name == job.actor, *alike).limit(1)
    return session.scalar(row) is not None


def touch(session: Session, sort: str, key: str) -> None:
    """Have the index brought up to date with that object ("specimen" or "annotation") once this has committed."""
    session.add(OutboxRow(kind="index", name=sort, payload={"key": key}))


def touch_all(session: Session, sort: str, keys: Iterable[str]) -> None:
    """The same for many objects of one sort, in one statement."""
    put(session, notes(sort, keys))


def notes(sort: str, keys: Iterable[str]) -> list[dict[str, Any]]:
    """What `touch_all` would put here, to be put with other things."""
    return [{"kind": "index", "name": sort, "queue": "", "payload": {"key": key}} for key in keys]


def waiting_since(session: Session, kind: str) -> datetime | None:
    """When the first of that kind that is still to be handed over was added; None where nothing waits. One look into an index."""
    return session.scalar(select(OutboxRow.added_at).where(OutboxRow.kind == kind).order_by(OutboxRow.id).limit(1))


def put(session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
    """Put these rows here (`notes`, `events.announcements`), in one statement."""
    if rows:
        session.execute(insert(OutboxRow), rows)
