"""On which specimens of an image something lies that is said there: the rule, for what is written and for what is read.

It lies on the specimens that the image shows, less those of which the own region is known and lies elsewhere; on all of them
where that leaves none, as a ruler beside the specimens is the ruler of each, and where it is said of the image as a whole.

A target row names those whose known region it meets, and of the others only one, the home specimen where it is among them:
a drawer of three hundred specimens of which no region is known has one row for each finding, not three hundred. Of the others
it is known through the image: by the depictions, and by `whole`, which marks what lies on all that the image shows. The home
specimen is always named where something lies on it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, and_, or_, select, union
from sqlalchemy.orm import Session

from annotations.model import Annotation, CanvasBox, Target
from annotations.tables import AnnotationTargetRow
from iiif.catalogue import service as catalogue
from iiif.catalogue.depictions import guests
from iiif.catalogue.model import Depiction, OwnRegion

AT_ONCE = 500  # keys in one question


@dataclass(frozen=True, slots=True)
class Place:
    """Where a target lies: on an image, on a specimen (as a whole where there is no image), in a box in canvas units.

    `whole`: on every specimen that the image shows.
    """

    media_key: str = ""
    specimen_key: str = ""
    box: CanvasBox | None = None
    whole: bool = False

    @classmethod
    def of(cls, target: Target) -> "Place":
        return cls(target.media_key, target.specimen_key, target.box, target.whole)


NOWHERE = Place()


def on_image(media_key: str, shown: Sequence[Depiction], box: CanvasBox | None) -> tuple[Place, ...]:
    """The places to be written down for a region of an image, or for the whole image; `shown` has the home specimen first."""
    if box is None:
        return tuple(Place(media_key, one.specimen_key, None, whole=True) for one in shown[:1])
    own = [one for one in shown if one.region is not None and meet(box, one.region)]
    unknown = [one for one in shown if one.region is None]
    if not own and not unknown:
        return tuple(Place(media_key, one.specimen_key, box, whole=True) for one in shown[:1])
    named = unknown[:1] if not own or (unknown and unknown[0].is_home) else []
    return tuple(Place(media_key, one.specimen_key, box) for one in (*named, *own))


def meet(box: CanvasBox, other: OwnRegion) -> bool:
    """Whether two boxes share more than an edge; a point or a line counts by where it is."""
    across = min(box.x1, other.x1) - max(box.x0, other.x0)
    down = min(box.y1, other.y1) - max(box.y0, other.y0)
    if box.x0 == box.x1 or box.y0 == box.y1:
        return across >= 0 and down >= 0
    return across > 0 and down > 0


def lies_on(target: Target, depiction: Depiction) -> bool:
    """Whether the target, which is on the image of the depiction, lies on its specimen."""
    return target.whole or depiction.region is None or target.specimen_key == depiction.specimen_key


def specimens_of(session: Session, targets: Iterable[Target]) -> Mapping[Target, tuple[str, ...]]:
    """All specimens that each of the targets lies on, the one that its row names first. One query whatever they are."""
    several = tuple(dict.fromkeys(targets))
    shown = catalogue.specimens_of_media(session, {target.media_key for target in several} - {""})
    found = {}
    for target in several:
        through = [one.specimen_key for one in shown.get(target.media_key, ()) if lies_on(target, one)]
        found[target] = tuple(dict.fromkeys(key for key in (target.specimen_key, *through) if key))
    return found


def under(annotation: Annotation, specimen_key: str, depictions: Mapping[str, Depiction]) -> Annotation:
    """The annotation with the first target in front that lies on the specimen, as one of that specimen; as it is where none
    does. `depictions` are how its images show the specimen, by image."""
    for target in annotation.targets:
        depicted = depictions.get(target.media_key)
        if target.specimen_key == specimen_key or (depicted is not None and lies_on(target, depicted)):
            return annotation.with_front(target, specimen_key)
    return annotation


def on_specimens(specimen_keys: Sequence[str]) -> CompoundSelect[Any]:
    """For queries: the pairs (`specimen_key`, `annotation_key`) of these specimens and what lies on them, once each."""
    named, through = _ways(specimen_keys)
    return union(named, through)


def on_specimen(specimen_key: str) -> CompoundSelect[Any]:
    """For queries: the keys of what lies on the specimen."""
    named, through = (way.with_only_columns(AnnotationTargetRow.annotation_key) for way in _ways([specimen_key]))
    return union(named, through)


def _ways(specimen_keys: Sequence[str]) -> tuple[Select[*tuple[Any, ...]], ...]:
    """The pairs of those that the rows of targets name, and of those that the images show beside them."""
    row, shown = AnnotationTargetRow, guests().subquery()
    named = select(row.specimen_key, row.annotation_key).where(row.specimen_key.in_(specimen_keys))
    through = select(shown.c.specimen_key, row.annotation_key).join(shown, shown.c.media_key == row.media_key)
    return named, through.where(shown.c.specimen_key.in_(specimen_keys), or_(row.whole, shown.c.x0.is_(None)))


def conditions_of(session: Session, specimen_key: str) -> Iterator[ColumnElement[bool]]:
    """For queries: which target rows lie on the specimen, as several conditions, of each of which an index leads to the rows in
    the order of their annotations' keys."""
    row, shown = AnnotationTargetRow, guests().subquery()
    yield row.specimen_key == specimen_key
    for media_key, x0 in session.execute(select(shown.c.media_key, shown.c.x0).where(shown.c.specimen_key == specimen_key)):
        yield row.media_key == media_key if x0 is None else and_(row.media_key == media_key, row.whole)


def of_annotations(session: Session, keys: Sequence[str]) -> set[str]:
    """The specimens that any of these annotations lies on."""
    found = set[str]()
    for start in range(0, len(keys), AT_ONCE):
        found.update(session.scalars(under_annotations(keys[start : start + AT_ONCE])))
    return found


def under_annotations(keys: Sequence[str]) -> CompoundSelect[Any]:
    """For queries: the keys of the specimens that any of these annotations, AT_ONCE at most, lies on."""
    row, shown = AnnotationTargetRow, guests().subquery()
    these = row.annotation_key.in_(keys)
    named = select(row.specimen_key).where(these, row.specimen_key != "")
    through = select(shown.c.specimen_key).join(row, row.media_key == shown.c.media_key)
    return union(named, through.where(these, or_(row.whole, shown.c.x0.is_(None))))
