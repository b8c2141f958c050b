"""Jobs of the annotations."""

import dramatiq

from annotations import laying
from app.runtime import context


@dramatiq.actor(actor_name="depictions_changed", queue_name="analysis", max_retries=10, min_backoff=500, time_limit=600_000)
def depictions_changed(media_key: str) -> None:
    """Lay what is said about an image on the specimens that it shows now, some at a time. Safe to repeat and to be stopped."""
    runtime = context.current()
    after: str | None = ""
    while after is not None:
        with runtime.db.begin() as session:
            after = laying.lay_again(session, media_key, after=after, at=runtime.clock())
