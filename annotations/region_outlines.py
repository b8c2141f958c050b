"""Regions with fewer points, and regions cut at the edge of their canvas."""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from annotations import region_masks
from annotations.model import CanvasBox, Line, Point, Ring
from annotations.region_masks import Mask
from annotations.regions import MAX_OUTLINE_POINTS, Region, bounds, box_ring, settled

MAX_APPROXIMATE_POINTS = 2_000
Floats = NDArray[np.float64]
MAX_TRACED_POINTS = 100_000


def simplified(region: Region, most: int = MAX_APPROXIMATE_POINTS) -> Region:
    """Rings and lines of up to `most` points, 3 or more, by Douglas and Peucker's method; the same if it has no more.

    Its tolerance says how far, in canvas units, a place left out lies at most from the outline that is left; parts and
    holes no wider than twice that may be missing. The largest of them stays in any case. A mask becomes its rings.
    """
    rings, coarse = (region.rings, 0.0) if region.mask is None else _traced(region.mask)
    paths = [*rings, *region.lines]
    if sum(map(len, paths)) <= most:
        return replace(region, rings=rings, mask=None, tolerance=region.tolerance + coarse)
    largest = max(range(len(paths)), key=lambda number: _size(paths[number]))
    weights = [_weights(path, closed=number < len(rings), stays=number == largest) for number, path in enumerate(paths)]
    ordered = np.sort(np.concatenate(weights))
    tolerance = float(ordered[len(ordered) - most - 1])
    kept = [
        tuple(point for point, stays in zip(path, (weight > tolerance).tolist(), strict=True) if stays)
        for path, weight in zip(paths, weights, strict=True)
    ]
    left, lines = kept[: len(rings)], kept[len(rings) :]
    total = region.tolerance + coarse + tolerance
    return Region(region.box, tuple(filter(None, left)), tuple(filter(None, lines)), region.point, tolerance=total)


def storable(region: Region) -> Region:
    """The region in the form in which it is stored (`regions.settled`), with no more points than that takes."""
    kept = settled(region)
    return kept if kept.mask is not None else simplified(kept, MAX_OUTLINE_POINTS)


def within(region: Region, width: int, height: int) -> Region | None:
    """What of it lies on the canvas of that size, in its own box; None if nothing does."""
    left, top, right, bottom = 0.0, 0.0, float(width), float(height)
    box = region.box
    extent = bounds([box_ring(box), *region.rings, *region.lines])
    if extent.x0 >= left and extent.y0 >= top and extent.x1 <= right and extent.y1 <= bottom:
        return region
    edge = CanvasBox(max(box.x0, left), max(box.y0, top), min(box.x1, right), min(box.y1, bottom))
    if region.kind == "box":
        return replace(region, box=edge) if edge.x1 > edge.x0 and edge.y1 > edge.y0 else None
    if region.mask is not None:
        pixels = region.mask.on_canvas(width, height)
        mask = Mask.of_pixels(pixels) if pixels.any() else None
        return None if mask is None else Region(mask.box, mask=mask, tolerance=region.tolerance)
    rings = tuple(ring for one in region.rings if len(ring := cut_ring(one, right, bottom)) >= 3)
    lines = tuple(piece for line in region.lines for piece in cut_line(line, right, bottom))
    point = region.point if region.point and left <= region.point[0] <= right and top <= region.point[1] <= bottom else None
    if not (rings or lines or point):
        return None
    around = bounds([*rings, *lines, *([(point,)] if point else [])])
    return Region(around, rings, lines, point, tolerance=region.tolerance)


def cut_ring(ring: Ring, right: float, bottom: float) -> Ring:
    """The ring within the canvas (Sutherland and Hodgman): even-odd filling of what is left is that of the whole, cut."""
    points = list(ring)
    for axis, limit, sign in ((0, 0.0, 1), (0, right, -1), (1, 0.0, 1), (1, bottom, -1)):
        made: list[Point] = []
        for one, other in zip(points, points[1:] + points[:1], strict=True):
            inside, next_inside = (sign * (point[axis] - limit) >= 0 for point in (one, other))
            if inside:
                made.append(one)
            if inside != next_inside:
                made.append(_at(one, other, axis, limit))
        points = made
    kept = tuple(point for number, point in enumerate(points) if point != points[number - 1])
    return kept if len({x for x, _ in kept}) > 1 and len({y for _, y in kept}) > 1 else ()  # else it only touched the edge


def cut_line(line: Line, right: float, bottom: float) -> list[Line]:
    """The parts of the line within the canvas."""
    found: list[list[Point]] = []
    for one, other in pairwise(line):
        piece = _piece(one, other, right, bottom)
        if piece is None:
            continue
        if found and found[-1][-1] == piece[0]:
            found[-1].append(piece[1])
        else:
            found.append(list(piece))
    return [tuple(piece) for piece in found]


