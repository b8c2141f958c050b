"""A Presentation 3 manifest from a specimen and its images.

iiif-prezi3 makes the skeleton once, from complete lists (its helpers are quadratic and write `items` on references); painting
annotations, services and whatever else it would change or drop are spliced in as plain dicts. This is its one home.
"""

import html
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import iiif_prezi3

from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue import places
from iiif.catalogue.model import Media, RecordChange, Specimen
from iiif.catalogue.rights import iri_of, of_terms
from iiif.catalogue.visibility import sees
from iiif.image.identifier import Identifier
from iiif.image.service import service_address, thumbnail
from iiif.presentation.model import CanvasView, ManifestExtras
from ontology.darwin_core import GROUPS, label_of

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
NAV_PLACE = "http://iiif.io/api/extension/navplace/context.json"
ORDER = ("scientificName", "typeStatus", "catalogNumber", "recordedBy", "recordNumber", "eventDate", "country", "locality")
STAND_IN_PX = 1000  # of the sides of a canvas whose size is not told
NAMED = 20  # other specimens of one number
NOT_SHOWN = frozenset({"license", "rights", "dynamicProperties", "footprintWKT", "scientificNameAuthorship"})


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: the provider of every manifest."""

    name: str
    url: str


def build(
    specimen: Specimen,
    views: Sequence[CanvasView],
    extras: ManifestExtras,
    *,
    by: Principal,
    namesakes: Sequence[Specimen] = (),
    addresses: Addresses,
    publisher: Publisher,
) -> dict[str, Any]:
    """The manifest as `by` sees it; `views` are its canvases, at least one; `namesakes` others of its catalogue number."""
    specimen, media = places.as_seen(specimen, by), [view.media for view in views]
    licences = [rights_of(specimen, one) for one in media]
    skeleton = iiif_prezi3.Manifest(
        id=addresses.manifest(specimen.key),
        label={"en": [title(specimen)]},
        metadata=metadata(specimen, addresses),
        requiredStatement=attribution(specimen, media, publisher),
        provider=[provider(publisher)],
        homepage=[_homepage(addresses.specimen_page(specimen.key), "Specimen page")],
        seeAlso=[
            _record(specimen, "Darwin Core record", addresses),
            *(_record(one, f"Another specimen with the number {one.catalog_number}", addresses) for one in namesakes[:NAMED]),
            *_origin(specimen, addresses),
        ],
        items=[],
        **({"rights": licences[0]} if licences[0] and len(set(licences)) == 1 else {}),
        **({"navDate": when} if (when := nav_date(specimen.interpreted.get("eventDate", ""))) else {}),
    )
    shown: dict[str, Any] = json.loads(skeleton.jsonld())
    if pictures := [picture for view in views if (picture := thumbnail(addresses, view.media, by, segment=view.segment))]:
        shown["thumbnail"] = pictures[:1]
    shown["partOf"] = [{"id": addresses.collection("top"), "type": "Collection"}]
    if place := nav_place(specimen, addresses):
        shown |= {"@context": [NAV_PLACE, CONTEXT], "navPlace": place}
    if extras.services:
        shown["service"] = [dict(service) for service in extras.services]
    shown["items"] = [
        canvas(specimen, view, extras, addresses) if sees(view.media, by) else closed_canvas(specimen, view.media, addresses)
        for view in views
    ]
    if extras.structures:
        shown["structures"] = [dict(one) for one in extras.structures]
    return shown


def canvas(specimen: Specimen, view: CanvasView, extras: ManifestExtras, addresses: Addresses) -> dict[str, Any]:
    """One canvas of the size of the upright image or of the segment, so that canvas units are its pixels.

    Annotations lie on the whole image; a segment refers to none, for its canvas has units of its own.
    """
    width, height = _size(view)
    shown: dict[str, Any] = {
        "id": canvas_address(specimen, view, addresses),
        "type": "Canvas",
        "label": canvas_label(specimen, view),
        "height": height,
        "width": width,
        "items": [painting_page(specimen, view, addresses)],
    }
    if picture := thumbnail(addresses, view.media, Principal.of_system(), segment=view.segment):
        shown["thumbnail"] = [picture]
    if rights := rights_of(specimen, view.media):
        shown["rights"] = rights
    if view.others:
        shown["seeAlso"] = [_record(other, title(other), addresses) for other in view.others]
    if services := extras.canvas_services.get(view.media.key):
        shown["service"] = [dict(service) for service in services]
    if view.segment is None and (pages := extras.canvas_annotations.get(view.media.key)):
        shown["annotations"] = [{name: value for name, value in page.items() if name != "items"} for page in pages]
    return shown


def closed_canvas(specimen: Specimen, media: Media, addresses: Addresses) -> dict[str, Any]:
    """What stands in the place of a canvas that is closed to who asks: its address, with neither picture nor true size."""
    return {
        "id": addresses.canvas(specimen.key, media.key),
        "type": "Canvas",
        "label": {"en": ["Not public"]},
        "height": STAND_IN_PX,
        "width": STAND_IN_PX,
        "items": [],
    }


def canvas_address(specimen: Specimen, view: CanvasView, addresses: Addresses) -> str:
    """That of the image under this specimen; of a segment with `:x,y,w,h` behind it, in pixels of the upright image."""
    return f"{addresses.canvas(specimen.key, view.media.key)}{Identifier(view.media.key, view.segment).suffix}"


def canvas_label(specimen: Specimen, view: CanvasView) -> dict[str, list[str]]:
    """The file's own name, with what the image shows of the specimen and which others are in the picture."""
    name = view.media.file_name + (f" ({view.role})" if view.role else "")
    if view.segment:
        return {"en": [f"{specimen.catalog_number or specimen.key} in {name}"]}
    if view.others:
        named = ", ".join(other.catalog_number or other.key for other in view.others)
        more = view.others_total - len(view.others)
        return {"en": [f"{name}, shows also {named}" + (f" and {more} more" if more else "")]}
    return {"en" if view.role else "none": [name]}


