"""Masks as run lengths in the manner of COCO: down the columns, background first; plain counts, or the compressed string.

The string of a count is made of groups of five bits, lowest first, in the characters from 48 on; from the fourth count on
it holds the difference to the count two places before (cocoapi, common/maskApi.c, rleToString). Bytes equal pycocotools'.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from annotations.errors import AnnotationTooBig, BadSelector
from annotations.region_masks import MAX_PIXELS, Mask

MAX_RUNS = 20_000_000
MAX_RUN_CHARACTERS = 100_000_000


def counts(mask: Mask, width: int, height: int) -> list[int]:
    """The runs of the whole canvas of that size, background first; their sum is width * height.

    Raises ValueError where the mask reaches past the canvas.
    """
    if min(mask.x, mask.y) < 0 or mask.x + mask.width > width or mask.y + mask.height > height:
        raise ValueError(f"the mask reaches past the canvas of {width} by {height}")
    columns = np.zeros((mask.width, mask.height + 2), np.int8)
    columns[:, 1:-1] = mask.pixels().T
    steps = np.diff(columns, axis=1)
    first_of_column = (mask.x + np.arange(mask.width, dtype=np.int64))[:, np.newaxis] * height + mask.y
    rows = np.arange(mask.height + 1, dtype=np.int64)
    places = np.broadcast_to(first_of_column + rows, steps.shape)
    begins, ends = places[steps == 1], places[steps == -1]
    apart = begins[1:] != ends[:-1]  # a run goes on from the foot of one column to the head of the next
    begins, ends = begins[np.r_[True, apart]], ends[np.r_[apart, True]]
    borders = np.stack([begins, ends], axis=1).ravel()
    runs: list[int] = np.diff(borders, prepend=0).tolist()
    rest = width * height - int(borders[-1])
    return [*runs, rest] if rest else runs


def compressed(runs: Sequence[int]) -> str:
    """The counts as COCO's string."""
    text = bytearray()
    for place, run in enumerate(runs):
        left = run - runs[place - 2] if place > 2 else run
        more = True
        while more:
            group, left = left & 31, left >> 5
            more = left != (-1 if group & 16 else 0)
            text.append(group + 48 + (32 if more else 0))
    return text.decode("ascii")


def expanded(text: str) -> list[int]:
    """The counts of COCO's string. Raises BadSelector where it is none, AnnotationTooBig beyond MAX_RUN_CHARACTERS."""
    if len(text) > MAX_RUN_CHARACTERS:
        raise AnnotationTooBig(f"Run lengths may have up to {MAX_RUN_CHARACTERS:,} characters.", parameter="counts")
    runs: list[int] = []
    value = shift = 0
    for char in text:
        group = ord(char) - 48
        if not 0 <= group < 64 or shift > 60:
            raise BadSelector("The run lengths are not a COCO string.", parameter="counts")
        value |= (group & 31) << shift
        shift += 5
        if not group & 32:
            value -= (1 << shift) if group & 16 else 0
            runs.append(value + runs[-2] if len(runs) > 2 else value)
            value = shift = 0
    if shift:
        raise BadSelector("The run lengths end in the middle of a number.", parameter="counts")
    return runs


def mask_of(runs: str | Sequence[int], size: Sequence[int], width: int, height: int) -> Mask | None:
    """The mask of COCO's `counts` and `size` ([height, width]) on the canvas of that width and height; None where it is empty.

    Raises BadSelector where the size is not the canvas's, or the runs do not fill it; nothing is unpacked before.
    """
    if list(size) != [height, width]:
        said = "swapped" if list(size) == [width, height] else "another one"
        raise BadSelector(f"size must be [height, width] = [{height}, {width}]; {list(size)[:4]} is {said}.", parameter="size")
    if width * height > MAX_PIXELS:
        raise AnnotationTooBig(f"A mask may have up to {MAX_PIXELS:,} pixels in its box.", parameter="size")
    lengths = _checked(expanded(runs) if isinstance(runs, str) else list(runs), width * height)
    borders = np.cumsum(lengths)
    begins, ends = borders[0:-1:2], borders[1::2]
    kept = ends > begins
    return _filled(begins[kept], ends[kept], height) if kept.any() else None


def _checked(runs: list[int], pixels: int) -> NDArray[np.int64]:
    """The runs in pairs of background and foreground, checked to fill so many pixels."""
    if len(runs) > MAX_RUNS:
        raise AnnotationTooBig(f"A mask may have up to {MAX_RUNS:,} runs.", parameter="counts")
    if any(type(run) is not int or run < 0 for run in runs):
        raise BadSelector("Run lengths are whole numbers of 0 or more.", parameter="counts")
    if sum(runs) != pixels:
        raise BadSelector(f"The run lengths add up to {sum(runs):,} pixels, not to {pixels:,}.", parameter="counts")
    return np.array(runs if len(runs) % 2 == 0 else [*runs, 0], np.int64)


def _filled(begins: NDArray[np.int64], ends: NDArray[np.int64], height: int) -> Mask:
    """The mask of the runs [begin, end) down the columns, none of them empty. Only the columns in use take memory."""
    left, right = int(begins[0]) // height, (int(ends[-1]) - 1) // height + 1
    toggles = np.zeros((right - left) * height + 1, np.uint8)
    np.bitwise_xor.at(toggles, begins - left * height, 1)
    np.bitwise_xor.at(toggles, ends - left * height, 1)
    np.bitwise_xor.accumulate(toggles, out=toggles)
    pixels = toggles[:-1].reshape(right - left, height).T.view(np.bool_)
    return Mask.of_pixels(pixels, left, 0)
