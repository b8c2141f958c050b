"""Selectors: what clients send as selector, as a region in canvas units, and the form in which the hub stores one.

Frame: canvas units, which are pixels of the upright image; x rightwards, y downwards, origin at the upper left corner.
Web Annotation Data Model, sections 4.2.1 and 4.2.7; Media Fragments 1.0, section 4.2.2; PointSelector and ImageApiSelector of
IIIF (https://iiif.io/api/annex/openannotation/); our own member hub:mask (`mask_selectors`). What viewers get is in
`viewer_selectors`, what happens at the edge of the canvas in `clipping`.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import unquote

from annotations import mask_selectors, region_text, svg, svg_lengths
from annotations.errors import AnnotationTooBig, BadSelector
from annotations.mask_selectors import LoadMask, MaskReference
from annotations.model import Canvas, CanvasBox
from annotations.regions import Region, bounds
from iiif.image.errors import BadParameter
from iiif.image.request import RegionParameter

MAX_SELECTORS = 10
SLACK = 1.0  # canvas units that the outline of a mask may leave its box, beside its tolerance
NUMBER = svg_lengths.NUMBERS.pattern
XYWH = re.compile(rf"xywh=(?:(pixel|percent):)?({NUMBER}),({NUMBER}),({NUMBER}),({NUMBER})", re.ASCII)
BOXES = ("FragmentSelector", "ImageApiSelector")
OF_TEXTS = (  # and of pages: an image has nothing that they could select
    *("TextQuoteSelector", "TextPositionSelector", "DataPositionSelector"),
    *("RangeSelector", "CssSelector", "XPathSelector"),
)
WITHOUT_PLACE = ("t", "track", "id")  # dimensions of a fragment beside xywh (Media Fragments 1.0, 4.2)
MEDIA_FRAGMENTS = "http://www.w3.org/TR/media-frags/"


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


def read_fragment_of(value: str, canvas: Canvas) -> Region | None:
    """The same; None, which is the whole, for a fragment of a time, a track or a name alone (`t=10,20`). Raises BadSelector."""
    names = {member.partition("=")[0] for member in value.strip().removeprefix("#").split("&")}
    return None if names <= set(WITHOUT_PLACE) and "=" in value else read_fragment(value, canvas)


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
    point if no shape is beside it. Of a mask there is what stands beside it, or with `load` the mask itself. Selectors of a
    time, and of texts beside others, say nothing of the place.
    Raises BadSelector, AnnotationTooBig; only of a mask it is asked whether it lies within the canvas (SelectorOutsideCanvas).
    """
    several = _several(selector)
    masks = mask_selectors.masks_in(several, canvas)
    found = list(_read_each(several, canvas))
    boxes = [region.box for name, region in found if name in BOXES and region.point is None]
    shape = next((region for name, region in found if name == "SvgSelector"), None)
    points = [region for name, region in found if region.point is not None and (name == "PointSelector" or not boxes)]
    if masks:
        return _masked(masks[0], boxes, shape, load)
    if shape is not None:
        return replace(shape, box=boxes[0]) if boxes else shape
    return points[0] if points else Region(boxes[0]) if boxes else None


def _read_each(several: list[Any], canvas: Canvas) -> Iterator[tuple[Any, Region]]:
    """Type and region of each selector that has one. Raises BadSelector where there are none but of texts."""
    placed = [one for one in several if not mask_selectors.is_earlier_form(one)]
    if any(_type(one) not in OF_TEXTS for one in several):
        placed = [one for one in placed if _type(one) not in OF_TEXTS]
    for one in placed:
        region = _read_one(one, canvas)
        if region is not None:
            yield _type(one), region


def masks_of(selector: Any, canvas: Canvas) -> list[MaskReference]:
    """The masks that a `selector` member names. Raises BadSelector, AnnotationTooBig, SelectorOutsideCanvas."""
    return mask_selectors.masks_in(_several(selector), canvas)


