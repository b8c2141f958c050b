"""A colour target of another colour space looks the same in every level, tile, size, quality and format (CIEDE2000 within 2)."""

import io
from collections.abc import Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from werkzeug.test import Client

from app import compose
from app.runtime.db import Base
from app.runtime.settings import Settings
from app.web import create_app
from app.web.fast_images import FastImages
from iiif.image.serving import open_images
from tests.unit.iiif.image.pictures import adobe_rgb_as_srgb, adobe_rgb_profile, derived, file_of

PATCH, COLUMNS, ROWS = 320, 6, 4
ADOBE = np.array(
    [
        *[(107, 81, 70), (182, 146, 128), (103, 122, 154), (96, 108, 72), (129, 128, 173), (129, 188, 171)],
        *[(201, 123, 56), (77, 92, 166), (174, 83, 97), (86, 61, 104), (167, 188, 75), (213, 160, 55)],
        *[(49, 65, 143), (99, 148, 80), (155, 52, 59), (227, 197, 52), (169, 85, 147), (61, 135, 167)],
        *[(245, 245, 242), (200, 201, 201), (160, 161, 162), (120, 120, 121), (83, 84, 85), (53, 53, 54)],
    ],
    np.uint8,
)
GEOMETRIES = [
    "full/1920,1280/0/default",
    "full/960,640/0/default",
    "full/480,320/0/default",
    "full/400,267/0/color",
    "full/max/0/default",
    "full/1333,/0/default",
    "full/777,/!0/default",
    "full/211,/90/default",
    "full/^2100,/180/default",
]
ALL_FORMATS = ["jpg", "png", "webp", "tif", "avif"]


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, str, NDArray[np.uint8]]]:
    """The application, the key of the target in Adobe RGB, and what its patches are in sRGB."""
    runtime = compose.build(Settings(data_dir=tmp_path_factory.mktemp("colours") / "data", base_url="http://lectotype.test"))
    Base.metadata.create_all(runtime.database.engine)
    runtime.blobs.prepare(used=False)
    pixels = ADOBE.reshape(ROWS, COLUMNS, 3).repeat(PATCH, 0).repeat(PATCH, 1)
    media = derived(runtime, file_of(pixels, "TIFF", icc_profile=adobe_rgb_profile()), "target.tif")
    client = Client(FastImages(create_app(runtime).wsgi_app, open_images.of(runtime)))
    yield client, media.key, adobe_rgb_as_srgb(ADOBE).reshape(ROWS, COLUMNS, 3)
    runtime.search.close()
    runtime.database.engine.dispose()


def _picture(target: tuple[Client, str, NDArray[np.uint8]], path: str) -> NDArray[np.uint8]:
    response = target[0].get(f"/iiif/3/{target[1]}/{path}")
    assert response.status_code == 200, path
    return np.asarray(Image.open(io.BytesIO(response.data)).convert("RGB"))


def _patches(pixels: NDArray[np.uint8], rows: int = ROWS, columns: int = COLUMNS) -> NDArray[np.float64]:
    """(rows, columns, 3): the mean of the middle of each patch."""
    down, along = (np.arange(rows) * pixels.shape[0]) / rows, (np.arange(columns) * pixels.shape[1]) / columns
    tall, wide = pixels.shape[0] / rows, pixels.shape[1] / columns

    def middle(top: float, left: float) -> NDArray[np.float64]:
        part = pixels[int(top + 0.3 * tall) : int(top + 0.7 * tall), int(left + 0.3 * wide) : int(left + 0.7 * wide)]
        return np.asarray(part.mean((0, 1)))

    return np.array([[middle(top, left) for left in along] for top in down])


