"""Where in a photograph something repeats along a line, as the graduation of a ruler does.

At several reductions, thin bands of the picture are averaged into profiles; short windows of a profile whose edges
return at a constant distance are put together into strips.
"""

from collections import deque
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
REDUCTIONS = (1, 2, 4, 8)
BAND_PX, WINDOW_PX = 8, 256  # at the reduction
SHORTEST_PX, LONGEST_PX = 3.2, 64.0  # distances looked for, at the reduction
REGULAR = 0.42  # least autocorrelation at the distance
LEAST_EDGE = 1.5  # grey levels per pixel, on average over a window
FEWEST_PERIODS = 7.0


@dataclass(frozen=True, slots=True)
class Strip:
    """Part of the picture along which edges repeat every `spacing_px`, in pixels of the whole picture.

    Points along it are (x, y) = start + t * direction for t from 0 to `length_px`; `direction` is a unit vector nearly
    along an axis. `strength` adds up how regular its windows are.
    """

    start: tuple[float, float]
    direction: tuple[float, float]
    length_px: float
    spacing_px: float
    strength: float


def find(grey: NDArray[np.uint8], most: int = 16) -> list[Strip]:
    """The strongest strips of (H, W) uint8, running along x or y, at most so many; strongest first."""
    found: list[Strip] = []
    for reduction in REDUCTIONS:
        height, width = grey.shape[0] // reduction, grey.shape[1] // reduction
        if max(height, width) < WINDOW_PX or min(height, width) < 2 * BAND_PX:
            continue
        small = cv2.resize(grey, (width, height), interpolation=cv2.INTER_AREA) if reduction > 1 else grey
        for turned in (False, True):
            picture = np.ascontiguousarray(small.T) if turned else small
            found += [_scaled(strip, reduction, turned) for strip in _along_x(picture.astype(np.float32))]
    found.sort(key=lambda strip: -strip.strength)
    return _distinct(found, most)


def _along_x(picture: Float) -> list[Strip]:
    """Strips that run along x, in pixels of this picture."""
    if picture.shape[1] < WINDOW_PX:
        return []
    lag, regular, tops, lefts = _windows(picture)
    strips = []
    for cells in _together(lag, regular):
        rows, columns = cells[:, 0], cells[:, 1]
        weights = regular[rows, columns]
        spacing = float(np.average(lag[rows, columns], weights=weights))
        reach = (int(np.ptp(columns)) + 2) * WINDOW_PX / 2
        if reach / spacing < FEWEST_PERIODS:
            continue
        middles = lefts[columns] + WINDOW_PX / 2
        heights = tops[rows] + BAND_PX / 2
        slope, height = _line(middles, heights, weights)
        left, right = float(lefts[columns.min()]), float(lefts[columns.max()] + WINDOW_PX)
        norm = float(np.hypot(1, slope))
        strength = float(sum(weights[columns == column].max() for column in np.unique(columns)))
        strips.append(Strip((left, height + slope * left), (1 / norm, slope / norm), (right - left) * norm, spacing, strength))
    return strips


