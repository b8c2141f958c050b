"""What people ask, as a query tree. Nothing that is typed fails, except by its length; what cannot be meant as more is words.

quercus robur            both words, in any order, with their English endings
"quercus robur"          next to one another; so are the parts of S-M-12
querc*                   a word that begins so
quercus~                 a word that is spelled nearly so
-fagus                   without
family:Fagaceae          a term with that value, in any case; scientificName, recordedBy and place by their words
year:1850..1900          a range; one side may be left out
eventDate:1850..1900     collected within these years, or partly within them
length:50..90            millimetres
"""

import re
from calendar import monthrange
from collections.abc import Iterable, Mapping, Sequence

from annotations.search.schema import BY_NAME
from app.runtime.errors import Invalid
from app.runtime.search import columns, dates, words
from app.runtime.search.port import (
    And,
    Everything,
    Fuzzy,
    InBox,
    Near,
    Not,
    Or,
    Overlaps,
    Phrase,
    Prefix,
    Query,
    Range,
    Term,
    Words,
)

LONGEST, MOST_PARTS = 1000, 40  # characters of a question, and its parts; so many values of one parameter too
BY_WORDS = {"scientificName": "name", "recordedBy": "collector"}
SHORT = {"species": "scientificName", "locality": "place"}
_PART = re.compile(r'(?P<no>-)?(?:(?P<field>[A-Za-z][A-Za-z0-9]*):)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>\S+))')
_KNOWN = {name.lower(): name for name in BY_NAME} | SHORT


def parse(q: str, field: str = "text") -> Query:
    """The tree of what was typed; `Everything` where nothing was. Raises Invalid where it is too long."""
    return _all(_part(match, field) for match in _parts(q))


def words_only(q: str, field: str = "text") -> tuple[Query, ...]:
    """Its parts without any fields (Content Search knows none). Raises Invalid where it is too long."""
    found = (_free(field, match["phrase"], match["plain"]) for match in _parts(q))
    return tuple(part for part in found if part is not None)


def filters(given: Mapping[str, Sequence[str]]) -> Query:
    """Fields with values, of each field at least one: `family` → [Fagaceae, Betulaceae], `year` → [1850..1900].

    Raises Invalid for a number or a date that is none. KeyError for a field that the schema lacks.
    """
    return _all(_one_of(name, values) for name, values in given.items() if any(values))


def box(x: float, y: float, width: float, height: float) -> Query:
    """Annotations whose box, in canvas units, touches this one."""
    return And((Range("x0", None, x + width), Range("x1", x), Range("y0", None, y + height), Range("y1", y)))


def in_box(west: float, south: float, east: float, north: float) -> Query:
    """What was collected in that box of decimal degrees; one whose west is beyond its east goes over 180°."""
    return InBox("coordinates", west, south, east, north)


def near(latitude: float, longitude: float, metres: float) -> Query:
    """What was collected within so many metres of the place."""
    return Near("coordinates", latitude, longitude, metres)


def exactly(name: str, values: Iterable[str]) -> Query:
    return Term(name, tuple(values))


def _parts(q: str) -> list[re.Match[str]]:
    if len(q) > LONGEST:
        raise Invalid(f"A question may have up to {LONGEST} characters.", parameter="q")
    parts = list(_PART.finditer(q))
    if len(parts) > MOST_PARTS:
        raise Invalid(f"A question may have up to {MOST_PARTS} words.", parameter="q")
    return parts


def _part(match: re.Match[str], field: str) -> Query | None:
    found = _fielded(match) if match["field"] else _free(field, match["phrase"], match["plain"])
    return Not(found) if match["no"] and found is not None else found


