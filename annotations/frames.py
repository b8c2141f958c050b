"""From what a target's selectors count in to canvas units: a segment and a picture have a frame of their own.

A segment's selectors count from its upper left corner; those of a picture's address in the pixels of that picture. A picture
is resolved as the image server resolves it (iiif/image/request.py); of one that is turned or mirrored only the region counts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from annotations import clipping, region_frames, selectors, validation
from annotations.errors import AnnotationTooBig, BadSelector, SelectorOutsideCanvas, UnknownTarget
from annotations.mask_selectors import LoadMask
from annotations.model import Annotation, Canvas, CanvasBox, Target
from annotations.region_frames import Axis
from annotations.regions import Region
from app.runtime import context
from app.runtime.addresses import Named
from iiif.image.errors import BadParameter
from iiif.image.request import Geometry, ImageRequest, SizeLimits


@dataclass(frozen=True, slots=True)
class Selected:
    """What a target says of its region: its selectors, and the fragment of its IRI."""

    selector: Any
    fragment: str


@dataclass(frozen=True, slots=True)
class Frame:
    """A rectangle with units of its own on a canvas.

    `size` is its size in its own units, `box` where it lies in canvas units, `whole` whether that is the canvas itself;
    `turned` says that its units run otherwise than the canvas's, so that no selector can be read in it.
    """

    size: Canvas
    box: CanvasBox
    whole: bool
    turned: bool = False

    def region(self, selected: Selected) -> Region | None:
        """The region that the selector or the fragment of its IRI says, in canvas units, clipped at the edge.

        Without either it is that of the frame, or None for the whole canvas. Raises BadSelector, AnnotationTooBig,
        SelectorOutsideCanvas.
        """
        own = selectors.read(selected.selector, self.size)
        if selected.fragment:
            own = own or selectors.read_fragment_of(selected.fragment, self.size)
        if own is None:
            return None if self.whole else Region(self.box)
        if self.turned:
            raise BadSelector(
                "In a picture that is turned or mirrored no selector can be read: let the target be the image or its canvas.",
                parameter="selector",
            )
        kept = clipping.clipped(own, self.size)
        region = carried(kept, CanvasBox(0, 0, self.size.width, self.size.height), self.box)
        clipping.check_least(region)
        return region


def of(named: Named, canvas: Canvas, frame: str = "") -> Frame:
    """The frame of a canvas, image, segment or picture on that canvas; `frame` is the box of a segment that has a key, x,y,w,h.

    Raises UnknownTarget for a segment that does not lie within the image and a picture that cannot be asked for.
    """
    is_part = named.kind == "segment"
    x, y, width, height = corners(named.key, frame) if is_part else (0, 0, canvas.width, canvas.height)
    if x + width > canvas.width or y + height > canvas.height:
        within = f"within the image of {canvas.width} × {canvas.height} pixels"
        raise UnknownTarget(f"There is no segment {named.key!r}: it must lie {within}.", parameter="target")
    part, size, turned = (x, y, width, height), Canvas(width, height), False
    if named.picture:
        geometry = _geometry(named, width, height)
        shown, rotation = geometry.region, geometry.rotation
        part = (x + shown.x, y + shown.y, shown.width, shown.height)
        size, turned = Canvas(geometry.width, geometry.height), bool(rotation.mirror or rotation.degrees)
    box = CanvasBox(part[0], part[1], part[0] + part[2], part[1] + part[3])
    return Frame(size, box, part == (0, 0, canvas.width, canvas.height), turned)


def corners(segment_key: str, frame: str = "") -> tuple[int, int, int, int]:
    """x, y, width and height of the segment `m1…:x,y,w,h`, or of one with a key whose box is `frame`, in pixels of the upright
    image."""
    x, y, width, height = map(int, (frame or segment_key.partition(":")[2]).split(","))
    return x, y, width, height


def carried(region: Region, before: CanvasBox, after: CanvasBox) -> Region:
    """The region, of a frame in which a box is `before`, in canvas units, in which that box is `after`."""
    if before == after:
        return region
    across = _between(0, (before.x0, before.x1), (after.x0, after.x1))
    down = _between(1, (before.y0, before.y1), (after.y0, after.y1))
    return region_frames.Frame(across, down).back(region)


def _between(axis: int, own: tuple[float, float], ours: tuple[float, float]) -> Axis:
    """The axis of the frame on which `own` lies where `ours` lies on the canvas; without an extent only the place counts."""
    extent = Fraction(ours[1]) - Fraction(ours[0])
    scale = (Fraction(own[1]) - Fraction(own[0])) / extent if extent and own[1] > own[0] else Fraction(1)
    return Axis(axis, Fraction(ours[0]) - Fraction(own[0]) / scale, scale)


def shown_region(annotation: Annotation, canvas: Canvas, load: LoadMask | None = None) -> Region | None:
    """The region, in canvas units, of the target that the annotation has in front; None for all of what it names.

    Where the target lies is known from when it was accepted; its shape is read from the document again, and of one that
    cannot be read any more, as an older release took it, the box is told.
    """
    front = annotation.front
    if front.box is None:
        return None
    try:
        size, own = _own_region(annotation.document, front, canvas, load)
        own = None if own is None else clipping.clipped(own, size)
    except (BadSelector, AnnotationTooBig, SelectorOutsideCanvas, UnknownTarget):
        own = None
    return Region(front.box) if own is None else carried(own, own.box, front.box)


def is_clipped(annotation: Annotation, canvas: Canvas) -> bool:
    """Whether the selector of the target in front reaches past the edge, so that only a part of it is shown and found."""
    if annotation.front.box is None:
        return False
    size, own = _own_region(annotation.document, annotation.front, canvas, None)
    return own is not None and clipping.clipped(own, size) is not own


def _own_region(
    document: Mapping[str, Any], target: Target, canvas: Canvas, load: LoadMask | None
) -> tuple[Canvas, Region | None]:
    """What its selector or the fragment of its IRI says, in its own frame, and the size of that; None where it says nothing,
    and for what is no image."""
    said = validation.several(document["target"])[target.position]
    if target.kind not in ("canvas", "image", "segment"):
        return canvas, None
    iri, _, fragment = validation.iri_of(said).partition("#")
    size = Canvas(*corners(target.key, target.frame)[2:]) if target.kind == "segment" else canvas
    named = context.current().addresses.identify(iri)
    if named is not None and named.picture:
        size = of(named, canvas).size
    own = selectors.read(said.get("selector"), size, load) if isinstance(said, Mapping) else None
    return size, own or (selectors.read_fragment_of(fragment, size) if fragment else None)


def _geometry(named: Named, width: int, height: int) -> Geometry:
    region, size, rotation, last = named.picture.split("/")
    quality, _, form = last.partition(".")
    settings = context.current().settings
    try:
        request = ImageRequest.parse(named.api, region, size, rotation, quality, form)
        return request.resolve(width, height, SizeLimits(settings.max_width, settings.max_area))
    except BadParameter as error:
        raise UnknownTarget(f"The address is not that of a picture. {error}", parameter="target") from error
