"""The queue as a projection: which statements wait for verdicts, in which line, and what a verdict on each would gain.

It follows from the statements and is brought in line with every change of one, in the same transaction (`follow`). Counts are
kept as sums of changes, so that nobody walks through the items to count them, and nobody waits for another to add to them.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, Select, and_, delete, func, insert, or_, select, union, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased

from annotations import worth
from annotations.states.derive import State
from annotations.tables import (
    AnnotationRow,
    AnnotationTargetRow,
    AnnotationVersionRow,
    BasisRow,
    QueueCountRow,
    QueueItemRow,
    QueueLineRow,
)
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Specimen

WAITING: tuple[State, ...] = ("unreviewed", "stale", "disputed")
AT_ONCE = 500  # keys in one question
SUM_UP_EVERY = 256  # changes of counts
SUMMED_UP = 2_000  # rows at once


@dataclass(frozen=True, slots=True)
class Item:
    """A statement in the queue, without its lease."""

    annotation_key: str
    line: str
    media_key: str
    kind: str
    run_key: str
    author: str
    version: int
    gain: float
    uncertainty: float
    disagreement: float
    since: datetime
    resting: int


@dataclass(frozen=True, slots=True)
class Line:
    """What items have in common (`QueueLineRow`)."""

    kind: str
    stated_class: str
    institution_code: str
    collection_code: str
    state: str

    @property
    def key(self) -> str:
        told = [self.kind, self.stated_class, self.institution_code, self.collection_code, self.state]
        return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode()).hexdigest()[:32]


def follow(session: Session, keys: Iterable[str]) -> None:
    """Bring the queue in line with these statements, and with what they bear on: what they rest on, and what other runs say of
    the same. The caller has flushed its changes."""
    given = sorted(set(keys))
    for start in range(0, len(given), AT_ONCE):
        _follow(session, given[start : start + AT_ONCE])


def _follow(session: Session, keys: Sequence[str]) -> None:
    near = _near(session, keys)
    if _bring_in_line(session, keys, near) and near:  # who came or went is seen by those beside it only now
        _bring_in_line(session, keys, near)


def leave(session: Session, keys: Iterable[str]) -> None:
    """Take these statements, which stand no longer, out of the queue, and look again at what other runs say of the same.

    How much rests on what they rest on stays as it is, for what does not stand is counted, too. The caller has flushed.
    """
    given = sorted(set(keys))
    for start in range(0, len(given), AT_ONCE):
        some = given[start : start + AT_ONCE]
        held, lines = aliased(QueueItemRow), Counter[str]()
        either = union(select(held.annotation_key).where(held.annotation_key.in_(some)), _beside(some))
        place = select(QueueItemRow.annotation_key, QueueItemRow.line).where(QueueItemRow.annotation_key.in_(either))
        found = session.execute(place.order_by(QueueItemRow.annotation_key).with_for_update())
        stored = {row[0]: row[1] for row in found}
        gone = [key for key in some if key in stored]
        if not gone:  # nor were they beside others, then
            continue
        _write(session, (), (), gone, {})
        lines.subtract(stored[key] for key in gone)
        count(session, lines)
        if near := stored.keys() - gone:
            _bring_in_line(session, (), near)


def let_go(session: Session, key: str, by: str) -> None:
    """End the lease that they hold of the item: they have judged it."""
    theirs = (QueueItemRow.annotation_key == key, QueueItemRow.leased_by == by)
    freed = update(QueueItemRow).where(*theirs).values(leased_by="", leased_until=None)
    session.execute(freed.execution_options(synchronize_session=False))


def on_specimens(session: Session, keys: Iterable[str]) -> set[str]:
    """Those in the queue whose gain follows from the records of these specimens."""
    row, found = AnnotationRow, set[str]()
    ordered = sorted(set(keys))
    for start in range(0, len(ordered), AT_ONCE):
        lying = select(AnnotationTargetRow.annotation_key).where(
            AnnotationTargetRow.specimen_key.in_(ordered[start : start + AT_ONCE])
        )
        held = select(QueueItemRow.annotation_key).join(row, row.key == QueueItemRow.annotation_key)
        found.update(session.scalars(held.where(QueueItemRow.annotation_key.in_(lying))))
    return found


def _bring_in_line(session: Session, keys: Sequence[str], near: Iterable[str]) -> bool:
    """Whether any came or went. Of those that are `near` only what is in the queue is looked at."""
    stored = _stored(session, {*keys, *near}, lock=True)
    wanted, lines = _wanted(session, sorted({*keys, *stored}))
    fresh = [item for key, item in wanted.items() if key not in stored]
    changed = [item for key, item in wanted.items() if key in stored and item != stored[key]]
    gone = [key for key in stored if key not in wanted]
    moved = Counter(item.line for item in wanted.values())
    moved.subtract(item.line for item in stored.values())
    _write(session, fresh, changed, gone, lines)
    count(session, {line: change for line, change in moved.items() if change})
    return bool(fresh or gone)


def _write(
    session: Session, fresh: Sequence[Item], changed: Sequence[Item], gone: Sequence[str], lines: Mapping[str, Line]
) -> None:
    needed = {item.line: lines[item.line] for item in (*fresh, *changed)}
    if needed:
        make = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert
        rows = [{"key": key, **_values(line)} for key, line in sorted(needed.items())]
        session.execute(make(QueueLineRow).on_conflict_do_nothing(), rows)
    if fresh:
        session.execute(insert(QueueItemRow), [_values(item) for item in fresh])
    for item in changed:
        session.execute(
            update(QueueItemRow)
            .where(QueueItemRow.annotation_key == item.annotation_key)
            .values(_values(item))
            .execution_options(synchronize_session=False)
        )
    if gone:
        session.execute(
            delete(QueueItemRow).where(QueueItemRow.annotation_key.in_(gone)).execution_options(synchronize_session=False)
        )


def _values(row: Item | Line) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__dataclass_fields__}


def _near(session: Session, keys: Sequence[str]) -> set[str]:
    """What these rest on, and those in the queue that other runs say of the same images."""
    based = select(BasisRow.basis_key).where(BasisRow.annotation_key.in_(keys))
    return set(session.scalars(union(based, _beside(keys))))


def _beside(keys: Sequence[str]) -> Select[str]:
    """For queries: the keys of those in the queue that other runs say of the same images."""
    row, other = AnnotationRow, aliased(QueueItemRow)
    alike = (other.media_key == row.media_key, other.kind == row.kind, other.run_key != row.run_key, other.run_key != "")
    beside = select(other.annotation_key).join(row, and_(*alike))
    return beside.where(row.key.in_(keys), row.run_key != "", row.media_key != "")


def _stored(session: Session, keys: Iterable[str], *, lock: bool = False) -> dict[str, Item]:
    columns = [getattr(QueueItemRow, name) for name in Item.__dataclass_fields__]
    found: dict[str, Item] = {}
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        query = select(*columns).where(QueueItemRow.annotation_key.in_(ordered[start : start + AT_ONCE]))
        query = query.order_by(QueueItemRow.annotation_key)
        found |= {row[0]: Item(*row) for row in session.execute(query.with_for_update() if lock else query)}
    return found


def _wanted(session: Session, keys: Sequence[str], *, decided: bool = False) -> tuple[dict[str, Item], dict[str, Line]]:
    """The items that these statements are to be, those that wait, and their lines by key; those that are `decided`, as if nobody
    had judged them."""
    parts = (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE))
    rows = [row for part in parts for row in _waiting(session, part, decided=decided)]
    specimens = catalogue.specimens_by_key(session, {row.specimen_key for row in rows if row.specimen_key})
    waiting = [row.key for row in rows]
    resting, conflicts = worth.resting(session, waiting), worth.in_conflict(session, waiting)
    items, lines = {}, {}
    for row in rows:
        specimen = specimens.get(row.specimen_key)
        codes = (specimen.institution_code, specimen.collection_code) if specimen is not None else ("", "")
        line = Line(row.kind, worth.class_of(row), *codes, "unreviewed" if decided else row.state)
        lines[line.key] = line
        items[row.key] = _item(row, line, specimen, resting.get(row.key, 0), row.key in conflicts)
    return items, lines


def as_open(session: Session, keys: Sequence[str]) -> list[tuple[Item, Line]]:
    """What the items of these decided statements would be if nobody had judged them, with their lines."""
    items, lines = _wanted(session, keys, decided=True)
    return [(item, lines[item.line]) for item in items.values()]


def _waiting(session: Session, keys: Sequence[str], *, decided: bool) -> Sequence[Row[Any]]:
    """The columns of those that are questions at all: they stand, are of some kind, lie on something, are undecided (or
    `decided`), and are hidden from nobody."""
    row, first = AnnotationRow, AnnotationVersionRow
    columns = (
        row.key, row.media_key, row.specimen_key, row.kind, row.run_key, row.state, row.state_reason, row.confidence, row.value,
        row.x0, row.layer, row.motivations, row.document, row.created_at, row.substance_version, row.sealed, first.stored_by,
    )  # fmt: skip
    query = select(*columns).join(first, and_(first.key == row.key, first.version == 1)).where(row.key.in_(keys), row.veil == "")
    stands = func.coalesce(row.deleted_at, row.withdrawn_at).is_(None)
    lies = or_(row.media_key != "", row.specimen_key != "")
    in_state = row.state.not_in(WAITING) if decided else row.state.in_(WAITING)
    return session.execute(query.where(stands, row.layer != "review", row.kind != "", in_state, lies)).all()


def _item(row: Row[Any], line: Line, specimen: Specimen | None, resting: int, conflict: bool) -> Item:
    uncertainty = worth.uncertainty(row)
    is_told = line.state == row.state and not row.sealed
    disagreement = worth.disagreement(line.state, row.state_reason if is_told else None, conflict)
    nothing = worth.found_nothing(row.layer, row.motivations, is_placed=row.x0 is not None or row.value is not None)
    is_type = specimen is not None and bool(specimen.interpreted.get("typeStatus"))
    return Item(
        annotation_key=row.key,
        line=line.key,
        media_key=row.media_key,
        kind=row.kind,
        run_key=row.run_key,
        author=row.stored_by if row.layer == "people" else "",
        version=row.substance_version,
        gain=worth.gain(uncertainty, disagreement, is_type=is_type, resting=resting) * (worth.NOTHING_FOUND if nothing else 1),
        uncertainty=uncertainty,
        disagreement=disagreement,
        since=row.created_at,
        resting=resting,
    )


def count(session: Session, changes: Mapping[str, int]) -> None:
    """Add to the numbers of items in lines."""
    if not changes:
        return
    rows = [{"line": line, "change": change} for line, change in sorted(changes.items())]
    written = session.scalars(insert(QueueCountRow).returning(QueueCountRow.id), rows).all()
    if any(number % SUM_UP_EVERY == 0 for number in written):
        _sum_up(session)


def _sum_up(session: Session) -> None:
    """Put the oldest changes together. Those that another transaction sums up just now are passed over."""
    oldest = select(QueueCountRow.id).order_by(QueueCountRow.id).limit(SUMMED_UP).with_for_update(skip_locked=True)
    of_these = delete(QueueCountRow).where(QueueCountRow.id.in_(oldest)).returning(QueueCountRow.line, QueueCountRow.change)
    sums: Counter[str] = Counter()
    for line, change in session.execute(of_these.execution_options(synchronize_session=False)):
        sums[line] += change
    rows = [{"line": line, "change": change} for line, change in sorted(sums.items()) if change]
    if rows:
        session.execute(insert(QueueCountRow), rows)


@dataclass(frozen=True, slots=True)
class WrongItem:
    """A statement whose place in the queue is not the one that it should have: wrongly there, missing, or otherwise there."""

    key: str
    stored: str
    derived: str


def check(session: Session, *, after: str, limit: int) -> tuple[Sequence[WrongItem], str]:
    """Of a page of all that waits or is in the queue, what is there otherwise than it follows; and the last key, empty at the
    end."""
    row = AnnotationRow
    parts = [
        select(row.key.label("key"))
        .where(row.state == state, row.deleted_at.is_(None), row.withdrawn_at.is_(None), row.key > after)
        .order_by(row.key)
        .limit(limit)
        .subquery()
        for state in WAITING
    ]
    item = QueueItemRow.annotation_key
    parts.append(select(item.label("key")).where(item > after).order_by(item).limit(limit).subquery())
    keys = union_all(*(select(part.c.key) for part in parts)).subquery()
    page = session.scalars(select(keys.c.key).distinct().order_by(keys.c.key).limit(limit)).all()
    stored, (wanted, _) = _stored(session, page), _wanted(session, page)
    found = [
        WrongItem(key, _place(stored.get(key)), _place(wanted.get(key))) for key in page if stored.get(key) != wanted.get(key)
    ]
    return found, page[-1] if len(page) == limit else ""


def _place(item: Item | None) -> str:
    return "not in the queue" if item is None else f"in the queue as {item}"


def check_counts(session: Session, *, repair: bool = False) -> int:
    """How many lines have another number of items than is kept; all items are walked through."""
    there = select(QueueItemRow.line.label("line"), func.count().label("n")).group_by(QueueItemRow.line)
    kept = select(QueueCountRow.line, -func.sum(QueueCountRow.change)).group_by(QueueCountRow.line)
    both = union_all(there, kept).subquery()  # in one statement, hence of one moment
    total = func.sum(both.c.n)
    wrong = {line: int(n) for line, n in session.execute(select(both.c.line, total).group_by(both.c.line).having(total != 0))}
    if repair:
        count(session, wrong)
    return len(wrong)
