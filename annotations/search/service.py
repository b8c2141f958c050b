"""Combined search: the engine says which, the database says what they are."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup, escape
from sqlalchemy.orm import Session

from annotations.model import Annotation, Canvas
from annotations.search import audience, query, segment_items, snippets, store
from annotations.search.documents import ANNOTATION, FULL, SEGMENT, SPECIMEN, index_key, label, of_index_key
from annotations.search.schema import BY_NAME, THING
from annotations.search.snippets import Quote
from annotations.viewer_selectors import picture_of
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, TooMuch
from app.runtime.principal import NOBODY, Principal
from app.runtime.search.port import RELEVANCE, And, Found, Hit, Query, SearchEngine, Sort, Term
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.catalogue.records import change_json
from iiif.catalogue.visibility import sees
from iiif.image.request import PixelBox
from iiif.image.service import segment_of, thumbnail

KINDS_OF_THINGS = (SPECIMEN, ANNOTATION, SEGMENT)
TYPES = (*KINDS_OF_THINGS, "all")
AWAITED = ("media",)  # types that will be found, and are not indexed yet
FACETS = ("family", "genus", "country", "recordedBy", "typeStatus", "institutionCode", "kind", "none", "year")
DEEPEST = 10_000  # hits that paging reaches; what is asked for beyond is better asked more narrowly
MOST_TEXTS = 300  # texts of annotations that are looked through for the quotations of one page
MOST_ROUNDS = 3  # times that the engine is asked for them
LONGEST_TEXT = 500  # characters of an annotation's text in a list


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
    by: Principal = NOBODY

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.size


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
    """A page of JSON objects, ready to be sent."""

    items: list[dict[str, Any]]
    facets: Mapping[str, Sequence[tuple[str, int]]]
    total: int


def specimens(session: Session, engine: SearchEngine, asked: Question) -> Specimens:
    """For pages: keys, quotations, facets. Raises SearchDown, Invalid, TooMuch."""
    found, tree = find(session, engine, asked)
    keys = [key_of(hit) for hit in found.hits]
    known = catalogue.specimens_by_key(session, keys)
    media = catalogue.media_of_many(session, keys)
    quoted = quote_specimens(session, engine, known, media, tree, asked.by)
    hits = tuple(SpecimenHit(key, _markup(quoted.get(key))) for key in keys if key in known)
    return Specimens(hits, found.facets, found.total)


def search(session: Session, engine: SearchEngine, asked: Question, addresses: Addresses) -> QuestionAnswer:
    """For `/api/search`. Raises SearchDown, Invalid, TooMuch."""
    found, tree = find(session, engine, asked)
    annotation_keys = [key_of(hit) for hit in found.hits if hit.key.startswith(ANNOTATION)]
    annotations = store.annotations_by_key(session, annotation_keys, asked.by)
    specimen_keys = [key_of(hit) for hit in found.hits if hit.key.startswith(SPECIMEN)]
    parts = segment_items.of_hits(session, [key_of(hit) for hit in found.hits if hit.key.startswith(SEGMENT)], asked.by)
    keys = {*specimen_keys, *(annotation.specimen_key for annotation in annotations.values())}
    keys |= {part.specimen_key for part in parts.values()}
    known = catalogue.specimens_by_key(session, keys)
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, specimen_keys)
    specimens_found = {key: known[key] for key in specimen_keys if key in known}
    quoted = quote_specimens(session, engine, specimens_found, media, tree, asked.by)
    searched = snippets.searched_words(tree)
    items: list[dict[str, Any]] = []
    for hit in found.hits:
        key = key_of(hit)
        if hit.key.startswith(SPECIMEN) and key in known:
            items.append(specimen_item(known[key], media[key], regions, quoted.get(key), addresses, asked.by))
        elif hit.key.startswith(ANNOTATION) and key in annotations:
            one = annotations[key]
            quote = snippets.best([("", one.text)], searched)
            images = media.get(one.specimen_key, ())
            items.append(annotation_item(one, known.get(one.specimen_key), images, quote, addresses, asked.by))
        elif hit.key.startswith(SEGMENT) and key in parts:
            part = parts[key]
            quote = snippets.best([("", text) for text in part.texts], searched)
            items.append(segment_items.item(part, known.get(part.specimen_key), quote, addresses, asked.by))
    return QuestionAnswer(items, found.facets, found.total)


def find(session: Session, engine: SearchEngine, asked: Question) -> tuple[Found, Query]:
    """The hits, and the tree of the words that were typed. Raises SearchDown, Invalid, TooMuch."""
    check_type(asked.type)
    for name in asked.facets:
        query.check_field(name)
        if name not in BY_NAME or BY_NAME[name].kind not in ("keyword", "number", "flag"):
            raise Invalid(f"{name} cannot be counted.", parameter="facets")
    if asked.offset + asked.size > DEEPEST:
        raise TooMuch(f"Paging reaches the first {DEEPEST:,} of what is found: narrow the search.", parameter="page")
    tree, typed = _tree(session, engine, asked)
    found = engine.find(
        tree,
        facets=asked.facets,
        facet_size=asked.facet_size,
        sort=sort_of(asked.sort),
        offset=asked.offset,
        limit=asked.size,
    )
    if not found.total:
        audience.check_index(session, engine)
    return found, typed


def scan(session: Session, engine: SearchEngine, asked: Question, *, after: str = "") -> Iterator[str]:
    """The key of every specimen (annotation, segment: `asked.type`) found, however many, ascending; sort and page are not heeded.

    The session is used at once and no more, and memory stays flat. The keys are those of the moment when the first is asked for,
    and with `after` those beyond that key. Raises SearchDown, also in the middle, and Invalid, also for "all" types of things.
    """
    check_type(asked.type)
    if asked.type not in KINDS_OF_THINGS:
        raise Invalid(f"All keys are those of one type of thing: {', '.join(KINDS_OF_THINGS)}.", parameter="type")
    tree, _ = _tree(session, engine, asked)
    audience.check_index(session, engine)
    return (of_index_key(key)[1] for key in engine.scan(tree, _beyond(asked.type, after)))


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
    return And(tuple(parts)), typed


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


def quote_specimens(
    session: Session,
    engine: SearchEngine,
    known: Mapping[str, Specimen],
    media: Mapping[str, Sequence[Media]],
    tree: Query,
    by: Principal,
) -> dict[str, Quote]:
    """Where in what `by` sees of its labels, its record or its files' names the words of the question stand."""
    searched = snippets.searched_words(tree)
    if not searched or not known:
        return {}
    texts = _texts_with(session, engine, known, tree, by)
    quoted = {}
    for key, specimen in known.items():
        seen = places.public(specimen)
        record = [*seen.interpreted.items(), ("catalogNumber", specimen.catalog_number), *seen.verbatim.items()]
        files = [("file name", one.file_name) for one in media.get(key, ()) if sees(one, by)]
        found = snippets.best(((name, str(text)) for name, text in (*texts.get(key, ()), *record, *files)), searched)
        if found is not None:
            quoted[key] = found
    return quoted


