"""Rights: from what a source says to the address that a manifest may carry.

A manifest's `rights` must be a Creative Commons licence or a RightsStatements.org statement with the scheme `http`
(Presentation API 3.0, section 3.1), or a licence registered as an extension.
"""

import re
from collections.abc import Mapping

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


def iri_of(text: str) -> str:
    """The address, in the form that IIIF asks for, of the licence that the text names; empty where it names none."""
    address = re.sub(r"\s+", " ", text).strip().lower()
    words = re.sub(r"[\s_]+", " ", address)
    return _from_address(address) or _statement(address) or _public_domain(words) or _licence(words)


def of_terms(terms: Mapping[str, str]) -> str:
    """What a record or a media row says of rights, to the letter: the term from which an address follows, else the first."""
    given = [terms[name] for name in ("license", "rights", "accessRights") if terms.get(name)]
    return next((text for text in given if iri_of(text)), given[0] if given else "")


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
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    codes = {"-".join(_PARTS.findall(match[0])) for match in _CODE.finditer(words)}
    versions = {f"{major}.{minor}" for major, minor in re.findall(r"(?<!\d)([1-4])[. ](\d)(?![\d.])", words)}
    if len(codes) != 1 or _OTHERS.search(words):
        return ""
    code = codes.pop()
    if code in ("0", "zero"):
        return f"{CC}/publicdomain/zero/1.0/"
    version = versions.pop() if len(versions) == 1 else ""
    return f"{CC}/licenses/{code}/{version}/" if code in _CODES and version in _VERSIONS else ""
