"""Figures with a source left out: what a source that nobody had seen would give.

Rules have no learning by source, so nothing is to be left out of them: their figures are those of each source, and what
foretells a new one is the mean over sources and the worst of them, not the mean over images. It does so as far as rules were
not set while looking at these sources. The network of components is learned. Its plan says which sheets it learned from; figures
on sources of which it learned nothing stand apart.
"""

from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from math import sqrt
from statistics import mean, stdev

import yaml

from analytics.evaluation import figures
from analytics.evaluation.outcomes import MEASURES, Evaluation, Measure, Outcome, grouped

LEARNED = ("outline plants", "outline beetles")  # measures in which the network has a part
STUDENT_95 = {1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228, 15: 2.131}
FEWEST = 2  # sources
PLAN = "components.yaml"


def over_sources(evaluation: Evaluation) -> list[tuple[Measure, list[tuple[str, float, int]]]]:
    """Of each measure that has several sources: the figure of every source and how many units it has, worst first."""
    found = []
    for measure in MEASURES:
        groups = {name: several for name, several in grouped(evaluation.of(measure.key), "source").items() if name}
        if len(groups) >= FEWEST and measure.good:
            rows = [(name, figures.figure(several).interval.value, len(several)) for name, several in groups.items()]
            found.append((measure, sorted(rows, key=lambda row: row[1] if measure.good == "more" else -row[1])))
    return found


def mean_over(values: Sequence[float]) -> tuple[float, float, float]:
    """The mean of a figure over sources with its 95 % interval by Student's t: each source counts once, however many images."""
    middle = mean(values)
    freedom = len(values) - 1
    factor = STUDENT_95[max(known for known in STUDENT_95 if known <= freedom)]
    half = factor * stdev(values) / sqrt(len(values))
    return middle, middle - half, middle + half


@cache
def learned_from() -> Mapping[str, bool]:
    """Images of the plan that the shipped network was trained by: True for those it learned from, False for those held out."""
    plan = yaml.safe_load((resources.files("analytics") / "training" / "plans" / PLAN).read_text(encoding="utf-8"))
    return dict.fromkeys(plan["sheets"], True) | dict.fromkeys(plan["held_out_sheets"], False)


@cache
def held_out_beetles() -> int:
    """Every so-many-th crop was held out."""
    plan = yaml.safe_load((resources.files("analytics") / "training" / "plans" / PLAN).read_text(encoding="utf-8"))
    return int(plan["held_out_beetles"])


def by_learning(evaluation: Evaluation) -> list[tuple[Measure, str, list[Outcome]]]:
    """Outcomes of measures in which the network has a part, by whether it learned from the image, from others of its source, or
    from none of that source."""
    found = []
    for measure in MEASURES:
        if measure.key in LEARNED:
            groups: dict[str, list[Outcome]] = {}
            for one in evaluation.of(measure.key):
                groups.setdefault(_learned(one), []).append(one)
            found += [(measure, name, several) for name, several in sorted(groups.items())]
    return found


def _learned(outcome: Outcome) -> str:
    stem = outcome.image.rpartition("/")[2].rpartition(".")[0]
    if outcome.image.startswith("beetles/"):
        held_out = stem.isdigit() and int(stem[-1]) % held_out_beetles() == 0  # their last digits go from 0 to 7
        return "held out, of a source it learned from" if held_out else "learned from"
    return "learned from" if learned_from().get(stem) else "of a source it never saw"
