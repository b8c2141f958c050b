"""Darwin Core: the terms in use, how a source's column names lead to them, and how their values are read.

Term names follow the list of terms of 2026 (dwc.tdwg.org/list), with the Dublin Core terms that Darwin Core borrows.
What cannot be read is left out of the interpreted record and named in a note; the verbatim record always keeps it.
"""

import calendar
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

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
MISSING = frozenset({"", "\\N", "NULL", "null"})

_BY_SPELLING = {term.lower(): term for term in TERMS} | {"licence": "license"}
_LABELS = {
    "recordNumber": "Collector's number",
    "eventDate": "Date",
    "recordedBy": "Collector",
    "catalogNumber": "Catalogue number",
}


@dataclass(frozen=True, slots=True)
class Note:
    """A value that could not be read, or was read with doubt: a code for statistics, and a sentence."""

    code: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Interpretation:
    """Terms under their Darwin Core names, cleaned, and what was left out."""

    terms: Mapping[str, str]
    notes: tuple[Note, ...]


def spelling(column: str) -> str:
    """A column's name without prefix, case, spaces and underscores: `dwc:Catalogue_Number` is `catalognumber`."""
    name = re.split(r"[:/#]", column.strip().strip("\ufeff"))[-1]
    return re.sub(r"[\s_\-]+", "", name).lower().replace("catalogue", "catalog")


def term_of(column: str) -> str | None:
    """The Darwin Core term that a column names in any case, with or without prefix or address; None for others."""
    return _BY_SPELLING.get(spelling(column))


def label_of(term: str) -> str:
    """An English label: `decimalLatitude` is `Decimal latitude`."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", term).split()
    return _LABELS.get(term) or " ".join(word if word.isupper() else word.lower() for word in words).capitalize()


def interpret(verbatim: Mapping[str, str]) -> Interpretation:
    """Read a source's row, by column name. The first column that gives a term wins."""
    terms: dict[str, str] = {}
    for column, value in verbatim.items():
        term, text = term_of(column), value.strip()
        if term is not None and text not in MISSING:
            terms.setdefault(term, text)
    notes: list[Note] = []
    _read_dates(terms, notes)
    _read_coordinates(terms, notes)
    _read_country_code(terms, notes)
    return Interpretation(terms, tuple(notes))


# Dates: ISO 8601-1:2019 and the parts of ISO 8601-2 (EDTF) that collections use.
_TIME = r"(?:[T ]\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:Z|[+-]\d{2}(?::?\d{2})?)?)?"
_DAY = re.compile(rf"(\d{{4}}|\d{{3}}X|\d{{2}}XX)(?:-(\d{{2}}|XX)(?:-(\d{{2}}|XX){_TIME})?)?[~?%]?", re.ASCII)
_SHORT_END = re.compile(r"(?:(\d{2})-)?(\d{2})", re.ASCII)


def is_date(text: str) -> bool:
    """Whether the text is a day, month or year, or an interval of them (`1887-06-12`, `188X`, `1887-06/07`, `1887/..`)."""
    start, slash, end = text.partition("/")
    if not slash:
        return _is_day(start)
    if {start, end} <= {"", ".."}:
        return False
    if start in ("", "..") or end in ("", ".."):
        return _is_day(start if start not in ("", "..") else end)
    return _is_day(start) and (_is_day(end) or _is_short_end(start, end))


def date_of(text: str) -> str:
    """The date in ISO 8601, where slashes, single digits or unknown parts written as zero leave no doubt; else empty.

    `2015/9/5` is 2015-09-05 and `1998-00-00` is 1998, but `5/9/2015` could be either day and stays unread.
    """
    text = re.sub(r"^(\d{4})/(\d{1,2})/(\d{1,2})(?!\d)", r"\1-\2-\3", text.strip(), flags=re.ASCII)
    text = re.sub(r"(?<=-)(\d)(?=-|/|$)", r"0\1", text, flags=re.ASCII)
    text = re.sub(r"^(\d{4})(?:-00-00|-00|(-\d{2})-00)$", r"\1\2", text, flags=re.ASCII)
    return text if is_date(text) else ""


def _is_day(text: str) -> bool:
    match = _DAY.fullmatch(text)
    if match is None:
        return False
    year, month, day = match.groups()
    if month in (None, "XX"):
        return day in (None, "XX")
    if not 1 <= int(month) <= 12:
        return False
    if day in (None, "XX"):
        return True
    leap_safe = int(year) if "X" not in year and int(year) >= 1 else 2000
    return 1 <= int(day) <= calendar.monthrange(leap_safe, int(month))[1]


def _is_short_end(start: str, end: str) -> bool:
    """An interval's end may leave out what it shares with the start (ISO 8601-1, section 5.5.2): `1887-06-12/14`."""
    match = _SHORT_END.fullmatch(end)
    day = re.fullmatch(r"(\d{4})-(\d{2})(-\d{2})?", start, re.ASCII)
    if match is None or day is None:
        return False
    if day[3] is None:
        return match[1] is None and _is_day(f"{day[1]}-{match[2]}")
    return _is_day(f"{day[1]}-{match[1] or day[2]}-{match[2]}")


def _read_dates(terms: dict[str, str], notes: list[Note]) -> None:
    for term in DATE_TERMS:
        text = terms.pop(term, None)
        if text is not None and (date := date_of(text)):
            terms[term] = date
        elif text is not None:
            notes.append(Note("bad-date", f"{term} {text[:60]!r} is no ISO 8601 date: kept verbatim only."))
    if "eventDate" not in terms and "year" in terms:
        parts = (terms["year"].zfill(4), terms.get("month", "").zfill(2), terms.get("day", "").zfill(2))
        whole = "-".join(part for part in parts if part.strip("0"))
        if ("day" not in terms or "month" in terms) and is_date(whole):
            terms["eventDate"] = whole


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
        notes.append(
            Note("bad-coordinates", f"The coordinates {given[:80]!r} are no decimal degrees and were kept verbatim only.")
        )
    elif north == 0 and east == 0:
        notes.append(Note("zero-coordinates", "The coordinates 0, 0 are taken to mean unknown: kept verbatim only."))
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
        notes.append(Note("bad-country-code", f"countryCode {code[:40]!r} is not two letters (ISO 3166-1): kept verbatim only."))
