"""Real photographs as arrays, for tests of analyses."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from app.runtime.settings import Settings
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.image.masters.derivatives import rgb_of


def pixels_of(path: Path) -> NDArray[np.uint8]:
    """(height, width, 3) upright sRGB of an image file."""
    return rgb_of(path, DecodeLimits.of(Settings()))
