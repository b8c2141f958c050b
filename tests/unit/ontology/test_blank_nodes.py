"""Blank nodes have the same names whenever a document is read, and a graph that was made to be dear is not."""

from typing import Any

import pytest
from pyoxigraph import BlankNode

from ontology import contexts, rdf

BASE = "https://herbarium.example"
THING = f"{BASE}/ark:99999/a1"
SAID = "https://herbarium.example/said"


def annotation(bodies: list[dict[str, Any]]) -> dict[str, Any]:
    return {"@context": contexts.ANNO, "id": THING, "type": "Annotation", "body": bodies, "target": f"{BASE}/t"}


def everyone_names_everyone(number: int) -> dict[str, Any]:
    names = [f"_:n{one}" for one in range(number)]
    return annotation([{"id": name, SAID: [{"id": other} for other in names if other != name]} for name in names])


def equal_children(number: int) -> dict[str, Any]:
    return annotation([{SAID: {SAID: [{} for _ in range(number)]}} for _ in range(2)])


@pytest.mark.parametrize("document", [everyone_names_everyone(12), equal_children(12)])
def test_a_graph_with_more_orders_than_can_be_tried_is_read_all_the_same_and_always_alike(document: dict[str, Any]) -> None:
    """The canonical algorithm would not end while anybody waits."""
    told = rdf.of_document(document, BASE, thing=THING)
    assert told == rdf.of_document(document, BASE, thing=THING)
    nodes = {part for one in told for part in (one.subject, one.object) if isinstance(part, BlankNode)}
    assert len(nodes) == (12 if document["body"][0].get("id") else 2 + 2 + 24)


def test_names_follow_from_the_graph_and_not_from_the_order_of_a_document() -> None:
    bodies = [{"type": "TextualBody", "value": text, SAID: {SAID: "x"}} for text in ("a", "b", "c")]
    told = rdf.of_document(annotation(bodies), BASE, thing=THING)
    assert told == rdf.of_document(annotation(bodies[::-1]), BASE, thing=THING)
    assert rdf.of_document(annotation([{SAID: {}}] * 200), BASE, thing=THING)
