"""Questions of place and of what lies on an image, as they are written: `near:`, `box:`, `segment:`, `relation:`.

A number of segments is in the index. Their sizes, and how they lie to one another, are looked up in the database for what the
rest of the question finds (`relations`); until then they stand in the tree as a term of the field `RELATION`, which no index has.
"""

import re
from collections.abc import Sequence

from annotations.search import units
from annotations.search.values import SHOWN, NotUnderstood, near_to
from app.runtime.search.port import And, Everything, InBox, Near, Not, Query, Term
from ontology.segment_classes import CLASSES

NEAR, BOX, SEGMENT_FIELD, RELATION = "near", "box", "segment", "relation"
NAMES = (NEAR, BOX, SEGMENT_FIELD, RELATION)
MOST_COUNTED = 50  # segments of a class on one specimen that the index counts one by one
_SEGMENT = re.compile(r"([A-Za-z ]+?)\s*(?:(>=|<=|>|<|=)\s*([\d.]+\s*[A-Za-zµμ]*[2²]?))?")
_RELATED = re.compile(
    r"(?P<one>[A-Za-z ]+?)\s+(?:(?P<how>inside|in|outside|touching)\s+(?P<other>[A-Za-z ]+?)"
    r"|within\s+(?P<far>[\d.]+\s*[A-Za-z]+)\s+of\s+(?P<far_of>[A-Za-z ]+?)"
    r"|near\s+(?P<near>[A-Za-z ]+?)(?:\s+(?P<up_to>[\d.]+\s*[A-Za-z]+))?)"
)
EXAMPLES = '"stamp inside label", "stamp touching label" or "stamp within 10mm of label"'


def asked(name: str, written: str, compare: str) -> Query:
    """Raises NotUnderstood, whose `instead` is a value of the field."""
    if name == SEGMENT_FIELD and compare == ":":
        return _segments(written)
    if compare not in (":", "="):
        raise NotUnderstood(f"{name} has no order: it is asked for with a colon.", written)
    return {NEAR: _near, BOX: _box, SEGMENT_FIELD: _segments, RELATION: _related}[name](written)


def class_named(text: str) -> str:
    """The class of that name or plural. Raises NotUnderstood."""
    lower = " ".join(text.lower().split())
    names = {one: known.name for known in CLASSES.values() for one in (known.name, known.label.lower(), known.plural.lower())}
    if lower in names:
        return names[lower]
    known = ", ".join(CLASSES)
    near = near_to(lower, list(names))
    raise NotUnderstood(f"A segment is one of {known}, not {text[:SHOWN]!r}.", names.get(near, ""))


def _near(written: str) -> Query:
    parts = written.split(",")
    numbers = _numbers(parts[:2])
    far = units.quantity(parts[2]) if len(parts) == 3 else None
    metres = far.times(units.DISTANCES) if far else None
    if numbers is None or metres is None or metres < 0 or abs(numbers[0]) > 90 or abs(numbers[1]) > 180:
        sentence = f'near is a latitude, a longitude and a distance, such as "52.1,5.2,20km", not {written[:SHOWN]!r}.'
        raise NotUnderstood(sentence, f'"{parts[0]},{parts[1]},20km"' if numbers and len(parts) == 2 else "")
    return Near("coordinates", numbers[0], numbers[1], metres)


def _box(written: str) -> Query:
    numbers = _numbers(written.split(","))
    if numbers is not None and len(numbers) == 4:
        west, south, east, north = numbers
        if max(abs(west), abs(east)) <= 180 and -90 <= south <= north <= 90:
            return InBox("coordinates", west, south, east, north)
        if max(abs(west), abs(east)) <= 180 and -90 <= north < south <= 90:
            raise NotUnderstood("The south of a box is not north of its north.", f'"{west:g},{north:g},{east:g},{south:g}"')
    sentence = f'box is west, south, east and north in degrees, such as "4.5,51,6,52.5", not {written[:SHOWN]!r}.'
    raise NotUnderstood(sentence)


def _segments(written: str) -> Query:
    """`stamp`, `stamp>=2`, `stamp<3`, or by size, `stamp>20mm`, `stamp>=40000px2`."""
    if written == "*":
        return Term(SEGMENT_FIELD, tuple(CLASSES))
    match = _SEGMENT.fullmatch(written.strip())
    if match is None:
        sentence = f"segment is a class, how many there are, or how large: stamp, stamp>=2, stamp>20mm; not {written[:SHOWN]!r}."
        raise NotUnderstood(sentence, "stamp")
    try:
        name = class_named(match[1])
    except NotUnderstood as error:
        raise NotUnderstood(error.sentence_alone, error.instead and error.instead + written[match.end(1) :]) from error
    if match[2] is None:
        return Term(SEGMENT_FIELD, (name,))
    size = units.quantity(match[3])
    if size is not None and size.unit:
        if size.unit not in ("px", "px2", *units.LENGTHS, *units.AREAS):
            raise NotUnderstood(f"The size of a segment is in px, mm or cm, or in px², mm² or cm², not in {size.unit}.")
        return Term(RELATION, (f"size {name} {match[2]} {size.number!r} {size.unit}",))
    beyond = 1 if match[2] in (">", "<=", "=") else 0  # these ask whether there is one more
    if size is None or not size.number.is_integer() or size.number + beyond > MOST_COUNTED:
        raise NotUnderstood(f"Segments are counted up to {MOST_COUNTED}; a size has a unit, such as {name}>20mm.", name)
    return _counted(name, match[2], int(size.number))


def _counted(name: str, compare: str, number: int) -> Query:
    def at_least(least: int) -> Query:
        return Term(SEGMENT_FIELD, (name if least == 1 else f"{name} {least}",))

    least, most = {
        ">": (number + 1, None), ">=": (number, None), "<": (0, number - 1), "<=": (0, number), "=": (number, number),
    }[compare]  # fmt: skip
    parts: list[Query] = [at_least(least)] if least > 0 else []
    if most is not None:
        parts.append(Not(at_least(most + 1) if most >= 0 else Everything()))
    if not parts:
        return Everything()
    return parts[0] if len(parts) == 1 else And(tuple(parts))


def _related(written: str) -> Query:
    match = _RELATED.fullmatch(written.strip())
    if match is None:
        raise NotUnderstood(
            f"relation is how two segments lie, such as {EXAMPLES}, not {written[:SHOWN]!r}.", '"stamp inside label"'
        )
    one, other = class_named(match["one"]), class_named(match["other"] or match["far_of"] or match["near"])
    if match["how"]:
        return Term(RELATION, (f"{'inside' if match['how'] == 'in' else match['how']} {one} {other}",))
    far = units.quantity(match["far"] or match["up_to"] or "10mm")
    if far is None or far.unit not in ("px", *units.LENGTHS):
        raise NotUnderstood("How near a segment lies is said in px, mm or cm.", f'"{one} within 10mm of {other}"')
    return Term(RELATION, (f"near {one} {other} {far.number!r} {far.unit}",))


def _numbers(parts: Sequence[str]) -> list[float] | None:
    found = [units.quantity(part) for part in parts]
    return [one.number for one in found if one] if all(one and not one.unit for one in found) and found else None
