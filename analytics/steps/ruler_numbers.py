"""The numbers printed on a ruler, which rise evenly along a line: they tell its unit where the lengths of marks do not.

Numbers give the distance of their unit to about one per cent, the marks beside them give it exactly (`ruler_combs`), and
how many marks there are to a number says what it counts: ten or twenty to a centimetre, 8, 16 or 32 to an inch.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import ruler_combs
from analytics.steps.image import ScaledCopy
from analytics.steps.ocr_engine import LONGEST_SIDE_PX, TextLine
from analytics.steps.ocr_engine import read as read_text
from analytics.steps.ruler_combs import Comb
from analytics.steps.ruler_strips import Strip
from analytics.steps.ruler_ticks import Graduation, Straight, straighten
from analytics.steps.ruler_unit import INCH_MM, RulerReading

Float = NDArray[np.float64]
FEWEST_NUMBERS = 4  # different ones
MOST_NUMBERS = 120  # looked at in one picture
MOST_PROGRESSIONS = 4
OFF_PLACE, OFF_LINE = 0.13, 0.3  # of the distance between numbers: how far one lies from its place, and from the line
SHORTEST_PX = 30.0  # between two numbers that are tried as the base of a progression
METRIC, IMPERIAL = (10, 20), (8, 16, 32)  # marks to a number
CLEARER = 1.35  # a comb agrees so many times as well as the best of the other system
INCH_RATIO = 0.02  # how well the numbers of two scales must stand in the ratio of inch and centimetre
AGREE = 0.01  # scales of one picture
SURE = 0.95
FEWEST_MARKS, MOST_STRIPS = 8, 3  # of the graduations that are read closer up
NEAR_MARKS, OFF_MULTIPLE = 6, 0.02  # of the finer marks' spacing; relative
LONGEST_LINE = 8.0  # of its height: numbers, and words as long as "millimetres"
NUMBER = re.compile(r"(\d{1,3})(?:\s*(?:cm|mm|in|inch))?[|lI]?")
WORDS = {"cm": r"(?<![a-z])cm|centim|metric", "mm": r"(?<![a-z])mm|millim", "inch": r"inch|(?<![a-z])in\b"}


@dataclass(frozen=True, slots=True)
class Progression:
    """Numbers at `origin + (value - values[0]) * unit_px * direction`, in pixels of the picture; they count by `step`."""

    origin: tuple[float, float]
    direction: tuple[float, float]
    unit_px: float
    values: tuple[int, ...]
    step: int
    words: frozenset[str]

    @property
    def step_px(self) -> float:
        return self.unit_px * self.step

    @property
    def steps(self) -> float:
        """Distances between neighbours from the first number to the last."""
        return (self.values[-1] - self.values[0]) / self.step


def read(copy: ScaledCopy, text: Sequence[TextLine], graduations: Sequence[Graduation]) -> RulerReading | None:
    """The scale that the numbers in the text tell, then closer up along the longest graduations of the copy.

    The text is in pixels of the image, graduations and the reading are in those of the copy.
    """
    lines = [TextLine(line.text, line.score, copy.to_copy(line.quad)) for line in text]
    told = scale_of(copy.grey, lines)
    if told is not None:
        return told
    strips = _strips(graduations)
    for straight in strips:
        lines += _along(copy.rgb, straight)
    return scale_of(copy.grey, lines) if strips else None


def _strips(graduations: Sequence[Graduation]) -> list[Straight]:
    """Of the graduations with most marks, each ruler's strip once: its longer marks alone are often one of their own."""
    chosen: list[Graduation] = []
    for one in sorted((one for one in graduations if one.marks >= FEWEST_MARKS), key=lambda one: -one.marks)[:MOST_STRIPS]:
        if not any(_lies_along(one, other) for other in chosen):
            chosen.append(one)
    return [one.straight for one in chosen]


