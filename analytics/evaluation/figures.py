"""Outcomes added up: figures with their intervals, calibration curves, and two versions side by side."""

from collections.abc import Sequence
from dataclasses import dataclass

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
