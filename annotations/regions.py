"""Regions: the one form in which the hub knows a part of a canvas, whoever said it and in whatever words.

Frame: canvas units, which are pixels of the upright image; x rightwards, y downwards, the origin at the outer corner of the
first pixel. Boxes are half-open. Rings are read by the even-odd rule and are open (the first point is not repeated); those
that we make run clockwise on the screen where they are outer ones and the other way where they are holes. A pixel belongs
to a region if its centre does (`region_masks`). docs/annotations.md and ADR 0007 say why.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from annotations import region_masks
from annotations.model import CanvasBox, Line, Point, Ring
from annotations.region_masks import Mask, Pixels

MAX_OUTLINE_POINTS = 5_000  # a region with more is kept as a mask
HALF_DIAGONAL = 0.5**0.5  # of a pixel: what a line along pixels' edges may lie beside the drawn one
Kind = Literal["point", "line", "box", "rings", "mask"]


@dataclass(frozen=True, slots=True)
class Region:
    """A part of a canvas. With nothing but a box it is the box; else the box is the one around it, or a larger one as said.

    Args:
        rings: even-odd; several outer rings, holes and islands in them are one region.
        lines: open, in canvas units.
        point: a single place, without extent.
        mask: pixels; rings are then not given.
        tolerance: above 0, this stands for a region that it may miss by that much, in canvas units.
    """

    box: CanvasBox
    rings: tuple[Ring, ...] = ()
    lines: tuple[Line, ...] = ()
    point: Point | None = None
    mask: Mask | None = None
    tolerance: float = 0.0

    @classmethod
    def of_box(cls, x0: float, y0: float, x1: float, y1: float) -> "Region":
        """ValueError unless it is above 0 wide and high."""
        if not (x1 > x0 and y1 > y0):
            raise ValueError("a box needs a width and a height above 0")
        return cls(CanvasBox(float(x0), float(y0), float(x1), float(y1)))

    @classmethod
    def of_point(cls, x: float, y: float) -> "Region":
        return cls(CanvasBox(float(x), float(y), float(x), float(y)), point=(float(x), float(y)))

    @classmethod
    def of_line(cls, *lines: Iterable[Sequence[float]]) -> "Region":
        """Open lines through the points given. ValueError for one of less than two points."""
        made = tuple(_points(line) for line in lines)
        if not made or any(len(line) < 2 for line in made):
            raise ValueError("a line needs two points")
        return cls(bounds(made), lines=made)

    @classmethod
    def of_rings(cls, rings: Iterable[Iterable[Sequence[float]]]) -> "Region":
        """Rings, wound anew: outer ones clockwise, holes the other way. ValueError for one of less than three points."""
        drawn = tuple(opened(_points(ring)) for ring in rings)
        if not drawn or any(len(ring) < 3 for ring in drawn):
            raise ValueError("a ring needs three points")
        return cls(bounds(drawn), wound(drawn))

    @classmethod
    def of_pixels(cls, pixels: Pixels, x: int = 0, y: int = 0) -> "Region":
        """The pixels of a bool array (H, W) whose first lies at (x, y), settled. ValueError where none is set."""
        return settled(of_mask(Mask.of_pixels(pixels, x, y)))

    @property
    def kind(self) -> Kind:
        """What it is: the most exact that it says."""
        if self.mask is not None:
            return "mask"
        if self.rings:
            return "rings"
        return "line" if self.lines else "box" if self.point is None else "point"

    @property
    def has_area(self) -> bool:
        return self.kind in ("mask", "rings", "box")

    def outlines(self) -> tuple[Ring, ...]:
        """Its area as rings: those of the mask along the pixels' edges, or the box's one; none of a line or a point."""
        if self.mask is not None:
            return region_masks.trace(self.mask)
        return self.rings if self.rings or not self.has_area else (box_ring(self.box),)

    def raster(self) -> Mask | None:
        """Its pixels by the pixel-centre rule; None where it holds no pixel's centre, as lines and points never do."""
        if self.mask is not None:
            return self.mask
        rings = self.outlines()
        return region_masks.mask_of(rings) if rings else None


def of_mask(mask: Mask) -> Region:
    return Region(mask.box, mask=mask)


def bounds(paths: Sequence[Sequence[Point]]) -> CanvasBox:
    """The box around all points, of which there is at least one."""
    xs = [x for path in paths for x, _ in path]
    ys = [y for path in paths for _, y in path]
    return CanvasBox(min(xs), min(ys), max(xs), max(ys))


