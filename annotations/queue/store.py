"""SQL of the queue. Every question names the lines that are meant, of each of which an index leads to the items in order."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, delete, exists, func, or_, select, tuple_, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from annotations.queue.model import Asked, Cursor, Order, Waiting
from annotations.tables import QueueCountRow, QueueItemRow, QueueLineRow, QueueSkipRow, VerdictBatchRow, VerdictRow

LINES_AT_ONCE = 100  # in one question
AT_ONCE = 400  # keys in one question
COLUMNS: Mapping[Order, Any] = {
    "gain": QueueItemRow.gain,
    "uncertainty": QueueItemRow.uncertainty,
    "disagreement": QueueItemRow.disagreement,
    "oldest": QueueItemRow.since,
}


def lines(session: Session, asked: Asked) -> Sequence[QueueLineRow]:
    """The lines that are meant, of which there are as many as kinds in collections."""
    wanted = {
        "kind": asked.kind,
        "stated_class": asked.stated_class,
        "institution_code": asked.institution,
        "collection_code": asked.collection,
        "state": asked.state,
    }
    where = [getattr(QueueLineRow, name) == value for name, value in wanted.items() if value]
    return session.scalars(select(QueueLineRow).where(*where).order_by(QueueLineRow.key)).all()


def counts(session: Session, lines: Sequence[QueueLineRow]) -> dict[str, int]:
    """How many items are in each of the lines."""
    found: dict[str, int] = {}
    for start in range(0, len(lines), AT_ONCE):
        some = QueueCountRow.line.in_([line.key for line in lines[start : start + AT_ONCE]])
        query = select(QueueCountRow.line, func.sum(QueueCountRow.change)).where(some).group_by(QueueCountRow.line)
        found |= {line: int(number) for line, number in session.execute(query)}
    return found


def in_order(
    session: Session,
    lines: Sequence[QueueLineRow],
    order: Order,
    *conditions: ColumnElement[bool],
    after: Cursor | None = None,
    limit: int,
) -> list[Waiting]:
    """The first items of these lines together, from the one behind `after`."""
    by_key = {line.key: line for line in lines}
    found: list[Waiting] = []
    for start in range(0, len(lines), LINES_AT_ONCE):
        parts = [
            select(_part(line.key, order, conditions, after, limit).subquery()) for line in lines[start : start + LINES_AT_ONCE]
        ]
        rows = session.execute(union_all(*parts) if len(parts) > 1 else parts[0])
        found.extend(_waiting(row, by_key[row.line]) for row in rows)
    return _sorted(found, order)[:limit]


def beside(
    session: Session, lines: Sequence[QueueLineRow], media_keys: Sequence[str], order: Order, *conditions: ColumnElement[bool]
) -> list[Waiting]:
    """All items of these lines, which are of one kind, that lie on these images."""
    if not lines or not media_keys:
        return []
    by_key = {line.key: line for line in lines}
    there = (QueueItemRow.media_key.in_(media_keys), QueueItemRow.kind == lines[0].kind)
    rows = session.execute(select(*_columns()).where(*there, *conditions))
    return _sorted([_waiting(row, by_key[row.line]) for row in rows if row.line in by_key], order)


def held(session: Session, by: str, at: datetime, lines: Sequence[QueueLineRow], order: Order) -> tuple[list[Waiting], int]:
    """The items of these lines that are leased to them now and still new to them, and how many of all lines."""
    by_key = {line.key: line for line in lines}
    theirs = (QueueItemRow.leased_by == by, QueueItemRow.leased_until > at, is_new_to(by))
    rows = session.execute(select(*_columns()).where(*theirs)).all()
    return _sorted([_waiting(row, by_key[row.line]) for row in rows if row.line in by_key], order), len(rows)


def claim(session: Session, keys: Sequence[str], by: str, at: datetime, until: datetime) -> set[str]:
    """Lease those of these items that are free; which they are.

    On PostgreSQL items that another transaction is about to take are passed over; on SQLite this is one UPDATE, and there is
    one writer.
    """
    free = select(QueueItemRow.annotation_key).where(QueueItemRow.annotation_key.in_(keys), is_free(by, at))
    free = free.order_by(QueueItemRow.annotation_key).with_for_update(skip_locked=True)
    taken = update(QueueItemRow).where(QueueItemRow.annotation_key.in_(free)).values(leased_by=by, leased_until=until)
    returned = taken.returning(QueueItemRow.annotation_key).execution_options(synchronize_session=False)
    return set(session.scalars(returned))


def renew(session: Session, keys: Sequence[str], by: str, at: datetime, until: datetime) -> set[str]:
    """Lengthen the leases that they still have; which these are."""
    if not keys:
        return set()
    theirs = (QueueItemRow.annotation_key.in_(keys), QueueItemRow.leased_by == by, QueueItemRow.leased_until > at)
    longer = update(QueueItemRow).where(*theirs).values(leased_until=until).returning(QueueItemRow.annotation_key)
    return set(session.scalars(longer.execution_options(synchronize_session=False)))


def give_back(session: Session, keys: Sequence[str], by: str) -> None:
    if not keys:
        return
    theirs = (QueueItemRow.annotation_key.in_(keys), QueueItemRow.leased_by == by)
    freed = update(QueueItemRow).where(*theirs).values(leased_by="", leased_until=None)
    session.execute(freed.execution_options(synchronize_session=False))


def skip(session: Session, by: str, versions: Mapping[str, int], at: datetime) -> None:
    """Write down that they passed over these versions of items in the queue; of others nothing is written down."""
    if not versions:
        return
    there = QueueItemRow.annotation_key.in_(sorted(versions))
    rows = [
        {"account": by, "annotation_key": key, "version": versions[key], "at": at}
        for key in session.scalars(select(QueueItemRow.annotation_key).where(there).order_by(QueueItemRow.annotation_key))
    ]
    if not rows:
        return
    insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(QueueSkipRow)
    newest = {"version": insert.excluded.version, "at": insert.excluded.at}
    session.execute(insert.on_conflict_do_update(index_elements=["account", "annotation_key"], set_=newest), rows)


def forget_skips(session: Session, by: str) -> None:
    """Let what they passed over come up again."""
    session.execute(delete(QueueSkipRow).where(QueueSkipRow.account == by))


def is_free(by: str, at: datetime) -> ColumnElement[bool]:
    return or_(QueueItemRow.leased_until.is_(None), QueueItemRow.leased_until <= at, QueueItemRow.leased_by == by)


def is_new_to(by: str) -> ColumnElement[bool]:
    """They have neither written, judged nor passed over the version that is asked about."""
    item, verdict, skipped = QueueItemRow, VerdictRow, QueueSkipRow
    judged = exists().where(
        verdict.annotation_key == item.annotation_key,
        verdict.account == by,
        verdict.withdrawn_at.is_(None),
        verdict.gold.is_(False),
        verdict.version >= item.version,
    )
    passed = exists().where(skipped.account == by, skipped.annotation_key == item.annotation_key, skipped.version >= item.version)
    return and_(item.author != by, ~judged, ~passed)


def batch_of_client(session: Session, account: str, client_key: str) -> VerdictBatchRow | None:
    return session.scalar(
        select(VerdictBatchRow).where(VerdictBatchRow.account == account, VerdictBatchRow.client_key == client_key)
    )


def find_batch(session: Session, key: str, *, lock: bool = False) -> VerdictBatchRow | None:
    return session.get(VerdictBatchRow, key, with_for_update=lock or None, populate_existing=lock)


def verdicts_of_batch(session: Session, batch: VerdictBatchRow) -> Sequence[str]:
    """The keys of its verdicts that stand. Each was given under the batch's name and a number."""
    named = (VerdictRow.client_key > f"{batch.key}:", VerdictRow.client_key < f"{batch.key};")  # what begins with the name
    standing = select(VerdictRow.key).where(VerdictRow.account == batch.account, *named, VerdictRow.withdrawn_at.is_(None))
    return session.scalars(standing.order_by(VerdictRow.client_key)).all()


