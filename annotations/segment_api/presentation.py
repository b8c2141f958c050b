"""A segment for viewers: a manifest of one canvas, which shows its part of the image as an image service of its own.

The canvas has the size of the segment's whole-number box, and its units are pixels of the upright image: a place on the sheet is
that on the canvas, and the box's upper left corner further (Presentation API 3.0).
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.manifest_extras import LABELS
from annotations.model import Layer
from annotations.segments.model import Segment
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media, Specimen
from iiif.image.service import service_address, thumbnail
from iiif.presentation import manifest as manifests
from iiif.presentation.manifest import CONTEXT, Publisher
from iiif.presentation.model import CanvasView
from ontology.segment_classes import CLASSES, SegmentClass

STATE_WORDS = {"unreviewed": "found by machine, not reviewed", "accepted": "reviewed and accepted"}


def manifest(
    segment: Segment,
    media: Media,
    specimen: Specimen,
    layers: Sequence[Layer],
    *,
    by: Principal,
    addresses: Addresses,
    publisher: Publisher,
) -> dict[str, Any]:
    """The manifest of a segment on that specimen, which is the home specimen of its image."""
    page = {"id": addresses.segment_page(segment.key), "type": "Text", "label": {"en": ["Segment page"]}, "format": "text/html"}
    shown: dict[str, Any] = {
        "@context": CONTEXT,
        "id": addresses.manifest(segment.key),
        "type": "Manifest",
        "label": label(segment, specimen),
        "metadata": _metadata(segment, specimen, addresses),
        "requiredStatement": manifests.attribution(specimen, [media], publisher),
        "provider": [manifests.provider(publisher)],
        "homepage": [{**page, "language": ["en"]}],
        "seeAlso": [_record(segment, addresses)],
        "partOf": [
            {"id": addresses.manifest(specimen.key), "type": "Manifest"},
            {"id": addresses.collection(f"segments-{segment.class_name}"), "type": "Collection"},
        ],
        "items": [canvas(segment, media, specimen, layers, by=by, addresses=addresses)],
    }
    if rights := manifests.rights_of(specimen, media):
        shown["rights"] = rights
    if picture := thumbnail(addresses, media, by, segment=segment.box):
        shown["thumbnail"] = [picture]
    return shown


def canvas(
    segment: Segment, media: Media, specimen: Specimen, layers: Sequence[Layer], *, by: Principal, addresses: Addresses
) -> dict[str, Any]:
    """Its canvas, without context; `partOf` is what it lies on."""
    shown: dict[str, Any] = {
        "id": addresses.segment_canvas(segment.key),
        "type": "Canvas",
        "label": label(segment, specimen),
        "height": segment.box.height,
        "width": segment.box.width,
        "items": [painting_page(segment, media, addresses)],
        "partOf": [
            {"id": addresses.manifest(segment.key), "type": "Manifest"},
            {"id": addresses.canvas(media.specimen_key, media.key), "type": "Canvas"},
        ],
        "seeAlso": [_record(segment, addresses)],
    }
    if picture := thumbnail(addresses, media, by, segment=segment.box):
        shown["thumbnail"] = [picture]
    if layers:
        shown["annotations"] = [
            {"id": addresses.annotation_page(segment.key, layer), "type": "AnnotationPage", "label": {"en": [LABELS[layer]]}}
            for layer in layers
        ]
    return shown


def painting_page(segment: Segment, media: Media, addresses: Addresses) -> dict[str, Any]:
    """The page with the one annotation that paints the segment; its target is a plain string, as Mirador needs."""
    iri, box = addresses.segment_canvas(segment.key), segment.box
    body = {
        "id": f"{service_address(addresses, media, box)}/full/max/0/default.jpg",
        "type": "Image",
        "format": "image/jpeg",
        "height": box.height,
        "width": box.width,
        "service": manifests.image_services(CanvasView(media, box), addresses),
    }
    painting = {"id": f"{iri}/painting", "type": "Annotation", "motivation": "painting", "body": body, "target": iri}
    return {"id": f"{iri}/page", "type": "AnnotationPage", "items": [painting]}


def collection(
    known: SegmentClass,
    segments: Sequence[Segment],
    images: Mapping[str, Media],
    following: str,
    *,
    name: str,
    by: Principal,
    addresses: Addresses,
    publisher: Publisher,
) -> dict[str, Any]:
    """A part of the collection of a class: so many manifests, and at the end the collection of those that follow."""
    items: list[dict[str, Any]] = []
    for one in segments:
        item: dict[str, Any] = {
            "id": addresses.manifest(one.key),
            "type": "Manifest",
            "label": {"en": [f"{known.label} {one.key}"]},
        }
        if picture := thumbnail(addresses, images[one.media_key], by, segment=one.box):
            item["thumbnail"] = [picture]
        items.append(item)
    if following:
        more = addresses.collection(f"segments-{known.name}-{following}")
        items.append({"id": more, "type": "Collection", "label": {"en": [f"More {known.plural.lower()}"]}})
    return {
        "@context": CONTEXT,
        "id": addresses.collection(name),
        "type": "Collection",
        "label": {"en": [f"{publisher.name}: {known.plural.lower()}"]},
        "provider": [manifests.provider(publisher)],
        "items": items,
    }


def label(segment: Segment, specimen: Specimen) -> dict[str, list[str]]:
    return {"en": [f"{CLASSES[segment.class_name].label} on {manifests.title(specimen)}"]}


def _metadata(segment: Segment, specimen: Specimen, addresses: Addresses) -> list[dict[str, Any]]:
    said = {
        "Class": CLASSES[segment.class_name].label,
        "State": STATE_WORDS.get(segment.state, segment.state),
        "Identifier": addresses.pid(segment.key),
        "Specimen": manifests.title(specimen),
    }
    return [{"label": {"en": [name]}, "value": {"none": [manifests.plain(text)]}} for name, text in said.items()]


def _record(segment: Segment, addresses: Addresses) -> dict[str, Any]:
    record = {"id": addresses.segment_record(segment.key), "type": "Dataset", "label": {"en": ["Segment record"]}}
    return {**record, "format": "application/json"}
