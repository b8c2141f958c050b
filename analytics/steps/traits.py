"""Traits of the specimen's outline beside its length, width and area: perimeter, aspect, solidity, and its colour.

They are measured on the first outline that an earlier step found, whoever found it, so they hold for any way of finding one.
What is in millimetres needs a scale; ratios and colour need none. Doubts about the outline are doubts about them.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.image import SheetImage
from analytics.steps.model import Finding, StepContext, StepResult
from annotations.regions import Region

LONG_SIDE_PX = 1600  # of the copy on which the outline is measured, as the step specimen has it
EDGE_PX = 0.5  # of the copy, standard uncertainty of where the edge lies, alike along the whole outline
CHAIN_ERROR = 0.025  # relative, of the length of a chain of pixels by corner count (Vossepoel and Smeulders 1982)
ASPECT = "long side by short side of the smallest rectangle around the outline"
SOLIDITY = "area of the outline by that of its convex hull"
FERET = "least distance between two parallel lines that hold the outline between them (least Feret diameter)"
PERIMETER = "length of the outer edges, by corner count along their pixels"
COLOUR = "mean of the outline's pixels in CIE L*a*b* (D65), as the image has them"


@dataclass(frozen=True, slots=True)
class Shape:
    """An outline in pixels of the image: outer `contours`, each (N, 2) through the centres of pixels of a copy, their convex
    `hull` (M, 2), its `area`, and the side of a pixel of that copy."""

    contours: tuple[NDArray[np.float64], ...]
    hull: NDArray[np.float64]
    area: float
    step_px: float


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """Findings "perimeter", "feret", "aspect", "solidity" and "colour" of the first outline. `long_side_px`: size worked at."""
    outline = next(iter(context.of_kind("outline")), None)
    copy = image.copy(int(parameters.get("long_side_px", LONG_SIDE_PX)))
    pixels = None if outline is None else raster(outline, copy.shape, (copy.wide, copy.high))
    if outline is None or pixels is None or not pixels.any():
        return StepResult((), "Looked for an outline whose traits could be measured: there is none that holds a pixel.")
    shape = shape_of(pixels, (copy.wide, copy.high))
    return StepResult((*of_shape(shape, outline, context), _colour(copy.rgb, pixels, outline, context)))


def raster(outline: Finding, size: tuple[int, int], scale: tuple[float, float]) -> NDArray[np.bool_] | None:
    """The outline on a copy of that (height, width), whose pixels are `scale` wide and high: what lies at their centres."""
    mask = None if outline.region is None else outline.region.raster()
    if mask is None:
        return None
    columns = np.floor((np.arange(size[1]) + 0.5) * scale[0]).astype(int) - mask.x
    rows = np.floor((np.arange(size[0]) + 0.5) * scale[1]).astype(int) - mask.y
    across, down = (columns >= 0) & (columns < mask.width), (rows >= 0) & (rows < mask.height)
    small = np.zeros(size, bool)
    small[np.ix_(down, across)] = mask.pixels()[np.ix_(rows[down], columns[across])]
    return small


def shape_of(pixels: NDArray[np.bool_], scale: tuple[float, float]) -> Shape:
    """Of bool (H, W) with a pixel that is set."""
    found, _ = cv2.findContours(pixels.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    contours = tuple((contour[:, 0] + 0.5) * scale for contour in found)
    hull = cv2.convexHull(np.concatenate(found))[:, 0]
    return Shape(contours, (hull + 0.5) * scale, float(pixels.sum()) * scale[0] * scale[1], max(scale))


def of_shape(shape: Shape, outline: Finding, context: StepContext) -> tuple[Finding, ...]:
    """Aspect and solidity, and with a scale the perimeter and the least Feret diameter."""
    return (
        *_perimeter(shape, outline, context),
        *_feret(shape, outline, context),
        _aspect(shape, outline),
        _solidity(shape, outline),
    )


def chain_length(contour: NDArray[np.float64], step_px: float) -> float:
    """The length of a closed chain of neighbouring pixels (N, 2), along their outer edge.

    0.980 for an even step, 1.406 for a diagonal one, less 0.091 for each corner: without bias for straight lines of any
    direction (Vossepoel and Smeulders 1982), where the number of diagonal steps alone is up to 8 % too long. The outer edge
    lies half a pixel outside of the centres, which adds pi pixels around.
    """
    if len(contour) < 2:
        return 4 * step_px
    steps = np.round((np.roll(contour, -1, axis=0) - contour) / step_px).astype(int)
    diagonal = np.abs(steps).sum(axis=1) > 1
    corners = int((steps != np.roll(steps, -1, axis=0)).any(axis=1).sum())
    return step_px * (0.980 * int((~diagonal).sum()) + 1.406 * int(diagonal.sum()) - 0.091 * corners + math.pi)


def _perimeter(shape: Shape, outline: Finding, context: StepContext) -> tuple[Finding, ...]:
    ruler = context.scale
    if ruler is None or not ruler.value:
        return ()
    length = sum(chain_length(contour, shape.step_px) for contour in shape.contours)
    value = length / ruler.value
    uncertainty = value * math.hypot(CHAIN_ERROR, (ruler.uncertainty or 0.0) / ruler.value)
    rings = [contour for contour in shape.contours if len(contour) > 2]
    region = Region.of_rings(rings) if rings else _box(outline)
    return (_stated("perimeter", PERIMETER, value, uncertainty, "mm", region, outline),)


def least_feret(shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The two ends of the least Feret diameter, from outer side to outer side, in pixels of the image.

    One of the two lines runs along a side of the convex hull (rotating calipers; Shamos 1978), so each side is tried.
    """
    hull = shape.hull
    sides = np.roll(hull, -1, axis=0) - hull
    long = np.hypot(sides[:, 0], sides[:, 1])
    if len(hull) < 3:  # a straight row of pixels, one pixel wide
        along = sides[0] / long[0] if long[0] else np.array([1.0, 0.0])
        across, start = np.array([-along[1], along[0]]), hull.mean(axis=0)
        return start - across * shape.step_px / 2, start + across * shape.step_px / 2
    normals = np.stack([-sides[:, 1], sides[:, 0]], axis=1) / long[:, np.newaxis]
    heights = (hull[np.newaxis] - hull[:, np.newaxis]) @ normals[:, :, np.newaxis]
    reach = np.abs(heights[:, :, 0])
    side = int(reach.max(axis=1).argmin())
    far = int(reach[side].argmax())
    across = normals[side] * float(np.sign(heights[side, far, 0]) or 1.0)
    end = hull[far]
    foot = end - across * reach[side, far]
    return foot - across * shape.step_px / 2, end + across * shape.step_px / 2


