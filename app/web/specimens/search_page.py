"""The drawer: what was asked, what was found, and the facets to narrow it, ready for the template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy.orm import Session

from annotations.search import parameters
from annotations.search import service as search
from annotations.search.documents import SPECIMEN
from annotations.search.query import filters
from annotations.search.values import NotUnderstood
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, TooMuch, Unavailable
from app.runtime.principal import Principal
from app.web.image_links import ImageLink, is_pictured, picture_of
from app.web.specimens import hit_views, search_panel
from app.web.specimens.hit_views import MapView, Step, Table
from app.web.specimens.search_panel import Facet, Slider
from app.web.specimens.search_question import FILTERS, ORDERS, THINGS, VIEWS, Chip, PageQuestion
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.catalogue.visibility import sees
from iiif.image.service import segment_of

REFUSED = "This cannot be searched for."
CARD_PX = (400, 500)
PLACE = ("locality", "stateProvince", "country")
MOST_WAYS = 6  # parts of a question that found nothing, which are tried without


@dataclass(frozen=True, slots=True)
class Card:
    """A mount with its label."""

    href: str
    number: str
    name: str
    type_status: str
    place: str
    found: Markup
    picture: ImageLink | None
    missing: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing could be asked, with its HTTP status; `meant` is a question that was probably meant, at `href`."""

    status: int
    title: str
    sentence: str
    meant: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Way:
    """A part of a question that finds nothing, and what would be found without it."""

    chip: Chip
    total: int


@dataclass(frozen=True, slots=True)
class Look:
    """One page of what was found, as it is to be shown, or why nothing could be asked."""

    cards: tuple[Card, ...] = ()
    things: tuple[Mapping[str, Any], ...] = ()
    table: Table | None = None
    map: MapView | None = None
    timeline: tuple[Step, ...] | None = None
    facets: tuple[Facet, ...] = ()
    sliders: tuple[Slider, ...] = ()
    ways: tuple[Way, ...] = ()
    total: int = 0
    pages: int = 1
    trouble: Trouble | None = None

    def for_template(self, asked: PageQuestion, size: int) -> dict[str, Any]:
        page_link: Callable[[int], str] = lambda number: asked.href(page=number)  # noqa: E731 - named for the template
        return {
            "look": self, "asked": asked, "q": asked.q, "chosen": asked.chosen, "page": asked.page, "chips": asked.chips(),
            "page_link": page_link, "facets": self.facets, "total": self.total, "pages": self.pages, "trouble": self.trouble,
            "json_href": "" if self.trouble else asked.json_href(size), "views": VIEWS, "kinds": THINGS,
            "orders": ORDERS.get(asked.type, {}),
        }  # fmt: skip


NOTHING = Look()


def look(session: Session, runtime: Runtime, asked: PageQuestion, size: int, by: Principal) -> Look:
    """Ask the search and fetch what its hits are; an engine that is away or a query that it refuses is said, not raised."""
    try:
        return _look(session, runtime, asked, size, by)
    except (Unavailable, Invalid, TooMuch) as error:
        return Look(trouble=trouble(error, asked))


