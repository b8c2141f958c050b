"""What may be asked of a field: a value, several, or a range. What cannot be is refused with what was probably meant."""

import math
import re
from calendar import monthrange
from collections.abc import Sequence
from difflib import get_close_matches

from annotations.search import units
from annotations.search.schema import BY_NAME, MEASURES, TERM_WORDS
from annotations.search.vocabulary import CLOSED, KINDS, SOUGHT
from app.runtime.errors import Invalid
from app.runtime.search import columns, dates
from app.runtime.search.port import And, Not, Or, Overlaps, Query, Range, Term
from ontology.darwin_core import TERMS

HAS, MISSING = "has", "missing"  # a kind of finding, or a field or term that has some value, or none
FIELDS = (*BY_NAME, HAS, MISSING)  # what may be asked for by name
MAIN = ("family", "genus", "species", "country", "year", "catalogNumber", "typeStatus", "kind", HAS, "none", "length")
TRUE, FALSE = ("true", "yes", "1"), ("false", "no", "0")
SHOWN = 40  # characters of what was typed, in a sentence
_BETWEEN = re.compile(r"(\d[\d.-]*?)\s*(?:\.{3,}|…|–|—|-|\bto\b)\s*(\d[\d.-]*)")
_TERMS = {term.lower(): term for term in TERMS}
A_DAY_MS = 86_400_000


class NotUnderstood(Invalid):
    """It cannot be asked. `sentence_alone` says why, and `instead` is what was probably meant, or empty."""

    def __init__(self, sentence: str, instead: str = "", *, parameter: str = "q") -> None:
        super().__init__(f"{sentence} Did you mean {instead}?" if instead else sentence, parameter=parameter)
        self.sentence_alone = sentence
        self.instead = instead


def near_to(word: str, known: Sequence[str], likeness: float = 0.7) -> str:
    """The one that the word was probably meant for; empty if it is like none."""
    by_lower = {one.lower(): one for one in known}
    found = get_close_matches(word.lower(), by_lower, 1, likeness)
    return by_lower[found[0]] if found else ""


def asked(name: str, written: str, *, exact: bool = False) -> Query:
    """A value or a range of a field that is no text. A keyword is meant in any case, unless it is `exact`.

    `instead` of the NotUnderstood is a value of the field.
    """
    if name in (HAS, MISSING):
        return _has(written) if name == HAS else Not(_has(written))
    if written == "*":
        return Range(name)
    if name in CLOSED:
        return Term(name, (_of_vocabulary(name, written),))
    kind = BY_NAME[name].kind
    if not written.strip():
        raise NotUnderstood(f"{name} is given without a value.", "*", parameter=name)
    match kind:
        case "keyword":
            if exact:
                return Term(name, (written,))
            cases = (written, written.capitalize(), written.title(), written.upper(), written.lower())
            return Term(name, tuple(dict.fromkeys(cases)))
        case "flag":
            return _flag(name, written)
        case "interval":
            return _overlapping(name, written)
        case "number" | "date":
            return _range(name, written)
    raise NotUnderstood(f'A place is asked for by near:"52.1,5.2,20km" or by box; {name}:* has some.', "*", parameter=name)


def compared(name: str, compare: str, written: str) -> Query:
    """The same with ":" or "=", or what is beyond or below a number or a moment, or up to it, by ">", "<", ">=" and "<="."""
    if compare in (":", "="):
        return asked(name, written)
    kind = BY_NAME[name].kind if name in BY_NAME else "keyword"
    if kind not in ("number", "date", "interval"):
        raise NotUnderstood(f"{name} has no order: it is asked for with a colon.", written, parameter=name)
    if ".." in written or not written.strip():
        raise NotUnderstood(f"{name}{compare} is followed by one value, not by {written[:SHOWN]!r}.", parameter=name)
    if kind == "interval":
        return _beside(name, compare, written)
    found = asked(name, f"{written}.." if compare[0] == ">" else f"..{written}")
    if len(compare) == 2 or not isinstance(found, Range):
        return found
    if kind == "date":  # not within the year, the month or the day either
        whole = _moment(written, "1231T235959" if compare == ">" else "0101T000000")
        return And((Range(name), Not(Range(name, None, whole) if compare == ">" else Range(name, whole))))
    if compare == ">":
        return Range(name, repr(math.nextafter(float(str(found.low)), math.inf)))
    return Range(name, None, repr(math.nextafter(float(str(found.high)), -math.inf)))


def _beside(name: str, compare: str, written: str) -> Query:
    """Of intervals: what shares a moment with the time after, or before, that of the date; with "=" that itself too."""
    span = dates.span(written)
    if span is None or abs(span[0]) == dates.EVER or abs(span[1]) == dates.EVER:
        raise NotUnderstood(f"{name} is a date such as 1850 or 1887-06, not {written[:SHOWN]!r}.", parameter=name)
    if len(compare) == 2:
        return Overlaps(name, written, None) if compare == ">=" else Overlaps(name, None, written)
    edge = span[1] + 1 if compare == ">" else span[0] - A_DAY_MS
    day = dates.day_of(edge)
    if day is None:
        raise NotUnderstood(f"{name} cannot be asked beyond the years 1 to 9999.", parameter=name)
    return Overlaps(name, day, None) if compare == ">" else Overlaps(name, None, day)


