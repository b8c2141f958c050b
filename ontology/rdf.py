"""RDF: what a JSON-LD document says as triples, and triples in the forms that are handed out.

Blank nodes get names that follow from the graph (`blank_nodes.py`) and from the thing that it describes, so that the same thing
gives the same triples whenever and wherever they are made, and graphs of several things can be put together.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pyoxigraph import (
    BlankNode,
    Literal,
    NamedNode,
    Quad,
    RdfFormat,
    Triple,
    parse,
    serialize,
)

from app.runtime.errors import Invalid
from ontology import blank_nodes, contexts
from ontology.contexts import NoGraph

__all__ = ["FORMS", "Form", "NoGraph", "Quad", "Triple", "Unwritable", "form_of", "n_quads", "of_document", "of_text", "text"]
LONGEST = 4_000_000  # characters of a document that is read
NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # what no XML 1.0 document may hold
LOCAL_NAME = re.compile(r"[^\W\d][\w.·-]*\Z")
PREFIXES = {
    "ac": "http://rs.tdwg.org/ac/terms/",
    "as": "http://www.w3.org/ns/activitystreams#",
    "dcat": "http://www.w3.org/ns/dcat#",
    "dct": "http://purl.org/dc/terms/",
    "dwc": "http://rs.tdwg.org/dwc/terms/",
    "dwciri": "http://rs.tdwg.org/dwc/iri/",
    "foaf": "http://xmlns.com/foaf/0.1/",
    "oa": "http://www.w3.org/ns/oa#",
    "ods": "http://rs.dissco.eu/opends/terms/",
    "prov": "http://www.w3.org/ns/prov#",
    "qudt": "http://qudt.org/schema/qudt/",
    "rdfs": "http://www.w3.org/2000/01/rdf-schema#",
    "sdo": "http://schema.org/",
    "skos": "http://www.w3.org/2004/02/skos/core#",
    "xsd": "http://www.w3.org/2001/XMLSchema#",
}


@dataclass(frozen=True, slots=True)
class Form:
    """A form in which a graph is handed out: `suffix` of its address, media type, what people call it."""

    suffix: str
    media_type: str
    title: str
    syntax: RdfFormat


FORMS: Mapping[str, Form] = {
    one.suffix: one
    for one in (
        Form("jsonld", "application/ld+json", "JSON-LD", RdfFormat.JSON_LD),
        Form("ttl", "text/turtle", "Turtle", RdfFormat.TURTLE),
        Form("nt", "application/n-triples", "N-Triples", RdfFormat.N_TRIPLES),
        Form("rdf", "application/rdf+xml", "RDF/XML", RdfFormat.RDF_XML),
    )
}


class Unwritable(Invalid):
    """A graph cannot be told in the form that was asked for."""


def form_of(name: str) -> Form | None:
    """The form of that suffix or media type."""
    return FORMS.get(name) or next((form for form in FORMS.values() if form.media_type == name), None)


def of_document(document: Mapping[str, Any], base: str, *, thing: str = "", passing_over: bool = False) -> tuple[Triple, ...]:
    """The triples of a JSON-LD document, in the order of N-Triples. `thing` is the IRI of what it describes, against which
    relative addresses are read; graphs inside it count as part of it. Raises NoGraph, UnknownContext."""
    whole = contexts.inlined(document, base, passing_over=passing_over)
    try:
        quads = list(parse(json.dumps(whole), format=RdfFormat.JSON_LD, base_iri=thing or base))
    except (SyntaxError, ValueError, RecursionError) as error:
        raise NoGraph(f"The document cannot be read as JSON-LD: {str(error)[:300]}.") from error
    return _settled((quad.triple for quad in quads), thing or base)


def of_text(data: bytes, form: Form, base: str) -> tuple[Triple, ...]:
    """The triples of a file in that form; JSON-LD by the contexts that come with the hub. Raises NoGraph, UnknownContext."""
    if form.syntax == RdfFormat.JSON_LD:
        try:
            document = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise NoGraph(f"This is not JSON: {str(error)[:200]}.") from error
        return of_document(document if isinstance(document, dict) else {"@graph": document}, base)
    try:
        return _settled((quad.triple for quad in parse(data, format=form.syntax, base_iri=base)), base)
    except (SyntaxError, ValueError) as error:
        raise NoGraph(f"This is not {form.title}: {str(error)[:300]}.") from error


def text(triples: Iterable[Triple], form: Form, base: str = "") -> bytes:
    """The graph in that form, in UTF-8. Raises Unwritable where RDF/XML cannot say it."""
    told = list(triples)
    if form.syntax == RdfFormat.RDF_XML:
        _check_xml(told)
    prefixes = {**PREFIXES, **({"hub": f"{base}/ns#"} if base else {})}
    used = {name: iri for name, iri in prefixes.items() if any(_names(triple, iri) for triple in told)}
    return serialize(told, format=form.syntax, prefixes=used) or b""


def as_json_ld(triples: Iterable[Triple]) -> list[Any]:
    """The graph as expanded JSON-LD."""
    told: list[Any] = json.loads(serialize(triples, format=RdfFormat.JSON_LD) or b"[]")
    return told


def n_quads(triples: Iterable[Triple], graph: str) -> bytes:
    """The lines of a dump: each triple in the named graph of the thing that says it."""
    name = NamedNode(graph)
    quads = (Quad(one.subject, one.predicate, one.object, name) for one in triples)
    return serialize(quads, format=RdfFormat.N_QUADS) or b""


def _names(triple: Triple, iri: str) -> bool:
    return any(isinstance(part, NamedNode) and part.value.startswith(iri) for part in (triple.predicate, triple.object))


def _settled(triples: Iterable[Triple], thing: str) -> tuple[Triple, ...]:
    """The triples in order, with blank nodes named after the thing and their place in the canonical graph."""
    told = list(dict.fromkeys(triples))
    if any(isinstance(part, BlankNode) for one in told for part in (one.subject, one.object)):
        told = list(blank_nodes.named(told, f"b{hashlib.sha256(thing.encode()).hexdigest()[:16]}"))
    return tuple(sorted(told, key=str))


def _check_xml(triples: Iterable[Triple]) -> None:
    for predicate in {one.predicate.value for one in triples}:
        if LOCAL_NAME.search(predicate) is None or not _local_name(predicate):
            raise Unwritable(f"RDF/XML has no way to write the property {predicate[:200]}: ask for Turtle or N-Triples.")
    if any(isinstance(one.object, Literal) and NOT_XML.search(one.object.value) for one in triples):
        raise Unwritable("A text here holds characters that no XML may hold: ask for Turtle or N-Triples.")


def _local_name(iri: str) -> str:
    """What of a property's IRI can be the local name of an element."""
    return re.split(r"[/#:?]", iri)[-1].lstrip("0123456789.-·")


def lines(triples: Iterable[Triple]) -> Iterator[str]:
    """Each triple in N-Triples, without its full stop: for comparing graphs of one thing."""
    return (str(one) for one in triples)
