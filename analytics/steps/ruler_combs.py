"""Marks beside the numbers of a ruler: the evenly spaced comb of which so many go to one number.

The numbers say within a few per cent how far apart the marks must be, so that also marks that are few, faint or only in
the first centimetre of a bar are found; the comb is then fitted to the middles of all.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.ruler_ticks import Graduation, Straight

Float = NDArray[np.float64]
Picture = NDArray[np.float32]
CLOSEST_PX = 2.6  # marks nearer than that are not told apart
RANGE = 0.03  # how far the distance between marks is looked for around that of the numbers
MOST_ROWS = 6  # bands of a strip in which the comb is fitted
STANDING_OUT = 0.35  # of the strongest marks' darkness
NEAR = 0.3  # of the spacing: how far a mark may be from where the comb has it
FEWEST_MARKS = 5
LARGEST_RESIDUAL = 0.12  # of the spacing
FULL, FULLEST = 0.5, 0.7  # agreement, and share of the marks seen, of a graduation that runs all along
BAR_RESIDUAL = 0.07
FEWEST_OF_BAR = 5  # centimetres
STRANGE = 0.35  # marks of a bar that are neither in the divided centimetre nor whole ones, to a whole one


@dataclass(frozen=True, slots=True)
class Comb:
    """The marks, `per_number` of them to the distance of two numbers.

    `agreement`, from 0 to 1: the share of what is dark that lies where marks should be, times that of marks that are there.
    """

    graduation: Graduation
    per_number: int
    agreement: float


def find(straight: Straight, number_px: float, per_number: int) -> Comb | None:
    """The best comb in any band of the strip whose numbers are so far apart; None where no even marks are."""
    spacing = number_px / per_number
    if spacing < CLOSEST_PX:
        return None
    thick = max(2, int(number_px / 30))
    marked = _marked(cv2.blur(straight.grey, (1, thick)), spacing)
    best: Comb | None = None
    for _, row, dark, trial in sorted(_bands(marked, spacing, thick), reverse=True)[:MOST_ROWS]:
        rows = (max(row - thick // 2, 0), row + thick // 2)
        comb = _fitted(straight, marked[dark][row].astype(float), trial, per_number, rows, dark=bool(dark))
        if comb is not None and (best is None or _worth(comb) > _worth(best)):
            best = comb
    return best


def is_full(comb: Comb, numbers: float) -> bool:
    """Whether the marks run all along so many distances of numbers."""
    return comb.agreement > FULL and comb.graduation.marks > FULLEST * comb.per_number * numbers


def is_bar(comb: Comb) -> bool:
    """Whether tenths of a number are marked in one of them only, and else one mark to each number."""
    numbers, graduation = comb.graduation.numbers, comb.graduation
    if graduation.residual_px > BAR_RESIDUAL * graduation.spacing_px:
        return False
    divided = max(np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1), key=len)
    if not 9 <= len(divided) <= 13:
        return False
    phase = int(np.bincount(numbers % 10).argmax())
    whole = numbers[numbers % 10 == phase]
    strange = np.setdiff1d(numbers[numbers % 10 != phase], divided)
    return len(whole) >= max(FEWEST_OF_BAR, FULLEST * (np.ptp(whole) / 10 + 1)) and len(strange) <= STRANGE * len(whole)


def _worth(comb: Comb) -> float:
    return comb.agreement * float(np.sqrt(comb.graduation.marks))


def _marked(grey: Picture, spacing: float) -> tuple[Picture, Picture]:
    """How light, and how dark, every place is against its surroundings, 0 to 1; capped, so that a bold line is but one line."""
    size = max(int(min(2 * spacing, 61)) | 1, 3)
    flat = grey - cv2.blur(grey, (size, 1), borderType=cv2.BORDER_REFLECT)
    light, dark = (_capped(np.clip(signed, 0, None)) for signed in (flat, -flat))
    return light, dark


def _capped(values: Picture) -> Picture:
    cap = np.maximum(np.percentile(values, 97, axis=1, keepdims=True), 4)
    return np.asarray(np.minimum(values, cap) / cap, np.float32)


def _bands(marked: Sequence[Picture], spacing: float, thick: int) -> list[tuple[float, int, int, float]]:
    """(coherence, row, 1 if dark, spacing) of the best spacing in every few rows."""
    length = marked[0].shape[1]
    fine = max(spacing**2 / (2 * length), 1e-4 * spacing)
    trials = np.arange((1 - RANGE) * spacing, (1 + RANGE) * spacing, fine)
    waves = np.exp(-2j * np.pi * np.outer(np.arange(length), 1 / trials)).astype(np.complex64)
    found = []
    for dark, picture in enumerate(marked):
        rows = np.arange(0, picture.shape[0], max(1, thick // 2))
        values = picture[rows]
        coherence = np.abs(values @ waves) / np.maximum(values.sum(axis=1, keepdims=True), 0.02 * length)
        best = coherence.argmax(axis=1)
        found += [(float(coherence[i, k]), int(rows[i]), dark, float(trials[k])) for i, k in enumerate(best)]
    return found


def _fitted(
    straight: Straight, marked: Float, spacing: float, per_number: int, rows: tuple[int, int], *, dark: bool
) -> Comb | None:
    """The line through the middles of the marks in one band."""
    numbers, places = _middles(marked, spacing)
    keep = np.ones(len(numbers), bool)
    for _ in range(4):
        if keep.sum() < FEWEST_MARKS:
            return None
        fitted, offset = np.polyfit(numbers[keep], places[keep], 1)
        off = np.abs(places - offset - fitted * numbers)
        keep = off < max(3 * 1.4826 * float(np.median(off[keep])), 0.04 * spacing, 0.4)
    if keep.sum() < FEWEST_MARKS:
        return None
    numbers, places = numbers[keep], places[keep]
    fitted, offset = np.polyfit(numbers, places, 1)
    sigma = float(np.sqrt(((places - offset - fitted * numbers) ** 2).sum() / (len(numbers) - 2)))
    if sigma > LARGEST_RESIDUAL * fitted:
        return None
    spread = float(np.sqrt(((numbers - numbers.mean()) ** 2).sum()))
    agreement = _coherence(marked, float(fitted), places) * len(numbers) / float(np.ptp(numbers) + 1)
    uncertainty = max(sigma, 0.05) / spread
    none = np.zeros(len(places))
    graduation = Graduation(
        straight, float(fitted), uncertainty, float(offset), numbers, places, none, rows, sigma, dark, edges=True
    )
    return Comb(graduation, per_number, agreement)


def _middles(marked: Float, spacing: float) -> tuple[NDArray[np.int64], Float]:
    """Numbers of the marks that stand out near where the comb has them, and their centres of gravity."""
    along = np.arange(len(marked))
    phase = float(np.angle((marked * np.exp(-2j * np.pi * along / spacing)).sum()))
    offset = (-phase / (2 * np.pi) % 1) * spacing
    reach = max(1, round(NEAR * spacing))
    numbers, places = [], []
    for number in range(int((len(marked) - 1 - offset) / spacing) + 1):
        at = round(offset + number * spacing)
        low = max(at - reach, 0)
        top = low + int(marked[low : at + reach + 1].argmax())
        if marked[top] > STANDING_OUT:
            around = slice(max(top - 2, low), min(top + 3, at + reach + 1, len(marked)))
            weights = marked[around]
            numbers.append(number)
            places.append(float(along[around] @ weights / weights.sum()))
    return np.array(numbers, np.int64), np.array(places)


def _coherence(marked: Float, spacing: float, places: Float) -> float:
    low, high = max(int(places[0] - spacing / 2), 0), int(places[-1] + spacing / 2)
    inside = marked[low:high]
    wave = np.exp(-2j * np.pi * np.arange(low, low + len(inside)) / spacing)
    return float(np.abs((inside * wave).sum()) / max(float(inside.sum()), 1e-6))
