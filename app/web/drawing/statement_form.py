"""The form of a statement without script: its fields, and the W3C document that they say.

Shapes are numbers: a box as x, y, width and height, or corners as `x,y x,y …`, one ring a line, filled by the even-odd rule; all
in canvas units. `src/draw/fields.js` reads and writes the same bodies, to which a test holds the two.
"""

import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from annotations import projections, region_text, validation
from annotations.bodies import STATED, several
from annotations.regions import Region
from app.runtime.errors import Invalid

LONGEST_TEXT = 20_000
LONGEST_SHAPE = 200_000
LONGEST_WORD = 40
NUMBER = re.compile(r"[-+]?\d{1,9}(?:\.\d{1,9})?(?:[eE][-+]?\d{1,2})?", re.ASCII)
POINT = re.compile(rf"({NUMBER.pattern}),({NUMBER.pattern})", re.ASCII)
READS = ("describing", "transcribing", "supplementing")
SAYS = ("commenting", "replying")
NAMES = ("tagging", "classifying")
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"


@dataclass(frozen=True, slots=True)
class Said:
    """What the form says: words read, a comment, a class, a number with its unit; all as they stand in the fields."""

    text: str = ""
    comment: str = ""
    label: str = ""
    value: str = ""
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Drawn:
    """The shape as it stands in the fields."""

    x: str = ""
    y: str = ""
    w: str = ""
    h: str = ""
    corners: str = ""


LONGEST: Mapping[str, int] = {"text": LONGEST_TEXT, "comment": LONGEST_TEXT, "corners": LONGEST_SHAPE}


def said_in(form: Mapping[str, str]) -> Said:
    """Raises Invalid for what is too long, and for a number that is none or has no unit."""
    said = Said(**{one.name: _field(form, one.name) for one in fields(Said)})
    if said.value and (NUMBER.fullmatch(said.value) is None or not said.unit):
        raise Invalid("A number is written like 12.5, and needs a unit.", parameter="value")
    return said


def drawn_in(form: Mapping[str, str]) -> Drawn:
    """Raises Invalid for what is too long."""
    return Drawn(**{one.name: _field(form, one.name).strip() for one in fields(Drawn)})


def drawn_of(region: Region | None) -> Drawn:
    """The fields of a region: a box by its numbers, anything of corners by these as well."""
    if region is None:
        return Drawn()
    box = region.box
    x, y, w, h = (region_text.rounded(side) for side in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0))
    rings = region.rings or region.lines
    corners = "\n".join(" ".join(f"{region_text.rounded(x)},{region_text.rounded(y)}" for x, y in ring) for ring in rings)
    return Drawn(x, y, w, h, corners)


