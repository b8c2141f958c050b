"""Traits against shapes whose measures are known from geometry."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import traits
from analytics.steps.model import Finding, SheetImage, StepContext
from annotations.regions import Region

RULER = Finding("ruler", "10 px per mm", value=10.0, unit="px/mm", uncertainty=0.05)


def _run(pixels: NDArray[np.bool_], *, ruler: bool = True, doubts: tuple[str, ...] = (), colour: int = 60) -> dict[str, Finding]:
    rgb = np.full((*pixels.shape, 3), 235, np.uint8)
    rgb[pixels] = (colour, 2 * colour, colour)
    data = {"doubts": doubts} if doubts else {}
    outline = Finding("outline", "Outline of the specimen", Region.of_pixels(pixels), data=data)
    earlier = {"specimen": (outline,)} | ({"ruler": (RULER,)} if ruler else {})
    return {one.kind: one for one in traits.run(SheetImage(rgb), {}, StepContext("", earlier)).findings}


def _ellipse(turn: float, long: int = 400, short: int = 150) -> NDArray[np.bool_]:
    drawn = np.zeros((1000, 1000), np.uint8)
    cv2.ellipse(drawn, (500, 500), (long, short), turn, 0, 360, 1, cv2.FILLED)
    return drawn > 0


def _ramanujan(a: float, b: float) -> float:
    h = ((a - b) / (a + b)) ** 2
    return float(np.pi * (a + b) * (1 + 3 * h / (10 + np.sqrt(4 - 3 * h))))


@pytest.mark.parametrize("turn", [0, 20, 45, 77])
def test_an_ellipse_has_its_perimeter_aspect_and_solidity_within_what_is_stated(turn: float) -> None:
    found = _run(_ellipse(turn))
    truth = {"perimeter": _ramanujan(400.5, 150.5) / 10, "feret": 301 / 10, "aspect": 801 / 301, "solidity": 1.0}
    for kind, known in truth.items():
        one = found[kind]
        assert one.value is not None
        assert one.uncertainty is not None
        assert abs(one.value - known) <= 2 * one.uncertainty + 0.004 * known
    assert (found["perimeter"].unit, found["aspect"].unit) == ("mm", "")


def test_a_notch_makes_a_shape_less_solid_and_longer_around() -> None:
    whole = np.zeros((800, 800), bool)
    whole[100:700, 100:700] = True
    notched = whole.copy()
    notched[100:400, 390:410] = False
    plain, cut = _run(whole), _run(notched)
    assert cut["solidity"].value == pytest.approx(1 - 300 * 20 / 600**2, abs=2e-3)
    assert plain["solidity"].value == pytest.approx(1, abs=2e-3)
    assert cut["perimeter"].value == pytest.approx((plain["perimeter"].value or 0) + 60, rel=0.02)


def test_each_is_drawn_as_it_was_measured() -> None:
    found = _run(_ellipse(30))
    for kind in ("perimeter", "aspect", "solidity"):
        region = found[kind].region
        assert region is not None
        assert region.kind in ("rings", "mask")
    box = found["aspect"].region
    assert box is not None
    corners = np.array(box.rings[0])
    sides = np.hypot(*(corners - np.roll(corners, 1, axis=0)).T)
    assert sides.max() / sides.min() == pytest.approx(found["aspect"].value, rel=1e-3)


def test_without_a_scale_nothing_is_in_millimetres() -> None:
    found = _run(_ellipse(0), ruler=False)
    assert set(found) == {"aspect", "solidity", "colour"}
    assert not [one for one in found.values() if "mm" in one.unit]


def test_doubts_about_the_outline_are_doubts_about_its_traits() -> None:
    found = _run(_ellipse(0), doubts=("edge",))
    assert all(one.data["doubts"] == ["edge"] and "doubtful" in one.text for one in found.values())


def test_the_colour_is_that_of_the_outline_and_says_that_it_is_uncalibrated() -> None:
    colour = _run(_ellipse(0))["colour"]
    known = cv2.cvtColor(np.float32([[[60, 120, 60]]]) / 255, cv2.COLOR_RGB2Lab)[0, 0]
    assert colour.data["lab"] == pytest.approx(known.tolist(), abs=0.1)
    assert colour.data["calibrated"] is False
    assert "uncalibrated" in colour.text


def test_without_an_outline_there_is_nothing_to_measure() -> None:
    assert "there is none" in traits.run(SheetImage(np.full((50, 50, 3), 9, np.uint8)), {}, StepContext()).nothing_found


@pytest.mark.parametrize(("height", "base"), [(60, 300), (300, 90), (200, 200)])
@pytest.mark.parametrize("turn", [0, 17, 64])
def test_the_least_feret_diameter_of_a_triangle_is_its_least_height(height: int, base: int, turn: float) -> None:
    corners = np.array([(-base / 2, 0), (base / 2, 0), (base / 5, height)])
    angle = np.radians(turn)
    turned = corners @ np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]) + 500
    y, x = np.mgrid[:1000, :1000] + 0.5
    drawn = np.ones((1000, 1000), bool)  # what has its centre inside
    for (x0, y0), (x1, y1) in zip(turned, np.roll(turned, -1, axis=0), strict=True):
        drawn &= (x1 - x0) * (y - y0) - (y1 - y0) * (x - x0) >= 0
    sides = [np.hypot(*(corners[one] - corners[one - 1])) for one in range(3)]
    least = base * height / max(sides)
    one = _run(drawn)["feret"]
    assert one.value == pytest.approx(least / 10, abs=0.12)
    assert one.region is not None
    (first, last) = one.region.lines[0]
    assert float(np.hypot(first[0] - last[0], first[1] - last[1])) == pytest.approx(10 * (one.value or 0))
    box = np.array([first, last])
    assert (np.ptp(box, axis=0) <= np.ptp(np.argwhere(drawn)[:, ::-1], axis=0) + 2).all()


def test_a_row_of_pixels_is_one_pixel_wide() -> None:
    row = np.zeros((200, 200), bool)
    row[100, 20:180] = True
    assert _run(row)["feret"].value == pytest.approx(0.1)
