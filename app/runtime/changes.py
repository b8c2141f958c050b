"""Who changed what, and when: one row per requested change, written in the transaction of the change.

What a run or an ingest writes by the thousand is recorded once, for the run; its statements carry the run's key anyway.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, Integer, String, select, update
from sqlalchemy import text as sql
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime.clock import iso
from app.runtime.db import Base, Json, Moment
from app.runtime.principal import Principal

LONGEST_DETAIL = 500  # characters of one detail
AT_ONCE = 1_000  # addresses that are forgotten


class ChangeRow(Base):
    """One change of one thing; `version` is the one that it made, where the thing has versions.

    `by` is the name of the principal, `token` the token that an account sent, `address` the client's network address.
    """

    __tablename__ = "changes"
    __table_args__ = (
        Index(None, "kind", "key", "id"),
        Index(None, "kind", "id"),
        Index(None, "by", "id"),
        Index(None, "by", "kind", "id"),
        Index("ix_changes_addressed", "at", sqlite_where=sql("address IS NOT NULL"), postgresql_where=sql("address IS NOT NULL")),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment)
    by: Mapped[str] = mapped_column(String(100))
    action: Mapped[str] = mapped_column(String(16))
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(100))
    version: Mapped[int | None] = mapped_column(Integer)
    details: Mapped[dict[str, Any]] = mapped_column(Json)
    token: Mapped[str | None] = mapped_column(String(100))
    address: Mapped[str | None] = mapped_column(String(45))


@dataclass(frozen=True, slots=True)
class Change:
    """A recorded change. `id` grows with time; `kind` and `key` name the thing, `details` what the key does not tell."""

    id: int
    at: datetime
    by: str
    action: str
    kind: str
    key: str
    version: int | None
    details: Mapping[str, Any]
    token: str | None
    address: str | None


def record(
    session: Session,
    by: Principal,
    action: str,
    kind: str,
    key: str,
    *,
    at: datetime,
    version: int | None = None,
    **details: str | int | float | bool | None,
) -> None:
    """Write down that `by` did this to that thing; long texts among the details are cut."""
    kept = {name: value[:LONGEST_DETAIL] if isinstance(value, str) else value for name, value in details.items()}
    who = {"by": by.name, "token": by.token or None, "address": by.address or None}
    session.add(ChangeRow(at=at, action=action, kind=kind, key=key, version=version, details=kept, **who))


def page(session: Session, *, kind: str = "", key: str = "", by: str = "", before: int = 0, limit: int) -> tuple[Change, ...]:
    """Changes, newest first, from the one before the id `before` (0: from the newest); empty strings narrow nothing."""
    asked = {"kind": kind, "key": key, "by": by}
    where = [getattr(ChangeRow, name) == value for name, value in asked.items() if value]
    where += [ChangeRow.id < before] if before else []
    rows = session.scalars(select(ChangeRow).where(*where).order_by(ChangeRow.id.desc()).limit(limit))
    return tuple(Change(**{name: getattr(row, name) for name in Change.__dataclass_fields__}) for row in rows)


def forget_addresses(session: Session, by: str) -> None:
    """Keep no network address of who has that name."""
    session.execute(update(ChangeRow).where(ChangeRow.by == by, ChangeRow.address.is_not(None)).values(address=None))


def forget_old_addresses(session: Session, before: datetime) -> None:
    """Keep no network address of changes from before that moment; the oldest AT_ONCE of them now, the others next time."""
    old = (ChangeRow.address.is_not(None), ChangeRow.at < before)
    oldest = list(session.scalars(select(ChangeRow.id).where(*old).order_by(ChangeRow.at).limit(AT_ONCE)))
    if oldest:
        forgetting = update(ChangeRow).where(ChangeRow.id.in_(oldest)).values(address=None)
        session.execute(forgetting.execution_options(synchronize_session=False))


def to_json(change: Change) -> dict[str, Any]:
    """A change under camelCase names, without the network address."""
    return {
        "id": change.id,
        "at": iso(change.at),
        "by": change.by,
        "token": change.token,
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "version": change.version,
        "details": dict(change.details),
    }