def painting_page(specimen: Specimen, view: CanvasView, addresses: Addresses) -> dict[str, Any]:
    """The page with the one annotation that paints the image; its target is a plain string, as Mirador needs."""
    iri = canvas_address(specimen, view, addresses)
    width, height = _size(view)
    return {
        "id": f"{iri}/page",
        "type": "AnnotationPage",
        "items": [
            {
                "id": f"{iri}/painting",
                "type": "Annotation",
                "motivation": "painting",
                "body": {
                    "id": f"{service_address(addresses, view.media, view.segment)}/full/max/0/default.jpg",
                    "type": "Image",
                    "format": "image/jpeg",
                    "height": height,
                    "width": width,
                    "service": image_services(view, addresses),
                },
                "target": iri,
            }
        ],
    }


def image_services(view: CanvasView, addresses: Addresses) -> list[dict[str, Any]]:
    address_3, address_2 = (service_address(addresses, view.media, view.segment, version) for version in (3, 2))
    return [
        {"id": address_3, "type": "ImageService3", "profile": "level2"},
        {"@id": address_2, "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level2.json"},
    ]


def _size(view: CanvasView) -> tuple[int, int]:
    """Width and height of what is shown, in pixels of the upright image."""
    box = view.segment
    return (view.media.width_px, view.media.height_px) if box is None else (box.width, box.height)


def _record(specimen: Specimen, label: str, addresses: Addresses) -> dict[str, Any]:
    return {
        "id": addresses.specimen_record(specimen.key),
        "type": "Dataset",
        "label": {"en": [label]},
        "format": "application/json",
        "profile": "http://rs.tdwg.org/dwc/terms/",
    }


def _origin(specimen: Specimen, addresses: Addresses) -> Iterator[dict[str, Any]]:
    """Of a specimen that was harvested the manifest that began its chain: who harvests this one knows it again."""
    if specimen.source.startswith(("http://", "https://")):
        yield {
            "id": specimen.source,
            "type": "Manifest",
            "label": {"en": ["The manifest that this was harvested from"]},
            "format": "application/ld+json",
            "profile": f"{addresses.base}/ns#harvestedFrom",
        }


def title(specimen: Specimen) -> str:
    """Scientific name and catalogue number, or what there is of them."""
    return " · ".join(filter(None, (specimen.scientific_name, specimen.catalog_number))) or specimen.key


