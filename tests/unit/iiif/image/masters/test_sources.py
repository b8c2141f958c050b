"""Masters of every kind that is read, and those that are refused."""

import struct
from io import BytesIO
from pathlib import Path

import imagecodecs
import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from app.runtime.context import Runtime
from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_client
from iiif.image.masters.decoder_protocol import DecodeLimits, ImageFacts
from iiif.image.pyramid.camera_facts import CameraFacts
from iiif.image.pyramid.format import Pyramid
from tests.unit.iiif.image import sources
from tests.unit.iiif.image.pictures import adobe_rgb_as_srgb, adobe_rgb_profile, derived, drawn, file_of, psnr

LIMITS = DecodeLimits(max_pixels=10**9, seconds=60, address_space=4 * 10**9)
WIDTH, HEIGHT = 61, 47
EACH = sources.one_of_each(WIDTH, HEIGHT)
LOSSY = {"JPEG": 34, "progressive JPEG": 34, "AVIF": 34, "palette PNG": 24, "palette TIFF": 24, "GIF": 24, "DNG": 24}


def _pixels(folder: Path, data: bytes) -> NDArray[np.uint8]:
    path = folder / "master"
    path.write_bytes(data)
    return decoder_client.pixels(path, LIMITS, folder)


def _facts(folder: Path, data: bytes) -> ImageFacts:
    path = folder / "master"
    path.write_bytes(data)
    return decoder_client.check(path, LIMITS, whole=True)


def _refusal(folder: Path, data: bytes) -> RejectedImage:
    """Of the header, or else of the pixels."""
    try:
        _facts(folder, data)
    except RejectedImage as refusal:
        return refusal
    with pytest.raises(RejectedImage) as caught:
        _pixels(folder, data)
    return caught.value


@pytest.mark.parametrize("name", EACH)
def test_a_master_of_every_kind_is_read(tmp_path: Path, name: str) -> None:
    media_type, data = EACH[name]
    facts, pixels = _facts(tmp_path, data), _pixels(tmp_path, data)
    truth = drawn(pixels.shape[1], pixels.shape[0])
    if name.startswith("grey"):
        truth = np.repeat(truth[:, :, 1:2], 3, axis=2)
    assert facts.format == media_type
    assert (facts.width_px, facts.height_px) == (pixels.shape[1], pixels.shape[0])
    assert abs(pixels.shape[1] - WIDTH) + abs(pixels.shape[0] - HEIGHT) <= (2 if name == "DNG" else 0)
    if name == "DNG":  # demosaicing blurs edges
        assert np.median(np.abs(pixels.astype(int) - truth)) <= 3
    elif name in LOSSY:
        assert psnr(pixels, truth) > LOSSY[name]
    else:
        assert np.abs(pixels.astype(int) - truth).max() <= 1


@pytest.mark.parametrize("name", ["JPEG 2000", "HTJ2K", "DNG", "AVIF", "16-bit TIFF"])
def test_the_job_makes_a_derivative_of_it(runtime: Runtime, name: str) -> None:
    media = derived(runtime, EACH[name][1])
    assert (media.state, media.format or EACH[name][0]) == ("ready", EACH[name][0])


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_a_raw_file_is_turned_once(tmp_path: Path, orientation: int) -> None:
    upright = np.zeros((60, 80, 3), np.uint8)
    upright[:30, :40] = (200, 60, 60)
    stored = np.rot90(upright, {1: 0, 3: 2, 6: 1, 8: 3}[orientation])
    data = sources.dng(stored, orientation)
    facts, pixels = _facts(tmp_path, data), _pixels(tmp_path, data)
    assert (facts.width_px, facts.height_px, facts.exif_orientation) == (80, 60, orientation)
    assert pixels.shape == (60, 80, 3)
    assert pixels[15, 20, 0] > 150
    assert pixels[45, 60].max() < 30


def test_an_animation_gives_its_first_frame(tmp_path: Path) -> None:
    frames = [Image.new("RGB", (40, 30), colour) for colour in ("red", "lime", "blue")]
    for format_ in ("GIF", "WEBP"):
        out = BytesIO()
        frames[0].save(out, format_, save_all=True, append_images=frames[1:], **({"lossless": True} if format_ == "WEBP" else {}))
        assert _facts(tmp_path, out.getvalue()).frames == 3
        pixels = _pixels(tmp_path, out.getvalue())
        assert pixels.shape == (30, 40, 3)
        assert np.abs(pixels.astype(int) - (255, 0, 0)).max() <= 2


def test_a_tiff_of_several_pages_is_refused_by_their_number(tmp_path: Path) -> None:
    refusal = _refusal(tmp_path, sources.pages(5))
    assert refusal.code == "several-pages"
    assert "5 pages" in refusal.sentence
    assert "tiffsplit" in refusal.sentence
    assert _facts(tmp_path, sources.pages(1)).width_px == 60


def test_levels_that_no_field_calls_so_are_no_pages(tmp_path: Path) -> None:
    images = [Image.fromarray(drawn(400 >> level, 300 >> level)) for level in range(3)]
    out = BytesIO()
    images[0].save(out, "TIFF", save_all=True, append_images=images[1:])
    assert _facts(tmp_path, out.getvalue()).width_px == 400