def selector_of(drawn: Drawn) -> dict[str, str] | None:
    """The selector that the fields say; None for all of the image. Raises Invalid."""
    if drawn.corners:
        rings = [_ring(line) for line in drawn.corners.splitlines() if line.strip()]
        path = " ".join("M" + " L".join(f"{x} {y}" for x, y in ring) + " Z" for ring in rings)
        svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path fill-rule="evenodd" d="{path}"/></svg>'
        return {"type": "SvgSelector", "value": svg}
    numbers = (drawn.x, drawn.y, drawn.w, drawn.h)
    if not any(numbers):
        return None
    if any(NUMBER.fullmatch(number) is None for number in numbers):
        raise Invalid("x, y, width and height are four numbers, in pixels of the image, or none of them.", parameter="x")
    return {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": f"xywh=pixel:{','.join(numbers)}"}


def said_of(document: Mapping[str, Any]) -> Said:
    """What the fields show of a document."""
    bodies = projections.stored_bodies(document)
    places = _places(bodies, validation.motivations(document))
    texts = {name: str(bodies[place]["value"]) for name, place in places.items() if name != "value" and place is not None}
    number = places["value"]
    if number is None:
        return Said(**texts)
    stated = bodies[number]
    return Said(**texts, value=str(stated["dwc:assertionValue"]), unit=str(stated.get("dwc:assertionUnit", "")))


def with_said(document: Mapping[str, Any], said: Said, kind: str = "") -> dict[str, Any]:
    """The document with the bodies that the fields say now; what they do not show stays. A text that describes a number goes with
    it, unless it was changed as well."""
    old, motivations = said_of(document), validation.motivations(document)
    bodies: list[Any] = list(projections.stored_bodies(document))
    places = _places(bodies, motivations)
    numbered, told = (said.value, said.unit) != (old.value, old.unit), places["text"]
    if numbered and said.text == old.text and told is not None and bodies[told].get("purpose") == "describing":
        said = replace(said, text=" ".join(filter(None, (kind, said.value, said.unit))))
    reads = {"purpose": "describing"} if motivations and "supplementing" not in motivations else {}
    made: dict[str, dict[str, Any]] = {
        "text": {"type": "TextualBody", "format": "text/plain", "value": said.text, **reads},
        "comment": {"type": "TextualBody", "format": "text/plain", "value": said.comment, "purpose": "commenting"},
        "label": {"type": "TextualBody", "value": said.label, "purpose": "tagging", "language": "en"},
    }
    for name, body in made.items():
        value, place = getattr(said, name), places[name]
        if value != getattr(old, name):
            kept = {**bodies[place], "value": value} if place is not None else body
            _put(bodies, place, kept if value else None)
    if numbered:
        number = {"id": uuid.uuid4().urn, "type": STATED, "dwc:assertionType": said.label or kind or "measurement"}
        number |= {"dwc:assertionValue": said.value, "dwc:assertionUnit": said.unit}
        _put(bodies, places["value"], number if said.value else None)
    motivation = document["motivation"] if motivations else _motivation(said)
    if said == old:
        return {**document, "motivation": motivation}
    kept = {name: value for name, value in document.items() if name != "bodyValue"}
    return {**kept, "motivation": motivation, "body": [body for body in bodies if body is not None]}


def reason_of(before: Said, after: Said) -> str:
    """The reason of the verdict that a correction goes with, where the words tell it; otherwise the shape was changed."""
    if before.label != after.label:
        return "wrong class"
    if (before.value, before.unit) != (after.value, after.unit):
        return "wrong value"
    return "wrong text" if before.text != after.text else "wrong place"


def _field(form: Mapping[str, str], name: str) -> str:
    text, longest = form.get(name, "").replace("\r\n", "\n"), LONGEST.get(name, LONGEST_WORD)
    if len(text) > longest or "\0" in text:
        raise Invalid(f"The field {name!r} is longer than {longest:,} characters, or holds a NUL.", parameter=name)
    return text


def _ring(line: str) -> Sequence[tuple[str, str]]:
    words = line.split()
    points = [POINT.fullmatch(word) for word in words]
    if len(words) < 3 or None in points:
        raise Invalid("Corners are written x,y x,y x,y, three or more in a line; a further line is a hole.", parameter="corners")
    return [(found[1], found[2]) for found in points if found is not None]


def _places(bodies: Sequence[Any], motivations: Sequence[str]) -> dict[str, int | None]:
    """Which body each field shows."""
    reads = "supplementing" in motivations

    def first(*purposes: str, bare: bool = False) -> int | None:
        for place, body in enumerate(bodies):
            if isinstance(body, Mapping) and isinstance(body.get("value"), str):
                purpose = body.get("purpose")
                if purpose in purposes or (bare and purpose is None):
                    return place
        return None

    numbers = (
        place
        for place, body in enumerate(bodies)
        if isinstance(body, Mapping) and STATED in several(body.get("type")) and "dwc:assertionValue" in body
    )
    return {
        "text": first(*READS, bare=reads),
        "comment": first(*SAYS, bare=not reads),
        "label": first(*NAMES),
        "value": next(numbers, None),
    }


def _put(bodies: list[Any], place: int | None, body: Any) -> None:
    if place is not None:
        bodies[place] = body
    elif body is not None:
        bodies.append(body)


def _motivation(said: Said) -> str:
    if said.text:
        return "supplementing"
    if said.comment:
        return "commenting"
    return "describing" if said.value else "tagging" if said.label else "highlighting"
