"""What people ask, as a query tree. What cannot be meant as more is words; what names a field and cannot be asked of it is
refused with a sentence, for to find nothing would be an untrue answer.

quercus robur            both words, in any order, with their English endings
"quercus robur"          next to one another; so are the parts of S-M-12
querc*                   a word that begins so
quercus~                 a word that is spelled nearly so
-fagus                   without
family:Fagaceae          a term with that value, in any case; scientificName, recordedBy and place by their words
year:1850..1900          a range; one side may be left out
eventDate:1850..1900     collected within these years, or partly within them
length:50..90            millimetres
has:barcode              on which one was found; has:year, or year:*, with a year
none:barcode             on which a step looked for one and found none
"""

import re
from collections.abc import Iterable, Mapping, Sequence

from annotations.search import values
from annotations.search.schema import BY_NAME
from annotations.search.values import HAS, MAIN, NotUnderstood
from app.runtime.errors import Invalid
from app.runtime.search import words
from app.runtime.search.port import And, Everything, Fuzzy, InBox, Near, Not, Or, Phrase, Prefix, Query, Range, Term, Words

LONGEST, MOST_PARTS = 1000, 40  # characters of a question, and its parts; so many values of one parameter too
BY_WORDS = {"scientificName": "name", "recordedBy": "collector"}
SHORT = {"species": "scientificName", "locality": "place"}
SCHEMES = ("http", "https", "urn", "doi", "info", "ni", "mailto", "tel")  # what begins so is an address, and no field
_PART = re.compile(r'(?P<no>-)?(?:(?P<field>[A-Za-z][A-Za-z0-9]*):)?(?:"(?P<phrase>[^"]*)"?|(?P<plain>\S+))')
_KNOWN = {name.lower(): name for name in values.FIELDS} | SHORT


def parse(q: str, field: str = "text") -> Query:
    """The tree of what was typed; `Everything` where nothing was.

    Raises NotUnderstood, which proposes a whole question, and Invalid where it is too long.
    """
    return _all(_part(match, field, q) for match in _parts(q))


def words_only(q: str, field: str = "text") -> tuple[Query, ...]:
    """Its parts without any fields (Content Search knows none). Raises Invalid where it is too long."""
    found = (_free(field, match["phrase"], match["plain"]) for match in _parts(q))
    return tuple(part for part in found if part is not None)


def filters(given: Mapping[str, Sequence[str]]) -> Query:
    """Fields with values, of each field at least one: `family` → [Fagaceae, Betulaceae], `year` → [1850..1900].

    Raises NotUnderstood for what is no field and what is no value of one, and Invalid for too many values.
    """
    return _all(_one_of(name, texts) for name, texts in given.items() if any(texts))


def box(x: float, y: float, width: float, height: float) -> Query:
    """Annotations whose box, in canvas units, touches this one."""
    return And((Range("x0", None, x + width), Range("x1", x), Range("y0", None, y + height), Range("y1", y)))


def in_box(west: float, south: float, east: float, north: float) -> Query:
    """What was collected in that box of decimal degrees; one whose west is beyond its east goes over 180°."""
    return InBox("coordinates", west, south, east, north)


def near(latitude: float, longitude: float, metres: float) -> Query:
    """What was collected within so many metres of the place."""
    return Near("coordinates", latitude, longitude, metres)


def check_field(name: str) -> None:
    """Raises NotUnderstood where no field has that name."""
    if name not in values.FIELDS:
        sentence = f"There is no field {name[: values.SHOWN]!r}; there are {', '.join(values.FIELDS)}."
        raise NotUnderstood(sentence, values.near_to(name, values.FIELDS), parameter=name[: values.SHOWN])


def misspelled_field(name: str) -> str:
    """The field that a parameter of that name was probably meant for; empty where it is like none, or is one."""
    return "" if name in values.FIELDS else values.near_to(name, values.FIELDS, 0.75)


