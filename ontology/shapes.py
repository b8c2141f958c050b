"""SHACL: what graphs must and should say, and what one says amiss, as sentences."""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import pyshacl
from rdflib import Graph
from rdflib.namespace import SH
from rdflib.term import Node

from ontology import rdf

Severity = Literal["violation", "warning"]
LONGEST = 200  # characters of a node or value in a sentence


@dataclass(frozen=True, slots=True)
class Fault:
    """What is amiss: of which node, of which property (empty for the whole), and the value that is there (empty for none)."""

    severity: Severity
    node: str
    path: str
    value: str
    sentence: str

    def __str__(self) -> str:
        where = f" ({self.path})" if self.path else ""
        value = f" It is {self.value}." if self.value and self.value != self.node else ""
        return f"{self.node}: {self.sentence}{where}{value}"


def text(base: str) -> str:
    """The shapes in Turtle, with `hub:` bound to that hub's vocabulary."""
    return resources.files("ontology").joinpath("shapes.ttl").read_text(encoding="utf-8").replace("{base}", base)


@cache
def _shapes(base: str) -> Graph:
    return Graph().parse(data=text(base), format="turtle")


def check(triples: Iterable[rdf.Triple], base: str) -> tuple[Fault, ...]:
    """What the graph says amiss by the shapes, violations first."""
    graph = Graph().parse(data=rdf.text(triples, rdf.FORMS["nt"]), format="nt")
    _, told, _ = pyshacl.validate(graph, shacl_graph=_shapes(base), inference="none", advanced=False)
    if not isinstance(told, Graph):
        raise TypeError("the validator gave no report")
    faults = [_fault(told, result) for result in told.objects(None, SH.result)]
    return tuple(sorted(faults, key=lambda one: (one.severity != "violation", one.node, one.path, one.sentence)))


def _fault(told: Graph, result: Node) -> Fault:
    def said(name: Node) -> str:
        found = told.value(result, name)
        return "" if found is None else str(found)[:LONGEST]

    severity: Severity = "violation" if told.value(result, SH.resultSeverity) == SH.Violation else "warning"
    path = said(SH.resultPath)
    path = path if path.startswith(("http://", "https://")) else ""
    return Fault(severity, said(SH.focusNode), path, said(SH.value), said(SH.resultMessage))