def _texts_with(
    session: Session, engine: SearchEngine, known: Mapping[str, Specimen], tree: Query, by: Principal
) -> Mapping[str, list[tuple[str, str]]]:
    """Of each specimen (annotation key, text) of what holds a word of the question: the engine says which annotations these are,
    so that of a page of hits few texts are read, however much lies on its specimens."""
    words = snippets.any_word(tree, "text")
    if words is None:
        return {}
    shown, texts, left = audience.shown(session, engine, by), dict[str, list[tuple[str, str]]](), list(known)
    for _ in range(MOST_ROUNDS):
        on_them = (Term(THING, (ANNOTATION,)), Term("specimen", tuple(left)), shown)
        found = engine.find(And((words, *on_them)), limit=MOST_TEXTS)
        texts |= store.texts_of_specimens(session, left, MOST_TEXTS, by, among=[key_of(hit) for hit in found.hits])
        left = [key for key in left if key not in texts]
        if not left or found.total <= len(found.hits):  # else one specimen has so many that they crowd the others out
            break
    return texts


def specimen_item(
    specimen: Specimen,
    media: Iterable[Media],
    regions: Mapping[tuple[str, str], OwnRegion],
    quote: Quote | None,
    addresses: Addresses,
    by: Principal,
) -> dict[str, Any]:
    """`regions` are those of `catalogue.own_regions`: the thumbnail shows the specimen's own."""
    ready = [one for one in media if one.state == "ready"]
    own = [(one, segment_of(one, regions.get((specimen.key, one.key)))) for one in ready]
    return {
        "type": SPECIMEN,
        "id": addresses.pid(specimen.key),
        "key": specimen.key,
        "label": label(specimen),
        "scientificName": specimen.scientific_name,
        "catalogNumber": specimen.catalog_number,
        "thumbnail": next(filter(None, (_picture(one, addresses, by, segment) for one, segment in own)), None),
        "manifest": addresses.manifest(specimen.key) if ready else None,
        "page": addresses.specimen_page(specimen.key),
        "record": addresses.specimen_record(specimen.key),
        "changes": [change_json(change, addresses) for change in places.public(specimen).changes.values()],
        "snippet": quote.to_json() if quote else None,
    }


