"""The documents of what people answer on the page of a specimen: comments, and statements in place of a machine's."""

import re
from collections.abc import Mapping
from typing import Any

from annotations import validation
from annotations.bodies import several
from annotations.creators import creator
from annotations.model import Annotation
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal
from app.web.specimens import threads

LONGEST_COMMENT = 5_000
LONGEST_TEXT = 20_000
NUMBER = re.compile(r"\d{1,12}(?:[.,]\d{1,12})?", re.ASCII)


def comment(text: str, about: Annotation | None, specimen_key: str, *, by: Principal, addresses: Addresses) -> dict[str, Any]:
    """A comment on the statement, a reply to the comment, or without one a comment on the specimen. Raises Invalid."""
    replying = about is not None and threads.is_comment(about)
    return {
        "@context": validation.CONTEXT,
        "type": "Annotation",
        "motivation": "replying" if replying else "commenting",
        "creator": creator(by, addresses),
        "body": _spoken(text),
        "target": addresses.pid(specimen_key) if about is None else addresses.annotation(about.key),
    }


def edited(comment_: Annotation, text: str) -> dict[str, Any]:
    """The comment with other words. Raises Invalid."""
    return {**comment_.document, "body": _spoken(text)}


def _spoken(text: str) -> dict[str, Any]:
    said = text.replace("\r\n", "\n").strip()
    if not said:
        raise Invalid("Write something first.", parameter="text")
    if len(said) > LONGEST_COMMENT:
        raise Invalid(f"A comment has up to {LONGEST_COMMENT:,} characters.", parameter="text")
    return {"type": "TextualBody", "value": said, "format": "text/plain"}


def correction(annotation: Annotation, text: str, value: str) -> dict[str, Any]:
    """The statement with that text, or with that number, at the same place. Raises Invalid where it says the same."""
    said = {name: annotation.document[name] for name in ("@context", "motivation", "target") if name in annotation.document}
    if annotation.value is not None:
        return {**said, "body": _number(annotation, value)}
    words = text.replace("\r\n", "\n").strip()
    if not words or len(words) > LONGEST_TEXT:
        raise Invalid(f"The text has from 1 to {LONGEST_TEXT:,} characters.", parameter="text")
    if words == annotation.text.strip():
        raise Invalid("This is what it says already: change the text, or accept it.", parameter="text")
    tags = [body for body in _bodies(annotation) if body.get("purpose") == "tagging"]
    first = next((body for body in _bodies(annotation) if isinstance(body.get("value"), str) and body not in tags), {})
    kept = {name: first[name] for name in ("purpose", "language", "textGranularity") if name in first}
    return {**said, "body": [{"type": "TextualBody", "value": words, "format": "text/plain", **kept}, *tags]}


def _number(annotation: Annotation, value: str) -> list[Mapping[str, Any]]:
    if not NUMBER.fullmatch(value.strip()) or float(value.strip().replace(",", ".")) <= 0:
        raise Invalid("The value is a number above 0.", parameter="value")
    number = value.strip().replace(",", ".")
    if float(number) == annotation.value:
        raise Invalid("This is the value that it has already: change it, or accept it.", parameter="value")
    said = {"type": "TextualBody", "value": f"{annotation.kind.capitalize()}: {number} {annotation.unit}", "format": "text/plain"}
    tags = [body for body in _bodies(annotation) if body.get("purpose") == "tagging"]
    rests_on = next((body["wasDerivedFrom"] for body in _bodies(annotation) if "wasDerivedFrom" in body), None)
    assertion = {
        "id": f"urn:hub:correction-of:{annotation.key}",
        "type": ["dwc:Assertion", "prov:Entity"],
        "dwc:assertionType": annotation.kind,
        "dwc:assertionValue": number,
        "dwc:assertionUnit": annotation.unit,
        **({"wasDerivedFrom": rests_on} if rests_on else {}),
    }
    return [{**said, "purpose": "describing"}, *tags, assertion]


def _bodies(annotation: Annotation) -> list[Mapping[str, Any]]:
    return [body for body in several(annotation.document.get("body")) if isinstance(body, Mapping)]
