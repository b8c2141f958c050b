"""Scientific names on labels, with their authors, the family, and the status of a type."""

import re
from collections.abc import Iterator

from analytics.steps.fields_countries import COUNTRIES, STATES
from analytics.steps.fields_text import BLANK, Reading, row_start, tidy

_UP, _LOW = "A-ZÀ-ÖØ-Þ", "a-zß-öø-ÿ"
_GENUS, _EPITHET = rf"[{_UP}][{_LOW}]{{2,}}", r"[a-zëïöüæœ]{2,}(?:-[a-zëï]{2,})?"
_RANK = r"(?:subsp|ssp|var|forma|fo|f|cv|aff|cf)\."
_INFRA = rf"(?:[ \t]+{_RANK}[ \t]*{_EPITHET})?"
_AUTHOR_WORD = rf"(?:[{_UP}][{_UP}{_LOW}.'’-]*\.?(?:[ \t]?f\.)?|ex|in|et|de|f\.|fil\.|von)"
_AUTHOR = (
    rf"(?:\([^()\n]{{1,40}}\)[ \t]*)?(?:{_AUTHOR_WORD}(?:[ \t]*(?:[,&+.]|ex)?[ \t]*{_AUTHOR_WORD}){{0,5}})?"
    r"(?:,[ \t]*(?:1[7-9]|20)\d\d)?"
)
_ROW_NAME = re.compile(
    rf"^(?P<before>[ \t{BLANK}]*(?:\d{{1,6}}\.?[ \t]+)?(?:(?i:name|species|taxon|art|sp|spec|taime nimi|ID|pathogen|"
    rf"holotype of|isotype of|type of)\b[ \t]*:?[ \t]*)?)"
    rf"(?P<name>(?P<genus>{_GENUS})[ \t]+(?P<epithet>{_EPITHET}){_INFRA})(?P<gap>,?[ \t]*)(?P<author>{_AUTHOR})(?P<rest>[^\n]*)$",
    re.MULTILINE,
)
MOST_NAMES = 2  # of a label of one specimen: what it was called, and is
_AUTHOR_BELOW = re.compile(rf"\n[ \t]*(\(?[{_UP}][{_LOW}]+(?:[ \t]*&[ \t]*[{_UP}][{_LOW}]+)?,[ \t]*1[7-9]\d\d\)?)[ \t]*(?=\n|$)")
_TWO_ROWS = re.compile(
    rf"^[ \t]*(?P<genus>{_GENUS})[ \t]*\n[ \t]*(?P<epithet>{_EPITHET})[ \t]*(?:\n[ \t]*(?P<author>[{_UP}][{_LOW}]+\.?)[ \t]*)?$",
    re.MULTILINE,
)
_CAPITALS = re.compile(
    rf"^(?P<before>[ \t{BLANK}+\d.]*)(?P<genus>[A-Z]{{4,}})[ \t]+(?P<epithet>[A-Z]{{4,}})(?P<rest>[^\n]*)"
    r"(?:\n[ \t]*(?P<rank>var|subsp|f)\.[ \t]*(?P<infra>[A-Z]{4,}))?",
    re.MULTILINE,
)
_FAMILY = re.compile(
    r"(?<![^\W_])([A-Z][A-Za-z]{2,}(?:ACEAE|aceae|IDAE|idae)|COMPOSITAE|GRAMINEAE|LEGUMINOSAE|UMBELLIFERAE|LABIATAE|"
    r"CRUCIFERAE|PALMAE|GUTTIFERAE|Umbelliferae|Compositae|Gramineae|Leguminosae|Labiatae|Cruciferae|Palmae)(?![^\W_])"
)
_TYPES = (
    *(
        "holotype",
        "isotype",
        "paratype",
        "lectotype",
        "isolectotype",
        "syntype",
        "isosyntype",
        "neotype",
        "isoneotype",
        "allotype",
    ),
    *("paralectotype", "epitype", "isoepitype", "topotype", "cotype", "isoparatype"),
)
_TYPE = re.compile(
    rf"(?i)(?<![^\W_])({'|'.join(_TYPES)}|syn[nt]ypus|{'|'.join(one[:-1] + 'us' for one in _TYPES)})(?:us)?(?![^\W_])"
)
_TYPE_ALONE = re.compile(r"(?m)^[ \t]*(TYPE|TYPUS|Type|Typus)[ \t]*!?[ \t]*$")
_GENUS_ENDS = ("a", "us", "um", "is", "es", "on", "as", "ys", "yx", "ix", "ax", "ex", "ops", "er", "os", "e", "io", "or")
_EPITHET_ENDS = ("a", "us", "um", "is", "e", "i", "ens", "ans", "x", "or", "er", "on", "os", "es")
_OTHERWISE = """
    the and from with near along side slope above below edge male female river lake forest place village house camp road
    bridge are garden coll some were date page plate figure stone shore large tree those these there where here one more
    same state county island isles valley creek rare common open dense bare base trees leaves flowers grasses shrubs
    plants sandy species specimens voucher for remnant chestnut duplicate museum botanic in on of at am im an der die
    das und auf bei aus von zu mit la le les du des de en sur dans el los las con por para una uma na no do da dos
    orchis butterfly university division department research station collections institute natural history survey
    national region is as was or mi km sens sensu growing plantae flora herbarium collected determined lesion associates
    associated habitat locality presented stem resprout stems cones present sifted litter rotten rainforest leaf
    adjacent small woodlot bay pine pond shallows host name additional material taken distributed frequent occasional
    subtropical evergreen
"""
_WORDS = frozenset(_OTHERWISE.split())  # of labels, in several languages, that end as Latin does
_AFTER = re.compile(r"(?i)\b(?:with|associat\w*|host|on|near|under|among|cum|avec|mit|sensu|voucher|notes?|habitat|hab)\b[^\n]*$")


