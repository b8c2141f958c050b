"""Counting again what people think of a statement, when a verdict, a version or a correction of it comes or goes.

The caller has locked the statement and all that its state bears on (`lock`), in the order of keys that `following` keeps.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import or_, select, true, union
from sqlalchemy.orm import Session

from annotations import bases, placing, store, waiting
from annotations.jobs import BasisChanged
from annotations.proposed.record import policy_of, settle
from annotations.segments import store as segments
from annotations.segments.following import follow as follow_segments
from annotations.segments.following import rejected_by_others
from annotations.states import policy
from annotations.states.derive import FALLEN, OPEN, STATES, Decision, Facts, SegmentEnd, State, Verdict, Voice, derive
from annotations.states.policy import Policy
from annotations.tables import AnnotationRow, AnnotationVersionRow, VerdictRow
from app.runtime import events, outbox
from app.runtime.principal import Role
from iiif.catalogue import service as catalogue

MOST_ROUNDS = 50  # a chain of corrections, each of the one before, is followed so far


def lock(session: Session, keys: Iterable[str]) -> None:
    """Lock these statements, what they correct and what corrects them, and what rests on any of these, by key."""
    store.lock(session, around(session, keys))


def around(session: Session, keys: Iterable[str]) -> set[str]:
    """These statements and all whose state may change with theirs."""
    found = set(keys)
    waiting = sorted(found)
    for _ in range(MOST_ROUNDS):
        if not waiting:
            break
        pair = (VerdictRow.annotation_key, VerdictRow.correction_key)
        linked = select(*pair).where(VerdictRow.correction_key != "", or_(*(column.in_(waiting) for column in pair)))
        near = {key for both in session.execute(linked) for key in both}
        near |= bases.resting(session, waiting) | bases.kin(session, waiting) | segments.beside(session, waiting)
        waiting = sorted(near - found)
        found.update(waiting)
    return found


def recount(session: Session, key: str, *, by: str, at: datetime, remake: bool = True, judged: bool = False) -> Decision:
    """Bring the state of the statement, and of all that it bears on, in line with what is known; what it is now, and why.

    What changed is indexed again, with the specimens that it lies on; of a proposal the record follows. `by` is the name of
    the principal who brought it about. With `remake`, what machines measured and is stale now is to be measured anew.
    `judged`: a verdict on it came or went, which is announced whatever it does, so that no event tells what a verdict was; of
    what is judged blind nothing is announced before it is decided.
    """
    changed, shown, unveiled = list[str](), set[str](), set[str]()
    due, rounds, counted = [key], 0, {key}
    decided: Decision | None = None
    while due and rounds < MOST_ROUNDS:
        rounds += 1
        counted.update(due)
        following: set[str] = set()
        for one in due:
            row = store.find(session, one, lock=True)
            if row is None:
                continue
            decision = decide(session, row)
            decided = decision if one == key and decided is None else decided
            told = store.told_state(row)
            moved = _keep(session, row, decision, at)
            unveiled |= _veil(session, row, decision)
            if store.told_state(row) != told:
                row.judgements += 1
                shown.add(one)
            if moved:
                changed.append(one)
                following |= around_directly(session, one)
        if rounds == 1:  # what hangs on it may have to change though its own state does not: it was deleted, or altered
            following |= around_directly(session, key)
        session.flush()
        due = sorted(following)
    told_otherwise = settle(session, {key, *changed}, by=by, at=at)  # a type is worth more
    waiting.follow(session, counted | unveiled | waiting.on_specimens(session, told_otherwise))
    if shown or unveiled:  # what is not told does not show in the version of a specimen either
        keys = sorted(shown | unveiled)
        outbox.touch_all(session, "annotation", keys)
        catalogue.touch_specimens(session, placing.of_annotations(session, keys), at=at)
    row = store.find(session, key)
    hidden = {key} if judged and row is not None and row.sealed else set[str]()  # nor in a change of its segment
    turned = follow_segments(session, {*({key} - hidden), *({*changed} & shown)}, at)
    heard = {key} if judged and row is not None and not row.sealed else set()
    events.announce_all(session, "annotation.reviewed", sorted(shown | unveiled | heard), at=at)
    if remake:
        outbox.add_all(session, [BasisChanged(image) for image in bases.images_with_stale(session, {key, *changed})])
    for other in sorted(segments.said_of(session, turned) - counted):  # what says that there is one goes with it
        recount(session, other, by=by, at=at, remake=remake)
    return decide(session, row) if row is not None else decided or derive(Facts(), policy.of(""))


def around_directly(session: Session, key: str) -> set[str]:
    """What the statement corrects, the other corrections of that, what rests on the statement, and what it was made anew from."""
    corrected = select(VerdictRow.annotation_key).where(VerdictRow.correction_key == key)
    parents = set(session.scalars(corrected))
    siblings = session.scalars(
        select(VerdictRow.correction_key).where(
            VerdictRow.annotation_key.in_([key, *parents]), VerdictRow.correction_key.not_in(["", key])
        )
    )
    return {*parents, *siblings, *bases.resting(session, [key]), *bases.kin(session, [key])} - {key}


def decide(session: Session, row: AnnotationRow) -> Decision:
    """What the state of the statement is by all that is known now."""
    return derive(_facts(session, row), rules_of(session, row))


def rules_of(session: Session, row: AnnotationRow) -> Policy:
    """The rules by which the statement is decided."""
    return policy.of(policy_of(session, row))


@dataclass(frozen=True, slots=True)
class WrongState:
    """A statement whose stored state is not what its verdicts make of it."""

    key: str
    stored: str
    derived: str


def check(session: Session, *, after: str, limit: int) -> tuple[Sequence[WrongState], str]:
    """Of a page of all that has been judged, or rests on something, what is stored otherwise than it follows; and the last key.

    Empty at the end. Each kind of such a statement is read from `after` on, in order, and no farther than the page may reach.
    """
    row = AnnotationRow
    stated = or_(row.rests_on != "", row.state.in_(STATES[1:]))
    parts = [
        select(key.label("key")).where(key > after, of_these).distinct().order_by(key).limit(limit).subquery()
        for key, of_these in ((VerdictRow.annotation_key, true()), (VerdictRow.correction_key, true()), (row.key, stated))
    ]
    parts.append(segments.behind_what_is_not_there(after, limit))
    keys = union(*(select(part.c.key) for part in parts)).subquery()
    page = session.scalars(select(keys.c.key).order_by(keys.c.key).limit(limit)).all()
    found = []
    for key in page:
        one = store.find(session, key)
        if one is not None and one.state != (derived := decide(session, one).state):
            found.append(WrongState(key, one.state, derived))
    return found, page[-1] if len(page) == limit else ""


def _keep(session: Session, row: AnnotationRow, decision: Decision, at: datetime) -> bool:
    """Write it down; whether the state is another one."""
    changed = row.state != decision.state
    if changed:
        row.state, row.state_at = decision.state, at
    if changed or row.state_reason is not None or decision.is_judged:
        row.state_reason = decision.to_json()
    row.sealed = decision.state in OPEN and rules_of(session, row).blind
    return changed


def _veil(session: Session, row: AnnotationRow, decision: Decision) -> set[str]:
    """Hide the verdicts on it and the corrections of it while people judge it blind, and show them when it is decided; the keys
    of those that are shown or hidden from now on. What was given on gold stays hidden."""
    if not rules_of(session, row).blind:
        return set()
    veil = row.key if decision.state in OPEN else ""
    query = select(VerdictRow.key, VerdictRow.correction_key).where(
        VerdictRow.annotation_key == row.key, VerdictRow.gold.is_(False)
    )
    keys = {key for pair in session.execute(query) for key in pair if key}
    found = session.scalars(select(AnnotationRow).where(AnnotationRow.key.in_(keys))).all()
    other = [one for one in found if one.veil != veil]
    for one in other:
        one.veil = veil
        one.judgements += 1
    return {one.key for one in other}


def _facts(session: Session, row: AnnotationRow) -> Facts:
    shaken = _shaken_at(session, row)
    standing = select(VerdictRow).where(VerdictRow.annotation_key == row.key, VerdictRow.withdrawn_at.is_(None))
    standing = standing.where(VerdictRow.gold.is_(False))
    voices = tuple(
        Voice(
            cast(Verdict, one.verdict),
            cast(Role, one.role),
            one.given_at,
            one.version >= row.substance_version and (shaken is None or one.given_at > shaken),
        )
        for one in session.scalars(standing)
    )
    corrections = _corrections(session, row.key)
    return Facts(
        voices,
        tuple(cast(State, one.state) for one in corrections),
        _own(session, row),
        shaken is not None,
        shaken is not None and _remade(session, row),
        segments.end_of(session, row.key) or _with_others(session, row),
    )


def _with_others(session: Session, row: AnnotationRow) -> SegmentEnd:
    """A machine's statement goes with others that say the same; what a person says stands by itself."""
    return "rejected" if row.layer == "machine" and rejected_by_others(session, row.key) else ""


