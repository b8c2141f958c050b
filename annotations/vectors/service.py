"""Vectors as they are kept and asked for. Who asks sees to it that nothing of a closed image is told to others."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from annotations.segments import store as segments
from annotations.vectors import store
from annotations.vectors.model import Unseen, Values, Vector
from app.runtime import outbox
from iiif.catalogue import service as catalogue


def of(session: Session, keys: Sequence[str]) -> Mapping[str, Vector]:
    """The vectors of those of the images and segments that have one, by key. A segment that has ended or moved since has none."""
    return store.find(session, keys)


def every(session: Session, what: str, model: str, *, after: str = "") -> Iterator[tuple[str, Values]]:
    """Key and vector of every image (`what` is "image") or of every segment of a class, those that are there, by key from the
    one behind `after`. Only those of that model, which can be compared with each other; memory stays flat."""
    return store.stream(session, what, model, after)


def models(session: Session) -> Mapping[str, Mapping[str, int]]:
    """How many vectors there are, by `image` and `segment`, and then by model: several while a new one is taking over."""
    found: dict[str, dict[str, int]] = {}
    for (sort, model), number in store.counts(session).items():
        found.setdefault(sort, {})[model] = number
    return found


def unseen(session: Session, media_key: str, model: str) -> Sequence[Unseen]:
    """Of the image and the segments that there are on it those of which that model has made no vector, the image first."""
    return store.unseen(session, media_key, model)


def keep(
    session: Session,
    media_key: str,
    values: Mapping[str, Values],
    looked_at: Sequence[Unseen],
    *,
    model: str,
    run_key: str,
    at: datetime,
) -> None:
    """Keep what a run has made of the image and its segments, by key, each in the place of what was there; have the index learn
    of it. The caller has locked the specimens that the image shows."""
    made = [one for one in looked_at if one.key in values]
    if not made:
        return
    vectors = [Vector(one.key, media_key, model, values[one.key], run_key, at) for one in made]
    store.keep(session, vectors, [one.version for one in made])
    known = segments.count_changes(session, [one.key for one in made if one.key != media_key])
    outbox.touch_all(session, "segment", known)
    if media_key in values:
        depictions = catalogue.specimens_of_media(session, [media_key])[media_key]
        catalogue.touch_specimens(session, [depiction.specimen_key for depiction in depictions], at=at)
