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
    shape = [*region.rings, *region.lines, *([(region.point,)] if region.point else [])]
    for box in (region.box, bounds(shape)) if shape else (region.box,):
        if box.x0 < -EDGE or box.y0 < -EDGE or box.x1 > canvas.width + EDGE or box.y1 > canvas.height + EDGE:
            said = ", ".join(f"{number:g}" for number in (box.x0, box.y0, box.x1, box.y1))
            raise SelectorOutsideCanvas(
                f"The region ({said}) reaches past the canvas of {canvas.width} by {canvas.height}.", parameter="selector"
            )


def clipped(region: Region, canvas: Canvas) -> Region:
    """What of the region lies on the canvas; the region itself where all of it does.

    Who draws along an edge reaches past it. By up to SLIP its points are moved to the edge; by more it is cut there if at
    least half of its extent each way is on the canvas. Raises SelectorOutsideCanvas beyond that: such numbers count
    something else.
    """
    try:
        check_within(region, canvas)
    except SelectorOutsideCanvas:
        around = _around(region)
        over = max(-around.x0, -around.y0, around.x1 - canvas.width, around.y1 - canvas.height)
        if over <= SLIP:
            return _pressed(region, canvas)
        shares = (_share(around.x0, around.x1, canvas.width), _share(around.y0, around.y1, canvas.height))
        kept = region_outlines.within(region, canvas.width, canvas.height) if min(shares) >= 0.5 else None
        if kept is None:
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


def _around(region: Region) -> CanvasBox:
    shape = [*region.rings, *region.lines, *([(region.point,)] if region.point else [])]
    corners = ((region.box.x0, region.box.y0), (region.box.x1, region.box.y1))
    return bounds([corners, *shape])


def _share(low: float, high: float, limit: int) -> float:
    """How much of an extent lies from 0 to the limit."""
    if low == high:
        return float(0 <= low <= limit)
    return (min(high, limit) - max(low, 0)) / (high - low)


def _pressed(region: Region, canvas: Canvas) -> Region:
    """The region with every point on the canvas: those beyond an edge on it."""

    def on(point: Point) -> Point:
        return min(max(point[0], 0.0), float(canvas.width)), min(max(point[1], 0.0), float(canvas.height))

    (x0, y0), (x1, y1) = on((region.box.x0, region.box.y0)), on((region.box.x1, region.box.y1))
    rings, lines = (tuple(tuple(map(on, path)) for path in paths) for paths in (region.rings, region.lines))
    point = None if region.point is None else on(region.point)
    return replace(region, box=CanvasBox(x0, y0, x1, y1), rings=rings, lines=lines, point=point)
