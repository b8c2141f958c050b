"""Whether an answer is right: decoded, of the size asked for, and like the same part of the master, made by libvips."""

import json
import math
import re

import numpy as np
import pyvips
from numpy.typing import NDArray

PATH = re.compile(r"(?:full|(\d+),(\d+),(\d+),(\d+))/(\d+),(\d+)/0/default\.jpg")
LEAST_DB = 35.0
LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)


class Wrong(Exception):
    """An answer that is not the picture asked for."""


def check(master: pyvips.Image, path: str, body: bytes) -> float:
    """PSNR in dB beside the reference (infinite for documents). Raises Wrong."""
    match = PATH.fullmatch(path)
    if match is None:
        if json.loads(body)["width"] != master.width:
            raise Wrong(f"{path}: another width")
        return math.inf
    try:
        answered = pyvips.Image.new_from_buffer(body, "").numpy()
    except pyvips.Error as error:
        raise Wrong(f"{path}: {len(body)} bytes that cannot be decoded") from error
    width, height = int(match[5]), int(match[6])
    if answered.shape != (height, width, 3):
        raise Wrong(f"{path}: {answered.shape[1]} × {answered.shape[0]} pixels")
    region = [int(number) for number in match.groups()[:4]] if match[1] else [0, 0, master.width, master.height]
    return psnr(answered, reference(master, region, width, height))


def reference(master: pyvips.Image, region: list[int], width: int, height: int) -> NDArray[np.uint8]:
    """Halved as often as can be, as every pyramid is, then scaled by a Lanczos window."""
    part = master.crop(*region)
    while part.width >= 2 * width and part.height >= 2 * height:
        part = part.shrink(2, 2)
    if (part.width, part.height) != (width, height):
        part = part.resize(width / part.width, vscale=height / part.height, kernel="lanczos3")
    pixels: NDArray[np.uint8] = part.numpy()[:height, :width]
    return pixels


def psnr(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of the luminance, in dB: colours at half the resolution, as all send them, do not count."""
    error = float(np.mean(((one.astype(np.float32) - other) @ LUMINANCE) ** 2))
    return math.inf if error == 0 else 10 * math.log10(255**2 / error)
