"""What is said within a segment, on pages for viewers and in the units of its own canvas; and the segments of an image on a page
of its canvas, each with a link to its manifest.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import clipping, projections, region_frames, viewer_selectors
from annotations import store as statements
from annotations.errors import SelectorOutsideCanvas, UnknownAnnotation
from annotations.frames import shown_region
from annotations.manifest_extras import LABELS
from annotations.model import LAYERS, Annotation, Canvas, CanvasBox, Layer
from annotations.regions import Region
from annotations.segments import store
from annotations.segments.model import Segment
from annotations.selectors import read
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from ontology.segment_classes import CLASSES

MAX_ON_PAGE = 1_000


def of_segment(
    session: Session, segment: Segment, media: Media, layer: str, *, by: Principal, addresses: Addresses
) -> dict[str, Any]:
    """What is said in that layer and has the centre of its box within the segment, clipped at its edge.

    Raises UnknownAnnotation for a layer that there is not.
    """
    known = next((one for one in LAYERS if one == layer), None)
    if known is None:
        raise UnknownAnnotation(f"There is no layer {layer[:40]!r}; there are {', '.join(LAYERS)}.")
    said = _within(session, segment, known, by)
    canvas = Canvas(media.width_px, media.height_px)
    return {
        "@context": projections.IIIF3,
        "id": addresses.annotation_page(segment.key, known),
        "type": "AnnotationPage",
        "label": {"en": [LABELS[known]]},
        "items": [on_segment(annotation, segment, canvas, addresses) for annotation in said],
    }


def words_of(session: Session, segment: Segment, by: Principal, most: int = 50) -> list[Annotation]:
    """What is said within the segment and has words, of all layers."""
    return [one for layer in LAYERS for one in _within(session, segment, layer, by, most) if one.text]


def lying_in(session: Session, segment: Segment, layers: Sequence[Layer], by: Principal, limit: int) -> list[Annotation]:
    """What is said within the segment in those layers, each oldest first."""
    return [one for layer in layers for one in _within(session, segment, layer, by, limit)][:limit]


def layers_of(session: Session, segment: Segment, by: Principal) -> list[Layer]:
    """The layers in which something is said within the segment."""
    return [layer for layer in LAYERS if _within(session, segment, layer, by, limit=1)]


def on_segment(annotation: Annotation, segment: Segment, canvas: Canvas, addresses: Addresses) -> dict[str, Any]:
    """The annotation as viewers draw it on the segment's canvas; `canvas` is that of the image."""
    iri = addresses.segment_canvas(segment.key)
    part_of = [{"id": addresses.manifest(segment.key), "type": "Manifest"}]
    selector = viewer_selectors.viewer_selectors(own_region(annotation, segment, canvas), segment.canvas)
    source = {"id": iri, "type": "Canvas", "partOf": part_of}
    shown = projections.on_page(projections.iiif3(annotation, None, addresses), annotation)
    return {**shown, "target": {"type": "SpecificResource", "source": source, "selector": selector}}


def own_region(annotation: Annotation, segment: Segment, canvas: Canvas) -> Region:
    """Its region in units of the segment's canvas, as far as it lies there."""
    box = segment.box
    frame = region_frames.Frame.segment(box.x, box.y, box.width, box.height)
    region = shown_region(annotation, canvas) or Region(CanvasBox(0, 0, canvas.width, canvas.height))
    try:
        return clipping.clipped(frame.over(region), segment.canvas)
    except SelectorOutsideCanvas:  # the centre of its box lies here, and none of its shape
        return clipping.clipped(frame.over(Region(region.box)), segment.canvas)


def of_image(session: Session, media: Media, specimen_key: str, *, addresses: Addresses) -> dict[str, Any]:
    """The segments of an image, each as an annotation that links to its manifest, on the canvas under that specimen."""
    canvas, size = addresses.canvas(specimen_key or media.specimen_key, media.key), Canvas(media.width_px, media.height_px)
    return {
        "@context": projections.IIIF3,
        "id": addresses.annotation_page(media.key, "segments", specimen_key),
        "type": "AnnotationPage",
        "label": {"en": ["Segments"]},
        "items": [_link(one, canvas, size, addresses) for one in store.on_image(session, media.key)],
    }


def _link(segment: Segment, canvas: str, size: Canvas, addresses: Addresses) -> dict[str, Any]:
    region = read(list(segment.selector), size) or Region(segment.area)
    name = CLASSES[segment.class_name].label
    manifest = {"id": addresses.manifest(segment.key), "type": "Manifest", "label": {"en": [name]}}
    source = {"id": canvas, "type": "Canvas"}
    return {
        "id": addresses.pid(segment.key),
        "type": "Annotation",
        "motivation": ["linking"],
        "body": [{**manifest, "format": "application/ld+json"}],
        "target": {"type": "SpecificResource", "source": source, "selector": viewer_selectors.viewer_selectors(region, size)},
    }


def _within(session: Session, segment: Segment, layer: Layer, by: Principal, limit: int = MAX_ON_PAGE) -> Sequence[Annotation]:
    """Oldest first, each with a target that lies there in front."""
    area, row = segment.area, AnnotationTargetRow
    across, down = (row.x0 + row.x1) / 2, (row.y0 + row.y1) / 2
    lying = select(row.annotation_key).where(
        row.media_key == segment.media_key, across >= area.x0, across <= area.x1, down >= area.y0, down <= area.y1
    )
    few = (*statements.STANDING_OF_FEW, *statements.TOLD, AnnotationRow.layer == layer, statements.is_shown(by))
    query = select(AnnotationRow).where(AnnotationRow.key.in_(lying), *few).order_by(*statements.TIME_THEN_PLACE)
    found = []
    for one in map(statements.annotation, session.scalars(query.limit(limit))):
        there = [target for target in one.targets if target.media_key == segment.media_key and _centre_in(target.box, area)]
        found.append(one.with_front(there[0], there[0].specimen_key) if there else one)
    return found


def _centre_in(box: CanvasBox | None, area: CanvasBox) -> bool:
    if box is None:
        return False
    across, down = (box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2
    return area.x0 <= across <= area.x1 and area.y0 <= down <= area.y1
