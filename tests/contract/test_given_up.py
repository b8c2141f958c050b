"""A job that is given up takes what waits for it along, so that nothing looks as if it were on its way for ever."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sqlalchemy import update

from analytics import service as analytics
from app import relay
from app.cli.ingest import ingest_paths
from app.runtime import jobs_table
from app.runtime.broker import DatabaseBroker
from app.runtime.context import Runtime
from app.runtime.jobs_table import JobRow
from iiif.catalogue import service as catalogue
from tests.drain import drain


@pytest.fixture
def ingested(prepared: Runtime, tmp_path: Path) -> Runtime:
    """A hub with one image that has just come in."""
    (tmp_path / "in").mkdir()
    pixels = np.random.default_rng(1).integers(0, 255, (80, 60, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(tmp_path / "in" / "B-100.png")
    ingest_paths(prepared, [tmp_path / "in"])
    return prepared


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
        (run,) = analytics.page(session, kind="analysis", limit=10)
        media = catalogue.get_media(session, run.media_key)
        assert analytics.count(session, state="running") == 0
    assert (media.state, run.state) == ("failed", "failed")
    assert "Its worker died 5 times" in media.state_reason
    assert "Its worker died 5 times" in run.reason


@pytest.mark.parametrize("actor", ["analyse", "media_settled"])
def test_a_run_whose_job_is_given_up_fails(ingested: Runtime, actor: str) -> None:
    with ingested.reads.begin() as session:
        (run,) = analytics.page(session, kind="analysis", limit=10)
    arguments = {"run_key": run.key} if actor == "analyse" else {"media_key": run.media_key}
    with ingested.db.begin() as session:
        message = {"queue_name": "analysis", "actor_name": actor, "args": [], "message_id": "x", "message_timestamp": 0}
        message |= {"kwargs": arguments, "options": {}}
        jobs_table.put(session, message, run.created_at, "")
        session.execute(update(JobRow).values(claims=jobs_table.MOST_INTERRUPTIONS))
    drain(ingested, may_fail=True)
    with ingested.reads.begin() as session:
        (run,) = analytics.page(session, kind="analysis", limit=10)
    assert run.state == "failed"
    assert "Its worker died 5 times" in run.reason
