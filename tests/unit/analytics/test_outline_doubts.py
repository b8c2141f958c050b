"""What is said against an outline, on drawn images where it holds and on those where it does not, and on photographs."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import specimen
from analytics.steps.model import Finding, SheetImage, StepContext, StepResult
from annotations.regions import Region
from tests.photographs import pixels_of

pytestmark = pytest.mark.usefixtures("network_that_leaves_all_to_the_rules")

SPECIMENS = Path(__file__).resolve().parents[4] / "shared" / "data" / "specimens"
Picture = NDArray[np.uint8]
GREEN = (60, 90, 40)


def paper(width: int = 480, height: int = 640) -> Picture:
    """Unevenly lit cream paper with a little noise."""
    shade = np.linspace(0, 18, width, dtype=np.float32)[np.newaxis, :, np.newaxis]
    noise = np.random.default_rng(3).normal(0, 1.5, (height, width, 1))
    return np.clip(np.array([236.0, 228.0, 210.0]) - shade + noise, 0, 255).astype(np.uint8)


def leaf(x: int = 240, y: int = 300) -> Picture:
    image = paper()
    cv2.ellipse(image, (x, y), (70, 200), 0, 0, 360, GREEN, cv2.FILLED)
    return image


def shadowed(softness_px: float) -> Picture:
    """A leaf that lies above its paper: its shadow falls beside it."""
    shade = np.zeros((640, 480), np.float32)
    cv2.ellipse(shade, (330, 330), (70, 200), 0, 0, 360, 1.0, cv2.FILLED)
    dark = 1 - 0.45 * cv2.GaussianBlur(shade, (0, 0), softness_px)
    image = (paper() * dark[..., np.newaxis]).astype(np.uint8)
    cv2.ellipse(image, (240, 300), (70, 200), 0, 0, 360, GREEN, cv2.FILLED)
    return image


def grey_stone() -> Picture:
    """A specimen of the paper's own hue, with the grain that stone has."""
    image = paper()
    stone = np.random.default_rng(5).normal(0.5, 0.12, (640, 480, 1))
    inside = np.zeros((640, 480), np.uint8)
    cv2.ellipse(inside, (240, 300), (120, 180), 0, 0, 360, 1, cv2.FILLED)
    return np.where(inside[..., np.newaxis] > 0, np.clip(image * stone, 0, 255), image).astype(np.uint8)


def frame() -> Picture:
    image = paper()
    cv2.rectangle(image, (120, 150), (360, 450), (40, 40, 40), 12)
    cv2.rectangle(image, (110, 140), (230, 300), (236, 228, 210), cv2.FILLED)  # open, or its shape is a card's
    return image


def large_at_the_edge() -> Picture:
    """A beetle that fills the crop, and the print of a label beside it."""
    image = paper()
    cv2.ellipse(image, (240, 560), (170, 400), 0, 0, 360, (40, 40, 45), cv2.FILLED)
    cv2.putText(image, "A", (14, 90), cv2.FONT_HERSHEY_SIMPLEX, 2.6, (30, 30, 30), 12)
    return image


def looked_at(image: Picture, context: StepContext | None = None) -> StepResult:
    return specimen.run(SheetImage(image), {"long_side_px": 640}, context or StepContext())


def doubts(result: StepResult) -> list[set[str]]:
    """The kinds of doubt of each outline."""
    outlines = [finding for finding in result.findings if finding.kind == "outline"]
    return [{doubt["kind"] for doubt in outline.data.get("doubts", ())} for outline in outlines]


@pytest.mark.parametrize(
    ("picture", "kinds"),
    [
        (leaf, set()),
        (grey_stone, set()),
        (lambda: leaf(y=470), {"edge"}),
        (lambda: shadowed(12), {"shadow", "faint"}),
        (lambda: shadowed(3), {"shadow"}),
        (frame, {"straight"}),
        (large_at_the_edge, {"left out"}),
    ],
)
def test_an_outline_is_doubtful_for_what_speaks_against_it_and_for_nothing_else(
    picture: Callable[[], Picture], kinds: set[str]
) -> None:
    result = looked_at(picture())
    assert doubts(result)[0] == kinds
    outline = result.findings[0]
    assert ("Doubtful: it " in outline.text) == bool(kinds)
    length = next((finding for finding in result.findings if finding.kind == "length"), None)
    assert (length is None) == ("straight" in kinds), "a frame has no length of a specimen"
    assert length is None or ("doubtful, as the outline is" in length.text) == bool(kinds)


def test_the_rest_of_a_label_is_no_specimen() -> None:
    image = np.full((480, 640, 3), 40, np.uint8)
    cv2.rectangle(image, (60, 60), (580, 420), (236, 228, 210), cv2.FILLED)
    cv2.rectangle(image, (60, 60), (120, 110), (40, 40, 40), cv2.FILLED)  # a corner is torn off: no card by its shape
    read = Finding("label", "Quercus robur L.", Region.of_box(90, 90, 520, 380))
    result = looked_at(image, StepContext("", {"ocr": (read,)}))
    assert not result.findings
    assert "the rests of their paper" in result.nothing_found


def test_where_a_step_failed_nothing_is_claimed_of_what_it_looks_for() -> None:
    result = looked_at(leaf(), StepContext("", {"ruler": ()}, frozenset({"ruler", "ocr"})))
    assert doubts(result) == [{"step failed"}]
    assert "because the steps ruler and ocr failed" in result.findings[0].text
    length = next(finding for finding in result.findings if finding.kind == "length")
    assert "no scale is known, because the step ruler failed" in length.text
    assert "no scale was found" not in length.text


def test_all_pieces_are_counted_where_not_all_are_outlined() -> None:
    image = paper()
    for number in range(9):
        cv2.circle(image, (80 + 150 * (number % 3), 100 + 180 * (number // 3)), 40, GREEN, cv2.FILLED)
    found = looked_at(image).findings
    assert next(finding.text for finding in found if finding.kind == "outline") == "Outline of the specimen, piece 1 of 9"
    assert any(finding.text.startswith("Length of the largest of 9 pieces") for finding in found)


PHOTOGRAPHS = (  # what earlier steps find there that bears on it, in pixels of the upright image
    ("ruler_leafarea_wood.jpg", [(1740, 0, 2010, 3509)]),
    ("label_fm_c1000552f.jpg", [(50, 300, 1800, 1170), (60, 1170, 700, 1850), (1200, 1380, 2280, 1800), (2600, 250, 3330, 560)]),
)


@pytest.mark.skipif(not SPECIMENS.is_dir(), reason="the photographs are not beside the project (../shared/data)")
@pytest.mark.parametrize(("name", "boxes"), PHOTOGRAPHS)
def test_a_photograph_of_a_label_or_a_ruler_alone_has_no_length_of_a_specimen(
    name: str, boxes: list[tuple[int, int, int, int]]
) -> None:
    read = tuple(Finding("label", "read", Region.of_box(*box)) for box in boxes)
    result = specimen.run(SheetImage(pixels_of(SPECIMENS / name)), {"long_side_px": 800}, StepContext("", {"ocr": read}))
    assert not {finding.kind for finding in result.findings} & {"length", "width", "area"}
    assert all(doubts(result)), "what is outlined all the same is doubtful"
