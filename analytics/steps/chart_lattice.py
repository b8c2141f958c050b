"""Where patches of one size stand in rows and columns, as on a colour chart: the lattice, at any angle, and its colours."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

Float = NDArray[np.float64]
FLAT = 14  # grey levels within three pixels, of any channel, that are still one patch
SMALLEST_PX, LARGEST_SHARE = 5.0, 0.12  # side of a patch: in pixels of the copy, and of its long side
SQUARE, FULL = 1.75, 0.72  # longest side to shortest, and area to that of the smallest rectangle around
ALIKE = 1.45  # sizes of neighbours
TURNED_DEG = 12.0  # between neighbours
NEXT, ASIDE = (0.9, 1.9), 0.3  # of the side: how far the next patch is, and how far off the line
REACH = 2.2  # of the side, along x and y: within it the next patches are looked for
FEWEST_PATCHES = 7
FULLEST = 0.55  # share of a lattice's cells, and half as much of each row, in which a patch was seen
MOST_GROUPS = 6
SAMPLED = 0.25  # of a cell's side to each way of its middle, whose median is the patch's colour


@dataclass(frozen=True, slots=True)
class Lattice:
    """`places` (rows, columns, 2) are the patches' middles in pixels of the copy, `colours` (rows, columns, 3) their median sRGB,
    0 to 255; `seen` (rows, columns) says which stood out by themselves; `corners` (4, 2) lie around all."""

    places: Float
    colours: Float
    seen: NDArray[np.bool_]
    corners: Float

    @property
    def shape(self) -> tuple[int, int]:
        return int(self.places.shape[0]), int(self.places.shape[1])


@dataclass(frozen=True, slots=True)
class _Square:
    middle: Float
    side: float
    degrees: float


def find(rgb: NDArray[np.uint8]) -> list[Lattice]:
    """Every lattice in (H, W, 3) uint8, the largest first."""
    squares = _squares(rgb)
    groups = sorted(_groups(squares), key=len, reverse=True)[:MOST_GROUPS]
    found = [_lattice([squares[index] for index in group], rgb) for group in groups if len(group) >= FEWEST_PATCHES]
    return [one for one in found if one is not None]


def _squares(rgb: NDArray[np.uint8]) -> list[_Square]:
    """Flat pieces that are about square."""
    smooth = cv2.medianBlur(np.ascontiguousarray(rgb), 3)
    steep = cv2.morphologyEx(smooth, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)).max(axis=2)
    flat = (steep <= FLAT).astype(np.uint8)
    _, numbers, stats, _ = cv2.connectedComponentsWithStats(flat, connectivity=4)
    longest = LARGEST_SHARE * max(rgb.shape[:2])
    width, height, area = stats[:, cv2.CC_STAT_WIDTH], stats[:, cv2.CC_STAT_HEIGHT], stats[:, cv2.CC_STAT_AREA]
    small = np.minimum(width, height) >= SMALLEST_PX - 2
    likely = small & (np.maximum(width, height) < 1.5 * longest) & (area > 0.4 * width * height) & (area > 8)
    found = []
    for index in np.flatnonzero(likely):
        left, top = stats[index, cv2.CC_STAT_LEFT], stats[index, cv2.CC_STAT_TOP]
        piece = (numbers[top : top + height[index], left : left + width[index]] == index).astype(np.uint8)
        edges, _ = cv2.findContours(piece, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
        outline = np.concatenate(edges)
        (x, y), (one, other), degrees = cv2.minAreaRect(outline)
        one, other = one + 1, other + 1
        if max(one, other) > SQUARE * min(one, other) or area[index] < FULL * one * other:
            continue
        side = float(np.sqrt(one * other)) + 2  # the border was not flat
        found.append(_Square(np.array([x + left, y + top]), side, float(degrees % 90)))
    return found


def _groups(squares: Sequence[_Square]) -> list[list[int]]:
    """Squares that are neighbours of one another."""
    if not squares:
        return []
    neighbours = _neighbours(squares)
    free, groups = set(range(len(squares))), []
    while free:
        queue = deque([free.pop()])
        group = list(queue)
        while queue:
            beside = [index for index in neighbours[queue.popleft()].tolist() if index in free]
            free.difference_update(beside)
            queue.extend(beside)
            group.extend(beside)
        groups.append(group)
    return groups


def _neighbours(squares: Sequence[_Square]) -> list[NDArray[np.int64]]:
    """Of each square the indices of those next to it along one of its sides. Graph paper has tens of thousands."""
    middles = np.array([one.middle for one in squares])
    sides, turns = np.array([one.side for one in squares]), np.array([one.degrees for one in squares])
    around = cKDTree(middles).query_ball_point(middles, REACH * sides, p=np.inf, return_sorted=True)
    found = []
    for here, several in enumerate(around):
        near = np.array(several, np.int64)
        off, side, angle = middles[near] - middles[here], sides[here], np.radians(turns[here])
        alike = np.maximum(sides[near] / side, side / sides[near]) < ALIKE
        turned = np.abs((turns[near] - turns[here] + 45) % 90 - 45) < TURNED_DEG
        along = np.abs(off @ np.array([np.cos(angle), np.sin(angle)])) / side
        across = np.abs(off @ np.array([-np.sin(angle), np.cos(angle)])) / side
        far, aside = np.maximum(along, across), np.minimum(along, across)
        found.append(near[alike & turned & (far > NEXT[0]) & (far < NEXT[1]) & (aside < ASIDE)])
    return found


def _lattice(group: Sequence[_Square], rgb: NDArray[np.uint8]) -> Lattice | None:
    """The rows and columns of the group, or None where most cells are empty."""
    cells = _cells(group)
    if cells is None:
        return None
    numbers, middles = cells
    numbers = numbers - numbers.min(axis=0)
    keep = np.ones(len(numbers), bool)
    columns, rows = (int(value) + 1 for value in numbers.max(axis=0))
    for axis, count in ((0, columns), (1, rows)):
        across = rows if axis == 0 else columns
        held = np.bincount(numbers[:, axis], minlength=count)
        keep &= held[numbers[:, axis]] >= 0.5 * FULLEST * across
    numbers, middles = numbers[keep], middles[keep]
    if len(numbers) < FEWEST_PATCHES:
        return None
    numbers = numbers - numbers.min(axis=0)
    columns, rows = (int(value) + 1 for value in numbers.max(axis=0))
    if min(rows, columns) < 2 or len(np.unique(numbers, axis=0)) < FULLEST * rows * columns:
        return None
    side = float(np.median([one.side for one in group]))
    matrix, _ = cv2.findHomography(numbers.astype(np.float64), middles, cv2.RANSAC, 0.25 * side)
    if matrix is None:
        return None
    grid = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).astype(np.float64)
    places = cv2.perspectiveTransform(grid.reshape(-1, 1, 2), matrix).reshape(rows, columns, 2)
    ends = np.array([[[-0.6, -0.6], [columns - 0.4, -0.6], [columns - 0.4, rows - 0.4], [-0.6, rows - 0.4]]])
    corners = cv2.perspectiveTransform(ends, matrix)[0]
    seen = np.zeros((rows, columns), bool)
    seen[numbers[:, 1], numbers[:, 0]] = True
    return Lattice(places, _colours(rgb, places, SAMPLED * side), seen, corners)


def _cells(group: Sequence[_Square]) -> tuple[NDArray[np.int64], Float] | None:
    """Column and row of each square, counted from neighbour to neighbour, and its middle."""
    middles, turns = np.array([one.middle for one in group]), np.array([one.degrees for one in group])
    neighbours = _neighbours(group)
    mean = np.exp(1j * np.radians(4 * turns)).mean()
    angle = float(np.angle(mean)) / 4
    across, down = np.array([np.cos(angle), np.sin(angle)]), np.array([-np.sin(angle), np.cos(angle)])
    steps: dict[str, list[float]] = {"across": [], "down": []}
    pairs = [(here, other) for here in range(len(group)) for other in neighbours[here].tolist()]
    for here, other in pairs:
        off = middles[other] - middles[here]
        x, y = abs(float(off @ across)), abs(float(off @ down))
        steps["across" if x > y else "down"].append(max(x, y))
    if not steps["across"] or not steps["down"]:
        return None
    pitch = float(np.median(steps["across"])), float(np.median(steps["down"]))
    known = {0: (0, 0)}
    queue = deque([0])
    while queue:
        here = queue.popleft()
        for other in neighbours[here].tolist():
            if other in known:
                continue
            off = middles[other] - middles[here]
            step = round(float(off @ across) / pitch[0]), round(float(off @ down) / pitch[1])
            if abs(step[0]) + abs(step[1]) == 1:
                known[other] = (known[here][0] + step[0], known[here][1] + step[1])
                queue.append(other)
    order = sorted(known)
    return np.array([known[index] for index in order], np.int64), middles[order]


def _colours(rgb: NDArray[np.uint8], places: Float, reach: float) -> Float:
    """Median colour around each place; that of the nearest pixel where it lies at the edge."""
    height, width = rgb.shape[:2]
    colours = np.zeros((*places.shape[:2], 3))
    r = max(int(reach), 1)
    for index in np.ndindex(*places.shape[:2]):
        x, y = (round(float(value)) for value in places[index])
        x, y = int(np.clip(x, 0, width - 1)), int(np.clip(y, 0, height - 1))
        colours[index] = np.median(rgb[max(y - r, 0) : y + r + 1, max(x - r, 0) : x + r + 1].reshape(-1, 3), axis=0)
    return colours
