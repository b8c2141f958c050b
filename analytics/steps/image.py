"""The image as steps get it: decoded once, in scaled copies that are made once, in crops at full resolution, with what was
detected on it once and is shared.

No step gets the whole of a large image at full resolution, so the memory that an analysis takes does not grow with the image.
Frame everywhere: the upright image in sRGB, x to the right, y downwards, in pixels from the upper left corner of the upper left
pixel. The execution makes one `SheetImage` a task and closes it after the last step.
"""

import ctypes
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import Any, NamedTuple, Protocol, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from annotations import region_outlines
from annotations.regions import Region

Pixels = NDArray[np.uint8]
MOST_HELD_PX = 32_000_000  # of one array that a step may ask for: 96 MB
KEPT_BYTES = 300_000_000  # of copies kept for later steps
BAND_PX = 4_000_000  # read at a time while a large image is reduced
Shared = TypeVar("Shared")


class TooManyPixels(ValueError):
    """A step asked for more of a large image than may be held at once; it has to ask for a reduced copy or for crops."""


class PixelSource(Protocol):
    """Where the decoded pixels lie: a file, or an array in memory."""

    width_px: int
    height_px: int

    def read(self, x0: int, y0: int, x1: int, y1: int) -> Pixels:
        """uint8 (y1 - y0, x1 - x0, 3), the columns and rows of the image."""
        ...


class InMemory:
    """An image that is small or synthetic, as an array (H, W, 3)."""

    def __init__(self, rgb: Pixels) -> None:
        self._rgb = rgb
        self.height_px, self.width_px = int(rgb.shape[0]), int(rgb.shape[1])

    def read(self, x0: int, y0: int, x1: int, y1: int) -> Pixels:
        return self._rgb[y0:y1, x0:x1]


