"""Facets of both engines, asked in Elasticsearch's aggregation JSON, which tantivy reads too."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from app.runtime.search import columns

MOST = 10_000  # values of one facet that are ever fetched
Counted = dict[str, tuple[tuple[str, int], ...]]


def count(ask: Callable[[Mapping[str, Any]], Mapping[str, Any]], names: Sequence[str], size: int) -> Counted:
    """The `size` most frequent values of each, by count, then value.

    `ask` takes aggregations and gives what they found. So that the cut falls alike on every engine, more values are
    fetched as long as the last one fetched is as frequent as the last one wanted.
    """
    asked, missing, counted = size * 2 + 20, list(names), Counted()
    while missing:
        found = ask({name: {"terms": {"field": name, "size": asked, "shard_size": MOST}} for name in missing})
        for name in list(missing):
            buckets = found[name]["buckets"]
            if len(buckets) < asked or asked == MOST or buckets[-1]["doc_count"] < buckets[size - 1]["doc_count"]:
                values = [(_value(bucket), int(bucket["doc_count"])) for bucket in buckets]
                counted[name] = tuple(sorted(values, key=lambda pair: (-pair[1], pair[0]))[:size])
                missing.remove(name)
        asked = min(asked * 8, MOST)
    return counted


def _value(bucket: Mapping[str, Any]) -> str:
    """Numbers as 1890 rather than 1890.0, flags as true or false."""
    if bucket.get("key_as_string") in ("true", "false"):
        return str(bucket["key_as_string"])
    return columns.facet_value(bucket["key"])
