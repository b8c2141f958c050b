"""The image as steps get it: copies in a known frame, crops, bounded memory, and detections that are made once."""

import threading
import time
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from analytics.steps import barcode
from analytics.steps import image as images
from analytics.steps.deadline import DeadlinePassed, deadline
from analytics.steps.image import InMemory, SheetImage, TooManyPixels
from app.runtime.settings import Settings
from iiif.image.service import DecodeLimits, pixels_of_file, rgb_of


class Counted(InMemory):
    """Keeps how many pixels were read at most at once."""

    most_px = 0

    def read(self, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.uint8]:
        self.most_px = max(self.most_px, (x1 - x0) * (y1 - y0))
        return super().read(x0, y0, x1, y1).copy()


def _dots(width: int, height: int) -> NDArray[np.uint8]:
    """White, with a dark square of 9 pixels around the middle of each quarter."""
    rgb = np.full((height, width, 3), 255, np.uint8)
    for x in (width // 4, 3 * width // 4):
        for y in (height // 4, 3 * height // 4):
            rgb[y - 4 : y + 5, x - 4 : x + 5] = 0
    return rgb


@settings(max_examples=40, deadline=None)
@given(width=st.integers(60, 400), height=st.integers(60, 400), long_side=st.integers(30, 120), most=st.integers(14_400, 60_000))
def test_a_place_on_a_copy_is_that_place_of_the_image(width: int, height: int, long_side: int, most: int) -> None:
    rgb = _dots(width, height)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(images, "MOST_HELD_PX", most)
        copy = SheetImage(rgb).copy(long_side)
    dark = 255.0 - copy.grey
    rows, columns = np.mgrid[0 : copy.shape[0], 0 : copy.shape[1]] + 0.5
    middle = copy.to_image(np.array([[np.average(columns, weights=dark), np.average(rows, weights=dark)]]))[0]
    dark = 255.0 - rgb[..., 0]
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    off = np.abs(middle - (np.average(columns, weights=dark), np.average(rows, weights=dark))) / (copy.wide, copy.high)
    assert off.max() < 0.15  # of a pixel of the copy, whose grey is in whole numbers
    assert np.allclose(copy.to_copy(copy.to_image(np.array([[3.0, 4.0]]))), [[3.0, 4.0]])


def test_no_more_than_a_band_of_a_large_image_is_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_HELD_PX", 100_000)
    monkeypatch.setattr(images, "BAND_PX", 20_000)
    source = Counted(np.random.default_rng(1).integers(0, 255, (1000, 900, 3), np.uint8))
    image = SheetImage(source)
    assert image.least_reduction() == 3
    whole = cv2.resize(source._rgb[:999], (300, 333), interpolation=cv2.INTER_AREA)
    assert np.array_equal(image.level(3).rgb, whole)
    assert image.copy(200).shape == (200, 180)
    assert source.most_px <= 20_000
    for ask in (lambda: image.level(1), lambda: image.copy(990), lambda: image.crop(0, 0, 900, 500)):
        with pytest.raises(TooManyPixels, match="may be held"):
            ask()
    assert sum(tile.rgb.size for tile in image.tiles(250)) == source._rgb.size


def test_no_copy_is_enlarged_also_where_the_next_level_has_fewer_pixels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MOST_HELD_PX", 32_000)
    image = SheetImage(_dots(190, 190))
    assert image.copy(100).shape == (95, 95)
    assert image.copy(100).wide == 2
    assert image.copy(90).shape == (90, 90)
    with pytest.raises(TooManyPixels):
        image.copy(185)


def test_copies_are_made_once_and_the_oldest_are_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    image = SheetImage(Counted(_dots(400, 300)))
    assert image.copy(200) is image.copy(200)
    first = image.copy(200)
    monkeypatch.setattr(images, "KEPT_BYTES", 200_000)
    image.copy(190)
    image.copy(180)
    assert image.copy(200) is not first
    assert sum(copy.most_bytes for copy in image._copies.values()) <= 200_000


def test_a_crop_holds_the_whole_pixels_of_its_box_and_nothing_beyond_the_image() -> None:
    rgb = _dots(80, 60)
    tile = SheetImage(rgb).crop(-5, 10.5, 20.2, 100)
    assert (tile.x, tile.y) == (0, 10)
    assert np.array_equal(tile.rgb, rgb[10:, :21])
    assert SheetImage(rgb).crop(90, 0, 100, 10).rgb.size == 0
    read = SheetImage(rgb)
    for pixels in (read.level(1).rgb, read.crop(0, 0, 9, 9).rgb, SheetImage(rgb).crop(0, 0, 9, 9).rgb):
        with pytest.raises(ValueError, match="read-only"):
            pixels[0, 0] = 0
    rgb[0, 0] = 0  # who made the array still may


def test_a_detection_is_computed_once_also_where_it_fails() -> None:
    calls = []

    def detect(image: SheetImage) -> int:
        calls.append(image)
        return 7

    def fail(image: SheetImage) -> int:
        calls.append(image)
        raise OSError("no model")

    image = SheetImage(_dots(80, 60))
    assert (image.once("seven", detect), image.once("seven", detect), len(calls)) == (7, 7, 1)
    for _ in range(2):
        with pytest.raises(OSError, match="no model"):
            image.once("nothing", fail)
    assert len(calls) == 2
    assert set(image.shared_seconds) == {"seven", "nothing"}


def test_a_file_of_pixels_gives_the_same_as_the_whole(tmp_path: Path) -> None:
    rgb = np.random.default_rng(2).integers(0, 255, (90, 130, 3), np.uint8)
    path = tmp_path / "noise.png"
    cv2.imwrite(str(path), rgb[..., ::-1])
    limits = DecodeLimits.of(Settings())
    with pixels_of_file(path, limits) as pixels:
        image = SheetImage(pixels)
        assert np.array_equal(image.crop(7, 5, 90, 61).rgb, rgb[5:61, 7:90])
        assert np.array_equal(image.level(1).rgb, rgb_of(path, limits))


def test_a_step_is_interrupted_at_its_deadline_and_not_after_it() -> None:
    started = time.monotonic()

    def busy() -> None:
        while time.monotonic() - started < 20:
            pass

    with pytest.raises(DeadlinePassed), deadline(0.1):
        busy()
    assert time.monotonic() - started < 10
    for _ in range(200):  # around the very moment at which it ends
        try:
            with deadline(0.001):
                time.sleep(0.001)
        except DeadlinePassed:
            pass
        sum(range(100))
    assert threading.active_count() < 50


def test_the_tiles_in_which_codes_are_looked_for_may_be_held() -> None:
    assert barcode.TILE_PX**2 <= images.MOST_HELD_PX
