"""The versions of a segment: each as it stood, when which stood (Memento, RFC 7089), and in what two of them differ."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotations.model import Canvas, CanvasBox
from annotations.region_measures import iou
from annotations.regions import Region
from annotations.segments import store
from annotations.segments.errors import UnknownSegment
from annotations.segments.tables import SegmentVersionRow
from annotations.selectors import read
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.memento import Stamp
from iiif.image.request import PixelBox
from ontology.segment_classes import CLASSES

MOST_TOLD = 500


@dataclass(frozen=True, slots=True)
class Version:
    """A version as it was stored: `how` it came about, `by` whom; `selector` in canvas units of the image."""

    number: int
    how: str
    class_name: str
    selector: tuple[Any, ...]
    box: PixelBox
    at: datetime
    by: str

    def region(self, image: Canvas) -> Region:
        box = self.box
        return read(list(self.selector), image) or Region(CanvasBox(box.x, box.y, box.x + box.width, box.y + box.height))

    def to_json(self, key: str, addresses: Addresses) -> dict[str, Any]:
        box, known = self.box, CLASSES[self.class_name]
        return {
            "id": addresses.pid(key),
            "key": key,
            "version": self.number,
            "how": self.how,
            "class": self.class_name,
            "classTerm": known.term,
            "box": [box.x, box.y, box.width, box.height],
            "selector": [dict(one) for one in self.selector],
            "stored": clock.iso(self.at),
            "by": self.by,
        }


def versions(session: Session, key: str, *, before: int = 0, limit: int = MOST_TOLD) -> Sequence[Version]:
    """The newest first; with `before` those of lower numbers."""
    return [_version(row) for row in store.versions_of(session, key, before=before, limit=limit)]


def version(session: Session, key: str, number: int) -> Version:
    """Raises UnknownSegment."""
    row = store.find_version(session, key, number)
    if row is None:
        raise UnknownSegment(f"There is no version {number} of segment {key[:64]!r} here.")
    return _version(row)


def stamps(session: Session, key: str, *, before: int = 0) -> tuple[Stamp, ...]:
    """When which version was stored, oldest first: the newest MOST_TOLD, or those before `before`. Raises UnknownSegment."""
    found = store.versions_of(session, key, before=before, limit=MOST_TOLD)
    if not found:
        raise UnknownSegment(f"There is no version of segment {key[:64]!r} before that.")
    return tuple(Stamp(row.version, row.stored_at) for row in reversed(found))


def edges(session: Session, key: str) -> tuple[Stamp, Stamp]:
    """The first and the last version. Raises UnknownSegment."""
    last = store.versions_of(session, key, limit=1)
    first = store.first_version(session, key)
    if first is None or not last:
        raise UnknownSegment(f"There is no version of segment {key[:64]!r} here.")
    return Stamp(first.version, first.stored_at), Stamp(last[0].version, last[0].stored_at)


def stood_at(session: Session, key: str, when: datetime) -> Stamp:
    """The last version that was stored before `when`; the first where none was. Raises UnknownSegment."""
    row = store.version_before(session, key, when)
    return edges(session, key)[0] if row is None else Stamp(row.version, row.stored_at)


def overlap(before: Region, after: Region) -> float | None:
    """The area in common over that of both together; None where one has none."""
    return iou(before, after) if before.has_area and after.has_area else None


def _version(row: SegmentVersionRow) -> Version:
    box = PixelBox(row.x, row.y, row.width, row.height)
    return Version(row.version, row.how, row.class_name, tuple(row.selector), box, row.stored_at, row.stored_by)
