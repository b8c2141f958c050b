"""The measures against cases that can be counted by hand, and the command that makes the page."""

import csv
import inspect
import json
import re
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from analytics.evaluation import figures, intervals, measures, run, scoring, truth
from analytics.evaluation.outcomes import Evaluation, Outcome
from analytics.steps.model import Finding
from annotations.model import CanvasBox
from annotations.regions import Region
from app.cli import evaluate, main


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


@pytest.fixture
def leaf(tmp_path: Path) -> Path:
    """A folder with one image, whose code, text and colour chart nobody can read, for they are not there."""
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
    return images


def test_the_command_writes_pages_and_a_picture_that_list_the_misses(leaf: Path, tmp_path: Path) -> None:
    page, file, sheet, earlier = (tmp_path / name for name in ("accuracy.md", "accuracy.html", "misses.png", "before.json"))
    first = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), "--steps", "barcode,ruler", "--json"])
    assert first.exit_code == 0, first.output
    earlier.write_text(first.stdout)
    assert set(json.loads(first.stdout)["seconds"]["leaf.png"]) >= {"decode", "barcode", "ruler"}
    outs = ["--write", str(page), "--html", str(file), "--contact-sheet", str(sheet), "--compare", str(earlier)]
    said = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), "--steps", "barcode", *outs, "--json"])
    assert said.exit_code == 0, said.output
    values = {one["measure"]: one["value"] for one in json.loads(said.stdout)["outcomes"]}
    assert values == {"code read": 0.0, "code false": 0.0}
    assert "`leaf.png`: code BM000001 was not read" in page.read_text()
    assert "no difference beyond chance" in page.read_text()
    assert "code BM000001 was not read" in file.read_text()
    assert "data:image/png;base64," in file.read_text()
    assert cv2.imread(str(sheet)).shape[:2] == (396, 1280)


def test_charts_are_counted_where_they_are_and_where_they_are_not(leaf: Path) -> None:
    (plain,) = truth.read(leaf)
    chart = {"chart": (Finding("chart", "A chart", Region.of_box(0, 0, 60, 40)),)}
    counted = {
        (one.measure, one.value)
        for known in (plain, replace(plain, chart="24 patches"))
        for earlier in (chart, {})
        for one in scoring.outcomes(known, earlier, {}, frozenset({"chart"}), None)
    }
    assert counted == {("chart unasked", 1.0), ("chart unasked", 0.0), ("chart found", 1.0), ("chart found", 0.0)}


def test_crops_of_beetles_that_something_was_tuned_on_are_not_unseen(leaf: Path) -> None:
    crops = leaf.parent / "beetles" / "images"
    crops.mkdir(parents=True)
    for name in ("0001.png", "new.png"):
        (crops / name).touch()
    assert [path.name for path in evaluate._beetles(leaf, 1, unseen=True)] == ["new.png"]
    assert len(evaluate._beetles(leaf, 1, unseen=False)) == 2
    assert len(evaluate._beetles(leaf, 2, unseen=False)) == 1
    assert not evaluate._beetles(leaf, 0, unseen=False)


def test_two_processes_say_what_one_says(leaf: Path) -> None:
    (leaf / "other.png").write_bytes((leaf / "leaf.png").read_bytes())
    lines = (leaf / "truth.csv").read_text().splitlines()
    (leaf / "truth.csv").write_text("\n".join([*lines, lines[1].replace("leaf.png", "other.png")]) + "\n")
    call = ["evaluate", "--images", str(leaf), "--steps", "barcode", "--json", "--processes"]
    one, two = (json.loads(CliRunner().invoke(main, [*call, number]).stdout) for number in "12")
    assert one["outcomes"] == two["outcomes"]
    assert len(one["outcomes"]) == 4


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--steps", "nothing"], "has no step nothing"),
        (["--compare", "{leaf}/truth.csv"], "Expecting value"),
        (["--steps", "barcode", "--contact-sheet", "{leaf}/misses.pdf"], "neither PNG nor JPEG"),
        (["--only", "fruit"], "No image is left"),
    ],
)
def test_what_cannot_be_is_refused_in_a_sentence(leaf: Path, words: list[str], said: str) -> None:
    given = [word.replace("{leaf}", str(leaf)) for word in words]
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), *given])
    assert answer.exit_code == 1
    assert said in answer.output


