"""Combined search: the engine says which, the database says what they are."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from annotations.search import audience, cursors, items, query, relations
from annotations.search.documents import ANNOTATION, FULL, SEGMENT, SPECIMEN, index_key, of_index_key
from annotations.search.schema import BY_NAME, TERM_WORDS, THING
from annotations.search.snippets import Quote
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, TooMuch
from app.runtime.principal import NOBODY, Principal
from app.runtime.search import columns
from app.runtime.search.port import RELEVANCE, And, Hit, Query, SearchEngine, Sort, Term
from iiif.catalogue import service as catalogue

KINDS_OF_THINGS = (SPECIMEN, ANNOTATION, SEGMENT)
TYPES = (*KINDS_OF_THINGS, "all")
AWAITED = ("media",)  # types that will be found, and are not indexed yet
FACETS = ("family", "genus", "country", "recordedBy", "typeStatus", "institutionCode", "kind", "none", "year")
DEEPEST = 10_000  # hits that paging by numbers or by relevance reaches
MOST_BESIDE = 5_000  # specimens that statements on a batch of them may lie on


@dataclass(frozen=True, slots=True)
class Question:
    """One question: who asks, what was typed, values per field, which type of thing, in which order, which page (from 1)."""

    q: str = ""
    chosen: Mapping[str, Sequence[str]] | None = None
    type: str = SPECIMEN
    sort: str = ""
    facets: Sequence[str] = FACETS
    facet_size: int = 20
    page: int = 1
    size: int = 24
    box: tuple[float, float, float, float] | None = None  # x, y, width, height in canvas units
    where: Query | None = None  # a place, see `query.in_box` and `query.near`
    cursor: str = ""  # where the page before ended; instead of `page`
    by: Principal = NOBODY

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size

    @property
    def identity(self) -> str:
        """What a cursor belongs to: all but the page and what is counted beside it."""
        chosen = sorted((name, sorted(values)) for name, values in (self.chosen or {}).items())
        return repr((self.q, chosen, self.type, self.sort, self.box, self.where))


@dataclass(frozen=True, slots=True)
class SpecimenHit:
    """A specimen found; `snippet` shows where, as HTML, and is empty where only facets were asked for."""

    key: str
    snippet: Markup


@dataclass(frozen=True, slots=True)
class Specimens:
    """A page of specimens."""

    hits: tuple[SpecimenHit, ...]
    facets: Mapping[str, Sequence[tuple[str, int]]]
    total: int


@dataclass(frozen=True, slots=True)
class QuestionAnswer:
    """A page of JSON objects, ready to be sent; `cursor` leads to the next page, and is empty on the last one."""

    items: list[dict[str, Any]]
    facets: Mapping[str, Sequence[tuple[str, int]]]
    total: int
    cursor: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """The hits of one page, and the cursor behind the last of them, empty where none follow."""

    hits: tuple[Hit, ...]
    total: int
    facets: Mapping[str, Sequence[tuple[str, int]]]
    cursor: str


def specimens(session: Session, engine: SearchEngine, asked: Question) -> Specimens:
    """For pages: keys, quotations, facets. Raises SearchDown, Invalid, TooMuch."""
    found, tree = find(session, engine, asked)
    keys = [key_of(hit) for hit in found.hits]
    known = catalogue.specimens_by_key(session, keys)
    media = catalogue.media_of_many(session, keys)
    quoted = items.quote_specimens(session, engine, known, media, tree, asked.by)
    hits = tuple(SpecimenHit(key, _markup(quoted.get(key))) for key in keys if key in known)
    return Specimens(hits, found.facets, found.total)


def search(session: Session, engine: SearchEngine, asked: Question, addresses: Addresses) -> QuestionAnswer:
    """For `/api/search`. Raises SearchDown, Invalid, TooMuch."""
    found, tree = find(session, engine, asked)
    found_items = items.items_of(session, engine, [hit.key for hit in found.hits], tree, asked.by, addresses)
    return QuestionAnswer(found_items, found.facets, found.total, found.cursor)


def find(session: Session, engine: SearchEngine, asked: Question) -> tuple[Page, Query]:
    """The hits, and the tree of the words that were typed. Raises SearchDown, Invalid, TooMuch."""
    check_type(asked.type)
    for name in asked.facets:
        query.check_field(name)
        if name not in BY_NAME or BY_NAME[name].kind not in ("keyword", "number", "flag"):
            raise Invalid(f"{name} cannot be counted.", parameter="facets")
    tree, typed = _tree(session, engine, asked)
    found = _page(engine, tree, asked)
    if not found.total:
        audience.check_index(session, engine)
    return found, typed


def _page(engine: SearchEngine, tree: Query, asked: Question) -> Page:
    """One hit more is asked for than is shown, to know whether any follow."""
    sort, place = sort_of(asked.sort), None
    if asked.cursor:
        place = cursors.read(asked.cursor, asked.identity, BY_NAME[sort.field].kind if sort.field else None)
    by_relevance = not sort.field and columns.ranks(tree)
    number = place.number if place else asked.offset
    if number + asked.size > DEEPEST and (by_relevance or place is None):
        raise TooMuch(
            f"{'Relevance' if by_relevance else 'Paging by numbers'} reaches the first {DEEPEST:,} of what is found: sort by a "
            "field and follow `next`, download all, or narrow the search.",
            parameter="cursor" if place else "page",
        )
    offset = max(0, number - cursors.AROUND) if place and by_relevance else number
    found = engine.find(
        tree,
        facets=asked.facets,
        facet_size=asked.facet_size,
        sort=sort,
        offset=offset,
        limit=number - offset + asked.size + 1,
        after=place.after if place and not by_relevance else None,
    )
    hits = cursors.behind(found.hits, place, offset) if place and by_relevance else found.hits
    shown = tuple(hits[: asked.size])
    last = number + len(shown)
    follows = len(hits) > asked.size and not (by_relevance and last + asked.size > DEEPEST)
    return Page(shown, found.total, found.facets, cursors.written(shown[-1], last, asked.identity) if follows else "")


def scan(session: Session, engine: SearchEngine, asked: Question, *, after: str = "") -> Iterator[str]:
    """The key of every specimen (annotation, segment: `asked.type`) found, however many, ascending; not heeded: sort and page.

    The session is used at once and no more, and memory stays flat. The keys are those of the moment when the first is asked for,
    and with `after` those beyond that key. Raises SearchDown, also in the middle, and Invalid, also for "all" types of things.
    """
    check_type(asked.type)
    if asked.type not in KINDS_OF_THINGS:
        raise Invalid(f"All keys are those of one type of thing: {', '.join(KINDS_OF_THINGS)}.", parameter="type")
    tree, _ = _tree(session, engine, asked)
    audience.check_index(session, engine)
    return (of_index_key(key)[1] for key in engine.scan(tree, _beyond(asked.type, after)))


def whole_tree(session: Session, engine: SearchEngine, asked: Question) -> Query:
    """All that is asked, of the documents that are for who asks. Raises Invalid, SearchDown."""
    return _tree(session, engine, asked)[0]


def statements_on(session: Session, engine: SearchEngine, asked: Question, keys: Sequence[str]) -> dict[str, int | None]:
    """How many statements on each of these specimens answer the same question by themselves.

    None where an index of an earlier version cannot tell, as it does not know what lies on a specimen.
    """
    if "specimen" in engine.lacking():
        return dict.fromkeys(keys)
    tree = And((whole_tree(session, engine, replace(asked, type=ANNOTATION)), Term("specimen", tuple(keys))))
    counted = dict(engine.find(tree, facets=("specimen",), facet_size=MOST_BESIDE, limit=1).facets.get("specimen", ()))
    if len(counted) < MOST_BESIDE:
        return {key: counted.get(key, 0) for key in keys}
    return {
        key: engine.find(And((tree, Term("specimen", (key,)))), limit=1).total for key in keys
    }  # drawers with very many beside


def _beyond(sort: str, key: str) -> str:
    """The last key in the index that is of this object."""
    return index_key(FULL if sort == SPECIMEN else sort, key) if key else ""


def _tree(session: Session, engine: SearchEngine, asked: Question) -> tuple[Query, Query]:
    """All that is asked, and what of it was typed. Raises Invalid, SearchDown."""
    typed = query.parse(asked.q)
    parts = [typed, query.filters(asked.chosen or {}), audience.shown(session, engine, asked.by)]
    if asked.type != "all":
        parts.append(Term(THING, (asked.type,)))
    if asked.box is not None:
        parts.append(query.box(*asked.box))
    if asked.where is not None:
        parts.append(asked.where)
    tree = And(tuple(parts))
    _check_fields(asked.type, tree)
    return relations.resolve(session, engine, tree, asked.type, asked.by), typed


def check(asked: Question) -> None:
    """Whether it can be asked, without asking it. Raises Invalid."""
    check_type(asked.type)
    sort_of(asked.sort)
    tree = And((query.parse(asked.q), query.filters(asked.chosen or {})))
    _check_fields(asked.type, tree)
    relations.check_type(tree, asked.type)


def _check_fields(kind: str, tree: Query) -> None:
    if kind not in (SPECIMEN, "all") and TERM_WORDS in columns.fields_of(tree):
        raise Invalid("Terms of the record that are no fields of the search are asked of specimens.", parameter="q")


def check_type(given: str) -> None:
    """Raises Invalid."""
    if given in AWAITED:
        raise Invalid(f"The type {given} is not indexed yet; type is one of {', '.join(TYPES)}.", parameter="type")
    if given not in TYPES:
        raise Invalid(f"type is one of {', '.join(TYPES)}, not {given[:40]!r}.", parameter="type")


def sort_of(text: str) -> Sort:
    """`year`, `-year`, or nothing for relevance. Raises Invalid."""
    name = text.removeprefix("-")
    if name in ("", "relevance"):
        return RELEVANCE
    if name in TYPES:  # what this parameter meant before; to be dropped with version 0.2
        raise Invalid(f"`sort` is the order of the hits; for the type of thing ask `type={name}`.", parameter="sort")
    able = [field.name for field in BY_NAME.values() if not field.many and field.kind not in ("text", "point", "vector")]
    if name not in able:
        raise Invalid(f"Hits can be sorted by {', '.join(able)}, not by {name[:40]!r}.", parameter="sort")
    return Sort(name, descending=text.startswith("-"))


def key_of(hit: Hit) -> str:
    return of_index_key(hit.key)[1]


def _markup(quote: Quote | None) -> Markup:
    return quote.markup() if quote else escape("")
