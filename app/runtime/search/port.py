"""The search port: what a document is, our small query tree, and what an engine does with both.

Text is split in Python (`words`) and handed to either engine already split, so that both index the same words.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, Protocol

from app.runtime.errors import Unavailable

Kind = Literal["text", "keyword", "number", "date", "flag", "point", "interval", "vector"]
Value = str | float | int | bool
Held = Value | datetime | Sequence[Value]  # in a field of a document; a date may be a moment
MOST_DIMENSIONS = 4096


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the index. Raise `edition` when what documents say in the field changes: the index is then made anew.

    text      searched by its words
    keyword, number, date, flag   exact, sortable and, but for dates, countable as facets
    point     "latitude,longitude" in decimal degrees (WGS 84), found by `InBox` and `Near`
    interval  ISO 8601, "1899-05/1901", "1887-06-12" or "1900/..": from the first to the last moment of it, found by `Overlaps`
    vector    `dimensions` numbers, of any length but nought; kept as half floats of length 1, found by `nearest`
    """

    name: str
    kind: Kind
    many: bool = False
    dimensions: int = 0
    edition: int = 1

    def __post_init__(self) -> None:
        if self.many and self.kind in ("point", "interval", "vector"):
            raise ValueError(f"{self.name}: a document has one {self.kind} in a field")
        if not (0 < self.dimensions <= MOST_DIMENSIONS if self.kind == "vector" else self.dimensions == 0):
            raise ValueError(f"{self.name}: a vector, and nothing else, has 1 to {MOST_DIMENSIONS} dimensions")


class Shared:
    """Fields that several documents have alike: an engine makes columns of them once for all of these (`columns.of`)."""

    __slots__ = ("fields", "prepared")

    def __init__(self, fields: Mapping[str, Held]) -> None:
        self.fields = fields
        self.prepared: tuple[object, Mapping[str, list[object]]] | None = None  # for which schema, and the columns


@dataclass(frozen=True, slots=True)
class Document:
    """What the index knows of one object. A document without fields is a tombstone and is taken out.

    `shared` says which of the fields other documents have, too, as the very same objects; the document is the same without it.
    """

    key: str
    version: int
    fields: Mapping[str, Held] = field(default_factory=dict)
    deleted: bool = False
    shared: Shared | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Everything:
    """Matches every document."""


EVERYTHING = Everything()


@dataclass(frozen=True, slots=True)
class Words:
    """Every one of the words, in any order, in the text field; `stem` also matches other English endings."""

    field: str
    text: str
    stem: bool = True


@dataclass(frozen=True, slots=True)
class Phrase:
    """The words in this order, next to one another."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Prefix:
    """A word that begins so."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Fuzzy:
    """A word at most `edits` letters (1 or 2) away."""

    field: str
    text: str
    edits: int = 1


@dataclass(frozen=True, slots=True)
class Term:
    """The field has exactly this value, or one of these."""

    field: str
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Range:
    """low <= field <= high; None leaves a side open. Dates are ISO 8601 text."""

    field: str
    low: Value | None = None
    high: Value | None = None


@dataclass(frozen=True, slots=True)
class InBox:
    """The point lies in the box, its edges included; decimal degrees. A box whose west is beyond its east goes over 180°."""

    field: str
    west: float
    south: float
    east: float
    north: float


@dataclass(frozen=True, slots=True)
class Near:
    """The point lies within so many metres along the sphere of radius 6,371,009 m; engines may differ by a metre at the edge."""

    field: str
    latitude: float
    longitude: float
    metres: float


@dataclass(frozen=True, slots=True)
class Overlaps:
    """The interval shares a moment with the one from `low` to `high`, ISO 8601 dates, whole ("1900" ends with its last day).

    None leaves a side open.
    """

    field: str
    low: str | None = None
    high: str | None = None


@dataclass(frozen=True, slots=True)
class And:
    """All of them."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one of them."""

    parts: tuple["Query", ...]


@dataclass(frozen=True, slots=True)
class Not:
    """Not this."""

    part: "Query"


Leaf = Prefix | Fuzzy | Term | Range | InBox | Near | Overlaps  # what a document matches or not, no more and no less
Query = Everything | Words | Phrase | Leaf | And | Or | Not


@dataclass(frozen=True, slots=True)
class Sort:
    """By a field with one value (an interval: its beginning), by relevance if `field` is empty. Ties go by key, ascending."""

    field: str = ""
    descending: bool = True


