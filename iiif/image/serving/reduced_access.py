"""What people without a token get of an image with reduced access: never more than its small frame holds.

The frame is the whole image scaled so that its longer side has `reduced_width` pixels. Every answer is made of the pixels
of the frame alone, or is a stored tile of a level that is no larger; so pieces put together, however they were cut, turned
or scaled, tell no more than the frame. (To cap only the size of each answer would not do: a region of one pixel at the
size of one pixel is a pixel of the original.)
"""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil, floor

import numpy as np
from numpy.typing import NDArray

from app.runtime.kept import Kept
from iiif.image.errors import OnlyReduced
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import render
from iiif.image.request import PixelBox, Size, SizeLimits

KEPT_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of the image and of its frame, in pixels; `scale` pixels of the image, at least 1, make one of the frame."""

    image_width: int
    image_height: int
    width: int
    height: int
    scale: Fraction

    @classmethod
    def of(cls, image_width: int, image_height: int, longest_px: int) -> "Frame":
        scale = max(Fraction(1), Fraction(max(image_width, image_height), longest_px))
        return cls(image_width, image_height, _nearest(image_width, scale), _nearest(image_height, scale), scale)

    def most(self, region: PixelBox) -> tuple[int, int]:
        """The largest picture of a region of the full image, to the nearest pixel, at least one."""
        return _nearest(region.width, self.scale), _nearest(region.height, self.scale)

    def cells(self, region: PixelBox) -> PixelBox:
        """The pixels of the frame that a region of the full image touches."""
        left, top = region.x * self.width // self.image_width, region.y * self.height // self.image_height
        right = -(-(region.x + region.width) * self.width // self.image_width)
        bottom = -(-(region.y + region.height) * self.height // self.image_height)
        return PixelBox(left, top, right - left, bottom - top)

    def limits(self, region: PixelBox, limits: SizeLimits) -> SizeLimits:
        """The limits within which `max` of that region stays."""
        width, height = self.most(region)
        return SizeLimits(min(limits.max_width_px, max(width, height)), min(limits.max_area_px, width * height))

    def size(self, asked: Size, region: PixelBox, limits: SizeLimits) -> tuple[int, int]:
        """Width and height of the picture: `max` and `!w,h` are made to fit.

        Raises:
            BadParameter: as for any image.
            OnlyReduced: a size was named that is finer than the frame.
        """
        most_width, most_height = self.most(region)
        if asked.form == "max":
            return (most_width, most_height) if limits.allow(most_width, most_height) else limits.largest(most_width, most_height)
        if asked.form == "confined":
            width, height = asked.resolve(region, self.limits(region, limits))
            return min(width, most_width), min(height, most_height)
        width, height = asked.resolve(region, limits)
        if not self.holds(region, width, height):
            raise OnlyReduced(
                f"Without a token this image is given out reduced, this region with at most {most_width} × {most_height} pixels.",
                parameter="size",
            )
        return width, height

    def holds(self, region: PixelBox, width: int, height: int) -> bool:
        """Whether a picture of that size shows the region no finer than the frame does, but for rounding up."""
        return width <= ceil(region.width / self.scale) and height <= ceil(region.height / self.scale)

    def holds_level(self, level: int) -> bool:
        """Whether a level of the pyramid is no finer than the frame."""
        return (1 << level) >= self.scale


def _nearest(side: int, scale: Fraction) -> int:
    return max(1, floor(side / scale + Fraction(1, 2)))


class Frames:
    """The pixels of the frames asked for last."""

    def __init__(self) -> None:
        self._kept: Kept[tuple[str, int, int], NDArray[np.uint8]] = Kept(KEPT_FRAMES)

    def scaled(self, digest: str, pyramid: Pyramid, frame: Frame, region: PixelBox, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width, 3) sRGB: the region of the full image at that size, made of the pixels of the frame alone."""
        cells = frame.cells(region)
        pixels = self._pixels(digest, pyramid, frame)[cells.y : cells.y + cells.height, cells.x : cells.x + cells.width]
        return render.resized(pixels, width, height)

    def _pixels(self, digest: str, pyramid: Pyramid, frame: Frame) -> NDArray[np.uint8]:
        key = digest, frame.width, frame.height
        pixels = self._kept.get(key)
        if pixels is None:
            pixels = render.scaled(pyramid, PixelBox(0, 0, frame.image_width, frame.image_height), frame.width, frame.height)
            self._kept.put(key, pixels)
        return pixels
