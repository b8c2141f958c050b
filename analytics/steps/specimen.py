"""The specimen against its background: outline, area, length and width, in mm where the image has a scale.

What differs from the background is found by rules, and a network says where of it a specimen is (`specimen_fusion`).
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import component_net, outline_doubts, specimen_fusion, specimen_measures
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from analytics.steps.outline_doubts import Evidence, Rim, Scene
from analytics.steps.specimen_measures import MeasuredPiece
from annotations.region_masks import Mask as RegionMask
from annotations.region_masks import enlarged
from annotations.regions import of_mask

Mask = NDArray[np.bool_]
NOT_SPECIMEN = ("label", "text", "barcode", "chart", "ruler")
OTSU_SHARE = 0.6  # thin and pale parts lie below the threshold that parts paper from leaf best
LEAST_DISTANCE = 6.0  # CIE76; paper and its shadows differ by less
FIRST_DISTANCE = 12.0  # CIE76 from the background's surface: paper in light and shade
FEWEST_SAMPLES = 100
SMALLEST_PIECE = 0.002  # of the image
SPECK = 0.0001
LEAST_SHARE = 0.1  # of the largest piece: smaller ones are not outlined
MOST_PIECES = 6
RECTANGLE = 0.88  # a piece that fills so much of its rectangle is a card, a chart or a packet
BORDER = 0.15  # of each side of the image: what lies within is its middle
LEAST_SIGMA = 12.0  # pixels
GAP = 0.006  # of the longer side: pieces nearer to each other are one


@dataclass(frozen=True, slots=True)
class Piece:
    """`pixels` is where it is on the copy, without its holes: bool (H, W), its first pixel at (`x`, `y`). `contour` (N, 1, 2) is
    the one around it as a whole, in pixels of the copy, and `rim` what its own outline runs along."""

    pixels: Mask
    x: int
    y: int
    contour: NDArray[np.int32]
    rim: Rim


@dataclass(frozen=True, slots=True)
class Pieces:
    """The largest pieces of a specimen, largest first, how many there are in all, and how many others were taken for rests of
    labels and rulers."""

    found: tuple[Piece, ...]
    total: int
    rests: int


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:
    """Findings "outline" per piece, and "area", "length" and "width" of the largest, unless that looks like a card or a chart.

    `long_side_px`: size of the copy that is worked on.
    """
    scale = min(1.0, float(parameters.get("long_side_px", 1600)) / max(image.height_px, image.width_px))
    mask, scene = scene_of(image, scale, context)
    several = pieces(mask, scene)
    if not several.found:
        return StepResult((), _nothing(several.rests, scene))
    unknown = _unknown(context)
    against = [(*outline_doubts.doubts(one.pixels, one.x, one.y, one.rim, scene), *unknown) for one in several.found]
    outlines = tuple(
        _outline(piece, number, several.total, evidence, mask.shape, image)
        for number, (piece, evidence) in enumerate(zip(several.found, against, strict=True), 1)
    )
    if any(one["kind"] == "straight" for one in against[0]):
        return StepResult(outlines)
    return StepResult((*outlines, *_measures(several, outlines[0], against[0], mask.shape, image, context)))


def segment(image: SheetImage, scale: float, context: StepContext) -> Mask:
    """Where the specimen is, on a copy of the image at that scale: bool (H, W)."""
    return scene_of(image, scale, context)[0]


def scene_of(image: SheetImage, scale: float, context: StepContext) -> tuple[Mask, Scene]:
    """The same, with what it was told from."""
    reduced = image.copy(round(max(image.width_px, image.height_px) * scale)).rgb
    lab = cv2.cvtColor(reduced.astype(np.float32) / 255, cv2.COLOR_RGB2Lab)
    excluded = _excluded(lab.shape[:2], scale, context)
    background = _first_background(lab, excluded)
    mask = np.zeros(lab.shape[:2], bool)
    for _ in range(2):
        distance = np.linalg.norm(lab - background, axis=2)
        mask = distance > _threshold(distance[~excluded])
        background = _weighted_background(lab, ~(mask | excluded), background)
    cleaned, left_out_px = _cleaned(mask & ~excluded)
    seen, size = component_net.seen(image), (lab.shape[1], lab.shape[0])
    fused = specimen_fusion.fused(cleaned, seen.specimen(size), excluded, seen.others(size), distance)
    return fused.mask, Scene(lab, background, excluded, left_out_px, fused)


def pieces(mask: Mask, scene: Scene) -> Pieces:
    """The specimen's separate pieces without the rests of labels and rulers; holes do not count as area."""
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
            found.append(Piece(pixels, x, y, contour, outline_doubts.rim_of(pixels, x, y, scene)))
    own = [piece for piece in found if not outline_doubts.is_rest(piece.rim, scene)]
    own.sort(key=lambda piece: -int(piece.pixels.sum()))
    large = [piece for piece in own if piece.pixels.sum() >= LEAST_SHARE * own[0].pixels.sum()]
    return Pieces(tuple(large[:MOST_PIECES]), len(large), len(found) - len(own))


