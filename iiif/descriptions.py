"""Specimens and images as linked data: JSON-LD with the hub's own context, from which all other forms are made.

A specimen is two things: the digital one, which is the record here and has our identifier, and the material one in the cabinet,
which has that of its institution (CETAF) where the record names it. Darwin Core terms of 2026; Audiovisual Core of 2026-02-24.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.principal import Principal
from iiif.catalogue import places, rights
from iiif.catalogue.model import Depiction, Media, Specimen
from iiif.catalogue.visibility import sees
from iiif.image import service as images
from ontology import contexts, darwin_core

IRI = re.compile(r"https?://[^\s<>\"{}|\\^`]{1,1000}")
KINDS = ("PreservedSpecimen", "FossilSpecimen", "LivingSpecimen", "MaterialSample")
OF_THE_THING = ("catalogNumber", "institutionCode", "collectionCode", "institutionID", "collectionID", "materialEntityID")
NUMBERS = {"decimalLatitude": "xsd:decimal", "decimalLongitude": "xsd:decimal", "year": "xsd:integer"}
NUMBERS |= {"month": "xsd:integer", "day": "xsd:integer"}
CREATOR = "http://purl.org/dc/elements/1.1/creator"


def of_specimen(specimen: Specimen, media: Sequence[Media], addresses: Addresses, by: Principal) -> dict[str, Any]:
    """The record as `by` sees it, and the specimen itself."""
    specimen = places.as_seen(specimen, by)
    pid, thing = addresses.pid(specimen.key), physical(specimen, addresses)
    licence = rights.iri_of(rights.of_terms(specimen.interpreted))
    described: dict[str, Any] = {
        **head(addresses),
        "id": pid,
        "type": ["ods:DigitalSpecimen", "prov:Entity"],
        "identifier": ids.ark(specimen.key, addresses.naan),
        "version": str(specimen.record_version),
        "label": specimen.scientific_name or specimen.catalog_number,
        "created": iso(specimen.created_at),
        "modified": iso(specimen.updated_at),
        **({"license": licence} if licence else {}),
        **terms(specimen.interpreted),
        "ods:physicalSpecimenID": thing,
        "hub:digitalTwinOf": {
            "id": thing,
            "type": ["dwc:MaterialEntity", *_kind(specimen)],
            **terms({term: specimen.interpreted.get(term, "") for term in OF_THE_THING}),
            "dwc:catalogNumber": specimen.catalog_number,
        },
    }
    accepted = sorted({addresses.annotation(change.statement) for change in specimen.changes.values()})
    described |= {"wasDerivedFrom": accepted} if accepted else {}
    if any(image.state == "ready" for image in media):
        described["hub:depictedIn"] = {"id": addresses.manifest(specimen.key), "type": "iiif:Manifest"}
    return described


def physical(specimen: Specimen, addresses: Addresses) -> str:
    """The IRI of the material specimen: that of its institution where its record names one, else one beside our own."""
    for term in ("materialEntityID", "occurrenceID"):
        if IRI.fullmatch(specimen.interpreted.get(term, "")):
            return specimen.interpreted[term]
    return f"{addresses.pid(specimen.key)}#specimen"


def of_media(media: Media, depictions: Iterable[Depiction], addresses: Addresses, by: Principal) -> dict[str, Any]:
    """An image as `by` sees it; of a closed one no more than whose it is."""
    pid, licence = addresses.pid(media.key), rights.iri_of(media.rights)
    described: dict[str, Any] = {
        **head(addresses),
        "id": pid,
        "type": ["ac:Media", "sdo:ImageObject", "prov:Entity"],
        "identifier": ids.ark(media.key, addresses.naan),
        "depicts": sorted(addresses.pid(one.specimen_key) for one in depictions),
        "created": iso(media.created_at),
        **({"license": licence} if licence else {}),
        **({"dct:accessRights": media.access} if media.access != "open" else {}),
        **_said({"dct:rights": media.rights, "dct:rightsHolder": media.rights_holder, CREATOR: media.creator}),
    }
    if not sees(media, by):
        return described
    described |= {"contentId": ids.ni(media.sha256), "format": media.format, "label": media.file_name}
    described |= {"dcat:byteSize": {"@value": str(media.byte_size), "@type": "xsd:nonNegativeInteger"}}
    if media.state != "ready":
        return described
    described |= {"aexif:PixelXDimension": media.width_px, "aexif:PixelYDimension": media.height_px}
    return described | {"hasServiceAccessPoint": list(_access_points(media, addresses, by))}


def _access_points(media: Media, addresses: Addresses, by: Principal) -> Iterable[dict[str, Any]]:
    """The whole image where everybody may have it, and a small one (Audiovisual Core, 7.11)."""
    pid, service = addresses.pid(media.key), addresses.image(media.key)
    said = {"type": "ac:ServiceAccessPoint", "format": "image/jpeg", "ac:serviceExpectation": "IIIF"}
    if media.access == "open":
        whole = {"id": f"{pid}#whole", **said, "variant": "acvariant:v006", "accessURI": f"{service}/full/max/0/default.jpg"}
        yield {**whole, "hub:imageService": {"id": service}}
    small = images.thumbnail(addresses, media, by)
    if small is not None:
        sizes = {"aexif:PixelXDimension": small["width"], "aexif:PixelYDimension": small["height"]}
        yield {"id": f"{pid}#thumbnail", **said, "variant": "acvariant:v001", "accessURI": small["id"], **sizes}


def head(addresses: Addresses) -> dict[str, Any]:
    """The contexts of a description."""
    return {"@context": [contexts.own_address(addresses.base), contexts.ANNO]}


def terms(interpreted: Mapping[str, str]) -> dict[str, Any]:
    """Darwin Core terms as properties; numbers that Darwin Core defines as such are typed."""
    return {_property(term): _value(term, text) for term, text in interpreted.items() if text and term in darwin_core.TERMS}


def _property(term: str) -> str:
    return f"dct:{term}" if term in darwin_core.OF_DUBLIN_CORE else f"dwc:{term}"


def _value(term: str, text: str) -> Any:
    kind = NUMBERS.get(term, "")
    number = r"-?\d{1,9}" if kind == "xsd:integer" else r"-?\d{1,3}(?:\.\d{1,20})?"
    return {"@value": text, "@type": kind} if kind and re.fullmatch(number, text, re.ASCII) else text


def _kind(specimen: Specimen) -> list[str]:
    said = darwin_core.spelling(specimen.interpreted.get("basisOfRecord", "PreservedSpecimen"))
    return [f"dwc:{kind}" for kind in KINDS if kind.lower() == said]


def _said(values: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in values.items() if text}
