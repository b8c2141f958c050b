"""Bars of centimetres, black and white by turns or outlined: one of them, at an end, is divided into ten millimetres.

That is how the scales of herbaria and museums are printed ("copyright reserved"). The division by ten of one block tells the
unit without any number: nothing else that rulers have is divided so in one block only. The blocks' borders, all of them
together, tell how long a centimetre is.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.ruler_strips import Strip
from analytics.steps.ruler_ticks import Graduation, Straight, straighten
from analytics.steps.ruler_unit import RulerReading

Float = NDArray[np.float64]
SAMPLES = 96  # of one block, in which its divisions are counted
FEWEST_BLOCKS, MOST_BLOCKS = 7, 20
SHORTEST_BLOCK_PX = 21.0  # in which ten parts can be told
DIVIDED, PLAIN = 0.5, 0.25  # share of what varies within a block that ten parts make up, in the divided one and in others
FINEST, COARSEST = 19, 3  # divisions among which that into ten must be the clearest
LEAST_CONTRAST = 5.0  # grey levels between the ten parts
NEAR = 0.14  # of a block: how far a border may be from where it should be
LARGEST_RESIDUAL = 0.02  # of a block
FULLEST = 0.8  # of the borders that must be seen
MOST_BANDS, MOST_TRIED = 60, 8  # of rows: in which borders are fitted, and in which a divided block is looked for
SURE = 0.9


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Borders of blocks in a band of rows, and how exactly they lie evenly."""

    graduation: Graduation
    relative_uncertainty: float


def read(grey: NDArray[np.uint8], graduations: Sequence[Graduation]) -> list[RulerReading]:
    """The scale of every divided bar among these rows of marks, those with most blocks first."""
    found = []
    for one in graduations:
        blocks = int(np.ptp(one.numbers))
        if FEWEST_BLOCKS - 1 <= blocks <= MOST_BLOCKS and one.spacing_px >= SHORTEST_BLOCK_PX:
            reading = divided_bar(_along_marks(grey, one), one)
            if reading is not None:
                found.append(reading)
    return sorted(found, key=lambda one: (-np.ptp(one.graduation.numbers), one.uncertainty))


def _along_marks(grey: NDArray[np.uint8], graduation: Graduation) -> Straight:
    """The bar cut out anew along its marks."""
    old, middle = graduation.straight, sum(graduation.rows) / 2
    start, end = (np.array(old.to_picture(float(graduation.places[end]), middle)) for end in (0, -1))
    length = float(np.hypot(*(end - start)))
    direction = (end - start) / length
    strip = Strip((start[0], start[1]), (direction[0], direction[1]), length, graduation.spacing_px / 10, 1.0)
    return straighten(grey, strip)


