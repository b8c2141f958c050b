"""Darwin Core: the terms in use, how a source's column names lead to them, and how their values are read.

Term names follow the list of terms of 2026 (dwc.tdwg.org/list), with the Dublin Core terms that Darwin Core borrows.
What cannot be read is left out of the interpreted record and named in a note; the verbatim record always keeps it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache

from ontology.dates import date_of, date_of_parts, is_before_collecting, is_in_the_future

_TERMS_BY_GROUP = {
    "Taxon": """
        scientificName scientificNameAuthorship acceptedNameUsage kingdom phylum class order superfamily family subfamily
        tribe genus genericName subgenus infragenericEpithet specificEpithet infraspecificEpithet cultivarEpithet taxonRank
        verbatimTaxonRank vernacularName higherClassification nomenclaturalCode taxonomicStatus nomenclaturalStatus taxonID
        scientificNameID acceptedNameUsageID taxonConceptID taxonRemarks originalNameUsage parentNameUsage nameAccordingTo
        namePublishedIn namePublishedInYear
    """,
    "Identification": """
        identifiedBy identifiedByID dateIdentified typeStatus identificationQualifier identificationRemarks
        identificationReferences identificationVerificationStatus identificationID isAcceptedIdentification identificationType
        verbatimIdentification
    """,
    "Event": """
        recordedBy recordedByID recordNumber eventDate verbatimEventDate year month day startDayOfYear endDayOfYear eventTime
        eventID parentEventID eventType fieldNumber habitat samplingProtocol samplingEffort sampleSizeValue sampleSizeUnit
        fieldNotes eventRemarks
    """,
    "Location": """
        country countryCode stateProvince county municipality locality verbatimLocality continent waterBody islandGroup island
        higherGeography higherGeographyID locationID locationAccordingTo locationRemarks decimalLatitude decimalLongitude
        geodeticDatum coordinateUncertaintyInMeters coordinatePrecision verbatimCoordinates verbatimLatitude verbatimLongitude
        verbatimCoordinateSystem verbatimSRS footprintWKT minimumElevationInMeters maximumElevationInMeters verbatimElevation
        minimumDepthInMeters maximumDepthInMeters verbatimDepth georeferencedBy georeferencedDate georeferenceProtocol
        georeferenceSources georeferenceRemarks georeferenceVerificationStatus pointRadiusSpatialFit footprintSRS
        footprintSpatialFit verticalDatum
    """,
    "Geological context": """
        geologicalContextID earliestEonOrLowestEonothem latestEonOrHighestEonothem earliestEraOrLowestErathem
        latestEraOrHighestErathem earliestPeriodOrLowestSystem latestPeriodOrHighestSystem earliestEpochOrLowestSeries
        latestEpochOrHighestSeries earliestAgeOrLowestStage latestAgeOrHighestStage lowestBiostratigraphicZone
        highestBiostratigraphicZone lithostratigraphicTerms group formation member bed
    """,
    "Specimen": """
        catalogNumber otherCatalogNumbers occurrenceID materialEntityID digitalSpecimenID materialSampleID organismID
        individualCount organismQuantity organismQuantityType sex lifeStage reproductiveCondition caste behavior vitality
        establishmentMeans degreeOfEstablishment pathway occurrenceStatus preparations disposition materialEntityCategory
        verbatimLabel associatedMedia associatedReferences associatedSequences associatedTaxa associatedOccurrences
        associatedOrganisms organismName organismScope organismRemarks occurrenceRemarks materialEntityRemarks
        previousIdentifications
    """,
    "Record": """
        institutionCode collectionCode institutionID collectionID ownerInstitutionCode datasetName datasetID basisOfRecord
        type modified language license rights rightsHolder accessRights bibliographicCitation references informationWithheld
        dataGeneralizations dynamicProperties
    """,
}
GROUPS: Mapping[str, tuple[str, ...]] = {group: tuple(terms.split()) for group, terms in _TERMS_BY_GROUP.items()}
TERMS = frozenset(term for terms in GROUPS.values() for term in terms)
DATE_TERMS = ("eventDate", "dateIdentified", "georeferencedDate", "modified")
COORDINATES: Mapping[str, float] = {"decimalLatitude": 90, "decimalLongitude": 180}
TERMS_IRI, DUBLIN_CORE = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/"
OF_DUBLIN_CORE = (
    *("type", "modified", "language", "license", "rights", "rightsHolder", "accessRights", "bibliographicCitation"),
    "references",
)
SPREADSHEET_ERRORS = frozenset(  # in several languages, as programs write them into text
    (
        *("#REF!", "#NAME?", "#VALUE!", "#DIV/0!", "#N/A", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#FIELD!", "#GETTING_DATA"),
        *("#BEZUG!", "#WERT!", "#NV", "#ZAHL!", "#VALEUR!", "#NOM?", "#NOMBRE!", "#NOMBRE?", "#VALOR!", "#¡REF!", "#¡VALOR!"),
        *("#¿NOMBRE?", "#VALORE!", "#NOME?", "#RIF!", "#N/D", "#WAARDE!", "#NAAM?", "#VERW!"),
    )
)
MISSING = frozenset({"", "\\N", "NULL", "null"}) | SPREADSHEET_ERRORS

_BY_SPELLING = {term.lower(): term for term in TERMS} | {"licence": "license"}
_LABELS = {
    "recordNumber": "Collector's number",
    "eventDate": "Date",
    "recordedBy": "Collector",
    "catalogNumber": "Catalogue number",
    "stateProvince": "State or province",
}


@dataclass(frozen=True, slots=True)
class Note:
    """A value that could not be read, or was read with doubt: a code for statistics, a sentence, and the value in its term."""

    code: str
    sentence: str
    term: str = ""
    value: str = ""


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Terms under their Darwin Core names, cleaned, and what was left out."""

    terms: Mapping[str, str]
    notes: tuple[Note, ...]


