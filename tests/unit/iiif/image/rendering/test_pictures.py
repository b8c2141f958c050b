"""Large pictures are made in bands: the same to the pixel as in one piece, and in little memory."""

import io
import json
import subprocess
import sys

import numpy as np
import pytest
import pyvips
from PIL import Image

from iiif.image.masters import pyramid_writer
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import pictures, render
from iiif.image.request import Geometry, ImageRequest, SizeLimits
from iiif.image.serving import delivery
from tests.live import ROOT
from tests.unit.iiif.image.pictures import drawn, psnr

WIDTH, HEIGHT = 2100, 1500
MEASURED = """
import json, sys
from pathlib import Path
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import pictures
from iiif.image.request import ImageRequest, SizeLimits
from iiif.image.serving import embedded_metadata
from tests.bench.measure import own_peak_mb
pyramid, path = Pyramid(Path(sys.argv[1])), sys.argv[2].split("/")
request = ImageRequest.parse(3, *path[:3], *path[3].split("."))
geometry = request.resolve(pyramid.width_px, pyramid.height_px, SizeLimits(16_000, 36_000_000))
before = own_peak_mb()
body = embedded_metadata.embed(pictures.made(pyramid, geometry), geometry.format, b"x" * 2000)
print(json.dumps([own_peak_mb() - before, geometry.width, geometry.height, len(body)]))
"""


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Pyramid:
    path = tmp_path_factory.mktemp("sheet") / "derivative"
    pyramid_writer.write(pyvips.Image.new_from_array(drawn(WIDTH, HEIGHT), interpretation="srgb"), path)
    return Pyramid(path)


@pytest.fixture
def in_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "LARGE_PX", 1)


def geometry(path: str) -> Geometry:
    region, size, rotation, last = path.split("/")
    return ImageRequest.parse(3, region, size, rotation, *last.split(".")).resolve(WIDTH, HEIGHT, SizeLimits(16_000, 36_000_000))


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)))


@pytest.mark.parametrize(
    "path",
    [
        f"{region}/{size}/{turn}/{last}"
        for region, size in (
            ("full", "max"), ("full", "1050,750"), ("full", "1301,"), ("full", "^2500,"), ("11,23,1801,1207", "max"),
            ("11,23,1801,1207", "700,"), ("12,24,1800,1200", "900,600"), ("1,1,2000,1400", "800,700"), ("3,5,1,1400", "max"),
        )
        for turn, last in (
            ("0", "default.jpg"), ("0", "default.png"), ("!0", "gray.jpg"), ("90", "default.jpg"), ("!270", "gray.png"),
            ("180", "bitonal.png"), ("0", "bitonal.tif"), ("0", "default.webp"),
        )
    ],
)  # fmt: skip
def test_a_picture_in_bands_is_the_same_as_in_one_piece(sheet: Pyramid, in_bands: None, path: str) -> None:
    wanted = geometry(path)
    one, other = pixels(render.render(sheet, wanted)), pixels(pictures.made(sheet, wanted))
    assert one.shape == other.shape
    assert np.array_equal(one, other)


@pytest.mark.parametrize("last", ["default.png", "gray.webp", "default.jpg"])
def test_other_turns_too(sheet: Pyramid, in_bands: None, last: str) -> None:
    wanted = geometry(f"full/1000,/33/{last}")
    one, other = (
        np.asarray(Image.open(io.BytesIO(made(sheet, wanted))).convert("RGBA")) for made in (render.render, pictures.made)
    )
    assert one.shape == other.shape
    assert psnr(one, other) > 40


@pytest.mark.parametrize("last", ["default.pdf", "gray.pdf", "bitonal.pdf"])
def test_a_pdf_holds_the_same_in_bands(sheet: Pyramid, in_bands: None, last: str) -> None:
    wanted = geometry(f"full/900,/0/{last}")
    one, other = render.render(sheet, wanted), pictures.made(sheet, wanted)
    assert one.split(b"stream")[0] == other.split(b"stream")[0]
    assert one.count(b"endobj") == other.count(b"endobj") == 5
    if last != "bitonal.pdf":
        streams = [body[body.index(b"\xff\xd8") : body.rindex(b"\xff\xd9") + 2] for body in (one, other)]
        assert np.array_equal(*map(pixels, streams))


def test_a_jpeg_in_bands_is_read_by_every_decoder(sheet: Pyramid, in_bands: None) -> None:
    body = pictures.made(sheet, geometry("full/1301,/0/default.jpg"))
    of_vips = pyvips.Image.jpegload_buffer(body, fail_on="warning").numpy()
    assert np.array_equal(of_vips, pixels(body))


@pytest.mark.parametrize(
    ("path", "most_mb"),
    [
        ("full/max/0/default.jpg", 150),
        ("0,0,6000,6000/max/0/default.jpg", 80),
        ("full/max/0/gray.png", 150),
        ("full/max/0/default.png", 150),
        ("full/max/270/default.png", 150),
        ("full/max/0/default.tif", 150),
        ("full/3829,/90/default.webp", 150),
        ("full/2581,/0/default.gif", 150),
        ("full/1825,/0/default.avif", 150),
    ],
)
def test_the_largest_pictures_take_little_memory(tmp_path_factory: pytest.TempPathFactory, path: str, most_mb: int) -> None:
    """Of a picture with grain, as a photograph has it; the last three are the largest that are given out in their formats."""
    file = tmp_path_factory.getbasetemp() / "large"
    if not file.exists():
        place = pyvips.Image.xyz(8000, 12_000) * [255 / 8000, 255 / 12_000]
        place = place.bandjoin(128) + pyvips.Image.gaussnoise(8000, 12_000, sigma=6)
        pyramid_writer.write(place.cast("uchar").copy(interpretation="srgb"), file)
    command = [sys.executable, "-c", MEASURED, str(file), path]
    megabytes, width, height, size = json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)
    print(f"{path}: {width} × {height} pixels, {megabytes:.0f} MB")  # noqa: T201 - the figures of docs/performance.md
    most_px = delivery.MOST_PX.get(path.rpartition(".")[2], 36_000_000)
    assert 0.95 * most_px < width * height <= most_px
    assert size > 10_000
    assert megabytes <= most_mb
