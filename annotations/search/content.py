"""Content Search inside one specimen, or over all (`TOP`): version 2.0, and version 1.0, which is the one that viewers know.

Which annotations have the words is asked of the engine; everything shown is read from the database. An annotation that
has all of the words counts; where none has, one that has any of them does.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from sqlalchemy.orm import Session

from annotations import placing, projections
from annotations import service as annotations
from annotations.annotation_pages import on_canvas
from annotations.manifest_extras import TOP
from annotations.model import Annotation, Canvas
from annotations.search import audience, query, snippets, store
from annotations.search.documents import ANNOTATION
from annotations.search.schema import THING
from annotations.search.service import DEEPEST, key_of
from annotations.states.derive import FALLEN
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, TooMuch
from app.runtime.principal import Principal
from app.runtime.search import words
from app.runtime.search.port import And, Found, Not, Or, Query, SearchEngine, Term
from iiif.catalogue import service as catalogue

SEARCH1, SEARCH2 = "http://iiif.io/api/search/1/context.json", "http://iiif.io/api/search/2/context.json"
PRESENTATION2 = "http://iiif.io/api/presentation/2/context.json"
MOST_TERMS = 20


@dataclass(frozen=True, slots=True)
class ContentQuestion:
    """The parameters of a request; `given` as they came, for the ids of pages (Content Search 2.0, section 3.1.1)."""

    q: str
    motivation: str
    date: str
    page: int
    given: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of what was found, and what is needed to describe its place among the pages."""

    asked: ContentQuestion
    base: str
    size: int
    total: int
    found: tuple[tuple[Annotation, Canvas], ...]
    searched: snippets.SearchedWords

    @property
    def last(self) -> int:
        return max(1, -(-self.total // self.size))

    @property
    def start(self) -> int:
        return (self.asked.page - 1) * self.size

    def href(self, page: int | None = None) -> str:
        """Of a page; without one, of the whole."""
        given = [*self.asked.given, *([("page", str(page))] if page and page > 1 else [])]
        return self.base + (f"?{urlencode(given)}" if given else "")


def search(
    session: Session,
    engine: SearchEngine,
    specimen_key: str,
    asked: ContentQuestion,
    *,
    by: Principal,
    version: int,
    size: int,
    addresses: Addresses,
) -> Listed:
    """Raises UnknownSpecimen, Invalid, TooMuch, SearchDown."""
    if specimen_key != TOP:
        catalogue.get_specimen(session, specimen_key)
    if asked.page * size > DEEPEST:
        raise TooMuch(f"Paging reaches the first {DEEPEST:,} of what is found.", parameter="page")
    parts = query.words_only(asked.q)
    limits = (
        Term(THING, (ANNOTATION,)),
        *(() if specimen_key == TOP else (Term("specimen", (specimen_key,)),)),
        audience.shown(session, engine, by),
        *_told(engine),
        *_motivations(asked.motivation),
        *_dates(asked.date),
    )
    found, typed = Found((), 0, {}), And(parts) if parts else Or(())
    for attempt in (And(parts), Or(parts)) if parts else ():
        found, typed = engine.find(And((attempt, *limits)), offset=(asked.page - 1) * size, limit=size), attempt
        if found.total:
            break
    if not found.total:
        audience.check_index(session, engine)
    known = store.annotations_by_key(session, [key_of(hit) for hit in found.hits], by)
    told = [known[key] for key in map(key_of, found.hits) if key in known and known[key].state not in FALLEN]
    shown = _on_all_canvases(session, told) if specimen_key == TOP else _on_canvases(session, specimen_key, told)
    return Listed(asked, addresses.search(version, specimen_key), size, found.total, shown, snippets.searched_words(typed))


def page2(listed: Listed, addresses: Addresses) -> dict[str, Any]:
    """An AnnotationPage (2.0, section 3.2) with the matches as a page of highlights (section 3.3)."""
    shown: dict[str, Any] = {"@context": SEARCH2, "id": listed.href(listed.asked.page), "type": "AnnotationPage"}
    if listed.asked.ignored:
        shown["ignored"] = list(listed.asked.ignored)
    if listed.last > 1:
        ends = {"first": _page2(listed, 1), "last": _page2(listed, listed.last)}
        shown["partOf"] = {"id": listed.href(), "type": "AnnotationCollection", "total": listed.total, **ends}
        shown["startIndex"] = listed.start
        if listed.asked.page > 1:
            shown["prev"] = _page2(listed, min(listed.asked.page - 1, listed.last))
        if listed.asked.page < listed.last:
            shown["next"] = _page2(listed, listed.asked.page + 1)
    shown["items"] = [projections.on_page(projections.iiif3(one, canvas, addresses), one) for one, canvas in listed.found]
    highlights = [one for annotation, _ in listed.found for one in _highlights(annotation, listed.searched, addresses)]
    if highlights:
        shown["annotations"] = [{"type": "AnnotationPage", "items": highlights}]
    return shown


def list1(listed: Listed, addresses: Addresses) -> dict[str, Any]:
    """An AnnotationList with hits (1.0, sections 3.2 to 3.4); each `on` has a box, and each hit its annotation in the list."""
    within: dict[str, Any] = {"@type": "sc:Layer", "total": listed.total}
    if listed.asked.ignored:
        within["ignored"] = list(listed.asked.ignored)
    if listed.last > 1:
        within |= {"first": listed.href(1), "last": listed.href(listed.last)}
    shown: dict[str, Any] = {
        "@context": [PRESENTATION2, SEARCH1],
        "@id": listed.href(listed.asked.page),
        "@type": "sc:AnnotationList",
        "within": within,
        "startIndex": listed.start,
    }
    if listed.asked.page > 1:
        shown["prev"] = listed.href(min(listed.asked.page - 1, listed.last))
    if listed.asked.page < listed.last:
        shown["next"] = listed.href(listed.asked.page + 1)
    shown["resources"] = [projections.iiif2(annotation, canvas, addresses) for annotation, canvas in listed.found]
    shown["hits"] = [hit for annotation, _ in listed.found if (hit := _hit1(annotation, listed.searched, addresses))]
    return shown


def complete(
    session: Session, engine: SearchEngine, specimen_key: str, begun: str, least: int, *, by: Principal
) -> list[tuple[str, int]]:
    """Words that `by` sees on this specimen and that begin like the last of those typed, with their number.

    Counted in the database's own texts, so it works without the engine; over all specimens by the engine, which tells in how many
    annotations each stands. Raises UnknownSpecimen, and SearchDown over all.
    """
    if specimen_key == TOP:
        said = And((Term(THING, (ANNOTATION,)), audience.shown(session, engine, by), *_told(engine)))
        return [pair for pair in engine.terms("text", begun, MOST_TERMS, query=said) if pair[1] >= least]
    catalogue.get_specimen(session, specimen_key)
    before = words.split(begun)
    if not before:
        return []
    counted = Counter(
        word
        for annotation in annotations.of_specimen(session, specimen_key, by=by)
        for word in words.split(annotation.text)
        if word.startswith(before[-1])
    )
    ordered = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    return [pair for pair in ordered if pair[1] >= least][:MOST_TERMS]


def terms2(specimen_key: str, asked: ContentQuestion, found: Sequence[tuple[str, int]], addresses: Addresses) -> dict[str, Any]:
    """A TermPage (2.0, section 4.2)."""
    base = addresses.search(2, specimen_key)
    items = [
        {"value": word, "total": count, "service": [{"id": f"{base}?{urlencode({'q': word})}", "type": "SearchService2"}]}
        for word, count in found
    ]
    iri = f"{addresses.autocomplete(2, specimen_key)}?{urlencode(asked.given)}"
    ignored = {"ignored": list(asked.ignored)} if asked.ignored else {}
    return {"@context": SEARCH2, "id": iri, "type": "TermPage", **ignored, "items": items}


def terms1(specimen_key: str, asked: ContentQuestion, found: Sequence[tuple[str, int]], addresses: Addresses) -> dict[str, Any]:
    """A TermList (1.0, section 4.2)."""
    base = addresses.search(1, specimen_key)
    terms = [{"match": word, "url": f"{base}?{urlencode({'q': word})}", "count": count} for word, count in found]
    iri = f"{addresses.autocomplete(1, specimen_key)}?{urlencode(asked.given)}"
    ignored = {"ignored": list(asked.ignored)} if asked.ignored else {}
    return {"@context": SEARCH1, "@id": iri, "@type": "search:TermList", **ignored, "terms": terms}


def _on_all_canvases(session: Session, found: Sequence[Annotation]) -> tuple[tuple[Annotation, Canvas], ...]:
    """Each on a canvas of the first specimen that it lies on, in the order given; what lies on none is left out."""
    of_specimens: dict[str, list[Annotation]] = {}
    for annotation in found:
        of_specimens.setdefault(annotation.specimen_key, []).append(annotation)
    shown = {
        one.key: (one, canvas)
        for key, several in of_specimens.items()
        if key
        for one, canvas in _on_canvases(session, key, several)
    }
    return tuple(shown[annotation.key] for annotation in found if annotation.key in shown)


def _on_canvases(session: Session, specimen_key: str, found: Sequence[Annotation]) -> tuple[tuple[Annotation, Canvas], ...]:
    """Each with a target in front that lies on the specimen, and the size of the canvas that this is on. What is about the
    whole specimen is shown on its first canvas."""
    ready = {media.key: media for media in catalogue.media_of(session, specimen_key) if media.state == "ready"}
    first = next(iter(ready.values()), None)
    depictions = {one.media_key: one for one in catalogue.depictions_of(session, specimen_key) if one.media_key in ready}
    shown = []
    for annotation in found:
        own = [target for target in annotation.targets if target.specimen_key == specimen_key]
        there = [target for target in annotation.targets if target.media_key in depictions]
        lying = (target for target in there if placing.lies_on(target, depictions[target.media_key]))
        media = next((ready[target.media_key] for target in lying), None)
        if media is not None:
            shown.append((on_canvas(annotation, media.key, specimen_key), Canvas(media.width_px, media.height_px)))
        elif first is not None and own:
            whole = annotation.seen_from(specimen_key=specimen_key)
            shown.append((replace(whole, media_key=first.key), Canvas(first.width_px, first.height_px)))
    return tuple(shown)


def _told(engine: SearchEngine) -> tuple[Query, ...]:
    """What readers take for said, so that `total` counts no more than is listed. An index of a release before review states
    does not know them until it is made anew."""
    return () if "state" in engine.lacking() else (Not(Term("state", FALLEN)),)


def _motivations(given: str) -> tuple[Query, ...]:
    """`motivation` is one of several, parted by spaces; `non-painting` is everything here, and `painting` nothing."""
    asked = [word.removeprefix("oa:") for word in given.split()]
    if not asked or "non-painting" in asked:
        return ()
    if "commenting" in asked:  # what viewers are shown as commenting need not have said so itself
        return (Or((Term("motivation", tuple(asked)), Not(Term("motivation", ("commenting", "tagging"))))),)
    return (Term("motivation", tuple(asked)),)


def _dates(given: str) -> tuple[Query, ...]:
    """Ranges `from/to` parted by spaces, of which the creation falls in one. Raises Invalid."""
    ranges: list[Query] = []
    for written in given.split()[:20]:
        low, slash, high = written.partition("/")
        ranges.append(_date(low, high if slash else low))
    return (Or(tuple(ranges)),) if ranges else ()


def _date(low: str, high: str) -> Query:
    try:
        return query.filters({"created": [f"{low}..{high}"]})
    except Invalid as error:
        raise Invalid("date is a list of ranges such as 2026-01-01T00:00:00Z/2026-02-01T00:00:00Z.", parameter="date") from error


def _page2(listed: Listed, page: int) -> dict[str, str]:
    return {"id": listed.href(page), "type": "AnnotationPage"}


def _highlights(annotation: Annotation, searched: snippets.SearchedWords, addresses: Addresses) -> list[dict[str, Any]]:
    iri = addresses.annotation(annotation.key)
    return [
        {
            "id": f"{iri}#match-{number}",
            "type": "Annotation",
            "motivation": "contextualizing",
            "target": {
                "type": "SpecificResource",
                "source": iri,
                "selector": [{"type": "TextQuoteSelector", "prefix": quote.before, "exact": quote.match, "suffix": quote.after}],
            },
        }
        for number, quote in enumerate(snippets.quotes(annotation.text, searched), 1)
    ]


def _hit1(annotation: Annotation, searched: snippets.SearchedWords, addresses: Addresses) -> dict[str, Any] | None:
    quotes = snippets.quotes(annotation.text, searched)
    if not quotes:
        return None
    return {
        "@type": "search:Hit",
        "annotations": [addresses.annotation(annotation.key)],
        "match": quotes[0].match,
        "before": quotes[0].before,
        "after": quotes[0].after,
        "selectors": [
            {"@type": "oa:TextQuoteSelector", "exact": quote.match, "prefix": quote.before, "suffix": quote.after}
            for quote in quotes
        ],
    }