@lru_cache(maxsize=4096)
def spelling(column: str) -> str:
    """A column's name without prefix, case, spaces and underscores: `dwc:Catalogue_Number` is `catalognumber`."""
    name = re.split(r"[:/#]", column.strip().strip("\ufeff"))[-1]
    return re.sub(r"[\s_\-]+", "", name).lower().replace("catalogue", "catalog")


@lru_cache(maxsize=4096)
def term_of(column: str) -> str | None:
    """The Darwin Core term that a column names in any case, with or without prefix or address; None for others."""
    return _BY_SPELLING.get(spelling(column))


def label_of(term: str) -> str:
    """An English label: `decimalLatitude` is `Decimal latitude`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", term).split()
    return _LABELS.get(term) or " ".join(word if word.isupper() else word.lower() for word in words).capitalize()


def term_of_label(label: str) -> str | None:
    """The term of a label that people are shown: one of ours (`Collector`), or the term's own name in any spelling."""
    return _by_label().get(" ".join(label.split()).lower()) or term_of(label)


@cache
def _by_label() -> Mapping[str, str]:
    return {label_of(term).lower(): term for term in sorted(TERMS)}


def terms_of(verbatim: Mapping[str, str]) -> dict[str, str]:
    """A row's values by term, as they were given. The first column that gives a term wins."""
    terms: dict[str, str] = {}
    for column, term in _named(tuple(verbatim)):
        text = verbatim[column].strip()
        if text not in MISSING and term not in terms:
            terms[term] = text
    return terms