def _lies_along(one: Graduation, other: Graduation) -> bool:
    """Whether all marks of the first lie in the strip of the other, near to its own and at a multiple of their spacing."""
    straight = other.straight
    (x0, y0), (dx, dy) = straight.origin, straight.direction
    for place in (one.places[0], one.places[-1]):
        x, y = one.straight.to_picture(float(place), sum(one.rows) / 2)
        along, across = (x - x0) * dx + (y - y0) * dy, (y - y0) * dx - (x - x0) * dy
        if abs(across + straight.half - sum(other.rows) / 2) > NEAR_MARKS * other.spacing_px:
            return False
        if not -one.spacing_px < along < straight.grey.shape[1] + one.spacing_px:
            return False
    times = one.spacing_px / other.spacing_px
    return round(times) >= 1 and abs(times - round(times)) < OFF_MULTIPLE * times


def scale_of(grey: NDArray[np.uint8], lines: Sequence[TextLine]) -> RulerReading | None:
    """What the numbers among these lines tell together with the marks; None where that is nothing sure, or contradictory."""
    found = progressions(lines)
    told = [reading for one in found if (reading := _metric(grey, one)) is not None]
    for inches in found:
        beside = [one for one in found if abs(inches.step_px / one.step_px / (INCH_MM / 10) - 1) < INCH_RATIO and one.steps >= 6]
        if beside and (reading := _imperial(grey, inches)) is not None:
            told.append(reading)
    if not told or any(abs(one.px_per_mm / told[0].px_per_mm - 1) > AGREE for one in told):
        return None
    return min(told, key=lambda one: one.uncertainty / one.px_per_mm)


def progressions(lines: Sequence[TextLine]) -> list[Progression]:
    """Every run of four or more different numbers that rise evenly along a line, the largest first."""
    matches = [(NUMBER.fullmatch(line.text.strip()), line) for line in lines]
    numbers = [(int(match[1]), line) for match, line in matches if match][:MOST_NUMBERS]
    values = np.array([value for value, _ in numbers], float)
    places = np.array([line.quad.mean(axis=0) for _, line in numbers]).reshape(-1, 2)
    free, found = list(range(len(numbers))), list[Progression]()
    while len(found) < MOST_PROGRESSIONS:
        run = _largest_run(values, places, free)
        if not run:
            break
        free = [index for index in free if index not in run]
        found.append(_progression(values[run], places[run], lines))
    return found


def _largest_run(values: Float, places: Float, free: Sequence[int]) -> list[int]:
    """Indices of the numbers that the best even progression explains; none if they are too few."""
    best, best_score = list[int](), 0.0
    for one, other in combinations(free, 2):
        rise = values[other] - values[one]
        distance = float(np.hypot(*(places[other] - places[one])))
        if rise == 0 or distance < SHORTEST_PX:
            continue
        unit = (places[other] - places[one]) / rise
        square = float(unit @ unit)
        off = places - (places[one] + np.outer(values - values[one], unit))
        along, across = np.abs(off @ unit) / square, np.abs(off @ np.array([-unit[1], unit[0]])) / square
        step = _step(values[[k for k in free if along[k] < 0.5 and across[k] < 4]])
        run = [k for k in free if along[k] < OFF_PLACE * step and across[k] < OFF_LINE * step]
        different = len(set(values[run]))
        score = different - float(along[run].sum()) / (different * OFF_PLACE * step)
        if different >= FEWEST_NUMBERS and score > best_score:
            best, best_score = run, score
    return best


def _step(values: Float) -> int:
    """What numbers count by: 10 where all are tens, else 1."""
    return 10 if bool(np.all(values % 10 == 0)) else 1


def _progression(values: Float, places: Float, lines: Sequence[TextLine]) -> Progression:
    (x_unit, x0), (y_unit, y0) = (np.polyfit(values - values.min(), places[:, axis], 1) for axis in (0, 1))
    origin, unit = np.array([x0, y0]), np.array([x_unit, y_unit])
    step, reach = _step(values), float(np.ptp(values))
    words = set()
    for line in lines:
        off = line.quad.mean(axis=0) - origin
        along, across = off @ unit / (unit @ unit), off @ np.array([-unit[1], unit[0]]) / (unit @ unit)
        if -2.5 * step < along < reach + 2.5 * step and abs(across) < 1.3 * step:
            words |= {word for word, pattern in WORDS.items() if re.search(pattern, line.text.lower())}
    length = float(np.hypot(*unit))
    different = tuple(sorted({int(value) for value in values}))
    direction = float(unit[0]) / length, float(unit[1]) / length
    return Progression((float(x0), float(y0)), direction, length, different, step, frozenset(words))


