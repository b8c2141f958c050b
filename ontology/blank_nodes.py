"""Names for the blank nodes of a graph: the canonical ones (RDFC-1.0) where finding them is cheap.

The canonical algorithm tries the orders of nodes that look alike, which are more than any patience for a graph that was made for
that (RDF Dataset Canonicalization, 7.1, "Dataset Poisoning"). The blank nodes of such a graph are named by their place in it.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import factorial

from pyoxigraph import BlankNode, CanonicalizationAlgorithm, Dataset, DefaultGraph, Literal, NamedNode, Quad, Triple

MOST_ORDERS = 20_000
LARGEST = 8  # nodes that look alike and hang together; the orders of more are too many by themselves
Node = NamedNode | BlankNode | Literal | Triple


def named(triples: Sequence[Triple], prefix: str) -> set[Triple]:
    """The triples with blank nodes of that prefix and a number. `triples` hold none twice; their order counts where the
    canonical names are too dear."""
    if _orders(triples) <= MOST_ORDERS:
        dataset = Dataset(Quad(one.subject, one.predicate, one.object, DefaultGraph()) for one in triples)
        dataset.canonicalize(CanonicalizationAlgorithm.RDFC_1_0)
        return {_renamed(quad.triple, prefix, {}) for quad in dataset}
    nodes = dict.fromkeys(part for one in triples for part in (one.subject, one.object) if isinstance(part, BlankNode))
    numbers = {node: str(number) for number, node in enumerate(nodes)}
    return {_renamed(one, prefix, numbers) for one in triples}


def _orders(triples: Sequence[Triple]) -> int:
    """About how many orders the canonical algorithm tries: those of each group of nodes that look alike and hang together."""
    said: defaultdict[BlankNode, list[str]] = defaultdict(list)
    for one in triples:
        for node in {part for part in (one.subject, one.object) if isinstance(part, BlankNode)}:
            said[node].append(f"{_seen(one.subject, node)} {one.predicate} {_seen(one.object, node)}")
    looks = {node: hashlib.sha256("\n".join(sorted(lines)).encode()).digest() for node, lines in said.items()}
    counts: defaultdict[bytes, int] = defaultdict(int)
    for look in looks.values():
        counts[look] += 1
    alike = {node for node, look in looks.items() if counts[look] > 1}
    near: dict[BlankNode, set[BlankNode]] = {node: set() for node in alike}
    for one in triples:
        if one.subject in near and one.object in near:
            near[one.subject].add(one.object)  # type: ignore[index, arg-type]  # nodes of `near` are blank
            near[one.object].add(one.subject)  # type: ignore[index, arg-type]
    return sum(factorial(size) if size <= LARGEST else MOST_ORDERS + 1 for size in _sizes(near))


def _sizes(near: Mapping[BlankNode, set[BlankNode]]) -> list[int]:
    """Of each group that hangs together how many it holds."""
    found, left = [], set(near)
    while left:
        waiting, size = [left.pop()], 0
        while waiting:
            size += 1
            beside = near[waiting.pop()] & left
            left -= beside
            waiting.extend(beside)
        found.append(size)
    return found


def _seen(part: Node, node: BlankNode) -> str:
    """As RDFC-1.0 looks at a node first (4.6): itself, any other blank node, or what is no blank node."""
    return str(part) if not isinstance(part, BlankNode) else "_:a" if part == node else "_:z"


def _renamed(triple: Triple, prefix: str, numbers: Mapping[BlankNode, str]) -> Triple:
    subject, value = (
        BlankNode(f"{prefix}{numbers.get(part) or part.value.removeprefix('c14n')}") if isinstance(part, BlankNode) else part
        for part in (triple.subject, triple.object)
    )
    return Triple(subject, triple.predicate, value)  # type: ignore[arg-type]  # a subject stays one
