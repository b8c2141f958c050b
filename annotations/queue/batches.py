"""Many verdicts at once: what is chosen by a rule, looked at first, accepted, and taken back as a whole.

What was chosen is written down before the first verdict. The verdicts are given some at a time, so that others can write in
between; whoever is stopped half-way repeats the request under the same name, and nothing happens twice.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import exists
from sqlalchemy.orm import Session

from annotations import store as statements
from annotations.queue import service, store
from annotations.queue.model import Asked, Waiting
from annotations.queue.service import Question
from annotations.review import service as review
from annotations.review.service import Judgement
from annotations.tables import AnnotationRow, QueueItemRow, QueueLineRow, VerdictBatchRow
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.errors import Conflict, DomainError, Gone, Invalid, NotFound
from app.runtime.principal import Principal, may, require_somewhere

MOST = 1_000
SHOWN = 10
AT_ONCE = 50  # verdicts in one transaction
SLACK = 1e-9  # of a confidence that was taken from 1
T = TypeVar("T")
Begin = Callable[[], AbstractContextManager[Session]]


@dataclass(frozen=True, slots=True)
class Rule:
    """Statements of a kind that are given at least that confidence by their maker; of one run, where that is named."""

    kind: str
    min_confidence: float
    stated_class: str = ""
    institution: str = ""
    collection: str = ""
    run_key: str = ""

    def asked(self) -> Asked:
        return Asked(self.kind, self.stated_class, self.institution, self.collection, order="uncertainty")


@dataclass(frozen=True, slots=True)
class Preview:
    """What a batch would accept: how many, whether there are more than a batch holds, some to look at, and what it passes over:
    the disputed and stale ones in the same lines."""

    count: int
    more: bool
    sample: tuple[Question, ...]
    disputed: int
    stale: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Its name, how many statements were chosen, how many were accepted now or before, and what stood against the others."""

    key: str
    chosen: int
    accepted: int
    refused: tuple[tuple[str, str], ...] = ()
    undone: bool = False


