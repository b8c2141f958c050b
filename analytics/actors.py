"""Jobs of the analysis."""

import dramatiq

from analytics import execution, service
from app.runtime import context
from iiif.catalogue import service as catalogue


@dramatiq.actor(actor_name="media_settled", queue_name="analysis", max_retries=10, min_backoff=500, time_limit=60_000)
def media_settled(media_key: str) -> None:
    """An image is ready or has failed: what waits for it goes on. Safe to repeat."""
    runtime = context.current()
    with runtime.db.begin() as session:
        service.media_settled(session, catalogue.get_media(session, media_key), at=runtime.clock())


@dramatiq.actor(actor_name="analyse", queue_name="analysis", max_retries=3, min_backoff=2_000, time_limit=1_800_000)
def analyse(run_key: str) -> None:
    """Do what is left of a run. Safe to repeat, also by two workers at once."""
    execution.perform(context.current(), run_key)
