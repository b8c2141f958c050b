"""What a person can read of a body: its text, else the label of what it links to, else the IRI of that.

Web Annotation Data Model, sections 3.2 (external, textual and Choice bodies) and 4 (SpecificResource).
"""

from collections.abc import Mapping
from typing import Any

LABELS = ("label", "name", "title", "rdfs:label", "skos:prefLabel")
STATED = "dwc:Assertion"  # a quantity for machines, of which a text beside it says the same


def several(value: Any) -> list[Any]:
    """A JSON-LD value as a list: none, one or many."""
    return value if isinstance(value, list) else [] if value is None else [value]


def readable(body: Any) -> str:
    """Its text, label or IRI; of a Choice those of its items, one below the other. Empty where it has none of these."""
    if not isinstance(body, Mapping):
        return body if isinstance(body, str) else ""
    if isinstance(body.get("value"), str):
        return str(body["value"])
    if label := label_of(body):
        return label
    if "items" in body:
        return "\n".join(filter(None, map(readable, several(body["items"]))))
    sources = "\n".join(filter(None, map(readable, several(body.get("source")))))
    return sources or (body["id"] if isinstance(body.get("id"), str) else "")


def label_of(body: Mapping[str, Any]) -> str:
    """What it or its source is called: a string, a list of them, a language map or a literal with @value."""
    own = next((found for name in LABELS if (found := _said(body.get(name)))), "")
    source = body.get("source")
    return own or (label_of(source) if isinstance(source, Mapping) and "source" not in source else "")


def is_shown(body: Any) -> bool:
    """Whether viewers are to show it beside others."""
    return bool(readable(body)) and (
        not isinstance(body, Mapping) or isinstance(body.get("value"), str) or STATED not in several(body.get("type"))
    )


def as_text(body: Any) -> dict[str, Any]:
    """It as a TextualBody, with its purpose, language and format where these hold for the text."""
    said = body if isinstance(body, Mapping) else {}
    kept = {"purpose": said["purpose"]} if isinstance(said.get("purpose"), str) else {}
    written = "text/plain"
    if isinstance(said.get("value"), str):
        if isinstance(said.get("language"), str):
            kept["language"] = said["language"]
        if isinstance(said.get("format"), str) and "/" in said["format"]:
            written = said["format"]
    return {"type": "TextualBody", "value": readable(body), **kept, "format": written}


def _said(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        return next((found for one in value if (found := _said(one))), "")
    if isinstance(value, Mapping):
        return (
            _said(value["@value"]) if "@value" in value else next((found for one in value.values() if (found := _said(one))), "")
        )
    return ""
