"""Segments among the hits of a search."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations.search.documents import SEGMENT
from annotations.search.record_fields import label
from annotations.search.snippets import Quote
from annotations.segments import service as segments
from annotations.segments import store
from annotations.segments.model import Segment
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees
from iiif.image.service import thumbnail
from ontology.segment_classes import CLASSES


@dataclass(frozen=True, slots=True)
class SegmentHit:
    """A segment that was found, with its image, the first specimen that it lies on, and the words behind it."""

    segment: Segment
    media: Media
    specimen_key: str
    texts: tuple[str, ...]


def of_hits(session: Session, keys: Sequence[str], by: Principal) -> dict[str, SegmentHit]:
    """Those that there are and that `by` sees, by key."""
    found = {key: one for key, one in store.described(session, keys).items() if one.segment.is_live}
    media = segments.images_of(session, [one.segment for one in found.values()])
    lying = segments.specimens_of(session, [one.segment for one in found.values()])
    hits = {}
    for key, one in found.items():
        image = media.get(one.segment.media_key)
        if image is not None and sees(image, by):
            hits[key] = SegmentHit(one.segment, image, next(iter(lying[key]), image.specimen_key), one.texts)
    return hits


def item(hit: SegmentHit, specimen: Specimen | None, quote: Quote | None, addresses: Addresses, by: Principal) -> dict[str, Any]:
    """Its box is [x0, y0, x1, y1] in canvas units of the image; the thumbnail shows just the segment."""
    segment, box = hit.segment, hit.segment.area
    picture = thumbnail(addresses, hit.media, by, segment=segment.box) if hit.media.state == "ready" else None
    return {
        "type": SEGMENT,
        "id": addresses.pid(segment.key),
        "key": segment.key,
        "label": f"{CLASSES[segment.class_name].label} on {label(specimen) if specimen else hit.specimen_key}",
        "class": segment.class_name,
        "kind": segment.class_name,
        "state": segment.state,
        "text": " ".join(hit.texts)[:500],
        "created": clock.iso(segment.created_at),
        "specimen": hit.specimen_key,
        "canvas": addresses.canvas(hit.media.specimen_key, hit.media.key),
        "box": [box.x0, box.y0, box.x1, box.y1],
        "thumbnail": None if picture is None else picture["id"],
        "manifest": addresses.manifest(segment.key),
        "page": addresses.segment_page(segment.key),
        "record": addresses.segment_record(segment.key),
        "snippet": quote.to_json() if quote else None,
    }
