"""What people without a token get of an image with reduced access: never more than its small frame holds.

The frame is the whole image scaled so that its longer side has `reduced_width` pixels. Every answer is made of the pixels
of the frame alone, or is a stored tile of a level that is no larger; so pieces put together, however they were cut, turned
or scaled, tell no more than the frame. (To cap only the size of each answer would not do: a region of one pixel at the
size of one pixel is a pixel of the original.)
"""

import threading
from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from iiif.image import render
from iiif.image.errors import OnlyReduced
from iiif.image.pyramid import Pyramid
from iiif.image.request import Box, Limits, Size

KEPT_FRAMES = 8


@dataclass(frozen=True, slots=True)
class Frame:
    """The size of the image and of its frame, in pixels; the frame is never larger."""

    image_width: int
    image_height: int
    width: int
    height: int

    @classmethod
    def of(cls, image_width: int, image_height: int, longest_px: int) -> "Frame":
        longest = max(image_width, image_height)
        if longest <= longest_px:
            return cls(image_width, image_height, image_width, image_height)
        sides = (max(1, (2 * side * longest_px + longest) // (2 * longest)) for side in (image_width, image_height))
        return cls(image_width, image_height, *sides)

    def most(self, region: Box) -> tuple[int, int]:
        """The largest picture of a region of the full image: its share of the frame, to the nearest pixel, at least one."""
        return (
            max(1, (2 * region.width * self.width + self.image_width) // (2 * self.image_width)),
            max(1, (2 * region.height * self.height + self.image_height) // (2 * self.image_height)),
        )

    def cells(self, region: Box) -> Box:
        """The pixels of the frame that a region of the full image touches."""
        left, top = region.x * self.width // self.image_width, region.y * self.height // self.image_height
        right = -(-(region.x + region.width) * self.width // self.image_width)
        bottom = -(-(region.y + region.height) * self.height // self.image_height)
        return Box(left, top, right - left, bottom - top)

    def size(self, wanted: Size, region: Box, limits: Limits) -> tuple[int, int]:
        """Width and height of the picture: `max` and `!w,h` are made to fit.

        Raises:
            BadParameter: as for any image.
            OnlyReduced: a size was named that is finer than the frame.
        """
        width, height = self.most(region)
        if wanted.form in ("max", "confined"):
            fitting = Limits(min(limits.max_width_px, max(width, height)), min(limits.max_area_px, width * height))
            return self._within(wanted.resolve(region, fitting), region)
        size = wanted.resolve(region, limits)
        if not self.holds(region, *size):
            raise OnlyReduced(
                f"Without a token this image is given out reduced: this region at most {width} × {height} pixels large.",
                parameter="size",
            )
        return size

    def holds(self, region: Box, width: int, height: int) -> bool:
        """Whether a picture of that size shows the region no finer than the frame does, but for rounding up."""
        return width <= max(1, -(-region.width * self.width // self.image_width)) and height <= max(
            1, -(-region.height * self.height // self.image_height)
        )

    def holds_level(self, level: int) -> bool:
        """Whether a level of the pyramid is no larger than the frame."""
        return -(-self.image_width >> level) <= self.width and -(-self.image_height >> level) <= self.height

    def _within(self, size: tuple[int, int], region: Box) -> tuple[int, int]:
        width, height = self.most(region)
        return min(size[0], width), min(size[1], height)


class Frames:
    """The pixels of the frames asked for last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, Frame], NDArray[np.uint8]] = OrderedDict()
        self._lock = threading.Lock()

    def scaled(self, digest: str, pyramid: Pyramid, frame: Frame, region: Box, width: int, height: int) -> NDArray[np.uint8]:
        """(height, width, 3) sRGB: the region of the full image at that size, made of the pixels of the frame alone."""
        cells = frame.cells(region)
        pixels = self._pixels(digest, pyramid, frame)[cells.y : cells.y + cells.height, cells.x : cells.x + cells.width]
        return render.resized(pixels, width, height)

    def _pixels(self, digest: str, pyramid: Pyramid, frame: Frame) -> NDArray[np.uint8]:
        key = (digest, frame)
        pixels = self._kept.get(key)
        if pixels is None:
            pixels = render.scaled(pyramid, Box(0, 0, frame.image_width, frame.image_height), frame.width, frame.height)
            with self._lock:
                self._kept[key] = pixels
                while len(self._kept) > KEPT_FRAMES:
                    self._kept.popitem(last=False)
        return pixels
