"""What a vector is to the rest of the system."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from iiif.image.request import PixelBox

IMAGE = "image"  # in the place of a segment's class
Values = NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Vector:
    """Of an image or a segment. `values` are half floats (dimensions,) of length 1; those of one `model` (`sha256:…` of the
    file of the network) can be compared, others cannot."""

    key: str
    media_key: str
    model: str
    values: Values
    run_key: str
    made_at: datetime


@dataclass(frozen=True, slots=True)
class Unseen:
    """What a network has not looked at yet: the image itself (`box` is None), or a segment in that version, in pixels of the
    upright image."""

    key: str
    version: int
    box: PixelBox | None
