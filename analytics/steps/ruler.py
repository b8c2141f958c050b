"""The scale of a photograph from the ruler in it: px_per_mm with its standard uncertainty, or an explicit "unresolved".

A wrong scale is worse than none, so the unit must be told by the ruler itself: by which of its marks are longer, by what
stands beside them, or by how many marks there are to a number.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.steps import ruler_bars, ruler_numbers, ruler_strips, ruler_ticks, ruler_unit, shared
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from analytics.steps.ruler_ticks import Graduation
from analytics.steps.ruler_unit import RulerReading
from annotations.regions import Region

PRINTED = 0.001  # relative standard uncertainty of a ruler's own marks and of its lying flat, which no fit can see
NO_UNIT = "nothing beside them tells their unit beyond doubt"
LONGEST_SIDE_PX = 6000  # what is larger is looked at reduced: a mark is found to a twentieth of a pixel, and there are many
AGREE = 0.015  # readings of one picture
MARGIN = 1.5  # of the spacing, left around the marks in the box


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding "ruler" whose value is px/mm, or why there is none."""
    factor = max(-(-max(image.width_px, image.height_px) // LONGEST_SIDE_PX), image.least_reduction())
    copy = image.level(factor)
    grey = copy.grey
    found = graduations(grey)
    readings = [*ruler_bars.read(grey, found)[:1], *_one(ruler_unit.read(found))]
    if not readings:
        readings = _one(ruler_numbers.read(copy, shared.text_lines(image), found))
    if not readings:
        return StepResult((), f"No scale: {_seen(found)}.")
    if apart := _apart(readings):
        return StepResult((), f"No scale: what was read contradicts itself: {apart}.")
    reading = min((ruler_unit.refined(one, found) for one in readings), key=_doubt)
    return StepResult((_finding(reading, image, factor),))


def _one(reading: RulerReading | None) -> list[RulerReading]:
    return [] if reading is None else [reading]


def _seen(found: Sequence[Graduation]) -> str:
    if not found:
        return "nothing was seen that repeats as the marks of a ruler do"
    marks = max(one.marks for one in found)
    rows = "one row of even marks was" if len(found) == 1 else f"{len(found)} rows of even marks were"
    return f"{rows} seen (up to {marks} marks in one), but {NO_UNIT}"


def _apart(readings: Sequence[RulerReading]) -> str:
    """The scales that were read, where they do not agree; else empty."""
    scales = [one.px_per_mm for one in readings]
    if max(scales) / min(scales) - 1 <= AGREE:
        return ""
    return ", ".join(f"{one.px_per_mm:.4g} pixels of the copy it looks at to a mm by {one.pattern}" for one in readings)


def _doubt(reading: RulerReading) -> float:
    return reading.uncertainty / reading.px_per_mm


def graduations(grey: NDArray[np.uint8]) -> list[Graduation]:
    """Every row of even marks in (H, W) uint8, one per spacing and place."""
    read = []
    for strip in ruler_strips.find(grey):
        read += ruler_ticks.graduations(ruler_ticks.straighten(grey, strip), strip.spacing_px)
    return ruler_unit.distinct(read)


def _finding(reading: RulerReading, image: SheetImage, factor: int) -> Finding:
    """What was read in a copy reduced by that factor, in pixels of the image."""
    value = reading.px_per_mm * factor
    uncertainty = float(np.hypot(reading.uncertainty * factor, PRINTED * value))
    corners = (_corners(reading.graduation) + 0.5) * factor - 0.5
    marks = reading.graduation.marks
    span_mm = reading.graduation.length_px * factor / value
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
            "spacingPx": reading.graduation.spacing_px * factor,
            "residualPx": reading.graduation.residual_px * factor,
            "spanMm": span_mm,
            "angleDeg": float(np.degrees(np.arctan2(*reading.graduation.straight.direction[::-1]))),
            "spacingChange": reading.graduation.change,
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
