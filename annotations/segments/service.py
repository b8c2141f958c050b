"""Segments as they are asked for: one, or a page of them, with what stands behind each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations import placing
from annotations import store as statements
from annotations.segments import store
from annotations.segments.errors import EndedSegment, UnknownSegment
from annotations.segments.model import Segment
from annotations.segments.store import Asked
from annotations.segments.tables import SegmentRow
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import refusal, view_of
from iiif.image.service import service_address
from ontology.segment_classes import CLASSES

WHY = {
    "merged": "was merged with others into one.",
    "split": "was split into several.",
    "deleted": "was deleted: somebody says that there is none.",
    "rejected": "was rejected by who looked at it.",
    "withdrawn": "is not said of the image any more.",
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of segments; `following` is the cursor of the next one, empty on the last."""

    total: int
    segments: tuple[Segment, ...]
    following: str


def get(session: Session, key: str, *, by: Principal) -> tuple[Segment, Media]:
    """The segment and its image. Raises UnknownSegment, Closed, NotYours, EndedSegment."""
    segment, media = find(session, key, by=by)
    if not segment.is_live:
        raise ended(segment)
    return segment, media


def find(session: Session, key: str, *, by: Principal) -> tuple[Segment, Media]:
    """The same, ended ones too."""
    row = store.find(session, key)
    if row is None:
        raise UnknownSegment(f"There is no segment {key[:64]!r} here.")
    require_sight(session, row, by)
    return store.segment(row), catalogue.get_media(session, row.media_key)


def require_sight(session: Session, row: SegmentRow, by: Principal) -> None:
    """Raises Closed or NotYours where its image is closed to `by`."""
    if not store.shows(session, row, by):
        raise refusal(f"The segment {row.key} is of an image that is not public", by)


def ended(segment: Segment) -> EndedSegment:
    return EndedSegment(segment.key, segment.state, segment.successors, segment.modified_at, WHY[segment.state])


def page(session: Session, asked: Asked, *, by: Principal, after: str = "", limit: int) -> Page:
    """`after` is the cursor that the page before gave."""
    area, _, key = after.rpartition("-")
    behind = (int(area) if area else -1, key)
    found = store.page(session, asked, by, after=behind, limit=limit + 1)
    shown = tuple(found[:limit])
    following = "" if len(found) <= limit else _cursor(shown[-1], asked)
    return Page(store.count(session, asked, by), shown, following)


def _cursor(segment: Segment, asked: Asked) -> str:
    return f"{segment.box.width * segment.box.height}-{segment.key}" if asked.by_area else segment.key


def specimens_of(session: Session, segments: Sequence[Segment]) -> Mapping[str, tuple[str, ...]]:
    """The keys of the specimens that each of the segments lies on: those of the statement that leads it."""
    leaders = statements.targets_of(session, [segment.leader_key for segment in segments])
    lying = placing.specimens_of(session, [target for several in leaders.values() for target in several])
    return {
        segment.key: tuple(
            dict.fromkeys(
                key
                for target in leaders.get(segment.leader_key, ())
                if target.media_key == segment.media_key
                for key in lying[target]
            )
        )
        for segment in segments
    }


def image(session: Session, media_key: str, specimen_key: str, *, by: Principal) -> Media:
    """The image, as that specimen has it. Raises UnknownMedia, UnknownDepiction, Closed, NotYours."""
    media = catalogue.get_media(session, media_key)
    view_of(media, by)
    if specimen_key:
        catalogue.get_depiction(session, specimen_key, media.key)
    return media


def images_of(session: Session, segments: Sequence[Segment]) -> Mapping[str, Media]:
    """The images of the segments, by key."""
    return catalogue.media_by_key(session, {segment.media_key for segment in segments})


def to_json(segment: Segment, media: Media, specimen_keys: Sequence[str], addresses: Addresses) -> dict[str, Any]:
    """A segment under camelCase names. The fractions are those of Audiovisual Core (7.12), of the upright image."""
    box, known = segment.box, CLASSES[segment.class_name]
    x, y = round(box.x / media.width_px, 6), round(box.y / media.height_px, 6)
    right, bottom = round((box.x + box.width) / media.width_px, 6), round((box.y + box.height) / media.height_px, 6)
    return {
        "id": addresses.pid(segment.key),
        "type": ["SpecificResource", "ac:RegionOfInterest"],
        "key": segment.key,
        "version": segment.version,
        "class": segment.class_name,
        "classTerm": known.term,
        "classLabel": known.label,
        "state": segment.state,
        "media": addresses.pid(segment.media_key),
        "mediaKey": segment.media_key,
        "specimens": [addresses.pid(key) for key in specimen_keys],
        "specimenKeys": list(specimen_keys),
        "canvas": addresses.canvas(media.specimen_key, media.key),
        "box": [box.x, box.y, box.width, box.height],
        "selector": [dict(one) for one in segment.selector],
        "xFrac": x,
        "yFrac": y,
        "widthFrac": round(right - x, 6),
        "heightFrac": round(bottom - y, 6),
        "madeBy": segment.made_by,
        "derivedFrom": [addresses.pid(key) for key in segment.derived_from],
        "successors": [addresses.pid(key) for key in segment.successors],
        "created": clock.iso(segment.created_at),
        "modified": clock.iso(segment.modified_at),
        "links": {
            "self": addresses.segment_record(segment.key),
            "pid": addresses.pid(segment.key),
            "page": addresses.segment_page(segment.key),
            "image": service_address(addresses, media, segment.box),
            "canvas": addresses.segment_canvas(segment.key),
            "manifest": addresses.manifest(segment.key),
        },
    }


def history(session: Session, key: str, addresses: Addresses) -> dict[str, Any]:
    """The statements behind it and its versions, the newest first."""
    behind = store.statements_of(session, key)
    rows = statements.rows_by_key(session, [one.annotation_key for one in behind])
    return {
        "statements": [
            {
                "id": addresses.annotation(one.annotation_key),
                "key": one.annotation_key,
                "part": one.part,
                "class": one.class_name,
                "run": addresses.run(one.run_key) if one.run_key else None,
                "by": one.run_key or statements.author(session, one.annotation_key),
                "role": one.as_role or None,
                "state": statements.told_state(rows[one.annotation_key]),
                "stands": statements.stands(rows[one.annotation_key]),
                "at": clock.iso(one.said_at),
            }
            for one in behind
        ],
        "versions": [
            {
                "version": row.version,
                "how": row.how,
                "class": row.class_name,
                "box": [row.x, row.y, row.width, row.height],
                "at": clock.iso(row.stored_at),
                "by": row.stored_by,
            }
            for row in store.versions_of(session, key)
        ],
    }


def etag(row_version: int, changes: int) -> str:
    return f"{row_version}.{changes}"


def etag_of(session: Session, key: str) -> str:
    row = store.find(session, key)
    return "" if row is None else etag(row.version, row.changes)


def etags_of(session: Session, keys: Sequence[str]) -> Mapping[str, str]:
    """The ETags of segments, by key."""
    return {key: etag(version, changes) for key, version, changes in store.numbers_of(session, keys)}


def gone(error: EndedSegment, addresses: Addresses) -> dict[str, Any]:
    """What is known of a segment that has ended, beside the sentence."""
    return {
        "id": addresses.pid(error.key),
        "state": error.state,
        "ended": clock.iso(error.modified_at),
        "successors": [addresses.pid(key) for key in error.successors],
        "record": addresses.segment_record(error.key),
    }
