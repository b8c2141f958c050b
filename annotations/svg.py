"""The SVG of a selector, from anyone, as rings and lines: bounded, without entities, and only the shapes that mark a region.

Curves become straight pieces. What is closed is a ring; a line, a polyline and an open subpath are lines, unless they end
where they began. SVG 1.1, sections 8.3 (path data) and 9 (basic shapes).
"""

import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from xml.parsers import expat  # entities cannot be declared: a document type is refused where it begins

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.model import Line, Point, Ring
from annotations.regions import opened
from annotations.svg_frames import MAX_COORDINATE, NUMBERS, UserSpace, length

MAX_SVG_CHARACTERS = 250_000
MAX_POINTS = 20_000
MAX_ELEMENTS = 200
PIECES = 16  # straight pieces of a curve; 64 of a whole circle
TOKENS = re.compile(r"[MmLlHhVvCcSsQqTtAaZz]|" + NUMBERS.pattern, re.ASCII)
GROUPS = frozenset({"g", "a", "switch"})
# What browsers do not draw as a shape of the picture, with all in it.
IGNORED = frozenset(
    {
        "title",
        "desc",
        "metadata",
        "defs",
        "style",
        "symbol",
        "marker",
        "clipPath",
        "mask",
        "pattern",
        "filter",
        "linearGradient",
        "radialGradient",
        "text",
        "tspan",
        "textPath",
        "view",
        "animate",
        "animateColor",
        "animateMotion",
        "animateTransform",
        "set",
        "mpath",
        "cursor",
        "font",
    }
)
HIDDEN = re.compile(r"(?:^|;)\s*display\s*:\s*none", re.IGNORECASE)
STYLED = re.compile(r"(?:^|[;{])\s*(?:transform|translate|rotate|scale|d|zoom)\s*:", re.IGNORECASE)
Path = tuple[list[Point], bool]  # its points and whether it is closed
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}


@dataclass(frozen=True, slots=True)
class Drawing:
    """Rings of three points or more and lines of two or more; at least one of either."""

    rings: tuple[Ring, ...]
    lines: tuple[Line, ...]


def read_svg(text: str, size: tuple[float, float] | None = None) -> Drawing:
    """Every shape in it, in units of the canvas, of which `size` is width and height (without it one that the svg does not
    scale to). Raises BadSelector, AnnotationTooBig."""
    if len(text) > MAX_SVG_CHARACTERS:
        raise AnnotationTooBig(f"An SvgSelector may have up to {MAX_SVG_CHARACTERS:,} characters.", parameter="selector")
    reader = _Reader(UserSpace(width=size[0], height=size[1]) if size else UserSpace())
    reader.read(text)
    paths = reader.paths
    if not paths:
        raise BadSelector("The SVG holds no polygon, polyline, line, path, rect, circle or ellipse.", parameter="selector")
    if not all(abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE for points, _ in paths for x, y in points):
        raise BadSelector("The SVG holds a coordinate that is not a usable number.", parameter="selector")
    return Drawing(
        tuple(opened(points) for points, closed in paths if closed),
        tuple(tuple(points) for points, closed in paths if not closed),
    )


class _Reader:
    """Goes through the elements, and keeps the paths of those that are drawn."""

    def __init__(self, canvas: UserSpace) -> None:
        self.paths: list[Path] = []
        self.spaces = [canvas]
        self.skipped = 0  # elements that are open and not drawn
        self.seen = self.points = 0
        self.prefixes = {"", "svg"}

    def read(self, text: str) -> None:
        parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.StartDoctypeDeclHandler = _refuse_doctype
        try:
            parser.Parse(text.encode(), True)
        except (expat.ExpatError, UnicodeEncodeError) as error:
            raise BadSelector(f"The SVG cannot be read: {error}.", parameter="selector") from error

    def _start(self, qualified: str, attributes: dict[str, str]) -> None:
        prefix, _, name = qualified.rpartition(":")
        if not self.seen and name != "svg":
            raise BadSelector("The value of an SvgSelector must be an svg element.", parameter="selector")
        self.prefixes |= set() if self.seen else {prefix}
        self.seen += 1
        if self.seen > MAX_ELEMENTS:
            raise AnnotationTooBig(f"An SvgSelector may have up to {MAX_ELEMENTS} elements.", parameter="selector")
        _refuse_scripts(name, attributes)
        style = attributes.get("style", "")
        undrawn = name in IGNORED or prefix not in self.prefixes or HIDDEN.search(style) or attributes.get("display") == "none"
        if self.skipped or undrawn:
            self.skipped += 1
            return
        if STYLED.search(style):
            raise BadSelector("A shape that its style moves cannot be read: use the attribute transform.", parameter="selector")
        space = self.spaces[-1]
        if name == "svg":
            self.spaces.append(space.outermost(attributes) if self.seen == 1 else space.nested(attributes))
            return
        self.spaces.append(space.within(attributes))
        if name not in GROUPS:
            self._keep(_shape(name, attributes, self.spaces[-1]))

    def _end(self, _: str) -> None:
        if self.skipped:
            self.skipped -= 1
        else:
            self.spaces.pop()

    def _keep(self, paths: list[Path]) -> None:
        self.points += sum(len(points) for points, _ in paths)
        if self.points > MAX_POINTS:
            raise AnnotationTooBig(f"A shape may have up to {MAX_POINTS:,} points.", parameter="selector")
        over = self.spaces[-1].over
        self.paths += [([over(point) for point in points], closed) for points, closed in paths]


