"""Jobs of exchange."""

import dramatiq

from app.exchange import import_jobs
from app.runtime import context


@dramatiq.actor(actor_name="import_file", queue_name="runs", max_retries=3, min_backoff=5_000, time_limit=6 * 3_600_000)
def import_file(import_key: str) -> None:
    """Read the file of an import. Safe to repeat: what came in before is found and not stored again."""
    import_jobs.perform(context.current(), import_key)
