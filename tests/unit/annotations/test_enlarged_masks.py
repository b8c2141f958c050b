"""A mask on a larger canvas: pixel by pixel what its rings give there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations.region_frames import Frame
from annotations.region_masks import Mask, enlarged
from annotations.regions import of_mask
from tests.unit.annotations.region_strategies import HEIGHT, WIDTH, masks


@given(masks, st.integers(WIDTH, 3 * WIDTH), st.integers(HEIGHT, 3 * HEIGHT))
def test_enlarging_gives_the_pixels_that_its_rings_give(mask: Mask, width: int, height: int) -> None:
    by_rings = Frame.resized(WIDTH, HEIGHT, width, height).over(of_mask(mask)).raster()
    assert enlarged(mask, (WIDTH, HEIGHT), (width, height)) == by_rings


def test_a_smaller_canvas_is_refused() -> None:
    with pytest.raises(ValueError, match="no smaller"):
        enlarged(Mask(0, 0, 1, 1, b"\x80"), (10, 10), (9, 20))
