"""What lies within a distance of a place, in tantivy, which knows ranges of numbers only.

A circle on the sphere is cut along parallels. In each strip one box is wholly inside and one holds all of the circle that
is in the strip; what is in the second and not in the first is measured one by one.
"""

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import tantivy
from tantivy import FieldType, Occur

from app.runtime.search import columns
from app.runtime.search.port import Near

FEW = 20_000  # so many documents are rather measured all
STRIPS = 32
HAIR = 2e-9  # radians, a centimetre: against rounding; what is so near the edge is measured
_Box = tuple[float, float, float, float]  # west, south, east, north in degrees; west may be below -180 and east above 180


def near(query: Near, schema: tantivy.Schema, searcher: tantivy.Searcher) -> tantivy.Query:
    """Those of the searcher's documents whose point is so near."""
    if not (math.isfinite(query.metres) and query.metres >= 0):
        return tantivy.Query.empty_query()
    whole = _any([_query(box, query.field, schema) for _, box in _strips(query, 1)])
    if _count(searcher, whole) <= FEW:
        return _measured(query, whole, schema, searcher)
    strips = list(_strips(query, STRIPS))
    inside = _any([_query(box, query.field, schema) for box, _ in strips if box is not None])
    outside = _any([_query(box, query.field, schema) for _, box in strips])
    doubtful = tantivy.Query.boolean_query([(Occur.Must, outside), (Occur.MustNot, inside)])
    return _any([inside, _measured(query, doubtful, schema, searcher)])


def _measured(query: Near, among: tantivy.Query, schema: tantivy.Schema, searcher: tantivy.Searcher) -> tantivy.Query:
    hits = searcher.search(among, limit=max(_count(searcher, among), 1), count=False).hits
    addresses = [address for _, address in hits]
    sides = [searcher.fast_field_values(query.field + name, addresses) for name in (columns.LATITUDE, columns.LONGITUDE)]
    if not addresses:
        return tantivy.Query.empty_query()
    distances = columns.metres(query.latitude, query.longitude, np.array(sides, np.float64).T)
    keys = [searcher.doc(addresses[index])["key"][0] for index in np.flatnonzero(distances <= query.metres)]
    return tantivy.Query.term_set_query(schema, "key", keys) if keys else tantivy.Query.empty_query()


def _strips(query: Near, number: int) -> Iterator[tuple[_Box | None, _Box]]:
    """Of each strip the box that is wholly inside the circle, if there is one, and the box that holds what is inside."""
    angle = min(query.metres / columns.EARTH_M, math.pi)
    middle = math.radians(query.latitude)
    south, north = max(middle - angle - HAIR, -math.pi / 2), min(middle + angle + HAIR, math.pi / 2)
    edges = [south + (north - south) * step / number for step in range(number + 1)]
    for low, high in pairwise(edges):
        inner = min(_half_widths(middle, low, high, max(angle - HAIR, 0.0)))
        outer = max(_half_widths(middle, low, high, min(angle + HAIR, math.pi)))
        yield (_box(query.longitude, inner, low, high) if inner > 0 else None), _box(query.longitude, outer, low, high)


def _half_widths(middle: float, low: float, high: float, angle: float) -> list[float]:
    """At both edges of the strip, and where a meridian touches the circle in it: the extremes are among them."""
    found = [_half_width(middle, low, angle), _half_width(middle, high, angle)]
    if abs(math.cos(angle)) > HAIR and abs(touching := math.sin(middle) / math.cos(angle)) <= 1:
        latitude = math.asin(touching)
        found += [_half_width(middle, latitude, angle)] if low <= latitude <= high else []
    return found


def _half_width(middle: float, latitude: float, angle: float) -> float:
    """Half of the circle's extent along a parallel, in radians of longitude: 0 where it does not reach it, π all around.

    By the haversine, which unlike the cosine tells small angles apart.
    """
    left = math.sin(angle / 2) ** 2 - math.sin((latitude - middle) / 2) ** 2
    across = math.cos(middle) * math.cos(latitude)
    if left <= 0:
        return 0.0
    return math.pi if left >= across else 2 * math.asin(math.sqrt(left / across))


def _box(longitude: float, half: float, south: float, north: float) -> _Box:
    half = min(math.degrees(half), 180.0)
    margin = 1e-9  # degrees: against the rounding of the edges to degrees and back
    return longitude - half, math.degrees(south) - margin, longitude + half, math.degrees(north) + margin


def _query(box: _Box, field: str, schema: tantivy.Schema) -> tantivy.Query:
    west, south, east, north = box
    parallels = _range(schema, field + columns.LATITUDE, south, north)
    if east - west >= 360:
        return parallels
    sides = [(west, east)]
    if west < -180:
        sides = [(-180.0, east), (west + 360, 180.0)]
    elif east > 180:
        sides = [(west, 180.0), (-180.0, east - 360)]
    meridians = _any([_range(schema, field + columns.LONGITUDE, *side) for side in sides])
    return tantivy.Query.boolean_query([(Occur.Must, parallels), (Occur.Must, meridians)])


def _range(schema: tantivy.Schema, column: str, low: float, high: float) -> tantivy.Query:
    return tantivy.Query.range_query(schema, column, FieldType.Float, low, high)


def _any(parts: list[tantivy.Query]) -> tantivy.Query:
    return tantivy.Query.boolean_query([(Occur.Should, part) for part in parts]) if parts else tantivy.Query.empty_query()


def _count(searcher: tantivy.Searcher, query: tantivy.Query) -> int:
    return searcher.search(query, limit=1).count or 0  # type: ignore[attr-defined]  # the stub of 0.27 lacks it
