"""Masks: which pixels belong to a region. From rings by the pixel-centre rule, and to rings along the pixels' edges.

Pixel (c, r) is the square from (c, r) to (c+1, r+1). It belongs to a region if its centre does, where rings overlap by the
even-odd rule; a centre on an edge belongs if that edge is on its left or above it. So regions with a common edge share no
pixel and leave none out. Tracing is the exact inverse: mask, rings, mask is the same mask always.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from annotations.errors import AnnotationTooBig
from annotations.model import CanvasBox, Ring

MAX_PIXELS = 2_000_000_000  # of the box of a mask
Pixels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Mask:
    """Pixels of a canvas, cropped to the box that they fill: each of its four sides holds at least one of them.

    Args:
        x, y: left upper corner of the box, in whole canvas units; below 0 where it begins outside the frame.
        width, height: of the box, 1 or more.
        bits: its rows from the top, eight pixels a byte, the leftmost in the highest bit, each row filled up with 0 to a byte.
    """

    x: int
    y: int
    width: int
    height: int
    bits: bytes

    @classmethod
    def of_pixels(cls, pixels: Pixels, x: int = 0, y: int = 0) -> "Mask":
        """The mask of a bool array (H, W) whose first pixel lies at (x, y). ValueError where no pixel is set."""
        rows, columns = np.flatnonzero(pixels.any(axis=1)), np.flatnonzero(pixels.any(axis=0))
        if not rows.size:
            raise ValueError("a mask needs at least one pixel")
        top, bottom, left, right = int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1
        packed = np.packbits(pixels[top:bottom, left:right], axis=1)
        return cls(x + left, y + top, right - left, bottom - top, packed.tobytes())

    @property
    def box(self) -> CanvasBox:
        return CanvasBox(self.x, self.y, self.x + self.width, self.y + self.height)

    def pixels(self) -> Pixels:
        """Bool (height, width)."""
        packed = np.frombuffer(self.bits, np.uint8).reshape(self.height, -1)
        return np.unpackbits(packed, axis=1, count=self.width).view(np.bool_)

    def on_canvas(self, width: int, height: int) -> Pixels:
        """Bool (height, width) of the whole canvas; what lies beyond it is left out."""
        return self.window(0, 0, width, height)

    def window(self, x: int, y: int, width: int, height: int) -> Pixels:
        """Bool (height, width) of the window that begins at (x, y)."""
        whole = np.zeros((height, width), np.bool_)
        left, top = max(self.x, x), max(self.y, y)
        right, bottom = min(self.x + self.width, x + width), min(self.y + self.height, y + height)
        if right > left and bottom > top:
            mine = self.pixels()[top - self.y : bottom - self.y, left - self.x : right - self.x]
            whole[top - y : bottom - y, left - x : right - x] = mine
        return whole

    def count(self) -> int:
        """Number of pixels."""
        return int(np.bitwise_count(np.frombuffer(self.bits, np.uint8)).sum(dtype=np.int64))


def rasterise(rings: Sequence[Ring], x: int, y: int, width: int, height: int) -> Pixels:
    """Which pixels of the window that begins at (x, y) belong to the rings: bool (height, width).

    Raises AnnotationTooBig for a window of more than MAX_PIXELS.
    """
    if width * height > MAX_PIXELS:
        raise AnnotationTooBig(f"A mask may have up to {MAX_PIXELS:,} pixels in its box, not {width:,} by {height:,}.")
    toggles = np.zeros((height, width + 1), np.uint8)
    rows, columns = _crossings(rings, x, y, width, height)
    places, counts = np.unique(rows * (width + 1) + columns, return_counts=True)
    toggles.reshape(-1)[places[counts % 2 == 1]] = 1
    np.bitwise_xor.accumulate(toggles, axis=1, out=toggles)
    return toggles[:, :width].view(np.bool_)


def enlarged(mask: Mask, size: tuple[int, int], to: tuple[int, int]) -> Mask:
    """The mask, which lies on a canvas of that (width, height), on one of another size that is no smaller on either side.

    A pixel belongs if its centre lies in a pixel of the mask, by the rule of `rasterise`: the same as by way of its rings, and
    much faster. No more than the mask's rows at the new width is held. ValueError for a smaller canvas.
    """
    if to[0] < size[0] or to[1] < size[1]:
        raise ValueError("a mask is enlarged to a canvas that is no smaller")
    left, columns = _nearest(mask.x, mask.width, size[0], to[0])
    top, rows = _nearest(mask.y, mask.height, size[1], to[1])
    packed = np.packbits(mask.pixels()[:, columns], axis=1)
    return Mask(left, top, len(columns), len(rows), packed[rows].tobytes())


def _nearest(first: int, count: int, size: int, to: int) -> tuple[int, NDArray[np.int64]]:
    """Which of `to` places hold their centre in one of those `count` of `size`: the first of them, and of each which it is."""
    ends = [-(-(2 * end * to - size) // (2 * size)) for end in (first, first + count)]  # the first centre not before that border
    centres = 2 * np.arange(ends[0], ends[1]) + 1
    return ends[0], centres * size // (2 * to) - first


def mask_of(rings: Sequence[Ring]) -> Mask | None:
    """The mask of the rings; None where no pixel's centre lies in them. Raises AnnotationTooBig."""
    xs, ys = [px for ring in rings for px, _ in ring], [py for ring in rings for _, py in ring]
    x, y = math.floor(min(xs)), math.floor(min(ys))
    width, height = math.ceil(max(xs)) - x, math.ceil(max(ys)) - y
    if not width or not height:
        return None
    pixels = rasterise(rings, x, y, width, height)
    return Mask.of_pixels(pixels, x, y) if pixels.any() else None


