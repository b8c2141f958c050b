"""Drawn truth to learn from: the same seed draws the same, and the classes lie where the things are."""

import numpy as np
import pytest

from analytics.steps.component_classes import COMPONENTS, SHEET, SPECIMEN
from analytics.synth import charts, scenes
from analytics.synth.patch import Patch

SEEDS = (0, 2, 3, 4, 11)  # of these five at least one shows each class


def test_the_same_seed_draws_the_same_scene_and_another_seed_another() -> None:
    one, classes = scenes.draw(5)
    again, classes_again = scenes.draw(5)
    assert np.array_equal(one, again)
    assert np.array_equal(classes, classes_again)
    assert not np.array_equal(one[:64, :64], scenes.draw(6)[0][:64, :64])


def test_scenes_together_show_every_class_and_each_has_a_class_for_every_pixel() -> None:
    shown: set[int] = set()
    for seed in SEEDS:
        rgb, classes = scenes.draw(seed)
        assert classes.shape == rgb.shape[:2]
        assert classes.max() < len(COMPONENTS)
        shown |= set(np.unique(classes).tolist())
    assert shown == set(range(len(COMPONENTS)))


def test_a_cut_out_is_laid_with_its_own_pixels_and_outline() -> None:
    red = np.zeros((80, 40, 3), np.uint8)
    red[..., 0] = 255
    alpha = np.zeros((80, 40), np.uint8)
    alpha[10:70, 10:30] = 255
    desk = scenes.Desk(np.full((200, 200, 3), 120, np.float32), np.full((200, 200), SHEET, np.uint8), np.random.default_rng(1))
    desk.put(Patch(red, alpha, 1.0), SPECIMEN, 50, 60, shadow=0.0, whole=False)
    there = desk.classes == SPECIMEN
    assert there.sum() == pytest.approx(60 * 20, rel=0.05)
    assert desk.ground[there][:, 0].mean() > 245
    assert desk.ground[~there][:, 0].mean() == pytest.approx(120, abs=2)


def test_a_label_is_its_whole_paper() -> None:
    desk = scenes.Desk(np.zeros((100, 100, 3), np.float32), np.full((100, 100), SHEET, np.uint8), np.random.default_rng(1))
    desk.put(Patch.blank(40, 20, 1.0, (255, 255, 255)), scenes.LABEL, 30, 40)
    assert (desk.classes == scenes.LABEL).sum() == pytest.approx(40 * 20, rel=0.08)
    assert (desk.classes[40:60, 30:70] == scenes.LABEL).mean() > 0.97


@pytest.mark.parametrize("seed", range(8))
def test_charts_things_and_shapes_have_pixels(seed: int) -> None:
    random = np.random.default_rng(seed)
    assert charts.chart(2.0, random).alpha.min() == 255
    for patch in (charts.thing(2.0, random), charts.shape(1.0, 90.0, random)):
        assert 0.1 < (patch.alpha > 127).mean() < 1.0
