"""Statements and segments as linked data: JSON-LD from the stored form of an annotation, and the node that a segment is."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from annotations import projections
from annotations.bodies import several
from annotations.model import Annotation
from annotations.segments import service as segments
from annotations.segments.model import Segment
from app.runtime import derived_names, ids
from app.runtime.addresses import Addresses
from app.runtime.derived_names import DerivedName
from iiif.catalogue.model import Media
from iiif.descriptions import head
from ontology import contexts

OF_IIIF = "http://iiif.io/api/"
DCAT_VERSION = "http://www.w3.org/ns/dcat#version"
PARTS = {"leaf": "acpart:p0005", "flower": "acpart:p0012"}  # classes that ac:subjectPart has a value for
OF_THE_REGION = ("xFrac", "yFrac", "widthFrac", "heightFrac")


def of_annotation(annotation: Annotation, addresses: Addresses) -> dict[str, Any]:
    """The W3C form as it is stored, with the identifier, version and state that it has here.

    Contexts of the Presentation API are left out: what they add is for viewers, and they would give `selector` another meaning.
    """
    stored = projections.w3c(annotation.document)
    known = several(stored.get("@context"))
    kept = [one for one in known if not (isinstance(one, str) and one.startswith(OF_IIIF))]
    return {
        **stored,
        "@context": kept if contexts.ANNO in kept else [contexts.ANNO, *kept],
        "dcterms:identifier": ids.ark(addresses.annotation_key(annotation.key), addresses.naan),
        DCAT_VERSION: str(annotation.version),
        f"{addresses.base}/ns#reviewState": annotation.state,
    }


def keep_name(session: Session, key: str, addresses: Addresses) -> None:
    """Have the identifier of an annotation that its author named lead to it."""
    derived = addresses.annotation_key(key)
    if derived != key:
        derived_names.keep(session, [DerivedName(derived, "annotation", key, "", {})])


def of_segment(segment: Segment, media: Media, specimen_keys: Sequence[str], addresses: Addresses) -> dict[str, Any]:
    """A segment: one node that is both a region of Audiovisual Core (7.12) and what annotations are about."""
    told = segments.to_json(segment, media, specimen_keys, addresses)
    term, name = told["classTerm"], segment.class_name
    described: dict[str, Any] = {
        **head(addresses),
        "id": addresses.pid(segment.key),
        "type": ["SpecificResource", "ac:RegionOfInterest", "prov:Entity"],
        "identifier": ids.ark(segment.key, addresses.naan),
        "version": str(segment.version),
        "label": told["classLabel"],
        "created": told["created"],
        "modified": told["modified"],
        "source": {
            "id": told["canvas"],
            "type": "iiif:Canvas",
            "partOf": {"id": addresses.manifest(media.specimen_key), "type": "iiif:Manifest"},
        },
        "selector": told["selector"],
        "isROIOf": told["media"],
        **{name: f"{told[name]:.6f}" for name in OF_THE_REGION},
        "contentClass": term,
        "ac:CVtermLiteral": name,
        "hub:reviewState": segment.state,
        "hub:statedIn": {"id": addresses.annotation(segment.leader_key)},
        **({"subjectPart": PARTS[name]} if name in PARTS else {}),
        **({"wasDerivedFrom": told["derivedFrom"]} if told["derivedFrom"] else {}),
    }
    return described | ({"depicts": told["specimens"]} if told["specimens"] else {})
