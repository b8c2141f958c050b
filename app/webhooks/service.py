"""Decisions about webhooks: who makes them, what is sent to whom, when it is tried again, and when it is given up."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from app import announcements
from app.runtime import changes, clock, events
from app.runtime.addresses import Addresses
from app.runtime.errors import Conflict, Invalid, NotFound, TooMuch
from app.runtime.events import Event
from app.runtime.principal import NOBODY, Principal, require
from app.webhooks.receiver import Answer, check_address
from app.webhooks.tables import DeliveryRow, WebhookRow

TEST = "webhook.test"
TYPES = (*events.TYPES, TEST)
MOST = 50  # webhooks that stand
MOST_WAITING = 100_000  # messages of a receiver that is away
KEPT = 200_000  # messages, the newest, that are listed
TRIES_KEPT = 12
LATER_S = (5, 60, 300, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)  # after each try that failed; a day in all
LONGEST_REST_S = 60
STATES = ("waiting", "done", "dead")


@dataclass(frozen=True, slots=True)
class Webhook:
    """A receiver without its secret. `state` is active, stopped or revoked; `waiting` and `dead` count messages."""

    key: str
    url: str
    types: tuple[str, ...]
    closed: bool
    made_at: datetime
    made_by: str
    state: str
    stopped: str
    failures: int
    waiting: int
    dead: int


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message to a receiver, and what became of it."""

    id: int
    event_id: int
    type: str
    body: Mapping[str, Any]
    state: str
    attempts: int
    made_at: datetime
    due_at: datetime
    tries: Sequence[Mapping[str, Any]]


def create(
    session: Session,
    url: str,
    types: Sequence[str],
    *,
    by: Principal,
    at: datetime,
    closed: bool = False,
    private: bool = False,
) -> tuple[Webhook, str]:
    """A new webhook, and its secret, which is told this once. Without `types` it gets all.

    `private`: addresses that are not public are allowed, and http. Raises NotAllowed, Forbidden, Invalid, TooMuch.
    """
    require(by, "administer")
    check_address(url, private=private)
    if unknown := set(types) - set(events.TYPES):
        raise Invalid(f"{min(unknown)[:40]!r} is no type of event; these are: {', '.join(events.TYPES)}.", parameter="types")
    standing = session.scalar(select(func.count()).select_from(WebhookRow).where(WebhookRow.revoked_at.is_(None))) or 0
    if standing >= MOST:
        raise TooMuch(f"There are {MOST} webhooks already, which is the most: revoke one that is not needed.")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    key = f"wh{secrets.token_hex(8)}"
    chosen = [one for one in events.TYPES if not types or one in types]
    row = WebhookRow(key=key, url=url, secret=secret, types=chosen, closed=closed, made_at=at, made_by=by.name)
    row.stopped, row.failures = "", 0
    session.add(row)
    session.flush()
    changes.record(session, by, "create", "webhook", key, at=at, url=url, closed=closed)
    return _webhook(session, row), secret


def revoke(session: Session, key: str, *, by: Principal, at: datetime) -> None:
    """Send nothing more. What waits is dead. Raises NotAllowed, Forbidden, NotFound, Conflict."""
    require(by, "administer")
    row = _row(session, key)
    if row.revoked_at is not None:
        raise Conflict("This webhook is revoked already.")
    row.revoked_at = at
    waiting = (DeliveryRow.webhook_key == key, DeliveryRow.state == "waiting")
    session.execute(update(DeliveryRow).where(*waiting).values(state="dead"))
    changes.record(session, by, "revoke", "webhook", key, at=at)


def listed(session: Session, *, by: Principal) -> tuple[Webhook, ...]:
    """All that stand, and the last that were revoked, the newest first."""
    require(by, "administer")
    rows = session.scalars(select(WebhookRow).order_by(WebhookRow.made_at.desc(), WebhookRow.key).limit(2 * MOST))
    return tuple(_webhook(session, row) for row in rows)


def get(session: Session, key: str, *, by: Principal) -> Webhook:
    """Raises NotAllowed, Forbidden, NotFound."""
    require(by, "administer")
    return _webhook(session, _row(session, key))


def deliveries(
    session: Session, key: str, *, by: Principal, state: str = "", before: int = 0, limit: int
) -> tuple[Delivery, ...]:
    """Messages to it, the newest first, behind the id `before`. Raises NotAllowed, Forbidden, NotFound, Invalid."""
    require(by, "administer")
    _row(session, key)
    if state not in ("", *STATES):
        raise Invalid(f"state is one of {', '.join(STATES)}.", parameter="state")
    where = [DeliveryRow.webhook_key == key]
    where += [DeliveryRow.state == state] if state else []
    where += [DeliveryRow.id < before] if before else []
    rows = session.scalars(select(DeliveryRow).where(*where).order_by(DeliveryRow.id.desc()).limit(limit))
    plain = Delivery.__dataclass_fields__
    return tuple(Delivery(**{name: getattr(row, name) for name in plain}) for row in rows)


def redeliver(session: Session, key: str, delivery_id: int, *, by: Principal, at: datetime) -> None:
    """Try the message again now, and for another day. Raises NotAllowed, Forbidden, NotFound, Conflict."""
    require(by, "administer")
    row = _row(session, key)
    delivery = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if delivery is None or delivery.webhook_key != key:
        raise NotFound("This webhook has no such message, or it is not kept any more.")
    if row.revoked_at is not None:
        raise Conflict("This webhook is revoked: make a new one.")
    delivery.state, delivery.attempts, delivery.due_at = "waiting", 0, at
    row.stopped, row.failures, row.rests_until = "", 0, None
    changes.record(session, by, "redeliver", "webhook", key, at=at, message=delivery_id)