def box_ring(box: CanvasBox) -> Ring:
    """Its corners from the upper left one, clockwise on the screen."""
    return ((box.x0, box.y0), (box.x1, box.y0), (box.x1, box.y1), (box.x0, box.y1))


def points_in(region: Region) -> int:
    """How many points its rings and lines have."""
    return sum(map(len, region.rings)) + sum(map(len, region.lines))


def settled(region: Region) -> Region:
    """The same region in the form in which it is kept: as rings up to MAX_OUTLINE_POINTS points, beyond as a mask.

    A mask and its rings along the pixels' edges say the same. Other rings of so many points become the mask of the pixels
    whose centres they hold, and the region says so by its tolerance; those that hold none are returned as they are, and so
    are lines, which the writer simplifies.
    """
    if region.mask is not None:
        rings = region_masks.trace(region.mask)
        return region if sum(map(len, rings)) > MAX_OUTLINE_POINTS else replace(region, rings=rings, mask=None)
    if region.lines or points_in(region) <= MAX_OUTLINE_POINTS:
        return region
    mask = region_masks.mask_of(region.rings)
    if mask is None:
        return region
    on_edges = all(x == int(x) and y == int(y) for ring in region.rings for x, y in ring) and _upright(region.rings)
    tolerance = region.tolerance if on_edges else region.tolerance + HALF_DIAGONAL
    return settled(Region(mask.box, mask=mask, tolerance=tolerance))


def wound(rings: tuple[Ring, ...]) -> tuple[Ring, ...]:
    """The rings with outer ones clockwise on the screen and holes the other way, each from its own first point.

    A ring is outer if an even number of the others hold it.
    """
    around = np.array([[*np.min(ring, axis=0), *np.max(ring, axis=0)] for ring in rings]).reshape(-1, 4)
    made = []
    for number, ring in enumerate(rings):
        x, y = _probe(ring)
        near = np.flatnonzero((around[:, 0] <= x) & (around[:, 1] <= y) & (around[:, 2] >= x) & (around[:, 3] >= y))
        depth = sum(holds((rings[place],), x, y) for place in near.tolist() if place != number)
        clockwise = region_masks.signed_area(ring) >= 0
        made.append(ring if clockwise == (depth % 2 == 0) else turned_back(ring))
    return tuple(made)


def opened(ring: Sequence[Point]) -> Ring:
    """The ring without its last point where that repeats the first."""
    return tuple(ring[:-1] if len(ring) > 1 and ring[0] == ring[-1] else ring)


def turned_back(ring: Ring) -> Ring:
    """The ring the other way round, from the same first point."""
    return (ring[0], *ring[:0:-1])


def holds(rings: Sequence[Ring], x: float, y: float) -> bool:
    """Whether the point lies in the rings; one on an edge does if the edge is to its left or above it."""
    crossed = False
    for ring in rings:
        points = np.array(ring, np.float64)
        x0, y0 = points.T
        x1, y1 = np.roll(points, -1, axis=0).T
        across = (y0 <= y) != (y1 <= y)
        x0, y0, x1, y1 = x0[across], y0[across], x1[across], y1[across]
        down = y0 < y1
        top_x, top_y = np.where(down, x0, x1), np.where(down, y0, y1)
        low_x, low_y = np.where(down, x1, x0), np.where(down, y1, y0)
        at = top_x + (y - top_y) * ((low_x - top_x) / (low_y - top_y))
        at = np.clip(at, np.minimum(x0, x1), np.maximum(x0, x1))
        crossed ^= bool((at <= x).sum() % 2)
    return crossed


def _points(path: Iterable[Sequence[float]]) -> tuple[Point, ...]:
    return tuple((float(point[0]), float(point[1])) for point in path)


def _probe(ring: Ring) -> Point:
    """A place on the ring where no other passes, if they meet at corners only: the middle of its first side."""
    (x0, y0), (x1, y1) = ring[0], ring[1 % len(ring)]
    return ((x0 + x1) / 2, (y0 + y1) / 2)


def _upright(rings: Sequence[Ring]) -> bool:
    """Whether every side runs along a row or a column."""
    return all(a[0] == b[0] or a[1] == b[1] for ring in rings for a, b in zip(ring, ring[1:] + ring[:1], strict=True))
