"""How far drawn regions agree, by intersection over union, and the one that stands for several: a shape somebody really drew.

Rings are read by the even-odd rule, as everywhere (`annotations/regions.py`). Units are those of the canvas.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
import shapely
from scipy.optimize import linear_sum_assignment
from shapely.geometry.base import BaseGeometry

from annotations.regions import Region

LEAST = 0.5  # of intersection over union: below, two shapes are not of the same thing


@dataclass(frozen=True, slots=True)
class Matched:
    """Two sets of regions, matched: pairs of places in both with their overlap; those that are alone in either."""

    pairs: tuple[tuple[int, int, float], ...]
    alone_ours: int
    alone_theirs: int

    @property
    def f1(self) -> float | None:
        """2TP / (2TP + FP + FN); None where there is nothing in either."""
        whole = 2 * len(self.pairs) + self.alone_ours + self.alone_theirs
        return 2 * len(self.pairs) / whole if whole else None

    def labels_agree(self, ours: Sequence[Hashable], theirs: Sequence[Hashable]) -> tuple[int, int]:
        """In how many of the pairs both have the same label, and how many pairs there are."""
        return sum(ours[one] == theirs[other] for one, other, _ in self.pairs), len(self.pairs)


def shape(region: Region) -> BaseGeometry | None:
    """Its area; None of a line or a point, which have none."""
    rings = [shapely.make_valid(shapely.Polygon(ring)) for ring in region.outlines()]
    whole: Any = reduce(shapely.symmetric_difference, rings) if rings else None
    return whole if whole is not None and whole.area > 0 else None


def overlap(one: BaseGeometry, other: BaseGeometry) -> float:
    """Intersection over union, 0 to 1."""
    both = shapely.intersection(one, other).area
    whole = one.area + other.area - both
    return float(both / whole) if whole > 0 else 0.0


def match(ours: Sequence[BaseGeometry], theirs: Sequence[BaseGeometry], least: float = LEAST) -> Matched:
    """The pairs, each shape in one at most, whose overlaps are greatest in all; none below `least`."""
    if not ours or not theirs:
        return Matched((), len(ours), len(theirs))
    overlaps = np.array([[overlap(one, other) for other in theirs] for one in ours])
    rows, columns = linear_sum_assignment(1 - np.where(overlaps >= least, overlaps, 0))
    pairs = tuple(
        (int(one), int(other), float(overlaps[one, other]))
        for one, other in zip(rows, columns, strict=True)
        if overlaps[one, other] >= least
    )
    return Matched(pairs, len(ours) - len(pairs), len(theirs) - len(pairs))


def medoid(shapes: Sequence[BaseGeometry]) -> tuple[int, float]:
    """The place of the shape that overlaps the others most, the first of equals, and the mean of its overlaps; of one: 1.

    ValueError for none.
    """
    if not shapes:
        raise ValueError("of no shapes there is no medoid")
    if len(shapes) == 1:
        return 0, 1.0
    overlaps = np.array([[overlap(one, other) for other in shapes] for one in shapes])
    means = (overlaps.sum(axis=1) - np.diag(overlaps)) / (len(shapes) - 1)
    best = int(means.argmax())
    return best, float(means[best])


def clusters(drawn: Sequence[tuple[str, BaseGeometry]], least: float = LEAST) -> list[list[int]]:
    """Which of the shapes, each with who drew it, are of the same thing: the largest group first. Two of one person never are."""
    groups: list[list[int]] = []
    for place, (who, one) in enumerate(drawn):
        near = [
            (overlap(drawn[group[medoid([drawn[member][1] for member in group])[0]]][1], one), number)
            for number, group in enumerate(groups)
            if all(drawn[member][0] != who for member in group)
        ]
        best = max(near, default=(0.0, -1))
        if best[0] >= least:
            groups[best[1]].append(place)
        else:
            groups.append([place])
    return sorted(groups, key=len, reverse=True)
