"""The measures against cases that can be counted by hand, and the command that makes the page."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation import measures, truth
from annotations.model import CanvasBox
from app.cli import main


@pytest.mark.parametrize(
    ("one", "other", "distance"), [("", "", 0), ("abc", "", 3), ("", "abc", 3), ("kitten", "sitting", 3), ("same", "same", 0)]
)
def test_edit_distance(one: str, other: str, distance: int) -> None:
    assert measures.edit_distance(one, other) == distance


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_edit_distance_is_a_metric(one: str, other: str) -> None:
    distance = measures.edit_distance(one, other)
    assert distance == measures.edit_distance(other, one)
    assert abs(len(one) - len(other)) <= distance <= max(len(one), len(other))
    assert (distance == 0) == (one == other)


@pytest.mark.parametrize("count", [2, 6])
def test_the_order_of_blocks_does_not_count(count: int) -> None:
    blocks = [f"label number {number} of the drawer" for number in range(count)]
    assert measures.block_distance("\n".join(blocks), blocks[::-1]) == 0


def test_what_was_not_read_counts_as_missing() -> None:
    assert measures.block_distance("Quercus robur", []) == len("Quercus robur")


def test_overlap_leaves_out_what_does_not_count() -> None:
    one, other = np.array([True, True, False, True]), np.array([True, False, True, True])
    assert measures.overlap(one, other, np.ones(4, bool)) == 0.5
    assert measures.overlap(one, other, np.array([True, True, False, False])) == 0.5


@pytest.mark.parametrize(
    ("orientation", "box"),
    [
        (1, CanvasBox(10, 20, 40, 60)),
        (3, CanvasBox(60, 140, 90, 180)),
        (6, CanvasBox(140, 10, 180, 40)),
        (8, CanvasBox(20, 60, 60, 90)),
    ],
)
def test_boxes_of_the_stored_image_turn_upright(orientation: int, box: CanvasBox) -> None:
    assert truth.upright((10, 20, 40, 60), (100, 200), orientation) == box


def test_the_command_writes_the_page_and_lists_misses(tmp_path: Path) -> None:
    images = tmp_path / "specimens"
    images.mkdir()
    sheet = np.full((700, 500, 3), 235, np.uint8)
    cv2.circle(sheet, (250, 350), 120, (40, 120, 60), cv2.FILLED)
    cv2.imwrite(str(images / "leaf.png"), sheet)
    row = {"file": "leaf.png", "width": "500", "height": "700", "exif_orientation": "1", "has_ruler": "no", "px_per_mm": ""}
    row |= {"barcode_values": "BM000001 (Code 39)", "label_text_ground_truth": "Quercus robur"}
    with (images / "truth.csv").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, row)
        writer.writeheader()
        writer.writerow(row)
    page = tmp_path / "accuracy.md"
    said = CliRunner().invoke(main, ["evaluate", "--images", str(images), "--write", str(page), "--json"])
    assert said.exit_code == 0, said.output
    (image,) = json.loads(said.stdout)["images"]
    assert (image["codesTrue"], image["codes"]) == (["BM000001"], [])
    assert "`leaf.png`: code BM000001 was not read" in page.read_text()
    assert "lectotype evaluate" in page.read_text()


def test_a_folder_without_truth_is_refused(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["evaluate", "--images", str(tmp_path)]).exit_code == 1