def _windows(picture: Float) -> tuple[Float, Float, NDArray[np.int64], NDArray[np.int64]]:
    """Per band and window: distance at which its edges return, how regularly; and the bands' tops and windows' lefts."""
    bands = cv2.blur(picture, (1, BAND_PX), anchor=(0, 0), borderType=cv2.BORDER_REPLICATE)[: -BAND_PX + 1 : BAND_PX // 2]
    edges = np.abs(np.diff(bands, axis=1, append=bands[:, -1:]))
    edges = cv2.GaussianBlur(edges, (5, 1), 0.8)
    lefts = np.arange(0, picture.shape[1] - WINDOW_PX + 1, WINDOW_PX // 2)
    tops = np.arange(bands.shape[0]) * (BAND_PX // 2)
    lag, regular = np.zeros((len(tops), len(lefts)), np.float32), np.zeros((len(tops), len(lefts)), np.float32)
    taper = np.hanning(WINDOW_PX).astype(np.float32)
    own = np.fft.irfft(np.abs(np.fft.rfft(taper, 2 * WINDOW_PX)) ** 2)[:WINDOW_PX]
    for column, left in enumerate(lefts):
        piece = edges[:, left : left + WINDOW_PX]
        busy = piece.mean(axis=1) > LEAST_EDGE
        if busy.any():
            strongest = np.percentile(piece[busy], 98, axis=1, keepdims=True)
            capped = np.minimum(piece[busy], strongest)  # one bold edge must not drown the others
            lag[busy, column], regular[busy, column] = _repeats((capped - capped.mean(axis=1, keepdims=True)) * taper, own)
    return lag, regular, tops, lefts


def _repeats(pieces: Float, own: NDArray[np.float64]) -> tuple[Float, Float]:
    """The distance at which each (N, WINDOW_PX) piece repeats, to a fraction of a pixel, and its autocorrelation there."""
    power = np.abs(np.fft.rfft(pieces, 2 * WINDOW_PX, axis=1)) ** 2
    correlation = np.fft.irfft(power, axis=1)[:, :WINDOW_PX]
    correlation /= np.maximum(correlation[:, :1], 1e-6)
    low, high = int(SHORTEST_PX), int(LONGEST_PX) + 2
    correlation = correlation[:, : high + 2] / (own[: high + 2] / own[0])
    here, before, after = correlation[:, low:high], correlation[:, low - 1 : high - 1], correlation[:, low + 1 : high + 1]
    peaks = np.where((here >= before) & (here > after), here, 0.0)
    best = peaks.max(axis=1, keepdims=True)
    first = (peaks >= 0.82 * best).argmax(axis=1)  # the distance itself, not twice or three times it
    rows = np.arange(len(pieces))
    left, top, right = before[rows, first], here[rows, first], after[rows, first]
    bend = left - 2 * top + right
    shift = np.where(np.abs(bend) > 1e-9, 0.5 * (left - right) / np.where(np.abs(bend) > 1e-9, bend, 1), 0)
    return (low + first + np.clip(shift, -0.5, 0.5)).astype(np.float32), peaks[rows, first].astype(np.float32)


def _together(lag: Float, regular: Float) -> list[NDArray[np.int64]]:
    """Groups of neighbouring cells whose distances agree, each (N, 2) of row and column."""
    open_cells = (regular > REGULAR) & (lag >= SHORTEST_PX) & (lag <= LONGEST_PX)
    groups = []
    for row, column in np.argwhere(open_cells):
        if not open_cells[row, column]:
            continue
        open_cells[row, column] = False
        queue, cells = deque([(int(row), int(column))]), []
        while queue:
            here = queue.popleft()
            cells.append(here)
            for r in range(max(here[0] - 3, 0), min(here[0] + 4, lag.shape[0])):
                for c in range(max(here[1] - 2, 0), min(here[1] + 3, lag.shape[1])):
                    if open_cells[r, c] and abs(lag[r, c] / lag[here] - 1) < 0.05:
                        open_cells[r, c] = False
                        queue.append((r, c))
        groups.append(np.array(cells))
    return groups


def _line(x: NDArray[np.floating[Any]], y: NDArray[np.floating[Any]], weights: Float) -> tuple[float, float]:
    """Slope and height at x = 0 of the line through the points; level where they span too little."""
    if len(np.unique(x)) < 3:
        return 0.0, float(np.average(y, weights=weights))
    slope, height = np.polyfit(x, y, 1, w=np.sqrt(weights))
    return (float(slope), float(height)) if abs(slope) < 0.2 else (0.0, float(np.average(y, weights=weights)))


def _scaled(strip: Strip, reduction: int, turned: bool) -> Strip:
    x, y = strip.start[0] * reduction, strip.start[1] * reduction
    start, direction = ((y, x), strip.direction[::-1]) if turned else ((x, y), strip.direction)
    return Strip(start, (direction[0], direction[1]), strip.length_px * reduction, strip.spacing_px * reduction, strip.strength)


def _distinct(strips: list[Strip], most: int) -> list[Strip]:
    """The first so many, without those that another, stronger one covers at the same spacing."""
    kept: list[Strip] = []
    for strip in strips:
        if len(kept) == most:
            break
        if not any(_same(strip, other) for other in kept):
            kept.append(strip)
    return kept


def _same(one: Strip, other: Strip) -> bool:
    if abs(one.spacing_px / other.spacing_px - 1) > 0.05 or abs(np.dot(one.direction, other.direction)) < 0.95:
        return False
    middle = np.array(one.start) + np.array(one.direction) * one.length_px / 2
    apart = middle - np.array(other.start)
    along = float(apart @ np.array(other.direction))
    across = abs(float(apart @ np.array([-other.direction[1], other.direction[0]])))
    return -0.1 * other.length_px < along < 1.1 * other.length_px and across < 4 * other.spacing_px + 40