def _piece(one: Point, other: Point, right: float, bottom: float) -> tuple[Point, Point] | None:
    ends = [one, other]
    for axis, limit, sign in ((0, 0.0, 1), (0, right, -1), (1, 0.0, 1), (1, bottom, -1)):
        inside = [sign * (point[axis] - limit) >= 0 for point in ends]
        if not any(inside):
            return None
        if not all(inside):
            ends[inside.index(False)] = _at(ends[0], ends[1], axis, limit)
    return None if ends[0] == ends[1] else (ends[0], ends[1])


def _at(one: Point, other: Point, axis: int, limit: float) -> Point:
    """Where the side between them meets the limit; the same whichever way the side runs."""
    one, other = sorted((one, other))
    share = (limit - one[axis]) / (other[axis] - one[axis])
    across = one[1 - axis] + share * (other[1 - axis] - one[1 - axis])
    across = min(max(across, min(one[1 - axis], other[1 - axis])), max(one[1 - axis], other[1 - axis]))
    return (limit, across) if axis == 0 else (across, limit)


def _traced(mask: Mask) -> tuple[tuple[Ring, ...], float]:
    """Its rings, up to about MAX_TRACED_POINTS of them, and how far they may lie from those of the mask itself.

    A border of more is traced on a copy whose pixels are blocks of the mask's, set where half of the block is.
    """
    rings, side = region_masks.trace(mask), 1
    while sum(map(len, rings)) > MAX_TRACED_POINTS:
        side *= 2
        rings = region_masks.trace(_of_blocks(mask, side))
    far = (0.0, 0.0) if side == 1 else (float(mask.x), float(mask.y))
    grown = tuple(tuple((x * side + far[0], y * side + far[1]) for x, y in ring) for ring in rings)
    return grown, 0.0 if side == 1 else side * math.sqrt(2)


def _of_blocks(mask: Mask, side: int) -> Mask:
    """A mask at the origin, a pixel for each block of so many by so many; of the block that is fullest at least."""
    pixels = mask.pixels()
    high, wide = -pixels.shape[0] % side, -pixels.shape[1] % side
    blocks = np.pad(pixels, ((0, high), (0, wide))).reshape((pixels.shape[0] + high) // side, side, -1, side)
    counts = blocks.sum(axis=(1, 3))
    return Mask.of_pixels(counts >= min(side * side / 2, counts.max()))


def _size(path: Sequence[Point]) -> float:
    x, y = _array(path).T
    return float(np.hypot(np.ptp(x), np.ptp(y)))


def _weights(path: Sequence[Point], *, closed: bool, stays: bool) -> Floats:
    """For each point the tolerance from which on it is left out, infinite for three (two of a line) if the path stays.

    All points of a path that may vanish are gone as soon as they lie within the tolerance of its longest chord.
    """
    points = _array(path)
    if not closed:
        weights = _between(points)
        ends, least = [0, len(points) - 1], _size(path) / 2
        weights[1:-1] = np.minimum(weights[1:-1], math.inf if stays else least)
        weights[ends] = math.inf if stays else least
        return weights
    middle = int(np.hypot(*(points - points[0]).T).argmax())
    round_again = np.concatenate([points, points[:1]])
    weights = np.concatenate([_between(round_again[: middle + 1])[:-1], _between(round_again[middle:])[:-1]])
    ends = [0, middle]
    weights[ends] = 0.0
    third = int(weights.argmax())
    weights[[*ends, third]] = math.inf if stays else weights[third]
    return weights


def _between(points: Floats) -> Floats:
    """For each point of an open path, its ends excepted, when Douglas and Peucker's method leaves it out."""
    weights = np.zeros(len(points))
    left = [(0, len(points) - 1, math.inf)]
    while left:
        begin, end, limit = left.pop()
        if end - begin < 2:
            continue
        distances = _distances(points[begin + 1 : end], points[begin], points[end])
        farthest = int(distances.argmax())
        limit = min(limit, float(distances[farthest]))
        weights[begin + 1 + farthest] = limit
        left += [(begin, begin + 1 + farthest, limit), (begin + 1 + farthest, end, limit)]
    return weights


def _distances(points: Floats, begin: Floats, end: Floats) -> Floats:
    """From each point to the straight piece between the two ends."""
    along, from_begin = end - begin, points - begin
    length = float(along @ along)
    shares = np.clip(from_begin @ along / length, 0, 1) if length > 0 else np.zeros(len(points))
    off = from_begin - shares[:, np.newaxis] * along
    return np.asarray(np.hypot(off[:, 0], off[:, 1]))


def _array(path: Sequence[Point]) -> Floats:
    return np.array(path, np.float64)
