"""Groups of like segments, in SQL: each question is served by an index of the rule that it asks."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from annotations.segments import likeness
from annotations.segments.model import Segment
from annotations.segments.store import seen_by, segment
from annotations.segments.tables import SegmentRow
from app.runtime.principal import Principal


def like(session: Session, row: SegmentRow, rule: str, by: Principal, *, after: str, limit: int) -> Sequence[Segment]:
    """Those that are like this one by the rule, itself among them, that `by` sees, by key from the one behind `after`."""
    where = (SegmentRow.live.is_(True), *likeness.RULES[rule](row), SegmentRow.key > after, seen_by(by))
    return [segment(one) for one in session.scalars(select(SegmentRow).where(*where).order_by(SegmentRow.key).limit(limit))]


def largest_groups(session: Session, class_name: str, *, after: tuple[int, str], limit: int) -> Sequence[tuple[int, str]]:
    """Size and digest of the groups of a class that read the same words, the largest first, from the one behind `after`. Counted
    from the index, over all images."""
    size, words = func.count(), SegmentRow.words
    query = select(size, words).where(SegmentRow.live.is_(True), SegmentRow.class_name == class_name, words != "")
    behind = or_(size < after[0], (size == after[0]) & (words > after[1]))
    found = session.execute(query.group_by(words).having(size > 1, behind).order_by(size.desc(), words).limit(limit))
    return [(row[0], row[1]) for row in found]


def groups_seen(session: Session, class_name: str, words: Sequence[str], by: Principal) -> dict[str, tuple[int, str]]:
    """Of the groups with these words how many `by` sees, and the key of the first of those."""
    of_class = (SegmentRow.live.is_(True), SegmentRow.class_name == class_name, SegmentRow.words.in_(words), seen_by(by))
    query = select(SegmentRow.words, func.count(), func.min(SegmentRow.key)).where(*of_class).group_by(SegmentRow.words)
    return {row[0]: (row[1], row[2]) for row in session.execute(query)} if words else {}
