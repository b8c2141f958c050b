"""What the areas of an SVG cover together, as rings for the even-odd rule (SVG 1.1, 11.3: fill-rule).

Each shape is filled by its own rule, and a shape over another does not take anything away from it. Rings that mean the same under
the even-odd rule stay as they were drawn.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from annotations.errors import BadSelector
from annotations.model import Ring

MAX_MEETINGS = 2_000  # of sides; beyond that no outline is looked for
SLIVER = 1e-6  # square units of a face that rounding may have made
AT_ONCE = 200  # faces, or sides


@dataclass(frozen=True, slots=True)
class Area:
    """The rings of one shape, and whether they are filled by the even-odd rule; else what they go round is filled."""

    rings: tuple[Ring, ...]
    even_odd: bool


def covered(areas: Sequence[Area]) -> tuple[Ring, ...]:
    """Rings that cover the same under the even-odd rule; those that were drawn where they meet too often to find that out.

    Raises BadSelector.
    """
    rings = tuple(ring for area in areas for ring in area.rings)
    if not rings or (len(areas) == 1 and areas[0].even_odd) or _are_apart(rings) or _meet_too_often(rings):
        return rings
    try:
        return _covered(areas, rings)
    except shapely.errors.GEOSException as error:
        raise BadSelector(f"The shapes of the SVG cannot be told apart: {error}.", parameter="selector") from error


def _covered(areas: Sequence[Area], rings: tuple[Ring, ...]) -> tuple[Ring, ...]:
    lines = shapely.union_all([shapely.LineString([*ring, ring[0]]) for ring in rings])
    faces = [face for face in shapely.get_parts(shapely.polygonize([lines])).tolist() if face.area > SLIVER]
    inside = shapely.get_coordinates(shapely.point_on_surface(faces)).reshape(-1, 2)
    filled, odd = np.zeros(len(faces), bool), np.zeros(len(faces), bool)
    for area in areas:
        windings = np.array([_windings(ring, inside) for ring in area.rings])
        parity = windings[:, 1].sum(axis=0) % 2 == 1
        filled |= parity if area.even_odd else windings[:, 0].sum(axis=0) != 0
        odd ^= parity
    if bool((filled == odd).all()):
        return rings
    return _rings(shapely.union_all([face for face, is_filled in zip(faces, filled.tolist(), strict=True) if is_filled]))


def _are_apart(rings: tuple[Ring, ...]) -> bool:
    """Whether no ring crosses itself, and no two have boxes that meet."""
    if not all(len(ring) == 3 or shapely.LinearRing(ring).is_simple for ring in rings):
        return False
    boxes = shapely.box(*np.array([[*np.min(ring, axis=0), *np.max(ring, axis=0)] for ring in rings]).T)
    tree, met = shapely.STRtree(boxes), 0
    for start in range(0, len(rings), AT_ONCE):
        met += tree.query(boxes[start : start + AT_ONCE]).shape[1]
        if met > len(rings):  # each meets itself
            return False
    return True


def _meet_too_often(rings: tuple[Ring, ...]) -> bool:
    """Whether the sides meet more than MAX_MEETINGS times, beside each with itself and its two neighbours."""
    ends = np.concatenate([np.stack([np.array(ring), np.roll(ring, -1, axis=0)], axis=1) for ring in rings])
    sides = shapely.linestrings(ends)
    tree, met = shapely.STRtree(sides), 0
    for start in range(0, len(sides), AT_ONCE):
        met += tree.query(sides[start : start + AT_ONCE], predicate="intersects").shape[1]
        if met > 3 * len(sides) + 2 * MAX_MEETINGS:  # a meeting is found from both of its sides
            return True
    return False


def _windings(ring: Ring, points: NDArray[np.float64]) -> NDArray[np.int64]:
    """How often the ring goes round each point, and how often a line from there to the left meets it: (2, N)."""
    found = np.zeros((2, len(points)), np.int64)
    x0, y0 = np.array(ring, np.float64).T
    near = np.flatnonzero(
        (points[:, 0] > x0.min()) & (points[:, 0] < x0.max()) & (points[:, 1] > y0.min()) & (points[:, 1] < y0.max())
    )
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    for start in range(0, len(near), AT_ONCE):
        some = near[start : start + AT_ONCE]
        x, y = points[some, :1], points[some, 1:]
        across = (y0 <= y) != (y1 <= y)
        with np.errstate(divide="ignore", invalid="ignore"):  # of level sides, which nothing is across
            left = across & (x0 + (y - y0) * ((x1 - x0) / (y1 - y0)) < x)
        found[0, some] = np.where(y1 > y0, left, -1 * left).sum(axis=1)
        found[1, some] = left.sum(axis=1)
    return found


def _rings(polygons: Any) -> tuple[Ring, ...]:
    """The outer rings and the holes of a polygon or several."""
    rings = [ring for one in shapely.get_parts(polygons).tolist() for ring in (one.exterior, *one.interiors)]
    return tuple(tuple((float(x), float(y)) for x, y in ring.coords[:-1]) for ring in rings)