def _crossings(rings: Sequence[Ring], x: int, y: int, width: int, height: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column in the window from which on a row changes sides, for each edge and each row of centres that it crosses.

    An edge is followed downwards whichever way it was drawn, so both its neighbours get the same numbers.
    """
    edges = _edges(rings)
    edges = edges[edges[:, 1] != edges[:, 3]]
    upwards = edges[:, 1] > edges[:, 3]
    edges[upwards] = edges[upwards][:, [2, 3, 0, 1]]
    x0, y0, x1, y1 = edges.T
    first = np.clip(np.ceil(y0 - 0.5), y, y + height).astype(np.int64)
    last = np.clip(np.ceil(y1 - 0.5), y, y + height).astype(np.int64)  # the row of a centre on the lower end is not crossed
    counts = last - first
    edge = np.repeat(np.arange(len(edges)), counts)
    rows = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts) + first[edge]
    at = x0[edge] + (rows + 0.5 - y0[edge]) * ((x1 - x0) / (y1 - y0))[edge]
    at = np.clip(at, np.minimum(x0, x1)[edge], np.maximum(x0, x1)[edge])
    columns = np.clip(np.ceil(at - 0.5) - x, 0, width).astype(np.int64)
    return rows - y, columns


def _edges(rings: Sequence[Ring]) -> NDArray[np.float64]:
    """(N, 4) x0, y0, x1, y1 of every edge, the closing ones included."""
    found = []
    for ring in rings:
        points = np.array(ring, np.float64)
        found.append(np.hstack([points, np.roll(points, -1, axis=0)]))
    return np.concatenate(found)


def trace(mask: Mask) -> tuple[Ring, ...]:
    """The rings along the pixels' edges, with whole numbers for corners and no corner in the middle of a straight side.

    Pixels that only touch at a corner are apart (4-connected). Outer rings run clockwise on the screen, holes the other
    way; each begins at its smallest (y, x). The largest outer ring comes first, each followed by its holes.
    """
    ys, xs, across, along, outer = _corners(mask.pixels())
    starts, rings, ring_of = _follow(ys, xs, across.tolist(), along.tolist(), outer.tolist())
    parents = _parents(ys, xs, along, starts, outer, np.array(ring_of))
    areas = [signed_area(ring) for ring in rings]
    outers = sorted((number for number, start in enumerate(starts) if outer[start]), key=lambda number: -areas[number])
    holes: dict[int, list[int]] = {number: [] for number in outers}
    for number, parent in enumerate(parents):
        if parent != number:
            holes[parent].append(number)
    order = [one for number in outers for one in (number, *holes[number])]
    x, y = float(mask.x), float(mask.y)
    return tuple(tuple((px + x, py + y) for px, py in rings[number]) for number in order)


def _corners(
    pixels: Pixels,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.bool_]]:
    """The places where the border turns, in the order of (y, x): ys, xs, for each the corner at the other end of its
    horizontal and of its vertical side, and whether a ring that begins there is an outer one.

    Where two pixels touch at a corner only, two corners lie at one place: first the one whose horizontal side lies left.
    """
    padded = np.pad(pixels, 1).view(np.uint8)
    upper_left, upper_right = padded[:-1, :-1], padded[:-1, 1:]
    lower_left, lower_right = padded[1:, :-1], padded[1:, 1:]
    code = upper_left | upper_right << 1 | lower_left << 2 | lower_right << 3
    turns = np.isin(code, (1, 2, 4, 8, 7, 11, 13, 14, 6, 9))
    rows, columns = np.nonzero(turns)
    codes = code[rows, columns]
    twice = (codes == 6) | (codes == 9)
    repeats = np.where(twice, 2, 1)
    ys, xs, codes = np.repeat(rows, repeats), np.repeat(columns, repeats), np.repeat(codes, repeats)
    second = np.zeros(len(ys), np.bool_)
    second[1:] = (codes[1:] == codes[:-1]) & np.repeat(twice, repeats)[1:] & (xs[1:] == xs[:-1]) & (ys[1:] == ys[:-1])
    number = np.arange(len(ys))
    across = number ^ 1  # along a row the corners pair up
    lower = np.where(codes == 6, ~second, second)  # of two at one place, the one whose vertical side lies below comes later
    down = np.lexsort((lower & np.isin(codes, (6, 9)), ys, xs))
    along = np.empty_like(number)
    along[down[0::2]], along[down[1::2]] = down[1::2], down[0::2]
    return ys, xs, across, along, (codes & 8) > 0


def _follow(
    ys: NDArray[np.int64], xs: NDArray[np.int64], across: list[int], along: list[int], outer: list[bool]
) -> tuple[list[int], list[list[tuple[float, float]]], list[int]]:
    """The rings: for each its first corner and its points, and for each corner the number of its ring."""
    places = list(zip(xs.astype(float).tolist(), ys.astype(float).tolist(), strict=True))
    ring_of = [-1] * len(places)
    starts: list[int] = []
    rings: list[list[tuple[float, float]]] = []
    for start in range(len(places)):
        if ring_of[start] >= 0:
            continue
        ring, at, sideways = [], start, outer[start]
        while ring_of[at] < 0:
            ring_of[at] = len(rings)
            ring.append(places[at])
            at = across[at] if sideways else along[at]
            sideways = not sideways
        starts.append(start)
        rings.append(ring)
    return starts, rings, ring_of


def _parents(
    ys: NDArray[np.int64],
    xs: NDArray[np.int64],
    along: NDArray[np.int64],
    starts: list[int],
    outer: NDArray[np.bool_],
    ring_of: NDArray[np.int64],
) -> list[int]:
    """For each ring the outer ring that it belongs to; itself if it is one.

    The pixel above the first corner of a hole belongs to the region. The first border to its left is of the same piece,
    and its ring began higher up, so its own outer ring is known already.
    """
    upper = np.flatnonzero(ys < ys[along])  # one corner for each vertical side, in the order of (y, x)
    side_x, side_top, side_bottom, side_ring = xs[upper], ys[upper], ys[along[upper]], ring_of[upper]
    parents: list[int] = []
    for number, start in enumerate(starts):
        if outer[start]:
            parents.append(number)
            continue
        row = ys[start] - 1
        beside = np.flatnonzero((side_top <= row) & (side_bottom > row) & (side_x <= xs[start]))
        parents.append(parents[int(side_ring[beside[side_x[beside].argmax()]])])
    return parents


def signed_area(ring: Sequence[tuple[float, float]]) -> float:
    """Above 0 where the ring runs clockwise on the screen."""
    points = np.array(ring, np.float64)
    points -= points[0]
    x, y = points.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)