@lru_cache(maxsize=512)
def _named(columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """The columns that name a term, with it."""
    return tuple((column, term) for column in columns if (term := term_of(column)) is not None)


def iri_of(term: str) -> str:
    """The address of a term: most are Darwin Core's own, some it has from Dublin Core."""
    return f"{DUBLIN_CORE if term in OF_DUBLIN_CORE else TERMS_IRI}{term}"


def read_value(term: str, text: str) -> tuple[str, tuple[Note, ...]]:
    """A value that is proposed for one term, read as that of a row is; empty with notes that say why where it cannot be read.

    A coordinate is read by itself, as its other half may be proposed beside it.
    """
    text = text.strip()
    if term in COORDINATES:
        if degrees(text, COORDINATES[term]) is not None:
            return _plain(text), ()
        sentence = f"{term} {text[:60]!r} is no number of decimal degrees: kept verbatim only."
        return "", (Note("bad-coordinates", sentence, term, text),)
    reading = interpret({term: text})
    return reading.terms.get(term, ""), reading.notes


def interpret(verbatim: Mapping[str, str]) -> Interpretation:
    """Read a source's row, by column name."""
    terms = terms_of(verbatim)
    notes: list[Note] = []
    _read_dates(terms, notes)
    _read_coordinates(terms, notes)
    _read_country_code(terms, notes)
    return Interpretation(terms, tuple(notes))


def _read_dates(terms: dict[str, str], notes: list[Note]) -> None:
    for term in DATE_TERMS:
        text = terms.pop(term, None)
        if text is None:
            continue
        date = date_of(text)
        if date and is_in_the_future(date):
            notes.append(Note("bad-date", f"{term} {text[:60]!r} lies in the future: kept verbatim only.", term, text))
        elif date and not is_before_collecting(date):
            terms[term] = date
        else:
            notes.append(Note("bad-date", f"{term} {text[:60]!r} is no date that can be read: kept verbatim only.", term, text))
    if "year" in terms:
        _read_parts_of_date(terms, notes)


def _read_parts_of_date(terms: dict[str, str], notes: list[Note]) -> None:
    parts = (terms["year"], terms.get("month", ""), terms.get("day", ""))
    date, problem = date_of_parts(*parts)
    if problem:
        sentence = f"Of year, month and day {', '.join(parts)[:60]!r}, {problem}: kept verbatim only."
        notes.append(Note("bad-date", sentence, "year", parts[0]))
    whole = terms.setdefault("eventDate", date) if date else terms.get("eventDate", "")
    if date and "/" not in whole + date and whole[:4].isdigit() and whole[:4] != date[:4]:
        notes.append(Note("date-contradiction", f"eventDate {whole!r} and year {date[:4]!r} contradict.", "eventDate", whole))


# Coordinates, in decimal degrees.


def degrees(text: str, limit: float) -> float | None:
    """A number of degrees within ±limit, with a decimal point or comma; None for anything else."""
    if re.fullmatch(r"[+\-−]?\d{1,3}(?:[.,]\d+)?", text.strip(), re.ASCII) is None:
        return None
    value = float(text.strip().replace(",", ".").replace("−", "-"))
    return value if math.fabs(value) <= limit else None


def _read_coordinates(terms: dict[str, str], notes: list[Note]) -> None:
    latitude, longitude = terms.pop("decimalLatitude", None), terms.pop("decimalLongitude", None)
    if latitude is None and longitude is None:
        return
    north, east = degrees(latitude or "", 90), degrees(longitude or "", 180)
    if north is None or east is None:
        given = f"{latitude or 'nothing'}, {longitude or 'nothing'}"
        sentence = f"The coordinates {given[:80]!r} are not decimal degrees and were kept verbatim only."
        notes.append(Note("bad-coordinates", sentence, "decimalLatitude", given))
    elif north == 0 and east == 0:
        sentence = "The coordinates 0, 0 are taken to mean unknown: kept verbatim only."
        notes.append(Note("zero-coordinates", sentence, "decimalLatitude", "0, 0"))
    else:
        terms["decimalLatitude"], terms["decimalLongitude"] = _plain(latitude or ""), _plain(longitude or "")


def _plain(number: str) -> str:
    return number.replace(",", ".").replace("−", "-").removeprefix("+")


def _read_country_code(terms: dict[str, str], notes: list[Note]) -> None:
    code = terms.get("countryCode")
    if code is None:
        return
    if re.fullmatch(r"[A-Za-z]{2}", code):
        terms["countryCode"] = code.upper()
    else:
        del terms["countryCode"]
        sentence = f"countryCode {code[:40]!r} is not two letters (ISO 3166-1): kept verbatim only."
        notes.append(Note("bad-country-code", sentence, "countryCode", code))
