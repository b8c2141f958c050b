"""Single things in what the network of components sees: one label, one stamp, each with its region and how sure it is.

Things of one class that touch each other are parted where a thin bridge joins them. All but stamps and objects are cards, so
their region is the smallest rectangle around them, at any angle.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.component_classes import BACKGROUND, COMPONENTS
from analytics.steps.component_net import Seen

Mask = NDArray[np.bool_]
SINGLE = ("label", "ruler", "chart", "barcode", "stamp", "packet", "object")
SMALLEST: Mapping[str, float] = {"barcode": 0.0008, "stamp": 0.0012, "object": 0.001}  # of the picture
SMALLEST_OTHER = 0.0015
LEAST_SHEET = 0.3  # of the picture
WHOLE = 0.72  # of its rectangle, filled: less may be two things
BRIDGES_PX = (2, 4, 6)  # on the network's map


@dataclass(frozen=True, slots=True)
class Instance:
    """`name` of its class; `corners` (4, 2) of its rectangle, x and y as fractions of the image's width and height; `score` the
    mean chance of its class in it; `fill` the share of the rectangle that is of the class."""

    name: str
    corners: NDArray[np.float64]
    score: float
    fill: float

    @property
    def box(self) -> tuple[float, float, float, float]:
        """x0, y0, x1, y1 around it, as fractions."""
        (x0, y0), (x1, y1) = np.clip(self.corners.min(axis=0), 0, 1), np.clip(self.corners.max(axis=0), 0, 1)
        return float(x0), float(y0), float(x1), float(y1)


def instances(seen: Seen) -> list[Instance]:
    """The sheet, if there is one, and every single thing, the surest first within its class."""
    likely = seen.components.argmax(axis=0)
    found = _sheet(likely)
    for name in SINGLE:
        number = COMPONENTS.index(name)
        mask = cv2.morphologyEx((likely == number).astype(np.uint8), cv2.MORPH_CLOSE, np.ones((3, 3), np.uint8)) > 0
        least = SMALLEST.get(name, SMALLEST_OTHER) * mask.size
        own = [_instance(name, part, seen.components[number]) for part in _pieces(mask, least)]
        found += sorted(own, key=lambda one: -one.score)
    return found


def _sheet(likely: NDArray[np.int64]) -> list[Instance]:
    """Paper and all that lies on it."""
    paper = likely == COMPONENTS.index("sheet")
    if paper.mean() < LEAST_SHEET / 3:
        return []
    pieces = _pieces(cv2.morphologyEx((likely != BACKGROUND).astype(np.uint8), cv2.MORPH_OPEN, np.ones((5, 5), np.uint8)) > 0, 1)
    largest = max(pieces, key=lambda piece: int(piece.sum()), default=None)
    if largest is None or largest.mean() < LEAST_SHEET or not (largest & paper).any():
        return []
    rows, columns = np.nonzero(paper & largest)
    height, width = likely.shape
    x0, x1 = np.quantile(columns, (0.002, 0.998))
    y0, y1 = np.quantile(rows, (0.002, 0.998))
    corners = np.array([[x0, y0], [x1 + 1, y0], [x1 + 1, y1 + 1], [x0, y1 + 1]]) / (width, height)
    share = float((likely[int(y0) : int(y1) + 1, int(x0) : int(x1) + 1] != BACKGROUND).mean())
    return [Instance("sheet", corners, share, share)]


def _pieces(mask: Mask, least: float) -> list[Mask]:
    """Connected pieces of that many pixels, parted at thin bridges where they fill their rectangle badly."""
    count, numbers = cv2.connectedComponents(mask.astype(np.uint8), connectivity=4)
    whole = [numbers == number for number in range(1, count)]
    return [part for piece in whole if piece.sum() >= least for part in _parted(piece, least)]


def _parted(piece: Mask, least: float) -> list[Mask]:
    if _rectangle(piece)[1] >= WHOLE:
        return [piece]
    for bridge in BRIDGES_PX:
        cores = cv2.erode(piece.astype(np.uint8), np.ones((bridge + 1, bridge + 1), np.uint8))
        count, numbers, stats, _ = cv2.connectedComponentsWithStats(cores, connectivity=4)
        large = [number for number in range(1, count) if stats[number, cv2.CC_STAT_AREA] >= least / 2]
        if len(large) > 1:
            near = np.stack([cv2.distanceTransform((numbers != number).astype(np.uint8), cv2.DIST_L2, 3) for number in large])
            nearest = near.argmin(axis=0)
            return [piece & (nearest == place) for place in range(len(large))]
    return [piece]


def _rectangle(piece: Mask) -> tuple[NDArray[np.float64], float]:
    """The corners of the smallest rectangle around the pixels, (4, 2), and the share of it that they fill."""
    rows, columns = np.nonzero(piece)
    points = np.concatenate([np.stack([columns + a, rows + b], 1) for a in (0, 1) for b in (0, 1)]).astype(np.float32)
    rectangle = cv2.minAreaRect(points)
    upright = np.array([[columns.min(), rows.min()], [columns.max() + 1, rows.max() + 1]])
    area, upright_area = float(np.prod(rectangle[1])), float(np.prod(upright[1] - upright[0]))
    if area >= 0.93 * upright_area:  # its angle is the pixels', not the thing's
        (x0, y0), (x1, y1) = upright.tolist()
        return np.array([[x0, y0], [x1, y0], [x1, y1], [x0, y1]], float), float(piece.sum() / upright_area)
    return np.asarray(cv2.boxPoints(rectangle), np.float64), float(piece.sum() / max(area, 1.0))


def _instance(name: str, piece: Mask, chance: NDArray[np.float32]) -> Instance:
    corners, fill = _rectangle(piece)
    height, width = piece.shape
    return Instance(name, corners / (width, height), float(chance[piece].mean()), fill)
