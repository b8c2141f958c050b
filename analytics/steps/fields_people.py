"""People on labels: who collected under which number, and who determined.

A name behind a word such as `leg.` or `det.` counts; without such a word only names with initials or a number do, and only where
they fill their row.
"""

import re
from collections.abc import Iterator

from analytics.steps.fields_text import BLANK, Reading, row_end, row_start, tidy

_UP, _LOW = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_INITIALS = rf"(?:(?:[{_UP}](?:[{_LOW}]{{1,2}}(?=\.))?\.[ \t]?-?[ \t]?){{1,4}}|[{_UP}]{{1,3}}[ \t]+(?:[{_UP}]\.[ \t]?)?)"
_LOWER = r"(?:(?:de la|de|van der|van den|van|von|der|den|da|dos|do|du|la|le|zu|af|av|ter|ten|di|del|d')[ \t]?)"
_WORD = rf"(?:[{_UP}][{_LOW}]*['’]?[{_UP}]?[{_LOW}]+|[{_UP}]{{3,}})"
_SURNAME = rf"{_LOWER}{{0,2}}{_WORD}(?:-{_WORD})?"
_TITLE = r"(?:(?:Dr|Rev|Mrs|Mr|Ms|Miss|Prof|Mme|Mlle|Lt|Capt|Sir|Frau|Herr|Hr)\.?[ \t]+)?"
_JUNIOR = r"(?:,?[ \t](?:Jr|Sr|fil)\.?)?"
_PERSON = (
    rf"{_TITLE}(?:{_INITIALS}(?:&[ \t]?{_INITIALS})?[ \t]?{_SURNAME}"
    rf"|{_WORD},[ \t]*(?:{_WORD}(?:-{_WORD})?|{_INITIALS})(?=[;|]|[ \t]*(?:$|\n))"
    rf"|{_WORD}[ \t]+(?:[{_UP}]\.?[ \t]+){{0,2}}{_SURNAME}"
    rf"|{_WORD}[ \t]+(?:[{_UP}]\.[ \t]?){{1,3}}"
    rf"|{_SURNAME}){_JUNIOR}"
)
_AND = r"[ \t]*(?:[,;&+/|]|,?[ \t](?:and|und|et|y|e|en|och|og|with|mit)[ \t])[ \t]*\n?[ \t]*"
_OTHERS = r"(?:,?[ \t]*(?:et[ \t]+al|& al|u\.[ \t]?a)\.?)?"
_LIST = rf"{_PERSON}(?:{_AND}{_PERSON}){{0,7}}{_OTHERS}"
_FULL = rf"{_TITLE}{_INITIALS}(?:&[ \t]?{_INITIALS})?[ \t]?{_SURNAME}{_JUNIOR}"
_FULL_LIST = rf"{_FULL}(?:{_AND}{_FULL}){{0,7}}{_OTHERS}"

