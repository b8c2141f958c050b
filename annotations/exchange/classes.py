"""The table of classes: names, terms and numbers, assigned once and never sorted anew; and how foreign names are mapped.

As CSV it has the columns `number,name,iri,keypoints,skeleton`; a table for imports has `name,class`, where `class` is a name
of the hub's classes, any IRI with or without a label (`iri label`), or `-` for what is to be left out.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from annotations.exchange.losses import Losses
from annotations.exchange.model import Statement
from app.runtime.errors import Invalid
from app.runtime.spreadsheets import csv_line
from ontology.segment_classes import CLASSES

MOST = 65_000
COLUMNS = ("number", "name", "iri", "keypoints", "skeleton")
LEFT_OUT = "-"
PREFIXES: Mapping[str, str] = {
    "accd": "http://rs.tdwg.org/accd/values/",
    "acpart": "http://rs.tdwg.org/acpart/values/",
    "dwc": "http://rs.tdwg.org/dwc/terms/",
}


@dataclass(frozen=True, slots=True)
class ExchangeClass:
    """A class of objects. `number` counts from 1; `skeleton` are pairs of places in `keypoints`, from 1 (COCO)."""

    number: int
    name: str
    iri: str = ""
    keypoints: tuple[str, ...] = ()
    skeleton: tuple[tuple[int, int], ...] = ()


class ClassTable:
    """Classes in the order of their numbers. One that grows takes in every class that it is asked for; a fixed one refuses."""

    def __init__(self, classes: Iterable[ExchangeClass] = (), *, grows: bool = True) -> None:
        self.grows = grows
        self._by_name: dict[str, ExchangeClass] = {}
        self._numbers: set[int] = set()
        self._places: dict[str, int] = {}
        self.highest = 0
        for one in classes:
            self._add(one)

    def __iter__(self) -> Iterator[ExchangeClass]:
        return iter(sorted(self._by_name.values(), key=lambda one: one.number))

    def __len__(self) -> int:
        return len(self._by_name)

    def place_of(self, one: ExchangeClass) -> int:
        """Its place from 0 in the order of numbers; of a table that grows its number less one, as no number is left out there."""
        if self.grows:
            return one.number - 1
        if not self._places:
            self._places = {each.name: place for place, each in enumerate(self)}
        return self._places[one.name]

    def find(self, name: str) -> ExchangeClass | None:
        return self._by_name.get(name)

    def of(self, name: str, iri: str = "", keypoints: tuple[str, ...] = ()) -> ExchangeClass | None:
        """The class of that name, entered where the table grows; None where it does not have it. "" is `object`."""
        name = name or "object"
        known = self._by_name.get(name)
        if known is not None:
            if keypoints and not known.keypoints and self.grows:
                known = ExchangeClass(known.number, name, known.iri, keypoints, known.skeleton)
                self._by_name[name] = known
            return known
        if not self.grows or len(self._by_name) >= MOST:
            return None
        made = ExchangeClass(self.highest + 1, name, iri, keypoints)
        self._add(made)
        return made

    def of_statement(self, one: Statement, losses: Losses, keypoints: tuple[str, ...] = ()) -> ExchangeClass | None:
        """The class of the statement; where there is none, the statement is counted as left out."""
        found = self.of(one.class_name, one.class_iri, keypoints)
        if found is None:
            losses.leave_out(one, f"class {one.class_name or 'object'!r} is not in the table of classes")
        return found

    def _add(self, one: ExchangeClass) -> None:
        if one.name in self._by_name or one.number in self._numbers or one.number < 0 or not one.name:
            raise Invalid(
                f"The class {one.name[:60]!r} or its number {one.number} stands twice in the table.", parameter="classes"
            )
        self._by_name[one.name] = one
        self._numbers.add(one.number)
        self.highest = max(self.highest, one.number)

    def to_csv(self) -> str:
        lines = [csv_line(COLUMNS)]
        for one in self:
            skeleton = " ".join(f"{begin}-{end}" for begin, end in one.skeleton)
            lines.append(csv_line([one.number, one.name, one.iri, " ".join(one.keypoints), skeleton]))
        return "".join(lines)


def read_table(text: str) -> ClassTable:
    """A fixed table of CSV. Raises Invalid."""
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"))))
    if not rows or "name" not in rows[0]:
        raise Invalid("A table of classes is CSV with the columns number, name, iri, keypoints, skeleton.", parameter="classes")
    made = []
    for place, row in enumerate(rows, 1):
        try:
            number = int(row.get("number") or place)
            pairs = [pair.split("-") for pair in (row.get("skeleton") or "").split()]
            skeleton = tuple((int(begin), int(end)) for begin, end in pairs)
        except ValueError as error:
            raise Invalid(f"Row {place} of the table of classes has a number that is none.", parameter="classes") from error
        keypoints = tuple((row.get("keypoints") or "").split())
        made.append(ExchangeClass(number, row["name"] or "", row.get("iri") or "", keypoints, skeleton))
    return ClassTable(made, grows=False)


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a foreign class stands for here: a name, and a term where it has one."""

    name: str
    iri: str = ""


class ClassMap:
    """From foreign names to the hub's. Without an entry a name means the hub's class that is called so, or nothing."""

    def __init__(self, entries: Mapping[str, str] | None = None) -> None:
        self.entries = dict(entries or {})

    @classmethod
    def read(cls, text: str) -> "ClassMap":
        """A table of CSV with the columns name and class. Raises Invalid."""
        rows = list(csv.reader(io.StringIO(text.removeprefix("\ufeff"))))
        if rows and rows[0][:2] == ["name", "class"]:
            rows = rows[1:]
        if any(len(row) < 2 for row in rows if row):
            raise Invalid("A table of classes has two columns, name and class.", parameter="classes")
        entries = {row[0]: row[1].strip() for row in rows if row}
        map_ = cls(entries)
        for name in entries:
            map_.meaning(name)
        return map_

    def meaning(self, name: str) -> Meaning | None:
        """None for what is to be left out. Raises UnknownClass for what has no entry and is no class of the hub, Invalid for an
        entry that is neither."""
        entry = self.entries.get(name)
        if entry is None:
            known = _of_hub(name)
            if known is None:
                raise UnknownClass(name)
            return known
        if entry == LEFT_OUT:
            return None
        iri, _, label = entry.partition(" ")
        if ":" in iri:
            return Meaning(label.strip() or name, full_iri(iri))
        known = _of_hub(entry)
        if known is None:
            raise Invalid(f"{entry[:60]!r} is no class of the hub, no IRI and not {LEFT_OUT!r}.", parameter="classes")
        return known


class UnknownClass(Invalid):
    """A name of a class that nothing maps."""

    def __init__(self, name: str) -> None:
        super().__init__(f"The class {name[:60]!r} is unknown: map it in the table of classes.", parameter="classes")
        self.name = name


def full_iri(iri: str) -> str:
    """The IRI without its prefix, where that is one that we know."""
    prefix, _, rest = iri.partition(":")
    return PREFIXES[prefix] + rest if prefix in PREFIXES else iri


def term_of(name: str) -> str:
    """The term of the hub's class of that name, empty where it is none; terms of the hub's own scheme have no prefix undone."""
    return full_iri(CLASSES[name].term) if name in CLASSES else ""


def _of_hub(name: str) -> Meaning | None:
    for one in CLASSES.values():
        if name.strip().casefold() in (one.name, one.label.casefold(), one.plural.casefold()) or name in (
            one.term,
            full_iri(one.term),
        ):
            return Meaning(one.name, full_iri(one.term))
    return None
