"""Plans of trainings: what is read, and what is refused in a sentence; and the truth that they train on."""

import json
from importlib import resources
from pathlib import Path

import cv2
import numpy as np
import pytest
import yaml

from analytics.steps import component_net
from analytics.steps.component_classes import COMPONENTS, PARTS, SHEET, SPECIMEN
from analytics.training import plan, samples, truth
from analytics.training.errors import BadPlan
from analytics.training.instances import instances
from analytics.training.truth import IGNORE, NOT_SPECIMEN

PLANS = Path(str(resources.files("analytics.training") / "plans"))


def _written(folder: Path, **changes: object) -> Path:
    content = yaml.safe_load((PLANS / "short.yaml").read_text()) | changes
    path = folder / "plan.yaml"
    path.write_text(yaml.safe_dump({name: value for name, value in content.items() if value is not None}))
    return path


@pytest.mark.parametrize("path", sorted(PLANS.glob("*.yaml")), ids=lambda path: path.stem)
def test_the_plans_that_come_with_the_program_are_read(path: Path) -> None:
    assert plan.read(path).name == path.stem


def test_another_plan_has_another_digest(tmp_path: Path) -> None:
    assert plan.read(_written(tmp_path)).digest == plan.read(PLANS / "short.yaml").digest
    assert plan.read(_written(tmp_path, seed=8)).digest != plan.read(PLANS / "short.yaml").digest


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"steps": 0}, "steps"),
        ({"steps": "many"}, "steps"),
        ({"crop_px": 100}, "multiple of 32"),
        ({"batch": True}, "batch"),
        ({"colour": "blue"}, "colour"),
        ({"seed": None}, "seed"),
        ({"shares": {"sheet": 1.0}}, "data"),
        ({"shares": {}}, "shares"),
        ({"scenes": 0}, "scenes"),
        ({"average_from": 7}, "average_from"),
        ({"data": "x", "sheets": ["a"], "held_out_sheets": ["a"]}, "held out"),
        ({"name": "../other"}, "name must be a word"),
        ({"data": 5}, "data must be a folder"),
        ({"sheets": "one"}, "sheets must be a list"),
        ({"encoder_rate": "fast"}, "encoder_rate must be a number"),
        ({"shares": {"drawn": "often"}}, "shares must be numbers"),
        ({"shares": {"drawn": 1, "beetle": -1}}, "shares must be numbers"),
        ({"data": "there", "shares": {"sheet": 1}}, "sheets must name one"),
        ({"data": "there", "shares": {"beetle": 1}}, "all are held out"),
    ],
)
def test_a_plan_that_cannot_be_is_refused_with_what_is_wrong(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(BadPlan, match=said):
        plan.read(_written(tmp_path, **changes))


def test_what_is_no_yaml_is_no_plan(tmp_path: Path) -> None:
    path = tmp_path / "plan.yaml"
    for text in (b"[1, 2", b"- 1", b"\xff\xfe\x00"):
        path.write_bytes(text)
        with pytest.raises(BadPlan):
            plan.read(path)


def test_a_sample_is_the_same_whatever_was_drawn_before(tmp_path: Path) -> None:
    pool = samples.pool(plan.read(_written(tmp_path, scenes=2)))
    first = pool.batch(3)
    pool.sample(11)
    for one, other in zip(first, pool.batch(3), strict=True):
        assert np.array_equal(one, other)
    pictures, components, parts = first
    assert pictures.shape == (2, 3, 96, 96)
    assert components.shape == parts.shape == (2, 96, 96)
    assert not np.array_equal(pictures[0], pictures[1])
    assert set(np.unique(components)) <= {*range(len(COMPONENTS)), IGNORE}


def test_a_sheets_boxes_and_mask_become_classes_with_the_plant_on_top(tmp_path: Path) -> None:
    for folder in ("specimens", "annotations/plant_masks"):
        (tmp_path / folder).mkdir(parents=True)
    mask = np.zeros((300, 200), np.uint8)
    mask[100:200, 50:90] = 255
    mask[200:210, 50:90] = 128
    cv2.imwrite(str(tmp_path / "specimens" / "one.jpg"), np.full((600, 400, 3), 200, np.uint8))
    cv2.imwrite(str(tmp_path / "annotations" / "plant_masks" / "one.png"), mask)
    boxes = {"one.jpg": {"sheet": [20, 20, 380, 580], "label": [[100, 300, 300, 500]], "stamp": [], "logo": [[20, 20, 60, 60]]}}
    (tmp_path / "annotations" / "components_boxes.json").write_text(json.dumps(boxes))
    (example,) = truth.sheets(tmp_path, ["one"])
    assert example.rgb.shape == (900, 600, 3)

    def at(x: float, y: float) -> int:
        return int(example.components[round(y * 1.5), round(x * 1.5)])

    assert at(5, 5) == 0
    assert at(40, 40) == IGNORE
    assert at(350, 100) == SHEET
    assert at(280, 450) == COMPONENTS.index("label")
    assert at(140, 350) == SPECIMEN
    assert at(140, 410) == IGNORE
    assert len(truth.cutouts(example)) == 1
    assert truth.boxes(tmp_path, "one")["label"] == [[0.25, 0.5, 0.75, 500 / 600]]
    with pytest.raises(BadPlan, match="two"):
        truth.sheets(tmp_path, ["two"])


def test_two_labels_that_touch_are_two_things() -> None:
    chances = np.full((len(COMPONENTS), 200, 200), 0.01, np.float32)
    chances[0] = 0.5
    for rows, columns in ((slice(20, 60), slice(20, 80)), (slice(60, 140), slice(77, 120))):
        chances[COMPONENTS.index("label"), rows, columns] = 0.9
    found = instances(component_net.Seen(chances, np.zeros((len(PARTS), 200, 200), np.float32)))
    assert sorted((one.name, round(one.box[0], 1), round(one.box[2], 1)) for one in found) == [
        ("label", 0.1, 0.4),
        ("label", 0.4, 0.6),
    ]


def test_a_pin_is_a_part_but_no_specimen(tmp_path: Path) -> None:
    drawn = np.zeros((60, 40, 3), np.uint8)
    drawn[10:50, 10:30] = truth.COLOURS["elytra"]
    drawn[20:30, 15:25] = truth.COLOURS["pin"]
    cv2.imwrite(str(tmp_path / "a.png"), np.full((60, 40, 3), 90, np.uint8))
    cv2.imwrite(str(tmp_path / "m.png"), drawn[..., ::-1])
    example = truth.beetle(tmp_path / "a.png", tmp_path / "m.png")
    assert example.parts[25 * 8, 20 * 8] == PARTS.index("pin")
    assert example.components[25 * 8, 20 * 8] == NOT_SPECIMEN
    assert example.components[12 * 8, 12 * 8] == SPECIMEN
    assert example.components[2, 2] == NOT_SPECIMEN
