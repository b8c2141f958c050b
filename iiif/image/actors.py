"""The job that makes a new image servable."""

from pathlib import Path

import dramatiq
import structlog

from app.runtime import context
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import RejectedImage
from iiif.image import service
from iiif.image.pyramid import Pyramid, PyramidError

log = structlog.get_logger()


@dramatiq.actor(actor_name="derive_image", queue_name="images", max_retries=5, time_limit=1_800_000)
def derive_image(media_key: str) -> None:
    """Make the pyramid of an image; safe to repeat, for a settled image is left alone."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, media_key)
    if media.state == "failed" or (media.state == "ready" and _is_whole(runtime.blobs.path(media.pyramid_sha256))):
        return
    try:
        derivative, facts = service.make_derivative(runtime.blobs, media.sha256, service.DecodeLimits.of(runtime.settings))
    except RejectedImage as error:
        log.warning("image refused", media=media_key, code=error.code, reason=error.sentence)
        with runtime.db.begin() as session:
            catalogue.media_failed(session, media_key, error.sentence, at=runtime.clock())
        return
    if facts.frames > 1:
        log.info("only the first frame of an animation is served", media=media_key, frames=facts.frames)
    with runtime.db.begin() as session:
        catalogue.media_ready(session, media_key, derivative, at=runtime.clock())


def _is_whole(path: Path) -> bool:
    """Whether a derivative of today's recipe lies there."""
    try:
        Pyramid(path)
    except (FileNotFoundError, PyramidError):
        return False
    return True
