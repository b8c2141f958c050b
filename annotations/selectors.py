"""Selectors: what clients send as FragmentSelector or SvgSelector, as shapes in canvas units, and back to what viewers draw.

Frame: canvas units, which are pixels of the upright image; x rightwards, y downwards, origin at the upper left corner.
Only this module converts. Web Annotation Data Model, sections 4.2.1 and 4.2.7; Media Fragments 1.0, section 4.2.2.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.errors import AnnotationTooBig, BadSelector, SelectorOutsideCanvas
from annotations.model import CanvasBox
from annotations.svg import Ring, read_svg

MAX_SELECTORS = 10
EDGE = 1e-6  # rounding of binary fractions, in canvas units
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
XYWH = re.compile(rf"xywh=(?:(pixel|percent):)?({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of the canvas that a selector is read against, in canvas units."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a canvas: its box, and its rings if more than a box was said. Rings are closed without repeating the first
    point; where several overlap, the even-odd rule tells holes."""

    box: CanvasBox
    rings: tuple[Ring, ...] = ()


def read_fragment(value: str, canvas: Canvas) -> Region:
    """The box of `xywh=x,y,w,h`, with `pixel:` (also meant without it) or `percent:`. Raises BadSelector."""
    match = XYWH.fullmatch(value.strip()) if len(value) <= 200 else None
    if match is None:
        raise BadSelector(
            f"A fragment must read xywh=x,y,w,h, xywh=pixel:… or xywh=percent:…, not {value[:60]!r}.",
            parameter="selector",
            spec="Media Fragments 1.0, 4.2.2",
        )
    x, y, width, height = (float(match[index]) for index in range(2, 6))
    if match[1] == "percent":
        x, width = x * canvas.width / 100, width * canvas.width / 100
        y, height = y * canvas.height / 100, height * canvas.height / 100
    if not (width > 0 and height > 0) or not all(map(math.isfinite, (x, y, width, height))):
        raise BadSelector("A region needs a width and a height above 0.", parameter="selector")
    return Region(CanvasBox(x, y, x + width, y + height))


def read_shape(svg: str) -> Region:
    """The rings of an SvgSelector and their box. Raises BadSelector, AnnotationTooBig."""
    rings = read_svg(svg)
    box = bounds(rings)
    if not (box.x1 > box.x0 and box.y1 > box.y0):
        raise BadSelector("A shape needs an extent in both directions.", parameter="selector")
    return Region(box, rings)


def read(selector: Any, canvas: Canvas) -> Region | None:
    """The region of a `selector` member (one, or several that are alternatives for the same content); None for null or none.

    The box is that of the FragmentSelector where there is one, the rings those of the SvgSelector.
    Raises BadSelector, AnnotationTooBig; it does not ask whether the region lies within the canvas.
    """
    several = selector if isinstance(selector, list) else [] if selector is None else [selector]
    if len(several) > MAX_SELECTORS:
        raise AnnotationTooBig(f"A target may have up to {MAX_SELECTORS} selectors.", parameter="selector")
    boxes: list[CanvasBox] = []
    rings: tuple[Ring, ...] = ()
    for one in several:
        region = _read_one(one, canvas)
        if region.rings:
            rings = rings or region.rings
            boxes.append(region.box)
        else:
            boxes.insert(0, region.box)
    return Region(boxes[0], rings) if boxes else None


