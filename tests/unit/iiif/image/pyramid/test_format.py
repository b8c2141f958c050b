"""The derivative: what is sent as it lies there is what any zip reader and JPEG decoder find in it."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from iiif.image.masters import pyramid_writer
from iiif.image.pyramid.format import MAX_ABOUT, Pyramid, PyramidError, Stored, jpeg
from iiif.image.rendering import render
from iiif.image.request import PixelBox
from tests.unit.iiif.image.pictures import drawn, psnr

SIZES = [(1, 1), (1, 3000), (505, 505), (512, 512), (513, 511), (770, 1300), (1023, 1025), (1999, 1333), (4001, 2999)]


def _written(folder: Path, width: int, height: int, about: bytes = b"") -> Path:
    path = folder / f"{width}x{height}"
    pyramid_writer.write(pyvips.Image.new_from_array(drawn(width, height), interpretation="srgb"), path, about)
    return path


def _decoded(data: bytes) -> np.ndarray:
    """By another decoder than ours, which guesses nothing: the marker of colours must be there."""
    image = Image.open(io.BytesIO(data))
    assert image.info.get("jfif_version") == (1, 1)
    return np.asarray(image.convert("RGB"))


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_every_aligned_tile_of_256_and_512_is_stored(tmp_path: Path, width: int, height: int) -> None:
    path = _written(tmp_path, width, height)
    opened, members = Pyramid(path), zipfile.ZipFile(path)
    for number, level in enumerate(opened.levels):
        scale = 1 << number
        assert (level.width_px, level.height_px) == (-(-width // scale), -(-height // scale))
        for side in (512, 256):
            span = side << number
            for y in range(0, height, span):
                for x in range(0, width, span):
                    box = PixelBox(x, y, min(span, width - x), min(span, height - y))
                    size = -(-box.width // scale), -(-box.height // scale)
                    stored = opened.stored_at(box.x, box.y, box.width, box.height, *size)
                    assert stored is not None
                    pixels = _decoded(opened.read(stored))
                    tile = members.read(f"{scale}/{x // (512 << number)}_{y // (512 << number)}.jpg")
                    left, top = x // scale % 512, y // scale % 512
                    truth = _decoded(tile)[top : top + size[1], left : left + size[0]]
                    assert pixels.shape == truth.shape
                    # beside a cut, colour at half the resolution has lost a neighbour to be smoothed with
                    inner = (slice(1, -1), slice(1, -1)) if side == 256 and min(size) > 2 else (slice(None), slice(None))
                    assert np.array_equal(pixels[inner], truth[inner]) or min(size) <= 2


@given(width=st.integers(1, 1100), height=st.integers(1, 700), column=st.integers(0, 4), row=st.integers(0, 2))
@settings(max_examples=60, deadline=None)
def test_a_quarter_is_cut_to_the_same_coefficients(
    tmp_path_factory: pytest.TempPathFactory, width: int, height: int, column: int, row: int
) -> None:
    """Against libjpeg-turbo's own lossless crop."""
    opened = Pyramid(_written(tmp_path_factory.mktemp("pyramid"), width, height))
    x, y = 256 * column, 256 * row
    if x >= width or y >= height:
        return
    size = min(256, width - x), min(256, height - y)
    stored = opened.stored_at(x, y, *size, *size)
    assert stored is not None
    tile = opened.tile(0, (row // 2) * opened.levels[0].columns + column // 2)
    cropped = jpeg.crop(tile, 256 * (column % 2), 256 * (row % 2), *size)
    assert np.array_equal(_decoded(opened.read(stored)), np.asarray(Image.open(io.BytesIO(cropped)).convert("RGB")))


def test_standard_sizes_are_stored_whole(tmp_path: Path) -> None:
    opened = Pyramid(_written(tmp_path, 4001, 2999))
    for size in ((90, 67), (400, 300), (1000, 750), (1500, 1124), (1001, 750), (2001, 1500)):
        stored = opened.stored_at(0, 0, 4001, 2999, *size)
        assert stored is not None, size
        pixels = _decoded(opened.read(stored))
        assert (pixels.shape[1], pixels.shape[0]) == size
        scaled = render.scaled(opened, PixelBox(0, 0, 4001, 2999), *size)
        assert np.array_equal(pixels, _decoded(jpeg.encode(scaled, quality=render.QUALITY)))
    assert opened.stored_at(0, 0, 4001, 2999, 400, 301) is None


def test_the_same_pixels_give_the_same_bytes_and_a_whole_zip(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    one, other = _written(tmp_path, 1500, 1100), _written(tmp_path / "again", 1500, 1100)
    assert one.read_bytes() == other.read_bytes()
    assert zipfile.ZipFile(one).testzip() is None


def test_what_is_kept_about_an_image_comes_back(tmp_path: Path) -> None:
    path = _written(tmp_path, 30, 20, b'{"make":"Phase One"}')
    assert Pyramid(path).about == b'{"make":"Phase One"}' == zipfile.ZipFile(path).read("about.json")
    with pytest.raises(ValueError, match="are kept"):
        _written(tmp_path, 30, 20, b"x" * (MAX_ABOUT + 1))


@pytest.mark.parametrize("harm", ["cut", "empty", "other", "index"])
def test_what_is_no_derivative_is_told(tmp_path: Path, harm: str) -> None:
    path = _written(tmp_path, 700, 300)
    data = bytearray(path.read_bytes())
    if harm == "index":
        at = int.from_bytes(data[-16:-8], "little")
        data[at + 10 : at + 12] = b"\xff\xff"  # far more levels than there are
    harmed = {"cut": data[:-9], "empty": b"", "other": b"II*\0" * 50, "index": data}[harm]
    path.write_bytes(harmed)
    with pytest.raises(PyramidError):
        Pyramid(path)


def test_a_tile_without_such_a_quarter_is_refused(tmp_path: Path) -> None:
    opened = Pyramid(_written(tmp_path, 300, 200))
    place = opened.levels[0].place(0)
    with pytest.raises(ValueError, match="no quarter"):
        opened.read(Stored(0, place, (0, 1, 0)))  # its rows do not fall on restart markers


def test_without_turbojpeg_the_few_others_are_encoded_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jpeg, "turbojpeg", None)
    opened = Pyramid(_written(tmp_path, 300, 200))
    stored = opened.stored_at(256, 0, 44, 200, 44, 200)
    assert stored is not None
    assert psnr(_decoded(opened.read(stored)), _decoded(opened.tile(0, 0))[:, 256:]) > 35
