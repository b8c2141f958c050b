"""What viewers and drawing clients get: boxes of whole units that hold the region, and shapes that come back as they were."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations import clipping, selectors, viewer_selectors
from annotations.model import CanvasBox
from annotations.regions import Region, bounds
from tests.unit.annotations.region_strategies import drawn_lines
from tests.unit.annotations.selector_forms import SHEET, svg

numbers = st.floats(0, 3999, allow_nan=False).map(lambda number: round(number, 3))
extents = st.floats(0.01, 4000, allow_nan=False).map(lambda number: round(number, 3))


@given(x=numbers, y=numbers, width=extents, height=extents)
def test_the_box_for_viewers_holds_the_region_and_is_less_than_two_units_larger(
    x: float, y: float, width: float, height: float
) -> None:
    box = selectors.read_fragment(f"xywh=pixel:{x:.3f},{y:.3f},{width:.3f},{height:.3f}", SHEET).box
    again = selectors.read_fragment("xywh=" + viewer_selectors.xywh(box), SHEET).box
    edge = 2 * clipping.EDGE
    assert again.x0 <= box.x0 + edge
    assert again.y0 <= box.y0 + edge
    assert box.x1 <= again.x1 + edge
    assert box.y1 <= again.y1 + edge
    assert (again.x1 - again.x0) - (box.x1 - box.x0) < 2
    assert viewer_selectors.xywh(again) == viewer_selectors.xywh(box)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=40, unique=True))
def test_a_polygon_comes_back_from_its_normalised_path_and_from_its_drawing(points: list[tuple[float, float]]) -> None:
    ring = tuple(points)
    region = Region(bounds((ring,)), (ring,))
    if region.box.x1 == region.box.x0 or region.box.y1 == region.box.y0:
        return
    drawn = viewer_selectors.viewer_selectors(region)[1]["value"]
    assert re.search(r'<path fill-rule="evenodd" d="M[^a-zLMZ]+( L[^a-zLMZ]+)+ Z"/>', drawn)
    for value in (drawn, viewer_selectors.drawing_selector(region)["value"]):
        again = selectors.read_shape(value)
        assert again.rings == (ring,)
        assert viewer_selectors.same_place(again, region)


def test_a_level_line_is_given_to_viewers_in_a_box_of_one_unit() -> None:
    region = selectors.read({"type": "SvgSelector", "value": svg('<line x1="10" y1="6000" x2="300" y2="6000"/>')}, SHEET)
    assert region is not None
    clipping.check_within(region, SHEET)
    assert viewer_selectors.viewer_selectors(region, SHEET)[0]["value"] == "xywh=10,5999,290,1"


@pytest.mark.parametrize(
    ("x", "y", "shown"), [(500, 500, "500,500,1,1"), (0.25, 7.75, "0,7,1,1"), (4000, 6000, "3999,5999,1,1"), (0, 0, "0,0,1,1")]
)
def test_a_point_is_given_to_viewers_as_the_unit_that_holds_it(x: float, y: float, shown: str) -> None:
    region = selectors.read({"type": "PointSelector", "x": x, "y": y}, SHEET)
    assert region == Region.of_point(x, y)
    clipping.check_within(region, SHEET)
    box, point = viewer_selectors.viewer_selectors(region, SHEET)
    assert box["value"] == f"xywh={shown}"
    assert selectors.read(point, SHEET) == selectors.read([box, point], SHEET) == region
    drawn = selectors.read(viewer_selectors.drawing_selector(region, SHEET), SHEET)
    assert drawn is not None
    assert viewer_selectors.same_place(drawn, region)


@pytest.mark.parametrize(
    ("box", "shown"),
    [
        (CanvasBox(10.5, 20, 30, 40), "10,20,20,20"),
        (CanvasBox(500, 500, 500, 500), "436,436,128,128"),
        (CanvasBox(10, 5990, 300, 5990), "0,5926,364,74"),
        (CanvasBox(4000, 6000, 4000, 6000), "3936,5936,64,64"),
    ],
)
def test_a_picture_of_a_point_or_a_level_line_shows_its_surroundings(box: CanvasBox, shown: str) -> None:
    assert viewer_selectors.picture_of(box, SHEET) == shown


thousandths = st.integers(0, 480_000).map(lambda number: number / 1000)


@given(drawn_lines(thousandths))
def test_a_line_comes_back_from_viewers_as_a_line_even_if_it_ends_where_it_began(region: Region) -> None:
    for drawn in (viewer_selectors.viewer_selectors(region)[1], viewer_selectors.drawing_selector(region)):
        assert selectors.read(drawn, SHEET) == region
