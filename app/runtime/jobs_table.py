"""The jobs table: what the embedded broker keeps until it was done.

A row is *waiting* (no owner), *running* (a process owns it until `lease_until`) or *dead* (`dead_at`, with the reason).
Whoever claims a row whose lease is over has it: the owner died, or lost the database for longer than a lease.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, Text, cast, delete, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert as postgresql_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime import processes
from app.runtime.db import Base, Json, Moment

LEASE = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=10)  # between two tries of a job; what the broker asks for stays below it
SOON = timedelta(seconds=2)
MOST_INTERRUPTIONS = 5  # a job whose worker died so often is to blame itself


class JobRow(Base):
    """One message. `ready_at` is when it may be claimed; `claims` counts how often it was."""

    __tablename__ = "jobs"
    __table_args__ = (Index(None, "dead_at", "queue", "ready_at", "id"), Index(None, "owner"))

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    message_id: Mapped[str] = mapped_column(String(64), unique=True)
    queue: Mapped[str] = mapped_column(String(64))
    actor: Mapped[str] = mapped_column(String(64))
    message: Mapped[dict[str, Any]] = mapped_column(Json)
    ready_at: Mapped[datetime] = mapped_column(Moment)
    claims: Mapped[int] = mapped_column(Integer, default=0)
    owner: Mapped[str | None] = mapped_column(String(255))
    lease_until: Mapped[datetime | None] = mapped_column(Moment)
    dead_at: Mapped[datetime | None] = mapped_column(Moment)
    reason: Mapped[str] = mapped_column(Text, default="")


@dataclass(frozen=True, slots=True)
class Claim:
    """A job that is ours until its lease ends; `number` tells this claim to the row from earlier and later ones."""

    id: int
    message: dict[str, Any]
    number: int

    @property
    def interruptions(self) -> int:
        """How many earlier claims ended neither in success nor in a retry: their owners died."""
        return self.number - 1 - int(self.message["options"].get("retries", 0))


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A job that was given up, and why."""

    message_id: str
    queue: str
    actor: str
    message: dict[str, Any]
    dead_at: datetime
    reason: str


def put(session: Session, message: dict[str, Any], ready_at: datetime, owner: str) -> None:
    """Add the message, or, where its own owner sends it again (a retry), let go of it with the new content and time.

    A message that is here already and not ours is left as it is, so that handing one over twice makes one job.
    """
    insert = postgresql_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    values = {"queue": message["queue_name"], "actor": message["actor_name"], "message": message, "ready_at": ready_at}
    statement = insert(JobRow).values(message_id=message["message_id"], claims=0, reason="", **values)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[JobRow.message_id],
            set_={**values, "owner": None, "lease_until": None},
            where=(JobRow.owner == owner) & JobRow.dead_at.is_(None),
        )
    )


def may_claim(session: Session, queue: str, before: Sequence[str], at: datetime) -> bool:
    """Whether a job of the queue is due, and none of the queues that go `before` it. Only reads."""
    if session.scalar(select(JobRow.id).where(*_due(at), JobRow.queue == queue).limit(1)) is None:
        return False
    return not before or session.scalar(select(JobRow.id).where(*_due(at), JobRow.queue.in_(before)).limit(1)) is None


