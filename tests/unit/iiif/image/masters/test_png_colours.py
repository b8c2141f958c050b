"""PNG with gAMA and cHRM and without a profile: shown as the numbers mean, by our own arithmetic."""

import struct
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.image.masters.derivatives import decode_check, rgb_of
from tests.unit.iiif.image.pictures import adobe_rgb_as_srgb, drawn
from tests.unit.iiif.image.sources import png_chunk

LIMITS = DecodeLimits(10**7, 60, 2 * 10**9)
SRGB = (0.3127, 0.3290, 0.64, 0.33, 0.30, 0.60, 0.15, 0.06)
ADOBE = (0.3127, 0.3290, 0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
ADOBE_GAMMA = 563 / 256
RAMP = np.arange(256, dtype=np.uint8).reshape(16, 16).repeat(4, axis=0).repeat(4, axis=1)


def gama(gamma: float) -> bytes:
    return png_chunk(b"gAMA", struct.pack(">I", round(100_000 / gamma)))


def chrm(values: tuple[float, ...]) -> bytes:
    return png_chunk(b"cHRM", struct.pack(">8I", *(round(value * 100_000) for value in values)))


def with_chunks(picture: Image.Image, *chunks: bytes) -> bytes:
    """The PNG of the picture with these chunks behind its header."""
    out = BytesIO()
    picture.save(out, "PNG")
    data = out.getvalue()
    return data[:33] + b"".join(chunks) + data[33:]


def shown(data: bytes, folder: Path) -> NDArray[np.uint8]:
    file = folder / "a.png"
    file.write_bytes(data)
    return rgb_of(file, LIMITS)


def as_srgb(light: NDArray[np.float64]) -> NDArray[np.float64]:
    """Light from 0 to 1 in the numbers of sRGB (IEC 61966-2-1)."""
    return 255 * np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)


@pytest.mark.parametrize("mode", ["RGB", "L", "RGBA", "LA", "P", "I;16"])
@pytest.mark.parametrize("gamma", [1.0, 1.8, 2.6])
def test_a_gamma_is_taken_out(mode: str, gamma: float, tmp_path: Path) -> None:
    picture = Image.fromarray(RAMP.astype(np.uint16) * 257) if mode == "I;16" else Image.fromarray(RAMP).convert(mode)
    pixels = shown(with_chunks(picture, gama(gamma)), tmp_path).astype(float)
    wanted = as_srgb((RAMP / 255) ** gamma)
    assert np.abs(pixels - wanted[..., None]).max() <= 1.5


def test_primaries_are_converted(tmp_path: Path) -> None:
    numbers = drawn(120, 90)
    pixels = shown(with_chunks(Image.fromarray(numbers), gama(ADOBE_GAMMA), chrm(ADOBE)), tmp_path)
    difference = np.abs(pixels.astype(int) - adobe_rgb_as_srgb(numbers))
    assert (difference.mean(), difference.max()) <= (1.0, 6)
    assert np.abs(pixels.astype(int) - numbers).max() > 20, "it makes a difference"
    assert decode_check(tmp_path / "a.png", LIMITS).icc_profile == "PNG, by its gAMA and cHRM"


@pytest.mark.parametrize(
    "chunks",
    [
        (),
        (gama(2.2),),
        (gama(2.2), chrm(SRGB)),
        (chrm(SRGB),),
        (png_chunk(b"sRGB", b"\0"), gama(1.0), chrm(ADOBE)),
        (png_chunk(b"gAMA", bytes(4)),),
        (png_chunk(b"gAMA", b"\xff\xff\xff\xff"),),
        (png_chunk(b"cHRM", bytes(32)),),
        (png_chunk(b"cHRM", struct.pack(">8I", *[31_270] * 8)),),
    ],
    ids=["nothing", "gamma", "both", "primaries", "sRGB goes first", "no gamma", "absurd gamma", "no colours", "one colour"],
)
def test_what_says_no_more_than_srgb_or_nonsense_changes_no_number(chunks: tuple[bytes, ...], tmp_path: Path) -> None:
    numbers = drawn(60, 40)
    assert np.array_equal(shown(with_chunks(Image.fromarray(numbers), *chunks), tmp_path), numbers)
