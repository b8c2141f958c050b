"""Colour charts, held to drawn ones whose colours are known, and to pictures that have none."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import chart, chart_colours
from analytics.steps.image import SheetImage
from analytics.steps.model import Finding, StepContext
from tests.photographs import pixels_of

GROUND, CARD = (205, 200, 190), (26, 26, 27)
PITCH = 46


def card(colours: NDArray[np.float64], gap: int = 6) -> NDArray[np.uint8]:
    """Patches, (rows, columns, 3), on a dark card."""
    rows, columns = colours.shape[:2]
    drawn = np.full((rows * PITCH + gap, columns * PITCH + gap, 3), CARD, np.uint8)
    for row, column in np.ndindex(rows, columns):
        y, x = row * PITCH + gap, column * PITCH + gap
        drawn[y : y + PITCH - gap, x : x + PITCH - gap] = colours[row, column]
    return drawn


def photograph(drawn: NDArray[np.uint8], degrees: float = 0.0, quality: int = 90) -> NDArray[np.uint8]:
    """The card on a sheet of 900 x 800 pixels, turned about its middle, noisy and stored as JPEG."""
    height, width = drawn.shape[:2]
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    turn[:, 2] += (450 - width / 2, 400 - height / 2)
    seen = cv2.warpAffine(drawn, turn, (900, 800), flags=cv2.INTER_AREA, borderValue=GROUND).astype(np.float64)
    seen = np.clip(cv2.GaussianBlur(seen, (0, 0), 0.8) + np.random.default_rng(3).normal(0, 2, seen.shape), 0, 255)
    _, stored = cv2.imencode(".jpg", seen.astype(np.uint8)[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(stored, cv2.IMREAD_COLOR)[:, :, ::-1])


def found(rgb: NDArray[np.uint8]) -> Finding:
    result = chart.run(SheetImage(rgb), {}, StepContext())
    assert result.findings, result.nothing_found
    return result.findings[0]


@pytest.mark.parametrize("quarters", range(4))
@pytest.mark.parametrize("degrees", [0, 7, -31])
def test_the_classic_chart_is_known_however_it_lies(quarters: int, degrees: float) -> None:
    finding = found(photograph(card(np.rot90(chart_colours.CLASSIC_24, -quarters)), degrees))
    assert finding.data["chart"] == "Classic 24"
    turned = (finding.data["quarterTurns"] * 90 + finding.data["angleDeg"] - quarters * 90 + degrees) % 360
    assert min(turned, 360 - turned) < 2
    assert len(finding.data["patches"]) == 24
    assert finding.value is not None
    assert finding.value < 2.5


def test_the_patches_lie_where_they_were_drawn() -> None:
    finding = found(photograph(card(chart_colours.CLASSIC_24)))
    left, top = 450 - (6 * PITCH + 6) / 2, 400 - (4 * PITCH + 6) / 2
    for patch in finding.data["patches"]:
        x, y = patch["placePx"]
        assert x == pytest.approx(left + patch["column"] * PITCH + 6 + (PITCH - 6) / 2, abs=3)
        assert y == pytest.approx(top + patch["row"] * PITCH + 6 + (PITCH - 6) / 2, abs=3)


def test_a_cast_is_told_and_mended() -> None:
    cast = chart_colours.linear(chart_colours.CLASSIC_24) * (0.8, 1.0, 0.7)
    srgb = np.where(cast <= 0.0031308, 12.92 * cast, 1.055 * cast ** (1 / 2.4) - 0.055) * 255
    finding = found(photograph(card(srgb)))
    assert finding.value is not None
    assert finding.value > 5
    assert finding.data["whiteBalance"] == pytest.approx([1 / 0.8, 1, 1 / 0.7], rel=0.03)
    assert finding.data["correctedDeltaE00"] < 2.5


@pytest.mark.parametrize("shape", [(5, 6), (2, 12), (8, 2)])
def test_other_charts_are_found_but_not_judged(shape: tuple[int, int]) -> None:
    colours = np.random.default_rng(sum(shape)).uniform(30, 240, (*shape, 3))
    colours[0] = np.linspace(20, 240, shape[1])[:, np.newaxis]
    finding = found(photograph(card(colours), 12))
    assert finding.value is None
    assert len(finding.data["patches"]) == shape[0] * shape[1]


def table() -> NDArray[np.uint8]:
    """Cells of one colour."""
    return photograph(card(np.full((5, 6, 3), 235.0)))


def checkerboard() -> NDArray[np.uint8]:
    return photograph(card(np.where((np.indices((6, 8)).sum(axis=0) % 2)[..., np.newaxis], 240.0, 90.0) * np.ones(3)))


def greys() -> NDArray[np.uint8]:
    return photograph(card(np.linspace(10, 250, 24).reshape(4, 6, 1) * np.ones(3)))


def noise() -> NDArray[np.uint8]:
    return np.random.default_rng(5).integers(0, 256, (800, 900, 3), np.uint8)


def graph_paper() -> NDArray[np.uint8]:
    """Of 3,600 squares."""
    paper = np.full((840, 840, 3), 230, np.uint8)
    for line in range(2):
        paper[line::14] = paper[:, line::14] = (60, 90, 160)
    return paper


@pytest.mark.parametrize("draw", [table, checkerboard, greys, noise, graph_paper])
def test_where_no_chart_is_none_is_found(draw: Callable[[], NDArray[np.uint8]]) -> None:
    result = chart.run(SheetImage(draw()), {}, StepContext())
    assert not result.findings
    assert "No colour chart" in result.nothing_found


def test_colour_differences_are_those_of_the_paper() -> None:
    """Pairs 1, 4, 7, 15, 16 and 25 of table 1 (Sharma, Wu and Dalal 2005)."""
    one = [
        (50, 2.6772, -79.7751),
        (50, -1.3802, -84.2814),
        (50, 0, 0),
        (50, -0.001, 2.49),
        (50, 2.5, 0),
        (60.2574, -34.0099, 36.2677),
    ]
    other = [
        (50, 0, -82.7485),
        (50, 0, -82.7485),
        (50, -1, 2),
        (50, 0.0011, -2.49),
        (50, 0, -2.5),
        (60.4626, -34.1751, 39.4387),
    ]
    expected = [2.0425, 1.0, 2.3669, 4.7461, 4.3065, 1.2644]
    assert chart_colours.delta_e00(np.array(one), np.array(other)) == pytest.approx(expected, abs=6e-5)


CHARTS = {
    "moss_mich_710017.jpg": "Classic 24",
    "packet_mich_710015.jpg": "Classic 24",
    "plant_aafc_001.jpg": "Classic 24",
    "plant_nhm_cardamine_9barcodes.png": "Classic 24",
    "chart_plantcv_passport.png": "Classic 24",
    "plant_lm2_validate_1.jpg": "",
    "insect_jrd_500606.jpg": None,
    "slide_nhm_quadraceps.png": None,
    "bone_stereomorph_rradius.jpg": None,
}


def test_charts_in_photographs(shared: Path) -> None:
    for name, known in CHARTS.items():
        result = chart.run(SheetImage(pixels_of(shared / "data" / "specimens" / name)), {}, StepContext())
        said = result.findings[0].data.get("chart", "") if result.findings else None
        assert said == known, name
