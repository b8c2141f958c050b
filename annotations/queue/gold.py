"""Gold in the queue: statements with a curator's decision, mixed in at the share of the policy, to see how people judge.

Nothing in an item, and nothing that is answered about it, tells that it is one: it is held, renewed, given back, passed over and
judged as any other. Several people may hold the same one.
"""

import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, exists, select, union_all, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from annotations import store as statements
from annotations import waiting
from annotations.queue.model import Asked, Waiting
from annotations.review.blindness import CURATORS
from annotations.states import policy
from annotations.tables import AnnotationRow, QueueGoldRow, VerdictRow
from annotations.waiting import Item, Line
from app.runtime.principal import Principal, may

DECIDED = ("accepted", "rejected", "superseded")
LOOKED_AT = 200  # the newest decisions of curators on what they have not judged
CHANCE = secrets.SystemRandom()


def number_of(asked: Asked, items: int) -> int:
    """How many of so many items are to be gold, by chance at the share of the policy; 0 where other states are asked for."""
    share = policy.of(asked.kind).gold if asked.state in ("", "unreviewed") else 0.0
    return sum(CHANCE.random() < share for _ in range(items)) if share else 0


def give(session: Session, asked: Asked, number: int, *, by: Principal, until: datetime) -> list[Waiting]:
    """Let them hold so many that they have neither judged, passed over nor written, where they annotate and do not curate."""
    found = _fitting(session, asked, session.scalars(_decided(asked.kind, by)).all() if number else (), by)
    chosen = CHANCE.sample(found, min(number, len(found)))
    if chosen:
        rows = [
            {"account": by.name, "annotation_key": one.annotation_key, "kind": asked.kind, "until": until}
            for one in sorted(chosen, key=lambda one: one.annotation_key)
        ]
        insert = (postgresql if session.get_bind().dialect.name == "postgresql" else sqlite).insert(QueueGoldRow)
        again = insert.on_conflict_do_update(index_elements=["account", "annotation_key"], set_={"until": insert.excluded.until})
        session.execute(again, rows)
    return chosen


def held(session: Session, asked: Asked, *, by: Principal, at: datetime) -> tuple[list[Waiting], int]:
    """Those of the kind that they hold now, and how many of all kinds."""
    theirs = (QueueGoldRow.account == by.name, QueueGoldRow.until > at)
    rows = session.execute(select(QueueGoldRow.annotation_key, QueueGoldRow.kind).where(*theirs)).all()
    return _fitting(session, asked, [row.annotation_key for row in rows if row.kind == asked.kind], by), len(rows)


def renew(session: Session, keys: Sequence[str], by: Principal, at: datetime, until: datetime) -> set[str]:
    """Lengthen what they still hold; which these are."""
    if not keys:
        return set()
    longer = update(QueueGoldRow).where(*_theirs(keys, by), QueueGoldRow.until > at).values(until=until)
    returned = longer.returning(QueueGoldRow.annotation_key).execution_options(synchronize_session=False)
    return set(session.scalars(returned))


def give_back(session: Session, keys: Sequence[str], by: Principal) -> None:
    """They may be given it again."""
    if not keys:
        return
    gone = delete(QueueGoldRow).where(*_theirs(keys, by), QueueGoldRow.until.is_not(None))
    session.execute(gone.execution_options(synchronize_session=False))


def let_go(session: Session, keys: Sequence[str], by: Principal) -> None:
    """They have passed it over or judged it."""
    if not keys:
        return
    done = update(QueueGoldRow).where(*_theirs(keys, by)).values(until=None)
    session.execute(done.execution_options(synchronize_session=False))


def mixed(items: Sequence[Waiting], among: Sequence[Waiting]) -> list[Waiting]:
    """The items, each put somewhere `among` the others by chance."""
    found = list(among)
    for one in items:
        found.insert(CHANCE.randrange(len(found) + 1), one)
    return found


def _theirs(keys: Sequence[str], by: Principal) -> tuple[ColumnElement[bool], ...]:
    return (QueueGoldRow.account == by.name, QueueGoldRow.annotation_key.in_(keys))


def _decided(kind: str, by: Principal) -> Select[str]:
    """Keys of statements that curators decided, the newest decisions of each role, of which `by` knows nothing by the queue."""
    row, verdict = AnnotationRow, VerdictRow
    own = verdict.__table__.alias("own")
    judged = exists().where(own.c.annotation_key == verdict.annotation_key, own.c.account == by.name)
    given = exists().where(QueueGoldRow.account == by.name, QueueGoldRow.annotation_key == verdict.annotation_key)
    parts = []
    for role in CURATORS:
        theirs = (verdict.kind == kind, verdict.role == role, verdict.withdrawn_at.is_(None), verdict.verdict != "uncertain")
        stands = (row.state.in_(DECIDED), verdict.version >= row.substance_version, *statements.STANDING_OF_FEW)
        query = select(row.key).select_from(verdict).join(row, row.key == verdict.annotation_key)
        query = query.where(*theirs, *stands, verdict.gold.is_(False), ~judged, ~given, statements.is_shown(by))
        parts.append(select(query.order_by(verdict.given_at.desc()).limit(LOOKED_AT).subquery()))
    return select(union_all(*parts).subquery().c.key).distinct()


def _fitting(session: Session, asked: Asked, keys: Sequence[str], by: Principal) -> list[Waiting]:
    """As items that nobody has judged, those that are asked for and that `by` may judge without curating them."""
    pairs = waiting.as_open(session, keys) if keys else []
    return [_item(item, line) for item, line in pairs if _is_asked(asked, line) and item.author != by.name and _judges(by, line)]


def _is_asked(asked: Asked, line: Line) -> bool:
    wanted = (asked.kind, asked.stated_class, asked.institution, asked.collection)
    said = (line.kind, line.stated_class, line.institution_code, line.collection_code)
    return all(not one or one == other for one, other in zip(wanted, said, strict=True))


def _judges(by: Principal, line: Line) -> bool:
    return may(by, "annotate", line) and not may(by, "curate", line)


def _item(item: Item, line: Line) -> Waiting:
    return Waiting(
        annotation_key=item.annotation_key,
        line=line.key,
        kind=line.kind,
        stated_class=line.stated_class,
        state=line.state,
        version=item.version,
        gain=item.gain,
        uncertainty=item.uncertainty,
        disagreement=item.disagreement,
        since=item.since,
        resting=item.resting,
        media_key=item.media_key,
        leased_by="",
        leased_until=None,
    )
