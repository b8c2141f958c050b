"""SQL of vectors: rows in and out, and frozen values. Of a segment only what was seen of it as it is now is given out."""

from collections.abc import Iterator, Sequence

import numpy as np
from sqlalchemy import ColumnElement, Select, and_, delete, func, or_, select
from sqlalchemy.orm import Session

from annotations.segments.tables import SegmentRow
from annotations.vectors.model import IMAGE, Unseen, Values, Vector
from annotations.vectors.tables import VectorRow
from iiif.image.request import PixelBox

AT_ONCE = 500  # keys in one question
STREAMED = 2_000  # rows fetched at a time: 1 MB of 256 half floats
MOST_SEGMENTS = 1_000  # of one image


def find(session: Session, keys: Sequence[str]) -> dict[str, Vector]:
    """The vectors of those of the images and segments that have one, by key."""
    found: dict[str, Vector] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = select(VectorRow).outerjoin(SegmentRow, SegmentRow.key == VectorRow.key)
        which = (VectorRow.key.in_(keys[start : start + AT_ONCE]), or_(VectorRow.sort == IMAGE, _present()))
        found.update({row.key: vector(row) for row in session.scalars(some.where(*which))})
    return found


def stream(session: Session, what: str, model: str, after: str) -> Iterator[tuple[str, Values]]:
    """Key and vector of every image (`image`), or of every segment of a class, by key from the one behind `after`."""
    while page := session.execute(_page(what, model, after)).all():
        yield from ((row[0], _values(row[1])) for row in page)
        after = page[-1][0]


def _page(what: str, model: str, after: str) -> Select[str, bytes]:
    if what == IMAGE:
        images = select(VectorRow.key, VectorRow.halves).order_by(VectorRow.key).limit(STREAMED)
        return images.where(VectorRow.sort == IMAGE, VectorRow.model == model, VectorRow.key > after)
    query = select(SegmentRow.key, VectorRow.halves).join(VectorRow, VectorRow.key == SegmentRow.key)
    which = (_present(), SegmentRow.class_name == what, SegmentRow.key > after, VectorRow.model == model)
    return query.where(*which).order_by(SegmentRow.key).limit(STREAMED)


def counts(session: Session) -> dict[tuple[str, str], int]:
    """How many rows there are, by sort ("image", "segment") and model."""
    query = select(VectorRow.sort, VectorRow.model, func.count()).group_by(VectorRow.sort, VectorRow.model)
    return {(row[0], row[1]): row[2] for row in session.execute(query)}


def unseen(session: Session, media_key: str, model: str) -> list[Unseen]:
    """Of the image and the segments that there are on it those of which that model has made no vector, the image first."""
    known = {row.key: row for row in session.scalars(select(VectorRow).where(VectorRow.media_key == media_key))}
    segments = select(SegmentRow).where(SegmentRow.media_key == media_key, SegmentRow.live.is_(True))
    wanted = [Unseen(media_key, 0, None)]
    for row in session.scalars(segments.order_by(SegmentRow.key).limit(MOST_SEGMENTS)):
        wanted.append(Unseen(row.key, row.version, PixelBox(row.x, row.y, row.width, row.height)))
    same = {(row.key, row.version) for row in known.values() if row.model == model}
    return [one for one in wanted if (one.key, one.version) not in same]


def keep(session: Session, vectors: Sequence[Vector], versions: Sequence[int]) -> None:
    """Each in the place of what was there of the same thing."""
    session.execute(delete(VectorRow).where(VectorRow.key.in_([one.key for one in vectors])))
    for one, version in zip(vectors, versions, strict=True):
        sort, halves = (IMAGE if one.key == one.media_key else "segment"), np.asarray(one.values, "<f2").tobytes()
        row = {"key": one.key, "sort": sort, "media_key": one.media_key, "version": version, "model": one.model}
        session.add(VectorRow(**row, halves=halves, run_key=one.run_key, made_at=one.made_at))
    session.flush()


def vector(row: VectorRow) -> Vector:
    return Vector(row.key, row.media_key, row.model, _values(row.halves), row.run_key, row.made_at)


def _values(halves: bytes) -> Values:
    return np.frombuffer(halves, "<f2")


def _present() -> ColumnElement[bool]:
    """For queries over both tables: the segment is there, and the vector is of what it is now."""
    return and_(SegmentRow.live.is_(True), SegmentRow.version == VectorRow.version)
