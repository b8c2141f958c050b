"""Jobs of the analysis."""

import dramatiq

from analytics import execution, remaking, service, settling, tasks
from app.runtime import context
from app.runtime.broker import unless_away
from iiif.catalogue import service as catalogue

ANALYSE_RETRIES = 3


@dramatiq.actor(actor_name="media_settled", queue_name="analysis", max_retries=10, min_backoff=500, time_limit=60_000)
def media_settled(media_key: str) -> None:
    """An image is ready or has failed: what waits for it goes on. Safe to repeat."""
    runtime = context.current()
    with runtime.db.begin() as session:
        tasks.media_settled(session, catalogue.get_media(session, media_key), at=runtime.clock())


@dramatiq.actor(
    actor_name="analyse",
    queue_name="analysis",
    retry_when=unless_away(ANALYSE_RETRIES),
    min_backoff=2_000,
    time_limit=1_800_000,
)
def analyse(run_key: str, media_key: str = "") -> None:
    """Do what is left of a task. Safe to repeat, also by two workers at once.

    Jobs of the first release name no image: their runs have one.
    """
    runtime = context.current()
    if not media_key:
        with runtime.reads.begin() as session:
            only = service.only_task(session, service.get(session, run_key))
        if only is None:
            return
        media_key = only.media_key
    execution.perform(runtime, run_key, media_key)


@dramatiq.actor(actor_name="settle_run", queue_name="runs", max_retries=10, min_backoff=1_000, time_limit=6 * 3_600_000)
def settle_run(run_key: str) -> None:
    """Look up a run's images, or bring its tasks and statements in line with its state. Safe to repeat and to break off."""
    settling.settle(context.current(), run_key)


@dramatiq.actor(actor_name="basis_changed", queue_name="analysis", max_retries=10, min_backoff=500, time_limit=60_000)
def basis_changed(media_key: str) -> None:
    """What was measured on the image is stale: have a run of its own measure it anew, where that can be. Safe to repeat."""
    runtime = context.current()
    with runtime.db.begin() as session:
        media = catalogue.get_media(session, media_key)
        remaking.ask(session, media, naan=runtime.settings.naan, at=runtime.clock())
