"""A Darwin Core record as people read it: grouped terms, and what the source wrote beside what we made of it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.runtime.principal import Principal, may
from iiif.catalogue import places
from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.rights import iri_of, of_terms
from ontology.darwin_core import label_of

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    (
        "Name",
        (
            "scientificName", "scientificNameAuthorship", "typeStatus", "kingdom", "phylum", "class", "order", "family", "genus",
            "specificEpithet", "infraspecificEpithet", "taxonRank", "vernacularName", "identifiedBy", "dateIdentified",
            "identificationQualifier", "previousIdentifications",
        ),
    ),
    (
        "Collected",
        (
            "recordedBy", "recordNumber", "eventDate", "verbatimEventDate", "year", "month", "day", "habitat", "samplingProtocol",
            "fieldNumber", "sex", "lifeStage", "individualCount", "preparations",
        ),
    ),
    (
        "Place",
        (
            "continent", "country", "countryCode", "stateProvince", "county", "municipality", "island", "locality",
            "verbatimLocality", "decimalLatitude", "decimalLongitude", "geodeticDatum", "coordinateUncertaintyInMeters",
            "minimumElevationInMeters", "maximumElevationInMeters", "verbatimElevation",
        ),
    ),
)  # fmt: skip
REST = "Record"


@dataclass(frozen=True, slots=True)
class TermRow:
    """One term. `verbatim` is empty where the source wrote the same; `column` is the source's own name for it."""

    term: str
    label: str
    value: str
    verbatim: str
    column: str


@dataclass(frozen=True, slots=True)
class Section:
    title: str
    rows: tuple[TermRow, ...]


def sections(specimen: Specimen) -> tuple[Section, ...]:
    """Every term that was given, once, and after them the columns of the source that are no Darwin Core term."""
    columns = {_plain(column): column for column in specimen.verbatim}
    rows = {term: _row(term, value, columns, specimen.verbatim) for term, value in specimen.interpreted.items() if value}
    named = {term for _, terms in GROUPS for term in terms}
    grouped = [(title, [rows[term] for term in terms if term in rows]) for title, terms in GROUPS]
    grouped.append((REST, [row for term, row in rows.items() if term not in named]))
    grouped.append(("As the source has it", list(_left_over(specimen))))
    return tuple(Section(title, tuple(found)) for title, found in grouped if found)


def _row(term: str, value: str, columns: Mapping[str, str], verbatim: Mapping[str, str]) -> TermRow:
    column = columns.get(_plain(term), "")
    said = verbatim.get(column, "")
    return TermRow(term, label_of(term), value, said if said.strip() != value.strip() else "", column)


def _left_over(specimen: Specimen) -> Iterator[TermRow]:
    known = {_plain(term) for term, value in specimen.interpreted.items() if value}
    for column, said in specimen.verbatim.items():
        if said.strip() and _plain(column) not in known:
            yield TermRow("", column, said, "", column)


def _plain(name: str) -> str:
    """`dwc:Catalog Number`, `catalog_number` and `http://rs.tdwg.org/dwc/terms/catalogNumber` are one name."""
    return re.sub(r"[^a-z0-9]", "", re.split(r"[/#:]", name)[-1].lower())


@dataclass(frozen=True, slots=True)
class ImageRights:
    """What is said of the rights in an image: `text` to the letter, empty where nothing is; `address` of the licence that it
    names; `of_record` where only the record says it."""

    text: str
    address: str
    of_record: bool


def rights(specimen: Specimen, media: Media) -> ImageRights:
    """As the manifest gives them out."""
    text = media.rights or of_terms(specimen.interpreted)
    return ImageRights(text, iri_of(text), bool(text) and not media.rights)


def withheld(specimen: Specimen, by: Principal) -> str:
    """That the record holds its place back, and from whom; empty where it does not."""
    term = places.withheld_by(specimen.interpreted)
    if not term:
        return ""
    says = f"The record holds its place back ({label_of(term).lower()})"
    if places.are_shown():
        return f"{says}; this hub shows it to everybody all the same."
    if may(by, "see", specimen):
        return f"{says}: you see it, the public does not."
    return f"{says}: no more than country and province are public."