def claim(session: Session, queue: str, owner: str, at: datetime) -> Claim | None:
    """Take the oldest due job of the queue, in one statement; two processes never get the same."""
    oldest = select(JobRow.id).where(*_due(at), JobRow.queue == queue).order_by(JobRow.ready_at, JobRow.id).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        oldest = oldest.with_for_update(skip_locked=True)
    row = session.execute(
        update(JobRow)
        .where(JobRow.id == oldest.scalar_subquery())
        .values(owner=owner, lease_until=at + LEASE, claims=JobRow.claims + 1)
        .returning(JobRow.id, JobRow.message, JobRow.claims)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return None if row is None else Claim(row.id, row.message, row.claims)


def done(session: Session, claim: Claim, owner: str) -> None:
    """Forget the job, unless it was put back or claimed anew since."""
    session.execute(delete(JobRow).where(*_held(claim, owner)))


def bury(session: Session, claim: Claim, owner: str, reason: str, at: datetime) -> None:
    """Keep the job as a dead letter."""
    session.execute(update(JobRow).where(*_held(claim, owner)).values(owner=None, lease_until=None, dead_at=at, reason=reason))


def release(session: Session, job_ids: Sequence[int], owner: str) -> None:
    """Put claimed jobs that were not begun back in their place; this does not count as a claim."""
    session.execute(
        update(JobRow)
        .where(JobRow.id.in_(job_ids), JobRow.owner == owner)
        .values(owner=None, lease_until=None, claims=JobRow.claims - 1)
    )


def extend(session: Session, owner: str, at: datetime) -> None:
    """The heartbeat: every lease of that owner runs anew."""
    session.execute(update(JobRow).where(JobRow.owner == owner).values(lease_until=at + LEASE))


def heed_clock(session: Session, at: datetime) -> int:
    """Mend times that lie further ahead than they can, because the clock was set back; how many jobs.

    A lease becomes a fresh one, which a living owner extends. A job is due if it was sent in the future, or waits for longer
    than any delay.
    """
    ahead = update(JobRow).where(JobRow.owner.is_not(None), JobRow.lease_until > at + 2 * LEASE).values(lease_until=at + LEASE)
    sent_ms = cast(JobRow.message["message_timestamp"].as_string(), BigInteger)
    late = (
        update(JobRow)
        .where(JobRow.dead_at.is_(None), JobRow.owner.is_(None), JobRow.ready_at > at + SOON)
        .where(or_(sent_ms > int((at + SOON).timestamp() * 1000), JobRow.ready_at > at + LONGEST_DELAY))
        .values(ready_at=at)
    )
    mended = [session.execute(one.returning(JobRow.id).execution_options(synchronize_session=False)) for one in (ahead, late)]
    return sum(len(rows.all()) for rows in mended)


def release_dead(session: Session) -> int:
    """Let go of what dead processes of this machine own; how many jobs."""
    owners = session.scalars(select(JobRow.owner).where(JobRow.owner.is_not(None)).distinct()).all()
    dead = [owner for owner in owners if owner and processes.is_dead(owner)]
    if not dead:
        return 0
    freed = session.execute(
        update(JobRow).where(JobRow.owner.in_(dead)).values(owner=None, lease_until=None).returning(JobRow.id)
    )
    return len(freed.all())


def count(session: Session) -> dict[str, int]:
    """How many jobs are waiting, running and dead."""
    waiting, running, dead = session.execute(
        select(
            func.count().filter(JobRow.dead_at.is_(None), JobRow.owner.is_(None)),
            func.count().filter(JobRow.owner.is_not(None)),
            func.count().filter(JobRow.dead_at.is_not(None)),
        )
    ).one()
    return {"waiting": waiting, "running": running, "dead": dead}


def dead_letters(session: Session, limit: int = 100) -> tuple[DeadLetter, ...]:
    """The newest dead letters."""
    rows = session.scalars(
        select(JobRow).where(JobRow.dead_at.is_not(None)).order_by(JobRow.dead_at.desc(), JobRow.id.desc()).limit(limit)
    )
    return tuple(
        DeadLetter(row.message_id, row.queue, row.actor, row.message, row.dead_at, row.reason) for row in rows if row.dead_at
    )


def _held(claim: Claim, owner: str) -> tuple[Any, ...]:
    return JobRow.id == claim.id, JobRow.owner == owner, JobRow.claims == claim.number


def _due(at: datetime) -> tuple[Any, ...]:
    return JobRow.dead_at.is_(None), JobRow.ready_at <= at, or_(JobRow.owner.is_(None), JobRow.lease_until < at)
