"""Hits as a list or a table, on the map, and along time, ready for the templates."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations.search import hit_columns
from annotations.search import service as search
from annotations.search.documents import SPECIMEN
from annotations.search.service import Question
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from app.runtime.search.port import SearchEngine
from app.web.specimens.search_question import PageQuestion
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from ontology.darwin_core import label_of

SORTED_BY = {
    "scientificName": "label", "label": "label", "catalogNumber": "catalogNumber", "eventDate": "eventDate", "year": "year",
    "created": "created", "value": "value", "confidence": "confidence",
}  # fmt: skip
OFFERED = ("institutionCode", "collectionCode", "catalogNumber", "scientificName", "family", "genus", "typeStatus", "recordedBy",
           "recordNumber", "eventDate", "year", "country", "stateProvince", "locality", "decimalLatitude", "decimalLongitude",
           "minimumElevationInMeters", "identifiedBy", "dateIdentified", "habitat")  # fmt: skip
USUAL = {
    SPECIMEN: ("thumbnail", "catalogNumber", "scientificName", "recordedBy", "eventDate", "country", "hits"),
    "segment": ("thumbnail", "class", "text", "catalogNumber", "scientificName", "state"),
    "annotation": ("thumbnail", "kind", "text", "value", "unit", "confidence", "state", "catalogNumber", "scientificName"),
}
NAMES = {
    "thumbnail": "Picture", "hits": "Statements that answer", "matchWhere": "Found in", "match": "Found", "id": "Identifier",
    "key": "Key", "label": "Called", "page": "Page", "manifest": "Manifest", "record": "Record", "box": "Box", "run": "Run",
}  # fmt: skip
LONGEST_CELL = 160
ACROSS = 16  # squares of the map from west to east
SMALLEST = 0.02  # degrees: what lies in less is listed, not drawn closer
STEPS = 30


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of the table; `picture` is an address below the root, or empty."""

    text: str
    href: str = ""
    picture: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """A column; `href` sorts by it, empty where that cannot be; `direction` is that of aria-sort, or empty."""

    name: str
    label: str
    href: str
    direction: str


@dataclass(frozen=True, slots=True)
class Table:
    headings: tuple[Heading, ...]
    rows: tuple[tuple[Cell, ...], ...]
    offered: tuple[tuple[str, str, bool], ...]


@dataclass(frozen=True, slots=True)
class Mark:
    """Specimens of one square of the map: where they lie, how large a circle, and where a click leads."""

    x: float
    y: float
    radius: float
    count: int
    href: str
    told: str


@dataclass(frozen=True, slots=True)
class MapView:
    """In degrees; y grows to the south, as in the picture."""

    x: float
    y: float
    width: float
    height: float
    marks: tuple[Mark, ...]
    placed: int
    out: str


@dataclass(frozen=True, slots=True)
class Step:
    label: str
    count: int
    share: float
    href: str


def table(session: Session, engine: SearchEngine, found: search.QuestionAnswer, question: Question, asked: PageQuestion,
          addresses: Addresses) -> Table:  # fmt: skip
    """Raises Invalid for a column that there is not, SearchDown."""
    names = hit_columns.chosen(asked.type, ",".join(asked.columns or USUAL.get(asked.type, ())))
    of_specimen = {item["key"]: item["key"] if asked.type == SPECIMEN else item["specimen"] for item in found.items}
    known = catalogue.specimens_by_key(session, set(filter(None, of_specimen.values())))
    keys = list(of_specimen)
    wants = hit_columns.HITS in names and asked.type == SPECIMEN and keys
    counts = search.statements_on(session, engine, question, keys) if wants else {}
    rows = []
    for item in found.items:
        specimen = known.get(of_specimen[item["key"]])
        seen = places.as_seen(specimen, question.by) if specimen else None
        cells = hit_columns.cells(item, seen, names, counts.get(item["key"], 0))
        rows.append(
            tuple(_cell(name, value, item, addresses, first=place == 0) for place, (name, value) in enumerate(cells.items()))
        )
    offered = (*dict.fromkeys((*names, *hit_columns.OWN[asked.type], *OFFERED)),)
    return Table(
        tuple(_heading(name, asked) for name in names),
        tuple(rows),
        tuple((name, called(name), name in names) for name in offered),
    )


def called(name: str) -> str:
    """A column as people read it: a term as it is called everywhere."""
    return NAMES.get(name) or label_of(name)


def below_root(iri: str | None, addresses: Addresses) -> str:
    return iri.removeprefix(addresses.base) if iri else ""