def readings(text: str) -> Iterator[Reading]:
    """The name that the label gives the specimen, its family, and the kind of type that it is."""
    name = _name(text)
    if name:
        yield from name
    families = {match[1].capitalize() for match in _FAMILY.finditer(text)}
    if len(families) == 1:
        match = _FAMILY.search(text)
        if match:
            yield Reading("family", match[1].capitalize(), match[1], match.start(1), match.end(1), "family")
    yield from _type_status(text)


def _name(text: str) -> tuple[Reading, ...]:
    if _is_list(text):
        return ()
    for match in _ROW_NAME.finditer(text):
        if not is_latin(match["genus"], match["epithet"]) or _is_aside(text, match.start("name"), match["before"]):
            continue
        author = tidy(match["author"]) if _is_author(match["author"]) else ""
        rest = tidy(match["rest"]) if author or not match["author"] else tidy(match["author"] + match["rest"])
        if re.match(r"[a-z]{3,}", rest) and not author:
            continue  # a sentence
        below = None if author or rest else _AUTHOR_BELOW.match(text, match.end())
        if below:
            whole = (Reading("scientificNameAuthorship", below[1], below[1], below.start(1), below.end(1), "name and author"),)
            name = f"{tidy(match['name'])} {below[1]}"
            return (Reading("scientificName", name, tidy(name), match.start("name"), below.end(1), "name and author"), *whole)
        return _stated(match, tidy(match["name"]), author, "name and author" if author else "name alone")
    for match in _TWO_ROWS.finditer(text):
        if is_latin(match["genus"], match["epithet"]):
            return _stated(match, f"{match['genus']} {match['epithet']}", match["author"] or "", "name on two rows")
    for match in _CAPITALS.finditer(text):
        genus, epithet = match["genus"].capitalize(), match["epithet"].lower()
        is_place = epithet.capitalize() in COUNTRIES or epithet.capitalize() in STATES
        if is_latin(genus, epithet) and not is_place and not epithet.endswith(("ton", "land")):
            infra = f" {match['rank']}. {match['infra'].lower()}" if match["infra"] and match["rank"] else ""
            return _stated(match, f"{genus} {epithet}{infra}", "", "name in capitals", genus_at="genus")
    return ()


def _is_list(text: str) -> bool:
    """Whether so many names begin their rows that the label is of several specimens."""
    names = (
        match for match in _ROW_NAME.finditer(text) if is_latin(match["genus"], match["epithet"]) and _is_author(match["author"])
    )
    return len({canonical(match["name"]) for match in names}) > MOST_NAMES


def is_latin(genus: str, epithet: str) -> bool:
    """Whether two words look like genus and epithet: by their ends, and by not being words that labels use otherwise."""
    one, other = genus.casefold(), epithet.casefold()
    if one in _WORDS or other in _WORDS or len(other) < 4:
        return False
    return one.endswith(_GENUS_ENDS) and other.endswith(_EPITHET_ENDS)


def canonical(name: str) -> tuple[str, ...]:
    """Genus, epithet and lower epithet, in lower case: by these two spellings of a name are compared."""
    words = re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)?|[().]", re.sub(r"\([^)]*\)", " ", name))
    kept = [word for index, word in enumerate(words) if index == 0 or word[:1].islower()]
    return tuple(
        word.casefold() for word in kept if word not in ("var", "subsp", "ssp", "f", "forma", "ex", "et", "in", "de", "cf", "aff")
    )


def _stated(match: re.Match[str], name: str, author: str, rule: str, genus_at: str = "name") -> tuple[Reading, ...]:
    begin = match.start("genus") if genus_at == "genus" or "name" not in match.re.groupindex else match.start("name")
    end = match.end("author") if author else match.end("epithet") if "name" not in match.re.groupindex else match.end("name")
    whole = f"{name} {author}".strip()
    verbatim = tidy(match.string[begin : max(end, begin + 1)])
    found = [Reading("scientificName", whole, verbatim, begin, end, rule)]
    if author:
        found.append(Reading("scientificNameAuthorship", author, author, match.start("author"), match.end("author"), rule))
    return tuple(found)


def _is_author(text: str) -> bool:
    """Whether the words behind the name are those of authors: a capital and no word of a sentence."""
    text = text.strip()
    return bool(re.search(rf"[{_UP}]", text)) and not re.search(
        r"(?i)\b(?:county|co|mts?|river|creek|district|in|on|at)\b\.?$", text
    )


def _is_aside(text: str, at: int, before: str) -> bool:
    """Whether the name is that of a neighbour or a host."""
    above = text[max(0, row_start(text, at) - 1 - 60) : row_start(text, at)]
    goes_on = above.rstrip().endswith(("with", "With", ",", "and")) and _AFTER.search(above) is not None
    return goes_on or _AFTER.search(before) is not None


def _type_status(text: str) -> Iterator[Reading]:
    found = {}
    for match in _TYPE.finditer(text):
        word = match[1].lower().replace("synnyp", "syntyp")
        word = word[:-2] + "e" if word.endswith("us") else word
        found[word] = match
    if not found and (alone := _TYPE_ALONE.search(text)):
        found["type"] = alone
    if len(found) == 1:
        ((word, match),) = found.items()
        yield Reading(
            "typeStatus", word, match[0].strip(), match.start(1), match.end(1), "type alone" if word == "type" else "type"
        )
