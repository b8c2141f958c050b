"""Do in this process what relay and workers would do, until nothing is left: for tests of everything behind a service."""

from collections.abc import Sequence
from queue import PriorityQueue
from typing import Any

from dramatiq.worker import ConsumerThread, WorkerThread
from sqlalchemy import update

from app import actors, relay
from app.runtime import clock, context, jobs_table
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.jobs_table import DeadLetter, JobRow


def drain(runtime: Runtime, *, may_fail: bool = False, modules: Sequence[str] = actors.MODULES) -> tuple[DeadLetter, ...]:
    """Relay the outbox and run every job, retries without their delay, until neither has anything left.

    Raises AssertionError with the reason when a job was given up, unless failing is allowed; gives the dead letters.
    """
    context.use(runtime)
    broker = DatabaseBroker(runtime.database)
    actors.declare(broker, modules)
    worker = InProcess(broker)
    try:
        while relay.relay_once(runtime, broker) or worker.run_all():
            pass
    finally:
        broker.close()  # or its leases would be extended for as long as the process lives
    with runtime.reads.begin() as session:
        dead = jobs_table.dead_letters(session)
    assert may_fail or not dead, "\n".join(f"{letter.actor} {letter.message['kwargs']}: {letter.reason}" for letter in dead)
    return dead


class InProcess:
    """Dramatiq's own worker, without its threads: middleware, retries and dead letters are as in production."""

    def __init__(self, broker: DatabaseBroker) -> None:
        self.broker = broker
        self.work: PriorityQueue[Any] = PriorityQueue()
        self.consumers: dict[str, ConsumerThread] = {}
        self.worker = WorkerThread(broker=broker, consumers=self.consumers, work_queue=self.work, worker_timeout=0)

    def run_all(self) -> int:
        """Run the jobs that are there, due or not, and those that they bring about; how many."""
        count = 0
        while self.run_one():
            count += 1
        return count

    def run_one(self) -> bool:
        """Run the next job, if there is any."""
        message = self._next()
        if message is None:
            return False
        self.work.put((0, message))
        self.work.get()
        self.worker.process_message(message)
        return True

    def _next(self) -> Any:
        now = clock.now()
        with self.broker.database.sessions.begin() as session:
            session.execute(update(JobRow).where(JobRow.owner.is_(None), JobRow.ready_at > now).values(ready_at=now))
        for queue in self.broker.get_declared_queues():
            thread = self.consumers.get(queue)
            if thread is None:
                thread = ConsumerThread(broker=self.broker, queue_name=queue, prefetch=1, work_queue=self.work, worker_timeout=0)
                thread.consumer = self.broker.consume(queue, timeout=0)
                self.consumers[queue] = thread
            message = next(thread.consumer)
            if message is not None:
                return message
        return None
