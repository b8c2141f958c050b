"""The versions of a segment as people read them: who, when, what differs from the one before, drawn over one another."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from annotations.differences import ShapeChange
from annotations.model import Canvas
from annotations.segments import history
from annotations.segments.history import Version
from annotations.segments.model import Segment
from app.web.statement_words import when
from app.web.statements.history import DrawnChange, drawn
from iiif.catalogue.model import Media
from ontology.segment_classes import CLASSES

SHOWN = 20
STEPS = {
    "made": "made",
    "moved": "moved or reshaped",
    "reclassified": "given another class",
    "merged": "merged with others",
    "split": "split into several",
    "deleted": "deleted",
    "restored": "brought back to an earlier version",
}


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version, and what differs from the one before: `class_before` where it had another class. `restorable`: who looks may let
    it stand again."""

    number: int
    how: str
    by: str
    when: str
    label: str
    place: str
    class_before: str
    shapes: tuple[DrawnChange, ...]
    restorable: bool


def page(session: Session, key: str, before: int) -> tuple[Sequence[Version], int]:
    """The versions of a page, the newest first, with the one before the last of them; and the number before which the next page
    ends, 0 on the last."""
    found = history.versions(session, key, before=before, limit=SHOWN + 1)
    return found, found[SHOWN - 1].number if len(found) > SHOWN else 0


def lines(
    found: Sequence[Version], segment: Segment, media: Media, names: Mapping[str, str], *, restores: bool
) -> list[VersionLine]:
    """`names` are those of who made the versions; the image is one that who looks sees."""
    image, made = Canvas(media.width_px, media.height_px), []
    for one, earlier in list(zip(found, [*found[1:], None], strict=True))[:SHOWN]:
        differs = earlier is not None and earlier.class_name != one.class_name
        stands = segment.is_live and (one.class_name, one.selector) == (segment.class_name, segment.selector)
        box = one.box
        made.append(
            VersionLine(
                number=one.number,
                how=STEPS.get(one.how, one.how),
                by=names.get(one.by, one.by) or "somebody",
                when=when(one.at),
                label=CLASSES[one.class_name].label,
                place=f"{box.width} × {box.height} pixels at {box.x}, {box.y}",
                class_before=CLASSES[earlier.class_name].label if earlier is not None and differs else "",
                shapes=_shapes(one, earlier, media, image),
                restorable=restores and not stands,
            )
        )
    return made


def _shapes(one: Version, earlier: Version | None, media: Media, image: Canvas) -> tuple[DrawnChange, ...]:
    if earlier is None or earlier.selector == one.selector:
        return ()
    before, after = earlier.region(image), one.region(image)
    return (drawn(ShapeChange(0, media.key, before, after, history.overlap(before, after)), media),)
