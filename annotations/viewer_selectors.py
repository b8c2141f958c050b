"""Regions as viewers and drawing clients take them: boxes of whole units, one shape with numbers of three decimals.

Frame: canvas units. IIIF Presentation 3; PointSelector of its annex; the one selector that Annotorious reads.
"""

import math
from typing import Any

from annotations import region_text
from annotations.clipping import EDGE, LEAST_SIDE
from annotations.model import Canvas, CanvasBox
from annotations.region_text import rounded
from annotations.regions import Region
from annotations.selectors import MEDIA_FRAGMENTS

SURROUNDINGS = 64  # canvas units that a picture shows around what has no extent


def xywh(box: CanvasBox, canvas: Canvas | None = None) -> str:
    """`x,y,w,h` in whole canvas units that hold the box: left and top rounded down, right and bottom up, at least one unit
    wide and high (what lies on the canvas's far edge is given the last one)."""
    left, width = _units(box.x0, box.x1, None if canvas is None else canvas.width)
    top, height = _units(box.y0, box.y1, None if canvas is None else canvas.height)
    return f"{left},{top},{width},{height}"


def picture_of(box: CanvasBox, canvas: Canvas) -> str:
    """`x,y,w,h` of a picture that shows what lies in the box: the box itself; around a point or a level line, which by
    itself would be a speck, SURROUNDINGS units as well."""
    if box.x1 > box.x0 and box.y1 > box.y0:
        return xywh(box, canvas)
    left, top = max(0.0, box.x0 - SURROUNDINGS), max(0.0, box.y0 - SURROUNDINGS)
    right, bottom = min(canvas.width, box.x1 + SURROUNDINGS), min(canvas.height, box.y1 + SURROUNDINGS)
    return xywh(CanvasBox(left, top, right, bottom), canvas)


def viewer_selectors(region: Region, canvas: Canvas | None = None) -> list[dict[str, Any]]:
    """The normalised viewer form: a FragmentSelector of whole units, and beside it the shape as absolute paths or the point."""
    value = f"xywh={xywh(region.box, canvas)}"
    made: list[dict[str, Any]] = [{"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": value}]
    if region.kind == "point" and region.point is not None:
        made.append({"type": "PointSelector", "x": region.point[0], "y": region.point[1]})
    elif region.rings or region.lines:
        made.append({"type": "SvgSelector", "value": region_text.svg(region, rounded)})
    return made


def drawing_selector(region: Region, canvas: Canvas | None = None) -> dict[str, Any]:
    """The one selector that Annotorious reads: a polygon where the shape is one ring, a line where it is one straight piece,
    a path where it has more, or a box; a point is a box of one unit."""
    if region.rings or region.lines:
        return {"type": "SvgSelector", "value": _drawing(region)}
    if min(region.box.x1 - region.box.x0, region.box.y1 - region.box.y0) < LEAST_SIDE:
        return {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": f"xywh=pixel:{xywh(region.box, canvas)}"}
    box = region.box
    value = ",".join(rounded(number) for number in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0))
    return {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": f"xywh=pixel:{value}"}


def same_place(one: Region, other: Region) -> bool:
    """Whether a drawing client that rounds to whole units would show both alike; a client that drops the shape counts too."""
    pairs = ((one.box.x0, other.box.x0), (one.box.y0, other.box.y0), (one.box.x1, other.box.x1), (one.box.y1, other.box.y1))
    if any(abs(a - b) > 1 for a, b in pairs):
        return False
    mine, theirs = (*one.rings, *one.lines), (*other.rings, *other.lines)
    if not mine or not theirs:
        return True
    if len(one.rings) != len(other.rings) or [len(path) for path in mine] != [len(path) for path in theirs]:
        return False
    points = ((first, second) for path, twin in zip(mine, theirs, strict=True) for first, second in zip(path, twin, strict=True))
    return all(abs(a[0] - b[0]) <= 1 and abs(a[1] - b[1]) <= 1 for a, b in points)


def _units(low: float, high: float, limit: int | None) -> tuple[int, int]:
    """The first whole unit and how many, at least one."""
    first = max(0, math.floor(low + EDGE))
    count = max(1, math.ceil(high - EDGE) - first)
    if limit is not None and first + count > limit and first > 0:
        first = max(0, limit - count)
    return first, count


def _drawing(region: Region) -> str:
    start = '<svg xmlns="http://www.w3.org/2000/svg">'
    if len(region.rings) == 1 and not region.lines:
        points = " ".join(f"{rounded(x)},{rounded(y)}" for x, y in region.rings[0])
        return f'{start}<polygon points="{points}" fill-rule="evenodd"/></svg>'  # the points first, as Annotorious wants them
    if not region.rings and len(region.lines) == 1 and len(region.lines[0]) == 2:
        (x1, y1), (x2, y2) = region.lines[0]
        ends = f'x1="{rounded(x1)}" y1="{rounded(y1)}" x2="{rounded(x2)}" y2="{rounded(y2)}"'
        return f"{start}<line {ends}/></svg>"
    return region_text.svg(region, rounded)