def _nothing(rests: int, scene: Scene) -> str:
    """Why there is no outline."""
    why = "Looked for a specimen as what differs from the background around it, without labels, codes, charts and rulers: "
    if scene.covered > outline_doubts.MOSTLY:
        why += f"these cover {outline_doubts.percent(scene.covered)} of the image; "
    if rests:
        return f"{why}what is left runs along them, as the rests of their paper do."
    if scene.left_out_px >= SMALLEST_PIECE * scene.excluded.size:
        return f"{why}what is left runs along the image's edge."
    return f"{why}no piece that is left is large enough."


def _unknown(context: StepContext) -> tuple[Evidence, ...]:
    """That labels, codes, charts or rulers may be in the outline, because what looks for them failed."""
    failed = [name for name in ("barcode", "chart", "ruler", "ocr") if name in context.failed]
    if not failed:
        return ()
    steps = f"the step{'s' if len(failed) > 1 else ''} {' and '.join(failed)} failed"
    return ({"kind": "step failed", "text": f"may take in labels, codes, charts or rulers, because {steps}"},)


def _excluded(shape: tuple[int, ...], scale: float, context: StepContext) -> Mask:
    """Labels, codes, charts and rulers that were found before, with their margins."""
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
    ground_alone = np.dstack([lab * ground[..., np.newaxis].astype(np.float32), ground.astype(np.float32)])
    blurred = _blurred(ground_alone, 0.03 * max(lab.shape))
    colours, near = blurred[..., :3], blurred[..., 3:]
    return np.where(near > 0.02, colours / np.maximum(near, 1e-6), before).astype(np.float32)


def _blurred(picture: NDArray[np.float32], sigma: float) -> NDArray[np.float32]:
    """By a Gaussian; a wide one at a fraction of the size, where it is still LEAST_SIGMA wide: it leaves no finer detail."""
    height, width = picture.shape[:2]
    factor = max(1, int(sigma / LEAST_SIGMA))
    size = (max(1, width // factor), max(1, height // factor))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA) if factor > 1 else picture
    blurred = cv2.GaussianBlur(small, (0, 0), sigma * size[0] / width, sigmaY=sigma * size[1] / height)
    return np.asarray(cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)


def _threshold(distance: NDArray[np.float32]) -> float:
    """Otsu's, lowered, but not into the paper's own unevenness."""
    if distance.size == 0:
        return math.inf
    counted = np.clip(distance * 2, 0, 255).astype(np.uint8)
    otsu, _ = cv2.threshold(counted.reshape(-1, 1), 0, 255, cv2.THRESH_BINARY | cv2.THRESH_OTSU)
    return max(LEAST_DISTANCE, OTSU_SHARE * float(otsu) / 2)


def _cleaned(mask: Mask) -> tuple[Mask, int]:
    """Without specks, without what is a card or a chart by its shape, and without what runs along the edge of the image; and how
    many pixels of the largest of the last lie in the image's middle."""
    height, width = mask.shape
    count, numbers, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), connectivity=8)
    kept, left_out_px = np.zeros(count, bool), 0
    inner = np.s_[round(BORDER * height) : height - round(BORDER * height), round(BORDER * width) : width - round(BORDER * width)]
    for number in range(1, count):
        x, y, w, h, area = stats[number]
        if area < SPECK * mask.size:
            continue
        part = numbers[y : y + h, x : x + w] == number
        if _is_card(part, area, mask.size):
            continue
        kept[number] = not _along_edge(part, x, y, width, height)
        if not kept[number]:
            left_out_px = max(left_out_px, int((numbers[inner] == number).sum()))
    return np.asarray(kept[numbers]), left_out_px


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


def _outline(
    piece: Piece, number: int, total: int, evidence: Sequence[Evidence], copy: tuple[int, ...], image: SheetImage
) -> Finding:
    """The pixels of the image whose centres lie in the piece, which was found on a copy of that (height, width)."""
    text = f"Outline of the specimen{f', piece {number} of {total}' if total > 1 else ''}"
    on_copy = RegionMask.of_pixels(piece.pixels, piece.x, piece.y)
    mask = enlarged(on_copy, (copy[1], copy[0]), (image.width_px, image.height_px))
    data = {"areaPx": mask.count()} | ({"doubts": evidence} if evidence else {})
    shown = f"{text}.{outline_doubts.sentence(evidence)}" if evidence else text
    return Finding("outline", shown, of_mask(mask), motivations=("classifying",), data=data)


def _measures(
    several: Pieces,
    outline: Finding,
    evidence: Sequence[Evidence],
    copy: tuple[int, ...],
    image: SheetImage,
    context: StepContext,
) -> tuple[Finding, ...]:
    """Those of the largest piece. Their uncertainty is that of the scale, and of one pixel of the copy at each end."""
    piece = several.found[0]
    wide, high = image.width_px / copy[1], image.height_px / copy[0]
    perimeter = cv2.arcLength(piece.contour, closed=True)
    measured = MeasuredPiece(
        specimen_measures.extent_of(piece.contour).scaled(wide, high),
        float(piece.pixels.sum()) * wide * high,
        perimeter * max(wide, high),
        max(wide, high),
        "the specimen" if several.total == 1 else f"the largest of {several.total} pieces",
        outline.region,
        evidence,
    )
    return specimen_measures.measures(measured, context)