def _part(
    line: str, order: Order, conditions: Sequence[ColumnElement[bool]], after: Cursor | None, limit: int
) -> Select[*tuple[Any, ...]]:
    column, key = COLUMNS[order], QueueItemRow.annotation_key
    query = select(*_columns()).where(QueueItemRow.line == line, *conditions).limit(limit)
    if order == "oldest":
        if after is not None:
            query = query.where(tuple_(column, key) > (datetime.fromtimestamp(after.value, UTC), after.key))
        return query.order_by(column, key)
    if after is not None:
        query = query.where(tuple_(column, key) < (after.value, after.key))
    return query.order_by(column.desc(), key.desc())


def _columns() -> tuple[Any, ...]:
    item = QueueItemRow
    return (
        item.annotation_key, item.line, item.version, item.gain, item.uncertainty, item.disagreement, item.since, item.resting,
        item.media_key, item.leased_by, item.leased_until,
    )  # fmt: skip


def _waiting(row: Any, line: QueueLineRow) -> Waiting:
    return Waiting(
        annotation_key=row.annotation_key,
        line=line.key,
        kind=line.kind,
        stated_class=line.stated_class,
        state=line.state,
        version=row.version,
        gain=row.gain,
        uncertainty=row.uncertainty,
        disagreement=row.disagreement,
        since=row.since,
        resting=row.resting,
        media_key=row.media_key,
        leased_by=row.leased_by,
        leased_until=row.leased_until,
    )


def _sorted(items: list[Waiting], order: Order) -> list[Waiting]:
    if order == "oldest":
        return sorted(items, key=lambda item: (item.since, item.annotation_key))
    return sorted(items, key=lambda item: (getattr(item, order), item.annotation_key), reverse=True)


def verdict_of_client(session: Session, account: str, client_key: str) -> VerdictRow | None:
    """The verdict that the account gave under that name, whether it stands or not."""
    named = (VerdictRow.account == account, VerdictRow.client_key == client_key)
    return session.scalar(select(VerdictRow).where(*named).limit(1))
