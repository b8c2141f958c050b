"""From an object of a foreign file, in canvas units and with its class mapped, to the annotation that the hub stores."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotations import selectors, validation
from annotations.exchange.classes import Meaning
from annotations.exchange.described import DETAILS, kept_keypoints
from annotations.exchange.model import ReadObject
from annotations.mask_selectors import MaskReference
from annotations.region_outlines import simplified
from annotations.region_text import exact
from annotations.regions import Region
from app.runtime.addresses import Addresses
from iiif.catalogue.model import Media

ANNO = "http://www.w3.org/ns/anno.jsonld"
LANGUAGE = re.compile(r"[A-Za-z]{2,8}(?:-[A-Za-z0-9]{1,8})*", re.ASCII)
LONGEST_NAME = 200


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that an import reads, and in whose name."""

    name: str
    sha256: str
    run_iri: str
    creator: Mapping[str, Any]


def document(
    one: ReadObject,
    meaning: Meaning | None,
    region: Region | None,
    mask: MaskReference | None,
    media: Media,
    source: SourceFile,
    addresses: Addresses,
) -> dict[str, Any]:
    """The W3C form. `mask` is how the mask of the region is named, where it has one."""
    said: dict[str, Any] = {
        "@context": [f"{addresses.base}/ns/1/context.jsonld", ANNO],
        "type": "Annotation",
        "motivation": _motivation(one, meaning),
        "creator": _creator(one, source, addresses),
        "wasGeneratedBy": source.run_iri,
    }
    if one.score is not None:
        said["confidence"] = exact(one.score)
    if validation.is_iri(one.iri):
        said["via"] = one.iri
    said["target"] = _target(region, mask, media, addresses)
    said["body"] = [*_bodies(one, meaning), _assertion(one, media, source, addresses)]
    return said


def _motivation(one: ReadObject, meaning: Meaning | None) -> str:
    if one.text:
        return "supplementing"
    if one.comment:
        return "commenting"
    return "classifying" if meaning is not None else "highlighting"


def _creator(one: ReadObject, source: SourceFile, addresses: Addresses) -> Mapping[str, Any]:
    """Who the file says it is of: a name. Nobody of this hub is named by a file, as that would be said in their name."""
    if one.creator and addresses.path_of(one.creator) is None:
        return {"type": "Agent", "name": one.creator[:LONGEST_NAME]}
    return source.creator


def _target(region: Region | None, mask: MaskReference | None, media: Media, addresses: Addresses) -> Any:
    canvas = addresses.canvas(media.specimen_key, media.key)
    if region is None:
        return canvas
    found = selectors.stored_selectors(region if mask is None else simplified(region), mask)
    return {
        "type": "SpecificResource",
        "source": {"id": canvas, "partOf": {"id": addresses.manifest(media.specimen_key)}},
        "selector": found if len(found) > 1 else found[0],
    }


def _bodies(one: ReadObject, meaning: Meaning | None) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    if one.text:
        body = {"type": "TextualBody", "value": one.text, "format": "text/plain"}
        granularity = one.attributes.get("granularity")
        body |= {"textGranularity": granularity} if granularity in ("page", "block", "paragraph", "line", "word", "glyph") else {}
        made.append({**body, **({"language": one.language} if LANGUAGE.fullmatch(one.language) else {})})
    if one.comment:
        made.append({"type": "TextualBody", "value": one.comment, "format": "text/plain", "purpose": "commenting"})
    if meaning is not None and meaning.iri:
        source = {"id": meaning.iri, "label": meaning.name}
        made.append({"type": "SpecificResource", "source": source, "purpose": "classifying"})
    elif meaning is not None:
        made.append({"type": "TextualBody", "value": meaning.name, "purpose": "classifying"})
    return made


def _assertion(one: ReadObject, media: Media, source: SourceFile, addresses: Addresses) -> dict[str, Any]:
    """Where it stood, and what only formats know."""
    kept: dict[str, Any] = {"file": source.name, "sha256": source.sha256, "row": one.row}
    kept |= {"number": one.number} if one.number else {}
    kept |= {"crowd": True} if one.crowd else {}
    kept |= {"oriented": True} if one.oriented else {}
    kept |= {"keypoints": kept_keypoints(one.keypoints)} if one.keypoints else {}
    kept |= {"attributes": dict(one.attributes)} if one.attributes else {}
    said: dict[str, Any] = {
        "id": f"{source.run_iri}#{media.key}",
        "type": ["dwc:Assertion", "prov:Entity"],
        "assertionAbout": addresses.pid(media.key),
        "details": {DETAILS: kept},
    }
    if one.value is not None and one.unit:
        said |= {"dwc:assertionValue": exact(one.value), "dwc:assertionUnit": one.unit}
    return said
