"""The job that makes a new image servable, and one whose derivative was lost or is of an older recipe servable again."""

import dramatiq
import structlog
from dramatiq.errors import Retry
from dramatiq.middleware import CurrentMessage

from app.runtime import context
from app.runtime.broker import unless_away
from iiif.image.masters import derivatives

MAX_RETRIES = 5
AGAIN_MS = (120_000, 480_000)  # less than the longest delay of a job (app/runtime/jobs_table.py)
log = structlog.get_logger()


@dramatiq.actor(
    actor_name="derive_image",
    queue_name="images",
    retry_when=unless_away(MAX_RETRIES),
    min_backoff=15_000,
    time_limit=1_800_000,
)
def derive_image(media_key: str) -> None:
    """Make the pyramid of an image; safe to repeat, for a whole one is left alone, and so is a refused image.

    A new one that time, memory or a dead decoder hindered is tried again after AGAIN_MS, and then refused.
    """
    message = CurrentMessage.get_current_message()
    retries = MAX_RETRIES if message is None else int(message.options.get("retries", 0))
    outcome = derivatives.derive(context.current(), media_key, patient=retries < len(AGAIN_MS))
    if outcome.result == "put off":
        log.warning("image put off", media=media_key, code=outcome.code, reason=outcome.reason)
        raise Retry(outcome.reason, delay=AGAIN_MS[retries])
    if outcome.result == "refused":
        log.warning("image refused", media=media_key, code=outcome.code, reason=outcome.reason)
    if outcome.frames > 1:
        log.info("only the first frame of an animation is served", media=media_key, frames=outcome.frames)
