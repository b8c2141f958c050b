"""What the worker makes of masters of every kind, good and bad."""

import dataclasses
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
import pyvips
from PIL import Image

from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image import service
from iiif.image.actors import derive_image
from iiif.image.errors import RejectedImage
from iiif.image.masters import decoder_client
from iiif.image.pyramid import format as pyramid_format
from iiif.image.rendering import render
from iiif.image.request import PixelBox
from tests.unit.iiif.image.pictures import (
    adobe_rgb_as_srgb,
    adobe_rgb_profile,
    derived,
    drawn,
    enter,
    file_of,
    psnr,
)

LIMITS = service.DecodeLimits(max_pixels=10**9, seconds=60, address_space=6 * 10**9)


def _open(runtime: Runtime, media: Media) -> pyramid_format.Pyramid:
    return pyramid_format.Pyramid(runtime.blobs.path(media.pyramid_sha256))


def _full(runtime: Runtime, media: Media) -> np.ndarray:
    return render.scaled(_open(runtime, media), PixelBox(0, 0, media.width_px, media.height_px), media.width_px, media.height_px)


def _png_header(width: int, height: int) -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")


def test_an_image_of_one_pixel_is_an_image(runtime: Runtime) -> None:
    media = derived(runtime, file_of(np.full((1, 1, 3), (10, 120, 200), np.uint8), "PNG"))
    assert (media.state, media.width_px, media.height_px) == ("ready", 1, 1)
    assert np.abs(_full(runtime, media).astype(int) - (10, 120, 200)).max() <= 4


