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
_WORDS = (
    (r"attribution", "by"),
    (r"non[\s-]*commercial", "nc"),
    (r"no[\s-]*deriv(?:ative)?s?(?:[\s-]*works)?", "nd"),
    (r"share[\s-]*alike", "sa"),
    (r"creative\s+commons", "cc"),
)


def iri_of(text: str) -> str:
    """The address, in the form that IIIF asks for, of the licence that the text names; empty where it names none."""
    words = re.sub(r"\s+", " ", text).strip().lower()
    return _from_address(words) or _statement(words) or _public_domain(words) or _licence(words)


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
    if code not in _CODES:
        return ""
    ported = f"{place}/" if place and version and version < "4.0" else ""
    return f"{CC}/licenses/{code}/{version or '4.0'}/{ported}"


def _statement(words: str) -> str:
    match = re.search(r"rightsstatements\.org/(?:vocab|page)/([a-z\-]+)(?:/(\d\.\d))?", words)
    name = _STATEMENT_BY_LOWER.get(match[1]) if match else None
    return f"http://rightsstatements.org/vocab/{name}/{(match[2] if match else None) or '1.0'}/" if name else ""


def _public_domain(words: str) -> str:
    if re.search(r"\bcc[\s_\-]*(?:0|zero)\b", words) or re.search(r"\bcc0\s*1\.0\b", words):
        return f"{CC}/publicdomain/zero/1.0/"
    if re.fullmatch(r"(?:cc[\s_\-]*)?(?:pdm|public[\s_\-]*domain)(?:[\s_\-]*mark)?(?:\s*1\.0)?\.?", words):
        return f"{CC}/publicdomain/mark/1.0/"
    return ""


def _licence(words: str) -> str:
    for pattern, short in _WORDS:
        words = re.sub(pattern, short, words)
    match = re.search(r"\bcc[\s_\-]*(by(?:[\s_\-]*(?:nc|nd|sa))*)(?![a-z])[^\d]{0,20}?(\d\.\d)?", words)
    if match is None:
        return ""
    parts = re.findall(r"by|nc|nd|sa", match[1])
    code = "-".join(parts)
    version = re.search(r"\b([1-4]\.\d)\b", words[match.start() :])
    return f"{CC}/licenses/{code}/{version[1] if version else '4.0'}/" if code in _CODES else ""
