"""Activities: what came, changed, moved and went, for those who keep copies (IIIF Change Discovery 1.0). None is taken out.

The relay, of which one is at work, numbers them without gaps as it carries announcements over, so that a page is a range of
numbers and stays what it is, and the newest number is the count of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from sqlalchemy import BigInteger, Boolean, Index, Integer, String, exists, func, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime import clock, outbox
from app.runtime.db import Base, Moment

Type = Literal["Create", "Update", "Delete", "Move"]
Kind = Literal["manifest", "annotation", "dataset"]
OUTBOX_KIND = "activity"


class ActivityRow(Base):
    """One activity. `target` is the key of what a thing that moved became; `public` tells whether everybody saw it then."""

    __tablename__ = "activities"
    __table_args__ = (Index(None, "kind", "key"),)

    number: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Moment)
    type: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(16))
    key: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    target: Mapped[str] = mapped_column(String(64), default="")
    public: Mapped[bool] = mapped_column(Boolean, default=True)


@dataclass(frozen=True, slots=True)
class Activity:
    """As in the row; `number` is 0 before it is kept."""

    type: Type
    kind: Kind
    key: str
    at: datetime
    version: int = 0
    target: str = ""
    public: bool = True
    number: int = 0


def moved(session: Session, kind: Kind, key: str, target: str, *, at: datetime) -> None:
    """Say that the thing is another one from now on, once this transaction has committed."""
    payload = {"key": key, "target": target, "at": clock.iso(at)}
    outbox.put(session, [{"kind": OUTBOX_KIND, "name": kind, "queue": "", "payload": payload}])


def add(session: Session, happened: Sequence[Activity]) -> None:
    """Keep them in this order, with the next numbers. For the relay alone."""
    last = newest(session)
    before = session.get(ActivityRow, last)
    latest = before.at if before else datetime.min.replace(tzinfo=UTC)
    names = [name for name in Activity.__dataclass_fields__ if name not in ("number", "at")]
    rows = []
    for number, one in enumerate(happened, last + 1):
        latest = max(latest, one.at)  # clients stop at the first that is older than what they know
        rows.append({name: getattr(one, name) for name in names} | {"number": number, "at": latest})
    if rows:
        session.execute(ActivityRow.__table__.insert(), rows)  # type: ignore[attr-defined]  # a mapped class has a table


def newest(session: Session) -> int:
    """The number of the newest, which is how many there are."""
    return session.scalar(select(func.max(ActivityRow.number))) or 0


def is_known(session: Session, kind: Kind, key: str) -> bool:
    """Whether anything was ever told of the thing."""
    return bool(session.scalar(select(exists().where(ActivityRow.kind == kind, ActivityRow.key == key))))


def page(session: Session, first: int, last: int) -> tuple[Activity, ...]:
    """Those with numbers from `first` to `last`, oldest first."""
    query = select(ActivityRow).where(ActivityRow.number.between(first, last)).order_by(ActivityRow.number)
    return tuple(
        Activity(**{name: getattr(row, name) for name in Activity.__dataclass_fields__}) for row in session.scalars(query)
    )
