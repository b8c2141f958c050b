"""What the address of the search page asks: words, chosen values, type, order, view; and the addresses of what is near to it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal, cast, get_args
from urllib.parse import urlencode

from werkzeug.datastructures import MultiDict

from annotations.search import hit_columns, parameters
from annotations.search.documents import ANNOTATION, SEGMENT, SPECIMEN
from annotations.search.query import MOST_PARTS, misspelled_field
from annotations.search.service import Question
from annotations.search.values import FIELDS
from annotations.search.vocabulary import KINDS
from app.runtime.principal import Principal

View = Literal["grid", "list", "table", "map", "timeline"]
VIEWS: Mapping[View, str] = {"grid": "Grid", "list": "List", "table": "Table", "map": "Map", "timeline": "Timeline"}
THINGS = {SPECIMEN: "Specimens", SEGMENT: "Segments", ANNOTATION: "Statements"}
ORDERS: Mapping[str, Mapping[str, str]] = {
    SPECIMEN: {
        "": "Best first", "label": "Name", "catalogNumber": "Number", "eventDate": "Collected, oldest first",
        "-eventDate": "Collected, newest first", "-annotations": "Most statements first", "-modified": "Last changed first",
    },
    SEGMENT: {"": "Best first", "label": "Name", "-modified": "Last changed first"},
    ANNOTATION: {
        "": "Best first", "-confidence": "Surest first", "confidence": "Least sure first", "-value": "Greatest value first",
        "value": "Least value first", "-created": "Newest first",
    },
}  # fmt: skip
LABELS = {
    "scientificName": "Name",
    "family": "Family",
    "genus": "Genus",
    "country": "Country",
    "recordedBy": "Collector",
    "typeStatus": "Type status",
    "institutionCode": "Institution",
    "kind": "What was found",
    "none": "Looked, found nothing",
}
OF_FILTERS = {
    "bbox": "Within", "near": "Near", "eventDate": "Collected", "catalogNumber": "Number", "has": "With", "place": "Place",
    "collector": "Collector", "length": "Length in mm",
}  # fmt: skip
FILTERS = frozenset((*FIELDS, "bbox", "near"))
LONGEST = 1000  # characters of a value; of the words one more, which the search refuses with the reason
RANGES = ("year", "length", "eventDate")  # what has two fields in the panel: `year_from` and `year_to`
_PIECE = re.compile(r'-?(?:[A-Za-z]\w*:)?"[^"]*"?|\S+')


@dataclass(frozen=True, slots=True)
class Chip:
    """A part of the question with the address of the question without it."""

    label: str
    href: str


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """The question of one request: words, chosen values of facets and other filters, page; and how its hits are shown.

    `more` is the facet of which many values are listed.
    """

    q: str
    chosen: tuple[tuple[str, str], ...]
    page: int
    type: str = SPECIMEN
    sort: str = ""
    view: View = "grid"
    columns: tuple[str, ...] = ()
    more: str = ""

    @classmethod
    def of(cls, args: MultiDict[str, str], page: int) -> "PageQuestion":
        """Every parameter that the API takes for a filter, and what is nearly the name of one, to be refused by its name."""
        names = [name for name in args if name in FILTERS or misspelled_field(name)]
        chosen = [(name, value[:LONGEST]) for name in names for value in args.getlist(name)[:MOST_PARTS] if value]
        view = args.get("view", "")
        return cls(
            args.get("q", "").strip()[: LONGEST + 1],
            tuple(chosen),
            page,
            args.get("type", SPECIMEN)[:20],
            args.get("sort", "")[:40],
            cast(View, view) if view in get_args(View) else "grid",
            tuple(dict.fromkeys(name for one in args.getlist("columns") for name in one.split(",") if name))[: hit_columns.MOST],
            args.get("more", "") if args.get("more", "") in LABELS else "",
        )

    def asked(self, size: int, by: Principal) -> Question:
        """Raises Invalid."""
        places = dict(reversed(self.chosen))  # of several the first, as the API and the map take it
        return Question(
            self.q,
            parameters.chosen(self.chosen),
            type=self.type,
            sort=self.sort,
            facets=tuple(LABELS),
            facet_size=200 if self.more else 20,
            page=self.page,
            size=size,
            where=parameters.place(places.get("bbox", ""), places.get("near", "")),
            by=by,
        )

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """The question alone, as parameters that the API takes, too."""
        kind = [("type", self.type)] if self.type != SPECIMEN else []
        return [*([("q", self.q)] if self.q else []), *self.chosen, *kind, *([("sort", self.sort)] if self.sort else [])]

    @property
    def shown(self) -> list[tuple[str, str]]:
        """How its hits are shown."""
        view = [("view", self.view)] if self.view != "grid" else []
        return [*view, *([("columns", ",".join(self.columns))] if self.columns else [])]

    def hidden(self, *without: str) -> list[tuple[str, str]]:
        """What a form sends along that asks for the parameters `without` itself."""
        return [(name, value) for name, value in (*self.pairs, *self.shown) if name not in without]

    def href(self, *, q: str | None = None, chosen: Sequence[tuple[str, str]] | None = None, page: int = 1) -> str:
        """The address of the same question with other words or filters, or of another page."""
        other = replace(self, q=self.q if q is None else q, chosen=self.chosen if chosen is None else tuple(chosen))
        pairs = [*other.pairs, *other.shown, *([("page", str(page))] if page > 1 else [])]
        return "/" + (f"?{urlencode(pairs)}" if pairs else "")

    def json_href(self, size: int) -> str:
        """The address of the same page of hits and the same facets for programs."""
        pairs = [("q", self.q), *self.pairs[bool(self.q) :], ("facets", ",".join(LABELS)), ("limit", str(size))]
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return f"/api/search?{urlencode(pairs)}"

    def download_href(self, form: str) -> str:
        columns = [("columns", ",".join(self.columns))] if self.columns and self.view == "table" else []
        return f"/api/search.{form}?{urlencode([*self.pairs, *columns])}"

    def toggled(self, name: str, value: str) -> str:
        """The address with that value chosen, or no longer chosen."""
        pair = (name, value)
        return self.href(chosen=[one for one in self.chosen if one != pair] + ([] if pair in self.chosen else [pair]))

    def with_one(self, name: str, value: str) -> str:
        """The address with that as the one value of the filter; without it where the value is empty."""
        return self.href(chosen=[*(one for one in self.chosen if one[0] != name), *([(name, value)] if value else [])])

    def having(self, **shown: str) -> str:
        """The address of the same question with another view, type, order or columns."""
        given = {"columns": tuple(filter(None, shown.pop("columns").split(",")))} if "columns" in shown else {}
        return replace(self, **given, **shown).href()  # type: ignore[arg-type]  # names of its own fields

    def pieces(self) -> list[str]:
        """The words and fields that were typed, each with its phrase; one where brackets or OR hold them together."""
        if re.search(r"[()]|\bOR\b", self.q):
            return [self.q]
        return _PIECE.findall(self.q)

    def chips(self) -> list[Chip]:
        """Every part of the question, each to be taken off by itself."""
        pieces = self.pieces()
        typed = [
            Chip(piece, self.href(q=" ".join(other for place, other in enumerate(pieces) if place != index)))
            for index, piece in enumerate(pieces)
        ]
        return [*typed, *(Chip(chip(name, value), self.toggled(name, value)) for name, value in self.chosen)]


def from_panel(args: MultiDict[str, str], asked: PageQuestion) -> str:
    """The address that the fields of a range ask for; empty where none were sent."""
    sent = [name for name in RANGES if f"{name}_from" in args or f"{name}_to" in args]
    if not sent:
        return ""
    chosen = [(name, value) for name, value in asked.chosen if not _is_of_panel(name)]
    for name in sent:
        low, high = (args.get(f"{name}_{end}", "").strip()[:40] for end in ("from", "to"))
        low = "" if _number(low) is not None and _number(low) == _number(args.get(f"{name}_least", "")) else low
        high = "" if _number(high) is not None and _number(high) == _number(args.get(f"{name}_most", "")) else high
        chosen = [one for one in chosen if one[0] != name] + ([(name, f"{low}..{high}")] if low or high else [])
    return asked.href(chosen=chosen)


def _is_of_panel(name: str) -> bool:
    return any(name in (f"{field}_{end}" for end in ("from", "to", "least", "most")) for field in RANGES)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def chip(name: str, value: str) -> str:
    """A chosen value with the name of its field."""
    label = LABELS.get(name) or OF_FILTERS.get(name) or name[:1].upper() + name[1:]
    low, dots, high = value.partition("..")
    told = of_value(name, value)
    if dots:
        told = f"{low} to {high}" if low and high else f"from {low}" if low else f"to {high}"
    return f"{label}: {told}"


def of_value(name: str, value: str) -> str:
    """A value of a facet as people read it."""
    return KINDS.get(value, value) if name in ("kind", "none", "has") else value
