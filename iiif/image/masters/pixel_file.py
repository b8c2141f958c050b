"""Decoded pixels in a file of ours, read in parts, so that a large image takes no memory but for what is looked at."""

import os
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from iiif.image.errors import RejectedImage

MOST_READ_BYTES = 1_000_000_000  # by one call of the system, which takes no more than two


class PixelFile:
    """Upright sRGB pixels, uint8, row by row, of an image with that size. Threads may read at once."""

    def __init__(self, file: BinaryIO, width_px: int, height_px: int) -> None:
        self._file, self.width_px, self.height_px = file, width_px, height_px

    def read(self, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.uint8]:
        """(y1 - y0, x1 - x0, 3): these columns and rows, in memory of their own.

        Raises:
            RejectedImage: the file is shorter than the image, as a decoder that was taken over could leave it.
        """
        pixels = np.empty((y1 - y0, x1 - x0, 3), np.uint8)
        if x1 - x0 == self.width_px:
            self._fill(pixels.reshape(-1).data, y0 * self.width_px)
        else:
            for row in range(y0, y1):
                self._fill(pixels[row - y0].reshape(-1).data, row * self.width_px + x0)
        return pixels

    def _fill(self, target: memoryview, first_px: int) -> None:
        done = 0
        while done < len(target):
            count = os.preadv(self._file.fileno(), [target[done : done + MOST_READ_BYTES]], 3 * first_px + done)
            if count <= 0:
                raise RejectedImage("decoder-died", "The decoder gave fewer pixels than it announced.")
            done += count
