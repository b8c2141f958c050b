"""Every format with every quality and rotation: what a decoder of somebody else makes of it."""

import io
import itertools
import re
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from iiif.image.errors import BadParameter
from iiif.image.masters import pyramid_writer
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import encoding, render
from iiif.image.request import FORMATS, QUALITIES, ImageRequest, SizeLimits
from tests.unit.iiif.image.pictures import drawn, psnr

LIMITS = SizeLimits(16_000, 36_000_000)
WIDTH, HEIGHT = 700, 530
ROTATIONS = ("0", "!0", "90", "!180", "22.5", "!300.5")
NAMES = {"jpg": "JPEG", "png": "PNG", "webp": "WEBP", "tif": "TIFF", "gif": "GIF", "avif": "AVIF"}
LEAST_DB = {"jpg": 34, "png": 99, "webp": 33, "tif": 99, "gif": 27, "avif": 31, "pdf": 34}  # of a picture with soft colours


@pytest.fixture(scope="module")
def pyramid(tmp_path_factory: pytest.TempPathFactory) -> Pyramid:
    return _pyramid(drawn(WIDTH, HEIGHT), tmp_path_factory.mktemp("formats") / "derivative")


def _pyramid(pixels: np.ndarray, path: Path) -> Pyramid:
    pyramid_writer.write(pyvips.Image.new_from_array(pixels, interpretation="srgb"), path)
    return Pyramid(path)


def _rendered(pyramid: Pyramid, path: str) -> bytes:
    region, size, rotation, last = path.split("/")
    request = ImageRequest.parse(3, region, size, rotation, *last.split("."))
    return render.render(pyramid, request.resolve(pyramid.width_px, pyramid.height_px, LIMITS))


def _opened(data: bytes, format_: str) -> Image.Image:
    if format_ == "pdf":
        return _page(data)
    image = Image.open(io.BytesIO(data))
    assert image.format == NAMES[format_]
    return image


def _page(data: bytes) -> Image.Image:
    """The picture on the only page of a PDF; every object lies where the table says."""
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])
    places = [int(row[:10]) for row in data[table:].splitlines()[3:8]]
    for number, place in enumerate(places, 1):
        assert data[place:].startswith(b"%d 0 obj" % number)
    picture = data[places[4] :]
    width, height, depth = (
        int(re.search(rb"/%s (\d+)" % name, picture)[1]) for name in (b"Width", b"Height", b"BitsPerComponent")
    )
    length, start = int(re.search(rb"/Length (\d+)", picture)[1]), picture.index(b"stream\n") + 7
    stream = picture[start : start + length]
    assert picture[start + length :].startswith(b"\nendstream")
    box = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data)
    assert float(box[1]) / float(box[2]) == pytest.approx(width / height, rel=1e-3)
    if depth == 1:
        bits = np.unpackbits(np.frombuffer(zlib.decompress(stream), np.uint8).reshape(height, -1), axis=1)[:, :width]
        return Image.fromarray(bits * np.uint8(255))
    image = Image.open(io.BytesIO(stream))
    assert image.size == (width, height)
    assert image.mode == {b"DeviceRGB": "RGB", b"DeviceGray": "L"}[re.search(rb"/ColorSpace /(\w+)", picture)[1]]
    return image


@pytest.mark.parametrize(("format_", "quality"), list(itertools.product(FORMATS, QUALITIES)))
def test_each_quality_and_rotation_in_each_format(pyramid: Pyramid, format_: str, quality: str) -> None:
    for rotation in ROTATIONS:
        plain = np.asarray(_opened(_rendered(pyramid, f"13,21,301,203/150,101/{rotation}/{quality}.png"), "png").convert("RGBA"))
        image = _opened(_rendered(pyramid, f"13,21,301,203/150,101/{rotation}/{quality}.{format_}"), format_)
        pixels = np.asarray(image.convert("RGBA"))
        assert pixels.shape == plain.shape
        corners = "." in rotation
        if corners:
            alpha = format_ in encoding.TRANSPARENT and quality != "bitonal"
            assert pixels[0, 0, 3] == (0 if alpha else 255)
            assert alpha or pixels[0, 0, :3].min() > 240
            assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2, 3] == 255
        inner = (slice(30, -30), slice(30, -30)) if corners else (slice(None), slice(None))
        seen = plain[..., 3] == 255
        seen[...] &= False
        seen[inner] = plain[inner][..., 3] == 255
        if quality == "bitonal":
            assert ((pixels[..., :3] > 127) == (plain[..., :3] > 127))[seen].mean() > 0.98
            assert ((pixels[..., 0] < 60) | (pixels[..., 0] > 195)).mean() > 0.95
        else:
            assert psnr(pixels[seen][:, :3], plain[seen][:, :3]) >= LEAST_DB[format_] - (4 if corners else 0)
        if quality in ("gray", "bitonal"):
            spread = pixels[..., :3].max(-1).astype(int) - pixels[..., :3].min(-1)
            assert spread[seen].max() <= 6