@pytest.mark.parametrize("changed", [[], ["--changed"]])
def test_an_image_that_cannot_be_opened_is_named_and_the_others_are_counted(leaf: Path, changed: list[str]) -> None:
    lines = (leaf / "truth.csv").read_text().splitlines()
    more = [lines[1].replace("leaf.png", name) for name in ("broken.png", "gone.png")]
    (leaf / "truth.csv").write_text("\n".join([*lines, *more]) + "\n")
    (leaf / "broken.png").write_bytes((leaf / "leaf.png").read_bytes()[:60])
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), "--steps", "barcode", "--json", *changed])
    assert answer.exit_code == 1
    told = json.loads(answer.stdout)
    assert {one["image"] for one in told["outcomes"]} == {"leaf.png"}
    assert set(told["failures"]) == {"broken.png", "gone.png"}
    assert "broken.png: " in answer.stderr
    assert "gone.png: " in answer.stderr
    assert "Traceback" not in answer.output


def test_reviewed_refuses_what_is_asked_of_images(tmp_path: Path) -> None:
    asked = ["--steps", "ruler", "--changed", "--contact-sheet", str(tmp_path / "x.png"), "--beetles", "3"]
    answer = CliRunner().invoke(main, ["evaluate", "--reviewed", *asked])
    assert answer.exit_code == 2
    assert "cannot heed --steps, --changed, --beetles, --contact-sheet." in " ".join(answer.output.split())


def test_every_step_that_is_scored_is_one_of_the_pipeline() -> None:
    scored = set(re.findall(r'"(\w+)" in ran', inspect.getsource(scoring)))
    assert "ruler" in scored
    assert scored <= {step.name for step in run.plan()}


def test_a_folder_without_truth_is_refused_and_so_is_a_truth_that_cannot_be_read(tmp_path: Path) -> None:
    assert CliRunner().invoke(main, ["evaluate", "--images", str(tmp_path)]).exit_code == 1
    (tmp_path / "truth.csv").write_text("file,px_per_mm\nx.png,many\n")
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(tmp_path)])
    assert answer.exit_code == 1
    assert "Line 2 of" in answer.output


@pytest.mark.parametrize(
    ("right", "of", "low", "high"),
    [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (10, 10, 0.7225, 1.0), (81, 263, 0.2553, 0.3662)],
)
def test_intervals_of_shares_are_those_of_the_books(right: int, of: int, low: float, high: float) -> None:
    found = intervals.wilson(right, of)
    assert (found.low, found.high) == pytest.approx((low, high), abs=2e-4)


def test_a_bootstrap_takes_the_units_of_an_image_together() -> None:
    values = [1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]
    apart = intervals.ratio(values, [1.0] * 8, [str(number) for number in range(8)])
    together = intervals.ratio(values, [1.0] * 8, ["a"] * 4 + ["b"] * 4)
    assert apart.value == together.value == 0.5
    assert (together.low, together.high) == (0.0, 1.0)
    assert 0.0 < apart.low < 0.5 < apart.high < 1.0


def test_a_difference_is_told_from_chance() -> None:
    images = [str(number) for number in range(30)]
    shift, p = intervals.difference([0.8] * 30, [0.85 + 0.001 * number for number in range(30)], [1.0] * 30, images)
    assert p < 0.01
    assert shift.low > 0
    _, p = intervals.difference([0.8, 0.9] * 15, [0.9, 0.8] * 15, [1.0] * 30, images)
    assert p > 0.3
    assert intervals.mcnemar(0, 0) == 1.0
    assert intervals.mcnemar(1, 9) == pytest.approx(0.021484375)


