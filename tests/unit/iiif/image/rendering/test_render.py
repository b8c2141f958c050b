"""Pixels of pictures, against libvips working on the pyramid's own pixels."""

import io
import random
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from analytics.synth import sheet as sheet_module
from iiif.image.masters import pyramid_writer
from iiif.image.pyramid import jpeg
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import partial_decode, render
from iiif.image.request import Geometry, ImageRequest, PixelBox, Rotation, SizeLimits
from tests.bench import truth
from tests.unit.iiif.image.pictures import drawn, psnr, stored_level
from tests.unit.iiif.image.reference import cropped_and_scaled

WIDTH, HEIGHT = 2100, 1500
LIMITS = SizeLimits(16_000, 36_000_000)


def _derivative(pixels: np.ndarray, folder: Path) -> tuple[Pyramid, np.ndarray]:
    """A pyramid and its full level as any zip reader sees it."""
    path = folder / "derivative"
    pyramid_writer.write(pyvips.Image.new_from_array(pixels, interpretation="srgb"), path)
    return Pyramid(path), stored_level(path, 0)


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pyramid, np.ndarray]:
    return _derivative(drawn(WIDTH, HEIGHT), tmp_path_factory.mktemp("sheet"))


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
        pixels = render.scaled(pyramid, PixelBox(x, y, width, height), width, height)
        assert np.array_equal(pixels, full[y : y + height, x : x + width])


def test_regions_of_a_real_sheet_are_placed_to_a_fraction_of_a_pixel(tmp_path: Path) -> None:
    """Any origin, scaled up to twice, down to a thirtieth and out of shape: as libvips scales the full level."""
    pixels = sheet_module.draw(11, 4).rgb
    height, width = pixels.shape[:2]
    (pyramid, full), chance = _derivative(pixels, tmp_path), random.Random(9)
    worst = 99.0
    for _ in range(120):
        shrink, shape = 2 ** chance.uniform(-1, 5), chance.choice([1, 1, chance.uniform(0.7, 1.4)])
        box_width = min(width, max(8, round(2 ** chance.uniform(5, 9) * shrink)))
        box_height = min(height, max(8, round(box_width * 2 ** chance.uniform(-1, 1))))
        box = PixelBox(chance.randint(0, width - box_width), chance.randint(0, height - box_height), box_width, box_height)
        size = max(1, round(box_width / shrink)), max(1, round(box_height / shrink / shape))
        worst = min(worst, psnr(render.scaled(pyramid, box, *size), cropped_and_scaled(full, box, *size)))
    assert worst >= 38


def test_small_jpegs_are_made_of_the_nearest_level_and_lose_nothing_by_it(tmp_path: Path) -> None:
    """Beside those of a finer level: luminance against the master halved and then scaled by a Lanczos window."""
    pixels = sheet_module.draw(11, 4).rgb
    height, width = pixels.shape[:2]
    pyramid, _ = _derivative(pixels, tmp_path)
    master = pyvips.Image.new_from_array(pixels, interpretation="srgb")
    for wide in (200, 260, 300, 350, 400, 450, 600):
        size = wide, round(wide * height / width)
        shape = Geometry(width, height, PixelBox(0, 0, width, height), *size, Rotation.parse("0"), "default", "jpg")
        level = max(number for number, facts in enumerate(pyramid.levels) if facts.width_px >= wide)
        assert render.pixels_read(pyramid, shape) == width * height >> (2 * level)
        finer = jpeg.encode(render.scaled(pyramid, shape.region, *size), quality=render.QUALITY)
        wanted = truth.reference(master, [0, 0, width, height], *size)
        near, fine = (
            truth.psnr(np.asarray(Image.open(io.BytesIO(data))), wanted) for data in (render.render(pyramid, shape), finer)
        )
        assert near >= fine - 0.5


@pytest.mark.parametrize("out", [1, 7, 100, 333, 500, 512, 999])
@pytest.mark.parametrize("start", [0, 1, 255, 1001, 2047])
def test_a_span_shows_where_it_says(start: int, out: int) -> None:
    """The middle of a ramp that libvips scales tells where each pixel came from."""
    for length, number in ((1000, 0), (1000, 1), (1053, 1), (1800, 2), (47, 2)):
        step = length / out / (1 << number)
        if step < 1:
            continue
        found = render.span(start, length, number, 4000, out)
        ramp = np.tile((np.arange(4000) + 0.5).astype(np.float32), (8, 1))[:, found.first : found.first + found.length]
        made = pyvips.Image.new_from_array(np.ascontiguousarray(ramp)).resize(1 / found.step, vscale=1, kernel="lanczos3").numpy()
        middle = out // 2
        shown = float(made[4, middle]) + found.shift * found.step
        assert made.shape[1] == out
        assert shown == pytest.approx((start + (middle + 0.5) * length / out) / (1 << number), abs=0.05 + 0.02 * step)


def test_a_moved_picture_is_what_lies_beside_it() -> None:
    smooth = pyvips.Image.new_from_array(drawn(300, 200)).gaussblur(1.5).numpy()
    for shift in (-0.5, -0.26, 0.1, 0.4):
        weights = render.mask_of(shift)
        assert sum(weights) == render.MASK_SUM
        places = np.arange(20, 280) + shift
        truth = np.stack([np.interp(places, np.arange(300), smooth[100, :, band]) for band in range(3)], axis=-1)
        assert np.abs(render._moved(smooth, shift, 0.0)[100, 20:280].astype(float) - truth).max() < 4
        assert np.array_equal(
            render._moved(smooth, 0.0, shift), render._moved(smooth.transpose(1, 0, 2), shift, 0.0).transpose(1, 0, 2)
        )


def test_a_part_of_a_tile_is_decoded_like_the_whole(sheet: tuple[Pyramid, np.ndarray]) -> None:
    pyramid, chance = sheet[0], random.Random(4)
    for _ in range(60):
        number = chance.randrange(pyramid.levels[0].columns * pyramid.levels[0].rows)
        tile, (width, height) = pyramid.tile(0, number), pyramid.levels[0].tile_size(number)
        left, top = chance.randrange(width), chance.randrange(height)
        right, bottom = chance.randint(left + 1, width), chance.randint(top + 1, height)
        whole = np.asarray(Image.open(io.BytesIO(tile)))
        assert np.array_equal(partial_decode.decode(tile, left, top, right, bottom), whole[top:bottom, left:right])


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
