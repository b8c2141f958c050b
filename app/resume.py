"""What killed processes left behind: ingests are ended, lists of images of runs are completed or closed."""

from sqlalchemy.orm import Session

from analytics import service as analytics
from app.runtime import clock
from app.runtime.principal import Principal
from iiif.ingest import service as ingests


def resume(session: Session) -> None:
    """End what cannot go on, and have the workers go on with the rest. Safe to repeat."""
    at = clock.now()
    ingests.abandon(session, at=at)
    running = [
        ingest.key for ingest in ingests.page(session, by=Principal.of_system(), state="running", limit=ingests.MOST_RUNNING)
    ]
    analytics.resume_selections(session, running, at=at)