def test_versions_are_compared_over_the_units_that_both_have() -> None:
    def version(code: str, right: int, several: int) -> Evaluation:
        made = (Outcome("scale right", f"{number}.jpg", f"{number}.jpg", float(number < right)) for number in range(several))
        return Evaluation(code, tuple(made))

    (change,) = figures.changes(version("old", 4, 20), version("new", 16, 25))
    assert (change.count, change.better, change.worse, change.test) == (20, 12, 0, "McNemar")
    assert change.p < 0.001
    assert Evaluation.of_json(json.loads(json.dumps(version("x", 1, 2).to_json()))) == version("x", 1, 2)


def test_a_calibration_curve_counts_what_was_right_at_each_confidence() -> None:
    rows = [Outcome("line right", str(n), str(n), float(n % 10 < 9), confidence=0.95) for n in range(100)]
    rows += [Outcome("line right", f"b{n}", f"b{n}", float(n % 2), confidence=0.5) for n in range(10)]
    low, high = figures.calibration(rows)
    assert (low.confidence, low.right.value, low.count) == (0.5, 0.5, 10)
    assert (high.count, high.right.value) == (100, 0.9)
    assert figures.calibration_error([low, high]) == pytest.approx(0.05 * 100 / 110)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("cm+inch on Kodak card, vertical, low contrast", "centimetres and inches"),
        ("mm (50 mm scale on ColorChecker mini)", "comb on a colour chart"),
        ('cm 0-10 black bar, alternating blocks, mm in first cm, "copyright reserved"', "bar of centimetre blocks"),
        ("mm comb, no digits, longer tick every 10 mm", "comb without digits"),
        ('drawn white bar "1 mm" on a black box', "drawn bar"),
        ("cm 0-10, vertical", "metric ruler"),
    ],
)
def test_kinds_of_scales(said: str, kind: str) -> None:
    assert truth.ruler_kind(said) == kind


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "has no column file"),
        (b"name,px_per_mm\nx.png,4\n", "has no column file, which names the images; it has: name, px_per_mm."),
        (b"file,px_per_mm\n", "names no image"),
        (b"file\n\xff\xfe.png\n", "is no table of comma-separated values in UTF-8"),
    ],
)
def test_a_truth_that_names_no_images_is_told_in_a_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "truth.csv").write_bytes(content)
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(tmp_path)])
    assert answer.exit_code == 1
    assert said in " ".join(answer.output.split())
    assert "Traceback" not in answer.output


def test_a_truth_of_names_alone_measures_what_needs_no_more(leaf: Path) -> None:
    (leaf / "truth.csv").write_text("file\nleaf.png\n")
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), "--steps", "barcode", "--processes", "1", "--json"])
    assert answer.exit_code == 0
    assert [one["measure"] for one in json.loads(answer.stdout)["outcomes"]] == ["code false"]
    none = CliRunner().invoke(main, ["evaluate", "--images", str(leaf), "--steps", "quality", "--processes", "1"])
    assert none.exit_code == 1
    assert "Nothing was measured" in none.output


def test_components_on_a_sheet_are_counted_as_found_missed_and_made_up(leaf: Path) -> None:
    beside = leaf.parent / "annotations"
    beside.mkdir()
    boxes = {"sheet": [0, 0, 500, 700], "label": [[10, 10, 110, 60], [10, 600, 110, 650]], "logo": [[0, 0, 5, 5]], "stamp": []}
    (beside / "components_boxes.json").write_text(json.dumps({"leaf.png": boxes}))
    (known,) = truth.read(leaf)
    labels = (Finding("label", "a", Region.of_box(12, 10, 112, 60)), Finding("label", "b", Region.of_box(300, 300, 400, 350)))
    told = scoring.outcomes(known, {"ocr": labels}, {}, frozenset({"ocr"}), None)
    counted = sorted((one.measure, one.kind, one.value) for one in told if one.measure.startswith("component"))
    found = [("component found", "label", 0.0), ("component found", "label", 1.0), ("component found", "sheet", 0.0)]
    assert counted == [*found, ("component stated", "label", 0.0), ("component stated", "label", 1.0)]