def _metric(grey: NDArray[np.uint8], progression: Progression) -> RulerReading | None:
    """Numbers that count centimetres, or millimetres by tens: ten or twenty marks to each, or a bar of blocks."""
    if progression.step == 1 and "inch" in progression.words and "cm" not in progression.words:
        return None  # there are inches in tenths, too
    if progression.step == 10 and "cm" in progression.words and "mm" not in progression.words:
        return None  # a long tape that numbers every tenth centimetre
    straight = _cut(grey, progression)
    best, rival = _best(straight, progression, METRIC), _best(straight, progression, IMPERIAL)
    if best is not None and ruler_combs.is_full(best, progression.steps) and _clearer(best, rival):
        return _reading(best, 10.0, progression, f"{best.per_number} marks to a number")
    tenths = ruler_combs.find(straight, progression.step_px, 10)
    if tenths is not None and progression.step == 1 and "cm" in progression.words and ruler_combs.is_bar(tenths):
        return _reading(tenths, 10.0, progression, "ten marks in the first centimetre, then one to each")
    return None


def _imperial(grey: NDArray[np.uint8], progression: Progression) -> RulerReading | None:
    """Numbers that count inches, beside others that count centimetres."""
    straight = _cut(grey, progression)
    best, rival = _best(straight, progression, IMPERIAL), _best(straight, progression, METRIC)
    if progression.step != 1 or best is None or not ruler_combs.is_full(best, progression.steps) or not _clearer(best, rival):
        return None
    said = f"{best.per_number} marks to a number, beside numbers in the ratio of centimetre and inch"
    return _reading(best, INCH_MM, progression, said)


def _best(straight: Straight, progression: Progression, divisions: Sequence[int]) -> Comb | None:
    combs = [ruler_combs.find(straight, progression.step_px, per_number) for per_number in divisions]
    return max((comb for comb in combs if comb is not None), key=lambda comb: comb.agreement, default=None)


def _clearer(best: Comb, rival: Comb | None) -> bool:
    return rival is None or best.agreement > CLEARER * rival.agreement


def _reading(comb: Comb, number_mm: float, progression: Progression, said: str) -> RulerReading:
    counted = f"numbers from {progression.values[0]} to {progression.values[-1]} rise evenly ({len(progression.values)} read)"
    words = (f"the words {', '.join(sorted(progression.words))}",) if progression.words else ()
    return RulerReading(comb.graduation, number_mm / comb.per_number, "numbers", SURE, (counted, said, *words))


def _cut(grey: NDArray[np.uint8], progression: Progression) -> Straight:
    length = progression.steps * progression.step_px
    return straighten(grey, Strip(progression.origin, progression.direction, length, progression.step_px / 10, 1.0))


def _along(rgb: NDArray[np.uint8], straight: Straight) -> list[TextLine]:
    """What is written along a straightened strip, read both ways up; quads in pixels of the whole picture."""
    (x0, y0), (dx, dy), half = straight.origin, straight.direction, straight.half
    height, width = straight.grey.shape
    gain = float(np.clip(min(LONGEST_SIDE_PX / width, 320 / height), 0.2, 3.0))
    matrix = np.array([[dx / gain, -dy / gain, x0 + half * dy], [dy / gain, dx / gain, y0 - half * dx]])
    size = (max(int(width * gain), 1), max(int(height * gain), 1))
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = np.asarray(cv2.warpAffine(rgb, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    found = []
    for turned in (False, True):
        for line in read_text(np.ascontiguousarray(np.rot90(cut, 2)) if turned else cut, LONGEST_LINE):
            places = (np.array(size) - line.quad if turned else line.quad) / gain
            quad = np.array([straight.to_picture(float(along), float(row)) for along, row in places])
            found.append(TextLine(line.text, line.score, quad))
    return found
