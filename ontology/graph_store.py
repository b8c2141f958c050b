"""The graph of all things on disk (Oxigraph): each thing has a named graph, which is called like the thing, and the
default graph holds all of them together, each triple once.

A store is written once, in a folder of its own, and only read afterwards. Questions of others are put to it by
graph_process.py alone, in a process that can be ended.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pyoxigraph import DefaultGraph, NamedNode, Quad, Store, Triple

WHOLE = DefaultGraph()
Difference = Literal["missing", "other", "superfluous"]


@dataclass(frozen=True, slots=True)
class Differing:
    """A thing whose graph is not there, says something else than it should, or is there although the thing is not."""

    iri: str
    how: Difference


def build(folder: Path, graphs: Iterable[tuple[str, Iterable[Triple]]]) -> int:
    """Write a new store of graphs by name, which are taken one by one; how many triples. OSError where the disk is full."""
    store, written = Store(folder), 0

    def quads() -> Iterator[Quad]:
        nonlocal written
        for iri, triples in graphs:
            name = NamedNode(iri)
            for one in triples:
                written += 1
                yield Quad(one.subject, one.predicate, one.object, name)
                yield Quad(one.subject, one.predicate, one.object, WHOLE)

    store.bulk_extend(quads())
    store.optimize()
    store.flush()
    return written


def compare(folder: Path, graphs: Iterable[tuple[str, Iterable[Triple]]]) -> Iterator[Differing]:
    """Where the store differs from what its graphs should be. OSError where it cannot be read."""
    store = Store.read_only(str(folder))
    scratch = Store()
    known: set[int] = set()  # 64 bits of each name: a million take 60 MB
    for iri, triples in graphs:
        known.add(hash(iri))
        held, told = _of(store, NamedNode(iri)), as_stored(triples, scratch)
        if held != told or any(Quad(one.subject, one.predicate, one.object, WHOLE) not in store for one in told):
            yield Differing(iri, "other" if held else "missing")
    for name in store.named_graphs():
        if isinstance(name, NamedNode) and hash(name.value) not in known:
            yield Differing(name.value, "superfluous")


def as_stored(triples: Iterable[Triple], scratch: Store) -> set[Triple]:
    """The triples as a store gives them back, which keeps numbers by their value (0.200 is 0.2). `scratch` is emptied."""
    scratch.clear()
    scratch.extend(Quad(one.subject, one.predicate, one.object, GRAPH) for one in triples)
    return _of(scratch, GRAPH)


GRAPH = NamedNode("urn:scratch")


def _of(store: Store, name: NamedNode) -> set[Triple]:
    return {quad.triple for quad in store.quads_for_pattern(None, None, None, name)}
