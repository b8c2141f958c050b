"""Regions for property tests: of every kind, with holes, several parts, corners that touch, at the edge of the image."""

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from annotations.region_masks import Mask, Pixels
from annotations.regions import Region, of_mask

WIDTH, HEIGHT = 640, 480
pixels = (
    st.tuples(st.integers(1, 12), st.integers(1, 12))
    .flatmap(lambda shape: arrays(np.bool_, shape))
    .filter(lambda found: found.any())
)


def _mask(found: Pixels, x: int, y: int) -> Mask:
    return Mask.of_pixels(found, min(x, WIDTH - found.shape[1]), min(y, HEIGHT - found.shape[0]))


masks = st.builds(_mask, pixels, st.integers(0, WIDTH), st.integers(0, HEIGHT))
eighths = st.integers(0, 8 * min(WIDTH, HEIGHT)).map(lambda number: number / 8)
doubles = st.floats(0, min(WIDTH, HEIGHT), allow_nan=False, allow_subnormal=False)


def drawn_lines(number: st.SearchStrategy[float]) -> st.SearchStrategy[Region]:
    """Lines of such numbers that a selector may say: each of two places at least, some of them ending where they began."""
    line = st.lists(st.tuples(number, number), min_size=2, max_size=8, unique=True)
    closed = line.map(lambda points: [*points, points[0]])
    return st.lists(line | closed, min_size=1, max_size=3).map(lambda lines: Region.of_line(*lines))


def regions(number: st.SearchStrategy[float]) -> st.SearchStrategy[Region]:
    """Regions of every kind whose coordinates are such numbers (masks have whole ones)."""
    point = st.tuples(number, number)
    boxes = (
        st.tuples(number, number, number, number)
        .filter(lambda box: box[0] != box[2] and box[1] != box[3])
        .map(lambda b: Region.of_box(min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3])))
    )
    ring = st.lists(point, min_size=3, max_size=9, unique=True)
    return st.one_of(
        point.map(lambda place: Region.of_point(*place)),
        st.lists(st.lists(point, min_size=2, max_size=9), min_size=1, max_size=3).map(lambda lines: Region.of_line(*lines)),
        boxes,
        st.lists(ring, min_size=1, max_size=4).map(Region.of_rings),
        masks.map(of_mask),
    )
