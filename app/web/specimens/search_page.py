"""The drawer: what was asked, what was found, and the facets to narrow it, ready for the template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from annotations.search import parameters
from annotations.search import service as search
from annotations.search.query import MOST_PARTS, filters, misspelled_field
from annotations.search.service import Question
from annotations.search.values import FIELDS, NotUnderstood
from annotations.search.vocabulary import KINDS
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, TooMuch, Unavailable
from app.runtime.principal import Principal
from app.web.image_links import ImageLink, is_pictured, picture_of
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, OwnRegion, Specimen
from iiif.catalogue.visibility import sees
from iiif.image.service import segment_of

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
OF_FILTERS = {"bbox": "Within", "near": "Near", "eventDate": "Collected", "catalogNumber": "Number", "has": "With"}
FILTERS = frozenset((*FIELDS, "bbox", "near"))
REFUSED = "This cannot be searched for."
CARD_PX = (400, 500)
LONGEST = 500
PLACE = ("locality", "stateProvince", "country")


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """The question of one request: words, chosen values of facets and other filters, page."""

    q: str
    chosen: tuple[tuple[str, str], ...]
    page: int

    @classmethod
    def of(cls, args: MultiDict[str, str], page: int) -> "PageQuestion":
        """Every parameter that the API takes for a filter, and what is nearly the name of one, to be refused by its name."""
        names = [name for name in args if name in FILTERS or misspelled_field(name)]
        chosen = [(name, value[:LONGEST]) for name in names for value in args.getlist(name)[:MOST_PARTS] if value]
        return cls(args.get("q", "").strip()[:LONGEST], tuple(chosen), page)

    def asked(self, size: int, by: Principal) -> Question:
        """Raises Invalid."""
        places = dict(self.chosen)
        return Question(
            self.q,
            parameters.chosen(self.chosen),
            facets=tuple(LABELS),
            page=self.page,
            size=size,
            where=parameters.place(places.get("bbox", ""), places.get("near", "")),
            by=by,
        )

    def href(self, *, q: str | None = None, chosen: Sequence[tuple[str, str]] | None = None, page: int = 1) -> str:
        """The address of the same question with other words or filters, or of another page."""
        words = self.q if q is None else q
        pairs = [("q", words)] if words else []
        pairs += self.chosen if chosen is None else chosen
        pairs += [("page", str(page))] if page > 1 else []
        return "/" + (f"?{urlencode(pairs)}" if pairs else "")

    def json_href(self, size: int) -> str:
        """The address of the same page of hits and the same facets for programs."""
        pairs = [("q", self.q), *self.chosen, ("facets", ",".join(LABELS)), ("limit", str(size))]
        pairs += [("page", str(self.page))] if self.page > 1 else []
        return f"/api/search?{urlencode(pairs)}"

    def toggled(self, name: str, value: str) -> str:
        """The address with that value chosen, or no longer chosen."""
        pair = (name, value)
        return self.href(chosen=[one for one in self.chosen if one != pair] + ([] if pair in self.chosen else [pair]))


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
class Value:
    label: str
    count: int
    href: str
    active: bool


@dataclass(frozen=True, slots=True)
class Facet:
    name: str
    label: str
    values: tuple[Value, ...]

    @property
    def active(self) -> bool:
        return any(value.active for value in self.values)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why nothing could be asked, with its HTTP status; `meant` is a question that was probably meant, at `href`."""

    status: int
    title: str
    sentence: str
    meant: str = ""
    href: str = ""


@dataclass(frozen=True, slots=True)
class Look:
    """One page of what was found, or why nothing could be asked."""

    cards: tuple[Card, ...] = ()
    facets: tuple[Facet, ...] = ()
    total: int = 0
    pages: int = 1
    trouble: Trouble | None = None

    def for_template(self, asked: PageQuestion, size: int) -> dict[str, Any]:
        page_link: Callable[[int], str] = lambda number: asked.href(page=number)  # noqa: E731 - named for the template
        chips = [{"label": chip(name, value), "href": asked.toggled(name, value)} for name, value in asked.chosen]
        return {
            "q": asked.q, "chosen": asked.chosen, "page": asked.page, "chips": chips, "page_link": page_link,
            "cards": self.cards, "facets": self.facets, "total": self.total, "pages": self.pages, "trouble": self.trouble,
            "json_href": "" if self.trouble else asked.json_href(size),
        }  # fmt: skip


NOTHING = Look()


def look(session: Session, runtime: Runtime, asked: PageQuestion, size: int, by: Principal) -> Look:
    """Ask the search and fetch what its hits are; an engine that is away or a query that it refuses is said, not raised."""
    try:
        found = search.specimens(session, runtime.search, asked.asked(size, by))
    except (Unavailable, Invalid, TooMuch) as error:
        return Look(trouble=trouble(error, asked))
    keys = [hit.key for hit in found.hits]
    specimens = catalogue.specimens_by_key(session, keys)
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, keys)
    return Look(
        cards=tuple(
            card(specimens[hit.key], media[hit.key], regions, hit.snippet, asked.q, by)
            for hit in found.hits
            if hit.key in specimens
        ),
        facets=tuple(facets(found.facets, found.total, asked)),
        total=found.total,
        pages=max(1, -(-min(found.total, search.DEEPEST) // size)),
    )


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


def chip(name: str, value: str) -> str:
    """A chosen value with the name of its field."""
    label = LABELS.get(name) or OF_FILTERS.get(name) or name[:1].upper() + name[1:]
    return f"{label}: {of_value(name, value)}"


def of_value(name: str, value: str) -> str:
    """A value of a facet as people read it."""
    return KINDS.get(value, value) if name in ("kind", "none", "has") else value


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


def facets(counts: Mapping[str, Sequence[tuple[str, int]]], total: int, asked: PageQuestion) -> list[Facet]:
    """The facets that say something: with two values or more, with one that not all of the `total` have, or that was chosen."""
    found = []
    for name, label in LABELS.items():
        values = tuple(
            Value(of_value(name, value), count, asked.toggled(name, value), (name, value) in asked.chosen)
            for value, count in counts.get(name, ())
        )
        if len(values) > 1 or any(value.active or value.count < total for value in values):
            found.append(Facet(name, label, values))
    return found