def test_the_derivative_looks_like_the_master(runtime: Runtime) -> None:
    pixels = drawn(1500, 1100)
    media = derived(runtime, file_of(pixels, "PNG"))
    assert psnr(_full(runtime, media), pixels) > 35
    assert np.array_equal(service.load_rgb(runtime.blobs, media, LIMITS), pixels)
    assert service.load_rgb(runtime.blobs, media, LIMITS, max_side=300).shape == (220, 300, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_turned_photograph_is_set_upright(runtime: Runtime, orientation: int) -> None:
    upright = drawn(700, 500)
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # PIL transpositions that a camera of that orientation would have made
    stored = Image.fromarray(upright)
    if orientation > 1:
        stored = stored.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    media = derived(runtime, file_of(stored, exif=exif.tobytes()))
    assert (media.width_px, media.height_px, media.exif_orientation) == (700, 500, orientation)
    assert psnr(_full(runtime, media), upright) > 35
    assert psnr(service.load_rgb(runtime.blobs, media, LIMITS), upright) > 38


def test_an_adobe_rgb_photograph_keeps_its_colours(runtime: Runtime) -> None:
    pixels = drawn(800, 600)
    media = derived(runtime, file_of(pixels, "PNG", icc_profile=adobe_rgb_profile()))
    assert media.icc_profile == "Adobe RGB (1998)"
    reference, served = (
        pyvips.Image.new_from_array(array, interpretation="srgb").colourspace("lab")
        for array in (adobe_rgb_as_srgb(pixels), _full(runtime, media))
    )
    assert served.dE00(reference).avg() <= 2
    untouched = pyvips.Image.new_from_array(pixels, interpretation="srgb").colourspace("lab")
    assert served.dE00(untouched).avg() > 3  # so the profile does matter here


def test_sixteen_bits_become_eight(runtime: Runtime, tmp_path: Path) -> None:
    pixels = drawn(600, 400)
    wide = pyvips.Image.new_from_array(pixels.astype(np.uint16) * 257, interpretation="rgb16")
    wide.tiffsave(str(tmp_path / "wide.tif"))
    media = derived(runtime, (tmp_path / "wide.tif").read_bytes(), "wide.tif")
    assert psnr(_full(runtime, media), pixels) > 35


def test_grey_of_sixteen_bits_becomes_grey(runtime: Runtime, tmp_path: Path) -> None:
    pixels = drawn(300, 200)[:, :, 0]
    pyvips.Image.new_from_array(pixels.astype(np.uint16) * 257, interpretation="grey16").tiffsave(str(tmp_path / "grey.tif"))
    media = derived(runtime, (tmp_path / "grey.tif").read_bytes(), "grey.tif")
    assert psnr(_full(runtime, media), np.repeat(pixels[:, :, None], 3, axis=2)) > 35


def test_a_cmyk_photograph_is_not_a_negative(runtime: Runtime) -> None:
    pixels = np.full((300, 400, 3), (240, 230, 60), np.uint8)
    media = derived(runtime, file_of(Image.fromarray(pixels).convert("CMYK")))
    red, green, blue = _full(runtime, media).mean(axis=(0, 1))
    assert media.state == "ready"
    assert red > 190
    assert green > 180
    assert blue < 120


def test_transparency_lies_on_white(runtime: Runtime) -> None:
    grey = np.zeros((200, 300, 2), np.uint8)
    grey[:, :, 0] = 90
    grey[:, 150:, 1] = 255
    media = derived(runtime, file_of(Image.fromarray(grey), "PNG"), "grey.png")
    pixels = _full(runtime, media)
    assert np.abs(pixels[:, :140].astype(int) - 255).max() <= 3
    assert np.abs(pixels[:, 160:].astype(int) - 90).max() <= 3


def test_a_palette_is_resolved(runtime: Runtime) -> None:
    image = Image.fromarray(drawn(300, 200)).quantize(64)
    media = derived(runtime, file_of(image, "PNG"), "palette.png")
    assert psnr(_full(runtime, media), np.asarray(image.convert("RGB"))) > 30


def test_a_broken_profile_does_not_stop_an_image(runtime: Runtime) -> None:
    media = derived(runtime, file_of(drawn(300, 200), icc_profile=b"no profile at all" * 20))
    assert media.state == "ready"


BAD = {
    "cut off": (file_of(drawn(900, 700))[:-20_000], "truncated-image"),
    "cut off PNG": (file_of(drawn(900, 700), "PNG")[:-20_000], "truncated-image"),
    "header bomb": (_png_header(50_000, 50_000), "too-many-pixels"),
    "text": (b"Quercus robur L., Berlin, 1821\n" * 40, "not-an-image"),
    "empty": (b"", "not-an-image"),
    "svg": (b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>', "not-an-image"),
    "half a header": (file_of(drawn(90, 70))[:30], "not-an-image"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_file_fails_with_its_reason_and_leaves_nothing(runtime: Runtime, tmp_path: Path, name: str) -> None:
    data, code = BAD[name]
    path = tmp_path / "sheet.jpg"
    path.write_bytes(data)
    with pytest.raises(RejectedImage) as caught:
        service.decode_check(path, LIMITS)
    assert caught.value.code == code
    media = derived(runtime, data)
    assert media.state == "failed"
    assert media.state_reason.endswith(".")
    assert media.pyramid_sha256 == ""
    assert list((runtime.blobs.root / "incoming").iterdir()) == []
    assert [entry.sha256 for entry in runtime.blobs.entries()] == [media.sha256]


def test_lost_data_are_noticed_behind_a_whole_end(runtime: Runtime) -> None:
    whole = file_of(drawn(900, 700))
    media = derived(runtime, whole[:-20_000] + b"\xff\xd9")
    assert media.state == "failed"
    assert "premature end" in media.state_reason


def test_a_harmless_oddity_is_forgiven(runtime: Runtime) -> None:
    media = derived(runtime, file_of(drawn(300, 200))[:-2] + b"\0\0\0\xff\xd9")
    assert media.state == "ready"


def test_a_job_may_be_repeated(runtime: Runtime) -> None:
    media = derived(runtime, file_of(drawn(300, 200)))
    derive_image.fn(media.key)
    bad = derived(runtime, b"no image")
    derive_image.fn(bad.key)
    with runtime.reads.begin() as session:
        assert catalogue.get_media(session, media.key) == media
        assert catalogue.get_media(session, bad.key) == bad


def test_a_pyramid_that_was_lost_is_made_again(runtime: Runtime) -> None:
    media = derived(runtime, file_of(drawn(300, 200)))
    runtime.blobs.delete(media.pyramid_sha256)
    derive_image.fn(media.key)
    assert runtime.blobs.has(media.pyramid_sha256)


def test_the_facts_of_a_header(tmp_path: Path) -> None:
    path = tmp_path / "sheet.jpg"
    path.write_bytes(file_of(drawn(640, 480)))
    assert service.decode_check(path, LIMITS) == service.ImageFacts("image/jpeg", 640, 480, 1, "")
    with pytest.raises(RejectedImage, match="LECTOTYPE_MAX_PIXELS"):
        service.decode_check(path, dataclasses.replace(LIMITS, max_pixels=1000))


def test_other_pixels_than_the_header_told_of_are_refused(runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a reader of raw files might give them, which tells the size before it decodes."""
    told = decoder_client.derive
    monkeypatch.setattr(decoder_client, "derive", lambda *arguments: dataclasses.replace(told(*arguments), width_px=61))
    media = derived(runtime, file_of(drawn(60, 40)))
    assert (media.state, media.pyramid_sha256) == ("failed", "")
    assert "61 × 40 pixels, but 60 × 40 were decoded" in media.state_reason


def test_a_lost_master_is_a_failure(runtime: Runtime) -> None:
    media = enter(runtime, file_of(drawn(30, 20)))
    runtime.blobs.delete(media.sha256)
    with pytest.raises(RejectedImage):
        service.make_derivative(runtime.blobs, media.sha256, LIMITS)
