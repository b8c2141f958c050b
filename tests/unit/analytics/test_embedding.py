"""Vectors by the network of the package: what must be like, and what must not."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import embedding
from analytics.steps.image import PixelSource, SheetImage
from analytics.steps.model import StepContext, Unseen
from analytics.synth import scenes
from iiif.image.request import PixelBox

Pixels = NDArray[np.uint8]


def _like(one: Pixels, other: Pixels) -> float:
    return float(embedding.vector(one).astype(float) @ embedding.vector(other).astype(float))


@pytest.fixture(scope="module")
def drawn() -> list[Pixels]:
    return [scenes.draw(seed)[0] for seed in range(5)]


def test_a_copy_is_nearer_to_its_original_than_to_anything_else(drawn: list[Pixels]) -> None:
    originals = np.stack([embedding.vector(one) for one in drawn]).astype(float)
    for number, rgb in enumerate(drawn):
        high, wide = rgb.shape[:2]
        copy = np.clip(np.rot90(rgb, 3)[wide // 12 :, high // 12 :] * 0.8, 0, 255).astype(np.uint8)
        small = cv2.resize(copy, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
        squeezed = cv2.imdecode(cv2.imencode(".jpg", small, [cv2.IMWRITE_JPEG_QUALITY, 40])[1], cv2.IMREAD_COLOR)
        assert int((originals @ embedding.vector(np.asarray(squeezed, np.uint8)).astype(float)).argmax()) == number


def test_a_vector_has_length_1_and_a_quarter_turn_changes_nothing(drawn: list[Pixels]) -> None:
    upright = embedding.vector(drawn[0])
    assert (upright.dtype, upright.shape) == (np.float16, (embedding.DIMENSIONS,))
    assert float(np.linalg.norm(upright.astype(float))) == pytest.approx(1, abs=2e-3)
    for quarters in (1, 2, 3):
        assert _like(np.ascontiguousarray(np.rot90(drawn[0], quarters)), drawn[0]) > 0.999


@pytest.mark.parametrize("shape", [(1, 1), (3, 900), (900, 2), (224, 224)])
def test_any_picture_fits_the_square_whole(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 90, np.uint8)
    square = embedding.letterboxed(rgb)
    assert square.shape == (embedding.SIDE_PX, embedding.SIDE_PX, 3)
    assert (square == 90).all()


class Wide:
    """An image of 400 megapixels that lies nowhere: grey, but for one segment."""

    width_px = height_px = 20_000

    def read(self, x0: int, y0: int, x1: int, y1: int) -> Pixels:
        assert (x1 - x0) * (y1 - y0) <= 40_000_000, "no more than a part of it is ever asked for"
        return np.full((y1 - y0, x1 - x0, 3), 128, np.uint8)


def test_the_image_and_its_segments_are_looked_at_whatever_their_size() -> None:
    source: PixelSource = Wide()
    boxes = {
        "m1": None,
        "small": PixelBox(19_000, 19_000, 900, 400),
        "large": PixelBox(10, 10, 19_000, 4_000),
        "corner": PixelBox(19_990, 19_990, 10, 10),
        "speck": PixelBox(5, 5, 3, 400),
    }
    unseen = tuple(Unseen(key, 1, box) for key, box in boxes.items())
    result = embedding.run(SheetImage(source), {}, StepContext(unseen=unseen))
    assert result.vectors is not None
    assert set(result.vectors) == {"m1", "small", "large", "corner"}
    assert result.findings == ()
    assert embedding.run(SheetImage(source), {}, StepContext()).vectors == {}
