"""The scale of a photograph from the ruler in it: px_per_mm with its standard uncertainty, or an explicit "unresolved".

A wrong scale is worse than none, so the unit must be told by the ruler itself: by which of its marks are longer, by what
stands beside them, or by how many marks there are to a number.
"""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import ruler_numbers, ruler_strips, ruler_ticks, ruler_unit
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from analytics.steps.ruler_ticks import Graduation
from annotations.regions import Region

PRINTED = 0.001  # relative standard uncertainty of a ruler's own marks and of its lying flat, which no fit can see
NO_UNIT = "nothing beside them tells their unit beyond doubt"
MARGIN = 1.5  # of the spacing, left around the marks in the box


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding "ruler" whose value is px/mm, or why there is none."""
    grey = image.level(1).grey if image.least_reduction() == 1 else cv2.cvtColor(image.rgb, cv2.COLOR_RGB2GRAY)
    found = graduations(grey)
    reading = ruler_unit.read(found) or ruler_numbers.read(image, grey, found)
    if reading is None:
        if not found:
            return StepResult((), "No scale: nothing was seen that repeats as the marks of a ruler do.")
        marks = max(one.marks for one in found)
        rows = "one row of even marks was" if len(found) == 1 else f"{len(found)} rows of even marks were"
        why = f"No scale: {rows} seen (up to {marks} marks in one), but {NO_UNIT}."
        return StepResult((), why)
    return StepResult((_finding(reading, image),))


def graduations(grey: NDArray[np.uint8]) -> list[Graduation]:
    """Every row of even marks in (H, W) uint8, one per spacing and place."""
    read = []
    for strip in ruler_strips.find(grey):
        read += ruler_ticks.graduations(ruler_ticks.straighten(grey, strip), strip.spacing_px)
    return ruler_unit.distinct(read)


def _finding(reading: ruler_unit.RulerReading, image: SheetImage) -> Finding:
    value = reading.px_per_mm
    uncertainty = float(np.hypot(reading.uncertainty, PRINTED * value))
    corners = _corners(reading.graduation)
    marks = reading.graduation.marks
    span_mm = reading.graduation.length_px / value
    return Finding(
        kind="ruler",
        text=f"{value:.4g} px per mm (u = {uncertainty:.2g} px/mm; {marks} marks over {span_mm:.0f} mm)",
        region=image.within(Region.of_rings([corners])),
        value=value,
        unit="px/mm",
        uncertainty=uncertainty,
        motivations=("calibrating",),
        data={
            "marks": marks,
            "stepMm": reading.step_mm,
            "spacingPx": reading.graduation.spacing_px,
            "residualPx": reading.graduation.residual_px,
            "spanMm": span_mm,
            "angleDeg": float(np.degrees(np.arctan2(*reading.graduation.straight.direction[::-1]))),
            "pattern": reading.pattern,
            "score": reading.score,
            "witnesses": list(reading.witnesses),
        },
    )


def _corners(graduation: Graduation) -> NDArray[np.float64]:
    """The marks' own box, (4, 2) in pixels of the picture."""
    margin = MARGIN * graduation.spacing_px
    left, right = graduation.places[0] - margin, graduation.places[-1] + margin
    reach = float(np.percentile(graduation.lengths_px, 95)) / 2 + margin if not graduation.edges else margin
    middle = sum(graduation.rows) / 2
    ends = ((left, middle - reach), (right, middle - reach), (right, middle + reach), (left, middle + reach))
    return np.array([graduation.straight.to_picture(float(along), float(row)) for along, row in ends])
