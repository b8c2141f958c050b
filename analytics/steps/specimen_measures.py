"""Length, width and area of a piece of a specimen, with their standard uncertainties, each where it was measured."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.model import Finding, StepContext
from analytics.steps.outline_doubts import Evidence
from annotations.model import Point
from annotations.regions import Region

Ends = tuple[Point, Point]
LENGTH = "greatest distance between two points of the outline"
WIDTH = "shorter side of the smallest rectangle around the outline"
AREA = "pixels that differ from the background, holes left out"


@dataclass(frozen=True, slots=True)
class Extent:
    """The two ends between which the length and the width of an outline are measured."""

    length_ends: Ends
    width_ends: Ends

    def scaled(self, x: float, y: float) -> "Extent":
        """In another frame, whose unit is so many times smaller."""
        grown = [((a[0] * x, a[1] * y), (b[0] * x, b[1] * y)) for a, b in (self.length_ends, self.width_ends)]
        return Extent(*grown)


@dataclass(frozen=True, slots=True)
class MeasuredPiece:
    """`extent` and `area` in pixels of the image, `perimeter_px` of the outline, `step_px` the side of a pixel of the copy that
    it was found on; `whose` in words; `region` of the outline; what speaks against it."""

    extent: Extent
    area: float
    perimeter_px: float
    step_px: float
    whose: str
    region: Region | None
    doubts: Sequence[Evidence]


def extent_of(contour: NDArray[np.int32]) -> Extent:
    """Of a contour of pixels (N, 1, 2), in their frame: from outer side to outer side, half a pixel beyond the centres.

    The width is the shorter side of the smallest rectangle around it, drawn through a place where the outline meets it.
    """
    hull = cv2.convexHull(contour)[:, 0].astype(float)
    steps = hull[:, np.newaxis] - hull
    one, other = np.unravel_index(int(np.hypot(steps[..., 0], steps[..., 1]).argmax()), steps.shape[:2])
    length_ends = _outer(hull[one], hull[other], np.array([1.0, 0.0]))
    across = _across(contour)
    heights = hull @ across
    start = hull[heights.argmin()]
    width_ends = _outer(start, start + across * float(np.ptp(heights)), across)
    return Extent(length_ends, width_ends)


def measures(piece: MeasuredPiece, context: StepContext) -> tuple[Finding, ...]:
    """Length and width as the lines that were measured, and the area; in mm where the image has a scale."""
    ruler, step = context.scale, piece.step_px
    per_mm, of_scale = (ruler.value, (ruler.uncertainty or 0.0) / ruler.value) if ruler and ruler.value else (1.0, 0.0)
    rough = piece.perimeter_px * step / math.sqrt(12) / math.sqrt(max(1.0, piece.perimeter_px / step))
    extent, unit = piece.extent, "px" if ruler is None else "mm"
    rows = (
        ("length", math.dist(*extent.length_ends), step, 1, LENGTH, extent.length_ends),
        ("width", math.dist(*extent.width_ends), step, 1, WIDTH, extent.width_ends),
        ("area", piece.area, max(rough, step**2), 2, AREA, None),
    )
    found = []
    for kind, value, error, power, method, ends in rows:
        result = value / per_mm**power
        uncertainty = math.hypot(error / per_mm**power, power * of_scale * result)
        text = _text(kind, piece, result, uncertainty, unit + ("²" if power == 2 else ""), method, context)
        box = None if piece.region is None else Region(piece.region.box)
        found.append(
            Finding(
                kind,
                text,
                box if ends is None else Region.of_line(ends),
                value=result,
                unit=unit + ("²" if power == 2 else ""),
                uncertainty=uncertainty,
                motivations=("measuring",),
                data={"method": method}
                | ({} if ends is None else {"endsPx": ends})
                | ({"doubts": piece.doubts} if piece.doubts else {}),
            )
        )
    return tuple(found)


def _text(kind: str, piece: MeasuredPiece, value: float, uncertainty: float, unit: str, method: str, context: StepContext) -> str:
    digits = max(0, 1 - math.floor(math.log10(uncertainty)))
    said = f"{kind.capitalize()} of {piece.whose}: {value:.{digits}f} {unit} (u = {uncertainty:.{digits}f} {unit}): {method}"
    note = "" if context.scale is not None else f"; {_no_scale(context)}"
    return f"{said}{note}{'; doubtful, as the outline is' if piece.doubts else ''}"


def _no_scale(context: StepContext) -> str:
    if "ruler" in context.failed:
        return "no scale is known, because the step ruler failed"
    return "no scale was found on the image" if "ruler" in context.earlier else "no scale is known"


def _across(contour: NDArray[np.int32]) -> NDArray[np.float64]:
    """Unit vector along the shorter sides of the smallest rectangle around a contour."""
    corners = cv2.boxPoints(cv2.minAreaRect(contour)).astype(float)
    sides = (corners[1] - corners[0], corners[2] - corners[1])
    short = min(sides, key=lambda side: float(np.hypot(*side)))
    long = max(sides, key=lambda side: float(np.hypot(*side)))
    if np.hypot(*long) == 0:
        return np.array([1.0, 0.0])
    across = np.array([-long[1], long[0]]) / np.hypot(*long)
    return np.asarray(across if across @ short >= 0 else -across)


def _outer(one: NDArray[np.float64], other: NDArray[np.float64], otherwise: NDArray[np.float64]) -> Ends:
    """Centres of pixels as places, each moved outwards by half a pixel; `otherwise` is the direction where both are one."""
    apart = float(np.hypot(*(other - one)))
    along = (other - one) / apart if apart else otherwise
    first, last = one + 0.5 - along / 2, other + 0.5 + along / 2
    return (float(first[0]), float(first[1])), (float(last[0]), float(last[1]))
