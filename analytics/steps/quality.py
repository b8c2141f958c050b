"""Quality of the photograph itself: sharpness, exposure, clipping."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.model import Finding, SheetImage, StepContext, StepResult

BLOCK_PX = 64
BAND_PX = 4 * BLOCK_PX  # rows looked at together
LEAST_CONTRAST = 40.0  # grey levels between the darkest and the brightest pixel of a block that has an edge
BLURRED_BELOW = 0.15  # at the size at which sharpness is judged: a Gaussian blur of nearly 3 pixels there
CLIPPED_ABOVE = 0.02
DARK_BELOW = 140.0  # the grey that 99 % of the pixels stay below


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding on the whole image. Parameters: `long_side_px`, the size at which sharpness is judged (never enlarged)."""
    judged = image.copy(int(parameters.get("long_side_px", 2000))).grey
    whole = _whole(image)
    full, reduced, bright, dark = whole.sharpness, edge_sharpness(judged), whole.bright, whole.dark
    brightest = float(np.percentile(judged, 99))
    judgements = (
        ("no edges to judge the focus by", reduced is None),
        ("out of focus", reduced is not None and reduced < BLURRED_BELOW),
        (f"{bright:.0%} of it is blown out", bright > CLIPPED_ABOVE),
        (f"{dark:.0%} of it is black", dark > CLIPPED_ABOVE),
        ("underexposed", brightest < DARK_BELOW),
    )
    faults = [fault for fault, holds in judgements if holds]
    data = {
        "edgeSharpness": reduced,
        "edgeBlurPx": None if full is None else 0.4 / full,
        "brightestGrey": brightest,
        "clippedBright": bright,
        "clippedDark": dark,
        "widthPx": image.width_px,
        "heightPx": image.height_px,
        "faults": faults,
    }
    blur = "" if full is None else f", edges {0.4 / full:.1f} px soft"
    text = (
        f"Image quality: {'; '.join(faults) or 'sharp and well exposed'} ({image.width_px * image.height_px / 1e6:.1f} Mpx{blur})"
    )
    return StepResult((Finding("quality", text, motivations=("assessing",), data=data),))


@dataclass(frozen=True, slots=True)
class _Whole:
    """Of all pixels: sharpness as `edge_sharpness` gives it, and shares that are blown out and black."""

    sharpness: float | None
    bright: float
    dark: float


def _whole(image: SheetImage) -> _Whole:
    """At full resolution, in bands of blocks, which overlap by what smoothing and slopes need."""
    steepest, contrast, bright, dark = [], [], 0, 0
    usable = image.height_px - 1  # a slope lies between two rows
    for top in range(0, image.height_px, BAND_PX):
        bottom = min(image.height_px, top + BAND_PX)
        band = image.crop(0, top - 1, image.width_px, bottom + 2).rgb
        own = band[min(top, 1) :][: bottom - top]
        bright += cv2.countNonZero(cv2.inRange(own, (254, 254, 254), (255, 255, 255)))
        dark += cv2.countNonZero(cv2.inRange(own, (0, 0, 0), (1, 1, 1)))
        smooth = _smooth(np.asarray(cv2.cvtColor(np.ascontiguousarray(band), cv2.COLOR_RGB2GRAY), np.uint8))[min(top, 1) :]
        edges, ranges = _steps(smooth[: min(bottom, usable) - top + 1])
        steepest.append(edges)
        contrast.append(ranges)
    share = 1 / (image.width_px * image.height_px)
    return _Whole(_sharpness(np.vstack(steepest), np.vstack(contrast)), bright * share, dark * share)


def edge_sharpness(grey: NDArray[np.uint8]) -> float | None:
    """How much of its height an edge climbs in one pixel, at the sharpest edges: a blur of sigma px gives about 0.4 / sigma.

    The median over the most contrasting tenth of the blocks of (H, W) uint8, so that empty paper does not count; None
    where nothing has contrast. In each block it is the steepest step over the range of grey, in the manner of the
    edge-width measures that follow Marziliano et al. (2002).
    """
    return _sharpness(*_steps(_smooth(grey)))


def _smooth(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.asarray(cv2.GaussianBlur(grey, (3, 3), 0), np.uint8)


def _steps(smooth: NDArray[np.uint8]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The steepest step and the range of grey in every whole block of BLOCK_PX, as (rows, columns) each."""
    rows, columns = (smooth.shape[0] - 1) // BLOCK_PX, (smooth.shape[1] - 1) // BLOCK_PX
    if rows < 1 or columns < 1:
        return np.zeros((0, max(0, columns)), np.uint8), np.zeros((0, max(0, columns)), np.uint8)
    here = smooth[:-1, :-1]
    slope = np.asarray(cv2.max(cv2.absdiff(smooth[:-1, 1:], here), cv2.absdiff(smooth[1:, :-1], here)), np.uint8)
    steepest, blocks = _blocks(slope, rows, columns).max(axis=1).max(axis=2), _blocks(smooth, rows, columns)
    return steepest, blocks.max(axis=1).max(axis=2) - blocks.min(axis=1).min(axis=2)


def _sharpness(steepest: NDArray[np.uint8], contrast: NDArray[np.uint8]) -> float | None:
    if not contrast.size or contrast.max() < LEAST_CONTRAST:
        return None
    chosen = contrast >= max(LEAST_CONTRAST, float(np.percentile(contrast, 90)))
    return float(np.median(steepest[chosen].astype(np.float32) / contrast[chosen]))


def _blocks(values: NDArray[np.uint8], rows: int, columns: int) -> NDArray[np.uint8]:
    return values[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
