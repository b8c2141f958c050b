"""What one step of a graduation means in millimetres: from the lengths of its marks, and from a second scale beside it.

The unit is harder than the period: half a millimetre, a millimetre, an eighth and a sixteenth of an inch all look alike
until one sees which marks are longer, or that two scales of one ruler stand in the ratio of millimetre and inch.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.steps.ruler_ticks import Graduation

INCH_MM = 25.4
PATTERNS: dict[str, tuple[float, tuple[int, ...]]] = {
    # name: millimetres between marks, and which of them are longer: every so-many-th, the longest first
    "millimetres": (1.0, (10, 5, 1)),
    "millimetres, plain": (1.0, (10, 1)),
    "half millimetres": (0.5, (20, 10, 2, 1)),
    "half millimetres, plain": (0.5, (10, 2, 1)),
    "eighths of an inch": (INCH_MM / 8, (8, 4, 2, 1)),
    "eighths of an inch, plain": (INCH_MM / 8, (8, 2, 1)),
    "sixteenths of an inch": (INCH_MM / 16, (16, 8, 4, 2, 1)),
    "thirty-seconds of an inch": (INCH_MM / 32, (32, 16, 8, 4, 2, 1)),
}
METRIC_MM = (0.5, 1.0, 5.0, 10.0)
IMPERIAL_MM = tuple(INCH_MM / parts for parts in (32, 16, 8, 4, 2, 1))
CLEAR = (
    (70, 0.6),
    (40, 0.7),
    (20, 0.8),
    (11, 0.9),
)  # from so many marks on, the least correlation
PROMINENT, PROMINENT_PLAIN = 1.06, 1.3  # each sort of mark is at least so many times as long as the next shorter one
PERIODS = 1.5  # of a pattern that must be seen; one is enough for the millimetres of a short card
SAME = 0.006  # scales of one ruler agree to this
LEAST_MARGIN = 0.08  # in correlation, over the next other unit


@dataclass(frozen=True, slots=True)
class RulerReading:
    """A graduation with a unit: `px_per_mm` follows. `witnesses` says in words what speaks for it, `disagreement` by what
    share the scales of those beside it differ from its own at most, and `reach` how many times as long as it they are."""

    graduation: Graduation
    step_mm: float
    pattern: str
    score: float
    witnesses: tuple[str, ...]
    disagreement: float = 0.0
    reach: float = 1.0

    @property
    def px_per_mm(self) -> float:
        return self.graduation.spacing_px / self.step_mm

    @property
    def uncertainty(self) -> float:
        """Of px_per_mm: that of the spacing, how much it changes along the whole ruler, and how far what lies beside the marks,
        which may be longer or elsewhere on a tilted ruler, has another scale."""
        of_fit = self.graduation.uncertainty_px / self.graduation.spacing_px
        return math.hypot(of_fit, self.graduation.change * self.reach / math.sqrt(12), self.disagreement) * self.px_per_mm


def read(graduations: Sequence[Graduation]) -> RulerReading | None:
    """The scale that the graduations of one picture tell together; None where none is sure, or where two contradict.

    The unit comes from the lengths of marks; every other graduation beside it that a ruler of that scale would have
    speaks for it as well, and the most exact of them gives the value.
    """
    known = [(reading, _witnesses(reading, graduations)) for one in graduations if (reading := by_lengths(one)) is not None]
    if not known:
        return None
    known.sort(key=lambda pair: -_weight(*pair))
    best, witnesses = known[0]
    for other, others in known[1:]:
        if abs(other.px_per_mm / best.px_per_mm - 1) > 0.02 and _weight(other, others) > 0.6 * _weight(best, witnesses):
            return None
    if best.graduation.marks < 20 and not witnesses and best.score < 0.95:
        return None
    if best.step_mm not in METRIC_MM and not any(_metric(one, best.px_per_mm) for one, _ in witnesses):
        return None  # halves, quarters, eighths, sixteenths: marks of inches look alike at half the scale
    return refined(best, graduations)


def refined(reading: RulerReading, graduations: Sequence[Graduation]) -> RulerReading:
    """The same scale, from the most exact graduation beside the reading's that a ruler of that scale would have."""
    witnesses = _witnesses(reading, graduations)
    exact = min([one for one, _ in witnesses] + [reading.graduation], key=lambda one: _doubt(one, reading.px_per_mm))
    step_mm = reading.step_mm
    if exact is not reading.graduation:
        step_mm = _nearest_step(exact.spacing_px / reading.px_per_mm)
    said = (*reading.witnesses, *(f"beside it {words}" for _, words in witnesses))
    value = exact.spacing_px / step_mm
    others = [one.spacing_px / _nearest_step(one.spacing_px / reading.px_per_mm) / value - 1 for one, _ in witnesses]
    disagreement = float(np.max(np.abs(others), initial=0.0))
    reach = max([1.0, *(one.length_px / exact.length_px for one, _ in witnesses)])
    return RulerReading(exact, step_mm, reading.pattern, reading.score, said, disagreement, reach)


def by_lengths(graduation: Graduation) -> RulerReading | None:
    """The unit that the lengths of the marks tell, or None where they tell none or several."""
    scores = {name: pattern_score(graduation, name) for name in PATTERNS}
    best = max(scores, key=lambda name: scores[name])
    step_mm = PATTERNS[best][0]
    others = [score for name, score in scores.items() if PATTERNS[name][0] != step_mm]
    least = next((clear for marks, clear in CLEAR if graduation.marks >= marks), 1.0)
    if scores[best] < least or scores[best] - max(others) < LEAST_MARGIN:
        return None
    name = best.split(",")[0]
    said = f"lengths of {graduation.marks} marks fit {name} (r = {scores[best]:.2f})"
    return RulerReading(graduation, step_mm, name, scores[best], (said,))


