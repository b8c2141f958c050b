"""How sure a figure is: 95 % intervals, and whether two versions differ beyond chance."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb, sqrt

import numpy as np
from numpy.typing import NDArray

Z95 = 1.959964
RESAMPLES = 2_000
SEED = 20_261_125


@dataclass(frozen=True, slots=True)
class Interval:
    """A figure with the bounds that hold the true one in 95 of 100 such samples."""

    value: float
    low: float
    high: float


def wilson(right: int, of: int) -> Interval:
    """A share of independent trials (Wilson 1927). ValueError for no trial."""
    if of < 1:
        raise ValueError("a share of nothing")
    share, z2 = right / of, Z95 * Z95
    middle, half = (
        (share + z2 / (2 * of)) / (1 + z2 / of),
        Z95 / (1 + z2 / of) * sqrt(share * (1 - share) / of + z2 / (4 * of * of)),
    )
    return Interval(share, max(0.0, middle - half), min(1.0, middle + half))


def ratio(values: Sequence[float], weights: Sequence[float], groups: Sequence[str]) -> Interval:
    """Sum of the values over the sum of the weights, with a bootstrap over the groups (images), whose members go together.

    ValueError where there is no weight.
    """
    sums = _by_group(values, weights, groups)
    total = sums.sum(axis=0)
    if total[1] <= 0:
        raise ValueError("a ratio to nothing")
    drawn = _resampled(sums)
    low, high = np.percentile(drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12), [2.5, 97.5])
    return Interval(float(total[0] / total[1]), float(low), float(high))


def difference(
    before: Sequence[float], after: Sequence[float], weights: Sequence[float], groups: Sequence[str]
) -> tuple[Interval, float]:
    """Of two ratios over the same units, after less before, by a paired bootstrap over the groups; and its two-sided p."""
    change = [new - old for old, new in zip(before, after, strict=True)]
    sums = _by_group(change, weights, groups)
    total, drawn = sums.sum(axis=0), _resampled(sums)
    shifts = drawn[:, 0] / np.maximum(drawn[:, 1], 1e-12)
    low, high = np.percentile(shifts, [2.5, 97.5])
    tail = min(float((shifts <= 0).mean()), float((shifts >= 0).mean()))
    return Interval(float(total[0] / total[1]), float(low), float(high)), min(1.0, max(2 * tail, 1 / RESAMPLES))


def mcnemar(only_before: int, only_after: int) -> float:
    """Two-sided exact p of McNemar's test, from how many units only one of the two versions has right."""
    several = only_before + only_after
    if several == 0:
        return 1.0
    tail = sum(comb(several, count) for count in range(min(only_before, only_after) + 1)) / 2**several
    return float(min(1.0, 2 * tail))


def _by_group(values: Sequence[float], weights: Sequence[float], groups: Sequence[str]) -> NDArray[np.float64]:
    """Sums of values and weights, (groups, 2)."""
    sums: dict[str, list[float]] = {}
    for value, weight, group in zip(values, weights, groups, strict=True):
        pair = sums.setdefault(group, [0.0, 0.0])
        pair[0] += value
        pair[1] += weight
    return np.array(list(sums.values()), np.float64).reshape(-1, 2)


def _resampled(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    """The sums of RESAMPLES draws of as many groups, with replacement: (RESAMPLES, 2)."""
    picks = np.random.default_rng(SEED).integers(0, len(sums), (RESAMPLES, len(sums)))
    return np.asarray(sums[picks].sum(axis=1))
