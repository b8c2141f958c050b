"""Lines of text into blocks, and a block's lines into reading order."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from analytics.steps.ocr_engine import TextLine

GAP_BELOW = 1.1  # of the line height: more parts two blocks
GAP_BESIDE = 2.0
UNLIKE_HEIGHTS = 3.0
WITHIN = 0.7  # of a block within the bounds of another: it is part of that
REGION_GAP = 7.0  # of the line height: what is nearer may be of one label

Bounds = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass(frozen=True, slots=True)
class _Extent:
    """A line along its reading direction (a to b) and across it (c to d)."""

    a0: float
    a1: float
    c0: float
    c1: float

    @property
    def height(self) -> float:
        return self.c1 - self.c0


def is_upright(line: TextLine) -> bool:
    """Whether the line runs from side to side, rather than up or down the picture."""
    x0, y0, x1, y1 = line.bounds
    return (x1 - x0) * 1.5 >= y1 - y0


def blocks(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    """Groups of neighbouring lines of like height and direction, each in reading order; the groups from the top down."""
    groups: list[list[TextLine]] = []
    for upright in (True, False):
        those = [line for line in lines if is_upright(line) == upright]
        extents = [_extent(line, upright) for line in those]
        found = [[those[index] for index in group] for group in _connected(extents)]
        groups += [in_order(group) for group in _with_what_lies_in_them(found)]
    return sorted(groups, key=lambda group: (bounds(group)[1], bounds(group)[0]))


def _with_what_lies_in_them(groups: Sequence[list[TextLine]]) -> list[list[TextLine]]:
    """Groups, each with those that lie within its bounds: a word far to the right of a row is of the same label."""
    kept: list[list[TextLine]] = []
    for group in sorted(groups, key=lambda group: -_area(bounds(group))):
        inside = bounds(group)
        holder = next((other for other in kept if _share_inside(inside, bounds(other)) > WITHIN), None)
        if holder is None:
            kept.append(list(group))
        else:
            holder.extend(group)
    return kept


def _share_inside(one: Bounds, other: Bounds) -> float:
    """How much of the area of one lies in the other."""
    width, height = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    return max(0.0, width) * max(0.0, height) / max(_area(one), 1.0)


def _area(box: Bounds) -> float:
    return (box[2] - box[0]) * (box[3] - box[1])


def regions(lines: Sequence[TextLine], line_px: float, longest_px: float) -> list[list[TextLine]]:
    """Blocks that stand near each other, together: what is written between them may have been missed.

    Never so many that the region, scaled until its lines are `line_px` high, is longer than `longest_px`.
    """
    found = [_Group.of(block) for block in blocks(lines)]
    index = 0
    while index < len(found):
        beside = range(index + 1, len(found))
        near = next((other for other in beside if _belong(found[index], found[other], line_px, longest_px)), None)
        if near is None:
            index += 1
            continue
        joined = _Group.of([*found[index].lines, *found.pop(near).lines])
        found[index] = joined  # of those before it, only what has grown may be near now
        index = next((one for one in range(index) if _belong(found[one], joined, line_px, longest_px)), index)
    return [list(group.lines) for group in found]


@dataclass(frozen=True, slots=True)
class _Group:
    """Lines that stand together, and what tells whether others do: measured once, for there may be hundreds of groups."""

    lines: tuple[TextLine, ...]
    upright: bool
    height: float
    bounds: Bounds

    @classmethod
    def of(cls, lines: Sequence[TextLine]) -> "_Group":
        return cls(tuple(lines), is_upright(lines[0]), line_height(lines), bounds(lines))


def line_height(lines: Sequence[TextLine]) -> float:
    """The median height of the letters' lines, in pixels."""
    return max(1.0, float(np.median([_height(line) for line in lines])))


def _belong(one: _Group, other: _Group, line_px: float, longest_px: float) -> bool:
    """Whether two groups run the same way, are of like height, and lie within a few lines of one another."""
    if one.upright != other.upright:
        return False
    height = max(one.height, other.height)
    if height > UNLIKE_HEIGHTS * min(one.height, other.height):
        return False
    a, b = one.bounds, other.bounds
    if max(max(a[0], b[0]) - min(a[2], b[2]), max(a[1], b[1]) - min(a[3], b[3])) > REGION_GAP * height:
        return False
    longest = max(max(a[2], b[2]) - min(a[0], b[0]), max(a[3], b[3]) - min(a[1], b[1]))
    if longest > longest_px:
        return False
    return longest * max(1.0, line_px / line_height([*one.lines, *other.lines])) <= longest_px


def in_order(lines: Sequence[TextLine]) -> list[TextLine]:
    """Row by row, each from left to right."""
    return [line for row in rows(lines) for line in row]


def rows(lines: Sequence[TextLine]) -> list[list[TextLine]]:
    """Lines that stand side by side, together; rows from the top down."""
    found: list[list[TextLine]] = []
    for line in sorted(lines, key=lambda line: _middle(line)):
        last = found[-1] if found else []
        if last and abs(_middle(line) - np.mean([_middle(other) for other in last])) < 0.5 * _height(line):
            last.append(line)
        else:
            found.append([line])
    return [sorted(row, key=lambda line: line.bounds[0]) for row in found]


def text_of(lines: Sequence[TextLine]) -> str:
    """The text as it stands there: rows one below the other."""
    return "\n".join(" ".join(line.text for line in row) for row in rows(lines))


def bounds(lines: Sequence[TextLine]) -> Bounds:
    """x0, y0, x1, y1 around all the lines."""
    corners = np.vstack([line.quad for line in lines])
    (x0, y0), (x1, y1) = corners.min(axis=0), corners.max(axis=0)
    return float(x0), float(y0), float(x1), float(y1)


def _connected(extents: Sequence[_Extent]) -> list[list[int]]:
    """Indices of extents that touch, directly or through others."""
    left, groups = set(range(len(extents))), []
    while left:
        group, edge = [], [left.pop()]
        while edge:
            index = edge.pop()
            group.append(index)
            near = [other for other in left if _near(extents[index], extents[other])]
            left.difference_update(near)
            edge.extend(near)
        groups.append(sorted(group))
    return groups


def _near(one: _Extent, other: _Extent) -> bool:
    height = min(one.height, other.height)
    if max(one.height, other.height) > UNLIKE_HEIGHTS * height:
        return False
    height = 0.5 * (one.height + other.height)
    beside = max(one.a0, other.a0) - min(one.a1, other.a1)
    below = max(one.c0, other.c0) - min(one.c1, other.c1)
    return (beside < 0 and below < GAP_BELOW * height) or (below < -0.4 * height and beside < GAP_BESIDE * height)


def _extent(line: TextLine, upright: bool) -> _Extent:
    x0, y0, x1, y1 = line.bounds
    return _Extent(x0, x1, y0, y1) if upright else _Extent(y0, y1, x0, x1)


def _middle(line: TextLine) -> float:
    return float(line.quad[:, 1].mean())


def _height(line: TextLine) -> float:
    """Of the letters, also where the line is askew."""
    quad = line.quad
    return float(min(np.hypot(*(quad[3] - quad[0])), np.hypot(*(quad[1] - quad[0]))))
