"""What differs between two versions of a statement: words, numbers, shapes, and whatever else it says."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from rapidfuzz.distance import Levenshtein
from sqlalchemy.orm import Session

from annotations import region_measures, targets, validation
from annotations.bodies import several
from annotations.region_text import path, rounded
from annotations.regions import Region
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal

MOST_WORDS = 4_000  # of one side that are compared; a longer text differs as a whole
MOST_FIELDS = 100
WORDS = re.compile(r"\s+|\w+|[^\w\s]")
BY_THE_HUB = ("id", "created", "modified", "confidence", "bodyValue")  # or told as words or numbers
TOLD = ("dwc:assertionValue", "quantity")
How = Literal["equal", "insert", "delete", "replace"]


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words: the same in both, or what stands in one and in the other."""

    how: How
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A number that a body asserts; None where one version has none. `unit` is that of the later version that has one."""

    name: str
    before: float | None
    after: float | None
    unit: str


@dataclass(frozen=True, slots=True)
class ShapeChange:
    """A target whose region differs: canvas units, None for all of what it names. `iou` is the area in common over that of both
    together, None where one of them has no area."""

    position: int
    media_key: str
    before: Region | None
    after: Region | None
    iou: float | None


@dataclass(frozen=True, slots=True)
class FieldChange:
    """Another member, by its path in the document; empty for none."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Difference:
    """Empty parts are the same in both. `words` are all words, where some differ."""

    words: tuple[Piece, ...]
    numbers: tuple[NumberChange, ...]
    shapes: tuple[ShapeChange, ...]
    fields: tuple[FieldChange, ...]


def between(
    session: Session, before: Mapping[str, Any], after: Mapping[str, Any], *, by: Principal, addresses: Addresses
) -> Difference:
    """Of two documents of one statement. Raises Closed, NotYours."""
    texts = validation.text_of(before), validation.text_of(after)
    shapes: tuple[ShapeChange, ...] = ()
    if before.get("target") != after.get("target"):
        shapes = tuple(_shapes(_regions(session, before, by, addresses), _regions(session, after, by, addresses)))
    return Difference(
        words(*texts) if texts[0] != texts[1] else (),
        tuple(_numbers(before, after)),
        shapes,
        tuple(_fields(before, after))[:MOST_FIELDS],
    )


