"""Synthetic sheets: what the truth says is what the picture shows."""

import csv
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import zxingcpp

from analytics import synth
from analytics.synth import rulers
from analytics.synth.sheet import Sheet


@pytest.fixture(scope="module", params=range(4))
def sheet(request: pytest.FixtureRequest) -> Sheet:
    return synth.draw(4_000 + request.param, request.param)


def cut(sheet: Sheet, part: dict[str, Any], wide: int, high: int) -> np.ndarray[Any, Any]:
    """The part as it would lie upright."""
    corners = np.array(part["corners"], np.float32)
    upright = np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
    return cv2.warpPerspective(sheet.rgb, cv2.getPerspectiveTransform(corners, upright), (wide, high))


def one(sheet: Sheet, sort: str) -> dict[str, Any]:
    return next(part for part in sheet.truth["parts"] if part["class"] == sort)


def test_the_same_seed_draws_the_same_sheet() -> None:
    first, second = synth.draw(7, 0), synth.draw(7, 0)
    assert np.array_equal(first.rgb, second.rgb)
    assert first.truth == second.truth


def test_every_part_lies_inside_the_picture(sheet: Sheet) -> None:
    height, width = sheet.rgb.shape[:2]
    for part in sheet.truth["parts"]:
        corners = np.array(part["corners"])
        assert (corners >= 0).all(), part["class"]
        assert (corners <= [width, height]).all(), part["class"]


def test_the_code_reads_as_the_catalogue_number(sheet: Sheet) -> None:
    assert [code.text for code in zxingcpp.read_barcodes(sheet.rgb)] == sheet.truth["codes"] == [sheet.record["catalogNumber"]]


def test_the_plant_is_where_its_outline_says(sheet: Sheet) -> None:
    mask = np.zeros(sheet.rgb.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.array(outline) for outline in sheet.truth["plant"]["outlines"]], 255)
    inside, around = mask > 0, (cv2.dilate(mask, np.ones((61, 61))) > 0) & (cv2.dilate(mask, np.ones((21, 21))) == 0)
    assert sheet.rgb[inside].mean() + 50 < sheet.rgb[around].mean()
    assert inside.sum() / sheet.truth["px_per_mm"] ** 2 == pytest.approx(sheet.truth["plant"]["area_mm2"], rel=0.08)


@pytest.mark.parametrize("kind", rulers.KINDS)
@pytest.mark.parametrize("px_per_mm", [6.37, 9.113])
def test_ticks_are_a_millimetre_apart(kind: str, px_per_mm: float) -> None:
    patch, span_mm = rulers.draw(kind, px_per_mm, np.random.default_rng(3))
    row, first, step_mm = (5.5, 8.0, 10.0) if kind == "bar" else (6.1, 6.0, 10.0)
    line = patch.rgb[round(row * px_per_mm)].mean(1).astype(float)
    dark = np.abs(line - np.median(line[: round(4 * px_per_mm)]))
    if kind == "bar":
        edges = np.abs(np.diff(line))
        found = [index + 1.0 for index in np.flatnonzero(edges > 60)]
        assert len(found) >= 10
        expected = [(first + step_mm * block) * px_per_mm for block in range(11)]
        assert all(min(abs(place - edge) for edge in found) < 0.25 * px_per_mm for place in expected)
        return
    for tick in range(int(span_mm // step_mm) + 1):
        place = (first + tick * step_mm) * px_per_mm
        window = np.arange(int(place) - 3, int(place) + 4)
        centre = float((dark[window] * (window + 0.5)).sum() / dark[window].sum())
        assert centre == pytest.approx(place, abs=0.15)


def test_a_folder_of_sheets_is_described_twice_over(tmp_path: Path) -> None:
    synth.draw_sheets(tmp_path, count=2, seed=5)
    truth = json.loads((tmp_path / "truth.json").read_text())
    with (tmp_path / "specimens.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["file"] for row in rows] == list(truth)
    assert all((tmp_path / row["file"]).is_file() for row in rows)
    assert {row["catalogNumber"] for row in rows} == {path.stem for path in tmp_path.glob("*.jpg")}
