"""What a picture should look like, made another way."""

import numpy as np
import pyvips
from numpy.typing import NDArray

from iiif.image.request import PixelBox


def cropped_and_scaled(full: NDArray[np.uint8], region: PixelBox, width: int, height: int) -> NDArray[np.uint8]:
    """What libvips makes of the full level: the region cut out to the pixel and then scaled."""
    cut = np.ascontiguousarray(full[region.y : region.y + region.height, region.x : region.x + region.width])
    image = pyvips.Image.new_from_array(cut, interpretation="srgb")
    made = image.resize(width / region.width, vscale=height / region.height, kernel="lanczos3")
    if (made.width, made.height) != (width, height):
        made = made.embed(0, 0, width, height, extend="copy")
    pixels: NDArray[np.uint8] = made.numpy()
    return pixels