def ping(session: Session, key: str, *, by: Principal, at: datetime, addresses: Addresses) -> None:
    """Send a message that says nothing, to try the receiver. Raises NotAllowed, Forbidden, NotFound, Conflict."""
    require(by, "administer")
    row = _row(session, key)
    if row.revoked_at is not None:
        raise Conflict("This webhook is revoked: make a new one.")
    row.stopped, row.failures, row.rests_until = "", 0, None
    body = {"type": TEST, "timestamp": clock.iso(at), "data": {"hub": addresses.base}}
    session.add(_delivery(key, 0, TEST, body, at))


def enqueue(session: Session, happened: Sequence[Event], *, addresses: Addresses, at: datetime) -> None:
    """Have these events sent to those who want them and may know of them; in the transaction that numbers them."""
    rows = session.scalars(select(WebhookRow).where(WebhookRow.revoked_at.is_(None), WebhookRow.stopped == "")).all()
    if not rows or not happened:
        return
    public = {one.id for one in announcements.seen(session, happened, NOBODY)}
    for row in rows:
        wanted = [one for one in happened if one.type in row.types and (row.closed or one.id in public)]
        if row.failures and _waiting(session, row.key) + len(wanted) > MOST_WAITING:
            row.stopped = f"More than {MOST_WAITING:,} messages wait for a receiver that does not take them."
            continue
        for one in wanted:
            data = announcements.to_json(one, addresses)
            session.add(_delivery(row.key, one.id, one.type, {"type": one.type, "timestamp": data["at"], "data": data}, at))
    session.flush()
    newest = session.scalar(select(func.max(DeliveryRow.id))) or 0
    sent = DeliveryRow.state.in_(("done", "dead"))  # by its index: what waits for a receiver that is stopped is not looked at
    session.execute(delete(DeliveryRow).where(sent, DeliveryRow.id <= newest - KEPT))


def able(session: Session, at: datetime) -> Sequence[str]:
    """The keys of the webhooks that do not rest."""
    rests = or_(WebhookRow.rests_until.is_(None), WebhookRow.rests_until <= at)
    return session.scalars(select(WebhookRow.key).where(WebhookRow.revoked_at.is_(None), WebhookRow.stopped == "", rests)).all()


def next_due(session: Session, key: str, at: datetime) -> tuple[Delivery, str, str] | None:
    """The message that is tried next, with the address and the secret; None where none is due."""
    due = (DeliveryRow.webhook_key == key, DeliveryRow.state == "waiting", DeliveryRow.due_at <= at)
    row = session.scalar(select(DeliveryRow).where(*due).order_by(DeliveryRow.due_at, DeliveryRow.id).limit(1))
    hook = session.get(WebhookRow, key)
    if row is None or hook is None or hook.revoked_at is not None or hook.stopped:
        return None
    return Delivery(**{name: getattr(row, name) for name in Delivery.__dataclass_fields__}), hook.url, hook.secret


def note(session: Session, key: str, delivery_id: int, answer: Answer, at: datetime) -> None:
    """Write down how a try ended, and when the next is."""
    hook = session.get(WebhookRow, key, with_for_update=True)
    row = session.get(DeliveryRow, delivery_id, with_for_update=True)
    if hook is None or row is None or row.state != "waiting":  # revoked, or tried by another relay meanwhile
        return
    row.attempts += 1
    said = {"at": clock.iso(at), "status": answer.status, "error": answer.error, "ms": answer.ms}
    row.tries = [*row.tries, said][-TRIES_KEPT:]
    if answer.taken:
        row.state, hook.failures, hook.rests_until = "done", 0, None
        return
    hook.failures += 1
    hook.rests_until = at + timedelta(seconds=min(LONGEST_REST_S, 2 ** min(hook.failures, 6)))
    if answer.status == 410:
        hook.stopped, row.state = "The receiver said that it is gone (410).", "dead"
    elif row.attempts > len(LATER_S):
        row.state = "dead"
    else:
        row.due_at = at + timedelta(seconds=LATER_S[row.attempts - 1])


def _waiting(session: Session, key: str) -> int:
    waiting = (DeliveryRow.webhook_key == key, DeliveryRow.state == "waiting")
    return session.scalar(select(func.count()).select_from(DeliveryRow).where(*waiting)) or 0


def _delivery(key: str, event_id: int, event_type: str, body: dict[str, Any], at: datetime) -> DeliveryRow:
    said = {"webhook_key": key, "event_id": event_id, "type": event_type, "body": body, "state": "waiting"}
    return DeliveryRow(**said, attempts=0, made_at=at, due_at=at, tries=[])


def _row(session: Session, key: str) -> WebhookRow:
    row = session.get(WebhookRow, key)
    if row is None:
        raise NotFound(f"There is no webhook {key[:64]!r} here.")
    return row


def _webhook(session: Session, row: WebhookRow) -> Webhook:
    of_state = select(DeliveryRow.state, func.count()).where(DeliveryRow.webhook_key == row.key, DeliveryRow.state != "done")
    counts = {one[0]: one[1] for one in session.execute(of_state.group_by(DeliveryRow.state))}
    state = "revoked" if row.revoked_at else "stopped" if row.stopped else "active"
    told = (row.key, row.url, tuple(row.types), row.closed, row.made_at, row.made_by, state, row.stopped, row.failures)
    return Webhook(*told, counts.get("waiting", 0), counts.get("dead", 0))
