"""What is said about an image lies on other specimens once the image shows others."""

from datetime import datetime

from sqlalchemy.orm import Session

from annotations import following, store, waiting
from iiif.catalogue import service as catalogue

AT_ONCE = 200  # annotations in one transaction


def lay_again(session: Session, media_key: str, *, after: str, at: datetime, limit: int = AT_ONCE) -> str | None:
    """Let the annotations on the image behind `after`, `limit` of them, lie on the specimens that it shows now.

    The key of the last, or None when there are no more. Locks: the image, then annotations by key, then specimens by key, as
    `following` says; `withdrawal` keeps to the same order.
    """
    catalogue.lock_media(session, [media_key])  # who changes what it shows has it locked, and would not be seen
    keys = store.keys_on(session, media_key, after=after, limit=limit)
    following.lock(session, keys)
    rows = [row for key in keys if (row := store.find(session, key, lock=True)) is not None]
    moved = [follower for row in rows if (follower := following.lay_again(session, row)) is not None]
    moved += following.follow(session, [follower.key for follower in moved])
    shown_elsewhere = {*keys, *(follower.key for follower in moved)}  # all show other specimens now
    following.touch(session, shown_elsewhere, following.both(moved), at)
    waiting.follow(session, shown_elsewhere)
    return keys[-1] if len(keys) == limit else None
