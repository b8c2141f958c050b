"""All hits of a question as a file, however many: written batch by batch, each read in a transaction of its own."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from annotations.search import hit_columns, items, service
from annotations.search.documents import SPECIMEN, index_key
from annotations.search.service import KINDS_OF_THINGS, Question
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.search.columns import point
from app.runtime.search.port import After, Query
from app.runtime.spreadsheets import harmless_line
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Specimen

BATCH, PAGE = 50, 1_000  # hits read from the database, and places asked of the engine, at a time
MEDIA_TYPES = {
    "csv": "text/csv; charset=utf-8; header=present",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
    "geojson": "application/geo+json",
}
Row = tuple[Mapping[str, Any], Specimen | None, int | None]  # a hit's JSON, its specimen as it is seen, its number of statements


@dataclass(frozen=True, slots=True)
class Download:
    """How many hits there were when it began, and the text, piece by piece. What has gone by the time it is read is left out."""

    total: int
    written: Iterator[str]


def begin(runtime: Runtime, asked: Question, form: str, named: str | None) -> Download:
    """Hits in the order of their keys, as of now, or in that of `sort`. Raises Invalid, and SearchDown, also in the middle."""
    if asked.type not in KINDS_OF_THINGS:
        raise Invalid(f"A download has one type of thing: {', '.join(KINDS_OF_THINGS)}.", parameter="type")
    names = hit_columns.chosen(asked.type, named)
    counted = replace(asked, facets=(), size=1)
    with runtime.reads.begin() as session:
        found, typed = service.find(session, runtime.search, counted)
        keys = service.scan(session, runtime.search, asked) if not service.sort_of(asked.sort).field else _sorted(runtime, asked)
    wants_hits = hit_columns.HITS in names and asked.type == SPECIMEN and (form in ("csv", "geojson") or named is not None)
    rows = _rows(runtime, asked, keys, typed, wants_hits=wants_hits)
    match form:
        case "csv":
            written = _csv(rows, names)
        case "geojson":
            written = _geojson(rows, names, found.total)
        case "json":
            written = _json(_objects(rows, names, named), found.total)
        case _:
            written = (_dumped(one) + "\n" for one in _objects(rows, names, named))
    return Download(found.total, written)


def _sorted(runtime: Runtime, asked: Question) -> Iterator[str]:
    """The keys in the order of a field, page by page, each going on behind the last."""
    with runtime.reads.begin() as session:
        tree = service.whole_tree(session, runtime.search, asked)
    after: After | None = None
    while hits := runtime.search.find(tree, sort=service.sort_of(asked.sort), limit=PAGE, after=after).hits:
        yield from map(service.key_of, hits)
        after = After(hits[-1].key, hits[-1].value)


def _rows(runtime: Runtime, asked: Question, keys: Iterator[str], typed: Query, *, wants_hits: bool) -> Iterator[Row]:
    while batch := list(islice(keys, BATCH)):
        with runtime.reads.begin() as session:
            index_keys = [index_key(asked.type, key) for key in batch]
            found = items.items_of(session, runtime.search, index_keys, typed, asked.by, runtime.addresses)
            lying = {item["key"]: item["key"] if asked.type == SPECIMEN else item["specimen"] for item in found}
            known = catalogue.specimens_by_key(session, set(filter(None, lying.values())))
            counts = service.statements_on(session, runtime.search, asked, batch) if wants_hits else {}
        for item in found:
            specimen = known.get(lying[item["key"]])
            seen = places.as_seen(specimen, asked.by) if specimen else None
            yield item, seen, counts.get(item["key"], 0) if wants_hits else None


def _objects(rows: Iterator[Row], names: Sequence[str], named: str | None) -> Iterator[Mapping[str, Any]]:
    """Those of `/api/search`, or the columns that were named."""
    return (item if named is None else hit_columns.cells(item, specimen, names, hits) for item, specimen, hits in rows)


def _csv(rows: Iterator[Row], names: Sequence[str]) -> Iterator[str]:
    """A header and a line for each hit (RFC 4180); no cell is taken for a formula."""
    yield harmless_line(names)
    for item, specimen, hits in rows:
        yield harmless_line([hit_columns.text(cell) for cell in hit_columns.cells(item, specimen, names, hits).values()])


def _json(objects: Iterator[Mapping[str, Any]], total: int) -> Iterator[str]:
    """`total` as it began, and `rows`, as many as were written, at the end."""
    rows = 0
    yield f'{{"total":{total},"items":['
    for rows, one in enumerate(objects, 1):
        yield ("," if rows > 1 else "") + "\n" + _dumped(one)
    yield f'\n],"rows":{rows}}}\n'


def _geojson(rows: Iterator[Row], names: Sequence[str], total: int) -> Iterator[str]:
    """RFC 7946, section 3.3: where each was collected; the geometry is null where no place is known (section 3.2)."""
    written = 0
    yield f'{{"type":"FeatureCollection","numberMatched":{total},"features":['
    for written, (item, specimen, hits) in enumerate(rows, 1):
        feature = {
            "type": "Feature",
            "id": item["id"],
            "geometry": _geometry(specimen),
            "properties": hit_columns.cells(item, specimen, names, hits),
        }
        yield ("," if written > 1 else "") + "\n" + _dumped(feature)
    yield f'\n],"numberReturned":{written}}}\n'


def _geometry(specimen: Specimen | None) -> dict[str, Any] | None:
    terms = specimen.interpreted if specimen else {}
    place = point(f"{terms.get('decimalLatitude', '')},{terms.get('decimalLongitude', '')}")
    return {"type": "Point", "coordinates": [place[1], place[0]]} if place and place != (0, 0) else None


def _dumped(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