def _fielded(match: re.Match[str]) -> Query | None:
    """`name:value`, or the words of both where no field is called so (an ARK is one of ours, then)."""
    written = match["plain"] if match["phrase"] is None else match["phrase"]
    name = _KNOWN.get(match["field"].lower(), "")
    if not name:
        if match["field"].lower() == "ark":
            return Term("pid", (f"ark:{written.lstrip('/')}",))
        return _free("text", match["phrase"], f"{match['field']}:{written}" if match["phrase"] is None else None)
    by_words = BY_WORDS.get(name, name)
    if BY_NAME[by_words].kind == "text":
        return _free(by_words, match["phrase"], match["plain"])
    if written == "*":
        return Range(name)
    try:
        return _value(name, written)
    except Invalid:
        return _free("text", match["phrase"], match["plain"])


def _free(field: str, phrase: str | None, plain: str | None) -> Query | None:
    """Words of a text field; None where there is no letter or digit."""
    text = plain if phrase is None else phrase
    split = words.split(text or "")
    if not split or text is None:
        return None
    if phrase is None and text.endswith("*"):
        return Prefix(field, text)
    if phrase is None and text.endswith("~"):
        return Fuzzy(field, text)
    return Words(field, text) if len(split) == 1 and phrase is None else Phrase(field, text)


def _one_of(name: str, values: Sequence[str]) -> Query:
    if len(values) > MOST_PARTS:
        raise Invalid(f"{name} may be given up to {MOST_PARTS} times.", parameter=name)
    kind = BY_NAME[name].kind
    if kind == "text":
        found = [part for value in values if (part := _free(name, None, value)) is not None]
        return found[0] if len(found) == 1 else Or(tuple(found))
    if kind == "keyword":
        return exactly(name, values)
    asked = [_value(name, value) for value in values if value]
    return asked[0] if len(asked) == 1 else Or(tuple(asked))


def _value(name: str, written: str) -> Query:
    """A value or a range of a field that is no text. Raises Invalid."""
    kind = BY_NAME[name].kind
    if kind == "keyword":
        return exactly(name, dict.fromkeys((written, written.capitalize(), written.title(), written.upper(), written.lower())))
    if kind == "flag":
        if written.lower() not in ("true", "false", "1", "0", "yes", "no"):
            raise Invalid(f"{name} is true or false, not {written[:40]!r}.", parameter=name)
        return Term(name, (written.lower() in ("true", "1", "yes"),))
    if kind in ("point", "vector"):
        raise Invalid("Use bbox or near to search by place.", parameter=name)
    if kind == "interval":
        return _overlapping(name, written)
    low, dots, high = written.partition("..")
    if kind == "date":
        low, high = _moment(low, "0101T000000"), _moment(high if dots else low, "1231T235959")
    elif not dots:
        high = low
    for end in (low, high):
        if end and not columns.values(kind, end):
            raise Invalid(f"{name} is a {kind} or a range such as 1850..1900, not {written[:40]!r}.", parameter=name)
    return Range(name, low or None, high or None)


def _overlapping(name: str, written: str) -> Query:
    """`1850..1900`, or whatever a record may have: `1899-05/1901`, `188X`."""
    low, dots, high = (written, "", written) if "/" in written else written.partition("..")
    high = high if dots or high else low
    if not (low or high) or any(end and dates.span(end) is None for end in (low, high)):
        raise Invalid(f"{name} is a date or a range such as 1850..1900-06, not {written[:40]!r}.", parameter=name)
    return Overlaps(name, low or None, high or None)


def _moment(text: str, fill: str) -> str:
    """A year, month or day filled up to its first (or last) second; anything else as it is."""
    match = re.fullmatch(r"(\d{4})(?:-(\d\d))?(?:-(\d\d))?", text, re.ASCII)
    if match is None:
        return text
    year, month, day = match[1], match[2] or fill[:2], match[3]
    if day is None:
        last = monthrange(max(int(year), 1), int(month))[1] if "01" <= month <= "12" else 31
        day = "01" if fill[2:4] == "01" else str(last)
    return f"{year}-{month}-{day}T{fill[5:7]}:{fill[7:9]}:{fill[9:11]}Z"


def _all(parts: Iterable[Query | None]) -> Query:
    found = tuple(part for part in parts if part is not None)
    if not found:
        return Everything()
    return found[0] if len(found) == 1 else And(found)