def _parts(q: str) -> list[re.Match[str]]:
    if len(q) > LONGEST:
        raise Invalid(f"A question may have up to {LONGEST} characters.", parameter="q")
    parts = list(_PART.finditer(q))
    if len(parts) > MOST_PARTS:
        raise Invalid(f"A question may have up to {MOST_PARTS} words.", parameter="q")
    return parts


def _part(match: re.Match[str], field: str, q: str) -> Query | None:
    _check_value_follows(match, q)
    try:
        found = _fielded(match) if match["field"] else _free(field, match["phrase"], match["plain"])
    except NotUnderstood as error:
        before, after = q[: match.start()] + (match["no"] or ""), q[match.end() :]
        raise NotUnderstood(error.sentence_alone, error.instead and before + error.instead + after) from error
    return Not(found) if match["no"] and found is not None else found


def _check_value_follows(match: re.Match[str], q: str) -> None:
    """`family: Fagaceae` would be two words. Raises NotUnderstood."""
    name = (match["plain"] or "").removesuffix(":")
    if f"{name}:" == match["plain"] and name.lower() in _KNOWN:
        following = q[match.end() :].lstrip()
        meant = f"{q[: match.start()]}{match[0]}{following}" if following else ""
        raise NotUnderstood(f"The value of a field stands right behind its colon, without a space: {name}:….", meant)


def _fielded(match: re.Match[str]) -> Query | None:
    """`name:value`. An address or identifier with colons is words, and an ARK one of ours.

    `instead` of the NotUnderstood is such a part.
    """
    typed, phrase = match["field"], match["phrase"]
    written = match["plain"] if phrase is None else phrase
    name = _KNOWN.get(typed.lower(), "")
    if not name:
        return _of_no_field(typed, written, phrase)
    by_words = BY_WORDS.get(name, name)
    is_text = name != HAS and BY_NAME[by_words].kind == "text"
    if is_text and not (written == "*" and by_words != name):
        return _words_of(by_words, typed, match)
    if phrase is None and len(written) > 1 and written.endswith("*"):
        raise NotUnderstood(f"{typed} is asked for whole: a star ends a word, as in querc* or species:querc*.")
    try:
        return values.asked(name, written)
    except NotUnderstood as error:
        raise NotUnderstood(error.sentence_alone, error.instead and f"{typed}:{error.instead}") from error


def _words_of(field: str, typed: str, match: re.Match[str]) -> Query:
    found = _free(field, match["phrase"], match["plain"])
    if found is None:
        raise NotUnderstood(f"{typed} is searched by its words, and {match[0][: values.SHOWN]!r} has none.")
    return found


def _of_no_field(typed: str, written: str, phrase: str | None) -> Query | None:
    if typed.lower() == "ark":
        return Term("pid", (f"ark:{written.lstrip('/')}",))
    if typed.lower() in SCHEMES or ":" in written or written.startswith("/"):
        return _free("text", phrase, f"{typed}:{written}" if phrase is None else None)
    similar = values.near_to(typed, (*_KNOWN.values(), *SHORT))
    quoted = f'"{written}"' if phrase is not None else written
    sentence = (
        f"There is no field {typed[: values.SHOWN]!r}. There are {', '.join(MAIN)} and others; "
        f'words with a colon stand in quotation marks: "{typed[: values.SHOWN]}:{written[: values.SHOWN]}".'
    )
    raise NotUnderstood(sentence, similar and f"{similar}:{quoted}")


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


def _one_of(name: str, texts: Sequence[str]) -> Query:
    if len(texts) > MOST_PARTS:
        raise Invalid(f"{name} may be given up to {MOST_PARTS} times.", parameter=name)
    check_field(name)
    if name != HAS and BY_NAME[name].kind == "text":
        found = [part for text in texts if (part := _free(name, None, text)) is not None]
        return found[0] if len(found) == 1 else Or(tuple(found))
    return values.any_of(name, texts)


def _all(parts: Iterable[Query | None]) -> Query:
    found = tuple(part for part in parts if part is not None)
    if not found:
        return Everything()
    return found[0] if len(found) == 1 else And(found)
