"""Places that a record withholds: what of a specimen the public does not see.

`informationWithheld` and `dataGeneralizations` say that the whole is not for all, `accessRights` may. What is coarser than a
county stays. Nobody finds the record by what is held back, for the index does not hold it. The place may still be read on an
image of the label: images are held back by their own access. A setting (`show_withheld_places`) shows all of it to everybody.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache

from app.runtime import context
from app.runtime.principal import Principal, may
from iiif.catalogue.model import Specimen
from ontology import darwin_core

SAYS_SO = ("informationWithheld", "dataGeneralizations")
MAY_SAY_SO = (*SAYS_SO, "accessRights")
COARSE = frozenset({"continent", "country", "countryCode", "stateProvince", "waterBody", "islandGroup"})
TELL_PLACES = frozenset(darwin_core.GROUPS["Location"]) - COARSE
TELL_PLACES_TOO = frozenset(
    {"verbatimLabel", "habitat", "fieldNotes", "eventRemarks", "occurrenceRemarks", "dynamicProperties", "materialEntityRemarks"}
)
_NOTHING = re.compile(r"(?:no|none|nothing|false|0|n/?a|not applicable|keine?|[\s\-–—.])*", re.IGNORECASE)
_OF_NAMES = re.compile(r"identification|taxonom|scientific name|vernacular", re.IGNORECASE)
_OF_PLACES = re.compile(
    r"locat|localit|place|coordinat|geograph|georef|latitude|longitude|position|grid|\bkm\b|metre|meter|degree|precis|obscur|site",
    re.IGNORECASE,
)
_CLOSED = re.compile(
    r"\bnot?[\s\-]+(?:(?:for|be|to|the|yet|made|shown|meant|intended)[\s\-]+){0,3}(?:public|open)"
    r"|(?<!not )(?<!un)restricted\b|\bclosed\b|\bconfidential\b|\bsensitive\b|\bembargo|\bprivate\b",
    re.IGNORECASE,
)
_COORDINATES = re.compile(
    r"coord|latitude|longitude|^lat(?:deg)?$|^lon(?:g|deg)?$|locality|footprint|georef|gps|utm|mgrs|gridref|easting|northing"
)


def withheld_by(terms: Mapping[str, str]) -> str:
    """The term of an interpreted record that holds its place back; empty where none does."""
    said = next((term for term in SAYS_SO if _speaks_of_a_place(terms.get(term, ""))), "")
    return said or ("accessRights" if _CLOSED.search(terms.get("accessRights", "")) else "")


def _speaks_of_a_place(text: str) -> bool:
    """Any text does, unless it says that there is nothing, or speaks of the identification alone."""
    if not text.strip() or _NOTHING.fullmatch(text) is not None:
        return False
    return _OF_NAMES.search(text) is None or _OF_PLACES.search(text) is not None


def are_shown() -> bool:
    """Whether this hub shows to everybody what records withhold, by its settings."""
    return context.current().settings.show_withheld_places


def public(specimen: Specimen) -> Specimen:
    """The specimen as the public sees it: where its place is withheld, no term or column that tells more than a province."""
    return _without_place(specimen) if withheld_by(specimen.interpreted) and not are_shown() else specimen


def tells_place(term: str) -> bool:
    """Whether the term may tell more of a place than a province."""
    return term in TELL_PLACES | TELL_PLACES_TOO


def _without_place(specimen: Specimen) -> Specimen:
    interpreted = {term: text for term, text in specimen.interpreted.items() if not tells_place(term)}
    verbatim = {column: text for column, text in specimen.verbatim.items() if not _tells_a_place(column)}
    changes = {term: change for term, change in specimen.changes.items() if not tells_place(term)}
    return replace(specimen, interpreted=interpreted, verbatim=verbatim, changes=changes)


def as_seen(specimen: Specimen, by: Principal) -> Specimen:
    """The specimen as `by` sees it: whole for who may see what is closed in its collection, else as the public does."""
    return specimen if may(by, "see", specimen) else public(specimen)


def as_seen_with(now: Specimen, then: Specimen, by: Principal) -> Specimen:
    """An earlier version of the record of a specimen as `by` sees it: what is held back `now` is held back in it, too."""
    withheld = withheld_by(now.interpreted) or withheld_by(then.interpreted)
    return then if not withheld or are_shown() or may(by, "see", now) else _without_place(then)


@lru_cache(maxsize=4096)
def _tells_a_place(column: str) -> bool:
    """Whether a column of a source may tell the place, whatever it is called: one that is no term of Darwin Core by its name."""
    name = column.rsplit(", ", 1)[-1]  # of an extension's row: `MeasurementOrFact 1, measurementValue`
    term = darwin_core.term_of(re.sub(r" \(.*\)$", "", name))
    if term is not None:
        return term in TELL_PLACES | TELL_PLACES_TOO
    return _COORDINATES.search(darwin_core.spelling(name)) is not None
