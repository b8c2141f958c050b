"""What people do to segments: add, change, merge, split, delete. Each is a statement of theirs, so that it has an author, can be
judged, and is shown on the sheet; a deletion is a version of the segment alone.

Who made a segment may change it as an annotator; that of others takes a reviewer, and to delete it a curator. Statements come
first and lock specimens; then segments are locked, in the order of their keys, and it is asked whether they still stand.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from annotations import guards, placing, recount, validation
from annotations import service as annotations
from annotations import store as statements
from annotations.creators import creator
from annotations.model import Canvas, CanvasBox
from annotations.regions import Region
from annotations.review.service import role_over
from annotations.segments import following, history, making, service, store
from annotations.segments.errors import BadSegment, NotTogether, SegmentChanged, StillReplaced
from annotations.segments.model import ENDED, Segment, State
from annotations.segments.tables import SegmentRow
from annotations.selectors import read, stored_selectors
from app.runtime import activities, changes, outbox
from app.runtime.addresses import Addresses
from app.runtime.errors import Forbidden, NotAllowed
from app.runtime.principal import Action, Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from ontology.segment_classes import CLASSES

MOST_MERGED, MOST_PARTS = 20, 50
Tags = frozenset[str] | None  # of which one must stand; None for any


@dataclass(frozen=True, slots=True)
class Shape:
    """What somebody says that a segment is: a class and a region, as selectors in canvas units of the image."""

    class_name: str
    selector: Any


@dataclass(frozen=True, slots=True)
class Editor:
    """Who does it, and when."""

    by: Principal
    addresses: Addresses
    at: datetime


def add(session: Session, media_key: str, shape: Shape, who: Editor) -> Segment:
    """A new segment of the image. Raises BadSegment, UnknownMedia, and what `annotations.create` does."""
    media = service.image(session, media_key, "", by=who.by)
    key = _make(session, media, shape, who)
    changes.record(session, who.by, "add", "segment", key, version=1, at=who.at)
    return _segment(session, key)


def change(session: Session, key: str, shape: Shape, who: Editor, if_match: Tags) -> Segment:
    """Let the segment be of another class, or have another region; empty in `shape` is as it was.

    Raises as `add` does, and UnknownSegment, EndedSegment, SegmentChanged.
    """
    segment, media = editable(session, key, who, "judge")
    shape = Shape(shape.class_name or segment.class_name, shape.selector or list(segment.selector))
    said = _state(session, media, shape, who, [key])
    (row,) = _lock(session, {key: if_match})
    store.add_statement(session, key, said[0], "changes", shape.class_name, said[1], who.at)
    following.refresh(session, [key], who.at)
    changes.record(session, who.by, "change", "segment", key, version=row.version, at=who.at)
    return _segment(session, key)


def merge(session: Session, tags: Mapping[str, Tags], shape: Shape, who: Editor) -> Segment:
    """One segment in the place of several of one image; without a region that of the box around them.

    Raises as `change` does, and NotTogether.
    """
    if not 2 <= len(tags) <= MOST_MERGED:
        raise BadSegment(f"Merge from 2 to {MOST_MERGED} segments.", parameter="segments")
    found = [editable(session, key, who, "judge") for key in sorted(tags)]
    _hold(session, sorted(tags), who)
    media, segments = found[0][1], [segment for segment, _ in found]
    if {segment.media_key for segment in segments} != {media.key}:
        raise NotTogether("Only segments of one image can be merged.", parameter="segments")
    around = [segment.area for segment in segments]
    box = CanvasBox(min(a.x0 for a in around), min(a.y0 for a in around), max(a.x1 for a in around), max(a.y1 for a in around))
    shape = Shape(shape.class_name or segments[0].class_name, shape.selector or stored_selectors(Region(box)))
    key = _make(session, media, shape, who, sorted(tags))
    _end(session, _lock(session, tags), "merged", [key], who)
    for gone in sorted(tags):
        activities.moved(session, "manifest", gone, key, at=who.at)
    _recount(session, sorted(tags), who)
    changes.record(session, who.by, "merge", "segment", key, version=1, at=who.at, of=", ".join(sorted(tags)))
    return _segment(session, key)


def split(session: Session, key: str, parts: Sequence[Shape], who: Editor, if_match: Tags) -> list[Segment]:
    """Several segments in the place of one. Raises as `change` does."""
    if not 2 <= len(parts) <= MOST_PARTS:
        raise BadSegment(f"Split a segment into 2 to {MOST_PARTS} parts.", parameter="parts")
    segment, media = editable(session, key, who, "judge")
    shapes = [Shape(part.class_name or segment.class_name, part.selector) for part in parts]
    _hold(session, [key], who)
    keys = [_make(session, media, shape, who, [key]) for shape in shapes]
    _end(session, _lock(session, {key: if_match}), "split", keys, who)
    _recount(session, [key], who)
    changes.record(session, who.by, "split", "segment", key, at=who.at, into=", ".join(keys))
    return [_segment(session, one) for one in keys]


def delete(session: Session, key: str, who: Editor, if_match: Tags) -> None:
    """Say that there is no such segment; its versions stay. What says that there is one is rejected with it, until the segment is
    restored; what else is said of the place stays. Raises as `change` does."""
    editable(session, key, who, "curate")
    _hold(session, [key], who)
    (row,) = _lock(session, {key: if_match})
    _end(session, [row], "deleted", [], who)
    _recount(session, [key], who)
    changes.record(session, who.by, "delete", "segment", key, version=row.version, at=who.at)


def restore(session: Session, key: str, number: int, who: Editor, if_match: Tags) -> Segment:
    """Let the segment be again what it was in that version, by a new one; one that has ended is there again, under its key.

    Raises as `change` does, UnknownSegment for a version that there is not, BadSegment for the one that stands, and
    StillReplaced where what it was merged or split into is there.
    """
    segment, media = require_to_restore(session, key, who)
    wanted = history.version(session, key, number)
    if segment.is_live and (wanted.class_name, wanted.selector) == (segment.class_name, segment.selector):
        raise BadSegment(f"Version {number} is what stands.", parameter="version")
    _refuse_replaced(session, segment)
    _hold(session, [key], who)
    said = _state(session, media, Shape(wanted.class_name, list(wanted.selector)), who, [key])
    (row,) = _lock(session, {key: if_match}, ended_too=True)
    if row.state in ENDED:
        row.state, row.successors = "unreviewed", []
    before = row.version
    store.add_statement(session, key, said[0], "changes", wanted.class_name, said[1], who.at)
    following.refresh(session, [key], who.at)
    if row.version == before:
        row.version, row.modified_at = before + 1, who.at
        store.add_version(session, row, "restored", who.by.name, who.at)
    else:
        store.name_version(session, key, row.version, "restored")
    session.flush()
    _recount(session, [key], who)
    changes.record(session, who.by, "restore", "segment", key, version=row.version, at=who.at, of=str(number))
    return _segment(session, key)


def require_to_restore(session: Session, key: str, who: Editor) -> tuple[Segment, Media]:
    """The segment, also one that has ended, which `who` may restore. Raises UnknownSegment, Closed, NotYours, NotAllowed,
    Forbidden."""
    segment, media = service.find(session, key, by=who.by)
    _require(session, segment, who.by, _to_restore(segment))
    return segment, media


def _to_restore(segment: Segment) -> Action:
    """Whom it takes where another made the segment: as to end it, where a person has."""
    return "curate" if segment.state in ENDED else "judge"


def _refuse_replaced(session: Session, segment: Segment) -> None:
    standing = [key for key in segment.successors if (row := store.find(session, key)) is not None and row.live]
    if standing:
        raise StillReplaced(
            f"What it was {segment.state} into is there: {', '.join(standing)}. Delete that first, or change it instead."
        )


@dataclass(frozen=True, slots=True)
class Allowed:
    """What somebody may do with a segment: give it another class or region, merge and split it; delete it; and let an earlier
    version stand again."""

    change: bool
    delete: bool
    restore: bool


def allowed(session: Session, segment: Segment, by: Principal) -> Allowed:
    """What pages offer to `by`; each change asks again."""

    def may(action: Action) -> bool:
        try:
            _require(session, segment, by, action)
        except (NotAllowed, Forbidden):
            return False
        return True

    judges, curates = bool(by.name) and may("judge"), bool(by.name) and may("curate")
    restores = curates if _to_restore(segment) == "curate" else judges
    return Allowed(segment.is_live and judges, segment.is_live and curates, restores)


def _require(session: Session, segment: Segment, by: Principal, action: Action) -> None:
    """Raises NotAllowed, Forbidden."""
    leader = statements.targets_of(session, [segment.leader_key]).get(segment.leader_key, [])
    guards.require_place(session, by, leader, _needed(segment, by, action))


def _needed(segment: Segment, by: Principal, action: Action) -> Action:
    """Who made a segment may do as an annotator what for that of another takes `action`."""
    return "annotate" if segment.made_by == by.name else action


def editable(session: Session, key: str, who: Editor, action: Action) -> tuple[Segment, Media]:
    """The segment, which `who` may change. Raises UnknownSegment, EndedSegment, Closed, NotYours, NotAllowed, Forbidden."""
    segment, media = service.get(session, key, by=who.by)
    _require(session, segment, who.by, action)
    return segment, media


def _make(session: Session, media: Media, shape: Shape, who: Editor, of: Sequence[str] = ()) -> str:
    """A new segment by a statement of this person; its key."""
    row, role = _state(session, media, shape, who, of)
    how: Any = {"state": "unreviewed", "as_role": role, "by": who.by.name, "naan": who.addresses.naan}
    said = statements.annotation(row)
    key = making.add(session, said, row, shape.class_name, media, **how, at=who.at, derived_from=of)
    following.refresh(session, [key], who.at)
    return key


def _state(session: Session, media: Media, shape: Shape, who: Editor, of: Sequence[str]) -> tuple[Any, str]:
    """The statement that there is such a segment, stored, and the role of who says it."""
    if shape.class_name not in CLASSES:
        raise BadSegment(f"class is one of {', '.join(CLASSES)}.", parameter="class")
    if read(shape.selector, Canvas(media.width_px, media.height_px)) is None:
        raise BadSegment("A segment has a region: send its `selector`.", parameter="selector")
    said = annotations.create(
        session,
        _document(media, shape, who, of),
        by=who.by,
        addresses=who.addresses,
        at=who.at,
        kind=shape.class_name,
    )
    row = statements.find(session, said.key)
    if row is None:
        raise LookupError(said.key)
    return row, role_over(session, said, who.by)


def _document(media: Media, shape: Shape, who: Editor, of: Sequence[str]) -> dict[str, Any]:
    known = CLASSES[shape.class_name]
    derived = {"wasDerivedFrom": [who.addresses.pid(key) for key in of]} if of else {}
    return {
        "@context": validation.CONTEXT,
        "type": "Annotation",
        "motivation": "classifying",
        "creator": creator(who.by, who.addresses),
        **derived,
        "body": [
            {"type": "SpecificResource", "source": known.term, "purpose": "classifying"},
            {"type": "TextualBody", "value": known.label, "purpose": "tagging", "format": "text/plain", "language": "en"},
        ],
        "target": {
            "type": "SpecificResource",
            "source": who.addresses.canvas(media.specimen_key, media.key),
            "selector": shape.selector,
        },
    }


def _lock(session: Session, tags: Mapping[str, Tags], *, ended_too: bool = False) -> Sequence[SegmentRow]:
    """The rows, locked. Raises SegmentChanged where one is not as it was read, EndedSegment where it has ended since."""
    rows = store.lock(session, tags)
    for row in rows:
        if not row.live and not ended_too:
            raise service.ended(store.segment(row))
        known = tags[row.key]
        if known is not None and service.etag(row.version, row.changes) not in known:
            raise SegmentChanged(f"Segment {row.key} has changed since you read it: fetch it again and repeat your change.")
    return rows


def _hold(session: Session, keys: Sequence[str], who: Editor) -> None:
    """Lock what says that there are these segments, and the specimens that it lies on, before the segments are."""
    said = sorted(store.said_of(session, keys))
    recount.lock(session, said)
    catalogue.touch_specimens(session, placing.of_annotations(session, said), at=who.at)


def _recount(session: Session, keys: Sequence[str], who: Editor) -> None:
    """Let what says that there are these segments stand or fall with them."""
    session.flush()
    for one in sorted(store.said_of(session, keys)):
        recount.recount(session, one, by=who.by.name, at=who.at)


def _end(session: Session, rows: Sequence[SegmentRow], state: State, successors: Sequence[str], who: Editor) -> None:
    for row in rows:
        row.state, row.live, row.successors = state, False, list(successors)
        row.version, row.modified_at = row.version + 1, who.at
        store.add_version(session, row, state, who.by.name, who.at)
    session.flush()
    outbox.touch_all(session, "segment", [row.key for row in rows])


def _segment(session: Session, key: str) -> Segment:
    row = store.find(session, key)
    if row is None:
        raise LookupError(key)
    return store.segment(row)