RELEVANCE = Sort()


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found, with its relevance; `value` is what it was sorted by, as the engine holds that, or None."""

    key: str
    score: float
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class After:
    """A place in the order of a field or of keys: behind the hit of that key with that `value`. It stays while others write."""

    key: str
    value: Value | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one page, the exact number of all, and for each facet that the index has its values with their counts."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, tuple[tuple[str, int], ...]]


@dataclass(frozen=True, slots=True)
class Spread:
    """The least and the greatest of some numbers, and how many lie in each bin `width` wide: its lower edge, and the count."""

    low: float
    high: float
    width: float
    bins: tuple[tuple[float, int], ...]


@dataclass(frozen=True, slots=True)
class Cell:
    """A square on the map by its south-west corner, the mean place of the points in it, and their number; decimal degrees."""

    south: float
    west: float
    latitude: float
    longitude: float
    count: int


@dataclass(frozen=True, slots=True)
class Standing:
    """How the index that answers stands to the fields of this code: there is `none`, it is for `other` ones, or `current`."""

    state: Literal["none", "other", "current"]
    rebuilding: bool


class SearchDown(Unavailable):
    """The search engine does not answer."""


class IndexDamaged(SearchDown):
    """Files of the index cannot be read, or say what cannot be."""

    def __init__(self) -> None:
        super().__init__("The search index is damaged. Nothing else is: `lectotype reindex` makes it anew.")


class IndexMissing(SearchDown):
    """No index stands, though there is something to find or to write."""

    def __init__(self) -> None:
        super().__init__(
            "The search index is not there. Where it does not come by itself soon, `lectotype reindex` makes it anew."
        )


class FieldsLacking(SearchDown):
    """The index is of an earlier version and lacks fields that were asked for; it is being made anew."""

    def __init__(self, names: Collection[str]) -> None:
        plural = "" if len(names) == 1 else "s"
        super().__init__(
            f"The search index is of an earlier version without the field{plural} {', '.join(sorted(names))}. "
            "It is being made anew: ask again in a while, or without that."
        )


class SearchEngine(Protocol):
    """What both engines do. Writing is the relay's alone; any process may ask.

    An index for other fields answers and is written as far as its fields are ours. What asks for a field that it lacks, or
    sorts by it, raises FieldsLacking; of the facets asked, those are left out.
    """

    def write(self, documents: Iterable[Document], *, begin: bool = True) -> None:
        """Add, replace or (tombstones) remove, and make it visible; safe to repeat. Older versions never replace newer.

        Where no index stands one is begun, or IndexMissing raised without `begin`: it would pass for one that knows all.
        """

    def find(
        self,
        query: Query,
        *,
        facets: Sequence[str] = (),
        facet_size: int = 20,
        sort: Sort = RELEVANCE,
        offset: int = 0,
        limit: int = 20,
        after: After | None = None,
    ) -> Found:
        """The page of hits from `offset`, or behind `after` where their order is not that of relevance.

        With the exact total, and facets ordered by count, then value. Raises SearchDown.

        The order by relevance is the engine's own; where documents are equally relevant, and in every other order, it is the
        same on both.
        """

    def scan(self, query: Query, after: str = "") -> Iterator[str]:
        """The key of every document that matches, however many, ascending by its bytes, as of when the first is asked for.

        Memory stays flat. With `after` only those beyond that key, which need not be there: so a scan can go on where another
        ended. Raises SearchDown, also in the middle: Elasticsearch forgets a moment when a rebuild ends.
        """

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        """Words of a text field that begin so, with the number of documents that match and hold them, for autocompletion."""

    def spread(self, field: str, query: Query, bins: int = 24, step: float = 1.0) -> Spread | None:
        """How the numbers of a field are spread over the documents that match, in about so many bins, whole steps wide."""

    def grid(self, field: str, query: Query, degrees: float) -> tuple[Cell, ...]:
        """Where the points of a field lie, of the documents that match, in squares of so many degrees."""

    def nearest(self, field: str, vector: Sequence[float], query: Query = EVERYTHING, limit: int = 10) -> tuple[Hit, ...]:
        """The documents that match whose vectors point most nearly the same way, by their cosine (the score), then key.

        The cosine is that of the vectors as kept, in double precision to six decimals: the same on both engines. Of those that
        are truly nearest, at least 95 % are expected among the answers (recall); all, where few match. Nothing where `vector`
        is none. Raises SearchDown.
        """

    def versions(self) -> Iterator[tuple[str, int]]:
        """Key and version of every document, by key ascending; read in a stream."""

    def rebuild(self) -> AbstractContextManager["SearchEngine"]:
        """A new, empty index to fill; on leaving without an error it takes the place of the old one in one step."""

    def tend(self, stop: Callable[[], bool]) -> None:
        """Work that makes answers faster and that none waits for; it may take minutes, and ends when `stop` says so.

        For one process at a time; killed in the middle it does no harm.
        """

    def lacking(self) -> frozenset[str]:
        """Our fields that the index that stands has not: none, but while one of an earlier version stands. Raises SearchDown."""

    def standing(self) -> Standing:
        """Whether the index is for our fields, and whether one is being made. Raises SearchDown."""

    def close(self) -> None:
        """Let go of files and connections."""
