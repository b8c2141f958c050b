"""Where in a photograph something repeats along a line, as the graduation of a ruler does.

The picture is looked at reduced to a few sizes, upright and turned to each angle at which many of its edges lie. Thin bands
are averaged into profiles; short windows of a profile whose edges return at a constant distance are put together into strips.
Nobody photographs more than 600 mm with a ruler of millimetres, so nothing finer than a 750th of the long side is looked for:
that saves most of the time on large pictures. Marks are then measured at full resolution.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]
SIDES_PX = (2400, 1200, 600, 300)  # long sides to which the picture is reduced
BAND_PX, WINDOW_PX = 8, 256  # at the reduction
SHORTEST_PX, LONGEST_PX = 3.2, 64.0  # distances looked for, at the reduction
REGULAR = 0.42  # least autocorrelation at the distance
LEAST_EDGE = 1.5  # grey levels per pixel, on average over a window
FEWEST_PERIODS = 7.0
ANGLE_SIDE_PX = 1000  # at which the angles of edges are counted
STEEP = 24.0  # grey levels per pixel, of edges that count
LEAST_TURN_DEG = 2.0  # nearer to upright than that, strips are followed as they are
MOST_ANGLES = 2
LEAST_SHARE = 0.06  # of the edges, that lie within a degree and a half of an angle looked at


@dataclass(frozen=True, slots=True)
class Strip:
    """Part of the picture along which edges repeat every `spacing_px`, in pixels of the whole picture.

    Points along it are (x, y) = start + t * direction for t from 0 to `length_px`; `direction` is a unit vector. `strength`
    adds up how regular its windows are.
    """

    start: tuple[float, float]
    direction: tuple[float, float]
    length_px: float
    spacing_px: float
    strength: float


def find(grey: NDArray[np.uint8], most: int = 28) -> list[Strip]:
    """The strongest strips of (H, W) uint8, at most so many; strongest first."""
    found: list[Strip] = []
    for picture, to_whole in _reduced(grey):
        for degrees in (0.0, *angles(grey)):
            turned, back = _turned(picture, degrees)
            for across in (False, True):
                seen = np.ascontiguousarray(turned.T) if across else turned
                found += [_moved(strip, back, to_whole, across=across) for strip in _along_x(seen.astype(np.float32))]
    found.sort(key=lambda strip: -strip.strength)
    return _distinct(found, most)


def angles(grey: NDArray[np.uint8]) -> list[float]:
    """Degrees, -45 to 45, at which so many edges of the picture lie that a ruler may: commonest first, none near 0."""
    scale = min(1.0, ANGLE_SIDE_PX / max(grey.shape))
    if scale * min(grey.shape) < 2:
        return []  # too narrow a picture to hold a direction
    small = cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else grey
    x, y = cv2.Sobel(small, cv2.CV_32F, 1, 0), cv2.Sobel(small, cv2.CV_32F, 0, 1)
    size = np.hypot(x, y)
    steep = size > 4 * STEEP
    if not steep.any():
        return []
    turn = (np.degrees(np.arctan2(y[steep], x[steep])) + 45) % 90
    counts = np.bincount((turn * 2).astype(int) % 180, np.minimum(size[steep], 400), 180)
    counts = np.convolve(np.concatenate([counts[-2:], counts, counts[:2]]), (1, 2, 3, 2, 1), "valid") / (9 * counts.sum())
    highest = np.max([np.roll(counts, shift) for shift in range(-6, 7)], axis=0)
    peaks = [index for index in np.argsort(-counts) if counts[index] >= max(highest[index], LEAST_SHARE / 5)]
    found = [float(index) / 2 + 0.25 - 45 for index in peaks]
    return [angle for angle in found if abs(angle) >= LEAST_TURN_DEG][:MOST_ANGLES]


def _reduced(grey: NDArray[np.uint8]) -> Iterator[tuple[NDArray[np.uint8], float]]:
    """The picture at each size, with the factor from its pixels to those of the whole."""
    longest, picture = max(grey.shape), grey
    sides = [longest, *(side for side in SIDES_PX if side < 0.75 * longest)] if longest <= 1.25 * SIDES_PX[0] else SIDES_PX
    for side in sides:
        factor = side / max(picture.shape)
        if min(1.0, factor) * min(picture.shape) < 2 * BAND_PX:
            return  # too narrow for a strip, at this size and all that follow
        if factor < 1:
            picture = np.asarray(cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_AREA), np.uint8)
        if max(picture.shape) >= WINDOW_PX:
            yield picture, longest / max(picture.shape)


def _turned(picture: NDArray[np.uint8], degrees: float) -> tuple[NDArray[np.uint8], Float]:
    """The whole picture turned so that what lay at that angle lies level, and the (2, 3) matrix back from its pixels."""
    if degrees == 0:
        return picture, np.eye(2, 3, dtype=np.float32)
    height, width = picture.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    reach = np.abs(turn[:, :2]) @ np.array([width, height])
    turn[:, 2] += reach / 2 - np.array([width, height]) / 2
    size = (int(np.ceil(reach[0])), int(np.ceil(reach[1])))
    grey = float(np.median(picture))
    seen = cv2.warpAffine(picture, turn, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=grey)
    return np.asarray(seen, np.uint8), np.asarray(cv2.invertAffineTransform(turn), np.float32)


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


def _moved(strip: Strip, back: Float, to_whole: float, *, across: bool) -> Strip:
    """The strip in pixels of the whole picture."""
    start, direction = (strip.start[::-1], strip.direction[::-1]) if across else (strip.start, strip.direction)
    placed = (back[:, :2] @ np.array(start) + back[:, 2]) * to_whole
    along = back[:, :2] @ np.array(direction)
    unit = along / np.hypot(*along)
    return Strip(
        (float(placed[0]), float(placed[1])),
        (float(unit[0]), float(unit[1])),
        strip.length_px * to_whole,
        strip.spacing_px * to_whole,
        strip.strength,
    )


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
