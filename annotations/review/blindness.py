"""Who knows what of the verdicts of others: nothing, of what people judge blind, until they have judged it themselves.

What others think of such a statement is hidden until it is decided, but from curators: in the container, history, lists and
counts (`store.is_unveiled`, `store.told_state`). Gold are statements with a curator's decision that the queue mixes in
(`queue/gold.py`) to see how people judge; a verdict on what somebody was given as gold counts for nothing, and its answer does
not tell.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from sqlalchemy import ColumnElement, and_, case, exists, func, literal_column, select, update
from sqlalchemy.orm import Session

from annotations import placing, recount
from annotations import store as statements
from annotations.model import Annotation
from annotations.states.derive import OPEN, Decision, Facts, State, Verdict, Voice, derive
from annotations.tables import AnnotationRow, QueueGoldRow, VerdictRow
from app.runtime.principal import ALL, ROLES, Principal, Role, may
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Specimen

CURATORS = ("curator", "administrator")


@dataclass(frozen=True, slots=True)
class Knowing:
    """How a verdict is given: without knowing those of others or not, on gold or not; and what hides it (its `veil`)."""

    independent: bool
    gold: bool
    veil: str


@dataclass(frozen=True, slots=True)
class Known:
    """What somebody is told of a statement: its state, why, and whose verdicts: all, or their own alone."""

    state: State
    reason: Mapping[str, Any] | None
    account: str
    all_verdicts: bool
    gold_too: bool

    def tells(self, verdict: VerdictRow) -> bool:
        if verdict.account == self.account and self.account:
            return True
        return self.gold_too if verdict.gold else self.all_verdicts


def of(session: Session, key: str, by: Principal, role: Role) -> Knowing:
    """How a verdict that `by`, in that role, gives now on the statement is given."""
    row = statements.find(session, key)
    if row is None:
        return Knowing(True, False, "")
    rules = recount.rules_of(session, row)
    others = [VerdictRow.annotation_key == key, VerdictRow.account != by.name, VerdictRow.withdrawn_at.is_(None)]
    others += [VerdictRow.gold.is_(False)]
    gold = role not in CURATORS and _is_gold(session, key, by, others)
    blind = rules.blind and row.state in OPEN
    independent = gold or not (_has_seen(session, key, by, role) if blind else session.scalar(select(exists().where(*others))))
    return Knowing(independent, gold, key if gold or blind else "")


def _is_gold(session: Session, key: str, by: Principal, others: Sequence[ColumnElement[bool]]) -> bool:
    """Whether it was given to them as gold, and the curator's decision still stands."""
    given = exists().where(QueueGoldRow.account == by.name, QueueGoldRow.annotation_key == key)
    decided = exists().where(*others, VerdictRow.role.in_(CURATORS), VerdictRow.verdict != "uncertain")
    return bool(session.scalar(select(and_(given, decided))))


def _has_seen(session: Session, key: str, by: Principal, role: Role) -> bool:
    """Whether somebody may know verdicts of others on what is judged blind and is open, though they may be taken back by now:
    because they curate, have judged it before, or because it was decided meanwhile, and the verdicts were told to all."""
    said = AnnotationRow
    others = select(VerdictRow.key).where(
        VerdictRow.annotation_key == key, VerdictRow.account != by.name, VerdictRow.gold.is_(False)
    )
    own = exists().where(VerdictRow.annotation_key == key, VerdictRow.account == by.name, VerdictRow.gold.is_(False))
    if role in CURATORS or session.scalar(select(own)):
        return session.scalar(others.limit(1)) is not None
    told = others.join(said, said.key == VerdictRow.key).where(said.judgements > 0)  # `recount` counts when the veil is lifted
    return session.scalar(told.limit(1)) is not None


def let_go(session: Session, key: str, by: Principal) -> None:
    """They have judged it: as gold it is given to them no more."""
    done = update(QueueGoldRow).where(QueueGoldRow.account == by.name, QueueGoldRow.annotation_key == key).values(until=None)
    session.execute(done.execution_options(synchronize_session=False))