def stored_selectors(region: Region, mask: MaskReference | None = None) -> list[dict[str, Any]]:
    """The exact form of a region, as alternatives: box, and shape or point beside it.

    A shape that stands for another says by how much it may miss it (hub:tolerance, in canvas units). One that stands for a
    mask names that.
    """
    if region.kind == "point" and region.point is not None:
        return [{"type": "PointSelector", "x": region.point[0], "y": region.point[1]}]
    box, made = region.box, []
    if box.x1 > box.x0 and box.y1 > box.y0:
        value = f"xywh=pixel:{region_text.xywh(box)}"
        made.append({"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": value})
    if region.rings or region.lines:
        stated = {"hub:tolerance": region_text.exact(region.tolerance)} if region.tolerance else {}
        named = {} if mask is None else mask_selectors.mask_member(mask)
        made.append({"type": "SvgSelector", "value": region_text.svg(region), **stated, **named})
    return made


def _several(selector: Any) -> list[Any]:
    several = selector if isinstance(selector, list) else [] if selector is None else [selector]
    if len(several) > MAX_SELECTORS:
        raise AnnotationTooBig(f"A target may have up to {MAX_SELECTORS} selectors.", parameter="selector")
    return several


def _type(selector: Any) -> Any:
    types = selector.get("type") if isinstance(selector, Mapping) else None
    return types[0] if isinstance(types, list) and len(types) == 1 else types


def _read_one(selector: Any, canvas: Canvas) -> Region | None:
    if not isinstance(selector, Mapping):
        raise BadSelector(
            "A selector must be an object with a type.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    name, value = _type(selector), selector.get("value")
    if "refinedBy" in selector:
        raise BadSelector("A region of an image cannot be refined by another selector here.", parameter="refinedBy")
    if name == "PointSelector" and _is_of_time(selector):
        return None
    if name == "PointSelector":
        return Region.of_point(_coordinate(selector, "x"), _coordinate(selector, "y"))
    if name == "ImageApiSelector":
        return _read_request(selector.get("region", "full"), canvas)
    if name not in ("FragmentSelector", "SvgSelector"):
        raise BadSelector(
            "On an image a selector is a FragmentSelector, SvgSelector, PointSelector or ImageApiSelector, "
            f"not {str(name)[:40]!r}.",
            parameter="selector",
        )
    if not isinstance(value, str):
        raise BadSelector(
            f"A {name} needs a value that is a string.", parameter="selector", spec="Web Annotation Data Model, 4.2"
        )
    if name == "FragmentSelector":
        return read_fragment_of(value, canvas)
    return replace(read_shape(value, canvas), tolerance=mask_selectors.tolerance_of(selector))


def _read_request(region: Any, canvas: Canvas) -> Region:
    """The region of a request for a picture (Image API 3.0, 4.1); how large and how turned that is says nothing of the place."""
    try:
        box = RegionParameter.parse(region if isinstance(region, str) else str(region)).resolve(canvas.width, canvas.height)
    except BadParameter as error:
        raise BadSelector(f"The region of an ImageApiSelector cannot be read. {error}", parameter="region") from error
    return Region.of_box(box.x, box.y, box.x + box.width, box.y + box.height)


def _masked(reference: MaskReference, boxes: list[CanvasBox], shape: Region | None, load: LoadMask | None) -> Region:
    """Raises BadSelector where the shape leaves the mask's box: then one of the two was moved without the other."""
    box = boxes[0] if boxes else reference.box
    if shape is not None and not _lies_in(bounds([*shape.rings, *shape.lines]), reference.box, SLACK + shape.tolerance):
        raise BadSelector(
            "The shape and its mask lie at different places: leave hub:mask out where the shape was changed.",
            parameter="hub:mask",
        )
    if load is not None:
        return Region(box, mask=load(reference), tolerance=reference.tolerance)
    return Region(box, shape.rings, shape.lines, tolerance=shape.tolerance) if shape else Region(box)


def _lies_in(box: CanvasBox, around: CanvasBox, slack: float) -> bool:
    far = max(around.x0 - box.x0, around.y0 - box.y0, box.x1 - around.x1, box.y1 - around.y1)
    return far <= slack


def _is_of_time(selector: Mapping[str, Any]) -> bool:
    """Whether it is a point in time alone: seconds, without a place."""
    at = selector.get("t")
    is_time = isinstance(at, int | float) and not isinstance(at, bool) and 0 <= at < math.inf
    return is_time and "x" not in selector and "y" not in selector


def _coordinate(selector: Mapping[str, Any], name: str) -> float:
    value = selector.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= svg_lengths.MAX_COORDINATE:
        raise BadSelector(
            f"A PointSelector on an image needs a number for {name}.",
            parameter="selector",
            spec="https://iiif.io/api/annex/openannotation/#point-selector",
        )
    return float(value)
