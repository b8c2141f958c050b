"""What a notice says: Activity Streams 2.0, in the patterns of COAR Notify and as others write citations.

It is read by its members, without its context: names of Activity Streams mean themselves, with or without `as:`.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from app.runtime.addresses import Addresses, Named
from app.runtime.errors import Invalid

Kind = Literal["citation", "review"]
SPEC = "Activity Streams 2.0"
CITES = frozenset(("Announce", "Create", "Add", "Update", "Relationship"))
OFFERS = frozenset(("Offer",))
LONGEST_IRI, LONGEST_NAME, DEEPEST = 2_000, 300, 12
IRI = re.compile(r"(?:https?://|urn:|doi:|ark:)[^\s<>\"{}|\\^`]{1,1990}")
UNFIT = re.compile("[\x00\ud800-\udfff]")
ABOUT = ("context", "target", "inReplyTo", "object")  # members that may name a thing of ours, the most telling first
KINDS = frozenset(("specimen", "image", "canvas", "segment", "annotation", "run", "dataset"))
WITHIN = ("id", "@id", "object", "as:object", "subject", "as:subject", "inReplyTo", "ietf:cite-as", "url", "href")


class BadNotice(Invalid):
    """A notice cannot be understood, or is about nothing that is here."""


@dataclass(frozen=True, slots=True)
class Read:
    """`about` is the thing of ours, `source` the address of what cites or reviews it (empty where none is named), `title` what
    that is called; `actor` and `actor_name` say who tells us."""

    kind: Kind
    about: Named
    source: str
    title: str
    actor: str
    actor_name: str


def read(document: Any, addresses: Addresses) -> Read:
    """Raises BadNotice."""
    if not isinstance(document, Mapping):
        raise BadNotice("A notice is a JSON object.", spec=SPEC)
    _measure(document)
    kind = _kind(document)
    about = next(_ours(document, addresses), None)
    if about is None:
        raise BadNotice("The notice names no thing of this hub, as its context, target or object.", parameter="object", spec=SPEC)
    actor = _first(document.get("actor")) or _first(document.get("origin"))
    source = next(_theirs(document.get("object"), addresses), "")
    return Read(kind, about, source, _name(_first(document.get("object")), source), _id(actor), _name(actor, _id(actor)))


def _kind(document: Mapping[str, Any]) -> Kind:
    types = {str(one).rpartition(":")[2] for one in _several(document.get("type", document.get("@type")))}
    if types & OFFERS:
        return "review"
    if types & CITES:
        return "review" if "ReviewAction" in types else "citation"
    known = ", ".join(sorted(CITES | OFFERS))
    raise BadNotice(f"A notice has one of these types: {known}.", parameter="type", spec=SPEC)


def _ours(document: Mapping[str, Any], addresses: Addresses) -> Iterator[Named]:
    for member in ABOUT:
        for iri in _iris(document.get(member)):
            named = addresses.identify(iri.partition("#")[0])
            if named is not None and named.kind in KINDS:
                yield named


def _theirs(value: Any, addresses: Addresses) -> Iterator[str]:
    yield from (iri for iri in _iris(value) if addresses.path_of(iri) is None)


def _iris(value: Any, depth: int = 0) -> Iterator[str]:
    """The addresses that a value names, itself first."""
    for one in _several(value)[:20]:
        if isinstance(one, str) and IRI.fullmatch(one):
            yield one
        elif isinstance(one, Mapping) and depth < DEEPEST:
            for member in WITHIN:
                yield from _iris(one.get(member), depth + 1)


def _name(value: Any, otherwise: str) -> str:
    """What a thing is called, in one line."""
    if isinstance(value, Mapping):
        for member in ("name", "title", "summary"):
            if isinstance(value.get(member), str) and value[member].strip():
                return " ".join("".join(char if char.isprintable() else " " for char in value[member]).split())[:LONGEST_NAME]
    return otherwise[:LONGEST_NAME]


def _id(value: Any) -> str:
    return next(_iris(value), "")


def _first(value: Any) -> Any:
    return next(iter(_several(value)), None)


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _measure(document: Mapping[str, Any]) -> None:
    """Without recursion. Raises BadNotice for what is nested too deep, and what no database keeps."""
    waiting: list[tuple[Any, int]] = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if isinstance(value, Mapping | list):
            if depth > DEEPEST:
                raise BadNotice(f"A notice is nested at most {DEEPEST} deep.", spec=SPEC)
            inner = value if isinstance(value, list) else [*value, *value.values()]
            waiting += [(one, depth + 1) for one in inner]
        elif UNFIT.search(value) if isinstance(value, str) else isinstance(value, int | float) and not abs(value) < 2**63:
            raise BadNotice("The notice holds a character or a number that cannot be kept.", spec="RFC 8259, 8.2 and 6")