def _look(session: Session, runtime: Runtime, asked: PageQuestion, size: int, by: Principal) -> Look:
    engine, question = runtime.search, asked.asked(size, by)
    shown: dict[str, Any] = {}
    if asked.type == SPECIMEN and asked.view in ("grid", "list"):
        found = search.specimens(session, engine, question)
        total, counted = found.total, found.facets
        shown["cards"] = _cards(session, [(hit.key, hit.snippet) for hit in found.hits], asked.q, by)
    elif asked.view in ("map", "timeline"):
        page, _ = search.find(session, engine, replace(question, size=1, page=1))
        total, counted = page.total, page.facets
        if asked.view == "map":
            shown["map"] = hit_views.the_map(session, engine, asked, by)
        else:
            shown["timeline"] = tuple(hit_views.timeline(session, engine, asked, by))
    else:
        answer = search.search(session, engine, question, runtime.addresses)
        total, counted = answer.total, answer.facets
        if asked.view == "table":
            shown["table"] = hit_views.table(session, engine, answer, question, asked, runtime.addresses)
        else:
            shown["things"] = tuple(hit_views.things(answer, runtime.addresses))
    return Look(
        facets=tuple(search_panel.facets(counted, total, asked)),
        sliders=tuple(search_panel.sliders(session, engine, asked, by)),
        ways=() if total else tuple(_ways(session, runtime, asked, by)),
        total=total,
        pages=max(1, -(-min(total, search.DEEPEST) // size)) if asked.view not in ("map", "timeline") else 1,
        **shown,
    )


def _cards(session: Session, hits: Sequence[tuple[str, Markup]], q: str, by: Principal) -> tuple[Card, ...]:
    keys = [key for key, _ in hits]
    specimens = catalogue.specimens_by_key(session, keys)
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, keys)
    return tuple(card(specimens[key], media[key], regions, snippet, q, by) for key, snippet in hits if key in specimens)


def _ways(session: Session, runtime: Runtime, asked: PageQuestion, by: Principal) -> list[Way]:
    """Of a question that finds nothing: its parts without which something is found."""
    chips, pieces = asked.chips(), asked.pieces()
    if len(chips) < 2:
        return []
    found = []
    for place, one in enumerate(chips[:MOST_WAYS]):
        typed = place < len(pieces)
        q = " ".join(piece for index, piece in enumerate(pieces) if index != place) if typed else asked.q
        chosen = asked.chosen if typed else tuple(pair for index, pair in enumerate(asked.chosen, len(pieces)) if index != place)
        question = replace(asked, q=q, chosen=chosen).asked(1, by)
        total = search.find(session, runtime.search, replace(question, facets=(), page=1))[0].total
        if total:
            found.append(Way(one, total))
    return found


def trouble(error: Unavailable | Invalid | TooMuch, asked: PageQuestion) -> Trouble:
    """What the page says of it, and where it leads to what was probably meant."""
    match error:
        case Unavailable():
            return Trouble(503, "The search does not answer now.", f"{error} Everything else works.")
        case NotUnderstood() if error.instead:
            if error.parameter == "q":
                return Trouble(400, REFUSED, error.sentence_alone, error.instead, asked.href(q=error.instead))
            return Trouble(400, REFUSED, error.sentence_alone, *_corrected(error, asked))
        case TooMuch():
            return Trouble(413, REFUSED, str(error))
    return Trouble(400, REFUSED, str(error))


def _corrected(error: NotUnderstood, asked: PageQuestion) -> tuple[str, str]:
    """The filter that was probably meant, and the address with it."""
    pairs = list(asked.chosen)
    place = next(index for index, pair in enumerate(pairs) if _is_refused(*pair))
    name, value = pairs[place]
    pairs[place] = (name, error.instead) if name in FILTERS else (error.instead, value)
    return "=".join(pairs[place]), asked.href(chosen=pairs)


def _is_refused(name: str, value: str) -> bool:
    try:
        filters(parameters.chosen([(name, value)]))
    except NotUnderstood:
        return True
    return False


def card(
    specimen: Specimen,
    media: Sequence[Media],
    regions: Mapping[tuple[str, str], OwnRegion],
    found: Markup,
    q: str,
    by: Principal,
) -> Card:
    """The mount of one specimen, with its own region of an image (`catalogue.own_regions`) where one is known.

    With words asked, its page opens the search inside it.
    """
    terms = places.as_seen(specimen, by).interpreted
    image = next((one for one in media if is_pictured(one) and sees(one, by)), None)
    waiting = "being made zoomable" if any(one.state == "pending" for one in media) else "no image"
    if any(one.access == "closed" for one in media):
        waiting = "not public"
    return Card(
        href=f"/specimens/{specimen.key}" + (f"?{urlencode({'q': q})}" if q else ""),
        number=specimen.catalog_number,
        name=specimen.scientific_name,
        type_status=terms.get("typeStatus", ""),
        place=", ".join(terms[term] for term in PLACE if terms.get(term)),
        found=found,
        picture=picture_of(image, CARD_PX, segment_of(image, regions.get((specimen.key, image.key)))) if image else None,
        missing=waiting,
    )
