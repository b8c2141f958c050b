"""Colours of tagged masters, beside what LittleCMS makes of the same numbers by itself: ΔE 2000 of every patch."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
import pyvips
from numpy.typing import NDArray
from PIL import Image, ImageCms

from app.runtime.context import Runtime
from iiif.image.masters import decoder_client
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import render
from iiif.image.request import PixelBox
from tests.unit.iiif.image import sources
from tests.unit.iiif.image.pictures import derived, icc_profile

LIMITS = DecodeLimits(max_pixels=10**9, seconds=60, address_space=4 * 10**9)
PATCH_PX, STEPS = 16, 6
ADOBE = ((0.60974, 0.31111, 0.01947), (0.20528, 0.62567, 0.06087), (0.14919, 0.06322, 0.74457))  # at D50
PROPHOTO = ((0.79767, 0.28804, 0.0), (0.13519, 0.71188, 0.0), (0.03134, 0.00009, 0.82491))
GAMMAS = {"Adobe RGB": 563 / 256, "ProPhoto RGB": 1.8}
RELATIVE = ImageCms.Intent.RELATIVE_COLORIMETRIC
BLACK_POINT = ImageCms.Flags.BLACKPOINTCOMPENSATION
PROFILES = {name: icc_profile(name, primaries, GAMMAS[name]) for name, primaries in zip(GAMMAS, (ADOBE, PROPHOTO), strict=True)}
CMYK: bytes = pyvips.Operation.call("profile_load", "cmyk")


def _target(channels: int) -> NDArray[np.uint8]:
    """(height, width, channels): one patch for every combination of STEPS values, as many as fit into 36 columns."""
    values = np.linspace(0, 255, STEPS).round().astype(np.uint8)
    grid = np.stack(np.meshgrid(*[values] * min(channels, 3), indexing="ij"), -1).reshape(-1, min(channels, 3))
    if channels == 1:
        grid = np.linspace(0, 255, 216).round().astype(np.uint8)[:, None]
    if channels == 4:
        grid = np.hstack([grid, np.resize(np.array([0, 60, 140], np.uint8), (len(grid), 1))])
    patches = grid.reshape(6, 36, channels)
    return patches.repeat(PATCH_PX, axis=0).repeat(PATCH_PX, axis=1)


def _reference(numbers: NDArray[np.uint8], mode: str, profile: bytes) -> NDArray[np.uint8]:
    """In sRGB, by LittleCMS through Pillow."""
    image = Image.fromarray(numbers[:, :, 0] if mode == "L" else numbers, mode)
    opened = ImageCms.ImageCmsProfile(BytesIO(profile))
    srgb = ImageCms.createProfile("sRGB")
    made = ImageCms.profileToProfile(image, opened, srgb, renderingIntent=RELATIVE, outputMode="RGB", flags=BLACK_POINT)
    assert made is not None
    return np.asarray(made)


def _differences(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> NDArray[np.float32]:
    """ΔE 2000 in the middle of every patch."""
    half = PATCH_PX // 2
    lab = [
        pyvips.Image.new_from_array(np.ascontiguousarray(each[half::PATCH_PX, half::PATCH_PX]), interpretation="srgb")
        for each in (one, other)
    ]
    return lab[0].colourspace("lab").dE00(lab[1].colourspace("lab")).numpy()


def _assert_alike(one: NDArray[np.uint8], other: NDArray[np.uint8], most: float = 2.0) -> None:
    differences = _differences(one, other)
    assert differences.mean() <= most
    assert np.percentile(differences, 95) <= most


def _pixels(folder: Path, data: bytes) -> NDArray[np.uint8]:
    path = folder / "master"
    path.write_bytes(data)
    return decoder_client.pixels(path, LIMITS, folder)


def _saved(numbers: NDArray[np.uint8], mode: str, format_: str, **options: object) -> bytes:
    out = BytesIO()
    Image.fromarray(numbers[:, :, 0] if mode == "L" else numbers, mode).save(out, format_, **options)
    return out.getvalue()


@pytest.mark.parametrize("name", PROFILES)
@pytest.mark.parametrize("format_", ["PNG", "TIFF", "WEBP"])
def test_rgb_by_its_profile(tmp_path: Path, name: str, format_: str) -> None:
    numbers = _target(3)
    options = {"lossless": True} if format_ == "WEBP" else {}
    pixels = _pixels(tmp_path, _saved(numbers, "RGB", format_, icc_profile=PROFILES[name], **options))
    _assert_alike(pixels, _reference(numbers, "RGB", PROFILES[name]))
    assert _differences(pixels, numbers).mean() > 2  # so the profile does matter


@pytest.mark.parametrize("suffix", [".tif", ".png"])
@pytest.mark.parametrize("alpha", [False, True])
def test_sixteen_bits_by_their_profile(tmp_path: Path, suffix: str, alpha: bool) -> None:
    numbers = _target(3)
    wide = numbers.astype(np.uint16) * 257
    if alpha:
        wide = np.dstack([wide, np.full(wide.shape[:2], 65_535, np.uint16)])
    data = sources.of_vips(wide, suffix, "rgb16", profile=PROFILES["ProPhoto RGB"])
    _assert_alike(_pixels(tmp_path, data), _reference(numbers, "RGB", PROFILES["ProPhoto RGB"]))


@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.2])
def test_grey_by_its_profile(tmp_path: Path, gamma: float) -> None:
    numbers = _target(1)
    data = _saved(numbers, "L", "TIFF", icc_profile=icc_profile("grey", (), gamma))
    linear = (numbers / 255) ** gamma
    srgb = np.where(linear <= 0.0031308, 12.92 * linear, 1.055 * linear ** (1 / 2.4) - 0.055)
    expected = (srgb * 255).round().astype(np.uint8).repeat(3, axis=2)
    _assert_alike(_pixels(tmp_path, data), expected)


@pytest.mark.parametrize("tagged", [True, False])
@pytest.mark.parametrize("format_", ["TIFF", "JPEG"])
def test_cmyk_with_and_without_its_profile(tmp_path: Path, format_: str, tagged: bool) -> None:
    numbers = _target(4)
    options = {"icc_profile": CMYK} if tagged else {}
    options |= {"quality": 100, "subsampling": 0} if format_ == "JPEG" else {}
    _assert_alike(_pixels(tmp_path, _saved(numbers, "CMYK", format_, **options)), _reference(numbers, "CMYK", CMYK))


def test_lab_is_of_d50(tmp_path: Path) -> None:
    numbers = _target(3)
    to_lab = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), "RGB", "LAB", RELATIVE)
    lab = ImageCms.applyTransform(Image.fromarray(numbers), to_lab)
    assert lab is not None
    out = BytesIO()
    lab.save(out, "TIFF")
    _assert_alike(_pixels(tmp_path, out.getvalue()), numbers)


def test_a_raw_file_shows_what_the_sensor_saw(tmp_path: Path) -> None:
    numbers = _target(3)
    _assert_alike(_pixels(tmp_path, sources.dng(numbers)), numbers)


@pytest.mark.parametrize("name", PROFILES)
def test_the_derivative_has_the_same_colours(runtime: Runtime, name: str) -> None:
    numbers = _target(3)
    media = derived(runtime, _saved(numbers, "RGB", "PNG", icc_profile=PROFILES[name]))
    assert media.icc_profile == name
    whole = PixelBox(0, 0, media.width_px, media.height_px)
    pyramid = Pyramid(runtime.blobs.path(media.pyramid_sha256))
    pixels = render.scaled(pyramid, whole, media.width_px, media.height_px)
    _assert_alike(pixels, _reference(numbers, "RGB", PROFILES[name]))


def test_a_profile_for_other_channels_is_left_out(tmp_path: Path) -> None:
    numbers = _target(3)
    assert np.array_equal(_pixels(tmp_path, sources.of_vips(numbers, ".tif", "srgb", profile=CMYK)), numbers)
    broken = PROFILES["Adobe RGB"][:200] + bytes(len(PROFILES["Adobe RGB"]) - 200)
    assert np.array_equal(_pixels(tmp_path, sources.of_vips(numbers, ".png", "srgb", profile=broken)), numbers)


def test_a_camera_that_only_names_adobe_rgb_is_believed(tmp_path: Path) -> None:
    numbers = _target(3)
    exif = Image.Exif()
    exif._ifds[0x8769] = {0xA001: 65_535, 0xA005: {1: "R03", 2: b"0100"}}
    data = _saved(numbers, "RGB", "JPEG", quality=100, subsampling=0, exif=exif.tobytes())
    _assert_alike(_pixels(tmp_path, data), _reference(numbers, "RGB", PROFILES["Adobe RGB"]))
    assert decoder_client.check(tmp_path / "master", LIMITS).icc_profile == "Adobe RGB (1998)"


def test_a_profile_says_its_name_in_either_version() -> None:
    from iiif.image.masters.colour import name_of

    assert name_of(PROFILES["Adobe RGB"]) == "Adobe RGB"
    text = "Größe\u0007 2"
    mluc = struct.pack(">4sIII2s2sII", b"mluc", 0, 1, 12, b"en", b"US", 2 * len(text), 28) + text.encode("utf-16-be")
    four = bytes(36) + b"acsp" + bytes(88) + struct.pack(">I4sII", 1, b"desc", 144, len(mluc)) + mluc
    assert name_of(four) == "Größe 2"
    assert name_of(b"") == "unreadable"
    assert name_of(four[:150]) == "unreadable"
