"""The drawer: what was asked, what was found, and the facets to narrow it, ready for the template."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from markupsafe import Markup
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict

from annotations.search import service as search
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, Unavailable
from app.runtime.principal import Principal
from app.web.image_links import ImageLink, picture_of
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
}
CARD_PX = (400, 500)
LONGEST = 500
PLACE = ("locality", "stateProvince", "country")


@dataclass(frozen=True, slots=True)
class PageQuestion:
    """The question of one request: words, chosen facet values, page."""

    q: str
    chosen: tuple[tuple[str, str], ...]
    page: int

    @classmethod
    def of(cls, args: MultiDict[str, str], page: int) -> "PageQuestion":
        chosen = tuple((name, value[:LONGEST]) for name in LABELS for value in args.getlist(name)[:20] if value)
        return cls(args.get("q", "").strip()[:LONGEST], chosen, page)

    def href(self, *, chosen: Sequence[tuple[str, str]] | None = None, page: int = 1) -> str:
        """The address of the same question with other facets, or of another page."""
        asked = [("q", self.q)] if self.q else []
        asked += self.chosen if chosen is None else chosen
        asked += [("page", str(page))] if page > 1 else []
        return "/" + (f"?{urlencode(asked)}" if asked else "")

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
    title: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Look:
    """One page of what was found, or why nothing could be asked."""

    cards: tuple[Card, ...] = ()
    facets: tuple[Facet, ...] = ()
    total: int = 0
    pages: int = 1
    trouble: Trouble | None = None

    def for_template(self, asked: PageQuestion) -> dict[str, Any]:
        page_link: Callable[[int], str] = lambda number: asked.href(page=number)  # noqa: E731 - named for the template
        chips = [{"label": value, "href": asked.toggled(name, value)} for name, value in asked.chosen]
        return {
            "q": asked.q, "chosen": asked.chosen, "page": asked.page, "chips": chips, "page_link": page_link,
            "cards": self.cards, "facets": self.facets, "total": self.total, "pages": self.pages, "trouble": self.trouble,
        }  # fmt: skip


NOTHING = Look()


def look(session: Session, runtime: Runtime, asked: PageQuestion, size: int, by: Principal) -> Look:
    """Ask the search and fetch what its hits are; an engine that is away or a query that it refuses is said, not raised."""
    try:
        found = search.specimens(session, runtime.search, asked.q, dict_of(asked.chosen), tuple(LABELS), asked.page, size, by=by)
    except Unavailable as error:
        return Look(trouble=Trouble("The search does not answer now.", f"{error} Everything else works; try again in a moment."))
    except Invalid as error:
        return Look(trouble=Trouble("This cannot be searched for.", str(error)))
    keys = [hit.key for hit in found.hits]
    specimens = catalogue.specimens_by_key(session, keys)
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, keys)
    return Look(
        cards=tuple(
            card(specimens[hit.key], media[hit.key], regions, hit.snippet, asked.q, by)
            for hit in found.hits
            if hit.key in specimens
        ),
        facets=tuple(facets(found.facets, asked)),
        total=found.total,
        pages=max(1, -(-found.total // size)),
    )


def dict_of(chosen: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    """Chosen values by facet."""
    by_name: dict[str, list[str]] = {}
    for name, value in chosen:
        by_name.setdefault(name, []).append(value)
    return by_name


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
    image = next((one for one in media if one.state == "ready" and sees(one, by)), None)
    waiting = "being made zoomable" if any(one.state == "pending" for one in media) else "no image"
    if any(not sees(one, by) for one in media):
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


def facets(counts: Mapping[str, Sequence[tuple[str, int]]], asked: PageQuestion) -> list[Facet]:
    """The facets that say something: with two values or more, or with one that was chosen."""
    found = []
    for name, label in LABELS.items():
        values = tuple(
            Value(value, count, asked.toggled(name, value), (name, value) in asked.chosen)
            for value, count in counts.get(name, ())
        )
        if len(values) > 1 or any(value.active for value in values):
            found.append(Facet(name, label, values))
    return found
