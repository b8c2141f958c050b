"""Outcomes added up: figures with their intervals, calibration curves, and two versions side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from analytics.evaluation import intervals
from analytics.evaluation.intervals import Interval
from analytics.evaluation.outcomes import BY_KEY, MEASURES, Evaluation, Measure, Outcome, paired

BINS = 10


@dataclass(frozen=True, slots=True)
class Figure:
    """A measure over some outcomes; `count` of them."""

    measure: Measure
    interval: Interval
    count: int


@dataclass(frozen=True, slots=True)
class Change:
    """A measure in two versions, over the units that both have. `better`, `worse`: how many units; `p` is two-sided."""

    measure: Measure
    before: float
    after: float
    shift: Interval
    p: float
    test: str
    better: int
    worse: int
    count: int


@dataclass(frozen=True, slots=True)
class CalibrationBin:
    """Units whose confidence lies in a tenth: the mean of it, and how many of them are right."""

    confidence: float
    right: Interval
    count: int


def figure(outcomes: Sequence[Outcome]) -> Figure:
    """Of outcomes of one measure, at least one. Of independent trials the interval is Wilson's, else a bootstrap by image."""
    measure = BY_KEY[outcomes[0].measure]
    images = [one.image for one in outcomes]
    if measure.binary and len(set(images)) == len(outcomes):
        interval = intervals.wilson(round(sum(one.value for one in outcomes)), len(outcomes))
    else:
        interval = intervals.ratio([one.value for one in outcomes], [one.weight for one in outcomes], images)
        if measure.binary and interval.low == interval.high:  # all alike, of which a bootstrap knows nothing
            interval = intervals.wilson(round(interval.value * len(set(images))), len(set(images)))
    return Figure(measure, interval, len(outcomes))


def figures(evaluation: Evaluation) -> list[Figure]:
    """Of every measure that has outcomes, in the order of MEASURES."""
    return [figure(found) for measure in MEASURES if (found := evaluation.of(measure.key))]


def changes(before: Evaluation, after: Evaluation) -> list[Change]:
    """What differs between two versions, measure by measure."""
    found = []
    for measure in MEASURES:
        pairs = paired(before.of(measure.key), after.of(measure.key))
        if pairs:
            found.append(_change(measure, pairs))
    return found


def _change(measure: Measure, pairs: Sequence[tuple[Outcome, Outcome]]) -> Change:
    old, new = [one.value for one, _ in pairs], [other.value for _, other in pairs]
    weights, images = [other.weight for _, other in pairs], [other.image for _, other in pairs]
    shift, p = intervals.difference(old, new, weights, images)
    more, less = (sum(sign * (b - a) > 1e-9 for a, b in zip(old, new, strict=True)) for sign in (1, -1))
    test = "paired bootstrap"
    if measure.binary and len(set(images)) == len(pairs):
        p, test = intervals.mcnemar(less, more), "McNemar"
    better, worse = (less, more) if measure.good == "less" else (more, less)
    total = sum(weights)
    return Change(measure, sum(old) / total, sum(new) / total, shift, p, test, better, worse, len(pairs))


def calibration(outcomes: Sequence[Outcome]) -> list[CalibrationBin]:
    """The curve of confidence against right, in tenths that hold anything; of outcomes of a binary measure."""
    known = [one for one in outcomes if one.confidence is not None]
    bins = []
    for number in range(BINS):
        inside = [one for one in known if min(BINS - 1, int((one.confidence or 0.0) * BINS)) == number]
        if inside:
            mean = sum(one.confidence or 0.0 for one in inside) / len(inside)
            bins.append(CalibrationBin(mean, intervals.wilson(round(sum(one.value for one in inside)), len(inside)), len(inside)))
    return bins


def calibration_error(bins: Sequence[CalibrationBin]) -> float:
    """Expected calibration error: the mean distance of the curve from the diagonal, by count."""
    total = sum(one.count for one in bins)
    return sum(abs(one.confidence - one.right.value) * one.count for one in bins) / total if total else 0.0


def average_precision(found: Sequence[Outcome], stated: Sequence[Outcome]) -> Interval:
    """Of one class: the mean of the best precision at 101 recalls (COCO's, at the overlap by which outcomes were matched), with a
    bootstrap over images. `found` are the known objects, at least one; `stated` have a confidence."""
    images = sorted({one.image for one in (*found, *stated)})
    index = {image: number for number, image in enumerate(images)}
    known = np.bincount([index[one.image] for one in found], minlength=len(images))
    order = sorted(stated, key=lambda one: -(one.confidence or 0.0))
    right, of_image = np.array([one.value for one in order]), np.array([index[one.image] for one in order], int)
    sureness = np.array([one.confidence or 0.0 for one in order])
    value = _area(right, np.ones(len(order)), sureness, float(known.sum()))
    picks = np.random.default_rng(intervals.SEED).integers(0, len(images), (intervals.RESAMPLES // 4, len(images)))
    times = np.stack([np.bincount(pick, minlength=len(images)) for pick in picks])
    drawn = [_area(right, one[of_image].astype(float), sureness, float(known @ one)) for one in times if known @ one]
    low, high = np.percentile(drawn, [2.5, 97.5])
    return Interval(value, float(low), float(high))


def _area(right: NDArray[np.float64], times: NDArray[np.float64], sureness: NDArray[np.float64], known: float) -> float:
    """Under the curve of precision over recall; what is equally sure comes in at once, so that its order does not count."""
    if not len(right):
        return 0.0
    last = np.append(sureness[1:] != sureness[:-1], True)
    good, all_ = np.cumsum(right * times)[last], np.cumsum(times)[last]
    recall, precision = good / known, good / np.maximum(all_, 1e-9)
    best = np.maximum.accumulate(precision[::-1])[::-1]
    at = np.searchsorted(recall, np.linspace(0, 1, 101) - 1e-9)
    return float(np.append(best, 0.0)[at].mean())
