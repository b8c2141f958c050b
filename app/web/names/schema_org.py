"""A thing in the words of schema.org, for the pages that show it: search engines read no other.

The context stands in line, as readers that fetch none would understand nothing otherwise.
"""

import re
from collections.abc import Mapping
from typing import Any

from annotations.bodies import readable, several
from app.linked.things import Described
from app.runtime.context import Runtime
from app.web.names import representations

CONTEXT = {"@vocab": "https://schema.org/", "dwc": "http://rs.tdwg.org/dwc/terms/"}
TYPES = {
    "specimen": "CreativeWork",
    "image": "ImageObject",
    "segment": "ImageObject",
    "annotation": "Comment",
    "person": "Person",
    "run": "CreateAction",
    "pipeline": "SoftwareSourceCode",
    "model": "SoftwareApplication",
}
LONGEST = 5_000  # characters of a text


def of(thing: Described, runtime: Runtime) -> dict[str, Any]:
    """The document, without what is not known."""
    addresses, document = runtime.addresses, thing.document
    base, settings = addresses.base, runtime.settings
    publisher = {"@type": "Organization", "name": settings.provider_name, "url": settings.provider_url or f"{base}/"}
    told: dict[str, Any] = {
        "@context": CONTEXT,
        "@id": representations.pid_of(thing, addresses),
        "@type": TYPES.get(thing.kind, "Thing"),
        "url": representations.page_of(thing, addresses),
        "name": representations.title_of(document) or thing.key,
        "identifier": {"@type": "PropertyValue", "propertyID": "ARK", "value": representations.ark_of(thing, addresses)},
        "dateCreated": document.get("created"),
        "dateModified": document.get("modified"),
        "license": representations.licence_of(document),
        **OF_KIND.get(thing.kind, _nothing)(document),
    }
    if thing.kind not in ("person", "run"):
        told |= {"publisher": publisher, "isAccessibleForFree": True, "version": document.get("version")}
    return {name: value for name, value in told.items() if value not in (None, "", [], {})}


def _nothing(_document: Mapping[str, Any]) -> dict[str, Any]:
    return {}


def _of_specimen(document: Mapping[str, Any]) -> dict[str, Any]:
    def said(term: str) -> str:
        value = document.get(f"dwc:{term}", "")
        return str(value.get("@value", "") if isinstance(value, Mapping) else value)

    thing = document.get("hub:digitalTwinOf", {})
    place = ", ".join(filter(None, (said("locality"), said("stateProvince"), said("country"))))
    geo = {"@type": "GeoCoordinates", "latitude": said("decimalLatitude"), "longitude": said("decimalLongitude")}
    where = {"@type": "Place", "name": place, **({"geo": geo} if all(geo.values()) else {})}
    name, number = said("scientificName"), str(thing.get("dwc:catalogNumber", ""))
    found: dict[str, Any] = {
        "additionalType": "http://rs.tdwg.org/dwc/terms/PreservedSpecimen",
        "description": f"Specimen {number}".strip() + (f" of {name}" if name else ""),
        "about": {"@type": "Taxon", "name": name} if name else None,
        "contributor": {"@type": "Person", "name": said("recordedBy")} if said("recordedBy") else None,
        "temporalCoverage": said("eventDate"),
        "spatialCoverage": where if place or "geo" in where else None,
        "sourceOrganization": {"@type": "Organization", "name": said("institutionCode")} if said("institutionCode") else None,
        "keywords": [word for word in (said("family"), said("genus"), said("typeStatus")) if word],
        "dwc:catalogNumber": number,
    }
    iri = str(thing.get("id", ""))
    return found | ({"sameAs": iri} if "#" not in iri else {})


def _of_image(document: Mapping[str, Any]) -> dict[str, Any]:
    points = {str(one["id"]).rpartition("#")[2]: one for one in several(document.get("hasServiceAccessPoint"))}
    digest = str(document.get("contentId", ""))
    return {
        "contentUrl": points.get("whole", {}).get("accessURI"),
        "thumbnailUrl": points.get("thumbnail", {}).get("accessURI"),
        "encodingFormat": document.get("format"),
        "width": document.get("aexif:PixelXDimension"),
        "height": document.get("aexif:PixelYDimension"),
        "creditText": document.get("dct:rightsHolder"),
        "about": [{"@id": iri} for iri in several(document.get("depicts"))],
        "sameAs": digest,
    }


def _of_segment(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"isPartOf": {"@id": document["isROIOf"]}, "about": [{"@id": iri} for iri in several(document.get("depicts"))]}


def _of_annotation(document: Mapping[str, Any]) -> dict[str, Any]:
    text = "\n".join(filter(None, map(readable, several(document.get("body"))))) or str(document.get("bodyValue", ""))
    authors = [one for one in several(document.get("creator")) if isinstance(one, Mapping)]
    return {
        "text": text[:LONGEST],
        "name": re.sub(r"\s+", " ", text)[:80],
        "author": [
            {
                "@type": "Person" if "Person" in several(one.get("type")) else "Organization",
                "@id": one.get("id"),
                "name": one.get("name"),
            }
            for one in authors
        ],
    }


def _of_person(document: Mapping[str, Any]) -> dict[str, Any]:
    same = document.get("owl:sameAs")
    return {"sameAs": same["id"]} if isinstance(same, Mapping) else {}


def _of_run(document: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "startTime": document.get("startedAtTime"),
        "endTime": document.get("endedAtTime"),
        "instrument": [{"@id": iri} for iri in several(document.get("wasAssociatedWith"))],
    }


def _of_pipeline(document: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": document.get("dct:description"), "sameAs": document.get("swhid")}


OF_KIND = {
    "specimen": _of_specimen,
    "image": _of_image,
    "segment": _of_segment,
    "annotation": _of_annotation,
    "person": _of_person,
    "run": _of_run,
    "pipeline": _of_pipeline,
}
