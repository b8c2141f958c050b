"""What the index knows of the record of a specimen: its facets, its date and place, and every word of it."""

import re
from collections.abc import Iterable, Mapping

from annotations.search.schema import DARWIN_CORE_FACETS
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.search import words
from app.runtime.search.columns import point
from app.runtime.search.dates import span
from app.runtime.search.port import Held
from iiif.catalogue import places
from iiif.catalogue.model import Media, Specimen
from ontology.darwin_core import TERMS
from ontology.dates import date_of, is_before_collecting

MOST_TERM_WORDS = 200  # of one term of a record
NAMES = ("scientificName", "kingdom", "phylum", "class", "order", "family", "genus", "specificEpithet", "vernacularName",
         "acceptedNameUsage", "previousIdentifications")  # fmt: skip
PLACES = (
    "continent",
    "country",
    "stateProvince",
    "county",
    "municipality",
    "locality",
    "verbatimLocality",
    "island",
    "waterBody",
)

Fields = dict[str, Held]


def darwin_core(specimen: Specimen, addresses: Addresses) -> Fields:
    """The facets that a specimen shares with its annotations."""
    terms = places.public(specimen).interpreted
    fields: Fields = {term: _several(terms.get(term, "")) for term in DARWIN_CORE_FACETS}
    year = _year(terms)
    if year is not None:
        fields["year"] = year
    if when := _collected(terms):
        fields["eventDate"] = when
    if where := _coordinates(terms):
        fields["coordinates"] = where
    return fields | {
        "pid": ids.ark(specimen.key, addresses.naan),
        "specimen": [specimen.key],
        "label": label(specimen),
        "catalogNumber": specimen.catalog_number,
        "name": _given(terms, NAMES),
        "collector": _given(terms, ("recordedBy", "identifiedBy")),
        "place": _given(terms, PLACES),
    }


def label(specimen: Specimen) -> str:
    """What a specimen is called in lists."""
    return " · ".join(part for part in (specimen.scientific_name, specimen.catalog_number) if part) or specimen.key


def words_of(specimen: Specimen, media: Iterable[Media]) -> list[str]:
    """Every word of the record, once per distinct value; the catalogue number also in the ways people type it."""
    number, seen = specimen.catalog_number, places.public(specimen)
    typed = [
        number,
        re.sub(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[^\W\d_])", " ", number),
        *(run.lstrip("0") for run in re.findall(r"\d+", number)),
    ]
    values = [
        *typed,
        *map(str, seen.interpreted.values()),
        *map(str, seen.read.values()),
        *map(str, seen.verbatim.values()),
        *(one.file_name for one in media),
    ]
    return distinct(values)


def term_words(terms: Mapping[str, str]) -> list[str]:
    """See `TERM_WORDS`."""
    given = {name: text for name, text in terms.items() if text and name in TERMS}
    each = (f"{name} {word}" for name, text in given.items() for word in words.split(str(text))[:MOST_TERM_WORDS])
    return distinct([*given, *each])


def _year(terms: Mapping[str, str]) -> int | None:
    """dwc:year, or that of dwc:eventDate."""
    match = re.match(r"\s*(\d{4})(?!\d)", str(terms.get("year") or terms.get("eventDate") or ""), re.ASCII)
    return int(match[1]) if match else None


def _collected(terms: Mapping[str, str]) -> str:
    """dwc:eventDate, else dwc:verbatimEventDate where it leaves no doubt; empty where there is neither."""
    for given in (terms.get("eventDate", ""), date_of(str(terms.get("verbatimEventDate", "")))):
        if span(str(given)) is not None and not is_before_collecting(str(given)):
            return str(given)
    return ""


def _coordinates(terms: Mapping[str, str]) -> str:
    """ "latitude,longitude"; empty where there are none, or 0, 0, which is written for unknown."""
    place = point(f"{terms.get('decimalLatitude', '')},{terms.get('decimalLongitude', '')}")
    return f"{place[0]},{place[1]}" if place and place != (0, 0) else ""


def _several(value: str) -> list[str]:
    """Darwin Core parts several values of one term by ` | `."""
    return distinct(part.strip() for part in str(value).split("|"))


def _given(terms: Mapping[str, str], names: Iterable[str]) -> list[str]:
    return distinct(str(terms.get(name, "")) for name in names)


def distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys([str(value) for value in values if value]))