def _refuse_doctype(*_: object) -> None:
    raise BadSelector("An SvgSelector may not declare a document type.", parameter="selector")


def _refuse_scripts(name: str, attributes: dict[str, str]) -> None:
    runs = any(
        key.lower().startswith("on") or value.lstrip("\t\n\r ").lower().startswith("javascript:")
        for key, value in attributes.items()
    )
    if runs or name.lower() == "script":
        raise BadSelector("An SvgSelector may not hold scripts, nor attributes that run them.", parameter="selector")


def _shape(name: str, attributes: dict[str, str], space: UserSpace) -> list[Path]:
    if name not in SHAPES:
        raise BadSelector(
            f"An SvgSelector holds polygon, polyline, line, path, rect, circle or ellipse, not {name[:40]!r}.",
            parameter="selector",
        )
    paths = SHAPES[name](attributes, space)
    if any(len(opened(points)) < 3 for points, closed in paths if closed):
        raise BadSelector("A closed shape needs at least three points.", parameter="selector")
    if any(len(points) < 2 or len(set(points)) < 2 for points, closed in paths if not closed):
        raise BadSelector("A line needs at least two points.", parameter="selector")
    return paths


def _line_or_ring(points: list[Point], attributes: dict[str, str]) -> Path:
    """A line if the path says so (`region_text.LINE`) or does not end where it began; else a ring."""
    return points, attributes.get("data-kind") != "line" and len(points) > 3 and points[0] == points[-1]


def _polygon(attributes: dict[str, str], _: UserSpace) -> list[Path]:
    return [(_pairs(attributes), True)]


def _polyline(attributes: dict[str, str], _: UserSpace) -> list[Path]:
    return [_line_or_ring(_pairs(attributes), attributes)]


def _line(attributes: dict[str, str], space: UserSpace) -> list[Path]:
    x1, x2 = (length(attributes, name, space.width, 0.0) for name in ("x1", "x2"))
    y1, y2 = (length(attributes, name, space.height, 0.0) for name in ("y1", "y2"))
    return [([(x1, y1), (x2, y2)], False)]


def _pairs(attributes: dict[str, str]) -> list[Point]:
    text = attributes.get("points", "")
    numbers = [float(found) for found in NUMBERS.findall(text)]
    if NUMBERS.sub("", text).strip(" ,\t\r\n") or len(numbers) % 2:
        raise BadSelector("The points of a polygon or polyline must be pairs of numbers.", parameter="selector")
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _rect(attributes: dict[str, str], space: UserSpace) -> list[Path]:
    x, y = length(attributes, "x", space.width, 0.0), length(attributes, "y", space.height, 0.0)
    right, bottom = x + length(attributes, "width", space.width), y + length(attributes, "height", space.height)
    return [([(x, y), (right, y), (right, bottom), (x, bottom)], True)]


