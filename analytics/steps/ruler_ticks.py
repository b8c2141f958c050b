"""From a strip that repeats to its graduation: the place of every mark to a fraction of a pixel, and the line through them."""

from dataclasses import dataclass, replace
from itertools import pairwise

import cv2
import numpy as np
from numpy.typing import NDArray
from scipy import signal

from analytics.steps.ruler_strips import Strip

Float = NDArray[np.float64]
FEWEST_MARKS = 8
MOST_MISSED = 3  # marks in a row that may be hidden before the graduation counts as ended
LARGEST_RESIDUAL = 0.11  # of the spacing
CLEAR_CHANGE = 4.0  # standard deviations
MOST_SLANT_DEG = 6.0  # of the edges in a strip against it
ROWS_TELL = 300  # of a cut: so many say how its edges lie
LEAST_SLANT = 30.0  # degrees times pixels of length, that are worth a second cut
FULLEST = 0.8  # share of the places between first and last where a mark must be seen


@dataclass(frozen=True, slots=True)
class Straight:
    """The strip cut out and laid level: (2 * half + 1, length) float32 grey; row `half` is the strip's own line."""

    grey: NDArray[np.float32]
    origin: tuple[float, float]
    direction: tuple[float, float]
    half: int

    def to_picture(self, along: float, row: float) -> tuple[float, float]:
        """Pixels of the whole picture, from a place in the strip."""
        (x0, y0), (dx, dy) = self.origin, self.direction
        across = row - self.half
        return x0 + along * dx - across * dy, y0 + along * dy + across * dx


@dataclass(frozen=True, slots=True)
class Graduation:
    """Marks at `offset + number * spacing_px` along a straightened strip, with the standard uncertainty of the spacing.

    `places` are the marks' centres, `numbers` count them; `rows` is the band of the strip in which all are seen;
    `lengths_px` says how far each mark reaches across the strip; `edges` whether marks are the borders of blocks.
    """

    straight: Straight
    spacing_px: float
    uncertainty_px: float
    offset: float
    numbers: NDArray[np.int64]
    places: Float
    lengths_px: Float
    rows: tuple[int, int]
    residual_px: float
    dark: bool
    edges: bool

    @property
    def marks(self) -> int:
        return len(self.numbers)

    @property
    def length_px(self) -> float:
        return float(self.places[-1] - self.places[0])

    @property
    def change(self) -> float:
        """By what share the spacing grows from the first mark to the last, as in perspective; 0 where that is not clear."""
        count = self.marks
        if count < FEWEST_MARKS:
            return 0.0
        middle, reach = (self.numbers[0] + self.numbers[-1]) / 2, float(np.ptp(self.numbers)) / 2
        unit = (self.numbers - middle) / reach
        shape = np.stack([np.ones(count), unit, unit**2], axis=1)
        solution, *_ = np.linalg.lstsq(shape, self.places, rcond=None)
        left = float(((self.places - shape @ solution) ** 2).sum()) / (count - 3)
        doubt = float(np.sqrt(max(left, 0.02**2) * np.linalg.inv(shape.T @ shape)[2, 2]))
        return float(4 * solution[2] / solution[1]) if abs(solution[2]) > CLEAR_CHANGE * doubt else 0.0


def straighten(grey: NDArray[np.uint8], strip: Strip) -> Straight:
    """Cut the strip out of (H, W) uint8, turned as most edges in it lie.

    It is longer at both ends, as it may go on there, and wide enough for its digits.
    """
    straight = _cut(grey, strip)
    slant = _slant(straight.grey)
    if abs(slant) * strip.length_px < LEAST_SLANT:
        return straight
    turn, direction = np.radians(slant), np.array(strip.direction)
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]) @ direction
    start = np.array(strip.start) + (direction - turned) * strip.length_px / 2
    return _cut(grey, replace(strip, start=(start[0], start[1]), direction=(turned[0], turned[1])))


