"""What a verdict on a statement would gain, and what it follows from: how sure it is, who says otherwise, what rests on it."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Row, and_, case, func, or_, select
from sqlalchemy.orm import Session, aliased

from annotations import bodies
from annotations.model import FOUND_NOTHING, GAVE_UP
from annotations.tables import AnnotationRow, BasisRow, QueueItemRow

AT_ONCE = 500  # keys in one question
NOT_SAID = 0.5  # the uncertainty of a statement that says nothing of it
NOTHING_FOUND = 0.2  # of the gain of other statements
CONFLICT = 0.5  # the disagreement of two runs; that of people is up to 1
SHAKEN = 0.25  # of what was judged before it, or what it rests on, changed
APART = 0.02  # of the larger one: two measures farther apart conflict
SAME_PLACE = 0.5  # IoU of two boxes
MOST_RESTING = 30  # that count


def gain(uncertainty: float, disagreement: float, *, is_type: bool, resting: int) -> float:
    """What a verdict is worth: more where it is uncertain, where others say otherwise, on types, and where much rests on it."""
    return uncertainty * (1 + disagreement) * (2 if is_type else 1) * (1 + min(resting, MOST_RESTING) / 10)


def found_nothing(layer: str, motivations: Sequence[str], *, is_placed: bool) -> bool:
    """Whether it is what a step says that looked and found nothing, or gave up."""
    return layer == "machine" and tuple(motivations) in (FOUND_NOTHING, GAVE_UP) and not is_placed


def uncertainty(row: Row[Any]) -> float:
    return NOT_SAID if row.confidence is None else min(max(1 - row.confidence, 0.0), 1.0)


def disagreement(state: str, reason: Mapping[str, Any] | None, conflict: bool) -> float:
    """From 0 to 1: how evenly people are divided, or that another run says otherwise, or that its ground was shaken.

    `reason` is why it is in its state; None where that is not to show: how people are divided about what they judge blind.
    """
    told = reason or {}
    approved, rejected = told.get("approved", 0), told.get("rejected", 0)
    divided = 2 * min(approved, rejected) / (approved + rejected) if approved and rejected else 0.0
    return max(divided, CONFLICT if conflict else 0.0, SHAKEN if state == "stale" else 0.0)


def class_of(row: Row[Any]) -> str:
    """What it classifies its region as; its kind where it does not."""
    for body in bodies.several(row.document.get("body")):
        if isinstance(body, Mapping) and body.get("purpose") == "classifying" and (said := bodies.readable(body)):
            return said[:100]
    return str(row.kind)


def resting(session: Session, keys: Sequence[str]) -> dict[str, int]:
    """How many statements rest on each."""
    found: dict[str, int] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = BasisRow.basis_key.in_(keys[start : start + AT_ONCE])
        query = select(BasisRow.basis_key, func.count()).where(some).group_by(BasisRow.basis_key)
        found |= {key: int(number) for key, number in session.execute(query)}
    return found


def in_conflict(session: Session, keys: Sequence[str]) -> set[str]:
    """Those of which a standing statement of another run says otherwise: another number, or other words of the same place."""
    one, item, other = AnnotationRow, QueueItemRow, aliased(AnnotationRow)
    alike = and_(
        item.media_key == one.media_key, item.kind == one.kind, item.run_key != one.run_key, item.run_key != "", one.run_key != ""
    )
    query = select(one.key).join(item, alike).join(other, other.key == item.annotation_key).where(one.media_key != "")
    found: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = one.key.in_(keys[start : start + AT_ONCE])
        found.update(session.scalars(query.where(some, differ(one, other)).distinct()))
    return found


def differ(one: Any, other: Any) -> Any:
    """For queries: whether two statements of a kind on an image exclude one another. The terms have the same order in the
    migration that filled the queue."""
    larger = case((func.abs(one.value) > func.abs(other.value), func.abs(one.value)), else_=func.abs(other.value))
    numbers = func.abs(one.value - other.value) > APART * larger
    width = _least(one.x1, other.x1) - _most(one.x0, other.x0)
    height = _least(one.y1, other.y1) - _most(one.y0, other.y0)
    areas = (one.x1 - one.x0) * (one.y1 - one.y0) + (other.x1 - other.x0) * (other.y1 - other.y0)
    overlap = and_(width > 0, height > 0, width * height >= SAME_PLACE * (areas - width * height))
    words = and_(one.value.is_(None), other.value.is_(None), overlap, one.text != other.text)
    return or_(numbers, words)


def _least(one: Any, other: Any) -> Any:
    return case((one < other, one), else_=other)


def _most(one: Any, other: Any) -> Any:
    return case((one > other, one), else_=other)