@pytest.mark.parametrize("format_", ALL_FORMATS)
@pytest.mark.parametrize("path", GEOMETRIES)
def test_every_size_and_format_has_the_colours_of_the_target(
    target: tuple[Client, str, NDArray[np.uint8]], path: str, format_: str
) -> None:
    truth = target[2]
    rotation = path.split("/")[2]
    turned = np.rot90(truth[:, ::-1] if rotation.startswith("!") else truth, -int(rotation.lstrip("!")) // 90)
    found = _patches(_picture(target, f"{path}.{format_}"), turned.shape[0], turned.shape[1])
    assert delta_e_2000(found, turned.astype(float)).max() < 2


@pytest.mark.parametrize("scale", [1, 2, 4])
def test_every_tile_has_the_colours_of_the_target(target: tuple[Client, str, NDArray[np.uint8]], scale: int) -> None:
    width, height, span = PATCH * COLUMNS, PATCH * ROWS, 512 * scale
    whole = np.zeros((height // scale, width // scale, 3), np.uint8)
    for x in range(0, width, span):
        for y in range(0, height, span):
            w, h = min(span, width - x), min(span, height - y)
            tile = _picture(target, f"{x},{y},{w},{h}/{w // scale},{h // scale}/0/default.jpg")
            whole[y // scale :, x // scale :][: tile.shape[0], : tile.shape[1]] = tile
    assert delta_e_2000(_patches(whole), target[2].astype(float)).max() < 2


@pytest.mark.parametrize("format_", ALL_FORMATS)
def test_grey_is_the_luma_of_the_target(target: tuple[Client, str, NDArray[np.uint8]], format_: str) -> None:
    grey = _patches(_picture(target, f"full/700,/0/gray.{format_}"))
    luma = (target[2] @ [0.299, 0.587, 0.114])[..., np.newaxis].repeat(3, -1)
    assert delta_e_2000(grey, luma).max() < 2


def test_the_measure_of_colour_difference_is_the_published_one() -> None:
    """Pairs 1, 7 and 17 of Sharma, Wu and Dalal (2005), table 1."""
    one = np.array([[50.0, 2.6772, -79.7751], [50.0, 0.0, 0.0], [50.0, 2.5, 0.0]])
    other = np.array([[50.0, 0.0, -82.7485], [50.0, -1.0, 2.0], [73.0, 25.0, -18.0]])
    assert delta_e_of_lab(one, other) == pytest.approx([2.0425, 2.3669, 27.1492], abs=1e-4)


def delta_e_2000(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 of sRGB colours of 0 to 255."""
    return delta_e_of_lab(_lab(one), _lab(other))


def _lab(srgb: NDArray[np.float64]) -> NDArray[np.float64]:
    part = srgb / 255
    linear = np.where(part <= 0.04045, part / 12.92, ((part + 0.055) / 1.055) ** 2.4)
    xyz = linear @ np.array([[0.4124, 0.2126, 0.0193], [0.3576, 0.7152, 0.1192], [0.1805, 0.0722, 0.9505]]) / [0.9505, 1, 1.089]
    f = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    x, y, z = f[..., 0], f[..., 1], f[..., 2]
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def delta_e_of_lab(one: NDArray[np.float64], other: NDArray[np.float64]) -> NDArray[np.float64]:
    """CIEDE2000 with all weights 1, by Sharma, Wu and Dalal (2005)."""
    mean_chroma = (np.hypot(one[..., 1], one[..., 2]) + np.hypot(other[..., 1], other[..., 2])) / 2
    stretch = 1.5 - 0.5 * np.sqrt(mean_chroma**7 / (mean_chroma**7 + 25.0**7))
    (c1, h1), (c2, h2) = (
        (np.hypot(lab[..., 1] * stretch, lab[..., 2]), np.degrees(np.arctan2(lab[..., 2], lab[..., 1] * stretch)) % 360)
        for lab in (one, other)
    )
    grey = c1 * c2 == 0
    turn = np.where(grey, 0, (h2 - h1 + 180) % 360 - 180)
    apart = np.abs(h1 - h2) > 180
    hue = np.where(grey, h1 + h2, (h1 + h2 + np.where(apart, np.where(h1 + h2 < 360, 360, -360), 0)) / 2)
    light, chroma = (one[..., 0] + other[..., 0]) / 2, (c1 + c2) / 2
    cosines = [(0.17, 1, -30), (-0.24, 2, 0), (-0.32, 3, 6), (0.20, 4, -63)]
    t = 1 - sum(weight * np.cos(np.radians(times * hue + shift)) for weight, times, shift in cosines)
    wl = 1 + 0.015 * (light - 50) ** 2 / np.sqrt(20 + (light - 50) ** 2)
    dl, dc = (other[..., 0] - one[..., 0]) / wl, (c2 - c1) / (1 + 0.045 * chroma)
    dh = 2 * np.sqrt(c1 * c2) * np.sin(np.radians(turn / 2)) / (1 + 0.015 * chroma * t)
    bend = -np.sin(np.radians(60 * np.exp(-(((hue - 275) / 25) ** 2)))) * 2 * np.sqrt(chroma**7 / (chroma**7 + 25.0**7))
    return np.sqrt(dl**2 + dc**2 + dh**2 + bend * dc * dh)
