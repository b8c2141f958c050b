"""TIFFs of every make: shown in true colours, or refused in plain words; never shown wrong."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from iiif.image.errors import RejectedImage
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.image.masters.derivatives import rgb_of
from tests.unit.iiif.image.sources import SHORT, tiff_of

LIMITS = DecodeLimits(10**7, 60, 2 * 10**9)
WHITE_IS_ZERO, BLACK_IS_ZERO, RGB, PALETTE, MASK, CMYK, YCBCR = range(7)
COLOUR = (200, 80, 30)
SIDES = (20, 30)
Samples = NDArray[np.integer[Any]]


def shown(data: bytes, folder: Path) -> tuple[int, ...]:
    """The one colour of the picture."""
    file = folder / "a.tif"
    file.write_bytes(data)
    pixels = rgb_of(file, LIMITS).reshape(-1, 3)
    assert np.ptp(pixels, axis=0).max() == 0
    return tuple(map(int, pixels[0]))


def flat(*values: int) -> Samples:
    return np.broadcast_to(np.array(values), (*SIDES, len(values)))


def colours(kind: int, bits: int) -> tuple[Samples, tuple[int, ...]]:
    """Samples of a colour, and how it looks."""
    top = 2**bits - 1
    scaled = [value * top // 255 for value in COLOUR]
    if kind == RGB:
        return flat(*scaled), COLOUR
    return flat(scaled[0] if kind == BLACK_IS_ZERO else top - scaled[0]), (COLOUR[0],) * 3


@pytest.mark.parametrize("planar", [False, True], ids=["together", "planar"])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [WHITE_IS_ZERO, BLACK_IS_ZERO, RGB], ids=["white is zero", "black is zero", "RGB"])
@pytest.mark.parametrize(
    ("extra", "transparent"),
    [((), False), (None, False), ((0,), False), ((2,), True), ((0, 0), False), ((0, 2), True), ((2, 0), True), ((2, 2), True)],
)
def test_extra_samples_are_what_the_file_says_of_them(
    kind: int, bits: int, planar: bool, extra: tuple[int, ...] | None, transparent: bool, tmp_path: Path
) -> None:
    samples, looks = colours(kind, bits)
    half = (2**bits - 1) // 2
    others = flat(*[half] * (1 if extra is None else len(extra)))
    data = tiff_of(np.concatenate([samples, others], axis=2), kind, bits, extra=extra, planar=planar)
    wanted = [(value + 255) / 2 if transparent else value for value in looks]
    assert shown(data, tmp_path) == pytest.approx(wanted, abs=1)


@pytest.mark.parametrize("extra", [(1,), (1, 0)])
@pytest.mark.parametrize("bits", [8, 16])
@pytest.mark.parametrize("kind", [BLACK_IS_ZERO, RGB])
def test_transparency_that_is_multiplied_in_is_taken_out(kind: int, bits: int, extra: tuple[int, ...], tmp_path: Path) -> None:
    samples, looks = colours(kind, bits)
    half = (2**bits - 1) // 2
    others = flat(*[half] * len(extra))
    data = tiff_of(np.concatenate([samples // 2, others], axis=2), kind, bits, extra=extra)
    assert shown(data, tmp_path) == pytest.approx([(value + 255) / 2 for value in looks], abs=2)


@pytest.mark.parametrize("bits", [8, 16])
def test_cmyk_looks_the_same_with_whatever_beside_it(bits: int, tmp_path: Path) -> None:
    top = 2**bits - 1
    inks = flat(*(top - value * top // 255 for value in COLOUR), 0)
    alone = shown(tiff_of(inks, CMYK, bits), tmp_path)
    assert alone[0] > alone[1] > alone[2]
    for extra in ((0,), (0, 0), None):
        others = flat(*[top // 2] * (len(extra) if extra else 1))
        assert shown(tiff_of(np.concatenate([inks, others], axis=2), CMYK, bits, extra=extra), tmp_path) == alone
    veiled = shown(tiff_of(np.concatenate([inks, flat(top // 2)], axis=2), CMYK, bits, extra=(2,)), tmp_path)
    assert veiled == pytest.approx([(value + 255) / 2 for value in alone], abs=1)


@pytest.mark.parametrize("bits", [1, 2, 4])
def test_few_bits_of_grey_are_shown(bits: int, tmp_path: Path) -> None:
    top = 2**bits - 1
    for value in (0, top):
        assert shown(tiff_of(flat(value), BLACK_IS_ZERO, bits), tmp_path) == (255 * value // top,) * 3
        assert shown(tiff_of(flat(value), WHITE_IS_ZERO, bits), tmp_path) == (255 - 255 * value // top,) * 3


def test_a_palette_with_unspecified_samples_is_shown(tmp_path: Path) -> None:
    table = np.zeros((3, 256), "<u2")
    table[:, 7] = [value * 257 for value in COLOUR]
    palette = (320, SHORT, 768, table.tobytes())
    assert shown(tiff_of(flat(7), PALETTE, more=(palette,)), tmp_path) == COLOUR
    assert shown(tiff_of(flat(7, 128), PALETTE, extra=(0,), more=(palette,)), tmp_path) == COLOUR


@pytest.mark.parametrize(
    ("data", "why"),
    [
        *((tiff_of(flat(*[9] * count), RGB if count == 3 else BLACK_IS_ZERO, bits), f"{bits} bits a channel")
          for bits in range(9, 16) for count in (1, 3)),
        (tiff_of(flat(1, 1, 1), RGB, 4), "4 bits a channel"),
        (tiff_of(flat(120, 100, 200), YCBCR), "YCbCr without JPEG"),
        (tiff_of(flat(120, 100, 200), YCBCR, 16, planar=True), "YCbCr without JPEG"),
        (tiff_of(flat(1), MASK), "a mask"),
        (tiff_of(flat(1, 2, 3), 9), "ICC"),
        (tiff_of(flat(1), 32844, 16), "logarithmic luminance"),
        (tiff_of(flat(1), 777), "photometric interpretation 777"),
        (tiff_of(flat(1), RGB), "too few"),
        (tiff_of(flat(1, 2, 3, 4, 5), CMYK, more=((332, SHORT, 1, b"\x02\0"),)), "inks other than"),
        (tiff_of(flat(1, 2, 3, 4, 5), CMYK, extra=(1,)), "multiplied"),
        (tiff_of(flat(9, 9), WHITE_IS_ZERO, extra=(1,)), "multiplied"),
    ],
)  # fmt: skip
def test_what_would_be_shown_wrong_is_refused_with_the_reason(data: bytes, why: str, tmp_path: Path) -> None:
    with pytest.raises(RejectedImage, match=why) as refused:
        shown(data, tmp_path)
    assert refused.value.code == "unsupported-pixels"
    assert "save it as RGB or grey" in refused.value.sentence


def test_channels_of_different_bits_are_refused(tmp_path: Path) -> None:
    data = tiff_of(flat(1, 2, 3), RGB).replace(b"\x08\0\x08\0\x08\0", b"\x08\0\x08\0\x10\0")
    with pytest.raises(RejectedImage, match=r"different numbers of bits \(8, 16\)"):
        shown(data, tmp_path)
