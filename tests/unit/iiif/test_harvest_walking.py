"""Which manifests a collection leads to, however its pages and collections lie."""

from collections.abc import Iterator
from typing import Any

import pytest

from iiif.harvest.fetching import Fetcher, Rules
from iiif.harvest.walking import DEEPEST, Walk
from tests.museum import Museum, museum


@pytest.fixture
def there() -> Iterator[Museum]:
    with museum() as found:
        yield found


def walked(there: Museum, name: str) -> tuple[list[str], list[str]]:
    """Manifests that are named from there, and addresses of what was not read, without the address of the server."""
    missed: list[str] = []
    walk = Walk(Fetcher(Rules(private=True, pause_s=0)), lambda url, _: missed.append(url.removeprefix(there.address)))
    url = f"{there.address}/{name}"
    found = [one.iri.removeprefix(there.address) for one in walk.references(url, there.things[f"/{name}"])]
    assert walk.is_whole is not bool(missed)
    return found, missed


def collection(there: Museum, name: str, *items: str, **more: Any) -> None:
    """Items whose names begin with m are manifests, others collections."""
    held = [{"id": f"{there.address}/{one}", "type": "Manifest" if one[0] == "m" else "Collection"} for one in items]
    there.things[f"/{name}"] = {"id": f"{there.address}/{name}", "type": "Collection", "items": held, **more}


def test_a_collection_of_more_pages_than_calls_may_be_nested_is_read_to_its_end(there: Museum) -> None:
    for number in range(1_050):
        collection(there, f"p{number}", f"m{number}", next=f"{there.address}/p{number + 1}")
    collection(there, "p1050", "m1050")
    assert walked(there, "p0") == ([f"/m{number}" for number in range(1_051)], [])


def test_collections_are_read_in_their_order_and_each_once(there: Museum) -> None:
    collection(there, "top", "m1", "a", "b", "a", "top")
    collection(there, "a", "m2", "b", "top")
    collection(there, "b", "m1", "m3", "a")
    assert walked(there, "top") == (["/m1", "/m2", "/m3"], [])


def test_collections_that_lie_too_deep_are_told(there: Museum) -> None:
    for number in range(DEEPEST + 2):
        collection(there, f"c{number}", f"m{number}", f"c{number + 1}")
    found, missed = walked(there, "c0")
    assert (found[-1], missed) == (f"/m{DEEPEST}", [f"/c{DEEPEST + 1}"])