def _has(written: str) -> Query:
    """Of that kind something was found; or the field has some value."""
    kind = SOUGHT.get(written.lower(), written.lower())
    if kind in KINDS:
        return Term("kind", ("label", "text") if kind == "label" else (kind,))
    names = {name.lower(): name for name in BY_NAME if BY_NAME[name].kind not in ("text", "vector")}
    if written.lower() in names:
        return Range(names[written.lower()])
    if written.lower() in _TERMS:
        return Term(TERM_WORDS, (_TERMS[written.lower()],))
    known = (*KINDS, *names.values(), *sorted(TERMS))
    sentence = f"What is there or missing is a kind of finding ({', '.join(KINDS)}), a field or a term, not {written[:SHOWN]!r}."
    raise NotUnderstood(sentence, near_to(written, known), parameter=HAS)


def _of_vocabulary(name: str, written: str) -> str:
    lower = written.lower()
    value = SOUGHT.get(lower, lower) if name == "none" else lower
    if value in CLOSED[name]:
        return value
    sentence = f"{name} is one of {', '.join(CLOSED[name])}, not {written[:SHOWN]!r}."
    raise NotUnderstood(sentence, near_to(SOUGHT.get(lower, lower), CLOSED[name]), parameter=name)


def _flag(name: str, written: str) -> Query:
    if written.lower() not in TRUE + FALSE:
        raise NotUnderstood(f"{name} is true or false, not {written[:SHOWN]!r}.", "true", parameter=name)
    return Term(name, (written.lower() in TRUE,))


def _range(name: str, written: str) -> Query:
    """Of numbers, or of moments, whose ends are whole years, months or days where they say no more."""
    kind = BY_NAME[name].kind
    low, high = units.between(written)
    dots = ".." in written
    if name in MEASURES:
        low, high = _in_mm(name, low), _in_mm(name, high)
    if kind == "date":
        low, high = _moment(low, "0101T000000"), _moment(high, "1231T235959")
    ends = [columns.values(kind, end) if end else [None] for end in (low, high)]
    if not all(ends) or not (low or high or dots) or "..." in written:  # `0...5` would be up to .5
        what = "a moment or a range such as 2026-01..2026-03" if kind == "date" else _numbers(name)
        raise NotUnderstood(f"{name} is {what}, not {written[:SHOWN]!r}.", _meant(name, written), parameter=name)
    first, last = ends[0][0], ends[1][0]
    if first is not None and last is not None and first > last:
        raise _backwards(name, written)
    return Range(name, low or None, high or None)


def _in_mm(name: str, written: str) -> str:
    """A length in millimetres, or an area in square millimetres, whatever unit it is written in; else as it is."""
    found = units.quantity(written)
    if found is None or not found.unit:
        return written
    number = found.times(units.AREAS if name == "area" else units.LENGTHS)
    if number is None:
        known = ", ".join(units.AREAS if name == "area" else units.LENGTHS)
        raise NotUnderstood(f"{name} is in one of {known}, not in {found.unit}.", f"{found.number:g}", parameter=name)
    return f"{number:.12g}"


def _numbers(name: str) -> str:
    if name in MEASURES:
        return f"a number of {'mm²' if name == 'area' else 'mm'}, with or without a unit, or a range such as 50..90 or 5..9cm"
    return "a year or a range such as 1850..1900" if name == "year" else "a number or a range such as 0.5..0.9"


def _overlapping(name: str, written: str) -> Query:
    """`1850..1900`, or whatever a record may have: `1899-05/1901`, `188X`."""
    low, dots, high = (written, "", written) if "/" in written else written.partition("..")
    high = high if dots or high else low
    spans = [dates.span(end) if end else None for end in (low, high)]
    if not (low or high) or any(end and span is None for end, span in zip((low, high), spans, strict=True)):
        sentence = f"{name} is a date or a range such as 1850..1900-06, not {written[:SHOWN]!r}."
        raise NotUnderstood(sentence, _meant(name, written), parameter=name)
    if spans[0] and spans[1] and spans[0][0] > spans[1][1]:
        raise _backwards(name, written)
    return Overlaps(name, low or None, high or None)


def _backwards(name: str, written: str) -> NotUnderstood:
    low, _, high = written.partition("..")
    return NotUnderstood(f"The range {name}:{written[:SHOWN]} ends before it begins.", f"{high}..{low}", parameter=name)


def _meant(name: str, written: str) -> str:
    """A range that is written in another way; empty where none can be seen in it."""
    if between := _BETWEEN.fullmatch(written):
        meant = f"{between[1]}..{between[2]}"
    else:
        return ""
    try:
        asked(name, meant)
    except NotUnderstood as error:
        return error.instead
    return meant


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


def any_of(name: str, written: Sequence[str]) -> Query:
    """Any of these values or ranges of a field that is no text, each to the letter."""
    parts = [asked(name, value, exact=True) for value in written if value]
    if all(isinstance(part, Term) and part.field == name for part in parts):
        return Term(name, tuple(value for part in parts if isinstance(part, Term) for value in part.values))
    return parts[0] if len(parts) == 1 else Or(tuple(parts))
