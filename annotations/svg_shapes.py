"""The shapes of SVG as straight pieces, in their own user space (SVG 1.1, 9; SVG 2, 10; path data are in `svg_paths`)."""

import math
import re
from collections.abc import Callable

from annotations.errors import BadSelector
from annotations.model import Point
from annotations.regions import opened
from annotations.svg_lengths import Viewport, length, numbers_in
from annotations.svg_paths import PIECES, subpaths
from annotations.svg_styles import Properties, Value
from annotations.svg_tree import Element

Subpath = tuple[list[Point], bool]  # its points and whether it is closed
OF_PATH = re.compile(r"path\s*\(\s*(?:\w+\s*,\s*)?[\"']([^\"']*)[\"']\s*\)", re.ASCII)


def shape(element: Element, properties: Properties, viewport: Viewport) -> list[Subpath]:
    """Its paths; none for what has no extent and is not drawn. Raises BadSelector, AnnotationTooBig."""
    if element.name not in SHAPES:
        raise BadSelector(
            f"An SvgSelector holds polygon, polyline, line, path, rect, circle or ellipse, not {element.name[:40]!r}.",
            parameter="selector",
        )
    paths = SHAPES[element.name](element, properties, viewport)
    usable = [(points, closed) for points, closed in paths if not closed or len(opened(points)) >= 3]
    if paths and not usable:  # a part of a path that has no area is not drawn, and no reason to refuse the others
        raise BadSelector("A closed shape needs at least three points.", parameter="selector")
    if any(len(points) < 2 or len(set(points)) < 2 for points, closed in paths if not closed):
        raise BadSelector("A line needs at least two points.", parameter="selector")
    return usable


def _line_or_ring(points: list[Point], element: Element) -> Subpath:
    """A line if it says so (`region_text.LINE`) or does not end where it began; else a ring."""
    return points, element.attributes.get("data-kind") != "line" and len(points) > 3 and points[0] == points[-1]


def _polygon(element: Element, _: Properties, __: Viewport) -> list[Subpath]:
    return [(_pairs(element), True)]


def _polyline(element: Element, _: Properties, __: Viewport) -> list[Subpath]:
    return [_line_or_ring(_pairs(element), element)]


def _line(element: Element, _: Properties, viewport: Viewport) -> list[Subpath]:
    said = {name: Value(text) for name, text in element.attributes.items()}
    x1, x2 = (length(said, name, viewport.width, 0.0) for name in ("x1", "x2"))
    y1, y2 = (length(said, name, viewport.height, 0.0) for name in ("y1", "y2"))
    return [([(x1, y1), (x2, y2)], False)]


def _pairs(element: Element) -> list[Point]:
    numbers = numbers_in(element.attributes.get("points", ""), "points")
    if len(numbers) % 2:
        raise BadSelector("The points of a polygon or polyline must be pairs of numbers.", parameter="selector")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _rect(_: Element, properties: Properties, viewport: Viewport) -> list[Subpath]:
    x, y = length(properties, "x", viewport.width, 0.0), length(properties, "y", viewport.height, 0.0)
    width = _extent(properties, "width", viewport.width)
    height = _extent(properties, "height", viewport.height)
    if not width or not height:
        return []
    rx, ry = _radii(properties, viewport)
    rx, ry = min(rx, width / 2), min(ry, height / 2)
    right, bottom = x + width, y + height
    if not rx or not ry:
        return [([(x, y), (right, y), (right, bottom), (x, bottom)], True)]
    corners = ((right - rx, y + ry, 3), (right - rx, bottom - ry, 0), (x + rx, bottom - ry, 1), (x + rx, y + ry, 2))
    return [([point for cx, cy, quarter in corners for point in _quarter(cx, cy, rx, ry, quarter)], True)]


def _quarter(cx: float, cy: float, rx: float, ry: float, quarter: int) -> list[Point]:
    """Points of that quarter of an ellipse, both ends included; 0 is the one to the right and below."""
    angles = (math.pi / 2 * (quarter + step / PIECES) for step in range(PIECES + 1))
    return [(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]


def _circle(_: Element, properties: Properties, viewport: Viewport) -> list[Subpath]:
    radius = _extent(properties, "r", viewport.diagonal)
    return _round(properties, viewport, radius, radius)


def _ellipse(_: Element, properties: Properties, viewport: Viewport) -> list[Subpath]:
    return _round(properties, viewport, *_radii(properties, viewport))


def _round(properties: Properties, viewport: Viewport, rx: float, ry: float) -> list[Subpath]:
    cx, cy = length(properties, "cx", viewport.width, 0.0), length(properties, "cy", viewport.height, 0.0)
    if not rx or not ry:
        return []
    angles = (2 * math.pi * step / (4 * PIECES) for step in range(4 * PIECES))
    return [([(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles], True)]


def _radii(properties: Properties, viewport: Viewport) -> tuple[float, float]:
    """rx and ry; of one that is not given, or `auto`, the other counts."""
    said = [name for name in ("rx", "ry") if properties.get(name, Value("auto")).text.strip() not in ("", "auto")]
    found = {name: _extent(properties, name, viewport.width if name == "rx" else viewport.height) for name in said}
    return found.get("rx", found.get("ry", 0.0)), found.get("ry", found.get("rx", 0.0))


def _extent(properties: Properties, name: str, whole: float | None) -> float:
    """A width, height or radius; 0 where none is given. Raises BadSelector for one below 0."""
    found = length(properties, name, whole, 0.0)
    if found < 0:
        raise BadSelector(f"The {name} of a shape may not be below 0.", parameter="selector")
    return found


def _path(element: Element, properties: Properties, _: Viewport) -> list[Subpath]:
    """Every subpath: a ring where it is closed (Z) or ends where it began, else a line."""
    data = properties.get("d", Value(""))
    text = "" if data.text == "none" else data.text
    if data.is_css and text:
        match = OF_PATH.fullmatch(text)
        if match is None:
            raise BadSelector("The d of a style must be a path() that can be read.", parameter="selector")
        text = match[1]
    return [(points, True) if closed else _line_or_ring(points, element) for points, closed in subpaths(text)]


SHAPES: dict[str, Callable[[Element, Properties, Viewport], list[Subpath]]] = {
    "polygon": _polygon,
    "polyline": _polyline,
    "line": _line,
    "rect": _rect,
    "circle": _circle,
    "ellipse": _ellipse,
    "path": _path,
}
