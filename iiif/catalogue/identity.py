"""What a specimen is recognised by: the identifier that its source gives it, else its number in its collection.

`materialEntityID` names the object itself (Darwin Core, MaterialEntity), `occurrenceID` in nearly all archives too. A
`materialSampleID` may name a sample that was taken from it, and several records may speak of one: it identifies nothing here.
"""

import hashlib
import unicodedata
from collections.abc import Mapping

ID_TERMS = ("materialEntityID", "occurrenceID")
LONGEST_FOLDED = 255
LONGEST = 600  # characters: PostgreSQL indexes no value of more than 2,704 bytes
APART = "\x1f"  # the unit separator, which no code and no number holds
UUID_DASHES = (8, 13, 18, 23)


def identities_of(terms: Mapping[str, str], number: str) -> tuple[str, ...]:
    """The identities that a record's identifiers give it, the strongest first; without any, that of its number alone.

    An identifier that is neither an IRI or the like (with a colon in it) nor a UUID is taken to be unique only among the
    records of its catalogue number: `1` and `row-17` are given everywhere.
    """
    collected = (terms.get("institutionCode", ""), terms.get("collectionCode", ""), number)
    given = dict.fromkeys(terms[term] for term in ID_TERMS if terms.get(term))
    return tuple(bounded(text if is_global(text) else APART.join((*collected, text))) for text in given) or (
        bounded(APART.join(collected)),
    )


def folded(text: str) -> str:
    """A number or name as it is compared: in one Unicode form (macOS keeps letters and their marks apart), in any case."""
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", text).casefold())


def folded_number(number: str) -> str:
    """What the index of catalogue numbers holds. Two very long ones may share it, so who looks there compares the whole."""
    return folded(number)[:LONGEST_FOLDED]


def is_identified(terms: Mapping[str, str]) -> bool:
    """Whether the source gave the record an identifier."""
    return any(terms.get(term) for term in ID_TERMS)


def agree(terms: Mapping[str, str], others: Mapping[str, str]) -> bool:
    """Whether two records share an identifier, and none of them says otherwise."""
    both = [(terms[term], others[term]) for term in ID_TERMS if terms.get(term) and others.get(term)]
    return bool(both) and all(one == other for one, other in both)


def is_global(text: str) -> bool:
    """Whether an identifier has a form that is unique by itself."""
    return ":" in text or (len(text) == 36 and all(text[position] == "-" for position in UUID_DASHES))


def bounded(text: str) -> str:
    """The text, or its digest where it is longer than an index holds."""
    return text if len(text) <= LONGEST else f"sha-256:{hashlib.sha256(text.encode()).hexdigest()}"
