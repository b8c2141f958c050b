"""A Presentation 3 manifest from a specimen and its images.

iiif-prezi3 makes the skeleton once, from complete lists (its helpers are quadratic and write `items` on references); painting
annotations, services and whatever else it would change or drop are spliced in as plain dicts. This is its one home.
"""

import html
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import iiif_prezi3

from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.rights import iri_of, of_terms
from iiif.catalogue.visibility import sees
from iiif.image.service import thumbnail
from iiif.presentation.model import ManifestExtras
from ontology.darwin_core import GROUPS, label_of

CONTEXT = "http://iiif.io/api/presentation/3/context.json"
ORDER = ("scientificName", "typeStatus", "catalogNumber", "recordedBy", "recordNumber", "eventDate", "country", "locality")
STAND_IN_PX = 1000  # of the sides of a canvas whose size is not told
NOT_SHOWN = frozenset({"license", "rights", "dynamicProperties", "footprintWKT", "scientificNameAuthorship"})


@dataclass(frozen=True, slots=True)
class Publisher:
    """Who publishes: the provider of every manifest."""

    name: str
    url: str


def build(
    specimen: Specimen,
    media: Sequence[Media],
    extras: ManifestExtras,
    *,
    by: Principal,
    addresses: Addresses,
    publisher: Publisher,
) -> dict[str, Any]:
    """The manifest as `by` sees it; `media` are those that are ready, in sequence, at least one."""
    licences = [rights_of(specimen, one) for one in media]
    skeleton = iiif_prezi3.Manifest(
        id=addresses.manifest(specimen.key),
        label={"en": [title(specimen)]},
        metadata=metadata(specimen),
        requiredStatement=_attribution(specimen, media, publisher),
        provider=[provider(publisher)],
        homepage=[_homepage(addresses.specimen_page(specimen.key), "Specimen page")],
        seeAlso=[
            {
                "id": addresses.specimen_record(specimen.key),
                "type": "Dataset",
                "label": {"en": ["Darwin Core record"]},
                "format": "application/json",
                "profile": "http://rs.tdwg.org/dwc/terms/",
            }
        ],
        items=[],
        **({"rights": licences[0]} if licences[0] and len(set(licences)) == 1 else {}),
        **({"navDate": when} if (when := nav_date(specimen.interpreted.get("eventDate", ""))) else {}),
    )
    shown: dict[str, Any] = json.loads(skeleton.jsonld())
    if pictures := [picture for one in media if (picture := thumbnail(addresses, one, by))]:
        shown["thumbnail"] = pictures[:1]
    shown["partOf"] = [{"id": addresses.collection("top"), "type": "Collection"}]
    if extras.services:
        shown["service"] = [dict(service) for service in extras.services]
    shown["items"] = [
        canvas(specimen, one, extras, addresses) if sees(one, by) else closed_canvas(specimen, one, addresses) for one in media
    ]
    return shown


def canvas(specimen: Specimen, media: Media, extras: ManifestExtras, addresses: Addresses) -> dict[str, Any]:
    """One canvas of the size of the upright image, so that canvas units are its pixels. Its label is the file's own name."""
    iri = addresses.canvas(specimen.key, media.key)
    shown: dict[str, Any] = {
        "id": iri,
        "type": "Canvas",
        "label": {"none": [media.file_name]},
        "height": media.height_px,
        "width": media.width_px,
        "items": [painting_page(iri, media, addresses)],
    }
    if picture := thumbnail(addresses, media, Principal.of_system()):
        shown["thumbnail"] = [picture]
    if rights := rights_of(specimen, media):
        shown["rights"] = rights
    if services := extras.canvas_services.get(media.key):
        shown["service"] = [dict(service) for service in services]
    if pages := extras.canvas_annotations.get(media.key):
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


def painting_page(canvas_iri: str, media: Media, addresses: Addresses) -> dict[str, Any]:
    """The page with the one annotation that paints the image; its target is a plain string, as Mirador needs."""
    return {
        "id": f"{canvas_iri}/page",
        "type": "AnnotationPage",
        "items": [
            {
                "id": f"{canvas_iri}/painting",
                "type": "Annotation",
                "motivation": "painting",
                "body": {
                    "id": f"{addresses.image(media.key)}/full/max/0/default.jpg",
                    "type": "Image",
                    "format": "image/jpeg",
                    "height": media.height_px,
                    "width": media.width_px,
                    "service": image_services(media, addresses),
                },
                "target": canvas_iri,
            }
        ],
    }


def image_services(media: Media, addresses: Addresses) -> list[dict[str, Any]]:
    return [
        {"id": addresses.image(media.key, 3), "type": "ImageService3", "profile": "level2"},
        {"@id": addresses.image(media.key, 2), "@type": "ImageService2", "profile": "http://iiif.io/api/image/2/level2.json"},
    ]


def title(specimen: Specimen) -> str:
    """Scientific name and catalogue number, or what there is of them."""
    return " · ".join(filter(None, (specimen.scientific_name, specimen.catalog_number))) or specimen.key


def metadata(specimen: Specimen) -> list[dict[str, Any]]:
    """Darwin Core terms with English labels, the telling ones first; values are in no language."""
    terms = {"catalogNumber": specimen.catalog_number, **specimen.interpreted}
    rest = (term for group in GROUPS.values() for term in group)
    ordered = dict.fromkeys((*ORDER, *rest, *sorted(terms)))
    return [
        {"label": {"en": [label_of(term)]}, "value": {"none": [plain(terms[term])]}}
        for term in ordered
        if terms.get(term) and term not in NOT_SHOWN
    ]


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


def _attribution(specimen: Specimen, media: Sequence[Media], publisher: Publisher) -> dict[str, Any]:
    terms = specimen.interpreted
    said = [terms.get("rightsHolder", ""), *(value for one in media for value in (one.rights_holder, one.creator))]
    said += [one.rights for one in media] or [of_terms(terms)]
    if not any(said):
        said = [terms.get("institutionCode", "") or publisher.name, of_terms(terms)]
    return {"label": {"en": ["Attribution"]}, "value": {"none": [plain(text) for text in dict.fromkeys(filter(None, said))]}}


def provider(publisher: Publisher) -> Mapping[str, Any]:
    return {
        "id": publisher.url,
        "type": "Agent",
        "label": {"en": [publisher.name]},
        "homepage": [_homepage(publisher.url, publisher.name)],
    }


def _homepage(url: str, label: str) -> dict[str, Any]:
    return {"id": url, "type": "Text", "label": {"en": [label]}, "format": "text/html", "language": ["en"]}