def pattern_score(graduation: Graduation, name: str) -> float:
    """How well the pattern explains the marks' lengths, as multiple correlation (adjusted for the number of sorts of marks).

    At the best phase; 0 where there are too few marks to tell, or where a mark that should be longer is not.
    """
    if graduation.edges:
        return 0.0
    _, divisors = PATTERNS[name]
    seen = int(np.ptp(graduation.numbers))
    if seen < divisors[0] * (1.0 if name.startswith("millimetres") else PERIODS):
        return 0.0
    lengths = _tamed(graduation.lengths_px)
    total = float(((lengths - lengths.mean()) ** 2).sum())
    if total < 1e-6:
        return 0.0
    return max(_fit(lengths, _sorts(graduation.numbers + phase, divisors), len(divisors)) for phase in range(divisors[0]))


def _fit(lengths: NDArray[np.float64], sorts: NDArray[np.int64], several: int) -> float:
    """Adjusted multiple correlation of the lengths with their sorts, of which the first must be the longest, and so on."""
    if len(np.unique(sorts)) < several:
        return 0.0
    means = np.array([np.median(lengths[sorts == sort]) for sort in range(several)])
    if (means[:-1] < (PROMINENT_PLAIN if several == 2 else PROMINENT) * means[1:]).any():
        return 0.0
    left, total = float(((lengths - means[sorts]) ** 2).sum()), float(((lengths - lengths.mean()) ** 2).sum())
    explained = 1 - (left / max(len(lengths) - several, 1)) / (total / (len(lengths) - 1))
    return float(np.sqrt(max(explained, 0.0)))


def _witnesses(reading: RulerReading, graduations: Sequence[Graduation]) -> list[tuple[Graduation, str]]:
    """Graduations beside the reading's that a ruler of its scale would have, with what they are in words."""
    said = []
    for one in graduations:
        if one is not reading.graduation and one.marks >= 8 and _beside(one, reading.graduation):
            words = supports(one, reading.px_per_mm)
            if words:
                said.append((one, words))
    return said


def _weight(reading: RulerReading, witnesses: Sequence[tuple[Graduation, str]]) -> float:
    return reading.score * float(np.sqrt(reading.graduation.marks)) * (1 + 0.5 * len(witnesses))


def _doubt(graduation: Graduation, px_per_mm: float) -> float:
    """How inexact it is; a scale of inches has to be twice as exact as a metric one to be taken instead of it."""
    return quality(graduation) * (1.0 if _nearest_step(graduation.spacing_px / px_per_mm) in METRIC_MM else 2.0)


def _metric(graduation: Graduation, px_per_mm: float) -> bool:
    return any(abs(graduation.spacing_px / px_per_mm / known - 1) < SAME for known in METRIC_MM)


def _nearest_step(step_mm: float) -> float:
    return min((*METRIC_MM, *IMPERIAL_MM), key=lambda known: abs(step_mm / known - 1))


def supports(graduation: Graduation, px_per_mm: float) -> str:
    """What the graduation is at that scale, in words, if it is anything that rulers have; else empty."""
    step = graduation.spacing_px / px_per_mm
    for steps, unit in ((METRIC_MM, "mm"), (IMPERIAL_MM, "mm (of an inch)")):
        for known in steps:
            if abs(step / known - 1) < SAME:
                return f"{graduation.marks} marks every {known:g} {unit}"
    return ""


def quality(graduation: Graduation) -> float:
    """Relative standard uncertainty of the spacing: the smaller the better."""
    return graduation.uncertainty_px / graduation.spacing_px


def distinct(graduations: Sequence[Graduation]) -> list[Graduation]:
    """One per spacing and place: the most exact, and lines, whose lengths can be told, before borders of blocks."""
    kept: list[Graduation] = []
    for graduation in sorted(graduations, key=lambda one: (one.edges, quality(one))):
        if not any(abs(graduation.spacing_px / other.spacing_px - 1) < 0.01 and _beside(graduation, other) for other in kept):
            kept.append(graduation)
    return kept


def _sorts(numbers: NDArray[np.int64], divisors: Sequence[int]) -> NDArray[np.int64]:
    """For each number the index of the first divisor that divides it."""
    sorts = np.zeros(len(numbers), np.int64)
    for index in range(len(divisors) - 1, -1, -1):
        sorts[numbers % divisors[index] == 0] = index
    return sorts


def _tamed(lengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the few marks that run into a digit or a frame, or were hidden."""
    low, high = np.percentile(lengths, [3, 97])
    middle = float(np.median(lengths))
    return np.clip(lengths, max(low, 0.3 * middle), min(high, 3.2 * middle))


def _beside(one: Graduation, other: Graduation) -> bool:
    """Whether the two run along each other, near and at the same angle."""
    parallel = abs(float(np.dot(one.straight.direction, other.straight.direction)))
    if parallel < 0.998:
        return False
    ends = [np.array(other.straight.to_picture(float(place), sum(other.rows) / 2)) for place in other.places[[0, -1]]]
    start = np.array(one.straight.to_picture(float(one.places[0]), sum(one.rows) / 2))
    along = np.array(one.straight.direction)
    across = np.array([-along[1], along[0]])
    near = max(abs(float((end - start) @ across)) for end in ends) < 30 * min(one.spacing_px, other.spacing_px) + 60
    reach = sorted(float((end - start) @ along) for end in ends)
    return near and reach[0] < one.length_px and reach[1] > 0
