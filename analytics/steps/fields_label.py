"""A label's text to the Darwin Core terms on it: each parser takes its words, and the next ones see what is left."""

from collections.abc import Sequence

from analytics.steps import fields_coordinates, fields_dates, fields_names, fields_numbers, fields_people, fields_places
from analytics.steps.fields_text import Reading, blanked

LONGEST = 5_000  # characters of a label; what is longer is a page, and read as far


def read(text: str) -> list[Reading]:
    """Every term that the label gives, at most one reading of each; by place."""
    text = text[:LONGEST]
    numbers = list(fields_numbers.readings(text))
    rest = blanked(text, fields_numbers.spans(text))
    coordinates = list(fields_coordinates.readings(rest))
    rest = blanked(rest, [(one.start, one.end) for one in coordinates])
    names = list(fields_names.readings(rest))
    rest = blanked(rest, [(one.start, one.end) for one in names])
    dates = list(fields_dates.readings(rest))
    rest = blanked(rest, [(one.start, one.end) for one in dates])
    people = list(fields_people.readings(rest))
    places = list(fields_places.readings(blanked(rest, [(one.start, one.end) for one in people])))
    return sorted(_one_each([*numbers, *coordinates, *dates, *names, *people, *places]), key=lambda one: (one.start, one.term))


def _one_each(readings: Sequence[Reading]) -> list[Reading]:
    """Of a term that is read twice with different values neither is sure; a date of a day goes before one of a year."""
    kept = []
    for term in dict.fromkeys(one.term for one in readings):
        those = [one for one in readings if one.term == term]
        if term in ("eventDate", "dateIdentified", "verbatimEventDate"):
            finest = max(len(one.value.partition("/")[0]) if term != "verbatimEventDate" else 0 for one in those)
            those = [one for one in those if term == "verbatimEventDate" or len(one.value.partition("/")[0]) == finest]
        if len({one.value for one in those}) == 1:
            kept.append(those[0])
    return kept
