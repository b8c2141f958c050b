"""A document from outside, checked against the Web Annotation Data Model, before anything is stored."""

import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from annotations.bodies import label_of
from annotations.bodies import several as several
from annotations.errors import AnnotationTooBig, MalformedAnnotation

CONTEXT = "http://www.w3.org/ns/anno.jsonld"
MODEL = "Web Annotation Data Model"
MAX_DEPTH = 16
MAX_VALUES = 20_000
MAX_BODIES = 200
MAX_TEXT = 200_000
IRI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]+")
MOTIVATION = re.compile(r"[A-Za-z][A-Za-z0-9._~:/#?=&%+-]{0,499}", re.ASCII)
LONGEST_UNIT = 16
SUBSTANCE = ("motivation", "body", "bodyValue", "target")
DIRECTIONS = ("ltr", "rtl", "auto")
TIMES = ("created", "modified", "generated")


def check(document: Any) -> Mapping[str, Any]:
    """The document itself, if it is an Annotation; its target is checked in `targets`.

    Raises MalformedAnnotation, AnnotationTooBig.
    """
    if not isinstance(document, Mapping):
        raise MalformedAnnotation("An annotation is a JSON object.", spec=f"{MODEL}, 3.1")
    _measure(document)
    if CONTEXT not in several(document.get("@context")):
        raise MalformedAnnotation(f"@context must be or hold {CONTEXT}.", parameter="@context", spec=f"{MODEL}, 3.1")
    if "Annotation" not in several(document.get("type")):
        raise MalformedAnnotation("type must be or hold Annotation.", parameter="type", spec=f"{MODEL}, 3.1")
    if "target" not in document:
        raise MalformedAnnotation("An annotation needs a target.", parameter="target", spec=f"{MODEL}, 3.1")
    _check_members(document)
    _check_bodies(document)
    return document


def motivations(document: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(value) for value in several(document.get("motivation")))


def text_of(document: Mapping[str, Any], *, besides: str = "") -> str:
    """Every text a person could read in its bodies, one below the other, without tags that only repeat its kind (`besides`)."""
    tag = {"value": besides, "purpose": "tagging"}
    bodies = several(document.get("body"))
    said = [body for body in bodies if not (isinstance(body, Mapping) and besides and tag.items() <= body.items())]
    found = list(_texts(said))
    if isinstance(document.get("bodyValue"), str):
        found.append(document["bodyValue"])
    return "\n".join(found)


def measured(document: Mapping[str, Any]) -> tuple[str, float, str] | None:
    """Kind, value and unit of a scale that the bodies assert, as a person's correction of a ruler does."""
    for body in several(document.get("body")):
        if isinstance(body, Mapping) and body.get("dwc:assertionUnit") == "px/mm":
            try:
                value = float(str(body.get("dwc:assertionValue")))
            except ValueError:
                continue
            if 0 < value < 1e6:
                return "ruler", value, "px/mm"
    return None


def stated(document: Mapping[str, Any]) -> tuple[float, str] | None:
    """The value and unit of the first body that asserts a number."""
    for body in several(document.get("body")):
        if isinstance(body, Mapping) and isinstance(body.get("dwc:assertionUnit"), str):
            try:
                value = float(str(body.get("dwc:assertionValue")))
            except ValueError:
                continue
            if abs(value) < 1e12 and len(body["dwc:assertionUnit"]) <= LONGEST_UNIT:
                return value, body["dwc:assertionUnit"]
    return None


def derived_from(document: Mapping[str, Any]) -> list[str]:
    """The IRIs that its bodies were derived from."""
    bodies = (body for body in several(document.get("body")) if isinstance(body, Mapping))
    return [iri for body in bodies for iri in several(body.get("wasDerivedFrom")) if isinstance(iri, str)]


