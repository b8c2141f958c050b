"""Rules and network together, each with what the other lacks; and the network of the package on drawn sheets."""

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics import synth
from analytics.steps import component_net, specimen
from analytics.steps.model import SheetImage, StepContext
from analytics.steps.specimen_fusion import fused

NOTHING = np.zeros((200, 200), bool)
EVEN = np.full((200, 200), 40, np.float32)  # everything stands out from the background alike


def square(x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    mask = NOTHING.copy()
    mask[y0:y1, x0:x1] = True
    return mask


def chance(*parts: tuple[NDArray[np.bool_], float]) -> NDArray[np.float32]:
    found = np.zeros((200, 200), np.float32)
    for mask, value in parts:
        found[mask] = value
    return found


def test_what_the_rules_find_far_from_where_the_network_sees_a_specimen_does_not_count() -> None:
    plant, shadow = square(20, 20, 80, 80), square(120, 120, 160, 160)
    found = fused(plant | shadow, chance((plant, 0.95)), NOTHING, NOTHING, EVEN)
    assert found.by == "both"
    assert np.array_equal(found.mask, plant)
    assert found.kept == plant.sum() / (plant | shadow).sum()


def test_the_edge_is_that_of_the_rules_and_their_holes_stay() -> None:
    plant = square(20, 20, 80, 80) & ~square(40, 40, 44, 44)
    found = fused(plant, chance((square(19, 19, 82, 82), 0.8)), NOTHING, NOTHING, EVEN)
    assert np.array_equal(found.mask, plant)


def test_a_large_piece_that_the_network_is_sure_of_counts_where_the_rules_miss_it() -> None:
    plant, missed = square(20, 20, 180, 100), square(60, 120, 90, 150)
    found = fused(plant, chance((plant | missed, 0.95)), NOTHING, NOTHING, EVEN)
    assert found.by == "both"
    assert np.array_equal(found.mask, plant | missed)


def test_where_the_rules_miss_most_the_network_is_followed_without_labels() -> None:
    label = square(100, 20, 120, 100)
    found = fused(square(20, 20, 30, 30), chance((square(20, 20, 120, 100), 0.95)), label, NOTHING, EVEN)
    assert found.by == "network"
    assert np.array_equal(found.mask, square(20, 20, 100, 100))
    assert found.covered < 0.05


def test_where_the_network_sees_no_specimen_the_rules_are_followed() -> None:
    found = fused(square(20, 20, 80, 80), chance(), NOTHING, NOTHING, EVEN)
    assert found.by == "rules"
    assert np.array_equal(found.mask, square(20, 20, 80, 80))


def test_a_piece_that_the_network_sees_in_part_counts_whole_unless_other_things_or_the_edge_are_in_it() -> None:
    piece, part = square(20, 20, 120, 120), square(20, 20, 60, 60)
    assert np.array_equal(fused(piece, chance((part, 0.8)), NOTHING, NOTHING, EVEN).mask, piece)
    assert fused(piece, chance((part, 0.8)), NOTHING, square(70, 70, 120, 120), EVEN).mask.sum() < 0.25 * piece.sum()
    at_the_edge = square(0, 20, 120, 120)
    assert fused(at_the_edge, chance((part, 0.8)), NOTHING, NOTHING, EVEN).mask.sum() < 0.25 * piece.sum()


def test_of_a_piece_that_the_network_mostly_sees_the_rest_counts_that_stands_out_alike_and_no_shadow() -> None:
    seen, rest = square(20, 20, 100, 120), square(115, 20, 150, 120)
    piece = square(20, 20, 150, 120)
    assert np.array_equal(fused(piece, chance((seen, 0.8)), NOTHING, NOTHING, EVEN).mask, piece)
    shadow = np.where(rest, np.float32(12), EVEN)
    assert not (fused(piece, chance((seen, 0.8)), NOTHING, NOTHING, shadow).mask & rest).any()


def test_a_specimen_that_the_edge_cuts_counts_to_the_edge_where_all_of_it_stands_out_alike() -> None:
    piece, seen, rest = square(40, 100, 80, 200), square(40, 100, 80, 140), square(40, 150, 80, 200)
    assert np.array_equal(fused(piece, chance((seen, 0.8)), NOTHING, NOTHING, EVEN).mask, piece)
    table = np.where(rest, np.float32(12), EVEN)
    assert not (fused(piece, chance((seen, 0.8)), NOTHING, NOTHING, table).mask & rest).any()


def test_on_a_drawn_sheet_nothing_but_the_plant_is_outlined_without_knowing_of_labels() -> None:
    sheet = synth.draw(2, 2)
    image = SheetImage(sheet.rgb)
    mask, scene = specimen.scene_of(image, 1000 / max(sheet.rgb.shape), StepContext())
    truth = np.zeros(sheet.rgb.shape[:2], np.uint8)
    for outline in sheet.truth["plant"]["outlines"]:
        cv2.fillPoly(truth, [np.array(outline)], (1,))
    plant = cv2.resize(truth, mask.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0
    assert (mask & plant).sum() / (mask | plant).sum() > 0.85
    assert scene.fused is not None
    assert component_net.seen(image) is component_net.seen(image)


def test_a_picture_of_any_size_is_looked_at() -> None:
    for height, width in ((1, 1), (3, 500), (700, 40)):
        seen = component_net.look(np.full((height, width, 3), 90, np.uint8))
        assert np.allclose(seen.components.sum(axis=0), 1, atol=1e-4)
        assert seen.specimen((width, height)).shape == (height, width)
