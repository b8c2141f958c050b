"""Sizes and shape of an outline that is there already, whoever drew it, in mm where the image has a scale.

The outline is read at the size at which the step `specimen` finds one, and measured as that does: so an outline that nobody
changed gives the same pixels again, and only the scale tells.
"""

import re
from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import specimen_measures, traits
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from analytics.steps.specimen import GAP
from analytics.steps.specimen_measures import MeasuredPiece
from annotations.region_masks import Mask


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """Findings "length", "width", "area", "perimeter", "feret", "aspect" and "solidity" of the one outline that the context has.

    `long_side_px`: size that is worked at.
    """
    outline = next(iter(context.of_kind("outline")), None)
    mask = outline.region.raster() if outline is not None and outline.region is not None else None
    if outline is None or mask is None:
        return StepResult((), "Looked for an outline to measure: there is none that holds a pixel.")
    scale = min(1.0, float(parameters.get("long_side_px", 1600)) / max(image.height_px, image.width_px))
    small = _reduced(mask, image, scale)
    contours = _around(small)
    if not contours:
        return StepResult((), "The outline is too small to be measured.")
    wide, high = image.width_px / small.shape[1], image.height_px / small.shape[0]
    piece = MeasuredPiece(
        specimen_measures.extent_of(np.concatenate(contours)).scaled(wide, high),
        float(small.sum()) * wide * high,
        sum(cv2.arcLength(contour, closed=True) for contour in contours) * max(wide, high),
        max(wide, high),
        _whose(outline),
        outline.region,
        outline.data.get("doubts", ()),
    )
    shape = traits.shape_of(small, (wide, high))
    return StepResult((*specimen_measures.measures(piece, context), *traits.of_shape(shape, outline, context)))


def _reduced(mask: Mask, image: SheetImage, scale: float) -> NDArray[np.bool_]:
    """The mask on a smaller copy of the image, bool (H, W): each pixel is what lies at its centre."""
    width, height = max(1, round(image.width_px * scale)), max(1, round(image.height_px * scale))
    columns = np.floor((np.arange(width) + 0.5) * image.width_px / width).astype(int) - mask.x
    rows = np.floor((np.arange(height) + 0.5) * image.height_px / height).astype(int) - mask.y
    inside_x, inside_y = (columns >= 0) & (columns < mask.width), (rows >= 0) & (rows < mask.height)
    small = np.zeros((height, width), bool)
    small[np.ix_(inside_y, inside_x)] = mask.pixels()[np.ix_(rows[inside_y], columns[inside_x])]
    return small


def _around(small: NDArray[np.bool_]) -> list[NDArray[np.int32]]:
    """The contours around it, where pieces near each other are one, as the step `specimen` has them."""
    gap = max(3, round(GAP * max(small.shape))) | 1
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap))
    joined = cv2.morphologyEx(small.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    return [np.asarray(contour, np.int32) for contour in contours]


def _whose(outline: Finding) -> str:
    """In words, as the outline itself has it."""
    several = re.search(r"piece 1 of (\d+)", outline.text)
    return f"the largest of {several[1]} pieces" if several else "the specimen"
