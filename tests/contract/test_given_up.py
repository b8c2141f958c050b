"""A job that is given up takes what waits for it along, so that nothing looks as if it were on its way for ever."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update
from sqlalchemy.orm import Session

from analytics import service as analytics
from analytics.model import Run, Task
from app import actors, relay
from app.cli.ingest import ingest_paths
from app.runtime import jobs_table
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.jobs_table import JobRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from tests.drain import InProcess, drain


@pytest.fixture
def ingested(prepared: Runtime, tmp_path: Path) -> Runtime:
    """A hub with one image that has just come in."""
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (80, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in" / "B-100.png")
    ingest_paths(prepared, [tmp_path / "in"])
    return prepared


def the_task(session: Session) -> tuple[Run, Task]:
    """The only run, and its only task."""
    (run,) = analytics.page(session, limit=10)
    (task,) = analytics.list_tasks(session, run.key, limit=10)
    return run, task


def workers_die_over(runtime: Runtime, actor: str) -> None:
    """As if every worker that took this actor's jobs had been killed by them."""
    broker = DatabaseBroker(runtime.database)
    relay.relay_once(runtime, broker)
    with runtime.db.begin() as session:
        claims = jobs_table.MOST_INTERRUPTIONS
        changed = session.scalars(update(JobRow).where(JobRow.actor == actor).values(claims=claims).returning(JobRow.id)).all()
    assert changed


def test_an_image_that_kills_its_workers_fails_and_so_does_its_run(ingested: Runtime) -> None:
    workers_die_over(ingested, "derive_image")
    (letter,) = drain(ingested, may_fail=True)
    assert (letter.actor, letter.reason) == ("derive_image", "Its worker died 5 times while doing it.")
    with ingested.reads.begin() as session:
        run, task = the_task(session)
        media = catalogue.get_media(session, task.media_key)
        assert analytics.count(session, state="running") == 0
    assert (media.state, run.state, task.state) == ("failed", "failed", "failed")
    assert "Its worker died 5 times" in media.state_reason
    assert "Its worker died 5 times" in task.reason


@pytest.mark.parametrize("actor", ["analyse", "media_settled"])
def test_a_run_whose_job_is_given_up_fails(ingested: Runtime, actor: str) -> None:
    with ingested.reads.begin() as session:
        run, task = the_task(session)
    arguments = {"media_key": task.media_key} | ({"run_key": run.key} if actor == "analyse" else {})
    with ingested.db.begin() as session:
        message = {"queue_name": "analysis", "actor_name": actor, "args": [], "message_id": "x", "message_timestamp": 0}
        message |= {"kwargs": arguments, "options": {}}
        jobs_table.put(session, message, run.created_at, "")
        session.execute(update(JobRow).values(claims=jobs_table.MOST_INTERRUPTIONS))
    drain(ingested, may_fail=True)
    with ingested.reads.begin() as session:
        run, task = the_task(session)
    assert (run.state, run.failed, task.state) == ("failed", 1, "failed")
    assert "Its worker died 5 times" in task.reason


def test_a_change_of_a_run_that_is_given_up_says_so_at_the_run(ingested: Runtime) -> None:
    by, at = Principal.of_operator(), ingested.clock()
    with ingested.db.begin() as session:
        run, _ = the_task(session)
        analytics.cancel(session, run.key, by=by, at=at)
    workers_die_over(ingested, "settle_run")
    drain(ingested, may_fail=True)
    with ingested.reads.begin() as session:
        assert "Its worker died 5 times" in analytics.get(session, run.key).reason


@pytest.mark.parametrize("derived_before", [False, True])
def test_no_job_is_given_up_while_the_stored_files_are_away(ingested: Runtime, derived_before: bool) -> None:
    broker = DatabaseBroker(ingested.database)
    actors.declare(broker)
    worker = InProcess(broker)
    if derived_before:
        relay.relay_once(ingested, broker)
        assert worker.run_one()
    root: Path = ingested.blobs.root  # type: ignore[attr-defined]  # those of a folder
    away = root.with_name("away")
    root.rename(away)
    root.mkdir()
    for _ in range(20):
        relay.relay_once(ingested, broker)
        assert worker.run_one(), "it is tried again"
    broker.close()
    assert not list(root.iterdir())
    with ingested.reads.begin() as session:
        run, task = the_task(session)
        assert jobs_table.count(session)["dead"] == 0
        assert catalogue.get_media(session, task.media_key).state == ("ready" if derived_before else "pending")
    assert run.state == "running"
    root.rmdir()
    away.rename(root)
    drain(ingested)
    with ingested.reads.begin() as session:
        assert the_task(session)[1].state == "completed"
