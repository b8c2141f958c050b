"""The job that makes a new image servable, and one whose derivative was lost or is of an older recipe servable again."""

import dramatiq
import structlog

from app.runtime import context
from iiif.image.masters import derivatives

log = structlog.get_logger()


@dramatiq.actor(actor_name="derive_image", queue_name="images", max_retries=5, min_backoff=15_000, time_limit=1_800_000)
def derive_image(media_key: str) -> None:
    """Make the pyramid of an image; safe to repeat, for a whole one is left alone, and so is a refused image."""
    outcome = derivatives.derive(context.current(), media_key)
    if outcome.result == "refused":
        log.warning("image refused", media=media_key, code=outcome.code, reason=outcome.reason)
    if outcome.frames > 1:
        log.info("only the first frame of an animation is served", media=media_key, frames=outcome.frames)