def same_substance(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether both say the same of the same, whoever said it and when."""
    return all(several(one.get(name)) == several(other.get(name)) for name in SUBSTANCE)


def confidence_of(document: Mapping[str, Any]) -> float | None:
    """Its `confidence`, a number from 0 to 1 (which JSON-LD may write as a string), or None."""
    try:
        value = float(str(document.get("confidence")))
    except ValueError:
        return None
    return value if 0 <= value <= 1 else None


def is_iri(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= 2000 and IRI.fullmatch(value) is not None


def iri_of(target: Any) -> str:
    """The IRI of one target or of its source, with its fragment. Raises MalformedAnnotation."""
    found = target
    if isinstance(target, Mapping):
        found = target.get("source", target.get("id"))
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, Mapping):
            found = found.get("id")
    if not isinstance(found, str) or not found:
        raise MalformedAnnotation(
            "A target must be an IRI, or an object with a source or an id.",
            parameter="target",
            spec="Web Annotation Data Model, 3.2",
        )
    return found


def _texts(bodies: Iterable[Any]) -> Iterable[str]:
    for body in bodies:
        if isinstance(body, Mapping):
            if isinstance(body.get("value"), str):
                yield body["value"]
            elif label := label_of(body):
                yield label
            yield from _texts(several(body.get("items")))


def _measure(document: Mapping[str, Any]) -> None:
    """Bounds on depth and number of values, without recursion."""
    left: list[tuple[Any, int]] = [(document, 1)]
    seen = 0
    while left:
        value, depth = left.pop()
        seen += 1
        if depth > MAX_DEPTH:
            raise AnnotationTooBig(f"An annotation may be nested up to {MAX_DEPTH} levels deep.")
        if seen > MAX_VALUES:
            raise AnnotationTooBig(f"An annotation may hold up to {MAX_VALUES:,} values.")
        if isinstance(value, Mapping):
            left.extend((inner, depth + 1) for pair in value.items() for inner in pair)
        elif isinstance(value, list):
            left.extend((inner, depth + 1) for inner in value)
        elif not _storable(value):
            raise MalformedAnnotation(
                "The annotation holds a character or a number that cannot be kept.", spec="RFC 8259, 8.2 and 6"
            )


def _storable(value: Any) -> bool:
    """Whether every database keeps it: no NUL, no half of a surrogate pair, no number beyond 64 bits."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= char <= "\udfff" for char in value)
    return not isinstance(value, int | float) or abs(value) < 2**63


def _check_members(document: Mapping[str, Any]) -> None:
    for name in TIMES:
        if name in document and not is_time(document[name]):
            raise MalformedAnnotation(
                f"{name} must be one xsd:dateTime with a time zone.", parameter=name, spec=f"{MODEL}, 3.3.1"
            )
    for name in ("canonical",):
        if name in document and not is_iri(document[name]):
            raise MalformedAnnotation(f"{name} must be one IRI.", parameter=name, spec=f"{MODEL}, 3.3.7")
    for name in ("via", "rights"):
        values = several(document.get(name))
        if name in document and (not values or not all(map(is_iri, values))):
            raise MalformedAnnotation(f"{name} must be one or more IRIs.", parameter=name, spec=f"{MODEL}, 3.3.6 and 3.3.7")
    for value in several(document.get("motivation")):
        if not isinstance(value, str) or not MOTIVATION.fullmatch(value):
            raise MalformedAnnotation(
                "motivation must be one or more words or IRIs.", parameter="motivation", spec=f"{MODEL}, 3.3.5"
            )


def is_time(value: Any) -> bool:
    """Whether it is an xsd:dateTime with a zone."""
    if not isinstance(value, str) or "T" not in value:
        return False
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


def _check_bodies(document: Mapping[str, Any]) -> None:
    if "body" in document and "bodyValue" in document:
        raise MalformedAnnotation("body and bodyValue exclude each other.", parameter="bodyValue", spec=f"{MODEL}, 3.2.5")
    if "bodyValue" in document and not isinstance(document["bodyValue"], str):
        raise MalformedAnnotation("bodyValue must be one text.", parameter="bodyValue", spec=f"{MODEL}, 3.2.5")
    bodies = several(document.get("body"))
    if len(bodies) > MAX_BODIES:
        raise AnnotationTooBig(f"An annotation may have up to {MAX_BODIES} bodies.", parameter="body")
    for body in bodies:
        _check_body(body)
    if len(text_of(document)) > MAX_TEXT:
        raise AnnotationTooBig(f"The texts of an annotation may have up to {MAX_TEXT:,} characters together.", parameter="body")


def _check_body(body: Any) -> None:
    """A body is an IRI, a text, a resource with an id, a SpecificResource with a source, or a Choice with items."""
    if isinstance(body, str):
        _need(is_iri(body), "A body that is a string must be an IRI.", "body", "3.2.1")
        return
    _need(isinstance(body, Mapping), "A body must be an IRI or an object.", "body", "3.2")
    said = [name for name in ("value", "source", "items") if name in body]
    _need(
        len(said) == 1 or (not said and "id" in body),
        "A body needs an id, or exactly one of value, source and items.",
        "body",
        "3.2.4, 3.2.7 and 4",
    )
    _need(is_iri(body.get("id", "urn:none")), "The id of a body must be an IRI.", "body.id", "3.2.1")
    _need(isinstance(body.get("value", ""), str), "The value of a textual body must be a string.", "body.value", "3.2.4")
    _need(bool(body.get("items", True)), "A Choice needs items.", "body.items", "3.2.7")
    _need(
        body.get("textDirection", "ltr") in DIRECTIONS, "textDirection must be ltr, rtl or auto.", "body.textDirection", "3.2.1"
    )
    for item in several(body.get("items")):
        _check_body(item)
    for name in TIMES:
        _need(
            name not in body or is_time(body[name]),
            f"{name} of a body must be one xsd:dateTime with a zone.",
            f"body.{name}",
            "3.3.1",
        )


def _need(held: bool, sentence: str, parameter: str, section: str) -> None:
    if not held:
        raise MalformedAnnotation(sentence, parameter=parameter, spec=f"{MODEL}, {section}")
