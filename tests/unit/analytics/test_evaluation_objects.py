"""Objects with a known place: matched as COCO does, from the command as from hand-made boxes, with sources left out."""

import io
import json
from contextlib import redirect_stdout
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from click.testing import CliRunner
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from analytics.evaluation import coco, figures, objects, report, sources
from analytics.evaluation.objects import KnownObject
from analytics.evaluation.outcomes import Evaluation, Outcome
from analytics.steps.model import Finding
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from app.cli import main

IMAGES, SIZE = 12, (400, 300)


def scattered(seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Boxes that are known and boxes that are stated on IMAGES images, as COCO has both; confidences all differ."""
    random = np.random.default_rng(seed)
    known, stated = list[dict[str, Any]](), list[dict[str, Any]]()
    for image in range(1, IMAGES + 1):
        for _ in range(random.integers(1, 5)):
            x, y, w, h = random.uniform(0, 300), random.uniform(0, 200), random.uniform(20, 90), random.uniform(20, 90)
            known.append(
                {"id": len(known) + 1, "image_id": image, "category_id": 1, "iscrowd": 0, "area": w * h, "bbox": [x, y, w, h]}
            )
            for _ in range(random.integers(0, 3)):
                shifted = [x + random.normal(0, 9), y + random.normal(0, 9), w * random.uniform(0.8, 1.2), h]
                stated.append({"image_id": image, "category_id": 1, "bbox": shifted, "score": float(random.uniform())})
    return known, stated


def as_outcomes(known: list[dict[str, Any]], stated: list[dict[str, Any]]) -> list[Outcome]:
    found = list[Outcome]()
    for image in range(1, IMAGES + 1):
        there = [KnownObject("label", "label", boxed(one["bbox"])) for one in known if one["image_id"] == image]
        said = [Finding("label", "x", boxed(one["bbox"]), confidence=one["score"]) for one in stated if one["image_id"] == image]
        found += objects.outcomes(there, said, SIZE, partial(Outcome, image=str(image)), "object")
    return found


def boxed(bbox: list[float]) -> Region:
    return Region.of_box(bbox[0], bbox[1], bbox[0] + bbox[2], bbox[1] + bbox[3])


@pytest.mark.parametrize("seed", range(6))
def test_recall_and_average_precision_are_those_of_pycocotools(seed: int) -> None:
    known, stated = scattered(seed)
    theirs = COCO()
    theirs.dataset = {"images": [{"id": n} for n in range(1, IMAGES + 1)], "annotations": known, "categories": [{"id": 1}]}
    with redirect_stdout(io.StringIO()):
        theirs.createIndex()
        judged = COCOeval(theirs, theirs.loadRes(stated), "bbox")
        judged.params.iouThrs = np.array([0.5])
        judged.evaluate()
        judged.accumulate()
    found = [one for one in as_outcomes(known, stated) if one.measure == "object found"]
    made = [one for one in as_outcomes(known, stated) if one.measure == "object stated"]
    ours = figures.average_precision(found, made)
    assert ours.value == pytest.approx(float(judged.eval["precision"][0, :, 0, 0, 2].mean()), abs=1e-6)
    assert figures.figure(found).interval.value == pytest.approx(float(judged.eval["recall"][0, 0, 0, 2]))
    assert ours.low < ours.value < ours.high


def test_outlines_are_compared_by_their_pixels_and_not_by_their_boxes() -> None:
    ring = Region.of_rings([[(0, 0), (300, 0), (300, 300), (0, 300)], [(10, 10), (10, 290), (290, 290), (290, 10)]])
    full = np.ones((300, 300), bool)
    whole = Finding("outline", "x", of_mask(Mask.of_pixels(full)))
    full[12:288, 12:288] = False
    frame = Finding("outline", "x", of_mask(Mask.of_pixels(full)))
    known = [KnownObject("fish", "outline", ring)]
    assert not objects.matched(known, [whole], (400, 400))
    assert objects.matched(known, [frame], (400, 400)) == {0: 0}


def test_classes_of_coco_are_told_from_their_names() -> None:
    names = {
        "Fish": "outline",
        "leaves": "",
        "Leaf": "outline",
        "labels": "label",
        "color_card": "chart",
        "eye": "",
        "Scale bar": "ruler",
    }
    assert {name: coco.kind_of(name) for name in names} == names
    assert coco.kind_of("leaves", {"leaves": "outline"}) == "outline"


@pytest.fixture(scope="module")
def pond(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a dark ellipse on white, whose instances are in the frame of a copy of half the size, and a picture of
    another shape than the file says."""
    folder = tmp_path_factory.mktemp("coco")
    picture = np.full((600, 800, 3), 240, np.uint8)
    cv2.ellipse(picture, (400, 300), (260, 120), 0, 0, 360, (60, 80, 40), cv2.FILLED)
    cv2.imwrite(str(folder / "fish.png"), picture)
    cv2.imwrite(str(folder / "odd.png"), picture[:, :300])
    angles = np.linspace(0, 2 * np.pi, 60, endpoint=False)
    outline = np.column_stack([200 + 130 * np.cos(angles), 150 + 60 * np.sin(angles)]).ravel().tolist()
    made = {"iscrowd": 0, "area": 1, "bbox": [70, 90, 260, 120], "image_id": 1}
    content = {
        "images": [
            {"id": n, "file_name": f"{name}.png", "width": 400, "height": 300} for n, name in enumerate(("fish", "odd"), 1)
        ],
        "categories": [{"id": 1, "name": "fish"}, {"id": 2, "name": "eye"}],
        "annotations": [
            {**made, "id": 1, "category_id": 1, "segmentation": [outline]},
            {**made, "id": 2, "category_id": 2, "bbox": [300, 140, 10, 10]},
            {**made, "id": 3, "category_id": 7},
        ],
    }
    (folder / "instances.json").write_text(json.dumps(content))
    return folder


def test_the_command_measures_coco_and_tells_what_does_not_count(pond: Path, tmp_path: Path) -> None:
    page, kept = tmp_path / "coco.html", tmp_path / "kept.jsonl"
    call = ["evaluate", "--images", str(pond), "--coco", str(pond / "instances.json"), "--steps", "specimen", "--keep", str(kept)]
    answer = CliRunner().invoke(main, [*call, "--processes", "1", "--json", "--html", str(page)])
    assert answer.exit_code == 1
    told = {one["measure"]: one["value"] for one in json.loads(answer.stdout)["outcomes"]}
    assert told["object found"] == told["object stated"] == 1.0
    assert told["outline coco"] > 0.95
    assert "category_id '7' is that of no category" in answer.stderr
    assert "No step states eye" in answer.stderr
    assert "odd.png: the file says 400 × 300 pixels, but upright the picture has 300 × 600" in answer.stderr
    assert "Objects of COCO, class by class" in page.read_text()
    assert len(kept.read_text().splitlines()) == 2


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--coco", "{pond}/fish.png"], "COCO is a JSON file, and there is none"),
        (["--coco", "{pond}/instances.json", "--changed"], "it cannot heed --changed"),
        (["--coco", "{pond}/instances.json", "--class", "eye"], "--class is NAME=KIND"),
        (["--coco", "{pond}/instances.json", "--class", "eye=iris"], "no step states iris"),
        (["--class", "eye=outline"], "--class says what a class of --coco is"),
        (["--coco", "{pond}/instances.json", "--write", "{pond}/nowhere/page.md"], "there is no folder"),
    ],
)
def test_what_cannot_be_asked_of_coco_is_refused_before_anything_is_measured(pond: Path, more: list[str], said: str) -> None:
    given = [word.replace("{pond}", str(pond)) for word in more]
    answer = CliRunner().invoke(main, ["evaluate", "--images", str(pond), *given])
    assert answer.exit_code in (1, 2)
    assert said in " ".join(answer.output.split())
    assert "Traceback" not in answer.output


