"""Pixels of pictures, against libvips working on the pyramid's own pixels."""

import io
import math
import random

import numpy as np
import pytest
import pyvips
from PIL import Image

from app.runtime.context import Runtime
from iiif.image import render
from iiif.image.pyramid import Pyramid
from iiif.image.request import Box, Geometry, ImageRequest, Limits
from tests.unit.iiif.image.pictures import derived, drawn, file_of, psnr

WIDTH, HEIGHT = 2100, 1500
LIMITS = Limits(16_000, 36_000_000)


@pytest.fixture
def sheet(runtime: Runtime) -> tuple[Pyramid, np.ndarray]:
    """A pyramid and its full level as any TIFF reader sees it."""
    media = derived(runtime, file_of(drawn(WIDTH, HEIGHT), "PNG"))
    path = runtime.blobs.path(media.pyramid_sha256)
    return Pyramid(path), pyvips.Image.tiffload(str(path)).numpy()[:HEIGHT, :WIDTH]


def _geometry(path: str) -> Geometry:
    region, size, rotation, last = path.split("/")
    return ImageRequest.parse(3, region, size, rotation, *last.split(".")).resolve(WIDTH, HEIGHT, LIMITS)


def _picture(pyramid: Pyramid, path: str) -> Image.Image:
    return Image.open(io.BytesIO(render.render(pyramid, _geometry(path))))


def test_any_region_at_full_size_is_exactly_there(sheet: tuple[Pyramid, np.ndarray]) -> None:
    pyramid, full = sheet
    chance = random.Random(7)
    for _ in range(20):
        x, y = chance.randrange(WIDTH - 1), chance.randrange(HEIGHT - 1)
        width, height = chance.randint(1, WIDTH - x), chance.randint(1, HEIGHT - y)
        pixels = render.scaled(pyramid, Box(x, y, width, height), width, height)
        assert psnr(pixels, full[y : y + height, x : x + width]) >= 38


def test_any_region_at_any_smaller_size_is_scaled_from_its_level(runtime: Runtime) -> None:
    """Regions here begin on a pixel of each level used; others are moved by up to half a pixel of their level."""
    media = derived(runtime, file_of(drawn(WIDTH, HEIGHT), "PNG"))
    path = runtime.blobs.path(media.pyramid_sha256)
    levels = [pyvips.Image.tiffload(str(path), page=page).copy_memory() for page in range(4)]
    pyramid, chance = Pyramid(path), random.Random(8)
    for _ in range(30):
        x, y = chance.randrange(0, WIDTH - 200, 4), chance.randrange(0, HEIGHT - 200, 4)
        width, height = chance.randrange(148, WIDTH - x, 4), chance.randrange(148, HEIGHT - y, 4)
        shrink = chance.uniform(1, 6)
        out_width, out_height = max(1, round(width / shrink)), max(1, round(height / shrink))
        level = min(2, int(math.log2(min(width / out_width, height / out_height))))
        scale = 1 << level
        crop = levels[level].crop(x // scale, y // scale, width // scale, height // scale)
        truth = crop.thumbnail_image(out_width, height=out_height, size="force").numpy()
        assert psnr(render.scaled(pyramid, Box(x, y, width, height), out_width, out_height), truth) >= 38


@pytest.mark.parametrize(("rotation", "quarter_turns"), [("90", -1), ("180", 2), ("270", 1)])
def test_quarter_turns_are_clockwise(sheet: tuple[Pyramid, np.ndarray], rotation: str, quarter_turns: int) -> None:
    pyramid, _ = sheet
    plain = np.asarray(_picture(pyramid, "10,20,700,300/max/0/default.png"))
    assert np.array_equal(
        np.asarray(_picture(pyramid, f"10,20,700,300/max/{rotation}/default.png")), np.rot90(plain, quarter_turns)
    )
    mirrored = np.rot90(plain[:, ::-1], quarter_turns)
    assert np.array_equal(np.asarray(_picture(pyramid, f"10,20,700,300/max/!{rotation}/default.png")), mirrored)


def test_other_turns_grow_the_picture_and_leave_its_corners_empty(sheet: tuple[Pyramid, np.ndarray]) -> None:
    pyramid, _ = sheet
    turned = _picture(pyramid, "0,0,400,400/max/45/default.png")
    assert turned.size == pytest.approx((566, 566), abs=2)
    assert turned.mode == "RGBA"
    assert np.asarray(turned)[0, 0, 3] == 0
    assert np.asarray(turned)[283, 283, 3] == 255
    on_white = np.asarray(_picture(pyramid, "0,0,400,400/max/45/default.jpg"))
    assert on_white[0, 0].min() > 240


def test_qualities(sheet: tuple[Pyramid, np.ndarray]) -> None:
    pyramid, full = sheet
    colour = full[100:400, 100:500].astype(float)
    grey = np.asarray(_picture(pyramid, "100,100,400,300/max/0/gray.png"))
    assert grey.ndim == 2
    assert np.abs(grey - colour @ [0.299, 0.587, 0.114]).max() < 3
    for format_ in ("png", "jpg", "tif", "gif", "webp"):
        bitonal = np.asarray(_picture(pyramid, f"100,100,400,300/max/0/bitonal.{format_}").convert("L"))
        assert bitonal.shape == (300, 400)
        assert ((bitonal < 80) | (bitonal > 175)).mean() > 0.97


@pytest.mark.parametrize(
    ("format_", "name"), [("jpg", "JPEG"), ("png", "PNG"), ("webp", "WEBP"), ("tif", "TIFF"), ("gif", "GIF"), ("avif", "AVIF")]
)
def test_each_format_is_what_it_says(sheet: tuple[Pyramid, np.ndarray], format_: str, name: str) -> None:
    picture = _picture(
        sheet[0], f"full/^!2200,1600/0/default.{format_}" if format_ == "jpg" else f"full/300,/22.5/color.{format_}"
    )
    assert picture.format == name
    assert min(picture.size) > 100


def test_a_single_pixel_may_be_asked_for_and_blown_up(sheet: tuple[Pyramid, np.ndarray]) -> None:
    pyramid, full = sheet
    pixels = np.asarray(_picture(pyramid, "2099,1499,1,1/^40,40/0/default.png"))
    assert np.abs(pixels.astype(int) - full[1499, 2099]).max() <= 12
    assert _picture(pyramid, "2099,0,1,1500/1,1/0/default.png").size == (1, 1)
