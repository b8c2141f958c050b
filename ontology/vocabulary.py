"""The hub's own vocabulary: what no other has a term for."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources

from ontology import rdf

LABELS = ("http://www.w3.org/2000/01/rdf-schema#label", "http://www.w3.org/2004/02/skos/core#prefLabel")
COMMENTS = ("http://www.w3.org/2000/01/rdf-schema#comment", "http://www.w3.org/2004/02/skos/core#definition")
TYPE = "http://www.w3.org/1999/02/22-rdf-syntax-ns#type"
GROUPS: Mapping[str, str] = {
    "http://www.w3.org/2002/07/owl#Class": "Classes",
    "http://www.w3.org/2002/07/owl#ObjectProperty": "Properties that lead to things",
    "http://www.w3.org/2002/07/owl#DatatypeProperty": "Properties with values",
    "http://www.w3.org/ns/oa#Motivation": "Motivations",
    "http://www.w3.org/2004/02/skos/core#ConceptScheme": "Schemes",
    "http://www.w3.org/2004/02/skos/core#Concept": "Concepts",
}


@dataclass(frozen=True, slots=True)
class Term:
    """A term: its name behind `hub:`, its address, what it is, and the others that it stands below or matches."""

    name: str
    iri: str
    group: str
    label: str
    comment: str
    related: tuple[tuple[str, str], ...]


def text(base: str) -> str:
    """The vocabulary in Turtle."""
    return resources.files("ontology").joinpath("vocabulary.ttl").read_text(encoding="utf-8").replace("{base}", base)


@cache
def triples(base: str) -> tuple[rdf.Triple, ...]:
    return rdf.of_text(text(base).encode(), rdf.FORMS["ttl"], f"{base}/ns")


@cache
def terms(base: str) -> tuple[Term, ...]:
    """Each term, by group and name."""
    said: dict[str, dict[str, list[str]]] = {}
    for one in triples(base):
        subject, value = getattr(one.subject, "value", ""), str(getattr(one.object, "value", ""))
        said.setdefault(subject, {}).setdefault(one.predicate.value, []).append(value)
    found = [_term(iri, facts) for iri, facts in said.items() if iri.startswith(f"{base}/ns#")]
    order = list(GROUPS.values())
    return tuple(sorted(found, key=lambda term: (order.index(term.group), term.name.lower())))


def _term(iri: str, facts: Mapping[str, list[str]]) -> Term:
    group = next(title for kind, title in GROUPS.items() if kind in facts[TYPE])
    own = {TYPE, *LABELS, *COMMENTS}
    others = [(name, value) for name, values in facts.items() if name not in own for value in values]
    related = [(name.rpartition("#")[2].rpartition("/")[2], value) for name, value in others]
    return Term(iri.rpartition("#")[2], iri, group, _first(facts, LABELS), _first(facts, COMMENTS), tuple(sorted(related)))


def _first(facts: Mapping[str, list[str]], names: tuple[str, ...]) -> str:
    return next((facts[name][0] for name in names if name in facts), "")
