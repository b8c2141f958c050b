"""One ring for a region with holes and parts, by bridges out and back along the same line; and such rings cut again."""

from collections.abc import Sequence

import numpy as np
from shapely import Polygon

from annotations import region_masks
from annotations.model import Ring
from annotations.regions import turned_back


def bridged(rings: Sequence[Ring]) -> Ring:
    """All of them as one ring that covers the same by the even-odd rule: each joined at the nearest corners."""
    joined = list(rings[0])
    left = list(rings[1:])
    while left:
        points = np.array(joined, np.float64)
        best = min(range(len(left)), key=lambda number: _nearest(points, left[number])[0])
        other = left.pop(best)
        _, at, begin = _nearest(points, other)
        round_other = [*other[begin:], *other[:begin], other[begin]]
        joined[at + 1 : at + 1] = [*round_other, joined[at]]
    return tuple(joined)


def _nearest(points: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]", other: Ring) -> tuple[float, int, int]:
    """The squared distance of the nearest two corners, and their places."""
    theirs = np.array(other, np.float64)
    steps = ((points[:, np.newaxis] - theirs[np.newaxis]) ** 2).sum(axis=2)
    at, begin = np.unravel_index(int(steps.argmin()), steps.shape)
    return float(steps[at, begin]), int(at), int(begin)


def unbridged(ring: Ring) -> tuple[Ring, ...]:
    """The rings that were joined: cut wherever a side is followed forth and back."""
    found: list[Ring] = []
    left = [list(ring)]
    while left:
        points = left.pop()
        cut = _bridge(points)
        if cut is None:
            if len(points) >= 3:
                found.append(tuple(points))
            continue
        begin, end = cut
        inner, outer = points[begin + 1 : end + 1], points[: begin + 1] + points[end + 2 :]
        left += [_opened(inner), _opened(outer)]
    return tuple(sorted(found, key=lambda one: -abs(region_masks.signed_area(one))))


def _bridge(points: list[tuple[float, float]]) -> tuple[int, int] | None:
    """Places of the beginnings of two sides that are one line forth and back."""
    seen: dict[tuple[tuple[float, float], tuple[float, float]], int] = {}
    for place, (one, other) in enumerate(zip(points, points[1:] + points[:1], strict=True)):
        if one == other:
            continue
        if (other, one) in seen and place > seen[other, one] + 1:
            return seen[other, one], place
        seen[one, other] = place
    return None


def _opened(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    return points[:-1] if len(points) > 1 and points[0] == points[-1] else points


def turned_rectangle(rings: Sequence[Ring]) -> Ring:
    """The smallest rectangle around the rings, turned as it may be: four corners, clockwise from the upper left."""
    points = [point for ring in rings for point in ring]
    around = Polygon(points).minimum_rotated_rectangle if len(points) > 2 else Polygon(points).envelope
    return from_upper_left(tuple((float(x), float(y)) for x, y in list(around.exterior.coords)[:4]))


def from_upper_left(ring: Ring) -> Ring:
    """The ring clockwise on the screen, from the corner that is farthest to the upper left."""
    clockwise = ring if region_masks.signed_area(ring) >= 0 else turned_back(ring)
    first = min(range(len(clockwise)), key=lambda place: (sum(clockwise[place]), clockwise[place][1]))
    return (*clockwise[first:], *clockwise[:first])