def test_a_thumbnail_before_the_image_is_passed_over(tmp_path: Path) -> None:
    small, large = np.full((10, 10), 7, np.uint8), np.full((40, 60), 200, np.uint8)

    def directory(pixels: NDArray[np.uint8], at: int, kind: int) -> list[sources.Field]:
        values = {254: kind, 256: pixels.shape[1], 257: pixels.shape[0], 258: 8, 259: 1, 262: 1, 273: at, 277: 1}
        values |= {278: pixels.shape[0], 279: pixels.size}
        return [(tag, sources.LONG, 1, struct.pack("<I", value)) for tag, value in values.items()]

    body = small.tobytes() + large.tobytes()
    data = sources.tiff(body, [directory(small, 8, 1), directory(large, 8 + small.size, 0)])
    pixels = _pixels(tmp_path, data)
    assert pixels.shape == (40, 60, 3)
    assert (pixels == 200).all()


@pytest.mark.parametrize("kind", ["float", "int", "short"])
def test_measures_are_no_colours(tmp_path: Path, kind: str) -> None:
    image = pyvips.Image.new_from_array(drawn(40, 30), interpretation="srgb").cast(kind)
    refusal = _refusal(tmp_path, image.write_to_buffer(".tif"))
    assert refusal.code == "unsupported-pixels"
    assert "8 or 16 bits" in refusal.sentence


BAD = {
    "JPEG 2000 of too many pixels": (b"too-many-pixels", "JPEG 2000 codestream", lambda data: _wide(data)),
    "cut off JPEG 2000": (b"truncated-image", "JPEG 2000", lambda data: data[:-200]),
    "cut off HTJ2K": (b"truncated-image", "HTJ2K", lambda data: data[:-200]),
    "cut off DNG": (b"", "DNG", lambda data: data[:2000]),
    "cut off TIFF": (b"", "TIFF", lambda data: data[: len(data) // 2]),
    "cut off WebP": (b"", "WebP", lambda data: data[: len(data) // 2]),
    "cut off AVIF": (b"", "AVIF", lambda data: data[: len(data) // 2]),
    "cut off GIF": (b"", "GIF", lambda data: data[: len(data) // 2]),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_master_is_refused(tmp_path: Path, name: str) -> None:
    code, of, spoil = BAD[name]
    refusal = _refusal(tmp_path, spoil(EACH[of][1]))
    assert refusal.sentence.endswith(".")
    assert refusal.code == code.decode() if code else refusal.code in ("truncated-image", "not-an-image")


def _wide(data: bytes) -> bytes:
    return data[:8] + struct.pack(">II", 150_000, 150_000) + data[16:]


def test_heic_is_refused_by_its_name(tmp_path: Path) -> None:
    refusal = _refusal(tmp_path, b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(200))
    assert "HEIC" in refusal.sentence


def test_a_profile_of_a_jpeg_2000_counts(tmp_path: Path) -> None:
    pixels = drawn(WIDTH, HEIGHT)
    data = sources.jp2_with(imagecodecs.jpeg2k_encode(pixels, level=0, codecformat="j2k"), adobe_rgb_profile())
    assert _facts(tmp_path, data).icc_profile == "Adobe RGB (1998)"
    assert psnr(_pixels(tmp_path, data), adobe_rgb_as_srgb(pixels)) > 40


def test_the_camera_is_kept_with_the_derivative(runtime: Runtime) -> None:
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Canon", "EOS 5D\0\0"
    exif[0x013B], exif[0x8298] = "J. D##ring", "CC BY" + "!" * 5000
    exif._ifds[0x8769] = {
        0x829A: IFDRational(1, 125),
        0x829D: IFDRational(8),
        0x8827: 200,
        0x9003: "2019:05:06 10:11:12",
        0x9011: "+02:00",
        0x920A: IFDRational(100),
        0xA434: "EF100mm f/2.8",
    }
    exif._ifds[0x8825] = {
        1: "S",
        2: (IFDRational(52), IFDRational(31), IFDRational(696, 100)),
        3: "E",
        4: (IFDRational(13), IFDRational(24), IFDRational(2916, 100)),
    }
    media = derived(runtime, file_of(drawn(300, 200), exif=exif.tobytes().replace(b"##", "ö".encode())))
    assert Pyramid(runtime.blobs.path(media.pyramid_sha256)).camera == CameraFacts(
        taken_at="2019-05-06T10:11:12+02:00",
        make="Canon",
        model="EOS 5D",
        lens="EF100mm f/2.8",
        exposure="1/125",
        f_number=8.0,
        iso=200,
        focal_length_mm=100.0,
        artist="J. Döring",
        copyright="CC BY" + "!" * 195,
        latitude=-52.5186,
        longitude=13.4081,
    )


def test_the_camera_of_a_dng_is_known_and_broken_exif_is_not(runtime: Runtime) -> None:
    media = derived(runtime, EACH["DNG"][1])
    assert Pyramid(runtime.blobs.path(media.pyramid_sha256)).camera == CameraFacts(make="Lectotype", model="Drawn")
    media = derived(runtime, file_of(drawn(300, 200), exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff" + bytes(range(200))))
    assert media.state == "ready"
    assert Pyramid(runtime.blobs.path(media.pyramid_sha256)).camera == CameraFacts()
