"""Quality of the photograph itself: sharpness, exposure, clipping."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.model import Finding, SheetImage, StepContext, StepResult

BLOCK_PX = 64
LEAST_CONTRAST = 40.0  # grey levels between the darkest and the brightest pixel of a block that has an edge
BLURRED_BELOW = 0.15  # at the size at which sharpness is judged: a Gaussian blur of nearly 3 pixels there
CLIPPED_ABOVE = 0.02
DARK_BELOW = 140.0  # the grey that 99 % of the pixels stay below


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding on the whole image. Parameters: `long_side_px`, the size at which sharpness is judged (never enlarged)."""
    grey = cv2.cvtColor(image.rgb, cv2.COLOR_RGB2GRAY)
    shrink = min(1.0, float(parameters.get("long_side_px", 2000)) / max(grey.shape))
    judged = cv2.resize(grey, None, fx=shrink, fy=shrink, interpolation=cv2.INTER_AREA) if shrink < 1 else grey
    full, reduced = edge_sharpness(grey), edge_sharpness(judged)
    bright, dark = float((image.rgb >= 254).all(axis=2).mean()), float((image.rgb <= 1).all(axis=2).mean())
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


def edge_sharpness(grey: NDArray[np.uint8]) -> float | None:
    """How much of its height an edge climbs in one pixel, at the sharpest edges: a blur of sigma px gives about 0.4 / sigma.

    The median over the most contrasting tenth of the blocks of (H, W) uint8, so that empty paper does not count; None
    where nothing has contrast. In each block it is the steepest step over the range of grey, in the manner of the
    edge-width measures that follow Marziliano et al. (2002).
    """
    smooth = cv2.GaussianBlur(grey, (3, 3), 0).astype(np.float32)
    slope = np.maximum(np.abs(np.diff(smooth, axis=1))[:-1], np.abs(np.diff(smooth, axis=0))[:, :-1])
    rows, columns = slope.shape[0] // BLOCK_PX, slope.shape[1] // BLOCK_PX
    if not rows or not columns:
        return None
    steepest = _blocks(slope, rows, columns).max(axis=(1, 3))
    blocks = _blocks(smooth, rows, columns)
    contrast = blocks.max(axis=(1, 3)) - blocks.min(axis=(1, 3))
    if contrast.max() < LEAST_CONTRAST:
        return None
    chosen = contrast >= max(LEAST_CONTRAST, float(np.percentile(contrast, 90)))
    return float(np.median(steepest[chosen] / contrast[chosen]))


def _blocks(values: NDArray[np.float32], rows: int, columns: int) -> NDArray[np.float32]:
    return values[: rows * BLOCK_PX, : columns * BLOCK_PX].reshape(rows, BLOCK_PX, columns, BLOCK_PX)