def _cut(grey: NDArray[np.uint8], strip: Strip) -> Straight:
    more = max(0.35 * strip.length_px, 12 * strip.spacing_px)
    half = int(np.clip(13 * strip.spacing_px, 30, 0.12 * max(grey.shape)))
    (x, y), (dx, dy) = strip.start, strip.direction
    low, high = _inside(x, dx, grey.shape[1], y, dy, grey.shape[0], -more, strip.length_px + more)
    origin = (x + low * dx, y + low * dy)
    length = max(int(high - low), 2)
    matrix = np.array([[dx, -dy, origin[0] + half * dy], [dy, dx, origin[1] - half * dx]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(grey, matrix, (length, 2 * half + 1), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return Straight(cut.astype(np.float32), origin, strip.direction, half)


def _slant(cut: NDArray[np.float32]) -> float:
    """Degrees by which most edges of the cut lie off upright and level."""
    every = max(1, cut.shape[0] // ROWS_TELL)
    x, y = (np.ascontiguousarray(cv2.Sobel(cut, cv2.CV_32F, *order)[::every]) for order in ((1, 0), (0, 1)))
    size = cv2.magnitude(x, y)
    strong = size > np.percentile(size, 80)
    x, y, size = x[strong], y[strong], size[strong]
    off = (np.degrees(np.arctan2(y, x)) + 45) % 90 - 45
    near = np.abs(off) < MOST_SLANT_DEG
    if not near.any():
        return 0.0
    off, size = off[near], size[near]
    counts = np.bincount(((off + MOST_SLANT_DEG) * 4).astype(int), size, int(8 * MOST_SLANT_DEG))
    top = (float(np.convolve(counts, np.ones(3), "same").argmax()) + 0.5) / 4 - MOST_SLANT_DEG
    close = np.abs(off - top) < 0.8
    return float(np.average(off[close], weights=size[close])) if close.any() else 0.0


def graduations(straight: Straight, spacing_px: float) -> list[Graduation]:
    """The graduation of about that spacing, read as lines and read as borders of blocks; neither, one or both, best first."""
    rows = _rows(straight, spacing_px)
    if rows is None:
        return []
    both = (_read(straight, rows, spacing_px, edges=edges) for edges in (False, True))
    found = [graduation for graduation in both if graduation is not None]
    return sorted(found, key=lambda one: one.residual_px / one.spacing_px / np.sqrt(one.marks))


def _read(straight: Straight, rows: tuple[int, int], spacing: float, *, edges: bool) -> Graduation | None:
    profile = np.median(straight.grey[rows[0] : rows[1] + 1], axis=0).astype(float)
    level = cv2.blur(profile[np.newaxis], (max(3, int(2 * spacing) | 1), 1), borderType=cv2.BORDER_REPLICATE)[0]
    flat = profile - level
    dark = _skew(flat) < 0
    marked = np.abs(np.gradient(profile)) if edges else -flat if dark else flat
    marked = cv2.GaussianBlur(marked[np.newaxis], (0, 0), max(0.7, spacing / 14))[0]
    numbers, places = _walk(marked, spacing)
    if len(numbers) < (6 if edges else FEWEST_MARKS):
        return None
    keep = _inliers(numbers, places, spacing)
    numbers, places = numbers[keep], places[keep]
    if len(numbers) < (6 if edges else FEWEST_MARKS) or len(numbers) < FULLEST * (np.ptp(numbers) + 1):
        return None
    fitted, offset = np.polyfit(numbers, places, 1)
    residuals = places - (offset + fitted * numbers)
    sigma = float(np.sqrt((residuals**2).sum() / max(len(numbers) - 2, 1)))
    if sigma > LARGEST_RESIDUAL * fitted or abs(fitted / spacing - 1) > 0.08:
        return None
    spread = float(np.sqrt(((numbers - numbers.mean()) ** 2).sum()))
    lengths = np.zeros(len(places)) if edges else _lengths(straight, rows, places, float(fitted), dark)
    return Graduation(
        straight, float(fitted), max(sigma, 0.05) / spread, float(offset), numbers, places, lengths, rows, sigma, dark, edges
    )


def _rows(straight: Straight, spacing: float) -> tuple[int, int] | None:
    """The rows in which the marks of that spacing are clearest: where the shortest of them reach."""
    grey = straight.grey
    thick = max(3, int(spacing / 5) | 1)
    smooth = cv2.blur(grey, (1, thick))
    slopes = np.abs(np.diff(smooth, axis=1))
    slopes -= cv2.blur(slopes, (max(3, int(3 * spacing) | 1), 1))
    np.clip(slopes, -60, 60, out=slopes)
    turns = 2 * np.pi * np.arange(slopes.shape[1]) / spacing
    wave = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
    half = max(int(4 * spacing), 32)
    halves = [slopes[:, left : left + half] @ wave[left : left + half] for left in range(0, slopes.shape[1], half)]
    windows = [one + other for one, other in pairwise(halves[: max(2, slopes.shape[1] // half)])] or halves
    strength = np.asarray(sum(np.hypot(cosine, sine) for cosine, sine in (found.T for found in windows)), float)
    near = np.exp(-0.5 * ((np.arange(len(strength)) - straight.half) / (straight.half * 0.5)) ** 2)
    best = int((strength * near).argmax())
    if strength[best] <= 0:
        return None
    enough = strength > 0.6 * strength[best]
    top, bottom = best, best
    while top > 0 and enough[top - 1] and bottom - top < 3 * spacing:
        top -= 1
    while bottom < len(enough) - 1 and enough[bottom + 1] and bottom - top < 3 * spacing:
        bottom += 1
    return top, bottom


def _walk(marked: Float, spacing: float) -> tuple[NDArray[np.int64], Float]:
    """Numbers and places of the marks: from the best regular stretch outwards, each near where the last ones point."""
    peaks, _ = signal.find_peaks(marked, distance=max(1, int(0.45 * spacing)))
    if len(peaks) < 4:
        return np.zeros(0, np.int64), np.zeros(0)
    places = _sharpened(marked, peaks)
    heights = marked[peaks]
    start = _best_stretch(places, heights, spacing)
    clear = 0.25 * float(np.median(heights[start : start + 6]))
    use = heights > clear
    places, start = places[use], int(use[:start].sum())
    ahead = _follow(places, start, spacing, 1)
    behind = _follow(places, start, spacing, -1)
    both = dict(behind) | dict(ahead)
    numbers = np.array(sorted(both), np.int64)
    return numbers, np.array([both[number] for number in numbers.tolist()])


def _best_stretch(places: Float, heights: Float, spacing: float) -> int:
    """Index of the first of six peaks that lie most evenly at the spacing and stand out most."""
    if len(places) < 6:
        return 0
    steps = np.diff(places) / spacing
    uneven = np.abs(steps - 1)
    cost = np.convolve(uneven, np.ones(5), "valid")
    standing = np.median(np.lib.stride_tricks.sliding_window_view(heights, 6)[: len(cost)], axis=1)
    return int((cost - 0.6 * standing / max(float(np.percentile(heights, 95)), 1e-6)).argmin())


def _follow(places: Float, start: int, spacing: float, way: int) -> list[tuple[int, float]]:
    """(number, place) of the marks on one side of the start, itself included."""
    found = [(0, float(places[start]))]
    number, missed, step = 0, 0, spacing
    while missed <= MOST_MISSED:
        number += way
        base_number, base = found[-1]
        expected = base + (number - base_number) * step
        nearest = int(np.abs(places - expected).argmin())
        if abs(places[nearest] - expected) < 0.28 * spacing and abs(places[nearest] - base) > 0.5 * spacing:
            found.append((number, float(places[nearest])))
            missed = 0
            if len(found) >= 5:
                last = np.array(found[-16:])
                step = float(np.clip(np.polyfit(last[:, 0], last[:, 1], 1)[0], 0.95 * spacing, 1.05 * spacing))
        else:
            missed += 1
    return found


def _sharpened(marked: Float, peaks: NDArray[np.int64]) -> Float:
    """Peaks to a fraction of a pixel, by the parabola through three samples."""
    inner = np.clip(peaks, 1, len(marked) - 2)
    left, top, right = marked[inner - 1], marked[inner], marked[inner + 1]
    bend = left - 2 * top + right
    shift = np.where(bend < -1e-9, 0.5 * (left - right) / np.where(bend < -1e-9, bend, -1), 0)
    sharp: Float = inner + np.clip(shift, -0.5, 0.5)
    return sharp


def _inliers(numbers: NDArray[np.int64], places: Float, spacing: float) -> NDArray[np.bool_]:
    """Which marks lie near one gently bent line through most of them."""
    keep = np.ones(len(numbers), bool)
    for _ in range(4):
        if keep.sum() < 5:
            break
        bent = np.polyfit(numbers[keep], places[keep], 2 if keep.sum() > 12 else 1)
        off = np.abs(places - np.polyval(bent, numbers))
        limit = max(3 * 1.4826 * float(np.median(off[keep])), 0.05 * spacing)
        keep = off < limit
    return keep


def _lengths(straight: Straight, rows: tuple[int, int], places: Float, spacing: float, dark: bool) -> Float:
    """How far each mark reaches across the strip, in pixels."""
    middle = (rows[0] + rows[1]) // 2
    sign = 1.0 if dark else -1.0
    grey = straight.grey
    at = np.clip(np.round(places).astype(int), 1, grey.shape[1] - 2)
    mark = np.minimum.reduce([sign * grey[:, at - 1], sign * grey[:, at], sign * grey[:, at + 1]])
    aside = [np.clip(np.round(places + shift * spacing).astype(int), 0, grey.shape[1] - 1) for shift in (-0.5, 0.5)]
    between = np.minimum(sign * grey[:, aside[0]], sign * grey[:, aside[1]])
    depth = cv2.blur((between - mark).astype(np.float32), (1, 3))
    typical = np.median(depth[rows[0] : rows[1] + 1], axis=0)
    enough = depth > 0.4 * np.maximum(typical, np.median(typical) * 0.5)
    reach = int(min(12 * spacing, straight.half))
    lengths = np.zeros(len(places))
    for way in (-1, 1):
        steps = np.arange(1, reach)
        lines = np.clip(middle + way * steps, 0, grey.shape[0] - 1)
        gaps = ~enough[lines]
        two = gaps[:-1] & gaps[1:]  # one row of dust does not end a mark
        lengths += np.where(two.any(axis=0), two.argmax(axis=0), reach)
    return lengths


def _skew(values: Float) -> float:
    centred = values - values.mean()
    return float((centred**3).mean() / max((centred**2).mean() ** 1.5, 1e-9))


def _inside(x: float, dx: float, width: int, y: float, dy: float, height: int, low: float, high: float) -> tuple[float, float]:
    """The part of low..high for which the point x + t dx, y + t dy stays in the picture."""
    for place, step, size in ((x, dx, width), (y, dy, height)):
        if abs(step) > 1e-6:
            ends = sorted(((0 - place) / step, (size - 1 - place) / step))
            low, high = max(low, ends[0]), min(high, ends[1])
    return low, max(high, low + 2)
