"""The broker: dramatiq over the jobs table (nothing to install), or over Redis where the settings say so.

Neither is made, and no actor is bound, by importing a module: the entry point makes the broker and declares the actors
on it (app/worker.py).
"""

import threading
import time
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import dramatiq
import structlog
from dramatiq.broker import Consumer, MessageProxy
from dramatiq.brokers.redis import RedisBroker
from dramatiq.common import current_millis
from dramatiq.errors import ConnectionFailed
from dramatiq.middleware import AgeLimit, CurrentMessage, Middleware, Retries, ShutdownNotifications, TimeLimit
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from app.runtime import clock, jobs_table, processes
from app.runtime.blobs import StoreAway
from app.runtime.db import Database
from app.runtime.settings import Settings

QUEUES = ("runs", "images", "analysis")  # the first go before the others; a queue that is not named here goes last
SHORTEST_WAIT, LONGEST_WAIT = 0.02, 0.25  # seconds between two looks into an empty queue
HEARTBEAT_TIMEOUT_MS = 15_000  # Redis: a worker silent for so long is dead (each of its threads asks at least every second)
MAINTENANCE_PER_MILLION = 200_000  # Redis: every fifth command looks for dead workers
LONGEST_REASON = 20_000  # characters
log = structlog.get_logger()


def make_broker(settings: Settings, database: Database) -> dramatiq.Broker:
    """The broker of the settings; the caller declares actors on it and closes it."""
    if not settings.broker_url:
        return DatabaseBroker(database)
    broker = RedisBroker(  # type: ignore[no-untyped-call]  # dramatiq leaves it untyped
        url=settings.broker_url,
        middleware=_middleware(),
        namespace="lectotype",
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_PER_MILLION,
    )
    broker.broker_id = processes.name()
    return broker


def unless_away(most: int) -> Callable[[int, BaseException], bool]:
    """For `retry_when`, which goes before `max_retries`: so many tries more, and no end while the stored files are away."""
    return lambda retries, error: isinstance(error, StoreAway) or retries < most


def release_dead(broker: dramatiq.Broker) -> None:
    """Let others have at once what dead processes of this machine had taken; otherwise their leases end by themselves."""
    if isinstance(broker, DatabaseBroker):
        with broker.database.sessions.begin() as session:
            freed = jobs_table.release_dead(session)
        if freed:
            log.info("interrupted jobs go back to their queues", jobs=freed)
    elif isinstance(broker, RedisBroker):
        heartbeats = f"{broker.namespace}:__heartbeats__"
        for name in [member.decode() for member in broker.client.zrange(heartbeats, 0, -1) if isinstance(member, bytes)]:
            if processes.is_dead(name):
                broker.client.zadd(heartbeats, {name: 0}, xx=True)  # the next maintenance takes it for long dead


def _middleware() -> list[Middleware]:
    """Dramatiq's own, without those that no actor uses."""
    return [AgeLimit(), TimeLimit(), ShutdownNotifications(), CurrentMessage(), Retries(min_backoff=1_000, max_backoff=300_000)]


class DatabaseBroker(dramatiq.Broker):
    """Messages are rows of the jobs table; a delayed one is a row that is not due yet, so there are no delay queues."""

    def __init__(self, database: Database) -> None:
        super().__init__([*_middleware(), _Slots()])
        self.database = database
        self.owner = processes.name()
        self.slots = threading.Semaphore(1)
        self._heart: threading.Thread | None = None
        self._closed = threading.Event()

    def declare_queue(self, queue_name: str) -> None:
        if queue_name not in self.queues:
            self.emit_before("declare_queue", queue_name)
            self.queues[queue_name] = None
            self.emit_after("declare_queue", queue_name)

    def enqueue(self, message: dramatiq.Message[Any], *, delay: int | None = None) -> dramatiq.Message[Any]:
        """Store the message; `delay` is in milliseconds."""
        eta = message.options.get("eta") or current_millis()
        ready_at = clock.now() + timedelta(milliseconds=max(0, eta - current_millis()) + (delay or 0))
        message = message.copy()
        message.options.pop("eta", None)  # the row says it, and the worker must not hold the message back itself
        self.emit_before("enqueue", message, delay)
        with self.database.sessions.begin() as session:
            jobs_table.put(session, message.asdict() | {"args": list(message.args)}, ready_at, self.owner)
        self.emit_after("enqueue", message, delay)
        return message

    def consume(self, queue_name: str, prefetch: int = 1, timeout: int = 1000) -> "DatabaseConsumer":  # noqa: ARG002 - dramatiq's signature
        """`prefetch` is not heeded: a process takes a job only when one of its threads is free to do it."""
        if self._heart is None:
            self._heart = threading.Thread(target=self._beat, name="leases", daemon=True)
            self._heart.start()
        return DatabaseConsumer(self, queue_name, timeout / 1000)

    def flush(self, queue_name: str) -> None:
        raise NotImplementedError("jobs are not thrown away")

    def flush_all(self) -> None:
        raise NotImplementedError("jobs are not thrown away")

    def close(self) -> None:
        self._closed.set()
        if self._heart is not None:
            self._heart.join()

    def _beat(self) -> None:
        while True:
            try:
                with self.database.sessions.begin() as session:
                    jobs_table.extend(session, self.owner, clock.now())
                    mended = jobs_table.heed_clock(session, clock.now())
                if mended:
                    log.warning("the clock was set back: jobs that lay ahead are due now", jobs=mended)
            except SQLAlchemyError as error:
                log.warning("leases were not extended", error=str(error))
            if self._closed.wait(jobs_table.LEASE.total_seconds() / 3):
                return


