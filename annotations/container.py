"""The container of all annotations as an AnnotationCollection with pages (Web Annotation Protocol, section 4).

Pages are keyset pages: they begin behind or end before a key, so the last of a million costs what the first one costs.
"""

import re
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from annotations import service, targets, validation
from annotations.model import EVERYTHING, About, Annotation
from annotations.projections import on_page_of_w3c
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal

LDP = "http://www.w3.org/ns/ldp.jsonld"
LABEL = "Annotations of natural-history specimens"
Embedded = Literal["none", "iris", "descriptions"]
CONTAINMENT = "http://www.w3.org/ns/ldp#PreferContainment"
CONTAINED_IRIS = "http://www.w3.org/ns/oa#PreferContainedIRIs"
CONTAINED_DESCRIPTIONS = "http://www.w3.org/ns/oa#PreferContainedDescriptions"
PREFERENCES: tuple[tuple[str, Embedded], ...] = (
    ("http://www.w3.org/ns/ldp#PreferMinimalContainer", "none"),
    ("http://www.w3.org/ns/ldp#PreferEmptyContainer", "none"),  # its former name
    (CONTAINED_IRIS, "iris"),
    (CONTAINED_DESCRIPTIONS, "descriptions"),
    (CONTAINMENT, "iris"),
)
PREFERENCE = re.compile(r'\s*([^=;,\s"]+)((?:"[^"]*"|[^",])*)(?:,|\Z)')
PARAMETER = re.compile(r';\s*(include|omit)\s*=\s*(?:"([^"]*)"|([^\s;,"]+))', re.IGNORECASE)
REPRESENTATION = re.compile(r'\s*=\s*"?representation"?\s*(?:;.*|)', re.IGNORECASE | re.DOTALL)


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


@dataclass(frozen=True, slots=True)
class Embedding:
    """What the description of the container embeds, and whether its pages are of IRIs; `is_preferred` where a client said so."""

    embedded: Embedded = "none"
    of_iris: bool = False
    is_preferred: bool = False


def preference(header: str) -> Embedding:
    """What a Prefer header asks to include and to omit (RFC 7240; LDP, 7.2; Protocol, 4.2.2); nothing where it asks for nothing
    of ours."""
    asked = next((one[2] for one in PREFERENCE.finditer(header) if _is_representation(one)), "")
    words: dict[str, set[str]] = {"include": set(), "omit": set()}
    for name, quoted, bare in PARAMETER.findall(asked):
        words[name.lower()] |= set((quoted or bare).split())
    known = {iri for iri, _ in PREFERENCES}
    containing = {iri for iri, made in PREFERENCES if made != "none"}
    omitted = words["omit"] | (containing if CONTAINMENT in words["omit"] else set())
    included = words["include"] - omitted
    chosen: Embedded = next((made for iri, made in PREFERENCES if iri in included), "none")
    of_iris = chosen == "iris" or CONTAINED_IRIS in included
    of_iris |= CONTAINED_DESCRIPTIONS in words["omit"] and CONTAINED_IRIS not in omitted
    return Embedding(chosen, of_iris, bool((words["include"] | words["omit"]) & known))


def _is_representation(preference: re.Match[str]) -> bool:
    return preference[1].lower() == "return" and REPRESENTATION.fullmatch(preference[2]) is not None


def describe(session: Session, container: Container, embedding: Embedding) -> dict[str, Any]:
    """The collection: `first` and `last` are IRIs, or `first` is the first page itself if its embedding is preferred."""
    total = service.count(session, container.about(), by=container.by)
    iris = "1" if embedding.of_iris else "0"
    own = container.iri(iris=iris) if embedding.of_iris or embedding.embedded != "none" else container.iri()
    described: dict[str, Any] = {
        "@context": [validation.CONTEXT, LDP],
        "id": own,
        "type": ["BasicContainer", "AnnotationCollection"],
        "label": LABEL,
        "total": total,
    }
    if total:
        first: Any = container.iri(iris=iris, page="first")
        if embedding.embedded != "none":
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
    addresses = container.addresses
    items = [addresses.annotation(one.key) if iris == "1" else on_page_of_w3c(one, addresses) for one in shown]
    body: dict[str, Any] = {"id": own, "type": "AnnotationPage", "items": items}
    if more:
        body["next"] = container.iri(iris=iris, after=shown[-1].key)
    return body


def _any(session: Session, container: Container, *, after: str = "", before: str = "") -> bool:
    return bool(service.page(session, container.about(), by=container.by, after=after, before=before, limit=1))
