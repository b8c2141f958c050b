"""Printed, typed or handwritten: what a block of text was made with, by four measures of its lines; unknown in between.

Machines set letters apart on one line, with strokes upright or alike in slant; a hand joins and slants them and wavers. A
typewriter gives every letter the same width, and so does a printer in a fixed-width face, which is told as typed too. How the
measures count was fitted to drawn lines alone (`analytics/training/writing.py`).
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

LINE_PX = 48  # the height that lines are brought to
Kind = Literal["printed", "typed", "handwritten", "unknown"]
HAND, MACHINE = 1.35, -0.55  # log odds of handwriting, from and up to which it is one or the other
EVEN, UNEVEN = 0.7, 0.5  # evenness of the letters' widths, from and up to which they are of one width or not
FEWEST_TYPED = 20  # characters, in two lines or more, that tell that letters have one width
FEWEST_CHARACTERS = 3  # letters and digits of a line that is measured
ON_THE_LINE = 0.035  # of the line's height
MOST_TILT = 0.03
UPRIGHT_DEG = 8.0
DARKER = 12  # grey levels below the paper around it, at least, of ink


@dataclass(frozen=True, slots=True)
class LineMeasures:
    """`upright`: share of the edges that are those of upright strokes; `aligned`: share of the pieces of ink that stand on one
    line; `pieces` to a character, 1.2 at most; `even`: how much of the ink repeats with each character, more for more of them."""

    upright: float
    aligned: float
    pieces: float
    even: float
    characters: int


def kind(lines: Sequence[LineMeasures]) -> tuple[Kind, dict[str, float]]:
    """Of a block, and the two figures that it was told by; longer lines count more."""
    if not lines:
        return "unknown", {}
    weights = [line.characters for line in lines]
    mean, spread, slopes, offset = _fitted()
    measured = np.array([(line.upright, line.aligned, line.pieces) for line in lines])
    hand = float(np.average((measured - mean) / spread @ slopes + offset, weights=weights))
    even = float(np.average([line.even for line in lines], weights=weights))
    figures = {"handwritingLogOdds": round(hand, 2), "evenWidths": round(even, 2)}
    if hand >= HAND:
        return "handwritten", figures
    if hand <= (HAND + MACHINE) / 2 and even >= EVEN and len(lines) > 1 and sum(weights) >= FEWEST_TYPED:
        return "typed", figures
    return ("printed" if hand <= MACHINE and even < UNEVEN else "unknown"), figures


def measure(rgb: NDArray[np.uint8], text: str) -> LineMeasures | None:
    """Of a line laid level, uint8 (LINE_PX, W, 3), with what is read there; None where there is too little."""
    grey = cv2.cvtColor(np.ascontiguousarray(rgb), cv2.COLOR_RGB2GRAY).astype(np.float32)
    ink = _ink(grey)
    _, _, pieces, _ = cv2.connectedComponentsWithStats(ink, connectivity=8)
    x, y, wide, high, area = pieces[1:].T
    letters = (high > 0.25 * LINE_PX) & (high < 0.95 * LINE_PX) & (area > 12)
    characters = sum(map(str.isalnum, text))
    if letters.sum() < 2 or characters < FEWEST_CHARACTERS:
        return None
    feet = np.stack([x + wide / 2, y + high], axis=1)[letters] / LINE_PX
    even = _evenness(ink.sum(axis=0), len(text))
    return LineMeasures(_upright(grey), _aligned(feet), min(1.2, float(letters.sum()) / characters), even, len(text))


def laid_level(rgb: NDArray[np.uint8], quad: NDArray[np.float64]) -> NDArray[np.uint8]:
    """The line cut out of a picture: its quad, from its own upper left corner clockwise, as (LINE_PX, W, 3)."""
    across = float(np.hypot(*(quad[1] - quad[0])))
    down = max(1.0, float(np.hypot(*(quad[3] - quad[0]))))
    width = int(np.clip(round(across / down * LINE_PX), 8, 80 * LINE_PX))
    level = np.array([(0, 0), (width, 0), (width, LINE_PX), (0, LINE_PX)], np.float32)
    matrix = cv2.getPerspectiveTransform(quad.astype(np.float32), level)
    return np.asarray(cv2.warpPerspective(rgb, matrix, (width, LINE_PX), flags=cv2.INTER_AREA), np.uint8)


def _ink(grey: NDArray[np.float32]) -> NDArray[np.uint8]:
    """1 where it is darker than the paper around it."""
    paper = cv2.GaussianBlur(cv2.dilate(grey, np.ones((15, 15), np.uint8)), (0, 0), 8)
    darker = np.clip(paper - grey, 0, 255).astype(np.uint8)
    level, _ = cv2.threshold(darker, 0, 255, cv2.THRESH_BINARY + cv2.THRESH_OTSU)
    return np.asarray(darker > max(level, DARKER), np.uint8)


def _upright(grey: NDArray[np.float32]) -> float:
    smooth = cv2.GaussianBlur(grey, (0, 0), 1)
    x, y = cv2.Sobel(smooth, cv2.CV_32F, 1, 0), cv2.Sobel(smooth, cv2.CV_32F, 0, 1)
    size = np.hypot(x, y)
    off = np.abs((np.degrees(np.arctan2(y, x)) + 90) % 180 - 90)
    return float(size[off <= UPRIGHT_DEG].sum() / max(float(size.sum()), 1e-6))


def _aligned(feet: NDArray[np.float64]) -> float:
    """(N, 2) places where pieces stand: the greatest share on one line through one of them, level or slightly tilted."""
    best = 0.0
    for tilt in np.linspace(-MOST_TILT, MOST_TILT, 7):
        heights = feet[:, 1] - tilt * feet[:, 0]
        best = max(best, float((np.abs(heights[:, np.newaxis] - heights) < ON_THE_LINE).mean(axis=0).max()))
    return best


def _evenness(ink: NDArray[np.int64], characters: int) -> float:
    """Of ink by column: the share of its variance that repeats with a step near that of the characters."""
    columns = np.flatnonzero(ink)
    if not len(columns):
        return 0.0
    profile = ink[columns[0] : columns[-1] + 1].astype(float)
    profile -= profile.mean()
    total = float((profile**2).sum()) * len(profile) / 2
    steps = np.linspace(0.88, 1.14, 120) * characters / len(profile)
    waves = np.exp(-2j * np.pi * np.outer(steps, np.arange(len(profile)))) @ profile
    return float((np.abs(waves) ** 2).max() / max(total, 1e-6) * np.sqrt(min(characters, 40)))


@cache
def _fitted() -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float]:
    """Mean and spread of the measures, their slopes, and the offset."""
    held = json.loads((resources.files("analytics") / "weights" / "writing.json").read_text(encoding="utf-8"))
    return np.array(held["mean"]), np.array(held["spread"]), np.array(held["slopes"]), float(held["offset"])
