"""Every tile and size that is advertised, asked for over HTTP and decoded, is the level that the derivative keeps."""

import io
import math

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image
from werkzeug.test import Client

from app.runtime.context import Runtime
from iiif.catalogue.model import Media
from iiif.image.pyramid.format import TILE_PX, Pyramid
from tests.unit.iiif.image.pictures import derived, drawn, file_of, psnr, stored_level

ODD = [(1, 1), (1, 1030), (1030, 1), (2, 513), (511, 512), (513, 1025), (1021, 1531), (2053, 769)]


def _tiles(width: int, height: int, side: int, scale: int) -> list[tuple[int, int, int, int]]:
    span = side * scale
    return [(x, y, min(span, width - x), min(span, height - y)) for y in range(0, height, span) for x in range(0, width, span)]


def _picture(client: Client, media: Media, path: str) -> NDArray[np.uint8]:
    response = client.get(f"/iiif/3/{media.key}/{path}")
    assert response.status_code == 200, path
    return np.asarray(Image.open(io.BytesIO(response.data)).convert("RGB"))


def _of_level(level: NDArray[np.uint8], x: int, y: int, width: int, height: int, scale: int) -> NDArray[np.uint8]:
    left, top = x // scale, y // scale
    return level[top : top + math.ceil(height / scale), left : left + math.ceil(width / scale)]


@pytest.mark.parametrize(("width", "height"), ODD)
def test_tiles_and_sizes_are_what_is_stored(client: Client, runtime: Runtime, width: int, height: int) -> None:
    media = derived(runtime, file_of(drawn(width, height), "PNG"))
    path = runtime.blobs.path(media.pyramid_sha256)
    document = client.get(f"/iiif/3/{media.key}/info.json").json
    assert document is not None
    for number, scale in enumerate(document["tiles"][0]["scaleFactors"]):
        level = stored_level(path, number)
        assert level.shape == (math.ceil(height / scale), math.ceil(width / scale), 3)
        for x, y, w, h in _tiles(width, height, TILE_PX, scale):
            got = _picture(client, media, f"{x},{y},{w},{h}/{math.ceil(w / scale)},{math.ceil(h / scale)}/0/default.jpg")
            assert np.array_equal(got, _of_level(level, x, y, w, h, scale))
        for x, y, w, h in _tiles(width, height, TILE_PX // 2, scale):
            got = _picture(client, media, f"{x},{y},{w},{h}/{math.ceil(w / scale)},{math.ceil(h / scale)}/0/default.jpg")
            _check_quarter(got, _of_level(level, x, y, w, h, scale))
        size = f"{level.shape[1]},{level.shape[0]}"
        assert np.array_equal(_picture(client, media, f"full/{size}/0/default.png"), level)
        again = _picture(client, media, f"full/{size}/0/default.jpg")
        assert again.shape == level.shape
        assert psnr(again, level) >= 34
    offered = [(size["width"], size["height"]) for size in document["sizes"]]
    assert set(offered) == {
        (math.ceil(width / scale), math.ceil(height / scale)) for scale in document["tiles"][0]["scaleFactors"]
    }


def _check_quarter(got: NDArray[np.uint8], truth: NDArray[np.uint8]) -> None:
    """Decoders smooth the chroma of a quarter's outermost pixels without its neighbours; all others are the same."""
    assert got.shape == truth.shape
    assert np.array_equal(got[1:-1, 1:-1], truth[1:-1, 1:-1])
    luma = np.abs((got.astype(float) - truth) @ [0.299, 0.587, 0.114])
    assert luma.max(initial=0) < 6  # clipped colours apart, what differs is chroma alone
    assert np.abs(got.astype(int) - truth).max(initial=0) <= 60


def test_a_level_is_the_mean_of_the_pixels_that_it_stands_for(runtime: Runtime) -> None:
    """So the place of pixel j of level k is that of the pixels j·2^k to (j+1)·2^k of the image; at odd edges the last are
    repeated."""
    pixels = np.asarray(Image.fromarray(drawn(1283, 1117)).convert("RGB"))
    media = derived(runtime, file_of(pixels, "PNG"))
    for number in (1, 2):
        scale = 1 << number
        level = stored_level(runtime.blobs.path(media.pyramid_sha256), number).astype(float)
        padded = np.pad(pixels, ((0, -1117 % scale), (0, -1283 % scale), (0, 0)), mode="edge").astype(float)
        means = padded.reshape(level.shape[0], scale, level.shape[1], scale, 3).mean((1, 3))
        difference = np.abs(level - means)
        assert difference.mean() < 2.5
        assert difference[-1].mean() < 6
        assert difference[:, -1].mean() < 6


def test_the_tiles_of_a_large_sheet_are_what_is_stored(client: Client, runtime: Runtime) -> None:
    """Red grows with x and green with y, so that every tile tells where it lies; of every level all at the edges."""
    width, height = 12_001, 7_999
    place = pyvips.Image.xyz(width, height) * [255 / width, 255 / height]
    media = derived(runtime, place.bandjoin(128).cast("uchar").copy(interpretation="srgb").jpegsave_buffer(Q=90))
    assert (media.width_px, media.height_px) == (width, height)
    pyramid = Pyramid(runtime.blobs.path(media.pyramid_sha256))
    for number, level in enumerate(pyramid.levels):
        scale = 1 << number
        tiles = _tiles(width, height, TILE_PX, scale)
        edges = [tile for tile in tiles if tile[0] + tile[2] == width or tile[1] + tile[3] == height]
        for x, y, w, h in [*edges, *tiles[:: max(1, len(tiles) // 6)]]:
            got = _picture(client, media, f"{x},{y},{w},{h}/{math.ceil(w / scale)},{math.ceil(h / scale)}/0/default.jpg")
            assert got.shape[:2] == (math.ceil(h / scale), math.ceil(w / scale))
            stored = pyramid.tile(number, y // (TILE_PX * scale) * level.columns + x // (TILE_PX * scale))
            assert np.array_equal(got, np.asarray(Image.open(io.BytesIO(stored))))
            for row, column in ((0, 0), (-1, -1)):
                middle_x, middle_y = (x, y) if row == 0 else (x + w, y + h)
                assert got[row, column, :2] == pytest.approx(
                    [255 * middle_x / width, 255 * middle_y / height], abs=3 + scale / 30
                )