def _corrections(session: Session, key: str) -> Sequence[AnnotationRow]:
    """The standing corrections of the statement."""
    query = select(AnnotationRow).join(VerdictRow, VerdictRow.correction_key == AnnotationRow.key)
    where = (VerdictRow.annotation_key == key, VerdictRow.gold.is_(False))
    return session.scalars(query.where(*where, *store.STANDING_OF_FEW)).all()


def _own(session: Session, row: AnnotationRow) -> Role | None:
    """The role of who made it, where it is the only standing correction of another statement."""
    made = session.scalar(select(VerdictRow).where(VerdictRow.correction_key == row.key).limit(1))
    if made is None or row.deleted_at is not None:
        return None
    others = _corrections(session, made.annotation_key)
    return cast(Role, made.role) if {one.key for one in others} <= {row.key} else None


def _remade(session: Session, row: AnnotationRow) -> bool:
    """Whether another that was made anew from the same first statement stands, on what is in force now."""
    others = bases.kept_anew(session, row)
    return any(one.state != "rejected" and _shaken_at(session, one) is None for one in others)


def _shaken_at(session: Session, row: AnnotationRow) -> datetime | None:
    """Since when something that it rests on is not what it was."""
    moments = [moment for basis in bases.of(session, row.key) if (moment := _fallen_at(session, row, basis)) is not None]
    return max(moments, default=None)


def _fallen_at(session: Session, row: AnnotationRow, basis_key: str) -> datetime | None:
    """Since when that basis is deleted, rejected, superseded, or changed after the statement was made."""
    basis = store.find(session, basis_key)
    if basis is None:
        return None
    if basis.deleted_at is not None:
        return basis.deleted_at
    if basis.state in FALLEN:
        return basis.state_at
    if basis.substance_version > 1:
        changed = session.get(AnnotationVersionRow, (basis.key, basis.substance_version))
        if changed is not None and changed.stored_at > row.modified_at:
            return changed.stored_at
    return None
