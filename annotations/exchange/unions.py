"""Rings as a union and rings by the even-odd rule: where both mean the same, and how one becomes the other."""

from collections.abc import Sequence

from shapely import GeometryCollection, MultiPolygon, Polygon, make_valid, unary_union

from annotations import region_masks
from annotations.model import Ring
from annotations.regions import Region, bounds, opened


def is_union(rings: Sequence[Ring]) -> bool:
    """Whether filling each ring for itself, as readers of COCO do, gives what the even-odd rule gives."""
    if len(rings) == 1:
        return True
    if any(region_masks.signed_area(ring) < 0 for ring in rings):
        return False
    return _apart(rings)


def of_union(rings: Sequence[Sequence[tuple[float, float]]]) -> Region:
    """The region that the rings cover together; rings that do not overlap stay as they came, to the last digit."""
    drawn = tuple(opened(tuple(ring)) for ring in rings)
    if len(drawn) == 1:
        return Region(bounds(drawn), drawn)
    if _apart(drawn):
        clockwise = tuple(ring if region_masks.signed_area(ring) >= 0 else (ring[0], *ring[:0:-1]) for ring in drawn)
        return Region(bounds(drawn), clockwise)
    together = unary_union([make_valid(Polygon(ring), method="linework") for ring in drawn])
    made: list[Ring] = []
    for polygon in _polygons(together):
        made.append(_ring(polygon.exterior.coords))
        made += [_ring(hole.coords) for hole in polygon.interiors]
    return Region.of_rings(made)


def _apart(rings: Sequence[Ring]) -> bool:
    """Whether no two of them share more than an edge."""
    boxes = [bounds([ring]) for ring in rings]
    shapes: dict[int, Polygon] = {}
    for one in range(len(rings)):
        for other in range(one):
            a, b = boxes[one], boxes[other]
            if a.x0 >= b.x1 or b.x0 >= a.x1 or a.y0 >= b.y1 or b.y0 >= a.y1:
                continue
            for number in (one, other):
                if number not in shapes:
                    shapes[number] = make_valid(Polygon(rings[number]), method="linework")
            if shapes[one].intersection(shapes[other]).area > 0:
                return False
    return True


def _polygons(shape: Polygon | MultiPolygon | GeometryCollection) -> list[Polygon]:
    if shape.geom_type == "Polygon":
        return [shape]
    return [polygon for part in getattr(shape, "geoms", ()) for polygon in _polygons(part)]


def _ring(coords: Sequence[tuple[float, float]]) -> Ring:
    return opened(tuple((float(x), float(y)) for x, y, *_ in coords))
