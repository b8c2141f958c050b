"""What is told of a thing that is gone: what it was, since when, why, and what took its place."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from annotations.errors import DeletedAnnotation, WithdrawnAnnotation
from annotations.segments.errors import EndedSegment
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.errors import Gone
from iiif.descriptions import head


@dataclass(frozen=True, slots=True)
class Tombstone:
    """`at` is when it went, None where that is not known; `successors` and `versions` are IRIs."""

    kind: str
    key: str
    iri: str
    sentence: str
    at: datetime | None = None
    successors: tuple[str, ...] = ()
    versions: tuple[str, ...] = ()

    def document(self, addresses: Addresses) -> Mapping[str, Any]:
        """As JSON-LD: an entity of PROV that was invalidated."""
        told: dict[str, Any] = {
            **head(addresses),
            "id": self.iri,
            "type": "prov:Entity",
            "identifier": ids.ark(self.key, addresses.naan),
            "label": f"{self.kind} {self.key}",
            "hub:gone": self.sentence,
        }
        if self.at is not None:
            told["prov:invalidatedAtTime"] = {"@value": iso(self.at), "@type": "xsd:dateTime"}
        told |= {"dct:isReplacedBy": [{"id": iri} for iri in self.successors]} if self.successors else {}
        return told | ({"dct:hasVersion": [{"id": iri} for iri in self.versions]} if self.versions else {})


def of(error: Gone, kind: str, key: str, addresses: Addresses) -> Tombstone:
    """What the error tells of the thing."""
    match error:
        case DeletedAnnotation():
            iri = addresses.annotation(error.key)
            versions = (f"{iri}/versions/{error.version - 1}",) if error.version > 1 else ()
            return Tombstone(kind, key, iri, error.sentence, error.deleted_at, versions=versions)
        case WithdrawnAnnotation():
            iri = addresses.annotation(error.key)
            return Tombstone(kind, key, iri, error.sentence, error.withdrawn_at, versions=(f"{iri}/versions/{error.version}",))
        case EndedSegment():
            successors = tuple(map(addresses.pid, error.successors))
            return Tombstone(kind, key, addresses.pid(key), error.sentence, error.modified_at, successors)
    return Tombstone(kind, key, addresses.pid(key), error.sentence)