_LEG = (
    r"(?:[Ll]eg(?:it|\.)?|LEG(?:IT)?|[Ll]gt|[Cc]oll\.|[Cc]oll(?=:)|COLL\.?|[Cc]ollect(?:ed|or|eur|"
    r"ors)?(?:\(s\))?(?:[ \t]+by)?|COLLECTOR|"
    r"[Rr][ée]colt(?:é par|eur)|[Cc]ole(?:ctor(?:es)?|tor(?:es)?)|[Rr]ecolector|[Gg]esammelt von|[Ss]ammler|[Vv]erzameld door|"
    r"[Ii]nsamlare|[Ss]aml(?:et|ad) a[fv]|LEG)"
)
_DET = (
    r"(?:[Dd]et\.?(?: from [a-z]+)? by|[Dd]et\.?|DET\.?|[Dd][ée]t\.|[Dd]etermin(?:ed|avit|ed by|é par|ado por|ert|ert von)?"
    r"(?:[ \t]+by)?|[Ii]dentified(?:[ \t]+by)|ID|"
    r"[Bb]estimmt von|[Cc]onfirm\.?|rev\.|[Rr]evid(?:it|\.)|[Ii]dent\.)"
)
_LEGIT = re.compile(rf"(?<![^\W_]){_LEG}[ \t]*[:.\-–]?[ \t]*\n?[ \t]*(?P<who>{_LIST})")
_LEGIT_DETERMINED = re.compile(
    rf"(?i:\b(?:coll?|leg)\.?[ \t]*(?:&|and|et|und|/)[ \t]*det\.?(?:[ \t]+by)?)[ \t]*[:.]?[ \t]*\n?[ \t]*(?P<who>{_LIST})"
)
_DETERMINED = re.compile(rf"(?<![^\W_])(?<!Host ){_DET}[ \t]*[:.\-–]?[ \t]*(?:\d{{4}}[ \t]*)?\n?[ \t]*(?P<who>{_LIST})")
_NUMBER = r"(?P<number>#?[A-Z]{0,6}-?\d{1,6}(?:[\-/]\d{1,4}|[a-z])?(?:\(\d+\))?(?:-\d+)?)"
_NAMED_NUMBER = re.compile(
    r"(?:[Cc]oll?(?:ector)?(?:'s|s)?\.?[ \t]*(?:[Nn]o|[Nn]r|[Nn]um(?:ber)?|#)|[Ff]ield[ \t]*[Nn]o|N[o°º]|Nr|Num|№|No)[.:]*[ \t.]*"
    rf"{_NUMBER}(?![^\s,;.])"
)
_WITH_NUMBER = re.compile(
    rf"(?:^|(?<=[{BLANK}:.])|(?<=  ))[ \t]*(?P<who>{_FULL_LIST}|{_WORD}[ \t]+{_SURNAME}|"
    rf"{_WORD}[ \t]+(?:[{_UP}]\.[ \t]?){{1,3}}|{_WORD}(?=[ \t]*#))"
    rf"[ \t]*(?:[Nn]o\.?|#)?[ \t]*{_NUMBER}[ \t]*(?=$|[,;.{BLANK}])",
    re.MULTILINE,
)
_ROW = re.compile(rf"^[ \t{BLANK},.]*(?P<who>{_FULL_LIST})[ \t{BLANK},.]*$", re.MULTILINE)
_NOT_PEOPLE = re.compile(
    r"(?i)^(?:herb|museum|univ|flora|plants?|coll|county|prov|dist|mt|mts|lake|river|creek|north|south|east|west|no|"
    r"date|alt|elev|"
    r"det|leg|vern|name|notes?|loc|fam|gen|spec|ex|type|holotype|isotype|paratype|specimens?|survey|mission|dept|department|state|lat|long|habitat|"
    r"locality|by|bmnh|the)\b"
)
_NO_SURNAMES = frozenset(
    (
        "type",
        "types",
        "typus",
        "holotype",
        "holotypus",
        "isotype",
        "lectotype",
        "paratype",
        "syntype",
        "neotype",
        "cotype",
        "allotype",
        "museum",
        "mus",
    )
)  # "B. M. TYPE" is written on types of the British Museum
_OF_A_COLLECTION = re.compile(
    r"(?i)(?:\bherb(?:arium|\.)?|\bcollection|\bcoll\.?:?[ \t]*$|\bex\b|present|\bdupl|\bmus(?:eum|\.)|hort|voucher)"
)
_STOP = re.compile(r"[ \t]*\b(?:No|Nr|Date|Det|DET|det|Coll|Leg|leg|Alt|Elev|Date|Herb|Hab|Habitat|Specimens?)\b.*$", re.DOTALL)
_AUTHORSHIP = re.compile(r"\(.{2,30}\)")


LONGEST_NUMBER = 5  # digits of a number behind a bare sign: longer ones are those of sheets


def readings(text: str) -> Iterator[Reading]:
    """`text` is the label's without its names, dates, coordinates and catalogue numbers."""
    determined = list(_determined(text))
    yield from determined
    spans = [(one.start, one.end) for one in determined]
    collected = list(_collected(text, spans))
    yield from collected
    if not any(one.term == "recordNumber" for one in collected):
        yield from _number_named(text, bool(collected))


def people_of(who: str, *, one: bool = False) -> tuple[str, ...]:
    """The people of a list, one by one, each as it is written; `one`: a word, a comma and a word are one person."""
    who = tidy(who)
    if one and re.fullmatch(rf"{_WORD},[ \t]*{_WORD}", who):
        return (who,)
    if ";" in who:
        parts = who.split(";")
    else:
        parts = re.split(
            r"[ \t]*(?:,(?![ \t]*(?:Jr|Sr|fil)\b)|[&+/|]|[ \t](?:and|und|et|y|e|en|och|og|with|mit)[ \t])[ \t]*", who
        )
        parts = _with_shared_surname([tidy(part) for part in parts if tidy(part)])
        if len(parts) == 2 and re.fullmatch(rf"{_WORD}", parts[0]) and re.fullmatch(rf"{_INITIALS}", parts[1]):
            parts = [f"{parts[0]}, {parts[1]}"]
    return tuple(part for part in map(tidy, parts) if part)


def surnames(value: str) -> frozenset[str]:
    """The surname of each person in a list with `|`, in lower case: by it two spellings of the same people are compared."""
    people = (one for one in re.split(r"[|;]", value) if not re.fullmatch(r"\W*et\W+al\W*", one))
    return frozenset(filter(None, map(_surname, people)))


