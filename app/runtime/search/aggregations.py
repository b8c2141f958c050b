"""How numbers are spread, and where points lie: asked of both engines in Elasticsearch's aggregation JSON, as facets are."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from app.runtime.search.columns import LATITUDE, LONGITUDE
from app.runtime.search.port import Cell, Spread

Ask = Callable[[Mapping[str, Any]], Mapping[str, Any]]


def spread(ask: Ask, column: str, bins: int, step: float) -> Spread | None:
    """Of the numbers in a column; None where there are none. Bins are 1, 2, 5, 10, 20… steps wide."""
    ends = ask({"low": {"min": {"field": column}}, "high": {"max": {"field": column}}})
    low, high = ends["low"]["value"], ends["high"]["value"]
    if low is None or high is None:
        return None
    width = step * _round((high - low + step) / (bins * step))
    first = width * (low // width)
    edges = [first + width * number for number in range(bins + 2) if first + width * number <= high + width]
    ranges = [{"key": str(index), "from": edge, "to": edge + width} for index, edge in enumerate(edges[:-1])]
    counted = {
        bucket["key"]: int(bucket["doc_count"])
        for bucket in ask({"bins": {"range": {"field": column, "ranges": ranges}}})["bins"]["buckets"]
    }
    return Spread(low, high, width, tuple((edge, counted.get(str(index), 0)) for index, edge in enumerate(edges[:-1])))


def _round(least: float) -> float:
    """The least of 1, 2, 5, 10, 20, 50, … that is no less; the logarithm of what is hardly more than a power is that of it."""
    power = 10.0 ** max(0, math.ceil(math.log10(max(least, 1))) - 1)
    return next(number for number in (power, 2 * power, 5 * power, 10 * power, 20 * power) if number >= least)


def grid(ask: Ask, field: str, degrees: float) -> tuple[Cell, ...]:
    """Of the points in a field: the middle and the number of those in each square of so many degrees that has any."""
    latitude, longitude = field + LATITUDE, field + LONGITUDE
    middle = {"latitude": {"avg": {"field": latitude}}, "longitude": {"avg": {"field": longitude}}}
    across = {"histogram": {"field": longitude, "interval": degrees, "min_doc_count": 1}, "aggs": middle}
    down = {"histogram": {"field": latitude, "interval": degrees, "min_doc_count": 1}, "aggs": {"across": across}}
    found = ask({"down": down})["down"]["buckets"]
    return tuple(
        Cell(row["key"], cell["key"], cell["latitude"]["value"], cell["longitude"]["value"], int(cell["doc_count"]))
        for row in found
        for cell in row["across"]["buckets"]
        if cell["doc_count"]
    )
