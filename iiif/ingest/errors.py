"""What can be wrong with ingests as records."""

from app.runtime.errors import NotFound


class UnknownIngest(NotFound):
    """No ingest of that key."""