class ScaledCopy:
    """A reduced copy, or the image itself: `rgb` is uint8 (h, w, 3) and must not be written to.

    A place (x, y) of the copy is (x * wide, y * high) of the image. Both are 1 or more.
    """

    def __init__(self, rgb: Pixels, wide: float, high: float) -> None:
        self.rgb, self.wide, self.high = rgb, wide, high
        self.rgb.flags.writeable = False

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width, as numpy has them."""
        return int(self.rgb.shape[0]), int(self.rgb.shape[1])

    @cached_property
    def grey(self) -> Pixels:
        """uint8 (h, w), made once and kept with the copy."""
        return np.asarray(cv2.cvtColor(np.ascontiguousarray(self.rgb), cv2.COLOR_RGB2GRAY), np.uint8)

    def to_image(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 2) places of the copy in the frame of the image."""
        return np.asarray(points, np.float64) * (self.wide, self.high)

    def to_copy(self, points: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
        """(N, 2) places of the image in the frame of the copy."""
        return np.asarray(points, np.float64) / (self.wide, self.high)

    @property
    def most_bytes(self) -> int:
        """With its grey."""
        return int(self.rgb.nbytes) // 3 * 4


class Tile(NamedTuple):
    """A part at full resolution whose upper left pixel is (x, y) of the image."""

    rgb: Pixels
    x: int
    y: int


class SheetImage:
    """The upright image. Ask for what the step needs: `copy` to find things, `crop` or `tiles` to look at them closely.

    `shared_seconds` says by name what each shared detection took on `clock`.
    """

    def __init__(self, pixels: Pixels | PixelSource, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._source: PixelSource = InMemory(pixels) if isinstance(pixels, np.ndarray) else pixels
        self.width_px, self.height_px = self._source.width_px, self._source.height_px
        self._copies: OrderedDict[tuple[str, int], ScaledCopy] = OrderedDict()
        self._shared: dict[str, Any] = {}
        self.shared_seconds: dict[str, float] = {}

    def copy(self, long_side_px: int) -> ScaledCopy:
        """The image with its longer side reduced to so many pixels (never enlarged), each pixel the mean of its area.

        Of an image that may not be held whole, no more is given than its greatest `level` has, which is 2,800 pixels at least.
        Made once for each size. Raises TooManyPixels where what is asked for is more than MOST_HELD_PX.
        """
        longest = max(self.width_px, self.height_px)
        if long_side_px >= longest:
            return self.level(1)
        return self._kept(("long side", long_side_px), lambda: self._reduced(long_side_px))

    def level(self, reduction: int) -> ScaledCopy:
        """The image reduced so many times: `wide` and `high` are exactly that, and up to reduction - 1 pixels at the right and at
        the bottom are left out. Made once. Raises TooManyPixels."""
        wide, high = max(1, self.width_px // reduction), max(1, self.height_px // reduction)
        if wide * high > MOST_HELD_PX:
            raise TooManyPixels(f"{wide} × {high} pixels at once; at most {MOST_HELD_PX:,} may be held. Ask for a copy or crops.")
        return self._kept(("reduction", reduction), lambda: self._level(reduction))

    def least_reduction(self, most_px: int | None = None) -> int:
        """The least reduction at which the image has at most so many pixels (MOST_HELD_PX): 1 where it has so few already."""
        reduction = 1
        while (self.width_px // reduction) * (self.height_px // reduction) > (most_px or MOST_HELD_PX):
            reduction += 1
        return reduction

    def crop(self, x0: float, y0: float, x1: float, y1: float) -> Tile:
        """What of that box lies on the image, whole pixels that hold it, at full resolution; (0, 0, 3) where nothing does.
        They must not be written to. Raises TooManyPixels.
        """
        left, top = max(0, int(np.floor(x0))), max(0, int(np.floor(y0)))
        right, bottom = min(self.width_px, int(np.ceil(x1))), min(self.height_px, int(np.ceil(y1)))
        if right <= left or bottom <= top:
            return Tile(np.zeros((0, 0, 3), np.uint8), left, top)
        if (right - left) * (bottom - top) > MOST_HELD_PX:
            raise TooManyPixels(f"A crop of {right - left} × {bottom - top} pixels; at most {MOST_HELD_PX:,} may be held.")
        whole = self._copies.get(("reduction", 1))
        if whole is not None:
            return Tile(whole.rgb[top:bottom, left:right], left, top)
        pixels = self._source.read(left, top, right, bottom).view()
        pixels.flags.writeable = False  # it may be the caller's own array
        return Tile(pixels, left, top)

    def tiles(self, side_px: int, overlap_px: int = 0) -> Iterator[Tile]:
        """The whole image at full resolution in squares of that side, row by row, which share so many pixels with the next."""
        step = side_px - overlap_px
        for top in range(0, max(1, self.height_px - overlap_px), step):
            for left in range(0, max(1, self.width_px - overlap_px), step):
                yield self.crop(left, top, left + side_px, top + side_px)

    def once(self, name: str, detect: Callable[["SheetImage"], Shared]) -> Shared:
        """What that function says of the image, computed when it is first asked for; an exception is raised again.

        Detections that several steps need are in `analytics.steps.shared`, which calls this. Their results must not be changed.
        """
        if name not in self._shared:
            started = self.clock()
            try:
                self._shared[name] = detect(self)
            except Exception as error:
                self._shared[name] = error
                raise
            finally:
                self.shared_seconds[name] = self.clock() - started
        known = self._shared[name]
        if isinstance(known, Exception):
            raise known
        return cast(Shared, known)

    def within(self, region: Region) -> Region | None:
        """What of the region lies on the image; None if nothing does."""
        return region_outlines.within(region, self.width_px, self.height_px)

    def release(self) -> None:
        """Let go of all copies and detections. What is freed goes back to the system, so that a worker does not grow with every
        image that it has seen."""
        self._copies.clear()
        self._shared.clear()
        if sys.platform == "linux":
            trim = getattr(ctypes.CDLL(None), "malloc_trim", None)  # not in every C library
            if trim is not None:
                trim(0)

    def _kept(self, key: tuple[str, int], make: Callable[[], ScaledCopy]) -> ScaledCopy:
        """From what is kept, or made now; those that were asked for longest ago go first."""
        found = self._copies.pop(key, None) or make()
        self._copies[key] = found
        while len(self._copies) > 1 and sum(copy.most_bytes for copy in self._copies.values()) > KEPT_BYTES:
            self._copies.popitem(last=False)
        return found

    def _reduced(self, long_side_px: int) -> ScaledCopy:
        """Out of a level that has no fewer pixels; where none such may be held, the greatest one that may."""
        longest = max(self.width_px, self.height_px)
        base = self.level(max(self.least_reduction(), longest // (2 * long_side_px) if longest > 4 * long_side_px else 1))
        covered_x, covered_y = base.shape[1] * base.wide, base.shape[0] * base.high
        scale = long_side_px / longest
        wide, high = max(1, round(covered_x * scale)), max(1, round(covered_y * scale))
        if wide * high > MOST_HELD_PX:
            raise TooManyPixels(f"A copy of {wide} × {high} pixels; at most {MOST_HELD_PX:,} may be held.")
        if max(wide, high) >= max(base.shape):
            return base
        rgb = cv2.resize(np.ascontiguousarray(base.rgb), (wide, high), interpolation=cv2.INTER_AREA)
        return ScaledCopy(np.asarray(rgb, np.uint8), covered_x / wide, covered_y / high)

    def _level(self, reduction: int) -> ScaledCopy:
        """Read in bands of whole rows, so that no more than the result and a band is held."""
        if reduction == 1:
            return ScaledCopy(self._source.read(0, 0, self.width_px, self.height_px).view(), 1.0, 1.0)
        wide, high = max(1, self.width_px // reduction), max(1, self.height_px // reduction)
        across, down = min(self.width_px, wide * reduction), min(self.height_px, high * reduction)
        small = np.empty((high, wide, 3), np.uint8)
        rows = max(1, BAND_PX // across // reduction)
        for top in range(0, high, rows):
            bottom = min(high, top + rows)
            band = self._source.read(0, top * reduction, across, min(down, bottom * reduction))
            size = (wide, bottom - top)
            small[top:bottom] = cv2.resize(np.ascontiguousarray(band), size, interpolation=cv2.INTER_AREA)
        return ScaledCopy(small, across / wide, down / high)
