"""Regions at the edge of their canvas: what is clipped and what is refused, and the least size of an area.

Frame: canvas units.
"""

from dataclasses import replace

from annotations import region_outlines
from annotations.errors import BadSelector, SelectorOutsideCanvas
from annotations.model import Canvas, CanvasBox, Point
from annotations.regions import Region, bounds

LEAST_SIDE = 0.01  # canvas units: the least width and height of a region with an area
SLIP = 1.0  # canvas units by which points beyond an edge are moved to it
EDGE = 1e-6  # rounding of binary fractions, in canvas units


def check_within(region: Region, canvas: Canvas) -> None:
    """Raises SelectorOutsideCanvas if any part of it, box or shape, lies beyond the edge."""
    shape = _paths(region)
    for box in (region.box, bounds(shape)) if shape else (region.box,):
        if box.x0 < -EDGE or box.y0 < -EDGE or box.x1 > canvas.width + EDGE or box.y1 > canvas.height + EDGE:
            said = ", ".join(f"{number:g}" for number in (box.x0, box.y0, box.x1, box.y1))
            raise SelectorOutsideCanvas(
                f"The region ({said}) reaches past the canvas of {canvas.width} by {canvas.height}.", parameter="selector"
            )


def clipped(region: Region, canvas: Canvas) -> Region:
    """What of the region lies on the canvas; the region itself where all of it does.

    Who draws along an edge reaches past it. By up to SLIP its points are moved to the edge, which keeps the shape; beyond
    that it is cut there. Raises SelectorOutsideCanvas where nothing is left: such numbers count something else.
    """
    try:
        check_within(region, canvas)
    except SelectorOutsideCanvas:
        around = _around(region)
        over = max(-around.x0, -around.y0, around.x1 - canvas.width, around.y1 - canvas.height)
        kept = _pressed(region, canvas) if over <= SLIP else _cut(region, canvas)
        if kept is None or (kept.has_area and (kept.box.x1 <= kept.box.x0 or kept.box.y1 <= kept.box.y0)):
            raise
        return kept
    return region


def check_least(region: Region) -> None:
    """Raises BadSelector for an area that is smaller than anything that can be seen, LEAST_SIDE each way, in canvas units."""
    box = region.box
    if region.has_area and min(box.x1 - box.x0, box.y1 - box.y0) < LEAST_SIDE:
        raise BadSelector(
            f"A region is at least {LEAST_SIDE:g} canvas units wide and high; a place is a PointSelector, a length a line.",
            parameter="selector",
        )


def _paths(region: Region) -> list[tuple[Point, ...]]:
    """All points of its shape."""
    return [*region.rings, *region.lines, *([(region.point,)] if region.point else [])]


def _around(region: Region) -> CanvasBox:
    shape = _paths(region)
    corners = ((region.box.x0, region.box.y0), (region.box.x1, region.box.y1))
    return bounds([corners, *shape])


def _cut(region: Region, canvas: Canvas) -> Region | None:
    """What of it lies on the canvas, or None. A box that was said beside the shape is cut by itself."""
    paths = _paths(region)
    if not paths:
        return region_outlines.within(region, canvas.width, canvas.height)
    shape = region_outlines.within(region, canvas.width, canvas.height)
    is_said = region.box != bounds(paths)
    box = region_outlines.within(Region(region.box), canvas.width, canvas.height) if is_said else None
    return shape if shape is None or box is None else replace(shape, box=box.box)


def _pressed(region: Region, canvas: Canvas) -> Region:
    """The region with every point on the canvas: those beyond an edge on it."""

    def on(point: Point) -> Point:
        return min(max(point[0], 0.0), float(canvas.width)), min(max(point[1], 0.0), float(canvas.height))

    (x0, y0), (x1, y1) = on((region.box.x0, region.box.y0)), on((region.box.x1, region.box.y1))
    rings, lines = (tuple(tuple(map(on, path)) for path in paths) for paths in (region.rings, region.lines))
    point = None if region.point is None else on(region.point)
    return replace(region, box=CanvasBox(x0, y0, x1, y1), rings=rings, lines=lines, point=point)