def as_judged(session: Session, row: AnnotationRow, verdict: VerdictRow) -> Decision:
    """The decision that the giver of the verdict is answered; on gold as if nobody else had judged it."""
    if not verdict.gold:
        return recount.decide(session, row)
    voice = Voice(cast(Verdict, verdict.verdict), cast(Role, verdict.role), verdict.given_at, True)
    voices = (voice,) if verdict.withdrawn_at is None else ()
    return derive(Facts(voices), recount.rules_of(session, row))


def known(session: Session, annotation: Annotation, by: Principal) -> Known:
    """What `by` is told of the statement."""
    row = statements.find(session, annotation.key)
    curates = by.name != "" and _curates(session, annotation, by)
    if row is None or row.state not in OPEN or not recount.rules_of(session, row).blind:
        return Known(annotation.state, annotation.state_reason, by.name, True, curates)
    if curates or _has_judged(session, annotation.key, by):
        return Known(row.state, row.state_reason, by.name, True, curates)
    return Known(annotation.state, None, by.name, False, False)


def may_know(session: Session, annotation: Annotation, by: Principal) -> bool:
    """Whether `by` is told what others think of the statement."""
    return known(session, annotation, by).all_verdicts


# as their index has it: SQLite does not see that `gold = 1`, which the column becomes, is the same
ON_GOLD: ColumnElement[bool] = literal_column("verdicts.gold")


def sees_all(by: Principal) -> bool:
    """Whether nothing is hidden from them."""
    return any(grant.institution == ALL for grant in by.granted("curate"))


def gold_scores(session: Session, *, kind: str = "", in_steps_of: int = 1) -> dict[str, tuple[int, int]]:
    """By account, of the verdicts that were given on gold how many are those of the curator, and how many there are.

    Counted are whole steps, from the first verdict on: with a step of twenty nobody sees by what changes which item was gold.
    """
    curators = VerdictRow.__table__.alias("curators")
    same = exists().where(
        curators.c.annotation_key == VerdictRow.annotation_key,
        curators.c.role.in_(CURATORS),
        curators.c.withdrawn_at.is_(None),
        curators.c.verdict == VerdictRow.verdict,
    )
    given = select(
        VerdictRow.account,
        case((same, 1), else_=0).label("right"),
        func.row_number().over(partition_by=VerdictRow.account, order_by=(VerdictRow.given_at, VerdictRow.key)).label("number"),
        func.count().over(partition_by=VerdictRow.account).label("of"),
    ).where(ON_GOLD, VerdictRow.withdrawn_at.is_(None), *([VerdictRow.kind == kind] if kind else []))
    each = given.subquery()
    counted = select(each.c.account, func.sum(each.c.right), func.count()).where(
        each.c.number <= each.c.of - each.c.of % in_steps_of
    )
    return {account: (int(right), int(number)) for account, right, number in session.execute(counted.group_by(each.c.account))}


def _has_judged(session: Session, key: str, by: Principal) -> bool:
    own = (VerdictRow.annotation_key == key, VerdictRow.account == by.name, VerdictRow.withdrawn_at.is_(None))
    return bool(by.name and session.scalar(select(exists().where(*own, VerdictRow.gold.is_(False)))))


def _curates(session: Session, annotation: Annotation, by: Principal) -> bool:
    return ROLES.index(role_over(session, annotation, by)) >= ROLES.index("curator")


def role_over(session: Session, annotation: Annotation, by: Principal) -> Role:
    """The highest role that `by` has over a specimen that the annotation lies on; over all for what lies on none."""
    lying = placing.specimens_of(session, annotation.targets).values()
    held: list[Specimen | None] = list(catalogue.specimens_by_key(session, {key for keys in lying for key in keys}).values())
    held = held or [None]
    if any(may(by, "administer", one) for one in held):
        return "administrator"
    if any(may(by, "curate", one) for one in held):
        return "curator"
    return "reviewer" if any(may(by, "judge", one) for one in held) else "annotator"
