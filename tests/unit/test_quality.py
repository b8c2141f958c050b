"""The step that judges the photograph."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import quality
from analytics.steps.model import SheetImage, StepContext


def page(contrast: int = 200) -> NDArray[np.uint8]:
    """A page with sharp type on it."""
    rgb = np.full((900, 900, 3), 235, np.uint8)
    for row in range(60, 860, 40):
        cv2.putText(
            rgb, "Quercus robur L. 12.vi.1887", (30, row), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (235 - contrast,) * 3, 2, cv2.LINE_AA
        )
    return rgb


def faults(rgb: NDArray[np.uint8]) -> list[str]:
    return list(quality.run(SheetImage(rgb), {"long_side_px": 2000}, StepContext()).findings[0].data["faults"])


def test_a_sharp_well_lit_page_has_no_fault() -> None:
    assert faults(page()) == []


def test_blur_is_noticed() -> None:
    assert "out of focus" in faults(cv2.GaussianBlur(page(), (0, 0), 6))


@pytest.mark.parametrize("sigma_px", [1.5, 2.5, 4.0])
def test_sharpness_tells_the_blur(sigma_px: float) -> None:
    step = np.repeat(np.where(np.arange(512) // 64 % 2, 230, 20)[None], 512, 0).astype(np.uint8)
    step = np.roll(step, 32, axis=1)
    found = quality.edge_sharpness(cv2.GaussianBlur(step, (0, 0), sigma_px))
    assert found == pytest.approx(0.4 / sigma_px, rel=0.2)


def test_clipping_and_darkness_are_noticed() -> None:
    white = page()
    white[:200] = 255
    assert any("blown out" in fault for fault in faults(white))
    assert "underexposed" in faults((page() * 0.3).astype(np.uint8))


def test_an_empty_picture_says_that_there_is_nothing_to_judge() -> None:
    assert "no edges to judge the focus by" in faults(np.full((300, 300, 3), 128, np.uint8))
    assert "no edges to judge the focus by" in faults(np.full((1, 1, 3), 128, np.uint8))
