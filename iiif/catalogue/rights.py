"""Rights: from what a source says to the address that a manifest may carry.

A manifest's `rights` must be a Creative Commons licence or a RightsStatements.org statement with the scheme `http`
(Presentation API 3.0, section 3.1), or a licence registered as an extension.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ontology import darwin_core

LONGEST_KEPT = 300  # characters of a text whose reading is remembered
CC = "http://creativecommons.org"
_STATEMENTS = ("InC", "InC-OW-EU", "InC-EDU", "InC-NC", "InC-RUU", "NoC-CR", "NoC-NC", "NoC-OKLR", "NoC-US", "CNE", "UND", "NKC")
_STATEMENT_BY_LOWER = {name.lower(): name for name in _STATEMENTS}
_CODES = ("by-nc-nd", "by-nc-sa", "by-nc", "by-nd", "by-sa", "by")
_VERSIONS = ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")
_WORDS = (
    (r"attribution", "by"),
    (r"non[\s-]*commercial", "nc"),
    (r"no[\s-]*deriv(?:ative)?s?(?:[\s-]*works)?", "nd"),
    (r"share[\s-]*alike", "sa"),
    (r"creative[\s\-]*commons", "cc"),
)
_CODE = re.compile(r"\bcc[\s\-(]*(?:0(?![.\d])|zero|by(?:[\s\-]*(?:nc|nd|sa))*)(?![a-z])")
_PARTS = re.compile(r"by|nc|nd|sa|zero|0")
_OTHERS = re.compile(r"\b(?:mit|bsd|l?gpl|agpl|apache|gfdl)\b|\(-")
_NO_RIGHTS = re.compile(r"\bno (?:rights reserved|known copyright|copyright|restrictions?)\b|\bwithout (?:any )?restrictions?\b")
_NEGATED = re.compile(r"\b(?:not|never|no|without|cannot|isn['’]?t|nicht|keine?|pas|nor|neither|non)\b")
_RESERVED = re.compile(
    r"all rights reserved|\bembargo|\brestricted\b|\bpermission (?:is )?(?:required|needed)|\bconfidential\b|\bprohibited\b"
    r"|\bforbidden\b|alle rechte vorbehalten|\bgesperrt\b|\bverboten\b|urheberrechtlich geschützt"
    r"|tous (?:les )?droits (?:sont )?réservés|\binterdite?s?\b|todos los derechos reservados|todos os direitos reservados"
    r"|\bprohibid[oa]s?\b|\bproibid[oa]s?\b|tutti i diritti (?:sono )?riservati|\bvietat[oaie]\b|alle rechten voorbehouden"
    r"|alla rättigheter förbehåll\w+|alle rettighete[rn]e? forbehold\w+|kaikki oikeudet pidätetään|wszelkie prawa zastrzeżone"
    r"|všechna práva vyhrazena|všetky práva vyhradené|minden jog fenntartva|toate drepturile rezervate|все права защищены"
    r"|усі права захищені|всички права запазени|tüm hakları saklıdır"
    r"|無断転載|全著作権所有|版权所有|版權所有"
    r"|保留所有权利|保留所有權利"
)
_LIMITED = re.compile(
    r"\bexcept|\bexclu|\bexcl\b|\bapart from\b|\bother than\b|\bunless\b"
    r"|\bbut\b|\bwhere applicable\b|\bmetadat|\bpending\b|\bexpired?\b|\bformer(?:ly)?\b|\buntil\b"
    r"|\bonly\b|\b(?:from|after|as of|starting|ab|nach|dès|desde|dal|à partir de) (?:\S+ )?(?:1[89]|2\d)\d\d\b|\bohne\b"
    r"|\bau(?:ß|ss)er\b|\bausgenommen\b|\bnur\b|\bbis\b|\bsperrfrist\b|\bsauf\b|\bseulement\b|\bexcepto\b|\bsalvo\b"
    r"|\bs[oó]lo\b|\beccetto\b|\btranne\b|\bhors\b|\bbehalve\b|\bzonder\b|\bgeen\b|\balleen\b|\bsin\b|\bsans\b|\bsenza\b"
    r"|\btill\b|\bvalid to\b|\btb[cd]\b|\bto be confirmed\b|\bprobably\b|\bperhaps\b"
    r"|\b(?:for|on) (?:the )?(?:data|texts?|records?)\b"
    r"|\?\s*$"
)
_NON_COMMERCIAL = re.compile(
    r"\bnon[\s-]*commercial\b|\bnicht[\s-]*kommerziell\w*|\bnon commerciale?s?\b|\bno comercial(?:es)?\b|\bnão comercia(?:l|is)\b"
    r"|\bniet[\s-]*commerciee?le?\b|\bnon-commerciale?\b"
)

# Columns that speak of the rights in an image, those of Audiovisual Core among them, by the spelling of their names.
STATEMENTS = (
    "license",
    "licence",
    "webstatement",
    "usageterms",
    "rights",
    "rightsstatement",
    "copyright",
    "copyrightnotice",
    "accessrights",
)
HOLDERS = ("rightsholder", "owner", "copyrightholder", "copyrightowner")
_SPEAKS_OF_RIGHTS = re.compile(r"licen[cs]e|rights|copyright|usageterms")
_SPEAKS_OF_A_HOLDER = re.compile(r"holder|owner|uri$|id$|iri$|logo")
_STRICTNESS = ("zero", "mark", "by", "by-sa", "by-nd", "by-nc", "by-nc-sa", "by-nc-nd", "statement", "noncommercial", "reserved")


@dataclass(frozen=True, slots=True)
class RightsReading:
    """What a row says of rights: the statement that stands, to the letter, the holder, and what is doubtful.

    `column` and `value` are those of the statement that gave way or was negated, `problem` a sentence without an end.
    """

    statement: str = ""
    holder: str = ""
    problem: str = ""
    column: str = ""
    value: str = ""


def iri_of(text: str) -> str:
    """The address, in the form that IIIF asks for, of the licence that the text names; empty where it names none.

    A text that says "not", limits the licence that it names ("except the images"), or reserves all rights beside it, names none.
    """
    return _iri_of(text) if len(text) > LONGEST_KEPT else _kept_iri_of(text)


def _iri_of(text: str) -> str:
    address = re.sub(r"\s+", " ", text).strip().lower()
    words = re.sub(r"[\s_]+", " ", address)
    if is_negated(text) or is_limited(text) or _RESERVED.search(words):
        return ""
    return _from_address(address) or _statement(address) or _public_domain(words) or _licence(words)


_kept_iri_of = lru_cache(maxsize=4096)(_iri_of)  # a collection has few


def _names_several(text: str) -> bool:
    return _several_in(text) if len(text) > LONGEST_KEPT else _kept_several_in(text)


def _several_in(text: str) -> bool:
    """Whether one text names several Creative Commons licences, or one and that all rights are reserved."""
    words = re.sub(r"[\s_]+", " ", re.sub(r"https?://\S+", " ", text.lower()))
    reserved = _RESERVED.search(words) is not None
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    codes = {"-".join(_PARTS.findall(match[0])) for match in _CODE.finditer(words)}
    return len(codes) > 1 or (bool(codes) and reserved)


_kept_several_in = lru_cache(maxsize=4096)(_several_in)


def is_negated(text: str) -> bool:
    """Whether the text denies what it names (`not CC BY`); that licences themselves deny something does not count."""
    words = re.sub(r"[\s_\-]+", " ", re.sub(r"https?://\S+", " ", text.lower()))
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    return _NEGATED.search(_NO_RIGHTS.sub(" ", words)) is not None


def is_limited(text: str) -> bool:
    """Whether the text limits the Creative Commons licence that it names, to a part or a time (`CC0 except the images`)."""
    words = re.sub(r"[\s_]+", " ", re.sub(r"https?://\S+", " cc by ", text.lower()))
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    rest = re.sub(r"\bnc (?:uses?|purposes?) only\b", " ", words)
    return _CODE.search(words) is not None and _LIMITED.search(rest) is not None


def read(columns: Mapping[str, str]) -> RightsReading:
    """Read the rights of a row, by column name. Where its statements contradict, the stricter one stands."""
    spelt = ((name, column, columns[column].strip()) for name, column in _columns_of_rights(tuple(columns)))
    by_spelling = {name: (column, text) for name, column, text in spelt if text}
    holder = next((by_spelling[name][1] for name in HOLDERS if name in by_spelling), "")
    given = [by_spelling[name] for name in STATEMENTS if name in by_spelling]
    given = given or [by_spelling[name] for name in sorted(by_spelling) if _is_statement(name)]
    if not given:
        return RightsReading(holder=holder)
    ranked = [(_strictness(text), column, text) for column, text in given]
    known = [each for each in ranked if each[0] >= 0]
    if not known:
        several = next((each for each in given if _names_several(each[1])), None)
        return _of_several(*several, holder) if several else RightsReading(given[0][1], holder)
    rank = max(each[0] for each in known)
    strict = [each for each in known if each[0] == rank]
    _, column, statement = next((each for each in strict if iri_of(each[2])), strict[0])
    laxer = next((each for each in known if each[0] != rank), None)
    if laxer is not None:
        problem = f"{column} {statement[:80]!r} and {laxer[1]} {laxer[2][:80]!r} contradict: the stricter one, {column}, stands"
        return RightsReading(statement, holder, problem, laxer[1], laxer[2])
    if rank == len(_STRICTNESS) - 1 and is_negated(statement):
        problem = f"{column} {statement[:80]!r} says which licence does not apply: no licence is taken from it"
        return RightsReading(statement, holder, problem, column, statement)
    if rank == len(_STRICTNESS) - 1 and is_limited(statement):
        problem = f"{column} {statement[:80]!r} limits the licence that it names: no licence is taken from it"
        return RightsReading(statement, holder, problem, column, statement)
    return _of_several(column, statement, holder) if _names_several(statement) else RightsReading(statement, holder)


@lru_cache(maxsize=512)
def _columns_of_rights(columns: tuple[str, ...]) -> tuple[tuple[str, str], ...]:
    """Those that speak of rights, or of who has them, after the spelling of each."""
    spelt = tuple((darwin_core.spelling(column), column) for column in columns)
    return tuple((name, column) for name, column in spelt if name in STATEMENTS or name in HOLDERS or _is_statement(name))


def _of_several(column: str, statement: str, holder: str) -> RightsReading:
    problem = f"{column} {statement[:80]!r} names several terms of use: no licence is taken from it"
    return RightsReading(statement, holder, problem, column, statement)


def of_terms(terms: Mapping[str, str]) -> str:
    """What a record or a media row says of rights, to the letter."""
    return read(terms).statement


def strictness(text: str) -> int:
    """How strict the licence is that the text names, for comparisons: from 0, all rights waived. What says nothing that can be
    compared, or nothing at all, is as strict as all rights reserved."""
    place = _strictness(text)
    return len(_STRICTNESS) if place < 0 else place


def _is_statement(name: str) -> bool:
    return _SPEAKS_OF_RIGHTS.search(name) is not None and _SPEAKS_OF_A_HOLDER.search(name) is None


def _strictness(text: str) -> int:
    return _strictness_of(text) if len(text) > LONGEST_KEPT else _kept_strictness_of(text)


def _strictness_of(text: str) -> int:
    """Place in _STRICTNESS; -1 where the text says nothing that can be compared, as that somebody has a right."""
    words = re.sub(r"[\s_]+", " ", text.lower())
    if _RESERVED.search(words) or is_negated(text) or is_limited(text):
        return len(_STRICTNESS) - 1
    match = re.search(r"creativecommons\.org/(?:licenses|publicdomain)/([a-z\-]+)", words)
    code = match[1] if match else _code(words)
    if code in _STRICTNESS:
        return max(1, _STRICTNESS.index(code))  # that nobody has rights and that they were waived comes to the same
    if iri_of(text):
        return _STRICTNESS.index("mark" if _public_domain(words) else "statement")
    return _STRICTNESS.index("noncommercial") if _NON_COMMERCIAL.search(words) else -1


_kept_strictness_of = lru_cache(maxsize=4096)(_strictness_of)


def _code(words: str) -> str:
    """The code of the one Creative Commons licence that the words name, with or without its version: `by-nc`."""
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    codes = {"-".join(_PARTS.findall(match[0])) for match in _CODE.finditer(words)}
    code = codes.pop() if len(codes) == 1 and not _OTHERS.search(words) else ""
    return "zero" if code in ("0", "zero") else code


def _from_address(words: str) -> str:
    match = re.search(r"creativecommons\.org/(licenses|publicdomain)/([a-z\-+]+)(?:/(\d\.\d))?(?:/([a-z]{2,3})(?![a-z]))?", words)
    if match is None:
        return ""
    kind, code, version, place = match.groups()
    if kind == "publicdomain":
        return f"{CC}/publicdomain/{code}/1.0/" if code in ("zero", "mark") else ""
    if code not in _CODES or version not in _VERSIONS:
        return ""
    ported = f"{place}/" if place and version < "4.0" else ""
    return f"{CC}/licenses/{code}/{version}/{ported}"


def _statement(words: str) -> str:
    match = re.search(r"rightsstatements\.org/(?:vocab|page)/([a-z\-]+)(?:/(\d\.\d))?", words)
    name = _STATEMENT_BY_LOWER.get(match[1]) if match else None
    return f"http://rightsstatements.org/vocab/{name}/{(match[2] if match else None) or '1.0'}/" if name else ""


def _public_domain(words: str) -> str:
    named = re.fullmatch(r"(?:cc[\s\-]*)?(?:pdm|public[\s\-]*domain)(?:[\s\-]*mark)?(?:[\s\-]*1[. ]0)?\.?", words)
    return f"{CC}/publicdomain/mark/1.0/" if named else ""


def _licence(words: str) -> str:
    """`CC BY-NC 4.0`, `CC_BY_4_0`, `Creative Commons Attribution 4.0 International`.

    Nothing is made up: text that names several licences, or one without its version, leads to no address.
    """
    code = _code(words)
    if code == "zero":
        return f"{CC}/publicdomain/zero/1.0/"
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    versions = {f"{major}.{minor}" for major, minor in re.findall(r"(?<!\d)([1-4])[. ](\d)(?![\d.])", words)}
    version = versions.pop() if len(versions) == 1 else ""
    return f"{CC}/licenses/{code}/{version}/" if code in _CODES and version in _VERSIONS else ""
