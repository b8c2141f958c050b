"""The scale of a photograph, held to rulers drawn here, whose scale is known: right within a per cent or not told at all."""

import csv
import math
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from font_caladea import Caladea
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from analytics.steps import image as images
from analytics.steps import ruler, ruler_numbers
from analytics.steps.model import SheetImage, StepContext, StepResult
from analytics.steps.ocr_engine import TextLine
from tests.photographs import pixels_of
from tests.scales import KINDS, Drawing, blocks, inches, inches_and_centimetres, millimetres, photograph, plain_marks


def scale(image: SheetImage) -> StepResult:
    return ruler.run(image, {}, StepContext())


def assert_within_a_per_cent(result: StepResult, px_per_mm: float) -> None:
    assert result.findings, result.nothing_found
    (finding,) = result.findings
    assert finding.value == pytest.approx(px_per_mm, rel=0.01)
    assert finding.unit == "px/mm"
    assert finding.uncertainty is not None
    assert 0 < finding.uncertainty < 0.01 * px_per_mm


@pytest.mark.parametrize("degrees", [0, 90, 180, 3, -2])
@pytest.mark.parametrize("draw", [millimetres, inches_and_centimetres])
def test_a_ruler_of_millimetres_tells_the_scale(draw: Callable[[float], Drawing], degrees: float) -> None:
    assert_within_a_per_cent(scale(draw(12.0).photograph(degrees)), 12.0)


def test_a_ruler_is_found_at_any_angle() -> None:
    assert_within_a_per_cent(scale(millimetres(10.0).photograph(31)), 10.0)


def test_an_image_of_more_pixels_than_may_be_held_is_looked_at_reduced(monkeypatch: pytest.MonkeyPatch) -> None:
    image = millimetres(24.0).photograph(0)
    monkeypatch.setattr(images, "MOST_HELD_PX", image.width_px * image.height_px - 1)
    assert_within_a_per_cent(scale(image), 24.0)


@pytest.mark.parametrize("degrees", [0, 90])
def test_half_millimetres_are_not_taken_for_millimetres(degrees: float) -> None:
    assert_within_a_per_cent(scale(millimetres(16.0, 60, half=True).photograph(degrees)), 16.0)


@pytest.mark.parametrize(("noise", "blur"), [(10.0, 0.0), (3.0, 1.5)])
def test_noise_and_blur_are_borne(noise: float, blur: float) -> None:
    assert_within_a_per_cent(scale(millimetres(14.0).photograph(1.0, noise, blur)), 14.0)


@pytest.mark.parametrize("degrees", [0, 1])
def test_a_bar_of_centimetres_is_told_by_its_divided_block(degrees: float) -> None:
    result = scale(blocks(12.0).photograph(degrees))
    assert_within_a_per_cent(result, 12.0)
    assert result.findings[0].data["pattern"] == "divided bar"


def test_inches_alone_are_not_taken_for_millimetres() -> None:
    result = scale(inches(12.0).photograph())
    assert not result.findings or result.findings[0].value == pytest.approx(12.0, rel=0.01)


def test_marks_that_are_all_alike_tell_no_unit() -> None:
    result = scale(plain_marks(12.0).photograph())
    assert not result.findings
    assert "unit" in result.nothing_found


@pytest.mark.parametrize("kind", ["comb on a chart", "steel", "wooden", "alternating blocks", "graph paper", "bar with words"])
def test_of_every_kind_the_scale_is_right_or_unresolved(kind: str) -> None:
    result = scale(KINDS[kind](9.0).photograph(1.0))
    assert result.nothing_found or result.findings[0].value == pytest.approx(9.0, rel=0.01)
    assert not (kind in ("comb on a chart", "steel", "wooden") and result.nothing_found), "these are read"


@settings(max_examples=12, deadline=None)
@given(
    px_per_mm=st.floats(6.0, 40.0),
    degrees=st.sampled_from([0.0, 90.0, 180.0, 270.0]).flatmap(lambda turn: st.floats(turn - 2.5, turn + 2.5)),
    half=st.booleans(),
)
def test_at_any_scale_and_angle_it_is_right_or_says_nothing(px_per_mm: float, degrees: float, half: bool) -> None:
    result = scale(millimetres(px_per_mm, 50, half=half).photograph(degrees))
    assert not result.findings or result.findings[0].value == pytest.approx(px_per_mm, rel=0.01)


def texture() -> NDArray[np.float64]:
    return np.random.default_rng(1).normal(150, 40, (1200, 1600))