def annotation_item(
    annotation: Annotation,
    specimen: Specimen | None,
    media: Iterable[Media],
    quote: Quote | None,
    addresses: Addresses,
    by: Principal,
) -> dict[str, Any]:
    """Its box is [x0, y0, x1, y1] in canvas units; the thumbnail shows just that, or the whole image."""
    image = next((one for one in media if one.key == annotation.media_key and one.state == "ready"), None)
    box = annotation.box
    return {
        "type": ANNOTATION,
        "id": addresses.annotation(annotation.key),
        "key": annotation.key,
        "label": label(specimen) if specimen else annotation.specimen_key,
        "kind": annotation.kind,
        "layer": annotation.layer,
        "state": annotation.state,
        "motivation": list(annotation.motivations),
        "text": annotation.text[:LONGEST_TEXT],
        "value": annotation.value,
        "unit": annotation.unit,
        "confidence": annotation.confidence,
        "run": addresses.run(annotation.run_key) if annotation.run_key else None,
        "created": clock.iso(annotation.created_at),
        "specimen": annotation.specimen_key,
        "canvas": addresses.canvas(annotation.specimen_key, annotation.media_key) if annotation.media_key else None,
        "box": [box.x0, box.y0, box.x1, box.y1] if box else None,
        "thumbnail": _detail(annotation, image, addresses, by) if image else None,
        "manifest": addresses.manifest(annotation.specimen_key) if annotation.specimen_key else None,
        "page": addresses.specimen_page(annotation.specimen_key) if annotation.specimen_key else None,
        "snippet": quote.to_json() if quote else None,
    }


def _picture(image: Media, addresses: Addresses, by: Principal, segment: PixelBox | None = None) -> dict[str, Any] | None:
    shown = thumbnail(addresses, image, by, segment=segment)
    return shown and {name: shown[name] for name in ("id", "width", "height")}


def _detail(annotation: Annotation, image: Media, addresses: Addresses, by: Principal) -> dict[str, Any] | None:
    """The annotation's box at most 400 by 400 pixels, never enlarged; None where `by` may not see it."""
    if annotation.box is None or not sees(image, by):
        return _picture(image, addresses, by)
    region = picture_of(annotation.box, Canvas(image.width_px, image.height_px))
    width, height = (max(1, int(side)) for side in region.split(",")[2:])
    scale = min(1.0, 400 / max(width, height))
    width, height = max(1, round(width * scale)), max(1, round(height * scale))
    size = f"{'!' if image.access == 'reduced' else ''}{width},{height}"
    iri = f"{addresses.image(image.key)}/{region}/{size}/0/default.jpg"
    return {"id": iri, "width": width, "height": height}


def _markup(quote: Quote | None) -> Markup:
    return quote.markup() if quote else escape("")