def _surname(person: str) -> str:
    """What stands before a comma, else the last word of three letters and more."""
    before, comma, _ = re.sub(r"(?i),?[ \t](?:jr|sr|fil)\.?$", "", person.strip()).partition(",")
    words = re.findall(r"[^\W\d_]{3,}", before.casefold())
    return (words[0] if comma else words[-1]) if words else ""


def _with_shared_surname(parts: list[str]) -> list[str]:
    """`S. & G. Jones` is S. Jones and G. Jones."""
    whole = []
    for part, following in zip(parts, [*parts, ""][1:], strict=False):
        alone = re.fullmatch(rf"(?:[{_UP}]\.?[ \t-]?){{1,3}}", part)
        given = re.match(rf"(?:[{_UP}]\.?[ \t-]?){{1,3}}(?=[{_UP}][{_LOW}])", following) if alone else None
        whole.append(f"{part} {following[given.end() :]}" if given else part)
    return whole


def _people(term: str, match: re.Match[str], rule: str) -> Reading | None:
    who = _STOP.sub("", match["who"])
    people = people_of(who, one=term == "identifiedBy")
    if not people or any(_NOT_PEOPLE.match(one) or _surname(one) in _NO_SURNAMES or len(one) < 3 for one in people):
        return None
    start = match.start("who")
    return Reading(term, " | ".join(people), tidy(who), start, start + len(who), rule)


def _determined(text: str) -> Iterator[Reading]:
    both = _LEGIT_DETERMINED.search(text)
    if both and (found := _people("identifiedBy", both, "determiner named")):
        yield found
        return
    for match in _DETERMINED.finditer(text):
        if found := _people("identifiedBy", match, "determiner named"):
            yield found
            return


def _collected(text: str, determined: list[tuple[int, int]]) -> Iterator[Reading]:
    both = _LEGIT_DETERMINED.search(text)
    for match in ([both] if both else []) + list(_LEGIT.finditer(text)):
        found = _people("recordedBy", match, "collector named")
        if found and not (both is not match and _is_taken(found, determined)):
            yield found
            yield from _number_behind(text, found)
            return
    for match in _WITH_NUMBER.finditer(text):
        found = _people("recordedBy", match, "collector with number")
        if found and not _is_taken(found, determined) and not _is_of_a_collection(text, found):
            yield found
            number = match["number"].lstrip("#")
            yield Reading(
                "recordNumber", number, match["number"], match.start("number"), match.end("number"), "number behind collector"
            )
            return
    rows = [match for match in _ROW.finditer(text) if not _AUTHORSHIP.search(match[0])]
    for match in reversed(rows):
        found = _people("recordedBy", match, "collector on a row")
        if found and not _is_taken(found, determined) and not _is_of_a_collection(text, found):
            yield found
            return


def _number_behind(text: str, who: Reading) -> Iterator[Reading]:
    """A number right behind the collector, or right before in the same row."""
    behind = re.compile(rf"[ \t,]*(?:Coll?\.[ \t]*)?(?:N[or°º]\.?:?|#)?[ \t.:]*{_NUMBER}(?![^\s,;.{BLANK}&])").match(
        text, who.end, row_end(text, who.end)
    )
    if behind:
        yield _number("number behind collector", behind)
        return
    begin = row_start(text, who.start)
    before = re.search(rf"{_WORD}[ \t]*#[ \t]*{_NUMBER}[ \t]*[,;]", text[begin : who.start])
    if before:
        at = begin + before.start("number")
        yield Reading(
            "recordNumber", before["number"].lstrip("#"), before["number"], at, at + len(before["number"]), "number by sign"
        )


def _number_named(text: str, collected: bool) -> Iterator[Reading]:
    for match in _NAMED_NUMBER.finditer(text):
        owner = re.match(r"(?i)coll|field", match[0])
        if owner or (collected and len(re.sub(r"\D", "", match["number"])) <= LONGEST_NUMBER):
            yield _number("number named" if owner else "number by sign", match)
            return


def _number(rule: str, match: re.Match[str]) -> Reading:
    return Reading("recordNumber", match["number"].lstrip("#"), tidy(match[0]), match.start("number"), match.end("number"), rule)


def _is_taken(found: Reading, spans: list[tuple[int, int]]) -> bool:
    return any(found.start < end and start < found.end for start, end in spans)


def _is_of_a_collection(text: str, found: Reading) -> bool:
    """Whether its row speaks of whose collection it is, or to whom it went."""
    row = text[row_start(text, found.start) : row_end(text, found.end)]
    return _OF_A_COLLECTION.search(row) is not None
