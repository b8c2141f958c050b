"""Round stamps: found where there is a ring with words, and nowhere else."""

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from analytics.steps import stamp
from analytics.steps.model import SheetImage, StepContext, StepResult
from analytics.synth import furniture
from analytics.synth.patch import lay

PAPER = (240, 236, 225)


def _look(ground: NDArray[np.float32]) -> StepResult:
    noisy = ground + np.random.default_rng(5).normal(0, 3, ground.shape)
    return stamp.run(SheetImage(np.clip(noisy, 0, 255).astype(np.uint8)), {}, StepContext())


def _sheet() -> NDArray[np.float32]:
    return np.full((1300, 1000, 3), PAPER, np.float32)


@pytest.mark.parametrize("degrees", [0, 140])
def test_a_round_stamp_is_found_where_it_lies_and_its_words_are_read(degrees: float) -> None:
    ground, random = _sheet(), np.random.default_rng(2)
    patch, _ = furniture.stamp(8, random)
    corners = lay(ground, patch, 40, 60, degrees, 0)
    (found,) = _look(ground).findings
    assert "LECTOTYPI" in found.text
    assert found.kind == "stamp"
    assert found.box is not None
    middle = ((found.box.x0 + found.box.x1) / 2, (found.box.y0 + found.box.y1) / 2)
    assert middle == pytest.approx(tuple(corners.mean(axis=0)), abs=4)
    assert found.box.x1 - found.box.x0 == pytest.approx(30 * 8, rel=0.06)


def test_a_coin_a_hole_and_rings_without_words_are_no_stamps() -> None:
    ground = _sheet()
    cv2.circle(ground, (250, 300), 110, (140, 130, 110), -1)
    cv2.circle(ground, (250, 300), 100, (60, 60, 60), 3)
    cv2.circle(ground, (700, 300), 90, (20, 20, 20), -1)
    cv2.circle(ground, (250, 800), 110, (60, 50, 120), 3)
    cv2.circle(ground, (250, 800), 80, (60, 50, 120), 2)
    for turn in range(12):
        x, y = 700 + 90 * np.cos(turn / 6 * np.pi), 800 + 90 * np.sin(turn / 6 * np.pi)
        cv2.circle(ground, (int(x), int(y)), 8, (60, 50, 120), -1)
    result = _look(ground)
    assert not result.findings
    assert "round stamps" in result.nothing_found


def test_what_runs_around_is_laid_out_from_left_to_right() -> None:
    picture = np.full((400, 400, 3), 255, np.uint8)
    for number in range(4):  # one, two, three and four bars, clockwise, a quarter of a turn apart
        for bar in range(number + 1):
            turn = np.radians(90 * number + 6 * bar - 60)
            ends = [(round(200 + away * np.cos(turn)), round(200 + away * np.sin(turn))) for away in (120, 180)]
            cv2.line(picture, ends[0], ends[1], (0, 0, 0), 3)
    strip = stamp.unrolled(picture, (200, 200), 200)
    dark = (strip.min(axis=(0, 2)) < 128).astype(int)
    starts = np.flatnonzero(np.diff(dark) == 1)
    gaps = np.diff(starts) > strip.shape[1] / 10
    groups = np.diff(np.concatenate([[0], np.flatnonzero(gaps) + 1, [len(starts)]])).tolist()
    assert sorted(groups) == [1, 2, 3, 4]
    first = groups.index(1)
    assert groups[first:] + groups[:first] == [1, 2, 3, 4]
