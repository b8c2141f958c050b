"""Where an SVG puts its shapes: lengths, transforms, and the viewports of svg elements, as one matrix to canvas units.

The outermost viewport is the whole canvas, whatever size it says: "the dimensions of the SVG shape or canvas must be relative to
the dimensions of the source" (Web Annotation Data Model, 4.2.7). SVG 1.1, sections 7.6 (transform), 7.7 and 7.9 (viewBox),
7.8 (preserveAspectRatio) and 7.10 (units).
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from annotations.errors import BadSelector
from annotations.model import Point

NUMBERS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
LENGTH = re.compile(rf"({NUMBERS.pattern})(px|pt|pc|mm|cm|in|%)?", re.ASCII)
TRANSFORM = re.compile(r"(matrix|translate|scale|rotate|skewX|skewY)\s*\(([^()]{0,500})\)", re.ASCII)
ALIGNED = re.compile(r"(?:defer\s+)?(?:none|x(Min|Mid|Max)Y(Min|Mid|Max))(?:\s+(meet|slice))?", re.ASCII)
PIXELS = {"": 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}
SHARES = {"Min": 0.0, "Mid": 0.5, "Max": 1.0}
ARGUMENTS = {"matrix": (6,), "translate": (1, 2), "scale": (1, 2), "rotate": (1, 3), "skewX": (1,), "skewY": (1,)}
MAX_COORDINATE = 10_000_000.0  # canvas units
MAX_TRANSFORM = 2_000  # characters
Matrix = tuple[float, float, float, float, float, float]  # a, b, c, d, e, f as SVG writes them
IDENTITY: Matrix = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
Attributes = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class UserSpace:
    """The user coordinates of an element: the matrix to canvas units, and the size of the viewport in user units, of which
    lengths in per cent are parts (None where nothing says it)."""

    matrix: Matrix = IDENTITY
    width: float | None = None
    height: float | None = None

    def over(self, point: Point) -> Point:
        if self.matrix == IDENTITY:
            return point
        a, b, c, d, e, f = self.matrix
        return (a * point[0] + c * point[1] + e, b * point[0] + d * point[1] + f)

    def within(self, attributes: Attributes) -> "UserSpace":
        """That of an element with these attributes, which may hold a `transform`. Raises BadSelector."""
        if "transform" not in attributes:
            return self
        return replace(self, matrix=_times(self.matrix, _transform(attributes["transform"])))

    def outermost(self, attributes: Attributes) -> "UserSpace":
        """That of the contents of the outermost svg element; this is the one of the canvas. Raises BadSelector."""
        box = _view_box(attributes)
        width, height = (self._said(attributes, name, whole) for name, whole in (("width", self.width), ("height", self.height)))
        if self.width is None or self.height is None:
            return self.within(attributes)
        ratio = box[3] / box[2] if box else self.height / self.width
        width, height = width or (height / ratio if height else None), height or (width * ratio if width else None)
        if width is None or height is None:
            width, height = self.width, self.height
        viewport = UserSpace((self.width / width, 0.0, 0.0, self.height / height, 0.0, 0.0), width, height)
        return viewport._viewed(box, attributes).within(attributes)

    def nested(self, attributes: Attributes) -> "UserSpace":
        """That of the contents of an svg element in this one. Raises BadSelector."""
        x, y = length(attributes, "x", self.width, 0.0), length(attributes, "y", self.height, 0.0)
        width = self._said(attributes, "width", self.width) or self.width
        height = self._said(attributes, "height", self.height) or self.height
        moved = UserSpace(_times(self.within(attributes).matrix, (1.0, 0.0, 0.0, 1.0, x, y)), width, height)
        return moved._viewed(_view_box(attributes), attributes)

    def _said(self, attributes: Attributes, name: str, whole: float | None) -> float | None:
        """A width or height above 0; None for none, `auto` and what the whole would be."""
        if attributes.get(name, "auto").strip() in ("auto", "100%", ""):
            return None
        found = length(attributes, name, whole)
        if not 0 < found < math.inf:
            raise BadSelector(f"The {name} of an svg element must be above 0.", parameter="selector")
        return found

    def _viewed(self, box: tuple[float, float, float, float] | None, attributes: Attributes) -> "UserSpace":
        """That of a viewBox in this viewport."""
        if box is None:
            return self
        if self.width is None or self.height is None:
            raise BadSelector("A viewBox needs a viewport with a size.", parameter="selector")
        sx, sy = self.width / box[2], self.height / box[3]
        aligned = ALIGNED.fullmatch(attributes.get("preserveAspectRatio", "xMidYMid meet").strip())
        if aligned is None:
            raise BadSelector("preserveAspectRatio cannot be read.", parameter="selector")
        x = y = 0.0
        if aligned[1]:
            sx = sy = (max if aligned[3] == "slice" else min)(sx, sy)
            x = (self.width - box[2] * sx) * SHARES[aligned[1]]
            y = (self.height - box[3] * sy) * SHARES[aligned[2]]
        matrix = _times(self.matrix, (sx, 0.0, 0.0, sy, x - box[0] * sx, y - box[1] * sy))
        return UserSpace(matrix, box[2], box[3])


def length(attributes: Attributes, name: str, whole: float | None, default: float | None = None) -> float:
    """A length in user units; a part of `whole` where it is in per cent. Raises BadSelector."""
    text = attributes.get(name, "").strip()
    if not text and default is not None:
        return default
    match = LENGTH.fullmatch(text)
    if match is None or (match[2] == "%" and whole is None):
        raise BadSelector(f"The SVG needs a number for {name}, not {text[:40]!r}.", parameter="selector")
    if match[2] == "%" and whole is not None:
        return float(match[1]) * whole / 100
    return float(match[1]) * PIXELS[match[2] or ""]


def _view_box(attributes: Attributes) -> tuple[float, float, float, float] | None:
    if "viewBox" not in attributes:
        return None
    numbers = _numbers(attributes["viewBox"], "The viewBox")
    if len(numbers) != 4 or not (0 < numbers[2] < math.inf and 0 < numbers[3] < math.inf):
        raise BadSelector("A viewBox is four numbers, the last two above 0.", parameter="selector")
    return numbers[0], numbers[1], numbers[2], numbers[3]


def _numbers(text: str, what: str) -> list[float]:
    if NUMBERS.sub("", text).strip(" ,\t\r\n"):
        raise BadSelector(f"{what} holds something that is no number.", parameter="selector")
    return [float(found) for found in NUMBERS.findall(text)]


def _transform(text: str) -> Matrix:
    if len(text) > MAX_TRANSFORM or TRANSFORM.sub("", text).strip(" ,\t\r\n"):
        raise BadSelector(f"The transform {text[:40]!r} cannot be read.", parameter="selector")
    matrix = IDENTITY
    for name, said in TRANSFORM.findall(text):
        numbers = _numbers(said, "A transform")
        if len(numbers) not in ARGUMENTS[name]:
            raise BadSelector(f"The transform {name} has {len(numbers)} numbers.", parameter="selector")
        matrix = _times(matrix, _single(name, numbers))
    return matrix


def _single(name: str, numbers: list[float]) -> Matrix:
    first, last = numbers[0], numbers[-1]
    if name == "matrix":
        return (numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5])
    if name == "translate":
        return (1.0, 0.0, 0.0, 1.0, first, last if len(numbers) == 2 else 0.0)
    if name == "scale":
        return (first, 0.0, 0.0, last, 0.0, 0.0)
    angle = math.radians(first % 360)
    if name == "skewX":
        return (1.0, 0.0, math.tan(angle), 1.0, 0.0, 0.0)
    if name == "skewY":
        return (1.0, math.tan(angle), 0.0, 1.0, 0.0, 0.0)
    cos, sin = math.cos(angle), math.sin(angle)
    x, y = (numbers[1], numbers[2]) if len(numbers) == 3 else (0.0, 0.0)
    return (cos, sin, -sin, cos, x - cos * x + sin * y, y - sin * x - cos * y)


def _times(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)
