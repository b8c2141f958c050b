"""Close the images that came by a manifest alone once it has them no more, and open them again when it has them back.

An image that has its home at another specimen came another way, too, and is not the manifest's to close or to open. What a
person closed stays closed: only the harvest's own closing is taken back.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from app.runtime import changes
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Access, Media
from iiif.harvest import store

BY = Principal.of_system()
LOOKED_BACK = 20  # changes of an image among which its last change of access is looked for


def close(session: Session, specimen_key: str, manifest_name: str, media_keys: Iterable[str], at: datetime) -> list[str]:
    """Close those of the images to the public that no other manifest here has; which were closed by that."""
    closed = []
    for media in _own(session, specimen_key, media_keys):
        if media.access != "closed" and not store.is_had_otherwise(session, media.key, manifest_name):
            catalogue.set_access(session, media.key, "closed", by=BY, at=at)
            closed.append(media.key)
    return closed


def open_again(session: Session, specimen_key: str, media_keys: Iterable[str], at: datetime) -> None:
    """Give those images that a harvest closed the access that they had before."""
    for media in _own(session, specimen_key, media_keys):
        if media.access != "closed":
            continue
        found = changes.page(session, kind="media", key=media.key, limit=LOOKED_BACK)
        last = next((one for one in found if one.action == "access"), None)
        if last is not None and last.by == BY.name and last.details.get("access") == "closed":
            before: Access = "reduced" if last.details.get("before") == "reduced" else "open"
            catalogue.set_access(session, media.key, before, by=BY, at=at)


def _own(session: Session, specimen_key: str, media_keys: Iterable[str]) -> list[Media]:
    """Those that have their home at the specimen, each once."""
    found = catalogue.media_by_key(session, sorted(set(media_keys)))
    return [media for media in found.values() if media.specimen_key == specimen_key]
