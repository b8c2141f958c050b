"""How segments lie on an image: their size, and whether one lies inside, outside, beside or near another.

The index says which specimens (or segments) have such segments at all and fit the rest of the question. Of these the exact shapes
are read from the database and compared, for MOST of them at most. What that comes to takes the place of the condition.
"""

import operator
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy.orm import Session

from annotations import placing, service
from annotations import store as statements
from annotations.consensus.regions import shape
from annotations.model import Canvas
from annotations.regions import Region
from annotations.search import units
from annotations.search.documents import SEGMENT, SPECIMEN, of_index_key
from annotations.search.placed import RELATION, SEGMENT_FIELD
from annotations.segments import store
from annotations.segments.model import Segment
from annotations.selectors import read
from app.runtime import context, ids
from app.runtime.errors import Invalid, TooMuch
from app.runtime.principal import Principal
from app.runtime.search.port import And, Not, Or, Query, SearchEngine, Term
from iiif.catalogue import service as catalogue

MOST = 10_000  # specimens, or segments, whose shapes are compared for one question
AT_ONCE = 100
NOTHING = And(())
WITHIN = 0.95  # of the area of what lies inside
COMPARE: Mapping[str, Callable[[float, float], bool]] = {
    ">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le, "=": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lying:
    """A segment with its shape, the scale of its image in px/mm (None where it has none), and the specimens that it lies on."""

    segment: Segment
    shape: BaseGeometry
    px_per_mm: float | None
    specimens: frozenset[str]


@dataclass(frozen=True, slots=True)
class Asked:
    """A condition as `placed` writes it: `inside stamp label`, `near stamp label 10.0 mm`, `size stamp > 20.0 mm`."""

    how: str
    one: str
    other: str
    amount: float
    unit: str
    compare: str

    @classmethod
    def parse(cls, written: str) -> "Asked":
        how, one, *rest = written.split(" ")
        if how == "size":
            return cls(how, one, "", float(rest[1]), rest[2], rest[0])
        return cls(how, one, rest[0], float(rest[1]) if len(rest) > 1 else 0.0, rest[2] if len(rest) > 2 else "", "")

    @property
    def classes(self) -> tuple[str, ...]:
        return (self.one, self.other) if self.other else (self.one,)


def resolve(session: Session, engine: SearchEngine, tree: Query, sort: str, by: Principal) -> Query:
    """The question without such conditions. Raises Invalid where specimens or segments are not asked for, TooMuch, SearchDown."""
    asked = sorted(_asked(tree))
    if not asked:
        return tree
    check_type(tree, sort)
    rough = _replaced(tree, lambda written: _possible(Asked.parse(written), sort), lambda _: NOTHING)
    keys = [of_index_key(key)[1] for key in islice(engine.scan(rough), MOST + 1)]
    if len(keys) > MOST:
        things = f"{MOST:,} {sort}s"
        raise TooMuch(f"How segments lie is looked up among {things} at most: narrow the rest of the question.", parameter="q")
    found: dict[str, list[str]] = {written: [] for written in asked}
    for some in (keys[start : start + AT_ONCE] for start in range(0, len(keys), AT_ONCE)):
        _compare(session, some, found, sort, by)
    naan = context.current().addresses.naan
    field = "specimen" if sort == SPECIMEN else "pid"
    held = {written: tuple(one if sort == SPECIMEN else ids.ark(one, naan) for one in found[written]) for written in asked}

    def exact(written: str) -> Query:
        return Term(field, held[written])

    return _replaced(tree, exact, exact)


def check_type(tree: Query, sort: str) -> None:
    """Raises Invalid where specimens or segments are not asked for."""
    if sort not in (SPECIMEN, SEGMENT) and _asked(tree):
        raise Invalid("How segments lie, and how large they are, is asked of specimens or of segments.", parameter="type")


def _compare(session: Session, keys: Sequence[str], found: dict[str, list[str]], sort: str, by: Principal) -> None:
    """Add those of the specimens, or segments, of which each condition holds."""
    conditions = {written: Asked.parse(written) for written in found}
    if sort == SPECIMEN:
        images = {key: [one.key for one in several] for key, several in catalogue.media_of_many(session, keys).items()}
    else:
        images = {row.key: [row.media_key] for row in store.many(session, keys).values()}
    media_keys = sorted({one for several in images.values() for one in several})
    classes = {name for one in conditions.values() for name in one.classes}
    lying = _lying(session, media_keys, classes, by)
    for key, shown in images.items():
        on_it = [one for media_key in shown for one in lying.get(media_key, ()) if sort == SEGMENT or key in one.specimens]
        for written, asked in conditions.items():
            if any(one.segment.key == key or sort == SPECIMEN for one in _holding(asked, on_it)):
                found[written].append(key)


def _lying(session: Session, media_keys: Sequence[str], classes: set[str], by: Principal) -> dict[str, list[Lying]]:
    """The segments of these classes, by image."""
    found: dict[str, list[Lying]] = {}
    for start in range(0, len(media_keys), store.AT_ONCE):
        some = media_keys[start : start + store.AT_ONCE]
        segments = store.of_classes_on(session, some, classes, by)
        targets = statements.targets_of(session, [leader for _, leader in segments])
        places = placing.specimens_of(session, (target for several in targets.values() for target in several))
        scales = service.scale_of(session, some, by=by)
        sizes = {key: Canvas(one.width_px, one.height_px) for key, one in catalogue.media_by_key(session, some).items()}
        for segment, leader in segments:
            on = frozenset(key for target in targets.get(leader, ()) for key in places[target])
            scale = scales.get(segment.media_key)
            region = read(list(segment.selector), sizes[segment.media_key]) or Region(segment.area)
            area = shape(region) or shape(Region(segment.area))
            if area is not None:
                found.setdefault(segment.media_key, []).append(Lying(segment, area, scale.value if scale else None, on))
    return found


def _holding(asked: Asked, lying: Sequence[Lying]) -> Iterator[Lying]:
    """Those of the first class for which it holds with some other one of the second on the same image."""
    for one in lying:
        if one.segment.class_name != asked.one:
            continue
        others = [
            other
            for other in lying
            if other.segment.class_name == asked.other
            and other.segment.media_key == one.segment.media_key
            and other.segment.key != one.segment.key
        ]
        if asked.how == "size":
            holds = _is_so_large(asked, one)
        elif asked.how == "outside":
            holds = bool(others) and not any(shapely.intersects(one.shape, other.shape) for other in others)
        else:
            holds = any(_holds(asked, one, other) for other in others)
        if holds:
            yield one


def _holds(asked: Asked, one: Lying, other: Lying) -> bool:
    if asked.how == "inside":
        return bool(shapely.intersection(one.shape, other.shape).area >= WITHIN * one.shape.area)
    if asked.how == "touching":
        return bool(shapely.intersects(one.shape, other.shape))
    most = _in_px(asked.amount, asked.unit, one.px_per_mm)
    return most is not None and bool(shapely.distance(one.shape, other.shape) <= most)


def _is_so_large(asked: Asked, one: Lying) -> bool:
    """By the longer side of its box, or by its area."""
    if asked.unit.endswith("2"):
        squared = 1.0 if asked.unit == "px2" else _squared(asked.unit, one.px_per_mm)
        return squared is not None and COMPARE[asked.compare](one.shape.area, asked.amount * squared)
    side = _in_px(asked.amount, asked.unit, one.px_per_mm)
    x0, y0, x1, y1 = one.shape.bounds
    return side is not None and COMPARE[asked.compare](max(x1 - x0, y1 - y0), side)


def _in_px(amount: float, unit: str, px_per_mm: float | None) -> float | None:
    """None where the image has no scale."""
    if unit == "px":
        return amount
    return None if px_per_mm is None else amount * units.LENGTHS[unit] * px_per_mm


def _squared(unit: str, px_per_mm: float | None) -> float | None:
    return None if px_per_mm is None else units.AREAS[unit] * px_per_mm**2


def _possible(asked: Asked, sort: str) -> Query:
    """What the index knows of it: that there are segments of the classes, two of them where both are the same."""
    if sort == SEGMENT:
        return Term(SEGMENT_FIELD, (asked.one,))
    if asked.one == asked.other:
        return Term(SEGMENT_FIELD, (f"{asked.one} 2",))
    return And(tuple(Term(SEGMENT_FIELD, (name,)) for name in asked.classes))


def _asked(tree: Query) -> set[str]:
    match tree:
        case And(parts) | Or(parts):
            return set().union(*map(_asked, parts))
        case Not(part):
            return _asked(part)
        case Term(field, values) if field == RELATION:
            return {str(value) for value in values}
        case _:
            return set()


def _replaced(tree: Query, at_most: Callable[[str], Query], at_least: Callable[[str], Query]) -> Query:
    """With what may hold in the place of each condition, or what must hold where it is denied."""
    match tree:
        case And(parts):
            return And(tuple(_replaced(part, at_most, at_least) for part in parts))
        case Or(parts):
            return Or(tuple(_replaced(part, at_most, at_least) for part in parts))
        case Not(part):
            return Not(_replaced(part, at_least, at_most))
        case Term(field, (value,)) if field == RELATION:
            return at_most(str(value))
        case _:
            return tree
