"""Patches: small pictures with transparency that are laid on the sheet, and the places where they came to lie."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Rgb = tuple[int, int, int]
FRACTION = 4  # bits behind the point in coordinates handed to OpenCV


@dataclass(slots=True)
class Patch:
    """(H, W, 3) uint8 RGB and (H, W) uint8 opacity, drawn at `px_per_mm`."""

    rgb: NDArray[np.uint8]
    alpha: NDArray[np.uint8]
    px_per_mm: float

    @classmethod
    def blank(cls, width_mm: float, height_mm: float, px_per_mm: float, colour: Rgb, opacity: int = 255) -> "Patch":
        shape = (max(round(height_mm * px_per_mm), 1), max(round(width_mm * px_per_mm), 1))
        return cls(np.full((*shape, 3), colour, np.uint8), np.full(shape, opacity, np.uint8), px_per_mm)

    def fill(self, corners_mm: NDArray[np.float64], colour: Rgb, *, opaque: bool = False) -> None:
        """Fill a polygon, (N, 2) in mm from the patch's corner, with anti-aliased edges at sub-pixel places."""
        points = to_fixed(corners_mm * self.px_per_mm - 0.5)
        cv2.fillPoly(self.rgb, [points], colour, cv2.LINE_AA, FRACTION)
        if opaque:
            cv2.fillPoly(self.alpha, [points], (255,), cv2.LINE_AA, FRACTION)

    def rectangle(self, x_mm: float, y_mm: float, width_mm: float, height_mm: float, colour: Rgb) -> None:
        """Fill an upright box given in mm; exact to a sixteenth of a pixel, by coverage, so that ticks lie true."""
        box = np.array([x_mm, y_mm, x_mm + width_mm, y_mm + height_mm]) * self.px_per_mm
        left, top, right, bottom = box
        columns, rows = _coverage(left, right, self.rgb.shape[1]), _coverage(top, bottom, self.rgb.shape[0])
        xs, ys = np.flatnonzero(columns), np.flatnonzero(rows)
        if not len(xs) or not len(ys):
            return
        area = np.s_[ys[0] : ys[-1] + 1, xs[0] : xs[-1] + 1]
        weight = np.outer(rows[ys[0] : ys[-1] + 1], columns[xs[0] : xs[-1] + 1])[..., np.newaxis]
        self.rgb[area] = np.round(self.rgb[area] * (1 - weight) + np.array(colour) * weight).astype(np.uint8)


def lay(
    ground: NDArray[np.float32], patch: Patch, x_mm: float, y_mm: float, degrees: float = 0.0, shadow: float = 0.25
) -> NDArray[np.float64]:
    """Lay the patch on the ground, (H, W, 3) float32, with its upper left corner there, turned about its middle.

    Returns its corners, (4, 2) x and y in pixels of the ground. A soft shadow says that it is glued on, not printed.
    """
    height, width = patch.alpha.shape
    scale = patch.px_per_mm
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    corners = np.array([[-0.5, -0.5], [width - 0.5, -0.5], [width - 0.5, height - 0.5], [-0.5, height - 0.5]])
    moved = corners @ turn[:, :2].T + turn[:, 2] + np.array([x_mm, y_mm]) * scale
    low = np.maximum(np.floor(moved.min(0) - 12).astype(int), 0)
    high = np.minimum(np.ceil(moved.max(0) + 12).astype(int), [ground.shape[1], ground.shape[0]])
    size = (int(high[0] - low[0]), int(high[1] - low[1]))
    turn[:, 2] += np.array([x_mm, y_mm]) * scale - low
    rgb = cv2.warpAffine(patch.rgb, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)
    alpha = cv2.warpAffine(patch.alpha, turn, size, flags=cv2.INTER_LINEAR).astype(np.float32)[..., np.newaxis] / 255
    under = ground[low[1] : high[1], low[0] : high[0]]
    if shadow:
        fallen = cv2.GaussianBlur(np.roll(alpha[..., 0], (3, 2), (0, 1)), (0, 0), 3.0)[..., np.newaxis]
        under *= 1 - shadow * fallen * (1 - alpha)
    under += (rgb - under) * alpha
    placed: NDArray[np.float64] = moved
    return placed


def to_fixed(points_px: NDArray[np.float64]) -> NDArray[np.int32]:
    """Pixel coordinates as OpenCV's fixed-point integers."""
    fixed: NDArray[np.int32] = np.round(points_px * (1 << FRACTION)).astype(np.int32)
    return fixed


def _coverage(low: float, high: float, length: int) -> NDArray[np.float64]:
    """How much of each of the pixels, which span [i, i+1], lies between low and high."""
    edges = np.arange(length)
    covered: NDArray[np.float64] = np.clip(np.minimum(edges + 1, high) - np.maximum(edges, low), 0, 1)
    return covered
