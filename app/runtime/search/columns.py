"""Documents and values as both engines hold them, so that neither decides anything by itself.

A text field becomes two columns, its words and their stems; a date becomes milliseconds since 1970 in UTC; a point becomes
its latitude and its longitude, an interval its first and its last millisecond.
"""

import hashlib
import json
import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from app.runtime.search import dates, words
from app.runtime.search.port import (
    And,
    Document,
    Everything,
    Field,
    Held,
    InBox,
    Kind,
    Not,
    Or,
    Overlaps,
    Phrase,
    Query,
    Value,
    Words,
)

LAYOUT = 3  # of the columns; raise it when they change, and every index is made anew
LONGEST_KEYWORD = 1000  # characters
SHORT = 200  # characters of a text whose words are kept, to be used again
STEM, LATITUDE, LONGITUDE, FROM, TO = "_stem", "_latitude", "_longitude", "_from", "_to"
Column = Literal["words", "stems", "keyword", "float", "integer", "flag", "vector"]
Bounds = tuple[str, float | None, float | None]  # a column, at least, at most
EARTH_M = 6_371_008.7714  # mean radius, that of Elasticsearch
_LIMITS = {LATITUDE: 90.0, LONGITUDE: 180.0}


def digest(fields: Sequence[Field]) -> str:
    """Eight hexadecimal characters that change when an index must be made anew."""
    each = sorted([field.name, field.kind, field.many, field.dimensions, field.edition] for field in fields)
    layout = json.dumps([LAYOUT, words.EDITION, words.LONGEST, *each])
    return hashlib.sha256(layout.encode()).hexdigest()[:8]


@cache
def layout(field: Field) -> Mapping[str, Column]:
    """The columns of a field with their types."""
    match field.kind:
        case "text":
            return {field.name: "words", field.name + STEM: "stems"}
        case "point":
            return {field.name + LATITUDE: "float", field.name + LONGITUDE: "float"}
        case "interval":
            return {field.name + FROM: "integer", field.name + TO: "integer"}
        case "number":
            return {field.name: "float"}
        case "date":
            return {field.name: "integer"}
        case "keyword" | "flag" | "vector":
            return {field.name: field.kind}


def first(field: Field) -> str:
    """The column that stands for the field where only one can: it sorts, and there is a value where it has one."""
    return next(iter(layout(field)))


def values(kind: Kind, given: Held) -> list[Any]:
    """The values as the index compares them; what cannot be one (an empty text, a NaN, no date) is left out."""
    many: Sequence[Value | datetime] = (given,) if isinstance(given, str | int | float | datetime) else given
    if kind == "keyword":
        return [text[:LONGEST_KEYWORD] for text in map(str, many) if text]
    return [value for one in many if (value := _value(kind, one)) is not None]


def of(document: Document, fields: Mapping[str, Field]) -> dict[str, list[Any]]:
    """Column name to values, but for vectors. KeyError where a document has a field that the schema lacks."""
    shared = document.shared
    if shared is None:
        return _columns(document.fields.items(), fields)
    if shared.prepared is None or shared.prepared[0] is not fields:
        shared.prepared = (fields, _columns(shared.fields.items(), fields))
    alike, nothing = shared.fields, object()
    own = ((name, given) for name, given in document.fields.items() if alike.get(name, nothing) is not given)
    return {**shared.prepared[1], **_columns(own, fields)}


def _columns(given_fields: Iterable[tuple[str, Held]], fields: Mapping[str, Field]) -> dict[str, list[Any]]:
    columns: dict[str, list[Any]] = {}
    for name, given in given_fields:
        field = fields[name]
        if field.kind == "vector":
            continue
        if field.kind == "text":
            split = [pair for text in values("text", given) if (pair := _split(text))[0]]
            if split:
                columns[name], columns[name + STEM] = [pair[0] for pair in split], [pair[1] for pair in split]
        elif field.kind in ("point", "interval"):
            ends = (point if field.kind == "point" else dates.span)(str(given)) or ()
            columns |= {column: [value] for column, value in zip(layout(field), ends, strict=False)}
        elif (one := _plain(field.kind, given)) is not None:
            columns[name] = [one]
        elif held := values(field.kind, given):
            columns[name] = held if field.many else held[:1]
    return columns


def _plain(kind: Kind, given: Held) -> Any:
    """A value that the index holds as it is given, as most are; None for what `values` has to look at."""
    if type(given) is float:
        return given + 0.0 if kind == "number" and math.isfinite(given) else None
    if type(given) is str:
        return given if kind == "keyword" and given and len(given) <= LONGEST_KEYWORD else None
    if type(given) is bool:
        return given if kind == "flag" else None
    return dates.milliseconds(given) if kind == "date" and isinstance(given, datetime) else None


@lru_cache(maxsize=20_000)
def _split_short(text: str) -> tuple[str, str]:
    split = words.split(text)
    return " ".join(split), " ".join(words.stems(split))


def _split(text: str) -> tuple[str, str]:
    """Its words and their stems. What is short, as names and places are, comes again and is kept."""
    return _split_short(text) if len(text) < SHORT else _split_short.__wrapped__(text)


