"""What can be wrong with what is asked of segments."""

from datetime import datetime

from app.runtime.errors import Conflict, Gone, Invalid, NotFound, StaleVersion


class UnknownSegment(NotFound):
    """No segment of that key."""


class EndedSegment(Gone):
    """There is no such segment any more: it was merged, split, deleted or rejected, or nothing stands behind it."""

    def __init__(self, key: str, state: str, successors: tuple[str, ...], modified_at: datetime, why: str) -> None:
        super().__init__(f"Segment {key!r} {why}")
        self.key, self.state, self.successors, self.modified_at = key, state, successors, modified_at


class BadSegment(Invalid):
    """A segment cannot be made or changed in that way."""


class SegmentChanged(StaleVersion):
    """If-Match names another version of the segment than the one that stands."""


class StillReplaced(Conflict):
    """A segment cannot be there again beside what it was merged or split into."""


class NotTogether(Conflict):
    """Segments of several images cannot be merged."""
