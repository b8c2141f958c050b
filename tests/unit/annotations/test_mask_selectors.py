"""Masks that selectors name: read beside the shape that bears them, in today's form and in the earlier one."""

from typing import Any

import pytest

from annotations import mask_selectors, selectors
from annotations.errors import BadSelector, SelectorOutsideCanvas
from annotations.mask_selectors import MaskReference
from annotations.model import CanvasBox
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from tests.unit.annotations.selector_forms import SHEET, drawn, fragment

DIGEST = "ab" * 32
IRI = f"http://lectotype.test/masks/{DIGEST}.png"
PLACE = {"hub:x": 20, "hub:y": 30, "hub:width": 40, "hub:height": 50}
SHAPE = {**drawn('<polygon points="20,30 60,30 20,80"/>'), "hub:tolerance": "3"}
EARLIER = {"type": "hub:MaskSelector", "hub:mask": {"id": IRI}, **PLACE}
BOX = CanvasBox(20, 30, 60, 80)
RINGS = (((20, 30), (60, 30), (20, 80)),)


def named(**change: Any) -> dict[str, Any]:
    """The shape with a mask beside its value."""
    return {**SHAPE, "hub:mask": {"id": IRI, **PLACE, **change}}


def load(_: MaskReference) -> Mask:
    return Mask(20, 30, 40, 50, b"\xff" * 250)


def test_a_mask_is_written_as_a_member_and_read_back() -> None:
    (reference,) = selectors.masks_of(named(**{"hub:tolerance": "0.7"}), SHEET)
    assert (reference.sha256, reference.box, reference.tolerance) == (DIGEST, BOX, 0.7)
    assert {**SHAPE, **mask_selectors.mask_member(reference)} == named(**{"hub:tolerance": "0.7"})


@pytest.mark.parametrize(
    "selector",
    [
        named(),
        [named()],
        [SHAPE, EARLIER],
        [EARLIER, SHAPE],
        [{**EARLIER, "type": [mask_selectors.EARLIER_FORM]}, SHAPE],
    ],
)
def test_a_mask_is_read_as_what_bears_it_or_itself(selector: Any) -> None:
    (reference,) = selectors.masks_of(selector, SHEET)
    assert reference == MaskReference(IRI, DIGEST, 20, 30, 40, 50)
    assert selectors.read(selector, SHEET) == Region(BOX, RINGS, tolerance=3)
    assert selectors.read(selector, SHEET, load) == of_mask(load(reference))


def test_a_mask_without_a_shape_is_read_as_its_box_or_itself() -> None:
    box = {**fragment("xywh=20,30,40,50"), "hub:mask": {"id": IRI, **PLACE}}
    for selector in (box, EARLIER):
        assert selectors.read(selector, SHEET) == Region(BOX)
        assert selectors.read(selector, SHEET, load) == of_mask(Mask(20, 30, 40, 50, b"\xff" * 250))


def test_what_is_stored_of_a_mask_is_one_of_the_selectors_of_the_model() -> None:
    (reference,) = selectors.masks_of(named(), SHEET)
    box, shape = selectors.stored_selectors(Region(BOX, RINGS, tolerance=3), reference)
    assert (box["type"], shape["type"]) == ("FragmentSelector", "SvgSelector")
    assert selectors.masks_of([box, shape], SHEET) == [reference]
    assert selectors.read([box, shape], SHEET, load) == of_mask(load(reference))


BAD = [
    {"id": "x"},
    {"id": f"http://lectotype.test/masks/{DIGEST[1:]}.png"},
    {"id": None},
    {"hub:x": -1},
    {"hub:x": 1.5},
    {"hub:x": True},
    {"hub:x": "1"},
    {"hub:width": 0},
    {"hub:height": 10**30},
    {"hub:tolerance": "much"},
]


@pytest.mark.parametrize("change", BAD)
def test_a_mask_that_is_badly_named_is_refused(change: dict[str, object]) -> None:
    earlier = {**EARLIER, **change, "hub:mask": {"id": change.get("id", IRI)}}
    for selector in (named(**change), earlier):
        with pytest.raises(BadSelector):
            selectors.read(selector, SHEET)


@pytest.mark.parametrize("value", [None, "", IRI, [], {}, 7])
def test_a_mask_without_a_place_is_refused(value: object) -> None:
    with pytest.raises(BadSelector):
        selectors.read({**SHAPE, "hub:mask": value}, SHEET)


def test_a_mask_past_the_edge_is_refused() -> None:
    for selector in (named(**{"hub:x": 3961}), {**EARLIER, "hub:x": 3961}):
        with pytest.raises(SelectorOutsideCanvas):
            selectors.read(selector, SHEET)


def test_a_shape_that_was_moved_away_from_its_mask_is_refused() -> None:
    moved = {**named(), "value": drawn('<polygon points="120,30 160,30 120,80"/>')["value"]}
    for selector in (moved, [{name: value for name, value in moved.items() if name != "hub:mask"}, EARLIER]):
        with pytest.raises(BadSelector, match="different places"):
            selectors.read(selector, SHEET)
    nearly = {**named(), "value": drawn('<polygon points="16,30 60,30 20,84"/>')["value"]}
    assert selectors.read(nearly, SHEET) is not None
