"""What can be wrong with ingests as records."""

from sqlalchemy.exc import InterfaceError, OperationalError

from app.runtime.blobs import StoreAway
from app.runtime.disk import DiskFull, DiskReadOnly
from app.runtime.errors import NotFound


class UnknownIngest(NotFound):
    """No ingest of that key."""


HUB_IS_AWAY = (OperationalError, InterfaceError, StoreAway, DiskFull, DiskReadOnly)
"""The database, or the store of files, is away, full or read-only: no fault of a record or a source, and the end of an ingest."""
