"""The SVG of a selector as rings, frozen as the first release read it: for migration 0009 alone.

Curves become straight pieces. SVG 1.1, sections 8.3 (path data) and 9 (basic shapes). What cannot be read is a ValueError.
"""

import math
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from xml.parsers import expat  # entities cannot be declared: a document type is refused where it begins

Point = tuple[float, float]
Ring = tuple[Point, ...]

MAX_SVG_CHARACTERS = 200_000
MAX_POINTS = 20_000
MAX_ELEMENTS = 200
MAX_COORDINATE = 10_000_000.0
PIECES = 16  # straight pieces of a curve; 64 of a whole circle
NUMBERS = re.compile(r"[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)
TOKENS = re.compile(r"[MmLlHhVvCcSsQqTtAaZz]|" + NUMBERS.pattern, re.ASCII)
IGNORED = frozenset({"svg", "g", "title", "desc", "metadata", "defs", "style"})
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}


def read_svg(text: str) -> tuple[Ring, ...]:
    """The rings of every shape in it, at least one, each of three points or more. Raises ValueError."""
    if len(text) > MAX_SVG_CHARACTERS:
        raise ValueError(f"An SvgSelector may have up to {MAX_SVG_CHARACTERS:,} characters.")
    rings = tuple(ring for name, attributes in _elements(text) for ring in _shape(name, attributes))
    if not rings:
        raise ValueError("The SVG holds no polygon, path, rect, circle or ellipse.")
    if sum(map(len, rings)) > MAX_POINTS:
        raise ValueError(f"A shape may have up to {MAX_POINTS:,} points.")
    if not all(abs(x) <= MAX_COORDINATE and abs(y) <= MAX_COORDINATE for ring in rings for x, y in ring):
        raise ValueError("The SVG holds a coordinate that is no sensible number.")
    return rings


def _elements(text: str) -> list[tuple[str, dict[str, str]]]:
    found: list[tuple[str, dict[str, str]]] = []

    def on_start(name: str, attributes: dict[str, str]) -> None:
        if not found and name.rpartition(":")[2] != "svg":
            raise ValueError("The value of an SvgSelector must be an svg element.")
        found.append((name.rpartition(":")[2], attributes))
        if len(found) > MAX_ELEMENTS:
            raise ValueError(f"An SvgSelector may have up to {MAX_ELEMENTS} elements.")

    def on_doctype(*_: object) -> None:
        raise ValueError("An SvgSelector may not declare a document type.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = on_start
    parser.StartDoctypeDeclHandler = on_doctype
    try:
        parser.Parse(text.encode(), True)
    except (expat.ExpatError, UnicodeEncodeError) as error:
        raise ValueError(f"The SVG cannot be read: {error}.") from error
    return found


def _shape(name: str, attributes: dict[str, str]) -> list[Ring]:
    if name in IGNORED and "transform" not in attributes:
        return []
    if "transform" in attributes:
        raise ValueError("Transforms in an SvgSelector are not read; send absolute coordinates.")
    if name not in SHAPES:
        raise ValueError(f"An SvgSelector holds polygon, path, rect, circle or ellipse, not {name[:40]!r}.")
    rings = [_open(ring) for ring in SHAPES[name](attributes)]
    if any(len(ring) < 3 for ring in rings):
        raise ValueError("A shape needs at least three points.")
    return rings


def _open(ring: list[Point]) -> Ring:
    """Without the last point where it repeats the first."""
    return tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)


def _number(attributes: dict[str, str], name: str, default: float | None = None) -> float:
    text = attributes.get(name, "").strip().removesuffix("px")
    if not text and default is not None:
        return default
    if not NUMBERS.fullmatch(text):
        raise ValueError(f"The SVG needs a number for {name}, not {text[:40]!r}.")
    return float(text)


def _polygon(attributes: dict[str, str]) -> list[list[Point]]:
    text = attributes.get("points", "")
    numbers = [float(found) for found in NUMBERS.findall(text)]
    if NUMBERS.sub("", text).strip(" ,\t\r\n") or len(numbers) % 2:
        raise ValueError("The points of a polygon must be pairs of numbers.")
    return [list(zip(numbers[::2], numbers[1::2], strict=True))]


def _rect(attributes: dict[str, str]) -> list[list[Point]]:
    x, y = _number(attributes, "x", 0), _number(attributes, "y", 0)
    right, bottom = x + _number(attributes, "width"), y + _number(attributes, "height")
    return [[(x, y), (right, y), (right, bottom), (x, bottom)]]


def _ellipse(attributes: dict[str, str]) -> list[list[Point]]:
    radius = attributes.get("r", "")
    rx = _number(attributes, "r") if radius else _number(attributes, "rx")
    ry = rx if radius else _number(attributes, "ry")
    cx, cy = _number(attributes, "cx", 0), _number(attributes, "cy", 0)
    angles = (2 * math.pi * step / (4 * PIECES) for step in range(4 * PIECES))
    return [[(cx + rx * math.cos(angle), cy + ry * math.sin(angle)) for angle in angles]]


def _path(attributes: dict[str, str]) -> list[list[Point]]:
    """Every subpath as a ring, closed whether or not it says so, as filling does (SVG 1.1, section 11.3)."""
    pen = _Pen()
    for command, numbers in _commands(attributes.get("d", "")):
        pen.draw(command, numbers)
    return [ring for ring in pen.rings if len(ring) > 1]


SHAPES: dict[str, Callable[[dict[str, str]], list[list[Point]]]] = {
    "polygon": _polygon,
    "polyline": _polygon,
    "rect": _rect,
    "circle": _ellipse,
    "ellipse": _ellipse,
    "path": _path,
}


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Each command with one set of its arguments; further sets repeat it (an M goes on as L)."""
    if TOKENS.sub("", data).strip(" ,\t\r\n"):
        raise ValueError("The path data holds something that is neither a command nor a number.")
    tokens = TOKENS.findall(data)
    place, command = 0, ""
    while place < len(tokens):
        if tokens[place].isalpha():
            command, place = tokens[place], place + 1
        elif command in ("", "Z", "z"):
            raise ValueError("The path data has numbers where a command must stand.")
        need = ARGUMENTS[command.upper()]
        numbers = tokens[place : place + need]
        if len(numbers) < need or any(text.isalpha() for text in numbers):
            raise ValueError(f"The path command {command} needs {need} numbers.")
        yield command, [float(text) for text in numbers]
        place += need
        command = {"M": "L", "m": "l"}.get(command, command) if need else command


class _Pen:
    """Draws path commands into rings of straight pieces."""

    def __init__(self) -> None:
        self.rings: list[list[Point]] = []
        self.at: Point = (0.0, 0.0)
        self.control: Point | None = None  # of the last curve, for S and T
        self.last = ""
        self.points = 0

    def draw(self, command: str, numbers: list[float]) -> None:
        name = command.upper()
        if not self.last and name != "M":
            raise ValueError("Path data must begin with M.")
        if command.islower():
            numbers = self._absolute(name, numbers)
        if name == "M":
            self.rings.append([(numbers[0], numbers[1])])
            self.at = (numbers[0], numbers[1])
        elif name == "Z":
            self.at = self.rings[-1][0]
        else:
            if self.last == "Z":
                self.rings.append([self.at])
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
            raise ValueError(f"A shape may have up to {MAX_POINTS:,} points.")
        self.rings[-1].extend(points)
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
