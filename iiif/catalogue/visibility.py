"""The one rule of visibility: who sees what of an image, and of all that was made from it or said about it.

open: everybody sees everything. reduced: everybody sees what is known of it and said about it, but pixels only as the small
frame holds them. closed: nobody sees pixels, name, size or digest of its file, or a statement about it, but who may see the
collection of its home specimen. That there is such an image, of which specimen, and whose rights it is under, is public.
"""

from collections.abc import Collection
from datetime import datetime
from typing import Literal

from sqlalchemy import ColumnElement, SQLColumnExpression, Subquery, and_, exists, false, or_, select
from sqlalchemy.orm import Session, aliased

from app.runtime import changes
from app.runtime.principal import ALL, Principal, may
from iiif.catalogue.errors import Closed, NotYours
from iiif.catalogue.model import Media
from iiif.catalogue.tables import MediaRow, SpecimenRow

View = Literal["whole", "reduced", "private"]
CHANGES_AT_ONCE = 500
IMAGE = aliased(MediaRow, name="image")


def view_of(media: Media, by: Principal) -> View:
    """How `by` sees the image; "private" is what only a role opened. Raises Closed, NotYours."""
    if media.access == "open":
        return "whole"
    if may(by, "see", media):
        return "private"
    if media.access == "reduced":
        return "reduced"
    raise refusal(f"The image {media.key} is not public", by)


def refusal(sentence: str, by: Principal) -> Closed | NotYours:
    """The error for who may not see a thing; the sentence, without its full stop, says what is not public."""
    if by.name:
        return NotYours(f"{sentence}, and {by.called} is not for its collection.")
    return Closed(f"{sentence}. {by.refused or 'Send Authorization: Bearer ….'}")


def sees(media: Media, by: Principal) -> bool:
    """Whether `by` sees what is known of the image and said about it, and at least its small frame."""
    return media.access != "closed" or may(by, "see", media)


def closed_images() -> Subquery:
    """For queries: the closed images, by `key`, with the `institution_code` and `collection_code` that hold them."""
    columns = (MediaRow.key, SpecimenRow.institution_code, SpecimenRow.collection_code)
    query = select(*columns).join(SpecimenRow, SpecimenRow.key == MediaRow.specimen_key).where(MediaRow.access == "closed")
    return query.subquery()


def was_closed_since(session: Session, at: datetime) -> bool:
    """Whether an image was closed since then. Changes of images are read newest first, as far back as that."""
    before = 0
    while page := changes.page(session, kind="media", before=before, limit=CHANGES_AT_ONCE):
        for change in page:
            if change.at < at:
                return False
            if change.action == "access" and change.details.get("access") == "closed":
                return True
        before = page[-1].id
    return False


def any_hidden(session: Session, media_keys: Collection[str], by: Principal) -> bool:
    """Whether one of the images is closed to `by`."""
    query = select(exists().where(MediaRow.key.in_(media_keys), is_hidden(MediaRow.key, by)))
    return bool(media_keys) and bool(session.scalar(query))


def hidden_of(session: Session, media_keys: Collection[str], by: Principal) -> frozenset[str]:
    """Which of the images are closed to `by`."""
    query = select(MediaRow.key).where(MediaRow.key.in_(media_keys), is_hidden(MediaRow.key, by))
    return frozenset(session.scalars(query)) if media_keys else frozenset()


def sees_names(session: Session, by: Principal) -> bool:
    """Whether `by` sees names of files that nothing ties to one image, such as those of an ingest: all do where no image is
    closed, and otherwise who may see every collection."""
    return may(by, "see") or not any_closed(session)


def any_closed(session: Session) -> bool:
    """Whether any image is closed; one look into their index."""
    return bool(session.scalar(select(exists().where(MediaRow.access == "closed"))))


def hides_nothing_from(by: Principal) -> bool:
    """Whether `by` sees every image, so that no query has to look at which are closed."""
    return any(grant.institution == ALL for grant in by.granted("see"))


def is_hidden(media_key: SQLColumnExpression[str], by: Principal) -> ColumnElement[bool]:
    """For queries: whether the image of that key is closed to `by`; false where there is no such image."""
    grants = by.granted("see")
    if hides_nothing_from(by):
        return false()
    closed = and_(IMAGE.key == media_key, IMAGE.access == "closed")
    if not grants:
        return exists(select(1).select_from(IMAGE).where(closed))
    theirs = [
        SpecimenRow.institution_code == grant.institution
        if not grant.collection
        else and_(SpecimenRow.institution_code == grant.institution, SpecimenRow.collection_code == grant.collection)
        for grant in grants
    ]
    home = select(1).select_from(IMAGE).join(SpecimenRow, SpecimenRow.key == IMAGE.specimen_key)
    return exists(home.where(closed, ~or_(*theirs)))
