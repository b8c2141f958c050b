"""Round stamps: a ring of ink on the paper, and the words that run around within it, unrolled and read.

A stamp is told by both: a closed ring that is round, with the same paper inside as outside, and letters along it that are read
surely. Coins, lenses and holes have no such words; stamps without a ring, broken ones and square ones are not found.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps import ocr_engine
from analytics.steps.image import Pixels, ScaledCopy, SheetImage
from analytics.steps.model import Finding, StepContext, StepResult
from annotations.regions import Region

COPY_PX = 2000
LEAST_RADIUS_PX, LARGEST_RADIUS = 22, 0.12  # of the copy: in pixels, and of its longer side
MOST_RINGS = 12  # that are read, the largest first
ROUND = 0.035  # of the radius: the greatest spread of the ring's distance from its middle
AROUND = 0.85  # share of the directions in which the ring is seen
LEAST_INK, MOST_INK = 0.03, 0.8  # share of what lies within the ring
SAME_PAPER = 26.0  # grey levels between paper within and without
UNROLLED_PX = 64  # height of the strip that is read
GAP_PX = 32  # of the strip: between two words
INNER, OUTER = 0.55, 0.97  # of the radius, between which the words run
SURE, FEWEST_LETTERS = 0.85, 6


@dataclass(frozen=True, slots=True)
class Ring:
    """In pixels of the image."""

    x: float
    y: float
    radius: float


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """One finding "stamp" for each ring with words."""
    found = rings(image.copy(COPY_PX))
    stamps = [finding for ring in found[:MOST_RINGS] if (finding := _read(image, ring)) is not None]
    if stamps:
        return StepResult(tuple(stamps))
    seen = f"{len(found)} rings of ink were seen, and no words along them could be read" if found else "no ring of ink was seen"
    return StepResult((), f"Looked for round stamps: {seen}.")


def rings(copy: ScaledCopy) -> list[Ring]:
    """Round closed lines of ink on paper, the largest first, of several in one another the outermost."""
    dark = cv2.adaptiveThreshold(copy.grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 31, 9)
    ink = cv2.morphologyEx(dark, cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8))
    contours, _ = cv2.findContours(ink, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    largest = LARGEST_RADIUS * max(copy.shape)
    found: list[Ring] = []
    for contour in sorted(contours, key=len, reverse=True):
        ring = _round(contour[:, 0].astype(float), largest)
        if ring is None or any(math.hypot(ring.x - one.x, ring.y - one.y) < one.radius for one in found):
            continue
        if _on_paper(copy.grey, ink, ring):
            found.append(ring)
    return [Ring(one.x * copy.wide, one.y * copy.high, one.radius * copy.wide) for one in found]


def _round(points: NDArray[np.float64], largest: float) -> Ring | None:
    """The circle through (N, 2) points, where they lie on one, all around."""
    if len(points) < 4 * LEAST_RADIUS_PX:
        return None
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    away = np.hypot(*(points - middle).T)
    radius = float(np.median(away))
    if not LEAST_RADIUS_PX <= radius <= largest or float(np.std(away)) > ROUND * radius:
        return None
    turns = np.degrees(np.arctan2(*(points - middle).T)).astype(int) % 360 // 5
    return Ring(float(middle[0]), float(middle[1]), radius) if len(np.unique(turns)) >= AROUND * 72 else None


def _on_paper(grey: NDArray[np.uint8], ink: NDArray[np.uint8], ring: Ring) -> bool:
    """Whether most within is paper, and the same as just outside."""
    reach = math.ceil(1.25 * ring.radius)
    x0, y0 = max(0, round(ring.x) - reach), max(0, round(ring.y) - reach)
    part, drawn = grey[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach], ink[y0 : y0 + 2 * reach, x0 : x0 + 2 * reach] > 0
    rows, columns = np.mgrid[: part.shape[0], : part.shape[1]]
    away = np.hypot(columns + x0 - ring.x, rows + y0 - ring.y) / ring.radius
    within, without = away < 0.95, (away > 1.08) & (away < 1.25)
    if not (within & ~drawn).any() or not (without & ~drawn).any():
        return False
    inside, outside = np.median(part[within & ~drawn]), np.median(part[without & ~drawn])
    return bool(abs(float(inside) - float(outside)) <= SAME_PAPER and LEAST_INK <= drawn[within].mean() <= MOST_INK)


def _read(image: SheetImage, ring: Ring) -> Finding | None:
    """The stamp with its words, read clockwise with their feet to the middle, or the other way round."""
    best = max(_readings(image, ring), key=lambda pair: sum(map(str.isalpha, pair[0])), default=("", 0.0))
    if sum(map(str.isalpha, best[0])) < FEWEST_LETTERS:
        return None
    turns = np.linspace(0, math.tau, 60)[:-1]
    circle = [(ring.x + ring.radius * math.cos(turn), ring.y + ring.radius * math.sin(turn)) for turn in turns]
    data = {"form": "round", "radiusPx": round(ring.radius, 1), "words": best[0], "leastScore": round(best[1], 3)}
    return Finding(
        "stamp", f"Round stamp: {best[0]}", image.within(Region.of_rings([circle])), motivations=("describing",), data=data
    )


def _readings(image: SheetImage, ring: Ring) -> Iterator[tuple[str, float]]:
    """Words and score, for each way in which they may run."""
    crop = image.crop(ring.x - ring.radius, ring.y - ring.radius, ring.x + ring.radius, ring.y + ring.radius)
    if not crop.rgb.size:
        return
    strip = unrolled(crop.rgb, (ring.x - crop.x, ring.y - crop.y), ring.radius)
    for way in (strip, np.ascontiguousarray(strip[::-1, ::-1])):
        lines = [line for line in ocr_engine.read(way) if line.score >= SURE and any(map(str.isalpha, line.text))]
        if lines:
            lines.sort(key=lambda line: float(line.quad[:, 0].mean()))
            yield " ".join(line.text for line in lines), min(line.score for line in lines)


def unrolled(rgb: Pixels, middle: tuple[float, float], radius: float) -> Pixels:
    """What runs around in a circle laid out from left to right, clockwise from where there is least ink, so that no word is cut,
    with a margin of paper all around."""
    around = round(math.tau * (INNER + OUTER) / 2 / (OUTER - INNER) * UNROLLED_PX)
    turns = np.arange(around) / around * math.tau - math.pi / 2
    away = np.linspace(OUTER, INNER, UNROLLED_PX) * radius
    x = middle[0] + np.outer(away, np.cos(turns))
    y = middle[1] + np.outer(away, np.sin(turns))
    strip = cv2.remap(rgb, x.astype(np.float32), y.astype(np.float32), cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    inked = 255.0 - strip.mean(axis=(0, 2))
    near = np.convolve(np.concatenate([inked, inked[:GAP_PX]]), np.ones(GAP_PX), "valid")[:around]
    strip = np.roll(strip, -(int(near.argmin()) + GAP_PX // 2), axis=1)
    paper = [float(level) for level in np.percentile(strip.reshape(-1, 3), 75, axis=0)]
    margin = UNROLLED_PX // 4
    return np.asarray(cv2.copyMakeBorder(strip, margin, margin, margin, margin, cv2.BORDER_CONSTANT, value=paper), np.uint8)
