"""What people answered to machines' and one another's statements, as units of agreement.

An answer is the statement itself where it was accepted, and the correction where it was rejected with one. Verdicts that were
given after those of others were seen are not independent, and are left out; so is what is still veiled.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session, aliased

from annotations.tables import AnnotationRow, VerdictRow

MOST = 5_000  # verdicts that a figure is made from: the newest
AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Asked:
    """Which verdicts are meant; what is empty narrows nothing. `from_` is included, `to` is not."""

    kind: str = ""
    run_key: str = ""
    from_: datetime | None = None
    to: datetime | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What somebody thinks of a statement: the verdict, and the statement that they hold for right, None for none."""

    account: str
    verdict: str
    row: AnnotationRow | None


@dataclass(frozen=True, slots=True)
class Unit:
    """A statement with the independent answers to it."""

    row: AnnotationRow
    answers: tuple[Answer, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """`left_out` verdicts were not independent; `cut_off`: there were more than MOST."""

    units: tuple[Unit, ...]
    left_out: int
    cut_off: bool


def find(session: Session, asked: Asked) -> Found:
    """The newest verdicts that are meant, by the statements that they are about."""
    said = aliased(AnnotationRow, name="said")
    # no index serves the veil so, and the verdicts lead, newest first: else SQLite goes through all statements
    where = [VerdictRow.withdrawn_at.is_(None), VerdictRow.gold.is_(False), func.coalesce(said.veil, "") == "", *_meant(asked)]
    query = select(VerdictRow).join(said, said.key == VerdictRow.key).where(*where)
    verdicts = session.scalars(query.order_by(VerdictRow.given_at.desc(), VerdictRow.key).limit(MOST + 1)).all()
    counted = [one for one in verdicts[:MOST] if one.independent]
    keys = {one.annotation_key for one in counted} | {one.correction_key for one in counted if one.correction_key}
    rows = _rows(session, keys)
    answers: dict[str, list[Answer]] = {}
    for one in sorted(counted, key=lambda verdict: (verdict.annotation_key, verdict.account)):
        held = one.annotation_key if one.verdict == "approved" else one.correction_key
        answers.setdefault(one.annotation_key, []).append(Answer(one.account, one.verdict, rows.get(held) if held else None))
    units = tuple(Unit(rows[key], tuple(several)) for key, several in answers.items() if key in rows)
    return Found(units, len(verdicts[:MOST]) - len(counted), len(verdicts) > MOST)


def of_statement(session: Session, key: str) -> Unit | None:
    """All standing answers to one statement, independent or not; None where it is not there."""
    row = session.get(AnnotationRow, key)
    if row is None:
        return None
    where = (VerdictRow.annotation_key == key, VerdictRow.withdrawn_at.is_(None), VerdictRow.gold.is_(False))
    verdicts = session.scalars(select(VerdictRow).where(*where).order_by(VerdictRow.account).limit(MOST)).all()
    rows = _rows(session, {key, *(one.correction_key for one in verdicts if one.correction_key)})
    held = [(one, key if one.verdict == "approved" else one.correction_key) for one in verdicts]
    return Unit(row, tuple(Answer(one.account, one.verdict, rows.get(which) if which else None) for one, which in held))


def _meant(asked: Asked) -> Iterable[ColumnElement[bool]]:
    if asked.kind:
        yield VerdictRow.kind == asked.kind
    if asked.run_key:
        of_run = select(AnnotationRow.key).where(AnnotationRow.run_key == asked.run_key)
        yield func.coalesce(VerdictRow.annotation_key, "").in_(of_run)
    if asked.from_ is not None:
        yield VerdictRow.given_at >= asked.from_
    if asked.to is not None:
        yield VerdictRow.given_at < asked.to


def _rows(session: Session, keys: Iterable[str]) -> Mapping[str, AnnotationRow]:
    """Those of the statements that stand, with what they say."""
    ordered: Sequence[str] = sorted(keys)
    found: dict[str, AnnotationRow] = {}
    for start in range(0, len(ordered), AT_ONCE):
        some = AnnotationRow.key.in_(ordered[start : start + AT_ONCE])
        found |= {row.key: row for row in session.scalars(select(AnnotationRow).where(some)) if row.deleted_at is None}
    return found
