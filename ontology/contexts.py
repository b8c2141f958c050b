"""JSON-LD contexts by their addresses, from the package: nothing is ever fetched."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from app.runtime.errors import Invalid
from ontology import web_annotation

ANNO = web_annotation.IRI
OWN_PATH = "/ns/1/context.jsonld"
MOST = 32  # contexts in one document


class NoGraph(Invalid):
    """A document cannot be read as RDF."""


class UnknownContext(Invalid):
    """A document names a context that does not come with the hub; it is not fetched."""


def own_address(base: str) -> str:
    """The address of this hub's own context."""
    return f"{base}{OWN_PATH}"


@cache
def own(base: str) -> Any:
    """The hub's own context as it is published, with `hub:` bound to its own vocabulary."""
    text = resources.files("ontology").joinpath("context.jsonld").read_text(encoding="utf-8")
    return json.loads(text.replace("{base}", base))


def load(address: str, base: str) -> Mapping[str, Any]:
    """The document at that address, `{"@context": …}`. Raises UnknownContext for all that the package does not hold."""
    if address == ANNO:
        return {"@context": web_annotation.context()}
    if address == own_address(base):
        return own(base)  # type: ignore[no-any-return]  # the file is an object
    raise UnknownContext(f"The context {address[:200]!r} does not come with this hub, and none is fetched.", parameter="@context")


def inlined(value: Any, base: str, *, passing_over: bool = False) -> Any:
    """A JSON-LD document with the contexts themselves in place of their addresses, at any depth.

    Raises NoGraph, UnknownContext; `passing_over` leaves out a context that is not known, and with it what its terms say.
    """
    if isinstance(value, list):
        return [inlined(one, base, passing_over=passing_over) for one in value]
    if not isinstance(value, Mapping):
        return value
    return {
        name: _context(inner, base, passing_over)
        if name == "@context"
        else inner
        if "@value" in value
        else inlined(inner, base, passing_over=passing_over)
        for name, inner in value.items()
    }


def _context(value: Any, base: str, passing_over: bool) -> Any:
    several = value if isinstance(value, list) else [value]
    if len(several) > MOST:
        raise NoGraph(f"A document names at most {MOST} contexts.", parameter="@context")
    found = []
    for one in several:
        try:
            found.append(load(one, base)["@context"] if isinstance(one, str) else _local(one, base))
        except UnknownContext:
            if not passing_over:
                raise
    return found


def _local(context: Any, base: str) -> Any:
    """A context that stands in the document; one within it that is an address is read, too. `@import` would fetch."""
    if not isinstance(context, Mapping):
        return context
    if "@import" in context:
        raise UnknownContext("A context of the document imports another (@import), and none is fetched.", parameter="@context")
    return {
        name: {**term, "@context": _context(term["@context"], base, False)}
        if isinstance(term, Mapping) and "@context" in term
        else term
        for name, term in context.items()
    }