def test_what_was_kept_is_not_measured_again_and_not_mixed_with_another_question(pond: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept.jsonl"
    call = [
        "evaluate",
        "--images",
        str(pond),
        "--coco",
        str(pond / "instances.json"),
        "--only",
        "fish",
        "--processes",
        "1",
        "--json",
    ]
    steps = ["--steps", "specimen", "--keep", str(kept)]
    first = CliRunner().invoke(main, [*call, *steps])
    lines = kept.read_text().splitlines()
    changed = lines[1].replace('"value": 1.0', '"value": 0.25', 1)
    assert changed != lines[1]
    kept.write_text(f"{lines[0]}\n{changed}\n" + '{"image": "cut o')
    again = CliRunner().invoke(main, [*call, *steps])
    values = [[one["value"] for one in json.loads(answer.stdout)["outcomes"]] for answer in (first, again)]
    assert values[0][1:] == values[1][1:]
    assert values[1][0] == 0.25  # as it was written down
    other = CliRunner().invoke(main, [*call, "--steps", "quality", "--keep", str(kept)])
    assert other.exit_code == 1
    assert "keeps another measurement" in " ".join(other.output.split())


def test_figures_with_sources_left_out_count_each_source_once_and_name_the_worst() -> None:
    rows = [Outcome("words", f"a{n}", f"a{n}", 1.0, source="large") for n in range(50)]
    rows += [Outcome("words", "b", "b", 0.4, source="poor"), Outcome("words", "c", "c", 0.7, source="fair")]
    ((_, known),) = sources.over_sources(Evaluation("x", tuple(rows)))
    assert [name for name, _, _ in known] == ["poor", "fair", "large"]
    middle, low, high = sources.mean_over([value for _, value, _ in known])
    assert middle == pytest.approx(0.7)
    assert (low, high) == pytest.approx((0.7 - 4.303 * 0.3 / 3**0.5, 0.7 + 4.303 * 0.3 / 3**0.5))
    title, _, table = next(report.left_out(Evaluation("x", tuple(rows))))
    assert title == "Each source left out: rules"
    assert table[1][3:] == ("poor", "40.0%")


def test_notes_of_people_stay_when_the_page_is_made_anew() -> None:
    made = report.markdown(
        Evaluation("x", (Outcome("scale right", "a", "a", 1.0),)), "lectotype evaluate", datetime(2026, 1, 1, tzinfo=UTC)
    )
    noted = made.replace(report.NOTES[1], f"Ladders are missed.\n{report.NOTES[1]}")
    assert "Ladders are missed." in report.with_notes(made, noted)
    assert report.with_notes(made, "") == made
    assert "| scale within 1 % | ≥ 80.0% |" in made
    assert made.startswith("# Accuracy")
    changed = Evaluation("x", (Outcome("changed scale", "a", "a", 1.0),))
    assert report.markdown(changed, "", datetime(2026, 1, 1, tzinfo=UTC)).startswith("# Robustness")


def test_what_the_network_learned_from_stands_apart_from_sources_that_it_never_saw() -> None:
    names = ("plant_brit_no_barcode.jpg", "plant_herbasap_fsu_blur.jpg", "another.jpg")
    rows = [Outcome("outline plants", name, name, 0.9) for name in names]
    rows += [Outcome("outline beetles", name, name, 0.8) for name in ("beetles/0014.png", "beetles/0013.png")]
    groups = {(measure.key, name): len(found) for measure, name, found in sources.by_learning(Evaluation("x", tuple(rows)))}
    assert groups == {
        ("outline plants", "learned from"): 1,
        ("outline plants", "of a source it never saw"): 2,
        ("outline beetles", "learned from"): 1,
        ("outline beetles", "held out, of a source it learned from"): 1,
    }
