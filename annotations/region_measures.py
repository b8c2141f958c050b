"""What is asked of regions: area, whether a place lies in one, whether two meet, and how much they share.

Rings are measured as drawn, exactly up to rounding, also where they cross themselves; as soon as a mask is among them, both
are measured in pixels by the pixel-centre rule. Boxes and rings are half-open: two that only touch do not meet.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotations.errors import AnnotationTooBig
from annotations.model import Point, Ring
from annotations.region_masks import Mask
from annotations.regions import Region, holds

MAX_CROSSING_SIDES = 1_500  # at one height, where sides cross there
MAX_CROSSINGS = 20_000
TOO_TANGLED = "A shape with so many sides that cross each other cannot be measured."
Floats = NDArray[np.float64]


def area(region: Region) -> float:
    """In canvas units squared; 0 for points and lines. Raises AnnotationTooBig where thousands of sides cross each other."""
    if region.mask is not None:
        return float(region.mask.count())
    return covered(region.outlines())


def contains(region: Region, x: float, y: float) -> bool:
    """Whether the place belongs to it: by the half-open rule for areas, exactly on it for points and lines."""
    if region.mask is not None:
        return bool(region.mask.window(math.floor(x), math.floor(y), 1, 1)[0, 0])
    if region.has_area and holds(region.outlines(), x, y):
        return True
    if region.point is not None and not region.rings and not region.lines:
        return region.point == (x, y)
    here = np.array([[x, y, x, y]], np.float64)
    return bool(region.lines) and _meet(_sides(region.lines), here)


def intersects(one: Region, other: Region) -> bool:
    """Whether they have a part in common: areas more than an edge, points and lines at least a place."""
    if not _boxes_meet(one, other):
        return False
    if one.has_area and other.has_area and shared(one, other) > 0:
        return True
    return any(_thin_meets(thin, region) for thin, region in ((one, other), (other, one)) if _thin(thin))


def iou(one: Region, other: Region) -> float:
    """Area in common over area of both together, 0 to 1; 0 where neither has any."""
    if one.mask is not None or other.mask is not None:
        masks = one.raster(), other.raster()
        sizes = [0 if mask is None else mask.count() for mask in masks]
        both: float = _shared_pixels(*masks)
        together = sum(sizes) - both
    else:
        both = shared(one, other) if _boxes_meet(one, other) else 0.0
        together = area(one) + area(other) - both
    return min(1.0, both / together) if together > 0 else 0.0


def shared(one: Region, other: Region) -> float:
    """The area that both cover."""
    if one.mask is not None or other.mask is not None:
        return float(_shared_pixels(one.raster(), other.raster()))
    return covered(one.outlines(), other.outlines())


def covered(rings: Sequence[Ring], others: Sequence[Ring] | None = None) -> float:
    """The area within the rings, and within the others too if they are given, each by the even-odd rule.

    It is summed over bands between the heights of all corners and crossings: within one the sides keep their order, so
    the length that is covered grows evenly, and the length in the middle times the height is exact.
    """
    sides = _downwards(rings, 0)
    if others is not None:
        sides = np.concatenate([sides, _downwards(others, 1)])
    sides = sides[np.argsort(sides[:, 1], kind="stable")]
    heights = np.unique(sides[:, [1, 3]])
    parts, active, begun, crossings = [], sides[:0], 0, 0
    for top, bottom in pairwise(heights.tolist()):
        until = int(np.searchsorted(sides[:, 1], top, side="right"))
        active = np.concatenate([active[active[:, 3] > top], sides[begun:until]])
        begun = until
        bands = _bands(active, top, bottom)
        crossings += len(bands) - 2
        if crossings > MAX_CROSSINGS:
            raise AnnotationTooBig(TOO_TANGLED, parameter="selector")
        for upper, lower in pairwise(bands):
            parts.append(_length(active, (upper + lower) / 2, others is not None) * (lower - upper))
    return math.fsum(parts)


def _bands(active: Floats, top: float, bottom: float) -> list[float]:
    """Top, bottom, and between them the heights at which sides cross."""
    above, below = _at(active, top), _at(active, bottom)
    order = np.lexsort((below, above))
    if not (np.diff(below[order]) < 0).any():
        return [top, bottom]
    if len(active) > MAX_CROSSING_SIDES:
        raise AnnotationTooBig(TOO_TANGLED, parameter="selector")
    left, right = np.subtract.outer(above, above), np.subtract.outer(below, below)
    crossing = (left < 0) & (right > 0)
    shares = left[crossing] / (left[crossing] - right[crossing])
    return [top, *np.unique(top + (bottom - top) * shares).tolist(), bottom]


def _length(active: Floats, height: float, of_both: bool) -> float:
    places = _at(active, height)
    order = np.argsort(places, kind="stable")
    which = active[order, 4]
    inside = np.cumsum(which == 0) % 2 == 1
    if of_both:
        inside &= np.cumsum(which == 1) % 2 == 1
    return float((np.diff(places[order]) * inside[:-1]).sum())


def _at(sides: Floats, height: float) -> Floats:
    """Where the sides, which all reach that height, have it."""
    x0, y0, x1, y1, _ = sides.T
    along = np.clip(x0 + (height - y0) * ((x1 - x0) / (y1 - y0)), np.minimum(x0, x1), np.maximum(x0, x1))
    return np.asarray(np.where(height == y1, x1, along))


def _downwards(rings: Sequence[Ring], which: int) -> Floats:
    """(N, 5) x0, y0, x1, y1, which of every side that is not level, y0 above y1."""
    if not rings:
        return np.zeros((0, 5))
    sides = np.concatenate([np.hstack([points, np.roll(points, -1, axis=0)]) for points in map(_array, rings)])
    sides = sides[sides[:, 1] != sides[:, 3]]
    upwards = sides[:, 1] > sides[:, 3]
    sides[upwards] = sides[upwards][:, [2, 3, 0, 1]]
    return np.hstack([sides, np.full((len(sides), 1), float(which))])


def _array(path: Sequence[Point]) -> Floats:
    return np.array(path, np.float64)


def _boxes_meet(one: Region, other: Region) -> bool:
    a, b = one.box, other.box
    return a.x0 <= b.x1 and b.x0 <= a.x1 and a.y0 <= b.y1 and b.y0 <= a.y1


def _shared_pixels(one: Mask | None, other: Mask | None) -> int:
    if one is None or other is None:
        return 0
    left, top = max(one.x, other.x), max(one.y, other.y)
    width = min(one.x + one.width, other.x + other.width) - left
    height = min(one.y + one.height, other.y + other.height) - top
    if width <= 0 or height <= 0:
        return 0
    return int((one.window(left, top, width, height) & other.window(left, top, width, height)).sum())


def _thin(region: Region) -> bool:
    return region.point is not None or bool(region.lines)


def _thin_meets(thin: Region, region: Region) -> bool:
    """Whether the point or the lines of the first meet the second."""
    places = [thin.point] if thin.point is not None else []
    ends = [point for line in thin.lines for point in line]
    if any(contains(region, x, y) for x, y in (*places, *ends)):
        return True
    others = [*region.lines, *((*ring, ring[0]) for ring in region.outlines())]
    sides = _sides([*thin.lines, *[(place, place) for place in places]])
    return bool(others) and bool(thin.lines) and _meet(sides, _sides(others))


def _sides(lines: Sequence[Sequence[Point]]) -> Floats:
    """(N, 4) x0, y0, x1, y1 of every piece of the lines."""
    return np.concatenate([np.hstack([points[:-1], points[1:]]) for points in map(_array, lines)])


def _meet(some: Floats, others: Floats) -> bool:
    """Whether any two straight pieces have a place in common."""
    return any(_meets_one(piece, others) for piece in some)


def _meets_one(piece: Floats, others: Floats) -> bool:
    x0, y0, x1, y1 = piece
    ox0, oy0, ox1, oy1 = others.T
    near = (np.minimum(ox0, ox1) <= max(x0, x1)) & (np.maximum(ox0, ox1) >= min(x0, x1))
    near &= (np.minimum(oy0, oy1) <= max(y0, y1)) & (np.maximum(oy0, oy1) >= min(y0, y1))
    ox0, oy0, ox1, oy1 = others[near].T
    first = np.sign((x1 - x0) * (oy0 - y0) - (y1 - y0) * (ox0 - x0))
    last = np.sign((x1 - x0) * (oy1 - y0) - (y1 - y0) * (ox1 - x0))
    begin = np.sign((ox1 - ox0) * (y0 - oy0) - (oy1 - oy0) * (x0 - ox0))
    end = np.sign((ox1 - ox0) * (y1 - oy0) - (oy1 - oy0) * (x1 - ox0))
    return bool(((first * last <= 0) & (begin * end <= 0)).any())
