"""A vector of the image and of each of its segments, by which like ones are found: the same sheet photographed again, the
same printed label, the same stamp.

A picture is laid on a square of its own edge's colour; the network (`analytics/weights/embedding.md`) looks at it in its four
upright positions, and the mean of what it says has length 1. So a quarter turn changes nothing, and the cosine of the angle
between two vectors says how like they look. What has a vector of this network already is not looked at again.
"""

from collections.abc import Mapping
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.steps.component_net import load
from analytics.steps.image import Pixels, SheetImage
from analytics.steps.model import StepContext, StepResult, Unseen

SIDE_PX = 160  # of the square that the network sees
COPY_PX = 2 * SIDE_PX  # of the copy of the image
LARGEST_CROP_PX = 8 * SIDE_PX  # of a segment at full resolution; of a larger one a reduced copy is shown
DIMENSIONS = 256
PADDING = 0.04  # of a segment's longer side, at each side of its box
LEAST_SIDE_PX = 8  # of a segment: less shows nothing
MOST_LOOKED_AT = 300  # the largest first


def run(image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult:  # noqa: ARG001 - as every step
    """No findings: a vector for each of `context.unseen`, by its key."""
    wanted = sorted(context.unseen, key=_size, reverse=True)[:MOST_LOOKED_AT]
    vectors = {one.key: vector(picture) for one in wanted if (picture := _picture(image, one)) is not None}
    return StepResult((), vectors=vectors)


def vector(rgb: Pixels, session: Any = None) -> NDArray[np.float16]:
    """(DIMENSIONS,) of length 1 for a picture (H, W, 3), by the weights of the package or by a session of others."""
    (found,) = (session or _session()).run(None, {"turns": turns(rgb)})
    return np.asarray(found, np.float16)


def turns(rgb: Pixels) -> NDArray[np.float32]:
    """(4, 3, SIDE_PX, SIDE_PX) from 0 to 255: the picture in a square, in its four upright positions."""
    square = letterboxed(rgb)
    turned = np.stack([np.rot90(square, quarters) for quarters in range(4)]).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(turned, np.float32)


def letterboxed(rgb: Pixels) -> Pixels:
    """The picture with its longer side at SIDE_PX, in the middle of a square that has the median colour of its edge."""
    scale = SIDE_PX / max(rgb.shape[:2])
    height, width = (max(1, round(side * scale)) for side in rgb.shape[:2])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(rgb), (width, height), interpolation=how)
    edge = np.concatenate([small[0], small[-1], small[:, 0], small[:, -1]])
    square = np.empty((SIDE_PX, SIDE_PX, 3), np.uint8)
    square[:] = np.median(edge, axis=0)
    top, left = (SIDE_PX - height) // 2, (SIDE_PX - width) // 2
    square[top : top + height, left : left + width] = small
    return square


def weights() -> Path:
    """The file of weights in the package."""
    return Path(str(resources.files("analytics") / "weights" / "embedding.onnx"))


def _size(one: Unseen) -> float:
    """The image before all of its segments."""
    return float("inf") if one.box is None else one.box.width * one.box.height


def _picture(image: SheetImage, one: Unseen) -> Pixels | None:
    """The image, or the segment with a little of what is around it, no larger than is of use; None for one that is too small."""
    if one.box is None:
        return image.copy(COPY_PX).rgb
    box = one.box
    longer = max(box.width, box.height)
    if min(box.width, box.height) < LEAST_SIDE_PX:
        return None
    around = PADDING * longer
    corners = (box.x - around, box.y - around, box.x + box.width + around, box.y + box.height + around)
    if longer <= LARGEST_CROP_PX:
        return image.crop(*corners).rgb
    reduction = 2  # powers of two, so that large segments share their copies
    while longer > reduction * LARGEST_CROP_PX or reduction < image.least_reduction():
        reduction *= 2
    x0, y0, x1, y1 = (max(0, round(corner / reduction)) for corner in corners)
    return image.level(reduction).rgb[y0:y1, x0:x1]


@cache
def _session() -> Any:
    return load(weights())
