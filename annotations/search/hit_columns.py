"""The columns of a table of hits: what a download may be asked for, and what each says of a hit.

A term of Darwin Core is a column under its own name, of every type of thing: that of the specimen itself or, of an annotation, an
image or a segment, of the first specimen that it lies on. Places that a record withholds are withheld here, too.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from annotations.search.documents import ANNOTATION, SEGMENT, SPECIMEN
from annotations.search.values import near_to
from app.runtime.errors import Invalid
from iiif.catalogue.model import Specimen
from ontology import darwin_core

HITS = "hits"  # how many statements on a specimen answer the question by themselves
MOST = 100
COMMON = ("id", "key", "label", "page", "manifest", "thumbnail", "match", "matchWhere")
OWN: Mapping[str, Sequence[str]] = {
    SPECIMEN: (*COMMON, "record", HITS),
    ANNOTATION: (
        *COMMON, "kind", "layer", "state", "motivation", "text", "value", "unit", "confidence", "run", "created", "specimen",
        "canvas", "box",
    ),
    SEGMENT: (*COMMON, "class", "state", "text", "specimen", "canvas", "box", "record"),
}  # fmt: skip
TERMS = tuple(term for terms in darwin_core.GROUPS.values() for term in terms)
RECORD = ("scientificName", "family", "recordedBy", "eventDate", "country", "decimalLatitude", "decimalLongitude")
USUAL: Mapping[str, Sequence[str]] = {
    SPECIMEN: ("id", "institutionCode", "catalogNumber", *RECORD, HITS, "match", "matchWhere", "page", "thumbnail"),
    ANNOTATION: ("id", "kind", "text", "value", "unit", "confidence", "state", "layer", "created", "specimen", "catalogNumber",
                 "scientificName", "canvas", "box", "match", "page", "thumbnail"),
    SEGMENT: ("id", "class", "state", "text", "specimen", "catalogNumber", "scientificName", "canvas", "box", "match", "page",
              "thumbnail"),
}  # fmt: skip


def chosen(kind: str, named: str | None) -> tuple[str, ...]:
    """The columns that are named, separated by commas, or the usual ones. Raises Invalid, also for "all" types of things."""
    if kind not in OWN:
        raise Invalid(f"A table has one type of thing: {', '.join(OWN)}.", parameter="type")
    if named is None:
        return tuple(USUAL[kind])
    names = tuple(dict.fromkeys(filter(None, (name.strip() for name in named.split(",")))))
    if not 0 < len(names) <= MOST:
        raise Invalid(f"columns names from 1 to {MOST} columns, separated by commas.", parameter="columns")
    for name in names:
        if name not in OWN[kind] and name not in TERMS:
            near = near_to(name, (*OWN[kind], *TERMS))
            meant = f" Did you mean {near}?" if near else ""
            sentence = f"There is no column {name[:40]!r}: there are {', '.join(OWN[kind])} and the terms of Darwin Core.{meant}"
            raise Invalid(sentence, parameter="columns")
    return names


def cells(item: Mapping[str, Any], specimen: Specimen | None, names: Sequence[str], hits: int | None) -> dict[str, Any]:
    """Column to value, None where there is none; `specimen` as who asks sees it."""
    return {name: _cell(name, item, specimen, hits) for name in names}


def text(value: Any) -> str:
    """A value as a cell of CSV: several are parted by ` | `, as Darwin Core does; a box is x0,y0,x1,y1."""
    if value is None:
        return ""
    if isinstance(value, list):
        return (" | " if any(isinstance(one, str) for one in value) else ",").join(map(text, value))
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _cell(name: str, item: Mapping[str, Any], specimen: Specimen | None, hits: int | None) -> Any:
    match name:
        case "hits":
            return hits
        case "match":
            quote = item["snippet"]
            return quote and f"{quote['before']}{quote['match']}{quote['after']}"
        case "matchWhere":
            return item["snippet"] and item["snippet"]["where"]
        case "thumbnail":
            picture = item["thumbnail"]
            return picture["id"] if isinstance(picture, dict) else picture
        case "catalogNumber":
            return specimen and specimen.catalog_number
    if name in item and name not in TERMS:
        return item[name]
    return (specimen.interpreted.get(name) if specimen else None) or None
