"""Photographs as they are learned from and measured on: reduced, and parts of them."""

from pathlib import Path

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from analytics.training.errors import BadPlan

LONG_SIDE_PX = 1200


def read(path: Path, *, reduce: bool = True) -> NDArray[np.uint8]:
    """As stored, whatever its EXIF orientation; reduced to LONG_SIDE_PX. BadPlan where it is not there."""
    stored = cv2.imread(str(path), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION)
    if stored is None:
        raise BadPlan(f"{path} cannot be read.")
    scale = min(1.0, LONG_SIDE_PX / max(stored.shape)) if reduce else 1.0
    size = (round(stored.shape[1] * scale), round(stored.shape[0] * scale))
    return np.asarray(cv2.cvtColor(cv2.resize(stored, size, interpolation=cv2.INTER_AREA), cv2.COLOR_BGR2RGB), np.uint8)


def crop(rgb: NDArray[np.uint8], random: Generator) -> NDArray[np.uint8]:
    """A part of it, from an eighth of its sides to all, of any shape."""
    height, width = rgb.shape[:2]
    share = float(np.exp(random.uniform(np.log(0.12), 0.0)))
    across = float(np.clip(share * np.exp(random.normal(0, 0.4)), 0.1, 1.0))
    high, wide = max(16, round(height * share)), max(16, round(width * across))
    y, x = int(random.integers(max(1, height - high))), int(random.integers(max(1, width - wide)))
    return rgb[y : y + high, x : x + wide]
