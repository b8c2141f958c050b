"""The job suite: the embedded broker on both databases, and Redis, with real worker processes that are killed."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import dramatiq
import pytest
import redis
from sqlalchemy import func, select, update

from app import compose, relay
from app.runtime import clock, jobs_table
from app.runtime.broker import HEARTBEAT_TIMEOUT_MS, DatabaseBroker, make_broker, release_dead
from app.runtime.context import Runtime
from app.runtime.jobs_table import JobRow
from app.runtime.outbox import OutboxRow
from app.runtime.settings import Settings
from app.runtime.tokens_table import TokenRow
from tests import databases
from tests.contract.job_actors import effects
from tests.services import wait_until

ROOT = Path(__file__).resolve().parents[2]
BROKERS = ("embedded on sqlite", "embedded on postgresql", "redis")


class Hub:
    """A hub with its broker and its worker processes."""

    def __init__(self, settings: Settings) -> None:
        settings.data_dir.mkdir(parents=True)
        self.settings = settings
        self.runtime: Runtime = compose.build(settings)
        databases.prepare(self.runtime)
        self.broker = make_broker(settings, self.runtime.database)
        for queue in ("images", "analysis"):
            self.broker.declare_queue(queue)
        self.workers: list[subprocess.Popen[bytes]] = []

    def send(self, actor: str, *, queue: str = "images", delay: int | None = None, **payload: object) -> None:
        self.broker.enqueue(dramatiq.Message(queue, actor, (), payload, {}), delay=delay)

    def start_worker(self, threads: int = 1) -> "subprocess.Popen[bytes]":
        settings = self.settings.with_(worker_threads=threads)
        worker = subprocess.Popen([sys.executable, "-m", "tests.contract.job_worker"], cwd=ROOT, env=settings.environment())
        self.workers.append(worker)
        return worker

    def effects(self) -> list[str]:
        return effects(self.settings.data_dir)

    def wait_for(self, true: Callable[[list[str]], bool], what: str, seconds: float = 30) -> list[str]:
        wait_until(lambda: true(self.effects()), what, seconds)
        return self.effects()

    def go(self) -> None:
        """Let the jobs that hold go on."""
        (self.settings.data_dir / "go").touch()

    def left(self) -> int:
        """Jobs that are neither done nor dead."""
        if isinstance(self.broker, DatabaseBroker):
            with self.runtime.reads.begin() as session:
                count = jobs_table.count(session)
            return count["waiting"] + count["running"]
        with redis.Redis.from_url(self.settings.broker_url) as client:
            return sum(client.hlen(f"lectotype:{queue}.msgs") for queue in ("images", "images.DQ", "analysis", "analysis.DQ"))

    def dead(self) -> int:
        if isinstance(self.broker, DatabaseBroker):
            with self.runtime.reads.begin() as session:
                return len(jobs_table.dead_letters(session))
        with redis.Redis.from_url(self.settings.broker_url) as client:
            return int(client.zcard("lectotype:images.XQ"))

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.broker.close()
        if not isinstance(self.broker, DatabaseBroker):
            self.broker.client.close()
        self.runtime.search.close()
        self.runtime.database.engine.dispose()


@pytest.fixture(params=BROKERS)
def hub(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    changes: dict[str, str] = {}
    if request.param == "embedded on postgresql":
        changes["database_url"] = request.getfixturevalue("migrated_url")
    elif request.param == "redis":
        changes["broker_url"] = request.getfixturevalue("redis_url")
    hub = Hub(Settings(data_dir=tmp_path / "data", **changes))
    yield hub
    hub.close()


@pytest.fixture(params=BROKERS[:2])
def embedded(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hub]:
    on_postgresql = request.param == "embedded on postgresql"
    hub = Hub(Settings(data_dir=tmp_path / "data", database_url=request.getfixturevalue("migrated_url") if on_postgresql else ""))
    yield hub
    hub.close()


def test_jobs_are_done_in_order_and_then_gone(hub: Hub) -> None:
    texts = [f"{number:02}" for number in range(30)]
    for text in texts:
        hub.send("note", text=text)
    hub.start_worker()
    assert hub.wait_for(lambda lines: len(lines) == 30, "30 jobs") == texts
    wait_until(lambda: hub.left() == 0, "an empty queue")


def test_a_delayed_job_waits_and_holds_nothing_up(hub: Hub) -> None:
    hub.start_worker()
    hub.send("note", text="warm")
    hub.wait_for(lambda lines: len(lines) == 1, "a running worker")
    sent = time.monotonic()
    hub.send("note", text="late", delay=1_200)
    hub.send("note", text="soon")
    assert hub.wait_for(lambda lines: len(lines) == 3, "both jobs") == ["warm", "soon", "late"]
    assert time.monotonic() - sent >= 1.2


def test_a_failing_job_is_tried_again_until_it_succeeds(hub: Hub) -> None:
    hub.send("fail", times=2)
    hub.start_worker()
    assert hub.wait_for(lambda lines: "succeeded" in lines, "success") == ["tried", "tried", "tried", "succeeded"]
    wait_until(lambda: hub.left() == 0, "an empty queue")
    assert hub.dead() == 0


def test_a_job_that_keeps_failing_is_kept_as_a_dead_letter(hub: Hub) -> None:
    hub.send("fail", times=99)
    hub.start_worker()
    wait_until(lambda: hub.dead() == 1, "a dead letter")
    assert hub.effects() == ["tried"] * 4
    assert hub.left() == 0


def test_a_job_for_an_unknown_actor_does_not_stop_the_others(hub: Hub) -> None:
    hub.send("nobody")
    hub.send("note", text="after")
    hub.start_worker()
    hub.wait_for(lambda lines: lines == ["after"], "the other job")
    wait_until(lambda: hub.dead() == 1, "a dead letter")


def test_after_kill_9_the_interrupted_and_the_queued_jobs_are_done_once_more(hub: Hub) -> None:
    for name in ("a", "b", "c"):
        hub.send("hold", name=name)
    first = hub.start_worker(threads=2)
    hub.wait_for(lambda lines: len(lines) == 2, "two jobs begun")
    first.send_signal(signal.SIGKILL)
    first.wait()
    assert hub.left() == 3
    hub.go()
    hub.start_worker(threads=2)
    lines = hub.wait_for(lambda lines: sum(line.startswith("done") for line in lines) == 3, "all jobs")
    assert sorted(line for line in lines if line.startswith("done")) == ["done a", "done b", "done c"]
    wait_until(lambda: hub.left() == 0, "an empty queue")
    with hub.runtime.reads.begin() as session:
        assert session.scalar(select(func.count()).select_from(TokenRow)) == 3
    assert hub.dead() == 0


def test_a_surviving_worker_takes_over_when_another_one_starts_again(hub: Hub) -> None:
    hub.send("hold", name="a")
    killed = hub.start_worker()
    hub.wait_for(lambda lines: lines == ["begun a"], "the job begun")
    killed.kill()
    killed.wait()
    hub.go()
    release_dead(hub.broker)  # what every worker and the supervisor do when they start
    hub.start_worker()
    hub.wait_for(lambda lines: lines == ["begun a", "begun a", "done a"], "the job done", seconds=20)


def test_on_sigterm_a_worker_ends_its_job_and_leaves_the_rest(hub: Hub) -> None:
    hub.send("hold", name="a")
    hub.send("note", text="rest")
    worker = hub.start_worker()
    hub.wait_for(lambda lines: lines == ["begun a"], "the job begun")
    worker.terminate()
    time.sleep(0.5)
    assert worker.poll() is None
    hub.go()
    assert worker.wait(20) == 0
    assert hub.effects() == ["begun a", "done a"]
    assert hub.left() == 1
    hub.start_worker()
    hub.wait_for(lambda lines: lines[-1] == "rest", "the rest")


def test_several_workers_never_do_a_job_twice(hub: Hub) -> None:
    for number in range(200):
        hub.send("note", text=str(number))
    for _ in range(2):
        hub.start_worker(threads=3)
    lines = hub.wait_for(lambda lines: len(lines) >= 200, "200 jobs")
    wait_until(lambda: hub.left() == 0, "an empty queue")
    assert sorted(lines, key=int) == [str(number) for number in range(200)]


@pytest.mark.slow
def test_redis_gives_the_job_of_a_lost_machine_to_another_and_leaves_a_long_one_alone(redis_url: str, tmp_path: Path) -> None:
    hub = Hub(Settings(data_dir=tmp_path / "data", broker_url=redis_url))
    try:
        for name in ("a", "b", "c"):
            hub.send("hold", name=name)
        lost = hub.start_worker()
        hub.wait_for(lambda lines: lines == ["begun a"], "the first job begun")
        hub.start_worker(threads=3)  # it has looked for dead processes before there is one
        hub.wait_for(lambda lines: len(lines) >= 2, "another job begun")
        time.sleep(HEARTBEAT_TIMEOUT_MS / 1000 + 3)
        assert len(hub.effects()) == len(set(hub.effects())), "a long job was taken from its worker"
        lost.kill()
        hub.go()
        done = {"done a", "done b", "done c"}
        hub.wait_for(lambda lines: done <= set(lines), "the jobs of the lost worker", HEARTBEAT_TIMEOUT_MS / 1000 + 10)
        wait_until(lambda: hub.left() == 0, "an empty queue")
        with hub.runtime.reads.begin() as session:
            assert session.scalar(select(func.count()).select_from(TokenRow)) == 3
    finally:
        hub.close()


def test_images_go_before_analyses(embedded: Hub) -> None:
    for number in range(3):
        embedded.send("later", queue="analysis", text=f"analysis {number}")
    for number in range(3):
        embedded.send("note", text=f"image {number}")
    embedded.start_worker()
    lines = embedded.wait_for(lambda lines: len(lines) == 6, "six jobs")
    assert lines == ["image 0", "image 1", "image 2", "analysis 0", "analysis 1", "analysis 2"]


def test_a_lease_of_another_machine_ends_by_itself(embedded: Hub) -> None:
    embedded.send("note", text="mine")
    with embedded.runtime.db.begin() as session:
        until = clock.now() + timedelta(seconds=4)
        session.execute(update(JobRow).values(owner="elsewhere-1.77.12345", lease_until=until, claims=1))
    embedded.start_worker()
    time.sleep(2.5)
    assert embedded.effects() == []
    embedded.wait_for(lambda lines: lines == ["mine"], "the job")
    assert clock.now() >= until


def test_a_clock_that_was_set_back_holds_no_job_up(embedded: Hub) -> None:
    hour = timedelta(hours=1)
    for _ in range(2):
        embedded.send("note", text="sent before")
    embedded.send("note", delay=240_000, text="tried again in four minutes")
    with embedded.runtime.db.begin() as session:
        first, second, third = session.scalars(select(JobRow).order_by(JobRow.id)).all()
        for row in (first, second):
            row.ready_at += hour
            row.message = {**row.message, "message_timestamp": row.message["message_timestamp"] + 3_600_000}
        second.owner, second.lease_until = "elsewhere-1.7.7", clock.now() + hour
        later = third.ready_at
    embedded.start_worker()
    embedded.wait_for(lambda done: len(done) == 1, "the job that was sent before the clock was set back")
    with embedded.runtime.reads.begin() as session:
        second, third = session.scalars(select(JobRow).order_by(JobRow.id)).all()
        assert second.lease_until is not None
        assert second.lease_until <= clock.now() + jobs_table.LEASE, "the lease ends by itself, unless its owner lives"
        assert third.ready_at == later, "what is rightly delayed stays so"


def test_a_job_that_kills_its_workers_is_given_up(embedded: Hub) -> None:
    embedded.send("hold", name="a")
    with embedded.runtime.db.begin() as session:
        session.execute(update(JobRow).values(claims=jobs_table.MOST_INTERRUPTIONS))
    embedded.start_worker()
    wait_until(lambda: embedded.dead() == 1, "a dead letter")
    with embedded.runtime.reads.begin() as session:
        assert jobs_table.dead_letters(session)[0].reason == "Its worker died 5 times while doing it."
    assert embedded.effects() == []


def test_a_dead_letter_says_why(embedded: Hub) -> None:
    embedded.send("fail", times=99)
    embedded.start_worker()
    wait_until(lambda: embedded.dead() == 1, "a dead letter")
    with embedded.runtime.reads.begin() as session:
        (letter,) = jobs_table.dead_letters(session)
    assert letter.reason.startswith("Unavailable: failure number 4")
    assert (letter.actor, letter.message["kwargs"]) == ("fail", {"times": 99})


def test_an_outbox_row_that_is_carried_over_twice_is_one_job(embedded: Hub) -> None:
    with embedded.runtime.db.begin() as session:
        values = {"kind": "job", "name": "note", "queue": "images", "payload": {"text": "once"}, "added_at": clock.now()}
        row = OutboxRow(**values)
        session.add(row)
    assert relay.send_jobs(embedded.runtime, embedded.broker) == 1
    with embedded.runtime.db.begin() as session:  # as if the relay had died before it deleted the row
        session.add(OutboxRow(id=row.id, **values))
    assert relay.send_jobs(embedded.runtime, embedded.broker) == 1
    assert embedded.left() == 1


def test_an_ack_that_comes_late_does_not_take_the_retry_along(embedded: Hub) -> None:
    embedded.send("note", text="x")
    with embedded.runtime.db.begin() as session:
        first = jobs_table.claim(session, "images", "me", clock.now())
        assert first is not None
        jobs_table.put(session, first.message, clock.now(), "me")
        second = jobs_table.claim(session, "images", "me", clock.now())
        jobs_table.done(session, first, "me")
    assert embedded.left() == 1
    with embedded.runtime.db.begin() as session:
        assert second is not None
        jobs_table.done(session, second, "me")
    assert embedded.left() == 0


def test_the_heartbeat_keeps_what_a_living_worker_has(embedded: Hub) -> None:
    embedded.send("note", text="x")
    with embedded.runtime.db.begin() as session:
        claim = jobs_table.claim(session, "images", "me", clock.now())
        jobs_table.extend(session, "me", clock.now() + timedelta(hours=1))
    with embedded.runtime.db.begin() as session:
        assert claim is not None
        assert jobs_table.claim(session, "images", "other", clock.now() + timedelta(minutes=30)) is None
        assert jobs_table.claim(session, "images", "other", clock.now() + timedelta(minutes=61)) is not None
