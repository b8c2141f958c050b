"""The relay: carries the outbox over to the broker, the search engine and those who listen; each row at least once, then it is
deleted.

Jobs, index rows and announcements go in lanes of their own: when one side is down, its rows wait and the others go on.
"""

import threading
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dramatiq
import redis
import structlog
from dramatiq.errors import BrokerConnectionError
from sqlalchemy import Connection, delete, select, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from annotations.search import consistency, documents
from app import announcements
from app.discovery import activities
from app.index_keeper import IndexKeeper
from app.runtime.context import Runtime
from app.runtime.events import Event
from app.runtime.file_lock import FileLock
from app.runtime.outbox import OutboxRow
from app.runtime.search.port import SearchDown
from app.webhooks import service as webhooks
from app.webhooks.sender import Sender

BATCH = 500  # rows read at a time
SHORTEST_WAIT, LONGEST_WAIT = 0.05, 0.25  # seconds between two looks into an empty outbox
LONGEST_BACK_OFF = 30.0  # seconds between two tries of a side that is down
PG_LOCK = 0x6C656374  # "lect": key of the advisory lock that the one relay holds
NAMESPACE = uuid.UUID("0f6ad1b1-5d1c-5c6a-9d2b-0d6a7a2d4c11")  # of message ids
log = structlog.get_logger()


def relay_once(runtime: Runtime, broker: dramatiq.Broker) -> int:
    """Carry a batch of announcements, of jobs and of index rows over; how many. Raises what a side raises when it is down."""
    return tell(runtime) + send_jobs(runtime, broker) + update_index(runtime)


def tell(runtime: Runtime) -> int:
    """Make events of the next announcements, messages of them for webhooks, and activities for who keeps copies; how many."""

    def enqueue(session: Session, happened: Sequence[Event]) -> None:
        webhooks.enqueue(session, happened, addresses=runtime.addresses, at=runtime.clock())
        activities.note(session, happened)

    return announcements.carry(runtime, enqueue) + activities.carry_moves(runtime)


def send_jobs(runtime: Runtime, broker: dramatiq.Broker) -> int:
    """Carry the next jobs over, in order; how many."""
    rows = _next_rows(runtime, "job")
    for row in rows:
        # The id is the row's own, so that a job carried over twice (a crash before the deletion) is one to the embedded broker.
        message_id = str(uuid.uuid5(NAMESPACE, f"{row.id} {row.added_at.isoformat()}"))
        broker.enqueue(dramatiq.Message(row.queue, row.name, (), row.payload, {}, message_id))
    _delete(runtime, rows)
    return len(rows)


def update_index(runtime: Runtime, *, begin: bool = True) -> int:
    """Copy the present state of the objects that changed to the search engine; how many rows were settled.

    Without `begin` it raises IndexMissing where no index stands.
    """
    rows = _next_rows(runtime, "index")
    images = [row for row in rows if row.name == documents.MEDIA]
    if images:
        return _spread(runtime, images)
    if rows:
        notes = ((row.name, str(row.payload["key"])) for row in rows)
        changed = dict.fromkeys(one for name, key in notes for one in documents.of_changed(name, key))
        with runtime.reads.begin() as session:
            made = documents.build_able(session, list(changed), runtime.addresses)
        runtime.search.write(made, begin=begin)
        _delete(runtime, rows)
    return len(rows)


def _spread(runtime: Runtime, rows: Sequence[OutboxRow]) -> int:
    """Put notes for all that is said about these images in the place of theirs; an image at a time, as many may be."""
    for row in rows:
        with runtime.db.begin() as session:
            consistency.spread(session, str(row.payload["key"]), at=runtime.clock())
            session.execute(delete(OutboxRow).where(OutboxRow.id == row.id))
    return len(rows)


def run(runtime: Runtime, broker: dramatiq.Broker, stop: threading.Event) -> None:
    """Relay until `stop` is set. Only one relay works on a database at a time; another one waits for its turn."""
    keeper = IndexKeeper(runtime)
    with _only_relay(runtime, stop) as still_alone, keeper.at_work(), Sender(runtime).at_work():
        lanes = (
            _Lane("events", lambda: tell(runtime)),
            _Lane("broker", lambda: send_jobs(runtime, broker)),
            _Lane("search engine", lambda: update_index(runtime, begin=False) if keeper.is_ready() else 0),
        )
        wait = SHORTEST_WAIT
        while not stop.is_set() and still_alone():
            if sum(lane.advance() for lane in lanes):
                wait = SHORTEST_WAIT
            else:
                stop.wait(wait)
                wait = min(wait * 2, LONGEST_WAIT)


@dataclass(slots=True)
class _Lane:
    """One side, with the time of its next try while it is down."""

    name: str
    carry: Callable[[], int]
    back_off: float = 0.0
    next_try: float = 0.0

    def advance(self) -> int:
        """Carry a batch over, unless the side is down and its next try is not due."""
        if time.monotonic() < self.next_try:
            return 0
        try:
            count = self.carry()
        except (SearchDown, BrokerConnectionError, redis.RedisError, OperationalError, OSError) as error:
            if not self.back_off:
                log.warning("the relay waits", side=self.name, error=str(error))
            self.back_off = min(max(0.5, self.back_off * 2), LONGEST_BACK_OFF)
            self.next_try = time.monotonic() + self.back_off
            return 0
        if self.back_off:
            log.info("the relay goes on", side=self.name)
            self.back_off = self.next_try = 0.0
        return count


def _next_rows(runtime: Runtime, kind: str) -> Sequence[OutboxRow]:
    with runtime.reads.begin() as session:
        return session.scalars(select(OutboxRow).where(OutboxRow.kind == kind).order_by(OutboxRow.id).limit(BATCH)).all()


def _delete(runtime: Runtime, rows: Sequence[OutboxRow]) -> None:
    if rows:
        with runtime.db.begin() as session:
            session.execute(delete(OutboxRow).where(OutboxRow.id.in_([row.id for row in rows])))


@contextmanager
def _only_relay(runtime: Runtime, stop: threading.Event) -> Iterator[Callable[[], bool]]:
    """Wait to be the only relay of this database; gives a function that says whether we still are."""
    engine = runtime.database.engine
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.detach()  # so that closing ends the session, and the lock with it, rather than pooling it
            _wait_for(lambda: bool(connection.scalar(text("SELECT pg_try_advisory_lock(:key)"), {"key": PG_LOCK})), stop)
            yield lambda: _answers(connection)
        return
    with FileLock(Path(f"{engine.url.database}.relay")) as lock:
        _wait_for(lock.try_take, stop)
        yield lambda: True


def _wait_for(take: Callable[[], bool], stop: threading.Event) -> None:
    waited = False
    while not take():
        if not waited:
            log.info("another relay is at work; waiting for it to end")
            waited = True
        if stop.wait(0.5):
            return


def _answers(connection: Connection) -> bool:
    """Whether the session that holds the lock lives; with it ends the lock."""
    try:
        connection.scalar(text("SELECT 1"))
    except OperationalError as error:
        log.warning("the relay lost its lock", error=str(error.orig))
        return False
    return True
