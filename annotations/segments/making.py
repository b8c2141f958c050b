"""Segments from what machines find: in the transaction that stores the statement, a new one, or one that is confirmed.

Two findings are of one segment where their classes are the same and their whole-number boxes overlap by SAME_IOU or more. Two
findings of one run never are. What a person has ended is recognised, too, and stays ended.
"""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.orm import Session

from annotations import frames, selectors
from annotations import store as statements
from annotations.model import Annotation, Canvas
from annotations.segments import following, likeness, store
from annotations.segments.model import SAME_IOU, State, overlap, whole_box
from annotations.segments.tables import SegmentRow
from annotations.tables import AnnotationRow
from app.runtime import ids, outbox
from iiif.catalogue.model import Media
from iiif.image.request import PixelBox
from ontology.segment_classes import class_of


def of_finding(session: Session, annotation: Annotation, media: Media, *, naan: str, at: datetime) -> str:
    """The key of the segment that a machine's statement finds on the image; empty where it finds none.

    The caller has locked the specimens that the image shows, so that no other run makes the same one.
    """
    class_name, row = class_of(annotation.kind), statements.find(session, annotation.key)
    if not class_name or annotation.box is None or row is None:
        return ""
    box = whole_box(annotation.box, media.width_px, media.height_px)
    same = _same(store.of_class_on(session, media.key, class_name), box)
    taken = store.said_by_run(session, [one.key for one in same], annotation.run_key)
    for one in same:
        if one.key not in taken:
            store.add_statement(session, one.key, row, "confirms", class_name, "", at)
            following.refresh(session, [one.key], at)
            return one.key
    return add(
        session, annotation, row, class_name, media, state="unreviewed", as_role="", by=annotation.run_key, naan=naan, at=at
    )


def add(
    session: Session,
    annotation: Annotation,
    row: AnnotationRow,
    class_name: str,
    media: Media,
    *,
    state: State,
    as_role: str,
    by: str,
    naan: str,
    at: datetime,
    derived_from: Iterable[str] = (),
) -> str:
    """A new segment, where the statement says that it is; its key."""
    region = frames.shown_region(annotation, Canvas(media.width_px, media.height_px))
    if region is None:
        raise ValueError("a segment without a region")
    box = whole_box(region.box, media.width_px, media.height_px)
    segment = SegmentRow(
        key=ids.new_key(ids.REGION, naan),
        version=1,
        class_name=class_name,
        media_key=media.key,
        selector=selectors.stored_selectors(region),
        x=box.x,
        y=box.y,
        width=box.width,
        height=box.height,
        area_px=box.width * box.height,
        state=state,
        live=store.is_live(state),
        leader_key=annotation.key,
        leader_version=annotation.version,
        derived_from=list(derived_from),
        successors=[],
        made_by=by,
        created_at=at,
        modified_at=at,
        changes=0,
        words=likeness.digest_of(row.text),
    )
    session.add(segment)
    session.flush()
    store.add_version(session, segment, "made", by, at)
    store.add_statement(session, segment.key, row, "made", class_name, as_role, at)
    outbox.touch(session, "segment", segment.key)
    return segment.key


def _same(known: Iterable[SegmentRow], box: PixelBox) -> list[SegmentRow]:
    """Those that overlap enough, the most first."""
    measured = [(overlap(PixelBox(row.x, row.y, row.width, row.height), box), row) for row in known]
    enough = [pair for pair in measured if pair[0] >= SAME_IOU]
    return [row for _, row in sorted(enough, key=lambda pair: (-pair[0], pair[1].key))]
