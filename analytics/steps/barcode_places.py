"""Where codes may be: places with many edges, all one way (bars, at any angle) or every way (the squares of a matrix).

Found on a reduced copy by the structure tensor of its brightness (Bigün and Granlund 1987), so that only small crops are read
closely, turned until their bars stand upright.
"""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.image import SheetImage

LONG_SIDE_PX = 2400
COARSER = 2  # the slopes are gathered at half of that size
WINDOW_PX = 9  # of the coarser picture: a few bars and a few squares lie in it
LEAST_EDGE = 14.0  # grey levels a pixel of the copy, root mean square over the window
ALL_ONE_WAY, EVERY_WAY = 0.8, 0.55  # coherence of bars, above; of a matrix, below
LEAST_SIDE_PX = 5
FILLED = 0.55  # of its smallest rectangle: bars and matrices are rectangles, plants and lines of text are not
SQUARE = 1.7  # the longer side of a matrix, over its shorter
GAP_PX = 5  # between bars that belong together
MOST_PLACES = 20  # of each kind, those with the strongest edges


@dataclass(frozen=True, slots=True)
class CodePlace:
    """A place in pixels of the image: its middle, the sides of its box, and by how many degrees its bars are turned from upright,
    counter-clockwise; `matrix`: its edges run every way."""

    x: float
    y: float
    width: float
    height: float
    turned: float
    matrix: bool


def places(image: SheetImage) -> list[CodePlace]:
    """Where bars and matrices may be, those with the strongest edges first."""
    copy = image.copy(LONG_SIDE_PX)
    slopes = _tensor(copy.grey)
    energy = slopes[0] + slopes[1]
    coherence = np.hypot(slopes[0] - slopes[1], 2 * slopes[2]) / np.maximum(energy, 1e-6)
    strong = energy > LEAST_EDGE**2
    wide, high = copy.shape[1] / energy.shape[1] * copy.wide, copy.shape[0] / energy.shape[0] * copy.high
    found: list[CodePlace] = []
    for matrix, mask in ((False, strong & (coherence > ALL_ONE_WAY)), (True, strong & (coherence < EVERY_WAY))):
        ranked = []
        for (x, y, width, height), piece in _pieces(mask, matrix):
            inside = piece & mask[y : y + height, x : x + width]
            means = [float(part[y : y + height, x : x + width][inside].mean()) for part in (*slopes, energy)]
            turned = 0.5 * math.degrees(math.atan2(2 * means[2], means[0] - means[1]))
            place = CodePlace((x + width / 2) * wide, (y + height / 2) * high, width * wide, height * high, turned, matrix)
            ranked.append((means[3] * math.sqrt(float(inside.sum())), place))
        found += [place for _, place in sorted(ranked, key=lambda one: -one[0])[:MOST_PLACES]]
    return found


def _tensor(grey: NDArray[np.uint8]) -> tuple[NDArray[np.float32], ...]:
    """Means over the window of the products of the slopes: along x, along y, and of both; at the coarser size."""
    dx, dy = (cv2.Scharr(grey, cv2.CV_32F, *order, scale=1 / 32) for order in ((1, 0), (0, 1)))
    size = (max(1, grey.shape[1] // COARSER), max(1, grey.shape[0] // COARSER))
    parts = (cv2.resize(part, size, interpolation=cv2.INTER_AREA) for part in (dx * dx, dy * dy, dx * dy))
    return tuple(np.asarray(cv2.boxFilter(part, -1, (WINDOW_PX, WINDOW_PX)), np.float32) for part in parts)


def _pieces(mask: NDArray[np.bool_], matrix: bool) -> list[tuple[tuple[int, int, int, int], NDArray[np.bool_]]]:
    """Boxes (x, y, width, height) of what hangs together when gaps are closed, and is a rectangle, with the piece inside each."""
    kernel = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (GAP_PX, GAP_PX))
    closed = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_CLOSE, kernel)
    count, labels, stats, _ = cv2.connectedComponentsWithStats(closed)
    found = []
    for number in range(1, count):
        x, y, width, height, area = (int(value) for value in stats[number])
        if min(width, height) < LEAST_SIDE_PX or area < 4 * LEAST_SIDE_PX**2:
            continue
        piece = labels[y : y + height, x : x + width] == number
        _, sides, _ = cv2.minAreaRect(np.argwhere(piece)[:, ::-1].astype(np.float32))
        if area < FILLED * sides[0] * sides[1] or (matrix and max(sides) > SQUARE * min(sides)):
            continue
        found.append(((x, y, width, height), piece))
    return found
