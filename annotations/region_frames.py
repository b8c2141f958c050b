"""Other frames on a canvas: the stored file's pixels, a segment's own canvas, a canvas of another size, fractions.

A coordinate goes over with one rounding. On the way back it is the shortest decimal that goes over to the same number, so
whole and half pixels, and all that the other frame can tell apart, come back as the same double.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np

from annotations import region_masks
from annotations.model import CanvasBox, Point
from annotations.region_masks import Mask
from annotations.regions import Region, turned_back

ONE = Fraction(1)
Converter = Callable[[Point], Point]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis of the other frame: along the canvas's `canvas_axis` (0 is x), from `origin` on, backwards if scale < 0."""

    canvas_axis: int
    origin: Fraction
    scale: Fraction

    def over(self, coordinate: float) -> float:
        return float((Fraction(coordinate) - self.origin) * self.scale)

    def back(self, coordinate: float) -> float:
        found = float(Fraction(coordinate) / self.scale + self.origin)
        for places in range(17):
            shorter = round(found, places) + 0.0  # no minus before zero
            if self.over(shorter) == coordinate:
                return shorter
        return found


@dataclass(frozen=True, slots=True)
class Frame:
    """Where another frame lies on a canvas. `over` converts from canvas units to its own, `back` the other way."""

    x: Axis
    y: Axis

    @classmethod
    def stored(cls, width: int, height: int, orientation: int) -> "Frame":
        """Pixels of the stored file, whose EXIF orientation makes an upright canvas of that size. ValueError beyond 1 to 8."""
        if not 1 <= orientation <= 8:
            raise ValueError("an EXIF orientation is 1 to 8")
        sizes = (width, height)
        axes = (1, 0) if orientation > 4 else (0, 1)
        from_far_end = ((), (0,), (0, 1), (1,), (), (1,), (0, 1), (0,))[orientation - 1]
        x, y = (
            Axis(axis, Fraction(sizes[axis] if own in from_far_end else 0), -ONE if own in from_far_end else ONE)
            for own, axis in enumerate(axes)
        )
        return cls(x, y)

    @classmethod
    def segment(cls, x: int, y: int, width: int, height: int, own_width: int = 0, own_height: int = 0) -> "Frame":
        """The canvas of a segment, which shows that box; its own size is that of the box unless another is given."""
        return cls(
            Axis(0, Fraction(x), Fraction(own_width or width, width)),
            Axis(1, Fraction(y), Fraction(own_height or height, height)),
        )

    @classmethod
    def resized(cls, width: int, height: int, own_width: int, own_height: int) -> "Frame":
        """The whole canvas, made `own_width` by `own_height`; both factors are those of the sizes really made."""
        return cls.segment(0, 0, width, height, own_width, own_height)

    @classmethod
    def fractions(cls, width: int, height: int) -> "Frame":
        """0 to 1 from left to right and from top to bottom."""
        return cls.segment(0, 0, width, height, 1, 1)

    def then(self, inner: "Frame") -> "Frame":
        """The inner frame, which lies in this one, as a frame on the canvas (a segment of a segment)."""
        return Frame(self._through(inner.x), self._through(inner.y))

    def _through(self, axis: Axis) -> Axis:
        mine = (self.x, self.y)[axis.canvas_axis]
        return Axis(mine.canvas_axis, mine.origin + axis.origin / mine.scale, mine.scale * axis.scale)

    def over(self, region: Region) -> Region:
        """The region in this frame's own units. A mask stays one where pixels fall on pixels, else it becomes its rings."""
        return _converted(region, self, self.point_over)

    def back(self, region: Region) -> Region:
        """The region of this frame in canvas units."""
        return _converted(region, self.inverse(), self.point_back)

    def point_over(self, point: Point) -> Point:
        return self.x.over(point[self.x.canvas_axis]), self.y.over(point[self.y.canvas_axis])

    def point_back(self, point: Point) -> Point:
        found = [0.0, 0.0]
        found[self.x.canvas_axis], found[self.y.canvas_axis] = self.x.back(point[0]), self.y.back(point[1])
        return found[0], found[1]

    def inverse(self) -> "Frame":
        """The canvas as a frame on this one."""
        by_axis = {axis.canvas_axis: (own, axis) for own, axis in enumerate((self.x, self.y))}
        x, y = (Axis(own, -axis.origin * axis.scale, 1 / axis.scale) for own, axis in (by_axis[0], by_axis[1]))
        return Frame(x, y)

    @property
    def mirrors(self) -> bool:
        """Whether clockwise becomes the other way."""
        return (self.x.canvas_axis == 1) != (self.x.scale * self.y.scale < 0)

    @property
    def keeps_pixels(self) -> bool:
        return all(abs(axis.scale) == 1 and axis.origin.denominator == 1 for axis in (self.x, self.y))


def _converted(region: Region, frame: Frame, convert: Converter) -> Region:
    if region.mask is not None and not frame.keeps_pixels:
        region = replace(region, rings=region_masks.trace(region.mask), mask=None)
    (xa, ya), (xb, yb) = convert((region.box.x0, region.box.y0)), convert((region.box.x1, region.box.y1))
    rings = tuple(tuple(map(convert, ring)) for ring in region.rings)
    return Region(
        box=CanvasBox(min(xa, xb), min(ya, yb), max(xa, xb), max(ya, yb)),
        rings=tuple(map(turned_back, rings)) if frame.mirrors else rings,
        lines=tuple(tuple(map(convert, line)) for line in region.lines),
        point=None if region.point is None else convert(region.point),
        mask=None if region.mask is None else _mask(region.mask, frame),
        tolerance=region.tolerance * float(max(abs(frame.x.scale), abs(frame.y.scale))),
    )


def _mask(mask: Mask, frame: Frame) -> Mask:
    """The mask in a frame where pixels fall on pixels."""
    pixels = mask.pixels()
    if frame.x.canvas_axis == 1:
        pixels = pixels.T
    pixels = pixels[:: int(frame.y.scale), :: int(frame.x.scale)]
    corners = [frame.point_over((x, y)) for x, y in ((mask.x, mask.y), (mask.x + mask.width, mask.y + mask.height))]
    x, y = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
    return Mask.of_pixels(np.ascontiguousarray(pixels), int(x), int(y))
