"""The parameters of an address as a question has them; the API and the pages read them alike."""

import math
from collections.abc import Iterable

from annotations.search import query
from annotations.search.values import FIELDS, SHOWN, NotUnderstood
from app.runtime.errors import Invalid
from app.runtime.search.port import And, Query

OWN = (
    "q",
    "type",
    "sort",
    "order",
    "page",
    "limit",
    "facets",
    "facetSize",
    "xywh",
    "bbox",
    "near",
    "cursor",
    "columns",
    "to",
    "least",
)
NAMED = 20  # unknown parameters that an answer names


def chosen(given: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """The values that are asked of each field. Raises NotUnderstood for a field that is misspelled."""
    values: dict[str, list[str]] = {}
    for name, value in given:
        if name in OWN:
            continue
        if name in FIELDS:
            values.setdefault(name, []).append(value)
        elif field := query.misspelled_field(name):
            raise NotUnderstood(f"There is no field {name[:SHOWN]!r}.", field, parameter=name[:SHOWN])
    return values


def ignored(names: Iterable[str]) -> list[str]:
    """Those that mean nothing here."""
    return sorted(name[:SHOWN] for name in names if name not in FIELDS and name not in OWN)[:NAMED]


def box(xywh: str) -> tuple[float, float, float, float] | None:
    """`x,y,width,height` in canvas units; None where it is empty. Raises Invalid."""
    if not xywh:
        return None
    numbers = _numbers(xywh, 4)
    if numbers is None:
        raise Invalid("xywh is four numbers, x,y,width,height in canvas units.", parameter="xywh")
    x, y, width, height = numbers
    return x, y, width, height


def place(bbox: str, near: str) -> Query | None:
    """`west,south,east,north` and `latitude,longitude,metres`, in decimal degrees; both may be asked. Raises Invalid."""
    parts: list[Query] = []
    if bbox:
        corners = _numbers(bbox, 4)
        if corners is None or max(abs(corners[0]), abs(corners[2])) > 180 or not -90 <= corners[1] <= corners[3] <= 90:
            raise Invalid("bbox is four numbers, west,south,east,north in decimal degrees.", parameter="bbox")
        parts.append(query.in_box(*corners))
    if near:
        circle = _numbers(near, 3)
        if circle is None or abs(circle[0]) > 90 or abs(circle[1]) > 180 or circle[2] < 0:
            raise Invalid("near is three numbers, latitude,longitude in decimal degrees and metres.", parameter="near")
        parts.append(query.near(*circle))
    return And(tuple(parts)) if parts else None


def least(text: str) -> float:
    """A cosine from -1 to 1; -1 where it is empty. Raises Invalid."""
    numbers = _numbers(text, 1) if text else [-1.0]
    if numbers is None or not -1 <= numbers[0] <= 1:
        raise Invalid("least is a number from -1 to 1, such as 0.95.", parameter="least")
    return numbers[0]


def _numbers(text: str, number: int) -> list[float] | None:
    try:
        found = [float(part) for part in text.split(",")]
    except ValueError:
        return None
    return found if len(found) == number and all(map(math.isfinite, found)) else None