def preview(session: Session, rule: Rule, *, by: Principal) -> Preview:
    """What the rule chooses now. Raises NotAllowed, Forbidden, Invalid."""
    lines = _lines(session, rule, by)
    chosen = _chosen(session, lines, rule, by, MOST + 1)
    step = max(1, min(len(chosen), MOST) // SHOWN)
    numbers = store.counts(session, lines)
    passed = {state: sum(numbers.get(line.key, 0) for line in lines if line.state == state) for state in ("disputed", "stale")}
    sample = service.questions(session, chosen[:MOST:step][:SHOWN], by=by)
    return Preview(min(len(chosen), MOST), len(chosen) > MOST, sample, passed["disputed"], passed["stale"])


def choose(session: Session, rule: Rule, *, by: Principal, client_key: str, at: datetime, naan: str) -> str:
    """Write down what the rule chooses now; the name of the batch. The same `client_key` is the same batch.

    Raises NotAllowed, Forbidden, Invalid, and Conflict where that name was used for another rule.
    """
    lines = _lines(session, rule, by)
    known = store.batch_of_client(session, by.name, client_key)
    if known is not None:
        if known.asked != asdict(rule):
            raise Conflict("Another batch has this clientKey: give each its own.", parameter="clientKey")
        return known.key
    chosen = [[item.annotation_key, item.version] for item in _chosen(session, lines, rule, by, MOST)]
    key = ids.new_key(ids.BATCH, naan)
    who: dict[str, Any] = {"account": by.name, "client_key": client_key}
    session.add(VerdictBatchRow(key=key, **who, asked=asdict(rule), chosen=chosen, given_at=at))
    return key


def accept(begin: Begin, key: str, *, by: Principal, addresses: Addresses, at: datetime) -> Batch:
    """Give the verdicts of the batch that were not given yet, some in each transaction. Raises NotFound, and Gone where it was
    taken back, now or meanwhile."""
    with begin() as session:
        batch = _going_on(session, key, by)
        chosen = [(number, str(one), int(version)) for number, (one, version) in enumerate(batch.chosen)]
    refused: list[tuple[str, str]] = []
    for some in _in_parts(chosen):
        with begin() as session:
            _going_on(session, key, by)
            for number, one, version in some:
                if why := _accept(session, f"{key}:{number:04}", one, version, by, addresses, at):
                    refused.append((one, why))
    return Batch(key, len(chosen), len(chosen) - len(refused), tuple(refused))


def undo(begin: Begin, key: str, *, by: Principal, at: datetime) -> Batch:
    """Take back all verdicts of the batch that stand: first that it is taken back is written down, so that no more are given.

    Whoever is stopped half-way asks again. Raises NotFound, and Gone where all of it was done before.
    """
    with begin() as session:
        batch = _own(session, key, by, lock=True)
        chosen, standing = len(batch.chosen), store.verdicts_of_batch(session, batch)
        if batch.undone_at is not None and not standing:
            raise Gone("This batch was taken back before.")
        batch.undone_at = batch.undone_at or at
    for some in _in_parts(standing):
        with begin() as session:
            for one in some:
                try:
                    review.undo(session, one, by=by, at=at)
                except Gone:  # taken back by itself meanwhile
                    continue
    return Batch(key, chosen, 0, undone=True)


def _accept(session: Session, name: str, key: str, version: int, by: Principal, addresses: Addresses, at: datetime) -> str:
    """Accept one under that name of the request; why not, where it cannot be."""
    if (given := store.verdict_of_client(session, by.name, name)) is not None:
        return "" if given.withdrawn_at is None else "You took this verdict back, or gave another in its place."
    row = statements.find(session, key)
    if row is None or row.state != "unreviewed":
        return f"It is {row.state if row is not None else 'gone'} by now."
    try:
        with session.begin_nested():
            judgement = Judgement(key, version, "approved", client_key=name)
            review.judge(session, judgement, by=by, addresses=addresses, at=at)
    except DomainError as error:
        return error.sentence
    return ""


def _going_on(session: Session, key: str, by: Principal) -> VerdictBatchRow:
    """Their batch, locked, so that it is not taken back before the transaction ends. Raises NotFound, and Gone where it was."""
    batch = _own(session, key, by, lock=True)
    if batch.undone_at is not None:
        raise Gone("This batch was taken back.")
    return batch


def _own(session: Session, key: str, by: Principal, *, lock: bool = False) -> VerdictBatchRow:
    """Their batch. Those of others are not told of. Raises NotFound."""
    batch = store.find_batch(session, key, lock=lock)
    if batch is None or batch.account != by.name:
        raise NotFound(f"You have given no batch {key[:64]!r}.")
    return batch


def _lines(session: Session, rule: Rule, by: Principal) -> list[QueueLineRow]:
    """Those of the rule in which they curate. Raises NotAllowed, Forbidden, Invalid."""
    require_somewhere(by, "curate")
    if not rule.kind:
        raise Invalid("Say which question: kind=label, say.", parameter="kind")
    if not 0.5 < rule.min_confidence <= 1:
        raise Invalid("minConfidence is above 0.5 and at most 1.", parameter="minConfidence")
    return [line for line in store.lines(session, rule.asked()) if may(by, "curate", line)]


def _chosen(session: Session, lines: Sequence[QueueLineRow], rule: Rule, by: Principal, limit: int) -> list[Waiting]:
    """The unreviewed ones that the rule means and that are new to them, the surest last."""
    sure = exists().where(AnnotationRow.key == QueueItemRow.annotation_key, AnnotationRow.confidence >= rule.min_confidence)
    where = [QueueItemRow.uncertainty <= 1 - rule.min_confidence + SLACK, sure, store.is_new_to(by.name)]
    where += [QueueItemRow.run_key == rule.run_key] if rule.run_key else []
    open_ = [line for line in lines if line.state == "unreviewed"]
    return store.in_order(session, open_, "uncertainty", *where, limit=limit)


def _in_parts(several: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(several), AT_ONCE):
        yield several[start : start + AT_ONCE]
