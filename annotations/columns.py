"""What the columns of an annotation say of its document, and the members of the document that the hub itself writes."""

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from annotations import validation
from annotations.errors import IdentityChanged
from annotations.tables import AnnotationRow
from app.runtime import clock
from app.runtime.addresses import Addresses


def describe(row: AnnotationRow) -> None:
    """Fill the columns that are drawn from the document; what a machine said beside it stays where the document is silent."""
    document = row.document
    row.etag = etag(document)
    row.motivations, row.text = list(validation.motivations(document)), validation.text_of(document, besides=row.kind)
    if (confidence := validation.confidence_of(document)) is not None:
        row.confidence = confidence
    if row.kind in ("", "ruler") and (scale := validation.measured(document)) is not None:
        row.kind, row.value, row.unit = scale
    elif row.layer == "people" and row.kind and (stated := validation.stated(document)) is not None:
        row.value, row.unit = stated


def signed(document: Mapping[str, Any], iri: str, created: str, at: datetime) -> dict[str, Any]:
    return {**document, "id": iri, "created": created, "modified": clock.iso(at)}


def with_via(document: Mapping[str, Any], iri: str) -> Mapping[str, Any]:
    """An IRI that the client gave it is kept as `via` (Web Annotation Protocol, section 5.1)."""
    theirs = document.get("id")
    if not validation.is_iri(theirs) or theirs == iri:
        return document
    known = validation.several(document.get("via"))
    return document if theirs in known else {**document, "via": [*known, theirs] if known else theirs}


def with_identity(document: Mapping[str, Any], old: Mapping[str, Any], iri: str) -> Mapping[str, Any]:
    """The document with the `canonical` and `via` that it had. Raises IdentityChanged where it says others.

    Web Annotation Protocol, 5.2: servers should reject requests that modify the values of either once they have been set.
    """
    kept = {name: old[name] for name in ("canonical", "via") if name in old}
    for name, value in kept.items():
        if name in document and not set(validation.several(value)) == set(validation.several(document[name])) - {iri}:
            raise IdentityChanged(
                f"{name} was set when the annotation came in and stays: send it as it was, or leave it out.",
                parameter=name,
                spec="Web Annotation Protocol, 5.2",
            )
    return {**document, **kept}


def etag(document: Mapping[str, Any]) -> str:
    """A digest of the content, whatever the order of its members (databases reorder them)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def bases(document: Mapping[str, Any], addresses: Addresses) -> tuple[str, ...]:
    """The keys of the annotations that it was derived from."""
    named = (addresses.identify(iri) for iri in validation.derived_from(document))
    return tuple(dict.fromkeys(one.key for one in named if one is not None and one.kind == "annotation"))
