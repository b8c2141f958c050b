"""Krippendorff's alpha, for any number of coders and with values missing, and its interval.

K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011). Expected disagreement follows from counts and not from pairs,
so that the cost grows with the number of values. The interval is a bootstrap over units with a fixed seed: the same values give
the same interval.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Level = Literal["nominal", "ordinal", "interval"]
SEED, SAMPLES, AT_ONCE = 20_260_101, 1_000, 100
ENOUGH = 30  # units; below, the interval says little
NO_VARIATION = "no variation: all values are the same"
TOO_FEW = "no unit has two values"
FEW = f"fewer than {ENOUGH} units"
Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """A figure of agreement over `units` with `values` in all; `value` is None where it is not defined, and `note` says why.

    `low` and `high` are the ends of the interval of 95 %. `raw` is the share of pairs within a unit that are the same.
    """

    value: float | None
    low: float | None
    high: float | None
    units: int
    values: int
    raw: float | None
    note: str = ""

    def to_json(self) -> dict[str, Any]:
        figures = {"value": self.value, "low": self.low, "high": self.high, "raw": self.raw}
        rounded = {name: None if number is None else round(number, 4) for name, number in figures.items()}
        return {**rounded, "units": self.units, "values": self.values, "note": self.note}


def alpha(units: Sequence[Sequence[Hashable]], level: Level = "nominal") -> Agreement:
    """Of units, each with the values that its coders gave; those with fewer than two count for nothing.

    Values of the levels ordinal and interval are numbers.
    """
    told = [unit for unit in units if len(unit) > 1]
    total = sum(map(len, told))
    if not told:
        return Agreement(None, None, None, 0, 0, None, TOO_FEW)
    distinct = _distinct(told, level)
    counts = _counts(told, distinct)
    raw = _raw(counts)
    if len(distinct) == 1:
        return Agreement(None, None, None, len(told), total, raw, NO_VARIATION)
    numbers = np.zeros(0) if level == "nominal" else np.array(distinct, np.float64)
    value = float(_alphas(np.ones((1, len(told))), counts, numbers, level)[0])
    low, high = _interval(counts, numbers, level)
    return Agreement(value, low, high, len(told), total, raw, FEW if len(told) < ENOUGH else "")


def share(right: int, of: int, note: str = "") -> Agreement:
    """A share with Wilson's interval of 95 %."""
    if not of:
        return Agreement(None, None, None, 0, 0, None, "nothing to count")
    part, z2 = right / of, 1.959964**2
    middle, spread = part + z2 / (2 * of), (z2 * (part * (1 - part) / of + z2 / (4 * of * of))) ** 0.5
    low, high = (max(0.0, min(1.0, (middle + sign * spread) / (1 + z2 / of))) for sign in (-1, 1))
    return Agreement(part, low, high, of, of, part, note or (FEW if of < ENOUGH else ""))


def mean(values: Sequence[float]) -> Agreement:
    """The mean of one figure a unit, with the bootstrap's interval."""
    if not values:
        return Agreement(None, None, None, 0, 0, None, "nothing to count")
    numbers = np.array(values, np.float64)
    chosen = np.random.default_rng(SEED).integers(0, len(numbers), (SAMPLES, len(numbers))) if len(numbers) <= 5_000 else None
    ends = [None, None] if chosen is None else [float(one) for one in np.percentile(numbers[chosen].mean(axis=1), (2.5, 97.5))]
    note = FEW if len(numbers) < ENOUGH else ""
    return Agreement(float(numbers.mean()), ends[0], ends[1], len(numbers), len(numbers), None, note)


def _distinct(units: Sequence[Sequence[Any]], level: Level) -> list[Any]:
    found = dict.fromkeys(value for unit in units for value in unit)
    return list(found) if level == "nominal" else sorted(found)


def _counts(units: Sequence[Sequence[Any]], distinct: Sequence[Any]) -> Floats:
    """(units, distinct values): how often each value was given to each unit."""
    places = {value: place for place, value in enumerate(distinct)}
    counts = np.zeros((len(units), len(distinct)))
    for row, unit in enumerate(units):
        for value in unit:
            counts[row, places[value]] += 1
    return counts


def _raw(counts: Floats) -> float:
    pairs = counts.sum(axis=1) * (counts.sum(axis=1) - 1)
    return float((counts * (counts - 1)).sum() / pairs.sum())


def _interval(counts: Floats, numbers: Floats, level: Level) -> tuple[float | None, float | None]:
    """Of samples of units in which nothing varies, agreement is not defined; they are left out."""
    random, units = np.random.default_rng(SEED), len(counts)
    found: list[Floats] = []
    for _ in range(SAMPLES // AT_ONCE):
        weights = random.multinomial(units, np.full(units, 1 / units), AT_ONCE).astype(np.float64)
        found.append(_alphas(weights, counts, numbers, level))
    values = np.concatenate(found)
    values = values[np.isfinite(values)]
    if not values.size:
        return None, None
    low, high = np.percentile(values, (2.5, 97.5))
    return float(low), float(high)


def _alphas(weights: Floats, counts: Floats, numbers: Floats, level: Level) -> Floats:
    """Alpha of each sample, of which `weights` (samples, units) says how often it has each unit; NaN where nothing varies."""
    given = counts.sum(axis=1)
    total, of_value = weights @ given, weights @ counts
    if level == "nominal":
        within = (given**2 - (counts**2).sum(axis=1)) / (given - 1)
        observed, expected = weights @ within, total**2 - (of_value**2).sum(axis=1)
    elif level == "interval":
        placed = numbers - numbers.mean()
        within = 2 * (given * (counts @ placed**2) - (counts @ placed) ** 2) / (given - 1)
        observed = weights @ within
        expected = 2 * (total * (of_value @ placed**2) - (of_value @ placed) ** 2)
    else:  # the distance of two ranks is that of their mid-ranks in the sample
        ranks = np.cumsum(of_value, axis=1) - of_value / 2
        sums, squares = ranks @ counts.T, ranks**2 @ counts.T
        observed = (weights * 2 * (given * squares - sums**2) / (given - 1)).sum(axis=1)
        expected = 2 * (total * (of_value * ranks**2).sum(axis=1) - (of_value * ranks).sum(axis=1) ** 2)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(np.where(expected > 0, 1 - (total - 1) * observed / expected, np.nan))
