"""The outline and its measures, on drawn shapes whose size is known."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import specimen
from analytics.steps.model import Finding, SheetImage, StepContext
from annotations import region_measures, region_outlines
from annotations.regions import Region, points_in

pytestmark = pytest.mark.usefixtures("network_that_leaves_all_to_the_rules")


def _paper(width: int = 900, height: int = 1200) -> NDArray[np.uint8]:
    """Unevenly lit cream paper with a little noise."""
    shade = np.linspace(0, 18, width, dtype=np.float32)[np.newaxis, :, np.newaxis]
    noise = np.random.default_rng(3).normal(0, 1.5, (height, width, 1))
    return np.clip(np.array([236.0, 228.0, 210.0]) - shade + noise, 0, 255).astype(np.uint8)


def _leaf() -> NDArray[np.uint8]:
    rgb = _paper()
    cv2.ellipse(rgb, (450, 600), (150, 400), 0, 0, 360, (60, 90, 40), cv2.FILLED)
    return rgb


def _of(image: NDArray[np.uint8], context: StepContext | None = None) -> dict[str, Finding]:
    result = specimen.run(SheetImage(image), {"long_side_px": 1200}, context or StepContext())
    return {finding.kind: finding for finding in result.findings}


def test_without_a_scale_sizes_are_in_pixels_and_say_so() -> None:
    found = _of(_leaf())
    assert found["length"].unit == "px"
    assert found["area"].unit == "px²"
    assert found["length"].value == pytest.approx(801, abs=4)
    assert found["width"].value == pytest.approx(301, abs=4)
    assert found["area"].value == pytest.approx(np.pi * 150 * 400, rel=0.01)
    assert "no scale" in found["length"].text


def test_a_ruler_turns_sizes_into_mm_with_its_uncertainty() -> None:
    ruler = Finding("ruler", "10 px per mm", value=10.0, unit="px/mm", uncertainty=0.1)
    found = _of(_leaf(), StepContext("", {"ruler": (ruler,)}))
    length, area = found["length"], found["area"]
    assert (length.unit, area.unit) == ("mm", "mm²")
    assert length.value == pytest.approx(80.1, abs=0.4)
    assert length.uncertainty == pytest.approx(np.hypot(0.01 * 80.1, 0.1), rel=0.02)
    assert area.value is not None
    assert area.uncertainty is not None
    assert area.uncertainty > 0.02 * area.value


def test_length_and_width_are_drawn_as_the_lines_that_were_measured() -> None:
    image = _paper(600, 400)
    cv2.ellipse(image, (300, 200), (220, 40), 27, 0, 360, (60, 90, 40), cv2.FILLED)
    found = specimen.run(SheetImage(image), {"long_side_px": 300}, StepContext()).findings
    length, width = (next(one for one in found if one.kind == kind) for kind in ("length", "width"))
    for measured in (length, width):
        assert measured.region is not None
        assert measured.region.kind == "line"
        ((one, other),) = measured.region.lines
        assert np.hypot(other[0] - one[0], other[1] - one[1]) == pytest.approx(measured.value)
        assert measured.data["endsPx"] == [list(one), list(other)]
    assert length.region is not None
    assert width.region is not None
    ends = np.array(length.region.lines[0])
    assert np.abs(ends[ends[:, 0].argsort()] - [(104, 100), (496, 300)]).max() < 4
    along, across = (np.subtract(*line.lines[0]) for line in (length.region, width.region))
    assert abs(float(along @ across)) < 0.2 * np.hypot(*along) * np.hypot(*across)


def test_the_outline_follows_the_leaf_and_leaves_its_holes_out() -> None:
    image = _leaf()
    cv2.circle(image, (450, 500), 60, (236, 228, 210), cv2.FILLED)
    outline = _of(image)["outline"]
    assert outline.region is not None
    truth = np.zeros((1200, 900), np.uint8)
    cv2.ellipse(truth, (450, 600), (150, 400), 0, 0, 360, 1, cv2.FILLED)
    cv2.circle(truth, (450, 500), 60, 0, cv2.FILLED)
    assert region_measures.iou(outline.region, Region.of_pixels(truth > 0)) > 0.98
    assert not region_measures.contains(outline.region, 450, 500)
    assert outline.data["areaPx"] == region_measures.area(outline.region)
    assert points_in(region_outlines.simplified(outline.region)) <= region_outlines.MAX_APPROXIMATE_POINTS


def test_the_area_of_the_outline_is_the_area_that_is_measured() -> None:
    found = specimen.run(SheetImage(_leaf()), {"long_side_px": 300}, StepContext()).findings
    outline, area = (next(finding for finding in found if finding.kind == kind) for kind in ("outline", "area"))
    assert outline.region is not None
    assert area.value == pytest.approx(region_measures.area(outline.region), rel=1e-3)


@pytest.mark.parametrize("kind", ["label", "barcode", "chart"])
def test_a_thing_that_was_found_beside_it_is_no_specimen(kind: str) -> None:
    image = _leaf()
    cv2.ellipse(image, (760, 1080), (90, 70), 0, 0, 360, (90, 40, 40), cv2.FILLED)
    thing = Finding(kind, "Quercus", Region.of_box(665, 1005, 855, 1155))
    outlines = specimen.run(SheetImage(image), {}, StepContext("", {"before": (thing,)})).findings
    assert sum(finding.kind == "outline" for finding in outlines) == 1
    assert sum(finding.kind == "outline" for finding in specimen.run(SheetImage(image), {}, StepContext()).findings) == 2


def test_a_card_is_no_specimen() -> None:
    image = _paper()
    cv2.rectangle(image, (300, 300), (600, 500), (30, 60, 160), cv2.FILLED)
    result = specimen.run(SheetImage(image), {}, StepContext())
    assert not result.findings
    assert "no piece" in result.nothing_found


def test_empty_paper_has_no_specimen() -> None:
    assert specimen.run(SheetImage(_paper()), {}, StepContext()).nothing_found


def test_an_image_all_labelled_has_no_specimen() -> None:
    everything = Finding("label", "…", Region.of_box(0, 0, 900, 1200))
    assert specimen.run(SheetImage(_leaf()), {}, StepContext("", {"ocr": (everything,)})).nothing_found


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 2)])
def test_a_sliver_of_an_image_is_borne(size: tuple[int, int]) -> None:
    assert specimen.run(SheetImage(np.full((*size, 3), 200, np.uint8)), {}, StepContext()).nothing_found