def _feret(shape: Shape, outline: Finding, context: StepContext) -> tuple[Finding, ...]:
    """Drawn where it was measured: across the hull, from the line along one of its sides to the corner farthest from it."""
    ruler = context.scale
    if ruler is None or not ruler.value:
        return ()
    first, last = least_feret(shape)
    value = float(np.hypot(*(last - first))) / ruler.value
    edges = math.sqrt(2) * EDGE_PX * shape.step_px / ruler.value
    uncertainty = math.hypot(edges, value * (ruler.uncertainty or 0.0) / ruler.value)
    region = Region.of_line(((float(first[0]), float(first[1])), (float(last[0]), float(last[1]))))
    return (_stated("feret", FERET, value, uncertainty, "mm", region, outline),)


def _aspect(shape: Shape, outline: Finding) -> Finding:
    middle, (one, other), turn = cv2.minAreaRect(shape.hull.astype(np.float32))
    long, short = (side + shape.step_px for side in (max(one, other), min(one, other)))  # to the outer sides of the pixels
    value, error = long / short, math.sqrt(2) * EDGE_PX * shape.step_px
    uncertainty = value * math.hypot(error / long, error / short)
    corners = cv2.boxPoints((middle, (one + shape.step_px, other + shape.step_px), turn)).astype(float)
    return _stated("aspect", ASPECT, value, uncertainty, "", Region.of_rings([corners]), outline)


def _solidity(shape: Shape, outline: Finding) -> Finding:
    """The edge may lie off alike everywhere, which changes area and hull by their own perimeters."""
    hull = shape.hull.astype(np.float32)
    around, step = float(cv2.arcLength(hull, closed=True)), shape.step_px
    whole = float(cv2.contourArea(hull)) + around * step / 2 + math.pi * step**2 / 4
    value = min(1.0, shape.area / whole)
    edge = sum(chain_length(contour, step) for contour in shape.contours)
    uncertainty = value * abs(edge / shape.area - around / whole) * EDGE_PX * step
    region = Region.of_rings([shape.hull]) if len(shape.hull) > 2 else _box(outline)
    return _stated("solidity", SOLIDITY, value, max(uncertainty, 1e-4), "", region, outline)


def _colour(rgb: NDArray[np.uint8], pixels: NDArray[np.bool_], outline: Finding, context: StepContext) -> Finding:
    """Uncalibrated: what light and camera made of it."""
    inside = rgb[pixels].reshape(-1, 1, 3).astype(np.float32) / 255
    lab = cv2.cvtColor(inside, cv2.COLOR_RGB2Lab)[:, 0].astype(float)
    mean, spread = lab.mean(axis=0), lab.std(axis=0)
    said = ", ".join(f"{name} {value:.1f}" for name, value in zip(("L*", "a*", "b*"), mean, strict=True))
    chart = "a chart is there, but was not applied" if context.of_kind("chart") else "no colour chart was applied"
    text = f"Colour of the specimen: {said} (spread {', '.join(f'{value:.1f}' for value in spread)}); uncalibrated, {chart}"
    data = {"method": COLOUR, "lab": mean.round(2), "spread": spread.round(2), "pixels": len(lab), "calibrated": False}
    return Finding(
        "colour", f"{text}{_doubtful(outline)}", _box(outline), motivations=("describing",), data=data | _doubts(outline)
    )


def _stated(
    kind: str, method: str, value: float, uncertainty: float, unit: str, region: Region | None, outline: Finding
) -> Finding:
    digits = max(0, 1 - math.floor(math.log10(uncertainty)))
    shown = f"{value:.{digits}f}{unit and f' {unit}'} (u = {uncertainty:.{digits}f}{unit and f' {unit}'})"
    text = f"{kind.capitalize()} of the specimen: {shown}: {method}{_doubtful(outline)}"
    data = {"method": method} | _doubts(outline)
    return Finding(kind, text, region, value, unit, uncertainty, motivations=("measuring",), data=data)


def _box(outline: Finding) -> Region | None:
    return None if outline.region is None else Region(outline.region.box)


def _doubts(outline: Finding) -> dict[str, Sequence[Any]]:
    doubts = outline.data.get("doubts")
    return {"doubts": doubts} if doubts else {}


def _doubtful(outline: Finding) -> str:
    return "; doubtful, as the outline is" if outline.data.get("doubts") else ""
