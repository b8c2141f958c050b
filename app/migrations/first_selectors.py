"""The box of a target's selector, frozen as the first release read it: for migration 0009 alone.

A migration must do tomorrow what it does today, so it reads no code that goes on changing. Frame: canvas units, which are
pixels of the upright image; x rightwards, y downwards. Web Annotation Data Model, 4.2.1 and 4.2.7; Media Fragments 1.0, 4.2.2.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from app.migrations.first_svg import read_svg

MAX_SELECTORS = 10
NUMBER = r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?"
XYWH = re.compile(rf"xywh=(?:(pixel|percent):)?({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})", re.ASCII)
Box = tuple[float, float, float, float]  # x0, y0, x1, y1


def box_of_selector(selector: Any, width: int, height: int) -> Box | None:
    """The box of a `selector` member, on a canvas of that size; that of a fragment goes before that of a shape.

    None where it says nothing. Raises ValueError where it cannot be read.
    """
    several = selector if isinstance(selector, list) else [] if selector is None else [selector]
    if len(several) > MAX_SELECTORS:
        raise ValueError("too many selectors")
    boxes: list[Box] = []
    for one in several:
        name, value = _said(one)
        if name == "FragmentSelector":
            boxes.insert(0, box_of_fragment(value, width, height))
        else:
            boxes.append(_box_of_shape(value))
    return boxes[0] if boxes else None


def box_of_fragment(value: str, width: int, height: int) -> Box:
    """The box of `xywh=x,y,w,h`, with `pixel:` (also meant without it) or `percent:`. Raises ValueError."""
    match = XYWH.fullmatch(value.strip()) if len(value) <= 200 else None
    if match is None:
        raise ValueError("no fragment")
    x, y, wide, high = (float(match[index]) for index in range(2, 6))
    if match[1] == "percent":
        x, wide, y, high = x * width / 100, wide * width / 100, y * height / 100, high * height / 100
    if not (wide > 0 and high > 0) or not all(map(math.isfinite, (x, y, wide, high))):
        raise ValueError("no extent")
    return x, y, x + wide, y + high


def _said(selector: Any) -> tuple[str, str]:
    """Type and value."""
    if not isinstance(selector, Mapping) or "refinedBy" in selector:
        raise ValueError("no selector")
    types = selector.get("type")
    name = types[0] if isinstance(types, list) and len(types) == 1 else types
    value = selector.get("value")
    if name not in ("FragmentSelector", "SvgSelector") or not isinstance(value, str):
        raise ValueError("no selector of a region")
    return str(name), value


def _box_of_shape(svg: str) -> Box:
    points = [point for ring in read_svg(svg) for point in ring]
    xs, ys = [x for x, _ in points], [y for _, y in points]
    if not (max(xs) > min(xs) and max(ys) > min(ys)):
        raise ValueError("no extent")
    return min(xs), min(ys), max(xs), max(ys)