class _Slots(Middleware):
    """Lets a process own as many jobs as it has threads."""

    def before_worker_boot(self, broker: dramatiq.Broker, worker: dramatiq.Worker) -> None:
        if isinstance(broker, DatabaseBroker):
            broker.slots = threading.Semaphore(worker.worker_threads)


class ClaimedMessage(MessageProxy):
    """A message with the claim to its row."""

    def __init__(self, claim: jobs_table.Claim) -> None:
        super().__init__(dramatiq.Message(**{**claim.message, "args": tuple(claim.message["args"])}))
        self.claim = claim

    @property
    def reason(self) -> str:
        """What went wrong at last."""
        if self._exception is None:
            return str(self.options.get("traceback", "rejected"))[-LONGEST_REASON:]
        last = f"{type(self._exception).__name__}: {self._exception}"
        return f"{last}\n\n{self.options.get('traceback', '')}".strip()[:LONGEST_REASON]


class DatabaseConsumer(Consumer):
    """Takes due jobs of one queue while no queue before it has any."""

    def __init__(self, broker: DatabaseBroker, queue: str, timeout: float) -> None:
        self.broker = broker
        self.queue = queue
        self.timeout = timeout
        self._wait = SHORTEST_WAIT

    def __next__(self) -> ClaimedMessage | None:
        """The next job, or None after a short wait (up to a quarter of a second)."""
        slots = self.broker.slots
        if not slots.acquire(timeout=self.timeout):
            return None
        message: ClaimedMessage | None = None
        try:
            message = self._claim()
        finally:
            if message is None:
                slots.release()
        if message is None:
            time.sleep(self._wait)
            self._wait = min(self._wait * 2, LONGEST_WAIT, self.timeout)
        else:
            self._wait = SHORTEST_WAIT
        return message

    def ack(self, message: MessageProxy) -> None:
        self._end(message, buried=False)

    def nack(self, message: MessageProxy) -> None:
        self._end(message, buried=True)

    def requeue(self, messages: Iterable[MessageProxy]) -> None:
        ids = [message.claim.id for message in messages if isinstance(message, ClaimedMessage)]
        with self.broker.database.sessions.begin() as session:
            jobs_table.release(session, ids, self.broker.owner)
        for _ in ids:
            self.broker.slots.release()

    def _claim(self) -> ClaimedMessage | None:
        database, owner, now = self.broker.database, self.broker.owner, clock.now()
        try:
            with database.reads.begin() as session:
                before = [name for name in self.broker.get_declared_queues() if _rank(name) < _rank(self.queue)]
                if not jobs_table.may_claim(session, self.queue, before, now):
                    return None
            with database.sessions.begin() as session:
                claim = jobs_table.claim(session, self.queue, owner, now)
        except OperationalError as error:
            raise ConnectionFailed(str(error.orig)) from error  # type: ignore[no-untyped-call]  # so in dramatiq
        if claim is None:
            return None
        message = ClaimedMessage(claim)
        if claim.interruptions >= jobs_table.MOST_INTERRUPTIONS:
            message.options["traceback"] = f"Its worker died {claim.interruptions} times while doing it."
            message.fail()  # the worker then rejects it without running it
        return message

    def _end(self, message: MessageProxy, *, buried: bool) -> None:
        if not isinstance(message, ClaimedMessage):
            raise TypeError("not a message of this broker")
        owner = self.broker.owner
        try:
            with self.broker.database.sessions.begin() as session:
                if buried:
                    jobs_table.bury(session, message.claim, owner, message.reason, clock.now())
                else:
                    jobs_table.done(session, message.claim, owner)
        except OperationalError as error:  # the worker waits and tries again; the job keeps its slot
            raise ConnectionFailed(str(error.orig)) from error  # type: ignore[no-untyped-call]  # so in dramatiq
        self.broker.slots.release()


def _rank(queue: str) -> int:
    return QUEUES.index(queue) if queue in QUEUES else len(QUEUES)
