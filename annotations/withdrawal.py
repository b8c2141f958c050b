"""Withdraw all that a run of the analysis stated, and restore it exactly as it was: same versions, same ETags.

A withdrawn statement is neither deleted nor standing. What a person has changed since is that person's, and stays. The work
goes in batches, each in a transaction of the caller's: whoever is stopped between two of them calls again.
"""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, select, update
from sqlalchemy.orm import Session

from annotations import placing, recount, store, waiting
from annotations.proposed.form import KIND as PROPOSAL
from annotations.proposed.record import settle
from annotations.segments import following
from annotations.segments.store import is_behind_a_segment
from annotations.tables import AnnotationRow, WithdrawalRow
from app.runtime import events, outbox
from iiif.catalogue import service as catalogue

BATCH = 500


def withdraw(session: Session, run_key: str, *, by: str, reason: str, at: datetime) -> None:
    """Write down who withdraws the statements of the run, and why; `withdraw_batch` then does it."""
    session.merge(WithdrawalRow(run_key=run_key, at=at, by=by, reason=reason))
    session.flush()


def restore(session: Session, run_key: str) -> None:
    """Forget the withdrawal; `restore_batch` then brings the statements back."""
    row = store.find_withdrawal(session, run_key)
    if row is not None:
        session.delete(row)
        session.flush()


def withdraw_batch(
    session: Session, run_key: str, *, at: datetime, withdrawn_at: datetime | None = None, anew: bool = False, limit: int = BATCH
) -> int:
    """Withdraw the next statements of the run; how many, 0 when all are.

    `withdrawn_at` is when the run was retracted, which stands on each of them; now (`at`) where it is not given. `anew`: the run
    made other statements anew, which then count again.
    """
    machine = (AnnotationRow.version == 1, AnnotationRow.deleted_at.is_(None))  # a person's change made a second version
    return _turn(session, run_key, (AnnotationRow.withdrawn_at.is_(None), *machine), withdrawn_at or at, at, anew, limit)


def restore_batch(session: Session, run_key: str, *, at: datetime, anew: bool = False, limit: int = BATCH) -> int:
    """Let the next withdrawn statements of the run stand again; how many, 0 when all do."""
    return _turn(session, run_key, (AnnotationRow.withdrawn_at.is_not(None),), None, at, anew, limit)


def _turn(
    session: Session,
    run_key: str,
    where: tuple[ColumnElement[bool], ...],
    withdrawn_at: datetime | None,
    at: datetime,
    anew: bool,
    limit: int,
) -> int:
    """By specimen, so that each specimen is indexed again in as few batches as can be.

    Locks: the statements of the batch in the order of their keys, as `following` says, and then their specimens. What somebody
    changes before it is locked is left as it is.
    """
    of_run = (AnnotationRow.run_key == run_key, *where)
    by_specimen = select(AnnotationRow.key).where(*of_run).order_by(AnnotationRow.specimen_key, AnnotationRow.key).limit(limit)
    columns = (AnnotationRow.key, is_behind_a_segment(), AnnotationRow.kind)
    in_order = select(*columns).where(AnnotationRow.key.in_(by_specimen), *of_run)
    roots = _remade(session, by_specimen) if anew else set()
    recount.lock(session, roots)
    found = session.execute(in_order.order_by(AnnotationRow.key).with_for_update(of=AnnotationRow)).all()
    keys = [row[0] for row in found]
    if keys:
        session.execute(
            update(AnnotationRow)
            .where(AnnotationRow.key.in_(keys))
            .values(withdrawn_at=withdrawn_at, withdrawals=AnnotationRow.withdrawals + 1)
            .execution_options(synchronize_session=False)
        )
        (waiting.follow if withdrawn_at is None else waiting.leave)(session, keys)
        if proposed := [row[0] for row in found if row[2] == PROPOSAL]:
            settle(session, proposed, by=run_key, at=at)
        _tell(session, keys, "annotation.restored" if withdrawn_at is None else "annotation.withdrawn", at)
        following.follow(session, [row[0] for row in found if row[1]], at)
        for root in sorted(roots):  # what was made anew counts again, or for nothing
            recount.recount(session, root, by=run_key, at=at, remake=False)
    return len(keys)


def _tell(session: Session, keys: Sequence[str], happened: str, at: datetime) -> None:
    """Have the statements and all specimens that they lie on indexed again, and say what happened: in few statements."""
    rows = [*outbox.notes("annotation", keys), *events.announcements(happened, keys, at=at)]
    for start in range(0, len(keys), placing.AT_ONCE):
        lie_on = placing.under_annotations(keys[start : start + placing.AT_ONCE])
        rows += outbox.notes("specimen", catalogue.bump_specimens(session, lie_on, at=at))
    outbox.put(session, rows)


def _remade(session: Session, keys: Select[str]) -> set[str]:
    """The first statements that those of these were made anew from."""
    few = list(session.scalars(keys))
    return set(session.scalars(select(AnnotationRow.remakes).where(AnnotationRow.key.in_(few), AnnotationRow.remakes != "")))
