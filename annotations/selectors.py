"""Selectors: what clients send as selector, as a region in canvas units, and back to what viewers draw.

Frame: canvas units, which are pixels of the upright image; x rightwards, y downwards, origin at the upper left corner.
Web Annotation Data Model, sections 4.2.1 and 4.2.7; Media Fragments 1.0, section 4.2.2; PointSelector of IIIF Presentation 3
(https://iiif.io/api/annex/openannotation/); our own hub:MaskSelector, which names a mask beside an approximation of it.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

from annotations import region_outlines, region_text, svg, svg_frames
from annotations.errors import AnnotationTooBig, BadSelector, SelectorOutsideCanvas
from annotations.model import CanvasBox, Point
from annotations.region_masks import Mask
from annotations.region_text import rounded
from annotations.regions import Region as Region  # what this module is about, for those who read and write selectors
from annotations.regions import bounds

MAX_SELECTORS = 10
LEAST_SIDE = 0.01  # canvas units: the least width and height of a region with an area
SLIP = 1.0  # canvas units by which points beyond an edge are moved to it
SURROUNDINGS = 64  # canvas units that a picture shows around what has no extent
EDGE = 1e-6  # rounding of binary fractions, in canvas units
NUMBER = svg_frames.NUMBERS.pattern
XYWH = re.compile(rf"xywh=(?:(pixel|percent):)?({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})", re.ASCII)
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"
MASK_SELECTOR = "hub:MaskSelector"
MASK_IRI = re.compile(r"https?://[^\s]{1,500}/masks/([0-9a-f]{64})\.png", re.ASCII)


@dataclass(frozen=True, slots=True)
class Canvas:
    """The size of the canvas that a selector is read against, in canvas units."""

    width: int
    height: int


@dataclass(frozen=True, slots=True)
class MaskReference:
    """A mask that a selector names: its address, the digest of its file, and the box of canvas units that it fills."""

    iri: str
    sha256: str
    x: int
    y: int
    width: int
    height: int
    tolerance: float = 0.0

    @property
    def box(self) -> CanvasBox:
        return CanvasBox(self.x, self.y, self.x + self.width, self.y + self.height)


LoadMask = Callable[[MaskReference], Mask]


def read_fragment(value: str, canvas: Canvas) -> Region:
    """The box of `xywh=x,y,w,h`, with `pixel:` (also meant without it) or `percent:`; other members are passed over.

    Without width and height it is a point, as a click draws it. Raises BadSelector.
    """
    match = _xywh_in(value) if len(value) <= 2000 else None
    if match is None:
        raise BadSelector(
            f"A fragment must read xywh=x,y,w,h, xywh=pixel:… or xywh=percent:…, not {value[:60]!r}.",
            parameter="selector",
            spec="Media Fragments 1.0, 4.2.2",
        )
    box = region_text.box_of(match[2], match[3], match[4], match[5])
    if match[1] == "percent":
        across, down = canvas.width / 100, canvas.height / 100
        box = CanvasBox(box.x0 * across, box.y0 * down, box.x1 * across, box.y1 * down)
    finite = all(map(math.isfinite, (box.x0, box.y0, box.x1, box.y1)))
    if finite and (box.x0, box.y0) == (box.x1, box.y1):
        return Region.of_point(box.x0, box.y0)
    if not finite or not (box.x1 > box.x0 and box.y1 > box.y0):
        raise BadSelector("A region needs a width and a height above 0.", parameter="selector")
    return Region(box)


def _xywh_in(fragment: str) -> re.Match[str] | None:
    """The last `xywh` that can be read among the members of a fragment, with its escapes resolved (Media Fragments, 4.1, 5.1)."""
    found = None
    for member in fragment.strip().removeprefix("#").split("&"):
        name, _, value = member.partition("=")
        found = XYWH.fullmatch(f"{unquote(name)}={unquote(value)}".strip()) or found
    return found


def read_shape(text: str, canvas: Canvas | None = None) -> Region:
    """The rings and lines of an SvgSelector and their box. Raises BadSelector, AnnotationTooBig."""
    drawing = svg.read_svg(text, None if canvas is None else (canvas.width, canvas.height))
    box = bounds([*drawing.rings, *drawing.lines])
    if not drawing.lines and not (box.x1 > box.x0 and box.y1 > box.y0):
        raise BadSelector("A closed shape needs an extent in both directions.", parameter="selector")
    return Region(box, drawing.rings, drawing.lines)


def read(selector: Any, canvas: Canvas, load: LoadMask | None = None) -> Region | None:
    """The region of a `selector` member (one, or several that are alternatives for the same content); None for null or none.

    The box is that of the FragmentSelector where there is one, rings and lines those of the SvgSelector. A point is only a
    point if no shape is beside it. Of a mask there is what stands beside it, or with `load` the mask itself.
    Raises BadSelector, AnnotationTooBig; only of a mask it is asked whether it lies within the canvas (SelectorOutsideCanvas).
    """
    several = _several(selector)
    found = [(_type(one), _read_one(one, canvas)) for one in several]
    boxes = [region.box for name, region in found if name == "FragmentSelector" and region.point is None]
    shape = next((region for name, region in found if name == "SvgSelector"), None)
    points = [region for name, region in found if region.point is not None and (name == "PointSelector" or not boxes)]
    masks = [one for one in several if _type(one) == MASK_SELECTOR]
    if masks:
        return _masked(read_mask(masks[0], canvas), boxes, shape, load)
    if shape is not None:
        return replace(shape, box=boxes[0]) if boxes else shape
    return points[0] if points else Region(boxes[0]) if boxes else None


def read_mask(selector: Mapping[str, Any], canvas: Canvas) -> MaskReference:
    """The mask that a hub:MaskSelector names; whether it is here is not asked. Raises BadSelector, SelectorOutsideCanvas."""
    named = selector.get("hub:mask")
    iri = named.get("id") if isinstance(named, Mapping) else named
    match = MASK_IRI.fullmatch(iri) if isinstance(iri, str) else None
    if match is None:
        raise BadSelector(
            "A hub:MaskSelector needs as hub:mask the address of a mask of this hub, …/masks/{SHA-256}.png.", parameter="hub:mask"
        )
    x, y, width, height = (_whole(selector, name) for name in ("hub:x", "hub:y", "hub:width", "hub:height"))
    if not width or not height:
        raise BadSelector("A mask is at least one pixel wide and high.", parameter="hub:width")
    if x + width > canvas.width or y + height > canvas.height:
        raise SelectorOutsideCanvas(
            f"The mask of {width} by {height} at ({x}, {y}) reaches past the canvas of {canvas.width} by {canvas.height}.",
            parameter="selector",
        )
    return MaskReference(match[0], match[1], x, y, width, height, _tolerance(selector))


def masks_in(selector: Any) -> list[Mapping[str, Any]]:
    """The hub:MaskSelectors among the selectors."""
    return [one for one in _several(selector) if _type(one) == MASK_SELECTOR]


def mask_selector(reference: MaskReference) -> dict[str, Any]:
    """The selector that names the mask."""
    stated = {"hub:tolerance": region_text.exact(reference.tolerance)} if reference.tolerance else {}
    place = {"hub:x": reference.x, "hub:y": reference.y, "hub:width": reference.width, "hub:height": reference.height}
    return {"type": MASK_SELECTOR, "hub:mask": {"id": reference.iri}, **place, **stated}


def stored_selectors(region: Region) -> list[dict[str, Any]]:
    """The exact form of a region without a mask, as alternatives: box, and shape or point beside it.

    A shape that stands for another says by how much it may miss it (hub:tolerance, in canvas units).
    """
    if region.kind == "point" and region.point is not None:
        return [{"type": "PointSelector", "x": region.point[0], "y": region.point[1]}]
    box, made = region.box, []
    if box.x1 > box.x0 and box.y1 > box.y0:
        value = f"xywh=pixel:{region_text.xywh(box)}"
        made.append({"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": value})
    if region.rings or region.lines:
        stated = {"hub:tolerance": region_text.exact(region.tolerance)} if region.tolerance else {}
        made.append({"type": "SvgSelector", "value": region_text.svg(region), **stated})
    return made


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


def _several(selector: Any) -> list[Any]:
    several = selector if isinstance(selector, list) else [] if selector is None else [selector]
    if len(several) > MAX_SELECTORS:
        raise AnnotationTooBig(f"A target may have up to {MAX_SELECTORS} selectors.", parameter="selector")
    return several


def _type(selector: Any) -> Any:
    types = selector.get("type") if isinstance(selector, Mapping) else None
    return types[0] if isinstance(types, list) and len(types) == 1 else types


def _read_one(selector: Any, canvas: Canvas) -> Region:
    if not isinstance(selector, Mapping):
        raise BadSelector(
            "A selector must be an object with a type.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    name, value = _type(selector), selector.get("value")
    if "refinedBy" in selector:
        raise BadSelector("A region of an image cannot be refined by another selector here.", parameter="refinedBy")
    if name == "PointSelector":
        return Region.of_point(_coordinate(selector, "x"), _coordinate(selector, "y"))
    if name == MASK_SELECTOR:
        return Region(read_mask(selector, canvas).box)
    if name not in ("FragmentSelector", "SvgSelector"):
        raise BadSelector(
            "On an image a selector is a FragmentSelector, SvgSelector, PointSelector or hub:MaskSelector, "
            f"not {str(name)[:40]!r}.",
            parameter="selector",
        )
    if not isinstance(value, str):
        raise BadSelector(
            f"A {name} needs a value that is a string.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    if name == "FragmentSelector":
        return read_fragment(value, canvas)
    return replace(read_shape(value, canvas), tolerance=_tolerance(selector))


def _masked(reference: MaskReference, boxes: list[CanvasBox], shape: Region | None, load: LoadMask | None) -> Region:
    box = boxes[0] if boxes else reference.box
    if load is not None:
        return Region(box, mask=load(reference), tolerance=reference.tolerance)
    return Region(box, shape.rings, shape.lines, tolerance=shape.tolerance) if shape else Region(box)


def _coordinate(selector: Mapping[str, Any], name: str) -> float:
    value = selector.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= svg.MAX_COORDINATE:
        raise BadSelector(
            f"A PointSelector on an image needs a number for {name}.",
            parameter="selector",
            spec="https://iiif.io/api/annex/openannotation/#point-selector",
        )
    return float(value)


def _whole(selector: Mapping[str, Any], name: str) -> int:
    value = selector.get(name)
    if type(value) is not int or not 0 <= value <= svg.MAX_COORDINATE:
        raise BadSelector(f"A hub:MaskSelector needs a whole number of 0 or more for {name}.", parameter=name)
    return value


def _tolerance(selector: Mapping[str, Any]) -> float:
    """How much the selector says that it may miss what it stands for; 0 where it says nothing."""
    if "hub:tolerance" not in selector:
        return 0.0
    said = str(selector["hub:tolerance"])
    value = float(said) if svg_frames.NUMBERS.fullmatch(said) else -1.0
    if not 0 <= value <= svg.MAX_COORDINATE:
        raise BadSelector("hub:tolerance must be a number of 0 or more, in canvas units.", parameter="hub:tolerance")
    return value


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
        return f'{start}<polygon points="{points}"/></svg>'
    if not region.rings and len(region.lines) == 1 and len(region.lines[0]) == 2:
        (x1, y1), (x2, y2) = region.lines[0]
        ends = f'x1="{rounded(x1)}" y1="{rounded(y1)}" x2="{rounded(x2)}" y2="{rounded(y2)}"'
        return f"{start}<line {ends}/></svg>"
    return region_text.svg(region, rounded)