@pytest.mark.parametrize("format_", FORMATS)
def test_the_smallest_pictures(tmp_path: Path, format_: str) -> None:
    for number, (width, height) in enumerate(((1, 1), (1, 700), (600, 1), (2, 3))):
        small = _pyramid(drawn(width, height), tmp_path / f"{number}")
        for quality in QUALITIES:
            assert _opened(_rendered(small, f"full/max/0/{quality}.{format_}"), format_).size == (width, height)
        assert _opened(_rendered(small, f"full/^!40,40/45/default.{format_}"), format_).width > 1
        assert _opened(_rendered(small, f"full/1,1/90/default.{format_}"), format_).size == (1, 1)


@pytest.mark.parametrize("format_", ["png", "tif", "gif", "pdf"])
def test_bitonal_takes_one_bit_a_pixel_where_there_are_such(pyramid: Pyramid, format_: str) -> None:
    data = _rendered(pyramid, f"full/max/0/bitonal.{format_}")
    assert len(data) < WIDTH * HEIGHT / 8 + 2000


def test_a_tile_is_the_same_in_every_format(tmp_path: Path) -> None:
    tiled = _pyramid(drawn(1500, 1100), tmp_path / "tiled")
    jpeg = np.asarray(_opened(tiled.tile(0, 1), "jpg"))
    for format_ in ("png", "tif"):
        assert np.array_equal(np.asarray(_opened(_rendered(tiled, f"512,0,512,512/512,512/0/default.{format_}"), format_)), jpeg)
    half = np.asarray(_opened(tiled.tile(1, 0), "jpg"))
    assert np.array_equal(np.asarray(_opened(_rendered(tiled, "0,0,1024,1024/512,512/0/default.png"), "png")), half)


def test_a_page_is_no_larger_than_a_page_may_be() -> None:
    data = encoding.encode(np.zeros((2, 15_000), np.uint8), "pdf")
    width, _ = re.search(rb"/MediaBox \[0 0 ([\d.]+) ([\d.]+)\]", data).groups()
    assert float(width) == encoding.PDF_MOST_POINTS


@pytest.mark.parametrize(
    ("size", "rotation"), [("^16000,2250", "45"), ("^6000,6000", "45"), ("^6000,6000", "!0.5"), ("^16000,1000", "3")]
)
def test_a_picture_within_the_limits_may_leave_them_by_being_turned(size: str, rotation: str) -> None:
    for turn, wrong in (("0", False), ("90", False), (rotation, True)):
        request = ImageRequest.parse(3, "full", size, turn, "default", "jpg")
        if wrong:
            with pytest.raises(BadParameter) as caught:
                request.resolve(4000, 4000, LIMITS)
            assert caught.value.parameter == "rotation"
        else:
            assert request.resolve(4000, 4000, LIMITS).width >= 6000


def test_what_a_turned_picture_measures_is_foreseen(pyramid: Pyramid) -> None:
    for degrees in ("0.5", "30", "44.9", "120", "359"):
        turned = _opened(_rendered(pyramid, f"full/300,200/{degrees}/default.png"), "png")
        request = ImageRequest.parse(3, "full", "300,200", degrees, "default", "png")
        with pytest.raises(BadParameter):
            request.resolve(WIDTH, HEIGHT, SizeLimits(max(turned.size) - 2, 10**9))
        request.resolve(WIDTH, HEIGHT, SizeLimits(max(turned.size) + 1, 10**9))
