"""The container of all annotations as an AnnotationCollection with pages (Web Annotation Protocol, section 4).

Pages are keyset pages: they begin behind or end before a key, so the last of a million costs what the first one costs.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from annotations import service, targets, validation
from annotations.model import EVERYTHING, About, Annotation
from annotations.projections import w3c
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal

LDP = "http://www.w3.org/ns/ldp.jsonld"
LABEL = "Annotations of natural-history specimens"
Embedding = Literal["none", "iris", "descriptions"]
CONTAINED_IRIS = "http://www.w3.org/ns/oa#PreferContainedIRIs"
PREFERENCES: tuple[tuple[str, Embedding], ...] = (
    ("http://www.w3.org/ns/ldp#PreferMinimalContainer", "none"),
    (CONTAINED_IRIS, "iris"),
    ("http://www.w3.org/ns/oa#PreferContainedDescriptions", "descriptions"),
)


@dataclass(frozen=True, slots=True)
class Container:
    """All annotations that `by` sees, or those of one `target` (the IRI of a thing)."""

    addresses: Addresses
    by: Principal
    target: str
    page_size: int

    def about(self) -> About:
        """Which annotations are its: those with a target that is the thing, or that lies on it where it is an image or a
        specimen. Raises Invalid for a target that is no IRI, or an address of ours that names nothing."""
        if not self.target:
            return EVERYTHING
        iri = self.target.partition("#")[0]
        named = self.addresses.identify(iri)
        if named is None:
            if self.addresses.path_of(iri) is not None or not validation.is_iri(iri):
                raise Invalid(
                    "target must be the IRI of a canvas, image, specimen, annotation or other thing.", parameter="target"
                )
            return About(kind="resource", key=targets.resource_key(iri))
        if named.kind in ("canvas", "image"):
            return About(media_key=named.key)
        if named.kind == "specimen":
            return About(specimen_key=named.key)
        return About(kind=named.kind, key=named.key, version=named.version)

    def iri(self, **query: str) -> str:
        """Its address, with a query in a fixed order."""
        asked = ({"target": self.target} if self.target else {}) | query
        return f"{self.addresses.base}/annotations/" + (f"?{urlencode(asked)}" if asked else "")


def preference(header: str) -> tuple[Embedding, bool]:
    """What a Prefer header asks to embed, and whether the pages are to be of IRIs (RFC 7240; Protocol, 4.2.2); nothing where
    it asks for nothing of ours."""
    included = re.search(r'include\s*=\s*"([^"]*)"', header, re.IGNORECASE)
    words = included[1].split() if included else []
    asked: Iterator[Embedding] = (embedding for iri, embedding in PREFERENCES if iri in words)
    return next(asked, "none"), CONTAINED_IRIS in words


def describe(session: Session, container: Container, embedding: Embedding, of_iris: bool) -> dict[str, Any]:
    """The collection: `first` and `last` are IRIs, or `first` is the first page itself if its embedding is preferred."""
    total = service.count(session, container.about(), by=container.by)
    iris = "1" if of_iris else "0"
    own = container.iri(iris=iris) if of_iris or embedding != "none" else container.iri()
    described: dict[str, Any] = {
        "@context": [validation.CONTEXT, LDP],
        "id": own,
        "type": ["BasicContainer", "AnnotationCollection"],
        "label": LABEL,
        "total": total,
    }
    if total:
        first: Any = container.iri(iris=iris, page="first")
        if embedding != "none":
            found = service.page(session, container.about(), by=container.by, limit=container.page_size + 1)
            first = _page(container, found[: container.page_size], iris=iris, own=first, more=len(found) > container.page_size)
        described |= {"first": first, "last": container.iri(iris=iris, page="last")}
    return described


def page(session: Session, container: Container, *, iris: bool, after: str, before: str) -> dict[str, Any]:
    """The page behind `after` or before `before` ("~": the last page; both empty: the first), complete with context."""
    about, size, flag = container.about(), container.page_size, "1" if iris else "0"
    found = service.page(session, about, by=container.by, after=after, before=before, limit=size + 1)
    backwards = bool(before)
    shown = found[-size:] if backwards else found[:size]
    beyond = len(found) > size
    following = bool(shown) and (_any(session, container, after=shown[-1].key) if backwards else beyond)
    preceding = bool(shown) and (beyond if backwards else bool(after) and _any(session, container, before=shown[0].key))
    own = {"before": before} if backwards else {"after": after}
    if before == "~" or not (after or before):
        own = {"page": "last" if before else "first"}
    body = _page(container, shown, iris=flag, own=container.iri(iris=flag, **own), more=following)
    if preceding:
        body["prev"] = container.iri(iris=flag, before=shown[0].key)
    part_of = {
        "id": container.iri(),
        "type": "AnnotationCollection",
        "label": LABEL,
        "total": service.count(session, about, by=container.by),
    }
    return {"@context": validation.CONTEXT, **body, "partOf": part_of}


def _page(container: Container, shown: tuple[Annotation, ...], *, iris: str, own: str, more: bool) -> dict[str, Any]:
    items = [container.addresses.annotation(annotation.key) if iris == "1" else w3c(annotation.document) for annotation in shown]
    body: dict[str, Any] = {"id": own, "type": "AnnotationPage", "items": items}
    if more:
        body["next"] = container.iri(iris=iris, after=shown[-1].key)
    return body


def _any(session: Session, container: Container, *, after: str = "", before: str = "") -> bool:
    return bool(service.page(session, container.about(), by=container.by, after=after, before=before, limit=1))
