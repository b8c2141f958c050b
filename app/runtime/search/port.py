"""The search port: what a document is, our small query tree, and what an engine does with both.

Text is split in Python (`words`) and handed to either engine already split, so that both index the same words.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Literal, Protocol

from app.runtime.errors import Unavailable

Kind = Literal["text", "keyword", "number", "date", "flag"]
Value = str | float | int | bool


@dataclass(frozen=True, slots=True)
class Field:
    """One field of the index. `text` is searched by words; the others are exact, sortable and, as facets, countable."""

    name: str
    kind: Kind
    many: bool = False


@dataclass(frozen=True, slots=True)
class Document:
    """What the index knows of one object. A document without fields is a tombstone and is taken out."""

    key: str
    version: int
    fields: Mapping[str, Value | Sequence[Value]] = field(default_factory=dict)
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Everything:
    """Matches every document."""


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


Query = Everything | Words | Phrase | Prefix | Fuzzy | Term | Range | And | Or | Not


@dataclass(frozen=True, slots=True)
class Sort:
    """By a field (not a text one), or by relevance when `field` is empty. Ties go by key, ascending."""

    field: str = ""
    descending: bool = True


RELEVANCE = Sort()


@dataclass(frozen=True, slots=True)
class Hit:
    """One document found, with its relevance."""

    key: str
    score: float


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one page, the exact number of all, and for each facet asked its values with their counts."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, tuple[tuple[str, int], ...]]


class SearchDown(Unavailable):
    """The search engine does not answer."""


class SearchEngine(Protocol):
    """What both engines do. Writing is the relay's alone; any process may ask."""

    def write(self, documents: Iterable[Document]) -> None:
        """Add, replace or (tombstones) remove, and make it visible; safe to repeat. Older versions never replace newer."""

    def find(
        self,
        query: Query,
        *,
        facets: Sequence[str] = (),
        facet_size: int = 20,
        sort: Sort = RELEVANCE,
        offset: int = 0,
        limit: int = 20,
    ) -> Found:
        """The page of hits from `offset`, exact total, facets ordered by count, then value. Raises SearchDown."""

    def terms(self, field: str, prefix: str, limit: int = 10, *, query: Query) -> tuple[tuple[str, int], ...]:
        """Words of a text field that begin so, with the number of documents that match and hold them, for autocompletion."""

    def versions(self) -> Iterator[tuple[str, int]]:
        """Key and version of every document, by key ascending; read in a stream."""

    def rebuild(self) -> AbstractContextManager["SearchEngine"]:
        """A new, empty index to fill; on leaving without an error it takes the place of the old one in one step."""

    def close(self) -> None:
        """Let go of files and connections."""
