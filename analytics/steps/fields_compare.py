"""Whether two values of a Darwin Core term say the same, however they are written."""

import re

from analytics.steps import fields_names, fields_people, fields_places
from analytics.steps.barcode import agreement
from analytics.steps.fields_text import words_of

ALIKE = 0.6  # share of the words of two places that they have in common
NEAR_DEGREES = 0.002
NUMBERS = frozenset(
    f"{least}imum{what}InMeters" for least in ("min", "max") for what in ("Elevation", "Depth")
) | {"coordinateUncertaintyInMeters"}  # fmt: skip
PEOPLE = ("recordedBy", "identifiedBy")
PLACES = ("locality", "verbatimLocality", "institution", "exchange")


def same(term: str, one: str, other: str) -> bool:
    """People by their surnames, names without their authors, places by their words, numbers by their value."""
    if term in PEOPLE:
        return bool(fields_people.surnames(one)) and fields_people.surnames(one) == fields_people.surnames(other)
    if term == "scientificName":
        return fields_names.canonical(one) == fields_names.canonical(other)
    if term in ("decimalLatitude", "decimalLongitude"):
        return _near(one, other, NEAR_DEGREES)
    if term in NUMBERS:
        return _near(one, other, 1.0)
    if term in PLACES:
        return _common(words_of(one), words_of(other)) >= ALIKE
    if term == "country":
        return fields_places.country_of(one).casefold() == fields_places.country_of(other).casefold()
    if term == "catalogNumber":
        return agreement(one, other) in ("match", "contains")
    if term in ("eventDate", "dateIdentified"):
        return one == other
    return "".join(words_of(one)).lstrip("0") == "".join(words_of(other)).lstrip("0")


def _near(one: str, other: str, most: float) -> bool:
    try:
        return abs(float(one) - float(other)) <= most
    except ValueError:
        return False


def _common(one: tuple[str, ...], other: tuple[str, ...]) -> float:
    """Words in common over words of either, each counted once."""
    mine, theirs = set(one), set(other)
    return len(mine & theirs) / len(mine | theirs) if mine | theirs else 0.0


def is_finer_date(read: str, known: str) -> bool:
    """Whether a date lies in another and says more: 1887-06-12 in 1887."""
    return "/" not in known and read != known and bool(re.match(rf"{re.escape(known)}(?!\d)", read))