def _ellipse(attributes: dict[str, str], space: UserSpace) -> list[Path]:
    if attributes.get("r", ""):
        whole = None if space.width is None or space.height is None else math.hypot(space.width, space.height) / math.sqrt(2)
        rx = ry = length(attributes, "r", whole)
    else:
        rx, ry = length(attributes, "rx", space.width), length(attributes, "ry", space.height)
    cx, cy = length(attributes, "cx", space.width, 0.0), length(attributes, "cy", space.height, 0.0)
    angles = (2 * math.pi * step / (4 * PIECES) for step in range(4 * PIECES))
    return [([(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles], True)]


def _path(attributes: dict[str, str], _: UserSpace) -> list[Path]:
    """Every subpath: a ring where it is closed (Z) or ends where it began, else a line."""
    pen = _Pen()
    for command, numbers in _commands(attributes.get("d", "")):
        pen.draw(command, numbers)
    return [
        (points, True) if number in pen.closed else _line_or_ring(points, attributes)
        for number, points in enumerate(pen.paths)
        if len(points) > 1
    ]


SHAPES: dict[str, Callable[[dict[str, str], UserSpace], list[Path]]] = {
    "polygon": _polygon,
    "polyline": _polyline,
    "line": _line,
    "rect": _rect,
    "circle": _ellipse,
    "ellipse": _ellipse,
    "path": _path,
}


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Each command with one set of its arguments; further sets repeat it (an M goes on as L)."""
    if TOKENS.sub("", data).strip(" ,\t\r\n"):
        raise BadSelector("The path data holds something that is neither a command nor a number.", parameter="selector")
    tokens = TOKENS.findall(data)
    place, command = 0, ""
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
        elif command in ("", "Z", "z"):
            raise BadSelector("The path data has numbers where a command must stand.", parameter="selector")
        need = ARGUMENTS[command.upper()]
        numbers = tokens[place : place + need]
        if len(numbers) < need or any(text.isalpha() for text in numbers):
            raise BadSelector(f"The path command {command} needs {need} numbers.", parameter="selector")
        yield command, [float(text) for text in numbers]
        place += need
        command = {"M": "L", "m": "l"}.get(command, command) if need else command


class _Pen:
    """Draws path commands into paths of straight pieces."""

    def __init__(self) -> None:
        self.paths: list[list[Point]] = []
        self.closed: set[int] = set()  # numbers of paths
        self.at: Point = (0.0, 0.0)
        self.control: Point | None = None  # of the last curve, for S and T
        self.last = ""
        self.points = 0

    def draw(self, command: str, numbers: list[float]) -> None:
        name = command.upper()
        if not self.last and name != "M":
            raise BadSelector("Path data must begin with M.", parameter="selector")
        if command.islower():
            numbers = self._absolute(name, numbers)
        if name == "M":
            self.paths.append([(numbers[0], numbers[1])])
            self.at = (numbers[0], numbers[1])
        elif name == "Z":
            self.closed.add(len(self.paths) - 1)
            self.at = self.paths[-1][0]
        else:
            if self.last == "Z":
                self.paths.append([self.at])
            self._line_or_curve(name, numbers)
        if name not in "CSQT":
            self.control = None
        self.last = name

    def _absolute(self, name: str, numbers: list[float]) -> list[float]:
        x, y = self.at
        if name == "H":
            return [numbers[0] + x]
        if name == "V":
            return [numbers[0] + y]
        if name == "A":
            return [*numbers[:5], numbers[5] + x, numbers[6] + y]
        return [number + (y if index % 2 else x) for index, number in enumerate(numbers)]

    def _line_or_curve(self, name: str, numbers: list[float]) -> None:
        x, y = self.at
        if name == "H":
            self._to([(numbers[0], y)])
        elif name == "V":
            self._to([(x, numbers[0])])
        elif name == "L":
            self._to([(numbers[0], numbers[1])])
        elif name == "A":
            self._to(list(_arc(self.at, numbers)))
        else:
            points = list(zip(numbers[::2], numbers[1::2], strict=True))
            if name in "ST":
                points.insert(0, self._reflected("CS" if name == "S" else "QT"))
            self.control = points[-2]
            self._to(list(_bezier([self.at, *points])))

    def _reflected(self, after: str) -> Point:
        if self.control is None or self.last not in after:
            return self.at
        return (2 * self.at[0] - self.control[0], 2 * self.at[1] - self.control[1])

    def _to(self, points: list[Point]) -> None:
        self.points += len(points)
        if self.points > MAX_POINTS:
            raise AnnotationTooBig(f"A shape may have up to {MAX_POINTS:,} points.", parameter="selector")
        self.paths[-1].extend(points)
        self.at = points[-1]


def _bezier(controls: list[Point]) -> Iterator[Point]:
    """Points of a quadratic or cubic curve after its first, by de Casteljau."""
    for step in range(1, PIECES + 1):
        t, level = step / PIECES, controls
        while len(level) > 1:
            level = [((1 - t) * a[0] + t * b[0], (1 - t) * a[1] + t * b[1]) for a, b in pairwise(level)]
        yield controls[-1] if step == PIECES else level[0]


def _arc(start: Point, numbers: list[float]) -> Iterator[Point]:
    """Points of an elliptical arc after its first (SVG 1.1, appendix F.6.5)."""
    rx, ry, turn, large, sweep, x, y = numbers
    rx, ry, phi = abs(rx), abs(ry), math.radians(turn % 360)
    if rx < 1e-9 or ry < 1e-9 or start == (x, y) or not all(map(math.isfinite, numbers)):
        yield (x, y)
        return
    cos, sin = math.cos(phi), math.sin(phi)
    dx, dy = (start[0] - x) / 2, (start[1] - y) / 2
    u, v = cos * dx + sin * dy, -sin * dx + cos * dy
    grow = max(1.0, math.hypot(u / rx, v / ry))
    rx, ry = rx * grow, ry * grow
    far = max(0.0, 1 - (u / rx) ** 2 - (v / ry) ** 2) / max((u / rx) ** 2 + (v / ry) ** 2, 1e-300)
    root = math.sqrt(far) * (1 if bool(large) != bool(sweep) else -1)
    cu, cv = root * rx * v / ry, -root * ry * u / rx
    centre = (cos * cu - sin * cv + (start[0] + x) / 2, sin * cu + cos * cv + (start[1] + y) / 2)
    first = math.atan2((v - cv) / ry, (u - cu) / rx)
    sweep_by = (math.atan2((-v - cv) / ry, (-u - cu) / rx) - first) % (2 * math.pi)
    sweep_by = sweep_by if sweep else sweep_by - 2 * math.pi
    pieces = 4 * PIECES
    for step in range(1, pieces):
        angle = first + sweep_by * step / pieces
        a, b = rx * math.cos(angle), ry * math.sin(angle)
        yield (centre[0] + cos * a - sin * b, centre[1] + sin * a + cos * b)
    yield (x, y)
