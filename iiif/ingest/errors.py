"""What can be wrong with ingests as records."""

from sqlalchemy.exc import InterfaceError, OperationalError

from app.runtime.blobs import StoreAway
from app.runtime.errors import NotFound


class UnknownIngest(NotFound):
    """No ingest of that key."""


HUB_IS_AWAY = (OperationalError, InterfaceError, StoreAway)
"""The database is away or full, or the store of files is: no fault of a record or a source, and the end of an ingest."""
