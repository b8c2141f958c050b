"""Path data of SVG as straight pieces (SVG 1.1, 8.3; arcs by its appendix F.6)."""

import math
import re
from collections.abc import Iterator
from itertools import pairwise

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.model import Point
from annotations.svg_lengths import NUMBERS

MAX_POINTS = 20_000
PIECES = 16  # straight pieces of a curve; 64 of a whole circle
BETWEEN = re.compile(r"[ ,\t\r\n\f]*")
COMMAND = re.compile(r"[MmLlHhVvCcSsQqTtAaZz]")
FLAG = re.compile(r"[01]")
ARGUMENTS = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "S": 4, "Q": 4, "T": 2, "A": 7, "Z": 0}
FLAGS = (3, 4)  # of the numbers of an arc: one digit each, which need nothing between them


def subpaths(data: str) -> list[tuple[list[Point], bool]]:
    """The points of each subpath of two or more, and whether it is closed by Z. Raises BadSelector, AnnotationTooBig."""
    pen = _Pen()
    for command, numbers in _commands(data):
        pen.draw(command, numbers)
    return [(points, number in pen.closed) for number, points in enumerate(pen.paths) if len(points) > 1]


def _commands(data: str) -> Iterator[tuple[str, list[float]]]:
    """Each command with one set of its arguments; further sets repeat it (an M goes on as L)."""
    place, command = _skip(data, 0), ""
    while place < len(data):
        if found := COMMAND.match(data, place):
            command, place = found[0], _skip(data, found.end())
        elif command in ("", "Z", "z"):
            raise BadSelector("The path data have something other than a command where one must stand.", parameter="selector")
        numbers, place = _arguments(data, place, command)
        yield command, numbers
        command = {"M": "L", "m": "l"}.get(command, command)


def _arguments(data: str, place: int, command: str) -> tuple[list[float], int]:
    """The numbers of a command from that place, and where they end."""
    numbers: list[float] = []
    for number in range(ARGUMENTS[command.upper()]):
        found = (FLAG if command in "Aa" and number in FLAGS else NUMBERS).match(data, place)
        if found is None:
            need = ARGUMENTS[command.upper()]
            raise BadSelector(f"The path command {command} needs {need} numbers.", parameter="selector")
        numbers.append(float(found[0]))
        place = _skip(data, found.end())
    return numbers, place


def _skip(data: str, place: int) -> int:
    found = BETWEEN.match(data, place)
    return found.end() if found else place


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