def barcode() -> NDArray[np.float64]:
    widths = np.random.default_rng(2).integers(1, 5, 240) * 3
    bars = np.repeat(np.arange(240) % 2 * 220 + 20.0, widths)
    picture = np.full((900, len(bars) + 200), 235.0)
    picture[300:500, 100:-100] = bars
    return picture


def lines_of_text() -> NDArray[np.float64]:
    page = Image.new("L", (1500, 1100), 240)
    font = ImageFont.truetype(Caladea, 28)
    for row in range(24):
        ImageDraw.Draw(page).text(
            (60, 30 + 42 * row), f"{1990 + row}  Quercus robur L., Meise, no. {17 * row}, det. 3 June", 30, font
        )
    return np.asarray(page, float)


def veins() -> NDArray[np.float64]:
    leaf = np.full((1000, 1400), 120, np.uint8)
    cv2.line(leaf, (50, 500), (1350, 500), 60, 9)
    for vein in range(22):
        x = 80 + 55 * vein + vein % 3 * 5
        cv2.line(leaf, (x, 500), (x + 160, 120), 75, 4, cv2.LINE_AA)
        cv2.line(leaf, (x, 500), (x + 160, 880), 75, 4, cv2.LINE_AA)
    return leaf.astype(float)


def numbers_without_marks() -> NDArray[np.float64]:
    page = Image.new("L", (1400, 700), 240)
    font = ImageFont.truetype(Caladea, 44)
    for number in range(1, 11):
        ImageDraw.Draw(page).text((100 + 115 * number, 350), str(number), 30, font, anchor="mm")
    return np.asarray(page, float)


@pytest.mark.parametrize("draw", [texture, barcode, lines_of_text, veins, numbers_without_marks])
def test_where_no_ruler_is_none_is_found(draw: Callable[[], NDArray[np.float64]]) -> None:
    result = scale(photograph(draw(), 1.0))
    assert not result.findings
    assert result.nothing_found


def number(text: str, x: float, y: float) -> TextLine:
    return TextLine(text, 0.99, np.array([(x - 9, y - 9), (x + 9, y - 9), (x + 9, y + 9), (x - 9, y + 9)], float))


def test_numbers_that_rise_evenly_are_found_among_others() -> None:
    written = [number(str(value), 300 - 40.5 * value, 100 + 2 * value) for value in (1, 2, 3, 5, 6)]
    others = [number("1907", 50, 60), number("4", 400, 400), number("23", 10, 10), number("cm", 305, 130)]
    (found,) = ruler_numbers.progressions([*others, *written])
    assert found.values == (1, 2, 3, 5, 6)
    assert found.unit_px == pytest.approx(math.hypot(40.5, 2), rel=1e-6)
    assert found.direction[0] < 0
    assert found.words == {"cm"}


def test_numbers_that_rise_by_tens_count_by_ten() -> None:
    (found,) = ruler_numbers.progressions([number(str(10 * value), 100 * value, 50) for value in range(1, 7)])
    assert (found.step, found.step_px) == (10, pytest.approx(100))


def test_three_numbers_or_uneven_ones_are_no_progression() -> None:
    assert not ruler_numbers.progressions([number(str(value), 100 * value, 50) for value in (1, 2, 3)])
    assert not ruler_numbers.progressions([number(str(value), 20 * 2.0**value, 50) for value in range(1, 8)])


STAND_FOR_ALL = {  # one of each kind that is read, and three without a scale; `make accuracy-scale` measures all
    "insect_jrd_500606.jpg", "insect_mothra_1105737_angle90.jpg", "insect_nhm_augochlora.jpg", "moss_mich_710017.jpg",
    "packet_mich_710015.jpg", "plant_nhm_cardamine_9barcodes.png", "ruler_leafarea_wood.jpg",
    "drawer_inselect_lucanidae.jpg", "slide_nhm_quadraceps.png", "beetle_beetleflow_0156.png",
}  # fmt: skip


@pytest.mark.slow
def test_photographs_of_known_scale(shared: Path) -> None:
    folder = shared / "data" / "specimens"
    rows = list(csv.DictReader((folder / "truth.csv").read_text(encoding="utf-8").splitlines()))
    known = {row["file"]: float(row["px_per_mm"] or "nan") for row in rows if row["file"] in STAND_FOR_ALL}
    results = {name: scale(SheetImage(pixels_of(folder / name))) for name in known}
    for name, px_per_mm in known.items():
        if math.isnan(px_per_mm):
            assert not results[name].findings, name
        else:
            assert results[name].findings, (name, results[name].nothing_found)
            assert results[name].findings[0].value == pytest.approx(px_per_mm, rel=0.01), name