def _read_one(selector: Any, canvas: Canvas) -> Region:
    if not isinstance(selector, Mapping):
        raise BadSelector(
            "A selector must be an object with a type.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    types = selector.get("type")
    name = types[0] if isinstance(types, list) and len(types) == 1 else types
    value = selector.get("value")
    if name not in ("FragmentSelector", "SvgSelector"):
        raise BadSelector(
            f"On an image a selector is a FragmentSelector or an SvgSelector, not {str(name)[:40]!r}.", parameter="selector"
        )
    if "refinedBy" in selector:
        raise BadSelector("A region of an image cannot be refined by another selector here.", parameter="refinedBy")
    if not isinstance(value, str):
        raise BadSelector(
            f"A {name} needs a value that is a string.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    return read_fragment(value, canvas) if name == "FragmentSelector" else read_shape(value)


def check_within(region: Region, canvas: Canvas) -> None:
    """Raises SelectorOutsideCanvas if any part of it, box or ring, lies beyond the edge."""
    for box in (region.box, bounds(region.rings)) if region.rings else (region.box,):
        if box.x0 < -EDGE or box.y0 < -EDGE or box.x1 > canvas.width + EDGE or box.y1 > canvas.height + EDGE:
            said = ", ".join(f"{number:g}" for number in (box.x0, box.y0, box.x1, box.y1))
            raise SelectorOutsideCanvas(
                f"The region ({said}) reaches past the canvas of {canvas.width} by {canvas.height}.", parameter="selector"
            )


def bounds(rings: Sequence[Ring]) -> CanvasBox:
    """The box around all rings, of which there is at least one."""
    xs = [x for ring in rings for x, _ in ring]
    ys = [y for ring in rings for _, y in ring]
    return CanvasBox(min(xs), min(ys), max(xs), max(ys))


def xywh(box: CanvasBox) -> str:
    """`x,y,w,h` in whole canvas units that hold the box: left and top rounded down, right and bottom up."""
    left, top = max(0, math.floor(box.x0 + EDGE)), max(0, math.floor(box.y0 + EDGE))
    return f"{left},{top},{math.ceil(box.x1 - EDGE) - left},{math.ceil(box.y1 - EDGE) - top}"


def path(rings: Sequence[Ring]) -> str:
    """Absolute SVG path data, `M…L…Z` for each ring."""
    return " ".join("M" + " L".join(f"{_short(x)},{_short(y)}" for x, y in ring) + " Z" for ring in rings)


def viewer_selectors(region: Region) -> list[dict[str, str]]:
    """The normalised viewer form: a FragmentSelector of whole units, and the shape as one absolute path if there is one."""
    selectors = [
        {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": f"xywh={xywh(region.box)}"},
    ]
    if region.rings:
        value = f'<svg xmlns="http://www.w3.org/2000/svg"><path d="{path(region.rings)}"/></svg>'
        selectors.append({"type": "SvgSelector", "value": value})
    return selectors


def drawing_selector(region: Region) -> dict[str, str]:
    """The one selector that Annotorious reads: a polygon where the shape is one ring, a path where it has more, or a box."""
    if len(region.rings) == 1:
        points = " ".join(f"{_short(x)},{_short(y)}" for x, y in region.rings[0])
        return {"type": "SvgSelector", "value": f'<svg xmlns="http://www.w3.org/2000/svg"><polygon points="{points}"/></svg>'}
    if region.rings:
        return viewer_selectors(region)[1]
    box = region.box
    value = ",".join(_short(number) for number in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0))
    return {"type": "FragmentSelector", "conformsTo": "http://www.w3.org/TR/media-frags/", "value": f"xywh=pixel:{value}"}


def same_place(one: Region, other: Region) -> bool:
    """Whether a drawing client that rounds to whole units would show both alike; a client that drops the rings counts too."""
    pairs = ((one.box.x0, other.box.x0), (one.box.y0, other.box.y0), (one.box.x1, other.box.x1), (one.box.y1, other.box.y1))
    if any(abs(a - b) > 1 for a, b in pairs):
        return False
    if not one.rings or not other.rings:
        return True
    if [len(ring) for ring in one.rings] != [len(ring) for ring in other.rings]:
        return False
    points = (
        (first, second)
        for ring, twin in zip(one.rings, other.rings, strict=True)
        for first, second in zip(ring, twin, strict=True)
    )
    return all(abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1 for a, b in points)


def _short(number: float) -> str:
    """At most three decimals, no trailing zeros, no minus before zero, never an exponent."""
    text = f"{number:.3f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
