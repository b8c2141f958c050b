"""Changed images: what is done to them, and when what is stated of them holds."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from analytics.evaluation import robustness
from analytics.evaluation.robustness import CHANGES
from analytics.evaluation.run import Analysed
from analytics.evaluation.truth import Truth
from analytics.steps.model import Finding


def _truth(px_per_mm: float | None = 10.0) -> Truth:
    return Truth(Path("x.jpg"), True, px_per_mm, (), "", (), None, 1, px_per_mm_error=0.003)


def _said(scale: float | None, length: float, *, unit: str = "mm", doubts: tuple[str, ...] = ()) -> Analysed:
    size = Finding("length", "…", value=length, unit=unit, uncertainty=0.1, data={"doubts": doubts} if doubts else {})
    ruler = (Finding("ruler", "…", value=scale, unit="px/mm", uncertainty=0.02),) if scale else ()
    return Analysed({"ruler": ruler, "specimen": (size,)}, {}, {}, {})


def _held(name: str, first: Analysed, done: Analysed, truth: Truth) -> dict[str, float]:
    return {one.measure: one.value for one in robustness.compared(truth, name, first, done)}


@pytest.mark.parametrize(
    ("name", "first", "done", "scale", "size"),
    [
        ("halved", _said(10.0, 50.0), _said(5.0, 50.1), 1, 1),
        ("halved", _said(10.0, 50.0), _said(10.0, 25.0), 0, 0),
        ("turned by 7°", _said(10.0, 50.0), _said(None, 500.0, unit="px"), 1, 1),
        ("turned by 90°", _said(10.0, 50.0), _said(10.05, 51.0), 1, 0),
        ("turned by 90°", _said(10.0, 50.0), _said(10.0, 60.0, doubts=("edge",)), 1, 1),
        ("halved", _said(None, 500.0, unit="px"), _said(None, 250.0, unit="px"), 1, 1),
        ("JPEG of quality 40", _said(None, 50.0, unit="px"), _said(3.937, 50.0, unit="px"), 0, 1),
    ],
)
def test_what_is_stated_holds_within_its_uncertainty_or_is_left_open(
    name: str, first: Analysed, done: Analysed, scale: int, size: int
) -> None:
    held = _held(name, first, done, _truth())
    assert (held["changed scale"], held["changed size"]) == (scale, size)


def test_a_scale_out_of_nowhere_does_not_hold() -> None:
    assert _held("30 % more light", _said(None, 5.0), _said(7.0, 5.0), _truth(None))["changed scale"] == 0


def test_changes_do_what_they_are_called() -> None:
    rgb = np.full((61, 90, 3), 120, np.uint8)
    cv2.circle(rgb, (45, 30), 8, (200, 40, 40), cv2.FILLED)
    shapes = {name: change.apply(rgb).shape for name, change in CHANGES.items()}
    assert shapes["turned by 90°"] == shapes["turned by 270°"] == (90, 61, 3)
    assert shapes["halved"] == (30, 45, 3)
    assert shapes["turned by 7°"][0] > 61
    turned = CHANGES["turned by 7°"].apply(rgb)
    assert int((turned[..., 0] > 160).sum()) == pytest.approx(int((rgb[..., 0] > 160).sum()), rel=0.08)
    assert CHANGES["30 % more light"].apply(rgb).mean() > rgb.mean() > CHANGES["30 % less light"].apply(rgb).mean()
    assert 0 < np.abs(CHANGES["JPEG of quality 40"].apply(rgb).astype(int) - rgb).mean() < 12
