"""The specimen against its background: outline, area, length and width, in mm where the image has a scale."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.model import CanvasBox
from annotations.region_frames import Frame
from annotations.region_masks import Mask as RegionMask
from annotations.regions import Region, of_mask

Mask = NDArray[np.bool_]
NOT_SPECIMEN = ("label", "text", "barcode", "ruler")
OTSU_SHARE = 0.6  # thin and pale parts lie below the threshold that parts paper from leaf best
LEAST_DISTANCE = 6.0  # CIE76; paper and its shadows differ by less
FIRST_DISTANCE = 12.0  # CIE76 from the background's surface: paper in light and shade
FEWEST_SAMPLES = 100
SMALLEST_PIECE = 0.002  # of the image
SPECK = 0.0001
LEAST_SHARE = 0.1  # of the largest piece: smaller ones are not outlined
MOST_PIECES = 6
MOST_CORNERS = 400
RECTANGLE = 0.88  # a piece that fills so much of its rectangle is a card, a chart or a packet
GAP = 0.006  # of the longer side: pieces nearer to each other are one


@dataclass(frozen=True, slots=True)
class Piece:
    """`pixels` is where it is on the copy, without its holes: bool (H, W), its first pixel at (`x`, `y`).

    `outline` (N, 2), around it as a whole, `area`, `length` and `width` are in pixels of the image.
    """

    pixels: Mask
    x: int
    y: int
    outline: NDArray[np.float64]
    area: float
    length: float
    width: float


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """Findings "outline" per piece, and "area", "length" and "width" of the largest.

    `long_side_px`: size of the copy that is worked on.
    """
    scale = min(1.0, float(parameters.get("long_side_px", 1600)) / max(image.height_px, image.width_px))
    mask = segment(image, scale, context)
    found = pieces(mask, scale)
    if not found:
        return StepResult(
            (),
            "Looked for a specimen as what differs from the background around it, without labels, codes and rulers: "
            "no piece that is left is large enough.",
        )
    outlines = tuple(_outline(piece, number, len(found), mask.shape, image) for number, piece in enumerate(found, 1))
    return StepResult((*outlines, *_measures(found[0], outlines[0].box, len(found), 1 / scale, context.scale)))


def segment(image: SheetImage, scale: float, context: StepContext) -> Mask:
    """Where the specimen is, on a copy of the image at that scale: bool (H, W)."""
    size = (max(1, round(image.width_px * scale)), max(1, round(image.height_px * scale)))
    reduced = cv2.resize(image.rgb, size, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(reduced.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    excluded = _excluded(lab.shape[:2], scale, context)
    background = _first_background(lab, excluded)
    mask = np.zeros(lab.shape[:2], bool)
    for _ in range(2):
        distance = np.linalg.norm(lab - background, axis=2)
        mask = distance > _threshold(distance[~excluded])
        background = _weighted_background(lab, ~(mask | excluded), background)
    return _cleaned(mask & ~excluded)


def pieces(mask: Mask, scale: float) -> list[Piece]:
    """The specimen's separate pieces, largest first; holes do not count as area."""
    gap = max(3, round(GAP * max(mask.shape))) | 1
    joined = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (gap, gap)))
    contours, _ = cv2.findContours(joined, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    found = []
    for contour in contours:
        x, y, width, height = cv2.boundingRect(contour)
        inside = np.zeros((height, width), np.uint8)
        cv2.drawContours(inside, [contour], 0, 1, cv2.FILLED, offset=(-x, -y))
        pixels = mask[y : y + height, x : x + width] & (inside > 0)
        if pixels.sum() >= SMALLEST_PIECE * mask.size:
            found.append((pixels, x, y, contour))
    found.sort(key=lambda piece: -int(piece[0].sum()))
    large = [piece for piece in found if piece[0].sum() >= LEAST_SHARE * found[0][0].sum()]
    return [_piece(*piece, scale) for piece in large[:MOST_PIECES]]


def max_feret_px(hull: NDArray[np.float64]) -> float:
    """Greatest distance between two corners of a convex hull (N, 2), in its own unit."""
    steps = hull[:, np.newaxis] - hull
    return float(np.hypot(steps[..., 0], steps[..., 1]).max())


def _piece(pixels: Mask, x: int, y: int, contour: NDArray[np.int32], scale: float) -> Piece:
    hull = cv2.convexHull(contour)[:, 0].astype(float)
    _, sides, _ = cv2.minAreaRect(contour)
    tolerance, outline = 0.7, contour
    while len(outline := cv2.approxPolyDP(contour, tolerance, closed=True)) > MOST_CORNERS:
        tolerance *= 1.4
    corners = outline[:, 0].astype(float)
    length, width = (max_feret_px(hull) + 1) / scale, (min(sides) + 1) / scale
    return Piece(pixels, x, y, (corners + 0.5) / scale, float(pixels.sum()) / scale**2, length, width)


def _excluded(shape: tuple[int, ...], scale: float, context: StepContext) -> Mask:
    """Labels, codes and rulers that were found before, with their margins."""
    mask = np.zeros(shape, bool)
    for finding in context.of_kind(*NOT_SPECIMEN):
        if finding.box is None:
            continue
        box = finding.box
        margin = 0.012 * max(shape) / scale
        corners = (box.x0 - margin, box.y0 - margin, box.x1 + margin, box.y1 + margin)
        x0, y0, x1, y1 = (max(0, round(value * scale)) for value in corners)
        mask[y0:y1, x0:x1] = True
    return mask


def _first_background(lab: NDArray[np.float32], excluded: Mask) -> NDArray[np.float32]:
    """The commonest colour of the outer fifth, as a surface of second order over the image: paper is never lit evenly."""
    height, width = lab.shape[:2]
    rows, columns = np.mgrid[0:height:4, 0:width:4]
    y, x = rows.ravel() / height - 0.5, columns.ravel() / width - 0.5
    colours, usable = lab[::4, ::4].reshape(-1, 3), ~excluded[::4, ::4].ravel()
    ring = usable & (np.maximum(np.abs(x), np.abs(y)) > 0.3)
    outer = colours[ring if ring.any() else slice(None)]
    bins, counts = np.unique(np.round(outer / 4).astype(np.int32), axis=0, return_counts=True)
    near = np.linalg.norm(colours - 4.0 * bins[counts.argmax()], axis=1) < FIRST_DISTANCE
    terms = np.column_stack([np.ones_like(x), x, y, x * x, x * y, y * y])
    for _ in range(3):
        if (near & usable).sum() < FEWEST_SAMPLES:
            return np.broadcast_to(np.float32(4.0) * bins[counts.argmax()].astype(np.float32), lab.shape).copy()
        fit, *_ = np.linalg.lstsq(terms[near & usable], colours[near & usable], rcond=None)
        near = np.linalg.norm(colours - terms @ fit, axis=1) < FIRST_DISTANCE
    surface = (terms @ fit).reshape(*rows.shape, 3).astype(np.float32)
    return np.asarray(cv2.resize(surface, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _weighted_background(lab: NDArray[np.float32], ground: Mask, before: NDArray[np.float32]) -> NDArray[np.float32]:
    """The ground's colours, blurred into where it is hidden; where none is near, what it was taken for before."""
    sigma = 0.03 * max(lab.shape)
    weight = cv2.GaussianBlur(ground.astype(np.float32), (0, 0), sigma)
    colours = cv2.GaussianBlur(lab * ground[..., np.newaxis].astype(np.float32), (0, 0), sigma)
    near = weight[..., np.newaxis]
    return np.where(near > 0.02, colours / np.maximum(near, 1e-6), before).astype(np.float32)


def _threshold(distance: NDArray[np.float32]) -> float:
    """Otsu's, lowered, but not into the paper's own unevenness."""
    if distance.size == 0:
        return math.inf
    counted = np.clip(distance * 2, 0, 255).astype(np.uint8)
    otsu, _ = cv2.threshold(counted.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return max(LEAST_DISTANCE, OTSU_SHARE * float(otsu) / 2)


def _cleaned(mask: Mask) -> Mask:
    """Without specks, without what is a card or a chart by its shape, and without what runs along the edge of the image."""
    height, width = mask.shape
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept = np.zeros(count, bool)
    for number in range(1, count):
        x, y, w, h, area = stats[number]
        if area < SPECK * mask.size:
            continue
        part = numbers[y : y + h, x : x + w] == number
        kept[number] = not _along_edge(part, x, y, width, height) and not _is_card(part, area, mask.size)
    return np.asarray(kept[numbers])


def _along_edge(part: Mask, x: int, y: int, width: int, height: int) -> bool:
    """Whether more than a third of some edge of the image belongs to it, or it hugs the edge as a thin strip."""
    h, w = part.shape
    beside = ((x == 0, part[:, 0], height), (x + w == width, part[:, -1], height))
    sides = (*beside, (y == 0, part[0], width), (y + h == height, part[-1], width))
    touching = [float(line.sum()) / whole for touches, line, whole in sides if touches]
    thin = min(h / height, w / width) < 0.04
    return bool(touching) and (max(touching) > 1 / 3 or thin)


def _is_card(part: Mask, area: int, whole: int) -> bool:
    contours, _ = cv2.findContours(part.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
    outline = max(contours, key=cv2.contourArea)
    _, (one, other), _ = cv2.minAreaRect(outline)
    return area > 5 * SPECK * whole and cv2.contourArea(outline) > RECTANGLE * max(1.0, one * other)


def _outline(piece: Piece, number: int, count: int, copy: tuple[int, ...], image: SheetImage) -> Finding:
    """The pixels of the image whose centres lie in the piece, which was found on a copy of that (height, width)."""
    text = "Outline of the specimen" + (f", piece {number} of {count}" if count > 1 else "")
    on_copy = RegionMask.of_pixels(piece.pixels, piece.x, piece.y)
    grown = Frame.resized(copy[1], copy[0], image.width_px, image.height_px).over(of_mask(on_copy))
    mask = grown.raster()
    if mask is None:
        raise ValueError("a piece of a specimen without a pixel")
    return Finding("outline", text, of_mask(mask), motivations=("classifying",), data={"areaPx": mask.count()})


def _measures(piece: Piece, around: CanvasBox | None, count: int, step_px: float, ruler: Finding | None) -> tuple[Finding, ...]:
    """Area, length and width with their standard uncertainties: of the scale, and of one pixel of the copy at each end."""
    region = None if around is None else Region(around)
    per_mm, of_scale = 1.0, 0.0
    if ruler is not None and ruler.value:
        per_mm, of_scale = ruler.value, (ruler.uncertainty or 0.0) / ruler.value
    unit = "px" if ruler is None else "mm"
    perimeter = cv2.arcLength(piece.outline.astype(np.float32), closed=True)
    rough = perimeter * step_px / math.sqrt(12) / math.sqrt(max(1.0, perimeter / step_px))
    rows = (
        ("length", piece.length, step_px, 1, "greatest distance between two points of the outline"),
        ("width", piece.width, step_px, 1, "shorter side of the smallest rectangle around the outline"),
        ("area", piece.area, max(rough, step_px**2), 2, "pixels that differ from the background, holes left out"),
    )
    return tuple(
        _measure(kind, value, error, power, method, unit, per_mm, of_scale, region, count)
        for kind, value, error, power, method in rows
    )


def _measure(
    kind: str,
    value: float,
    error: float,
    power: int,
    method: str,
    unit: str,
    per_mm: float,
    of_scale: float,
    region: Region | None,
    count: int,
) -> Finding:
    result = value / per_mm**power
    uncertainty = math.hypot(error / per_mm**power, power * of_scale * result)
    digits = max(0, 1 - math.floor(math.log10(uncertainty)))
    shown = unit + ("²" if power == 2 else "")
    whose = "specimen" if count == 1 else f"the largest of {count} pieces"
    note = "" if unit == "mm" else "; the image has no scale"
    text = f"{kind.capitalize()} of {whose}: {result:.{digits}f} {shown} (u = {uncertainty:.{digits}f} {shown}): {method}{note}"
    return Finding(
        kind, text, region, value=result, unit=shown, uncertainty=uncertainty, motivations=("measuring",), data={"method": method}
    )