def metadata(specimen: Specimen, addresses: Addresses) -> list[dict[str, Any]]:
    """Darwin Core terms with English labels, the telling ones first; values are in no language."""
    terms = {"catalogNumber": specimen.catalog_number, **specimen.interpreted}
    changes = specimen.changes
    rest = (term for group in GROUPS.values() for term in group)
    ordered = dict.fromkeys((*ORDER, *rest, *sorted(terms)))
    shown = [term for term in ordered if terms.get(term) and term not in NOT_SHOWN]
    pairs = [{"label": {"en": [label_of(term)]}, "value": {"none": [plain(terms[term])]}} for term in shown]
    return pairs + [pair for term in shown if term in changes for pair in _whose(changes[term], addresses)]


def _whose(change: RecordChange, addresses: Addresses) -> Iterator[dict[str, Any]]:
    """That a value was accepted in place of the source's: what that is, who accepted it when, and from which statement."""
    label, who = label_of(change.term), addresses.who(change.by)
    yield {
        "label": {"en": [f"{label}, as its source has it"]},
        "value": {"none": [plain(change.source_value)]} if change.source_value else {"en": ["not given"]},
    }
    by = f'<a href="{html.escape(who)}">{html.escape(who)}</a>' if "://" in who else html.escape(who)
    statement = html.escape(f"{addresses.annotation(change.statement)}/versions/{change.statement_version}")
    sentence = f'<span>Accepted by {by} on {change.at:%Y-%m-%d} from <a href="{statement}">a statement</a></span>'
    yield {"label": {"en": [f"{label}, changed"]}, "value": {"en": [sentence]}}


def plain(text: str) -> str:
    """The text so that no viewer takes it for HTML (Presentation API 3.0, section 4.5)."""
    return f"<span>{html.escape(text)}</span>" if text.startswith("<") and text.endswith(">") else text


def rights_of(specimen: Specimen, media: Media) -> str:
    """The address of the image's licence; of the record's only where nothing is said of the image; empty where none is known."""
    return iri_of(media.rights or of_terms(specimen.interpreted))


def nav_date(event_date: str) -> str:
    """The first day of an ISO 8601 date or interval as navDate wants it, or empty (Presentation API 3.0, section 3.1)."""
    match = re.match(r"(\d{4})(?:-(\d{2}))?(?:-(\d{2}))?(?![\dX])", event_date, re.ASCII)
    if match is None:
        return ""
    try:
        day = date(int(match[1]), int(match[2] or 1), int(match[3] or 1))
    except ValueError:
        return ""
    return f"{day.isoformat()}T00:00:00Z"


def nav_place(specimen: Specimen, addresses: Addresses) -> dict[str, Any]:
    """Where it was collected, as GeoJSON (navPlace extension 1.0); empty where its record gives no coordinates."""
    terms, iri = specimen.interpreted, addresses.manifest(specimen.key)
    if not {"decimalLatitude", "decimalLongitude"} <= terms.keys():
        return {}
    point = {"type": "Point", "coordinates": [float(terms["decimalLongitude"]), float(terms["decimalLatitude"])]}
    label = ", ".join(filter(None, (terms.get("locality"), terms.get("country")))) or title(specimen)
    feature = {"id": f"{iri}#place", "type": "Feature", "properties": {"label": {"none": [plain(label)]}}, "geometry": point}
    return {"id": f"{iri}#places", "type": "FeatureCollection", "features": [feature]}


def attribution(specimen: Specimen, media: Sequence[Media], publisher: Publisher) -> dict[str, Any]:
    terms = specimen.interpreted
    credited = [terms.get("rightsHolder", ""), *(value for one in media for value in (one.rights_holder, one.creator))]
    credited += [one.rights for one in media] or [of_terms(terms)]
    if not any(credited):
        credited = [terms.get("institutionCode", "") or publisher.name, of_terms(terms)]
    return {"label": {"en": ["Attribution"]}, "value": {"none": [plain(text) for text in dict.fromkeys(filter(None, credited))]}}


def provider(publisher: Publisher) -> Mapping[str, Any]:
    return {
        "id": publisher.url,
        "type": "Agent",
        "label": {"en": [publisher.name]},
        "homepage": [_homepage(publisher.url, publisher.name)],
    }


def _homepage(url: str, label: str) -> dict[str, Any]:
    return {"id": url, "type": "Text", "label": {"en": [label]}, "format": "text/html", "language": ["en"]}
