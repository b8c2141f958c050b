"""What comes in a viewer's form, as a W3C document: the context of Presentation 3, and Open Annotation as IIIF 2 has it."""

from collections.abc import Mapping
from typing import Any

from annotations.bodies import several
from annotations.errors import MalformedAnnotation
from annotations.projections import IIIF3, Profile, without_marks
from annotations.validation import CONTEXT
from app.runtime.addresses import Addresses

RESOURCE_TEXTS = ("cnt:ContentAsText", "dctypes:Text")
PRESENTATION_2 = "IIIF Presentation 2.1, 3.4 and Open Annotation"


def as_w3c(document: Any, profile: Profile, addresses: Addresses) -> Any:
    """The document as the Web Annotation Data Model has it; what is none is returned for `validation` to refuse.

    Raises MalformedAnnotation for an Open Annotation that cannot be read.
    """
    if not isinstance(document, Mapping):
        return document
    document = without_marks(document, addresses)
    if profile == "iiif2":
        return _upgraded(document)
    contexts = several(document.get("@context"))
    if profile == "iiif3" and "@context" not in document:  # as it stands in a page, which has it for all
        contexts = [IIIF3]
    if IIIF3 in contexts and CONTEXT not in contexts:
        return {**document, "@context": [CONTEXT, *contexts]}  # that of Presentation 3 includes it, and stands last
    return document


def _upgraded(document: Mapping[str, Any]) -> dict[str, Any]:
    """Of Presentation 2 with our context; a document that is W3C already stays."""
    if "@type" not in document:
        return dict(document)
    if "oa:Annotation" not in several(document["@type"]):
        raise MalformedAnnotation("@type must be or hold oa:Annotation.", parameter="@type", spec=PRESENTATION_2)
    known = ("@context", "@id", "@type", "motivation", "resource", "on")
    made: dict[str, Any] = {"@context": CONTEXT, "type": "Annotation"}
    if "@id" in document:
        made["id"] = document["@id"]
    if "motivation" in document:
        made["motivation"] = [_word(word) for word in several(document["motivation"])]
    if "resource" in document:
        made["body"] = [_body(body) for body in several(document["resource"])]
    if "on" in document:
        places = [_target(place) for place in several(document["on"])]
        made["target"] = places[0] if len(places) == 1 else places
    return {**made, **{name: value for name, value in document.items() if name not in known}}


def _word(word: Any) -> Any:
    return word.removeprefix("oa:") if isinstance(word, str) else word


def _body(body: Any) -> Any:
    if not isinstance(body, Mapping):
        return body
    if not any(name in RESOURCE_TEXTS for name in several(body.get("@type"))) and "chars" not in body:
        return {"id": body["@id"]} if isinstance(body.get("@id"), str) else dict(body)
    said = {name: body[name] for name in ("format", "language") if name in body}
    return {"type": "TextualBody", "value": body.get("chars"), **said}


def _target(place: Any) -> Any:
    if not isinstance(place, Mapping):
        return place
    full, selector = place.get("full"), place.get("selector")
    source = full.get("@id") if isinstance(full, Mapping) else full
    several_selectors = _selectors(selector)
    if not isinstance(source, str) or not several_selectors:
        raise MalformedAnnotation(
            "`on` is an address with #xywh=, or an object with `full` and a `selector` that has a value.",
            parameter="on",
            spec=PRESENTATION_2,
        )
    return {"source": source, "selector": several_selectors[0] if len(several_selectors) == 1 else several_selectors}


def _selectors(selector: Any) -> list[dict[str, Any]]:
    if not isinstance(selector, Mapping):
        return []
    if "oa:Choice" in several(selector.get("@type")):
        return [found for name in ("default", "item") for found in _selectors(selector.get(name))]
    text = selector.get("value", selector.get("chars"))
    name = next((one for one in several(selector.get("@type")) if one in ("oa:FragmentSelector", "oa:SvgSelector")), "")
    return [{"type": name.removeprefix("oa:"), "value": text}] if name and isinstance(text, str) else []