def named(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> tuple[str, ...]:
    """What differs, in words, without looking at shapes themselves; nothing where one of them is a deletion."""
    if before is None or after is None:
        return ()
    parts = {
        "text": validation.text_of(before) != validation.text_of(after),
        "numbers": dict(_asserted(before)) != dict(_asserted(after)),
        "target": before.get("target") != after.get("target"),
        "fields": dict(_flat("", before)) != dict(_flat("", after)),
    }
    return tuple(name for name, differs in parts.items() if differs)


def words(before: str, after: str) -> tuple[Piece, ...]:
    """The fewest words that differ between two texts; spaces and marks are words of their own."""
    old, new = WORDS.findall(before), WORDS.findall(after)
    if max(len(old), len(new)) > MOST_WORDS:
        return (Piece("replace", before, after),)
    found = (
        Piece(cast(How, op.tag), "".join(old[op.src_start : op.src_end]), "".join(new[op.dest_start : op.dest_end]))
        for op in Levenshtein.opcodes(old, new)
    )
    return tuple(found)


def _regions(
    session: Session, document: Mapping[str, Any], by: Principal, addresses: Addresses
) -> dict[int, tuple[str, Region | None]]:
    """Image and region of each target that lies on an image; none where a target cannot be placed any more."""
    try:
        resolved = targets.resolve(session, document["target"], addresses, by, stored=True)
    except Invalid:
        return {}
    return {one.front.position: (one.front.media_key, one.region) for one in resolved if one.front.media_key}


def _shapes(
    before: Mapping[int, tuple[str, Region | None]], after: Mapping[int, tuple[str, Region | None]]
) -> Iterator[ShapeChange]:
    for position in sorted({*before, *after}):
        old, new = before.get(position), after.get(position)
        one, other = old[1] if old else None, new[1] if new else None
        if one == other:
            continue
        media_key = new[0] if new else old[0] if old else ""
        yield ShapeChange(position, media_key, one, other, _iou(one, other) if old and new and old[0] == new[0] else None)


def _iou(one: Region | None, other: Region | None) -> float | None:
    if one is None or other is None or not (one.has_area and other.has_area):
        return None
    return region_measures.iou(one, other)


def _numbers(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[NumberChange]:
    old, new = dict(_asserted(before)), dict(_asserted(after))
    for name in dict.fromkeys((*old, *new)):
        (one, one_unit), (other, other_unit) = old.get(name, (None, "")), new.get(name, (None, ""))
        if (one, one_unit) != (other, other_unit):
            yield NumberChange(name, one, other, other_unit or one_unit)


def _asserted(document: Mapping[str, Any]) -> Iterator[tuple[str, tuple[float, str]]]:
    """The numbers of its bodies by what they measure, with their unit, and its confidence."""
    for place, body in enumerate(several(document.get("body"))):
        if isinstance(body, Mapping) and (number := _number(body.get("dwc:assertionValue"))) is not None:
            unit = body.get("dwc:assertionUnit")
            yield str(body.get("dwc:assertionType") or f"body {place + 1}")[:64], (number, unit if isinstance(unit, str) else "")
    if (confidence := validation.confidence_of(document)) is not None:
        yield "confidence", (confidence, "")


def _number(value: Any) -> float | None:
    try:
        return float(str(value))
    except ValueError:
        return None


def _fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[FieldChange]:
    old, new = dict(_flat("", before)), dict(_flat("", after))
    for name in sorted({*old, *new}):
        if old.get(name, "") != new.get(name, ""):
            yield FieldChange(name, old.get(name, ""), new.get(name, ""))


def _flat(name: str, value: Any) -> Iterator[tuple[str, str]]:
    """The plain values by their path, without what is told as words, numbers or shapes, and what the hub itself writes."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if not name and key == "target":
                yield from _targets(inner)
            elif not (key in TOLD or _is_text(key, value) if name else key in BY_THE_HUB):
                yield from _flat(f"{name}.{key}" if name else key, inner)
    elif isinstance(value, list):
        for place, inner in enumerate(value):
            yield from _flat(f"{name}[{place}]", inner)
    else:
        yield name, str(value)[:1000]


def _targets(target: Any) -> Iterator[tuple[str, str]]:
    """What each target names, without its region, however it is written."""
    for place, one in enumerate(several(target)):
        yield f"target[{place}]", validation.iri_of(one).partition("#")[0]


def _is_text(key: str, body: Mapping[str, Any]) -> bool:
    return key == "value" and isinstance(body.get("value"), str) and "type" in body


def to_json(difference: Difference, addresses: Addresses) -> dict[str, Any]:
    """Under names for programs; shapes as absolute SVG paths in canvas units."""
    return {
        "text": [{"how": one.how, "from": one.before, "to": one.after} for one in difference.words],
        "numbers": [
            {
                "name": one.name,
                "from": one.before,
                "to": one.after,
                "unit": one.unit,
                "difference": None if one.before is None or one.after is None else one.after - one.before,
            }
            for one in difference.numbers
        ],
        "shapes": [
            {
                "target": one.position,
                "image": addresses.pid(one.media_key),
                "from": outline(one.before),
                "to": outline(one.after),
                "iou": None if one.iou is None else round(one.iou, 6),
            }
            for one in difference.shapes
        ],
        "fields": [{"name": one.name, "from": one.before or None, "to": one.after or None} for one in difference.fields],
    }


def outline(region: Region | None) -> str | None:
    """Its rings and lines as absolute SVG path data, a point as a line of no length; None for all of what is named."""
    if region is None:
        return None
    if region.point is not None and not region.rings and not region.lines:
        return path((), ((region.point, region.point),), rounded)
    return path(region.outlines(), region.lines, rounded)
