"""Statements whose JSON-LD was made to be read by nobody hinder no page and no dump."""

from typing import Any

import pytest

from app.discovery import dump as dumps
from tests.sheets import ANNO, Hub, comment

NAMES = [f"_:n{number}" for number in range(12)]
EVERYONE = [{"id": name, "http://a.example/b": [{"id": other} for other in NAMES if other != name]} for name in NAMES]
UNREADABLE: list[dict[str, Any]] = [
    {"@context": [ANNO, *({"a": "http://a.example/"} for _ in range(40))]},
    {"@context": [ANNO, {"a": 5}]},
    {"http://a.example/": {"@value": "x", "@type": "foo bar"}},
]


def test_a_dump_holds_the_other_things_where_a_statement_is_no_rdf(hub: Hub, canvas: str) -> None:
    for more in UNREADABLE:
        made = hub.post({**comment(canvas), **more})
        assert made.status_code == 201
        key = made.headers["Location"].rpartition("/")[2]
        page = hub.get(f"{hub.addresses.pid(key)}.html")
        assert (page.status_code, "cannot be read as RDF" in page.get_data(as_text=True)) == (200, True)
    made_whole = dumps.write(hub.runtime)
    assert (made_whole.unreadable, made_whole.things["annotation"]) == (3, 3)
    assert made_whole.things["specimen"] == 1


@pytest.mark.parametrize("form", ["ttl", "html"])
def test_a_statement_whose_nodes_are_all_alike_is_told_at_once(hub: Hub, canvas: str, form: str) -> None:
    key = hub.post(comment(canvas, **{"http://a.example/c": EVERYONE})).headers["Location"].rpartition("/")[2]
    assert hub.get(f"{hub.addresses.pid(key)}.{form}").status_code == 200
