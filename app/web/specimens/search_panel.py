"""The panel beside the hits: facets, and ranges with the spread of their numbers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from annotations.search import service as search
from app.runtime.principal import Principal
from app.runtime.search.port import FieldsLacking, SearchEngine
from app.web.specimens.search_question import LABELS, PageQuestion, of_value

BINS = 30
SLIDERS = {"year": ("Year", ""), "length": ("Length", "mm")}


@dataclass(frozen=True, slots=True)
class Value:
    label: str
    count: int
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class Facet:
    """`more` is the address with more values, empty where there are none."""

    name: str
    label: str
    values: tuple[Value, ...]
    more: str

    @property
    def active(self) -> bool:
        return any(value.active for value in self.values)


@dataclass(frozen=True, slots=True)
class Bar:
    """A bin: its place from 0, its height from 0 to 1, and whether it lies in what is asked."""

    place: int
    height: float
    within: bool


@dataclass(frozen=True, slots=True)
class Slider:
    """A range of whole numbers: what there is, and what of it is asked."""

    name: str
    label: str
    unit: str
    least: int
    most: int
    low: int
    high: int
    bars: tuple[Bar, ...]
    active: bool


def facets(counts: Mapping[str, Sequence[tuple[str, int]]], total: int, asked: PageQuestion) -> list[Facet]:
    """The facets that say something: with two values or more, with one that not all of the `total` have, or that was chosen."""
    found = []
    for name, label in LABELS.items():
        values = tuple(
            Value(of_value(name, value), count, asked.toggled(name, value), (name, value) in asked.chosen)
            for value, count in counts.get(name, ())
        )
        if len(values) > 1 or any(value.active or value.count < total for value in values):
            more = f"{asked.href()}{'&' if '?' in asked.href() else '?'}more={name}#facet-{name}" if len(values) == 20 else ""
            found.append(Facet(name, label, values, more))
    return found


def sliders(session: Session, engine: SearchEngine, asked: PageQuestion, by: Principal) -> list[Slider]:
    """Of what is found without the range itself. Raises SearchDown, Invalid."""
    found = []
    for name, (label, unit) in SLIDERS.items():
        without = replace(asked, chosen=tuple(one for one in asked.chosen if one[0] != name))
        tree = search.whole_tree(session, engine, without.asked(1, by))
        try:
            spread = engine.spread(name, tree, BINS)
        except FieldsLacking:
            continue
        if spread is None or spread.low == spread.high:
            continue
        least, most = int(spread.low // 1), int(-(-spread.high // 1))
        written = next((value for field, value in asked.chosen if field == name), "")
        low, high = _ends(written, least, most)
        greatest = max(count for _, count in spread.bins)
        bars = tuple(
            Bar(place, count / greatest, edge + spread.width > low and edge <= high)
            for place, (edge, count) in enumerate(spread.bins)
        )
        found.append(Slider(name, label, unit, least, most, low, high, bars, bool(written)))
    return found


def _ends(written: str, least: int, most: int) -> tuple[int, int]:
    low, dots, high = written.partition("..")
    high = high if dots else low

    def end(text: str, otherwise: int) -> int:
        try:
            return min(max(round(float(text)), least), most)
        except ValueError:
            return otherwise

    return end(low, least), end(high, most)
