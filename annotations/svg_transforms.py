"""What transforms do, of SVG's attributes and of styles, as one matrix.

SVG 1.1, 7.6; CSS Transforms 1, 7 (transform-origin and transform-box), 8 (the attribute) and 12 (functions); of level 2 the
properties translate, rotate and scale.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from annotations.errors import BadSelector
from annotations.model import CanvasBox, Point
from annotations.svg_lengths import NUMBERS, PIXELS, Viewport, numbers_in
from annotations.svg_styles import Properties, Value

TRANSFORM = re.compile(r"([A-Za-z][A-Za-z0-9]*)\s*\(([^()]{0,500})\)", re.ASCII)
MEASURE = re.compile(rf"({NUMBERS.pattern})([a-zA-Z%]*)", re.ASCII)
ARGUMENTS = {
    **{"matrix": (6,), "translate": (1, 2), "scale": (1, 2), "rotate": (1, 3), "skewX": (1,), "skewY": (1,)},
    **{"translateX": (1,), "translateY": (1,), "scaleX": (1,), "scaleY": (1,), "skew": (1, 2)},
}
OF_ATTRIBUTES = ("matrix", "translate", "scale", "rotate", "skewX", "skewY")
DEGREES = {"": 1.0, "deg": 1.0, "grad": 0.9, "rad": 180 / math.pi, "turn": 360.0}
SIDES = {"left": (0, 0.0), "right": (0, 1.0), "top": (1, 0.0), "bottom": (1, 1.0)}  # axis and share
MAX_TRANSFORM = 2_000  # characters
Matrix = tuple[float, float, float, float, float, float]  # a, b, c, d, e, f as SVG writes them
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
Bounds = Callable[[], CanvasBox | None]


def applied(matrix: Matrix, point: Point) -> Point:
    if matrix == IDENTITY:
        return point
    a, b, c, d, e, f = matrix
    return (a * point[0] + c * point[1] + e, b * point[0] + d * point[1] + f)


def times(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


def moved(x: float, y: float) -> Matrix:
    return (1.0, 0.0, 0.0, 1.0, x, y)


def matrix_of(properties: Properties, viewport: Viewport, bounds: Bounds, *, is_root: bool = False) -> Matrix:
    """What the element's own transforms do to its contents, in the user space around it.

    `bounds` is the box of its contents, of which parts are meant with `transform-box: fill-box`. The outermost svg is a box
    of the page, whose origin is its middle. Raises BadSelector.
    """
    box = _reference(properties, viewport, bounds)
    matrix = IDENTITY
    for name in ("translate", "rotate", "scale", "transform"):
        if name in properties:
            matrix = times(matrix, _property(name, properties[name], box))
    if matrix == IDENTITY:
        return matrix
    x, y = _origin(properties.get("transform-origin", Value("50% 50%" if is_root else "0 0")), box)
    return times(moved(x, y), times(matrix, moved(-x, -y)))


@dataclass(frozen=True, slots=True)
class _Reference:
    """The box that origins and parts refer to: its left upper corner, and its width and height where they are known."""

    corner: Point
    extent: tuple[float | None, float | None]


def _reference(properties: Properties, viewport: Viewport, bounds: Bounds) -> _Reference:
    kind = properties.get("transform-box", Value("view-box")).text
    if kind == "view-box":
        return _Reference((0.0, 0.0), (viewport.width, viewport.height))
    if kind not in ("fill-box", "content-box"):
        raise BadSelector(f"The transform-box {kind[:40]!r} cannot be read.", parameter="selector")
    box = bounds() or CanvasBox(0.0, 0.0, 0.0, 0.0)
    return _Reference((box.x0, box.y0), (box.x1 - box.x0, box.y1 - box.y0))


def _property(name: str, value: Value, box: _Reference) -> Matrix:
    if value.text.strip() in ("", "none"):
        return IDENTITY
    if name == "transform":
        return _transform(value, box)
    parts = value.text.split()
    if name == "scale" and all(part.endswith("%") for part in parts):
        parts = [f"{_measured(part, 1.0, value):.17g}" for part in parts]
    if name == "rotate" and len(parts) > 1:
        raise _unread(value)
    return _function(name, parts, value, box)


def _transform(value: Value, box: _Reference) -> Matrix:
    text = value.text
    if len(text) > MAX_TRANSFORM or TRANSFORM.sub("", text).strip(" ,\t\r\n"):
        raise _unread(value)
    matrix = IDENTITY
    for name, inner in TRANSFORM.findall(text):
        if name not in (ARGUMENTS if value.is_css else OF_ATTRIBUTES):
            raise _unread(value)
        if value.is_css:
            parts = [part.strip() for part in inner.split(",")]
        else:
            parts = [f"{number:.17g}" for number in numbers_in(inner, "A transform")]
        matrix = times(matrix, _function(name, parts, value, box))
    return matrix


def _function(name: str, parts: Sequence[str], value: Value, box: _Reference) -> Matrix:
    """Raises BadSelector for a number of arguments that it does not take."""
    if len(parts) not in ARGUMENTS[name] or (value.is_css and name == "rotate" and len(parts) == 3):
        raise BadSelector(f"The transform {name} has {len(parts)} numbers.", parameter="selector")
    if name.startswith("translate"):
        return _translated(name, parts, value, box)
    if name.startswith(("rotate", "skew")):
        return _turned(name, parts, value)
    numbers = [_measured(part, None, value) for part in parts]
    if name == "matrix":
        return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    across = 1.0 if name == "scaleY" else numbers[0]
    down = 1.0 if name == "scaleX" else numbers[-1]
    return (across, 0.0, 0.0, down, 0.0, 0.0)


def _translated(name: str, parts: Sequence[str], value: Value, box: _Reference) -> Matrix:
    axes = {"translateX": (0,), "translateY": (1,)}.get(name, (0, 1))
    by = [0.0, 0.0]
    for axis, part in zip(axes, parts, strict=False):
        by[axis] = _length(part, box.extent[axis], value)
    return moved(by[0], by[1])


def _turned(name: str, parts: Sequence[str], value: Value) -> Matrix:
    angles = [math.radians(_angle(part, value) % 360) for part in parts[: 1 if name == "rotate" else 2]]
    if name == "rotate":
        cos, sin = math.cos(angles[0]), math.sin(angles[0])
        x, y = (float(parts[1]), float(parts[2])) if len(parts) == 3 else (0.0, 0.0)
        return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)
    across = 0.0 if name == "skewY" else math.tan(angles[0])
    down = math.tan(angles[-1]) if name == "skewY" or len(angles) == 2 else 0.0
    return (1.0, down, across, 1.0, 0.0, 0.0)


def _origin(value: Value, box: _Reference) -> Point:
    """The point that stays, in user units. Raises BadSelector."""
    words = value.text.split()[:2]  # the third is a depth
    if len(words) == 1:
        words = ["center", words[0]] if words[0] in ("top", "bottom") else [words[0], "center"]
    if len(words) != 2:
        raise _unread(value)
    if words[0] in ("top", "bottom") or words[1] in ("left", "right"):
        words.reverse()
    found = []
    for axis, word in enumerate(words):
        side, share = SIDES.get(word, (axis, 0.5 if word == "center" else None))
        if side != axis:
            raise _unread(value)
        part = word if share is None else f"{share * 100:g}%"
        found.append(box.corner[axis] + _length(part, box.extent[axis], value))
    return found[0], found[1]


def _length(text: str, whole: float | None, value: Value) -> float:
    match = MEASURE.fullmatch(text)
    if match is None or (match[2] == "%" and whole is None):
        raise _unread(value)
    if match[2] == "%" and whole is not None:
        return float(match[1]) * whole / 100
    number = float(match[1])
    if match[2].lower() not in PIXELS or (value.is_css and not match[2] and number):
        raise _unread(value)
    return number * PIXELS[match[2].lower()]


def _angle(text: str, value: Value) -> float:
    """In degrees."""
    match = MEASURE.fullmatch(text)
    if match is None or match[2].lower() not in DEGREES or (value.is_css and not match[2] and float(match[1])):
        raise _unread(value)
    return float(match[1]) * DEGREES[match[2].lower()]


def _measured(text: str, whole: float | None, value: Value) -> float:
    """A number, or one in per cent where that is a part of `whole`."""
    match = MEASURE.fullmatch(text)
    if match is None or match[2] not in ("", "%" if whole is not None else ""):
        raise _unread(value)
    return float(match[1]) * (whole or 0.0) / 100 if match[2] else float(match[1])


def _unread(value: Value) -> BadSelector:
    return BadSelector(f"The transform {value.text[:40]!r} cannot be read.", parameter="selector")
