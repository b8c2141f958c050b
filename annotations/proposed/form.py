"""The document of a proposal: a W3C annotation with the motivation `editing`.

One body is the value as a text, with `proposalProperty` (the address of the Darwin Core term), `proposalSubject` (the specimen)
and `hub:verbatim` (what is written, to the letter). `wasDerivedFrom` names the statement that it was read from, if any; the
proposal rests on that. The targets are the specimen, and what it was read from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from annotations.bodies import several
from annotations.errors import MalformedAnnotation
from annotations.validation import iri_of
from app.runtime.addresses import Addresses
from ontology import darwin_core

KIND = "proposal"
LONGEST_VALUE = 10_000  # characters
# What a record is known by, whose it is, and what it holds back is for its source alone to say.
OF_THE_SOURCE = (
    *("catalogNumber", "institutionCode", "collectionCode", "occurrenceID", "materialEntityID", "license", "rights"),
    *("rightsHolder", "accessRights", "informationWithheld", "dataGeneralizations", "modified"),
)


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a document proposes: for which specimen and term which value, as it was given and as it is written (`verbatim`)."""

    specimen_key: str
    term: str
    value: str
    verbatim: str


def is_proposal(document: Mapping[str, Any]) -> bool:
    """Whether a document says that it is one."""
    return "editing" in several(document.get("motivation")) and _body(document) is not None


def read(document: Mapping[str, Any], addresses: Addresses) -> Proposed:
    """What the document proposes. Raises MalformedAnnotation."""
    body = _body(document)
    if body is None:
        raise MalformedAnnotation(
            "A proposal needs a text as body, with `proposalProperty`, the address of a term.", parameter="body"
        )
    term, value, verbatim = _term(body["proposalProperty"]), str(body["value"]).strip(), body.get("hub:verbatim", "")
    if not value or len(value) > LONGEST_VALUE or not isinstance(verbatim, str) or len(verbatim) > LONGEST_VALUE:
        raise MalformedAnnotation(f"A proposed value has from 1 to {LONGEST_VALUE:,} characters.", parameter="body.value")
    named = [addresses.identify(iri_of(target).partition("#")[0]) for target in several(document.get("target"))]
    specimens = {one.key for one in named if one is not None and one.kind == "specimen"}
    subject = body.get("proposalSubject")
    of = addresses.identify(subject) if isinstance(subject, str) else None
    key = of.key if of is not None and of.kind == "specimen" else next(iter(specimens)) if len(specimens) == 1 else ""
    if key not in specimens:
        raise MalformedAnnotation(
            "A proposal is about a specimen: name it among the targets, and as `proposalSubject` of the body.", parameter="target"
        )
    return Proposed(key, term, value, verbatim)


def term_of(name: str) -> str:
    """The Darwin Core term of that name or address, which may be proposed. Raises MalformedAnnotation."""
    return _term(name)


def document(
    proposed: Proposed, read_from: Any, statement: str, creator: Mapping[str, Any], addresses: Addresses
) -> dict[str, Any]:
    """The annotation that proposes this.

    `read_from` is the target that it was read from, a region or a statement; `statement` the address of the statement that it was
    derived from, empty for none.
    """
    subject = addresses.pid(proposed.specimen_key)
    body: dict[str, Any] = {
        "type": "TextualBody",
        "purpose": "editing",
        "format": "text/plain",
        "value": proposed.value,
        "proposalProperty": darwin_core.iri_of(proposed.term),
        "proposalSubject": subject,
    }
    body |= {"hub:verbatim": proposed.verbatim} if proposed.verbatim else {}
    body |= {"wasDerivedFrom": statement} if statement else {}
    return {
        "@context": [f"{addresses.base}/ns/1/context.jsonld", "http://www.w3.org/ns/anno.jsonld"],
        "type": "Annotation",
        "motivation": "editing",
        "creator": dict(creator),
        "body": body,
        "target": [read_from, subject] if read_from else subject,
    }


def _body(document: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The body that gives a term a value."""
    for body in several(document.get("body")):
        if isinstance(body, Mapping) and isinstance(body.get("value"), str) and isinstance(body.get("proposalProperty"), str):
            return body
    return None


def _term(name: str) -> str:
    term = darwin_core.term_of(name[:200])
    if term is None:
        raise MalformedAnnotation(
            f"{name[:80]!r} is no term of Darwin Core.", parameter="term", spec="Darwin Core, list of terms"
        )
    if term in OF_THE_SOURCE:
        raise MalformedAnnotation(
            f"{term} says what the record is, whose it is or who may see it: its source alone changes that.", parameter="term"
        )
    return term