def vectors(document: Document, fields: Mapping[str, Field]) -> dict[str, NDArray[np.float16]]:
    """Field name to (dimensions,) float16 of length 1; a vector that is none (other dimensions, nought, a NaN) is left out."""
    given = {
        name: unit(given, fields[name].dimensions) for name, given in document.fields.items() if fields[name].kind == "vector"
    }
    return {name: vector.astype(np.float16) for name, vector in given.items() if vector is not None}


def unit(given: Any, dimensions: int) -> NDArray[np.float32] | None:
    """The (dimensions,) float32 vector of length 1 in that direction; None if there is none."""
    try:
        vector = np.asarray(given, np.float64)
    except (TypeError, ValueError):
        return None
    if vector.shape != (dimensions,) or not np.isfinite(vector).all() or not (largest := np.abs(vector).max()):
        return None
    vector = vector / largest
    found: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return found


def point(text: str) -> tuple[float, float] | None:
    """Latitude and longitude of "50.9,4.33", in decimal degrees; None where that is no place on Earth."""
    latitude, _, longitude = text.partition(",")
    north, east = _number(latitude), _number(longitude)
    if north is None or east is None or abs(north) > _LIMITS[LATITUDE] or abs(east) > _LIMITS[LONGITUDE]:
        return None
    return north, east


def bounds(query: InBox | Overlaps) -> list[tuple[Bounds, ...]]:
    """What it asks of the columns: all of one of these. Nothing where an end is no date."""
    if isinstance(query, InBox):
        west, south, east, north = map(float, (query.west, query.south, query.east, query.north))
        parallels, name = (query.field + LATITUDE, south, north), query.field + LONGITUDE
        if west <= east:
            return [(parallels, (name, west, east))]
        return [(parallels, (name, west, None)), (parallels, (name, None, east))]
    low, high = (None if end is None else dates.span(end) for end in (query.low, query.high))
    if (low is None and query.low is not None) or (high is None and query.high is not None):
        return []
    return [((query.field + FROM, None, high[1] if high else None), (query.field + TO, low[0] if low else None, None))]


def metres(latitude: float, longitude: float, others: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N,) distances from a point to (N, 2) latitudes and longitudes, all in decimal degrees, along the sphere (haversine)."""
    here, there = np.radians([latitude, longitude]), np.radians(others)
    half = np.sin((there - here) / 2) ** 2
    angle = half[:, 0] + math.cos(here[0]) * np.cos(there[:, 0]) * half[:, 1]
    found: NDArray[np.float64] = 2 * EARTH_M * np.arcsin(np.sqrt(np.clip(angle, 0, 1)))
    return found


def ranks(query: Query) -> bool:
    """Whether some documents that match are more relevant than others; if not, relevance is the order of keys."""
    match query:
        case Words() | Phrase():
            return True
        case And(parts) | Or(parts):
            return any(ranks(part) for part in parts)
        case Not() | Everything() | _:
            return False


def fields_of(query: Query) -> set[str]:
    """The names of the fields that it asks for."""
    match query:
        case And(parts) | Or(parts):
            return set().union(*map(fields_of, parts))
        case Not(part):
            return fields_of(part)
        case Everything():
            return set()
        case _:
            return {query.field}


def cosines(vector: NDArray[np.float32], held: NDArray[np.float16]) -> NDArray[np.float64]:
    """(N,) cosines of the angles between the (dimensions,) vector of length 1 and these (N, dimensions) ones, to six decimals.

    Summed in double precision one vector at a time, so that the same vectors give the same bits wherever they are kept: with
    singles the engines differ in the seventh decimal, and no rounding makes numbers equal that lie about its edge.
    """
    exact, asked = held.astype(np.float64), vector.astype(np.float64)
    found: NDArray[np.float64] = np.round((exact * asked).sum(axis=1) / np.sqrt((exact * exact).sum(axis=1)), 6) + 0.0
    return found


def slack(dimensions: int) -> float:
    """By so much two cosines that were measured in singles, or rounded to six decimals, may be in the wrong order."""
    return 2e-6 + 2 * dimensions * float(np.finfo(np.float32).eps)


def facet_value(value: object) -> str:
    """A facet's value as text: 1890 rather than 1890.0, and true or false."""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _value(kind: Kind, value: Value | datetime) -> Any:
    match kind:
        case "text":
            return str(value) or None
        case "keyword":
            return str(value)[:LONGEST_KEYWORD] or None
        case "number":
            return _number(value)
        case "date":
            return dates.milliseconds(value) if isinstance(value, datetime) else dates.moment(str(value))
        case "flag":
            return value if isinstance(value, bool) else str(value).lower() in ("true", "1", "yes")
        case "point" | "interval" | "vector":
            raise ValueError(f"a {kind} is no single value")


def _number(value: Value | datetime) -> float | None:
    try:
        number = float(value)  # type: ignore[arg-type]  # a moment is none either
    except (ValueError, OverflowError, TypeError):
        return None
    return number + 0.0 if math.isfinite(number) else None  # -0.0 + 0.0 is 0.0
