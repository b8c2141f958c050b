"""What annotations add to a manifest: search inside it, one page of annotations per canvas and layer, and the scale."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy.orm import Session

from annotations import service, store
from annotations.model import LAYERS, Annotation, Layer
from annotations.segments import ranges
from annotations.segments import store as segments
from annotations.segments.model import Segment
from app.runtime import context
from app.runtime.addresses import Addresses
from app.runtime.principal import NOBODY, Principal, reader_of
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.visibility import sees
from iiif.presentation.model import ManifestExtras

LABELS: dict[Layer, str] = {"machine": "Found by machine", "people": "Said by people"}
TOP = "top"  # the collection of everything; its Content Search is over all specimens
PHYSDIM = "http://iiif.io/api/annex/services/physdim"


def of_specimen(session: Session, specimen: Specimen, media: Sequence[Media], by: Principal) -> ManifestExtras:
    """With the search inside the manifest, and with segments: pages of links to them, and a Range, as a running hub has them."""
    addresses = context.current().addresses
    extras = of_images(session, media, addresses, by, specimen.key)
    pages = dict(extras.canvas_annotations)
    seen = [one for one in media if sees(one, by)]
    with_segments = segments.images_with(session, [one.key for one in seen])
    structures = contents(session, specimen, seen, addresses)
    for one in media:
        if one.key in with_segments:
            under = "" if one.specimen_key == specimen.key else specimen.key
            iri = addresses.annotation_page(one.key, "segments", under)
            page = {"id": iri, "type": "AnnotationPage", "label": {"en": ["Segments"]}}
            pages[one.key] = (*pages.get(one.key, ()), page)
    services = search_services(specimen.key, addresses)
    return replace(extras, services=services, canvas_annotations=pages, structures=structures)


def contents(session: Session, specimen: Specimen, shown: Sequence[Media], addresses: Addresses) -> tuple[dict[str, Any], ...]:
    """The Range of the segments on these images, in the order of the manifest; none where there are none."""
    canvases = {one.key: addresses.canvas(specimen.key, one.key) for one in shown}
    sizes = {one.key: (one.width_px, one.height_px) for one in shown}
    found = [
        one
        for one in _own(session, specimen, segments.on_images(session, list(canvases)))
        if one.area.x1 <= sizes[one.media_key][0] and one.area.y1 <= sizes[one.media_key][1]  # not of a file that was replaced
    ]
    return (ranges.structures(addresses.manifest(specimen.key), found, canvases, addresses),) if found else ()


def _own(session: Session, specimen: Specimen, found: Sequence[Segment]) -> list[Segment]:
    """Those of the specimen: of an image on which it has a part of its own, what has its middle there."""
    own = catalogue.own_regions(session, [specimen.key])

    def lies(one: Segment) -> bool:
        region, box = own.get((specimen.key, one.media_key)), one.box
        if region is None:
            return True
        x, y = box.x + box.width / 2, box.y + box.height / 2
        return region.x0 <= x <= region.x1 and region.y0 <= y <= region.y1

    return [one for one in found if lies(one)]


def of_images(session: Session, media: Sequence[Media], addresses: Addresses, by: Principal, specimen_key: str) -> ManifestExtras:
    """What is said of the images, on the canvases that they have under that specimen.

    References carry no `items`, or Mirador never fetches them; a layer that holds nothing is not mentioned."""
    keys = [one.key for one in media]
    under = {one.key: "" if one.specimen_key == specimen_key else specimen_key for one in media}
    held = store.layers_of(session, keys, by)
    rulers = service.scale_of(session, keys, by=by)
    return ManifestExtras(
        canvas_services={key: (physical_scale(ruler, addresses),) for key, ruler in rulers.items()},
        canvas_annotations={
            key: tuple(page_reference(key, layer, addresses, under[key]) for layer in LAYERS if (key, layer) in held)
            for key in keys
            if any((key, layer) in held for layer in LAYERS)
        },
    )


def of_image(session: Session, media: Media) -> tuple[dict[str, Any], ...]:
    """The scale of an image that has a ruler, for its information document, as all see it who see that."""
    by = reader_of(media) if media.access == "closed" else NOBODY
    ruler = service.scale_of(session, [media.key], by=by).get(media.key)
    return () if ruler is None else (physical_scale(ruler, context.current().addresses),)


def search_services(specimen_key: str, addresses: Addresses) -> tuple[dict[str, Any], ...]:
    """Content Search 2 for those who know it and 1 for the viewers, whose nested service must be a list."""
    return (
        {
            "id": addresses.search(2, specimen_key),
            "type": "SearchService2",
            "service": [{"id": addresses.autocomplete(2, specimen_key), "type": "AutoCompleteService2"}],
        },
        {
            "@context": "http://iiif.io/api/search/1/context.json",
            "@id": addresses.search(1, specimen_key),
            "@type": "SearchService1",
            "profile": "http://iiif.io/api/search/1/search",
            "service": [
                {
                    "@id": addresses.autocomplete(1, specimen_key),
                    "@type": "AutoCompleteService1",
                    "profile": "http://iiif.io/api/search/1/autocomplete",
                }
            ],
        },
    )


def of_top() -> tuple[dict[str, Any], ...]:
    """The search over everything, for the collection at the top."""
    return search_services(TOP, context.current().addresses)


def page_reference(media_key: str, layer: Layer, addresses: Addresses, specimen_key: str = "") -> dict[str, Any]:
    iri = addresses.annotation_page(media_key, layer, specimen_key)
    return {"id": iri, "type": "AnnotationPage", "label": {"en": [LABELS[layer]]}}


def physical_scale(ruler: Annotation, addresses: Addresses) -> dict[str, Any]:
    """Millimetres for one canvas unit, from a ruler whose value is px/mm (IIIF annex of services, physical dimensions)."""
    if ruler.value is None or ruler.value <= 0:
        raise ValueError("a ruler without a scale")
    return {
        "@context": f"{PHYSDIM}/1/context.json",
        "@id": addresses.annotation(ruler.key),
        "@type": "PhysicalDimensions",
        "profile": PHYSDIM,
        "physicalScale": float(f"{1 / ruler.value:.9g}"),
        "physicalUnits": "mm",
    }