def things(found: search.QuestionAnswer, addresses: Addresses) -> list[Mapping[str, Any]]:
    """Hits of any type for a list: what they are called, where they lead, their picture and what they say."""
    listed: list[Mapping[str, Any]] = []
    for item in found.items:
        picture = item["thumbnail"]
        iri = picture["id"] if isinstance(picture, dict) else picture
        listed.append(
            {
                "href": _page(item, addresses),
                "label": item["label"],
                "kind": item.get("kind", ""),
                "text": item.get("text", "")[:LONGEST_CELL],
                "value": f"{item['value']:.4g} {item['unit']}" if item.get("value") is not None else "",
                "state": item.get("state", ""),
                "picture": below_root(iri, addresses),
                "snippet": item["snippet"],
            }
        )
    return listed


def the_map(session: Session, engine: SearchEngine, asked: PageQuestion, by: Principal) -> MapView:
    """Raises SearchDown, Invalid."""
    box = next((value for name, value in asked.chosen if name == "bbox"), "")
    x, y, width, height = _frame(box)
    degrees = 2.0 ** math.floor(math.log2(width / ACROSS))
    cells = engine.grid("coordinates", search.whole_tree(session, engine, asked.asked(1, by)), degrees)
    greatest = max((cell.count for cell in cells), default=1)
    marks = []
    for cell in cells:
        turns = 360 if cell.longitude < x else -360 if cell.longitude > x + width else 0  # the frame may go over 180°
        corners = (cell.west, cell.south, min(cell.west + degrees, 180), min(cell.south + degrees, 90))
        href = asked.with_one("bbox", ",".join(f"{corner:.10g}" for corner in corners))
        href = href if degrees > SMALLEST else href.replace("view=map", "view=list")
        radius = width * (0.0285 + 0.0065 * math.sqrt(cell.count / greatest))
        told = f"{cell.count:,} near {_told(cell.latitude, 'N', 'S')}, {_told(cell.longitude, 'E', 'W')}"
        marks.append(Mark(cell.longitude + turns, -cell.latitude, radius, cell.count, href, told))
    marks.sort(key=lambda mark: -mark.count)
    return MapView(
        x, y, width, height, tuple(marks), sum(cell.count for cell in cells), asked.with_one("bbox", "") if box else ""
    )


def timeline(session: Session, engine: SearchEngine, asked: PageQuestion, by: Principal) -> list[Step]:
    """Years, or stretches of years, with the number of what was collected in each. Raises SearchDown, Invalid."""
    spread = engine.spread("year", search.whole_tree(session, engine, asked.asked(1, by)), STEPS)
    if spread is None:
        return []
    greatest = max(count for _, count in spread.bins)
    steps = []
    for edge, count in spread.bins:
        first, last = int(edge), int(edge + spread.width) - 1
        label = str(first) if first == last else f"{first}–{last}"
        href = asked.with_one("year", f"{first}..{last}")
        steps.append(Step(label, count, count / greatest, href if first < last else href.replace("view=timeline", "view=list")))
    return steps


def _page(item: Mapping[str, Any], addresses: Addresses) -> str:
    return f"/statements/{item['key']}" if item["type"] == "annotation" else below_root(item["page"], addresses)


def _cell(name: str, value: Any, item: Mapping[str, Any], addresses: Addresses, *, first: bool) -> Cell:
    page = _page(item, addresses)
    if name == "thumbnail":
        return Cell(item["label"], page, below_root(value, addresses))
    text = hit_columns.text(value)
    if isinstance(value, str) and value.startswith(("http://", "https://")):
        return Cell(text, value)
    shown = text if len(text) <= LONGEST_CELL else f"{text[:LONGEST_CELL]}…"
    return Cell(shown, page if first or name in ("catalogNumber", "label", "scientificName") else "")


def _heading(name: str, asked: PageQuestion) -> Heading:
    field = SORTED_BY.get(name, "")
    if asked.type == SPECIMEN and field in ("value", "confidence"):
        field = ""
    now = {field: "ascending", f"-{field}": "descending"}.get(asked.sort, "") if field else ""
    return Heading(name, called(name), asked.having(sort=f"-{field}" if now == "ascending" else field) if field else "", now)


def _frame(box: str) -> tuple[float, float, float, float]:
    """x, y, width and height of what is drawn: the world, or a box twice as wide as high around that of the question."""
    try:
        west, south, east, north = map(float, box.split(","))
    except ValueError:
        return -180.0, -85.0, 360.0, 145.0
    east = east + 360 if east < west else east
    width = min(max((east - west) * 1.2, (north - south) * 2.4, 4 * SMALLEST), 360.0)
    height = width / 2
    middle, parallel = (west + east) / 2, (south + north) / 2
    return middle - width / 2, -parallel - height / 2, width, height


def _told(degrees: float, positive: str, negative: str) -> str:
    return f"{abs(degrees):.1f}° {positive if degrees >= 0 else negative}"
