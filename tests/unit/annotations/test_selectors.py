"""Selectors from anyone: read or refused with a sentence, and what is stored comes back exactly."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations import selectors
from annotations.errors import BadSelector
from annotations.model import CanvasBox
from annotations.regions import Region
from app.runtime.errors import DomainError
from tests.unit.annotations.region_strategies import doubles, drawn_lines
from tests.unit.annotations.region_strategies import regions as every_region
from tests.unit.annotations.selector_forms import SHEET, drawn, fragment, svg


def read_or_refuse(selector: object) -> Region | None:
    """The region, or None if it was refused; anything but a DomainError escapes."""
    try:
        return selectors.read(selector, SHEET)
    except DomainError:
        return None


@pytest.mark.parametrize(
    ("value", "box"),
    [
        ("xywh=10,20,30,40", CanvasBox(10, 20, 40, 60)),
        ("xywh=pixel:10.5,20.25,30,40", CanvasBox(10.5, 20.25, 40.5, 60.25)),
        ("xywh=percent:25,50,10,10", CanvasBox(1000, 3000, 1400, 3600)),
        ("xywh=.5,1.,2e1,4", CanvasBox(0.5, 1, 20.5, 5)),
    ],
)
def test_fragments_are_read_in_canvas_units(value: str, box: CanvasBox) -> None:
    assert selectors.read_fragment(value, SHEET).box == box


@pytest.mark.parametrize(
    "value",
    [
        *("", "xywh=", "10,20,30,40", "xywh=1,2,3", "xywh=1,2,3,4,5", "xywh=a,b,c,d", "xywh=1,2,0,4", "xywh=1,2,3,-4"),
        *(
            "xywh=inch:1,2,3,4",
            "xywh=nan,0,1,1",
            "xywh=1,2,inf,4",
            "xywh=1 ,2,3,4",
            "xywh=٣,1,2,3",
            "xywh=1e999,0,1,1",
        ),
    ],
)
def test_a_bad_fragment_is_refused(value: str) -> None:
    with pytest.raises(BadSelector):
        selectors.read_fragment(value, SHEET)


@pytest.mark.parametrize("value", ["t=10,20", "#t=npt:10", "t=1&track=sound", "id=leaf"])
def test_a_time_alone_is_of_the_whole_image(value: str) -> None:
    assert selectors.read(fragment(value), SHEET) is None
    assert selectors.read([fragment(value), fragment("xywh=1,2,3,4")], SHEET) == Region(CanvasBox(1, 2, 4, 6))
    assert selectors.read_fragment_of(value, SHEET) is None


@pytest.mark.parametrize("value", ["t", "id", "leaf", "t=1&xywh=1,2", "other=1", ""])
def test_a_fragment_that_cannot_be_read_is_not_taken_for_a_time(value: str) -> None:
    with pytest.raises(BadSelector):
        selectors.read(fragment(value), SHEET)


def test_a_point_in_time_is_of_the_whole_image_and_one_of_a_place_keeps_its_time() -> None:
    assert selectors.read({"type": "PointSelector", "t": 14.5}, SHEET) is None
    assert selectors.read({"type": "PointSelector", "x": 5, "y": 6, "t": 14.5}, SHEET) == Region.of_point(5, 6)
    for bad in ("1", True, -1, math.inf, None):
        with pytest.raises(BadSelector):
            selectors.read({"type": "PointSelector", "t": bad}, SHEET)


def test_selectors_of_texts_beside_one_of_a_place_are_passed_over_and_alone_refused() -> None:
    quote = {"type": "TextQuoteSelector", "exact": "Quercus"}
    css = {"type": "CssSelector", "value": "p", "refinedBy": quote}
    assert selectors.read([quote, fragment("xywh=1,2,3,4"), css], SHEET) == Region(CanvasBox(1, 2, 4, 6))
    for several in (quote, [quote], [quote, css]):
        with pytest.raises(BadSelector, match=r"On an image a selector is|cannot be refined"):
            selectors.read(several, SHEET)


shapes = st.sampled_from(["polygon points", "path d", "rect x", "circle r", "g transform"])
path_text = st.text(alphabet="MmLlHhVvCcSsQqTtAaZz0123456789.,-+eE ", max_size=60)


@given(
    st.one_of(
        st.text(max_size=200),
        st.tuples(shapes, st.one_of(path_text, st.text(max_size=40))).map(lambda pair: svg(f'<{pair[0]}="{pair[1]}"/>')),
    )
)
def test_garbage_is_either_read_or_refused_with_a_sentence(text: str) -> None:
    for selector in (fragment(text), {"type": "SvgSelector", "value": text}, {"type": text, "value": text}, text):
        region = read_or_refuse(selector)
        if region is not None:
            assert all(math.isfinite(number) for number in (region.box.x0, region.box.y0, region.box.x1, region.box.y1))


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["type", "value", "refinedBy"]), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(json_values)
def test_any_json_as_a_selector_is_read_or_refused(value: object) -> None:
    read_or_refuse(value)


@pytest.mark.parametrize(
    "value",
    [
        "t=10,20&xywh=10,20,30,40",
        "xywh=pixel:10,20,30,40&t=npt:5",
        "xywh=pixel%3A10%2C20%2C30%2C40",
        "%78ywh=10,20,30,40&track=a%20b&id=%26xywh",
        "#xywh=10,20,30,40",
        "xywh=1,1,1,1&xywh=10,20,30,40&xywh=no",
    ],
)
def test_a_fragment_may_hold_escapes_and_other_members(value: str) -> None:
    assert selectors.read_fragment(value, SHEET).box == CanvasBox(10, 20, 40, 60)


@pytest.mark.parametrize(
    ("region", "box"),
    [
        ({"region": "10,20,30,40"}, (10, 20, 40, 60)),
        ({"region": "pct:25,50,10,10", "size": "100,", "rotation": "90"}, (1000, 3000, 1400, 3600)),
        ({"region": "square"}, (0, 1000, 4000, 5000)),
        ({"region": "3990,5990,99,99"}, (3990, 5990, 4000, 6000)),
        ({}, (0, 0, 4000, 6000)),
    ],
)
def test_the_region_of_a_request_for_a_picture_is_a_box(region: dict[str, str], box: tuple[int, ...]) -> None:
    assert selectors.read({"type": "ImageApiSelector", **region}, SHEET) == Region.of_box(*box)


@pytest.mark.parametrize("region", ["", "1,2,3", "9999,0,5,5", "0,0,0,5", "-1,0,5,5", 7, None, ["full"]])
def test_a_bad_region_of_a_request_is_refused(region: object) -> None:
    with pytest.raises(BadSelector):
        selectors.read({"type": "ImageApiSelector", "region": region}, SHEET)


def test_of_several_selectors_the_box_and_the_shape_are_taken() -> None:
    shape = {"type": "SvgSelector", "value": svg('<polygon points="10,10 90,10 50,80"/>')}
    region = selectors.read([shape, fragment("xywh=5,5,100,100")], SHEET)
    assert region == Region(CanvasBox(5, 5, 105, 105), (((10, 10), (90, 10), (50, 80)),))


def test_a_box_without_width_and_height_is_a_point_unless_another_box_is_beside_it() -> None:
    point, nothing = {"type": "PointSelector", "x": 500, "y": 500}, fragment("xywh=pixel:500,500,0,0")
    for one in (nothing, [nothing, point], [point, nothing]):
        assert selectors.read(one, SHEET) == Region.of_point(500, 500)
    assert selectors.read([nothing, fragment("xywh=1,2,3,4")], SHEET) == Region(CanvasBox(1, 2, 4, 6))
    for several in (fragment("xywh=500,500,0,7"), [point, fragment("xywh=pixel:500,500,0,7")]):
        with pytest.raises(BadSelector):
            selectors.read(several, SHEET)


@pytest.mark.parametrize("point", [{}, {"x": 1}, {"x": "1", "y": 1}, {"x": True, "y": 1}, {"x": 1e300, "y": 1}, {"x": 1, "t": 2}])
def test_a_point_without_two_numbers_is_refused(point: dict[str, object]) -> None:
    with pytest.raises(BadSelector):
        selectors.read({"type": "PointSelector", **point}, SHEET)


# What is stored


@given(every_region(doubles).filter(lambda region: region.mask is None) | drawn_lines(doubles))
def test_a_region_comes_back_from_its_stored_form_exactly(region: Region) -> None:
    try:
        assert selectors.read(selectors.stored_selectors(region), SHEET) == region
    except BadSelector:  # a shape or a line without extent, which nobody may send
        shapes = region.rings, [path for path in region.lines if len(set(path)) > 1]
        assert region.box.x0 == region.box.x1 or region.box.y0 == region.box.y1 or shapes != (region.rings, list(region.lines))


def test_an_approximation_says_by_how_much_it_may_miss() -> None:
    region = Region(CanvasBox(10, 10, 90, 80), (((10, 10), (90, 10), (50, 80)),), tolerance=1.25)
    made = selectors.stored_selectors(region)
    assert made[1]["hub:tolerance"] == "1.25"
    assert selectors.read(made, SHEET) == region
    for bad in ("-1", "much", None, float("nan")):
        with pytest.raises(BadSelector):
            selectors.read({**made[1], "hub:tolerance": bad}, SHEET)


@pytest.mark.parametrize(
    ("shape", "is_ring"),
    [
        ('<path fill="none" data-kind="line" d="M0,0 L9,0 L9,9 L0,0"/>', False),
        ('<polyline data-kind="line" points="0,0 9,0 9,9 0,0"/>', False),
        ('<path fill="none" d="M0,0 L9,0 L9,9 L0,0"/>', True),
        ('<polyline fill="none" points="0,0 9,0 9,9 0,0"/>', True),
        ('<path data-kind="line" d="M0,0 L9,0 L9,9 Z"/>', True),
    ],
)
def test_what_ends_where_it_began_is_a_ring_unless_it_says_that_it_is_a_line(shape: str, is_ring: bool) -> None:
    region = selectors.read(drawn(shape), SHEET)
    assert region is not None
    assert region.kind == ("rings" if is_ring else "line")
    assert region.lines == (() if is_ring else (((0, 0), (9, 0), (9, 9), (0, 0)),))