def divided_bar(straight: Straight, graduation: Graduation) -> RulerReading | None:
    """The scale, where one block at an end of even blocks is divided into ten and the others are not.

    Of the bands of rows that show it the middle one gives the value, and how they differ goes into its uncertainty.
    """
    bands = [
        one.graduation for one in _borders(straight, graduation.spacing_px) if _divided(straight, one.graduation) is not None
    ]
    if not bands:
        return None
    spacings = np.array([one.spacing_px for one in bands])
    middle = bands[int(np.argsort(spacings)[len(bands) // 2])]
    apart = 1.4826 * float(np.median(np.abs(spacings - middle.spacing_px)))
    sure = replace(middle, uncertainty_px=float(np.hypot(middle.uncertainty_px, apart)))
    said = f"{int(np.ptp(middle.numbers))} even blocks, of which one at the end is divided into ten, as a bar of centimetres is"
    return RulerReading(sure, 10.0, "divided bar", SURE, (said,))


def _borders(straight: Straight, spacing: float) -> list[_Blocks]:
    """Even borders in the few bands of rows in which they lie most exactly."""
    thick = max(2, int(spacing / 12))
    smooth = cv2.blur(straight.grey, (1, thick))
    slopes = np.abs(cv2.Sobel(cv2.GaussianBlur(smooth, (3, 1), max(0.6, spacing / 80)), cv2.CV_32F, 1, 0, ksize=1))
    rows = np.arange(thick // 2, slopes.shape[0], max(1, thick // 2))
    high = np.maximum(np.percentile(slopes[rows], 97, axis=1, keepdims=True), 3.0)
    capped = (np.minimum(slopes[rows], high) / high).astype(np.float32)
    trials = spacing * np.linspace(0.96, 1.04, 33)
    waves = capped @ np.exp(2j * np.pi * np.outer(np.arange(slopes.shape[1]), 1 / trials)).astype(np.complex64)
    found = []
    for index in np.argsort(-np.abs(waves).max(axis=1))[:MOST_BANDS]:
        best = int(np.abs(waves[index]).argmax())
        trial, row = float(trials[best]), int(rows[index])
        offset = (float(np.angle(waves[index, best])) / (2 * np.pi) % 1) * trial
        numbers, places = _places(capped[index], slopes[row], offset, trial)
        blocks = _fitted(straight, numbers, places, trial, (max(row - thick // 2, 0), row + thick // 2))
        if blocks is not None:
            found.append(blocks)
    return sorted(found, key=lambda one: one.relative_uncertainty)[:MOST_TRIED]


def _places(
    capped: NDArray[np.float32], slopes: NDArray[np.float32], offset: float, trial: float
) -> tuple[NDArray[np.int64], Float]:
    """Numbers and places of the borders in one row of slopes, each near where it should be."""
    along = np.arange(len(capped))
    numbers, places = [], []
    reach = max(2, round(NEAR * trial))
    for number in range(int((len(capped) - 1 - offset) / trial) + 1):
        at = round(offset + number * trial)
        low, top_end = max(at - reach, 1), min(at + reach + 1, len(capped) - 1)
        if top_end - low < 3:
            continue
        top = low + int(capped[low:top_end].argmax())
        if capped[top] > 0.3:
            around = slice(max(top - 1, 0), top + 2)
            numbers.append(number)
            places.append(float(np.average(along[around], weights=slopes[around])))
    return np.array(numbers, np.int64), np.array(places)


def _fitted(
    straight: Straight, numbers: NDArray[np.int64], places: Float, spacing: float, rows: tuple[int, int]
) -> _Blocks | None:
    for _ in range(6):
        if len(numbers) < FEWEST_BLOCKS:
            return None
        shape = np.stack([numbers, np.ones(len(numbers)), (-1.0) ** numbers], axis=1)
        solution, *_ = np.linalg.lstsq(shape, places, rcond=None)
        off = np.abs(places - shape @ solution)
        worst = int(off.argmax())
        if off[worst] <= max(LARGEST_RESIDUAL * spacing * 1.5, 3 * float(np.median(off)), 0.5):
            break
        numbers, places = np.delete(numbers, worst), np.delete(places, worst)
    numbers, places, off = _longest(numbers, places, off)
    if len(numbers) < FEWEST_BLOCKS or len(numbers) < FULLEST * (np.ptp(numbers) + 1):
        return None
    shape = np.stack([numbers, np.ones(len(numbers)), (-1.0) ** numbers], axis=1)
    solution, *_ = np.linalg.lstsq(shape, places, rcond=None)
    sigma = float(np.sqrt(((places - shape @ solution) ** 2).sum() / max(len(numbers) - 3, 1)))
    if sigma > max(LARGEST_RESIDUAL * spacing, 0.4):
        return None
    spread = float(np.sqrt(((numbers - numbers.mean()) ** 2).sum()))
    uncertainty = max(sigma, 0.1) / spread
    graduation = Graduation(
        straight,
        float(solution[0]),
        uncertainty,
        float(solution[1]),
        numbers,
        places,
        np.zeros(len(places)),
        rows,
        sigma,
        True,
        True,
    )
    return _Blocks(graduation, uncertainty / float(solution[0]))


def _longest(numbers: NDArray[np.int64], places: Float, off: Float) -> tuple[NDArray[np.int64], Float, Float]:
    """The longest run in which never more than one border in a row is missing."""
    runs = np.split(np.arange(len(numbers)), np.flatnonzero(np.diff(numbers) > 2) + 1)
    run = max(runs, key=len)
    return numbers[run], places[run], off[run]


def _divided(straight: Straight, graduation: Graduation) -> int | None:
    """The number of the block that is divided into ten, if there is exactly one and it is at an end."""
    first, last = int(graduation.numbers[0]), int(graduation.numbers[-1])
    thick = max(1, int(graduation.spacing_px / 16))
    smooth = cv2.blur(straight.grey, (1, thick))[:: max(1, thick)]
    shares = _tenths(smooth, graduation, np.arange(first - 1, last + 1))
    best = shares.argmax(axis=1)
    others = (shares < PLAIN).sum(axis=1) >= shares.shape[1] - 2
    clear = best[(shares.max(axis=1) > DIVIDED) & others]
    if not len(clear):
        return None
    block = int(np.bincount(clear).argmax())
    seen = int((clear == block).sum())
    at_end = block <= 1 or block >= last - first - 1
    return first - 1 + block if at_end and seen >= max(2, 0.6 * len(clear)) else None


def _tenths(rows: NDArray[np.float32], graduation: Graduation, blocks: NDArray[np.int64]) -> Float:
    """(rows, blocks): the share of division into ten, and into twenty, in what varies in one block along one row.

    0 where another division is clearer, and where the block is not all in the picture.
    """
    unit = (np.arange(SAMPLES) + 0.5) / SAMPLES
    at = graduation.offset + (blocks[:, np.newaxis] + unit) * graduation.spacing_px
    inside = (at[:, 0] >= 0) & (at[:, -1] <= rows.shape[1] - 1)
    at = np.clip(at, 0, rows.shape[1] - 1.001)
    left = at.astype(int)
    part = (at - left).astype(np.float32)
    values = rows[:, left] * (1 - part) + rows[:, left + 1] * part
    slope = np.stack([np.ones(SAMPLES), unit - 0.5], axis=1)
    values = values - values @ np.linalg.pinv(slope).T @ slope.T
    size = np.abs(np.fft.rfft(values, axis=2)) * 2 / SAMPLES
    finest = int(min(FINEST, graduation.spacing_px / 2))
    clear = (size[..., COARSEST : finest + 1].argmax(axis=2) + COARSEST == 10) & (2 * size[..., 10] >= LEAST_CONTRAST) & inside
    power = size**2
    tens = power[..., 10] + power[..., 20]
    return np.where(clear, tens / np.maximum(power[..., COARSEST : finest + 1].sum(axis=2) + power[..., 20], 1e-9), 0.0)
