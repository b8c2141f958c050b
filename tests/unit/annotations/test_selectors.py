"""Selectors from anyone: read, refused with a sentence, and written back for viewers without loss of the shape."""

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations import selectors
from annotations.errors import AnnotationTooBig, BadSelector, SelectorOutsideCanvas
from annotations.model import CanvasBox
from annotations.region_masks import Mask
from annotations.regions import Region, of_mask
from annotations.selectors import Canvas
from annotations.svg import Ring, read_svg
from app.runtime.errors import DomainError
from tests.unit.annotations.region_strategies import doubles
from tests.unit.annotations.region_strategies import regions as every_region

SHEET = Canvas(4000, 6000)
numbers = st.floats(0, 3999, allow_nan=False).map(lambda number: round(number, 3))
extents = st.floats(0.01, 4000, allow_nan=False).map(lambda number: round(number, 3))


def fragment(value: str) -> dict[str, str]:
    return {"type": "FragmentSelector", "value": value}


def svg(inner: str) -> str:
    return f'<svg xmlns="http://www.w3.org/2000/svg">{inner}</svg>'


def read_or_refuse(selector: object) -> Region | None:
    """The region, or None if it was refused; anything but a DomainError escapes."""
    try:
        return selectors.read(selector, SHEET)
    except DomainError:
        return None


def area(rings: tuple[Ring, ...]) -> float:
    """Sum of the signed areas of all rings."""
    total = 0.0
    for ring in rings:
        total += sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2
    return total


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
            "t=10,20",
            "xywh=٣,1,2,3",
            "xywh=1e999,0,1,1",
        ),
    ],
)
def test_a_bad_fragment_is_refused(value: str) -> None:
    with pytest.raises(BadSelector):
        selectors.read_fragment(value, SHEET)


@given(x=numbers, y=numbers, width=extents, height=extents)
def test_the_box_for_viewers_holds_the_region_and_is_less_than_two_units_larger(
    x: float, y: float, width: float, height: float
) -> None:
    box = selectors.read_fragment(f"xywh=pixel:{x:.3f},{y:.3f},{width:.3f},{height:.3f}", SHEET).box
    again = selectors.read_fragment("xywh=" + selectors.xywh(box), SHEET).box
    edge = 2 * selectors.EDGE
    assert again.x0 <= box.x0 + edge
    assert again.y0 <= box.y0 + edge
    assert box.x1 <= again.x1 + edge
    assert box.y1 <= again.y1 + edge
    assert (again.x1 - again.x0) - (box.x1 - box.x0) < 2
    assert selectors.xywh(again) == selectors.xywh(box)


@given(st.lists(st.tuples(numbers, numbers), min_size=3, max_size=40, unique=True))
def test_a_polygon_comes_back_from_its_normalised_path_and_from_its_drawing(points: list[tuple[float, float]]) -> None:
    ring = tuple(points)
    region = Region(selectors.bounds((ring,)), (ring,))
    if region.box.x1 == region.box.x0 or region.box.y1 == region.box.y0:
        return
    drawn = selectors.viewer_selectors(region)[1]["value"]
    assert re.search(r'<path fill-rule="evenodd" d="M[^a-zLMZ]+( L[^a-zLMZ]+)+ Z"/>', drawn)
    for value in (drawn, selectors.drawing_selector(region)["value"]):
        again = selectors.read_shape(value)
        assert again.rings == (ring,)
        assert selectors.same_place(again, region)


@pytest.mark.parametrize(
    ("inner", "expected", "tolerance"),
    [
        ('<rect x="10" y="20" width="30" height="40"/>', 1200, 0),
        ('<circle cx="100" cy="100" r="50"/>', math.pi * 2500, 0.002),
        ('<ellipse cx="100" cy="100" rx="50" ry="20"/>', math.pi * 1000, 0.002),
        ('<polygon points="0,0 100,0 100,50 0,50"/>', 5000, 0),
        ('<polygon points="0 0,100 0,100 50,0 50,0 0"/>', 5000, 0),
        ('<path d="M0 0h100v50h-100z"/>', 5000, 0),
        ('<path d="m10,10 100,0 0,50 -100,0z"/>', 5000, 0),
        ('<path d="m10,10 100,0 0,50 -100,0 0,-50"/>', 5000, 0),
        ('<polyline points="0,0 100,0 100,50 0,50 0,0"/>', 5000, 0),
        ('<path d="M50,100 A50,50 0 1 0 150,100 A50,50 0 1 0 50,100 Z"/>', math.pi * 2500, 0.002),
        ('<path d="M50,100 a50,50 0 0 1 100,0 Z"/>', math.pi * 1250, 0.002),
        ('<path d="M0,0 C0,55.23 44.77,100 100,100 L100,0 Z"/>', math.pi * 2500, 0.005),
        ('<path d="M0,0 Q50,100 100,0 Z"/>', 10000 / 3, 0.005),
        ('<path d="M0,0 Q50,100 100,0 T200,0 Z"/>', 0, 1e-6),
        ('<g><path d="M0,0 L10,0 L10,10 L0,10 Z M2,2 L2,4 L4,4 L4,2 Z"/></g>', 96, 0),
    ],
)
def test_normalising_keeps_the_area(inner: str, expected: float, tolerance: float) -> None:
    rings = read_svg(svg(inner)).rings
    assert abs(area(rings)) == pytest.approx(expected, rel=tolerance, abs=1e-6)
    again = read_svg(selectors.viewer_selectors(Region(selectors.bounds(rings), rings))[1]["value"]).rings
    assert abs(area(again)) == pytest.approx(abs(area(rings)), rel=1e-3, abs=0.5)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "no xml",
        "<svg>",
        "<p/>",
        svg(""),
        svg("<script>alert(1)</script>"),
        svg('<image href="file:///etc/passwd"/>'),
        svg('<polygon points="1,2 3"/>'),
        svg('<polygon points="1,2 3,4"/>'),
        svg('<polygon points="1,2 3,4 1,2"/>'),
        svg('<polygon points="1,2 3,2 5,2"/>'),
        svg('<path d="M1,1 L2,2 Z"/>'),
        svg('<polyline points="1,2"/>'),
        svg('<polyline points="1,2 1,2"/>'),
        svg('<line x1="1" x2="1"/>'),
        svg('<line x1="1" x2="a"/>'),
        svg('<polygon points="1,2 3,4 x,y"/>'),
        svg('<polygon transform="scale(2" points="1,2 3,4 5,9"/>'),
        svg('<polygon transform="scale(1,2,3)" points="1,2 3,4 5,9"/>'),
        svg('<polygon style="transform: scale(2)" points="1,2 3,4 5,9"/>'),
        svg('<polygon onclick="x()" points="1,2 3,4 5,9"/>'),
        svg('<a href=" JavaScript:x()"><polygon points="1,2 3,4 5,9"/></a>'),
        svg('<defs><polygon points="1,2 3,4 5,9"/></defs>'),
        svg('<g display="none"><polygon points="1,2 3,4 5,9"/></g>'),
        '<svg viewBox="0 0 0 10"><polygon points="1,2 3,4 5,9"/></svg>',
        '<svg width="-5" height="5"><polygon points="1,2 3,4 5,9"/></svg>',
        svg('<path d="L1,1 2,2 3,9"/>'),
        svg('<path d="M1,1 L2"/>'),
        svg('<path d="M1,1 L2,2 3,9 Z 4,4"/>'),
        svg('<rect x="1" y="1" width="a" height="1"/>'),
        svg('<rect x="1" y="1" width="0" height="1"/>'),
        svg('<polygon points="0,0 1e300,0 1e300,1e300"/>'),
        '<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg><polygon points="1,2 3,4 5,9"/></svg>',
    ],
)
def test_a_bad_svg_is_refused(value: str) -> None:
    with pytest.raises(BadSelector):
        selectors.read({"type": "SvgSelector", "value": value}, SHEET)


@pytest.mark.parametrize(
    "value",
    [
        svg("<g/>" * 300),
        svg('<polygon points="' + "1,2 3,4 " * 10_010 + '"/>'),
        svg('<path d="M0,0' + "A1,1 0 1 0 1,1A1,1 0 1 0 9,9" * 2_500 + '"/>'),
        "<svg>" + " " * 250_001 + "</svg>",
    ],
)
def test_too_big_an_svg_is_refused(value: str) -> None:
    with pytest.raises(AnnotationTooBig):
        selectors.read({"type": "SvgSelector", "value": value}, SHEET)


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


@pytest.mark.parametrize("value", ["xywh=3990,0,20,20", "xywh=0,5999,10,2", "xywh=-1,0,10,10", "xywh=percent:50,50,51,10"])
def test_a_region_past_the_edge_is_refused(value: str) -> None:
    with pytest.raises(SelectorOutsideCanvas):
        selectors.check_within(selectors.read_fragment(value, SHEET), SHEET)


@pytest.mark.parametrize(
    ("selector", "box"),
    [
        (fragment("xywh=pixel:-3.2,20,100,50"), (0, 20, 96.8, 70)),
        (fragment("xywh=3900,20,100.4,50"), (3900, 20, 4000, 70)),
        (fragment("xywh=0,5990,10,15"), (0, 5990, 10, 6000)),
        (fragment("xywh=percent:50,50,51,10"), (2000, 3000, 4000, 3600)),
        ({"type": "PointSelector", "x": -0.4, "y": 6000.9}, (0, 6000, 0, 6000)),
        (
            {"type": "SvgSelector", "value": '<svg><polygon points="-2,100 300,120 200,400"/></svg>'},
            (0, 100.13245033112582, 300, 400),
        ),
        ({"type": "SvgSelector", "value": '<svg><line x1="9" y1="-0.5" x2="99" y2="-0.5"/></svg>'}, (9, 0, 99, 0)),
        ({"type": "SvgSelector", "value": '<svg><line x1="-10" y1="-10" x2="90" y2="90"/></svg>'}, (0, 0, 90, 90)),
    ],
)
def test_what_is_drawn_past_the_edge_is_clipped(selector: dict[str, object], box: tuple[float, ...]) -> None:
    region = selectors.read(selector, SHEET)
    assert region is not None
    kept = selectors.clipped(region, SHEET)
    assert (kept.box.x0, kept.box.y0, kept.box.x1, kept.box.y1) == pytest.approx(box)
    selectors.check_within(kept, SHEET)
    assert selectors.clipped(kept, SHEET) is kept
    assert kept.kind == region.kind


@pytest.mark.parametrize("value", ["xywh=4000,0,50,50", "xywh=-90,0,100,10", "xywh=0,0,9000,9000", "xywh=-5,-5,2,2"])
def test_what_lies_elsewhere_is_refused(value: str) -> None:
    with pytest.raises(SelectorOutsideCanvas):
        selectors.clipped(selectors.read_fragment(value, SHEET), SHEET)


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


def test_an_area_has_a_least_size_and_a_line_or_a_point_has_not() -> None:
    for value in ("xywh=1,1,0.0000005,50", "xywh=1,1,50,0.009"):
        with pytest.raises(BadSelector):
            selectors.check_least(selectors.read_fragment(value, SHEET))
    for selector in (fragment("xywh=1,1,0.0101,50"), {"type": "PointSelector", "x": 1, "y": 1}):
        region = selectors.read(selector, SHEET)
        assert region is not None
        selectors.check_least(region)


def test_the_whole_canvas_is_within_it() -> None:
    for value in ("xywh=0,0,4000,6000", "xywh=percent:0,0,100,100"):
        selectors.check_within(selectors.read_fragment(value, SHEET), SHEET)


def test_of_several_selectors_the_box_and_the_shape_are_taken() -> None:
    shape = {"type": "SvgSelector", "value": svg('<polygon points="10,10 90,10 50,80"/>')}
    region = selectors.read([shape, fragment("xywh=5,5,100,100")], SHEET)
    assert region == Region(CanvasBox(5, 5, 105, 105), (((10, 10), (90, 10), (50, 80)),))


def test_a_ring_outside_is_seen_though_its_box_is_said_to_be_inside() -> None:
    shape = {"type": "SvgSelector", "value": svg('<polygon points="10,10 9000,10 50,80"/>')}
    region = selectors.read([fragment("xywh=5,5,100,100"), shape], SHEET)
    assert region is not None
    with pytest.raises(SelectorOutsideCanvas):
        selectors.check_within(region, SHEET)


RECT = '<rect x="10" y="10" width="50" height="40"/>'


@pytest.mark.parametrize(
    ("value", "box"),
    [
        (f'<svg viewBox="0 0 4000 6000" width="4000" height="6000">{RECT}</svg>', (10, 10, 60, 50)),
        (f'<svg width="2000" height="3000">{RECT}</svg>', (20, 20, 120, 100)),
        (f'<svg width="2000">{RECT}</svg>', (20, 20, 120, 100)),
        (f'<svg width="20cm" height="30cm" viewBox="0 0 2000 3000">{RECT}</svg>', (20, 20, 120, 100)),
        (f'<svg width="100%" height="100%">{RECT}</svg>', (10, 10, 60, 50)),
        (f'<svg viewBox="0 0 2000 3000">{RECT}</svg>', (20, 20, 120, 100)),
        (f'<svg viewBox="10 5 2000 3000">{RECT}</svg>', (0, 10, 100, 90)),
        (f'<svg viewBox="0 0 100 100" preserveAspectRatio="none">{RECT}</svg>', (400, 600, 2400, 3000)),
        (f'<svg viewBox="0 0 100 100">{RECT}</svg>', (400, 1400, 2400, 3000)),
        (f'<svg viewBox="0 0 100 100" preserveAspectRatio="xMinYMin">{RECT}</svg>', (400, 400, 2400, 2000)),
        (f'<svg><svg x="100" y="100">{RECT}</svg></svg>', (110, 110, 160, 150)),
        (f'<svg><svg x="50%" width="200" height="200" viewBox="0 0 100 100">{RECT}</svg></svg>', (2020, 20, 2120, 100)),
        (f'<svg><g transform="translate(5) scale(2,3)">{RECT}</g></svg>', (25, 30, 125, 150)),
        (f'<svg><g transform="translate(100,0)"><g transform="rotate(90)">{RECT}</g></g></svg>', (50, 10, 90, 60)),
        (f'<svg><g transform="rotate(180 100 100)">{RECT}</g></svg>', (140, 150, 190, 190)),
        (f'<svg><g transform="matrix(1 0 0 1 7 8),skewX(0)">{RECT}</g></svg>', (17, 18, 67, 58)),
        ('<svg><rect x="25%" y="50%" width="50%" height="10%"/></svg>', (1000, 3000, 3000, 3600)),
        (
            f'<svg:svg xmlns:svg="http://www.w3.org/2000/svg"><svg:g>{RECT.replace("rect", "svg:rect")}</svg:g></svg:svg>',
            (10, 10, 60, 50),
        ),
        (
            '<svg><text x="900">Leaf</text><defs><marker><path d="M0,0 L900,900"/></marker></defs>'
            "<sodipodi:view><b/></sodipodi:view>"
            f"<g>{RECT.replace('/>', '><animate/><title>x</title></rect>')}</g></svg>",
            (10, 10, 60, 50),
        ),
    ],
)
def test_a_shape_lies_where_browsers_draw_it(value: str, box: tuple[float, ...]) -> None:
    region = selectors.read({"type": "SvgSelector", "value": value}, SHEET)
    assert region is not None
    assert (region.box.x0, region.box.y0, region.box.x1, region.box.y1) == pytest.approx(box)


# Lines and points


@pytest.mark.parametrize(
    ("inner", "line"),
    [
        ('<line x1="10" y1="10" x2="300" y2="310"></line>', ((10, 10), (300, 310))),
        ('<line x2="5px"/>', ((0, 0), (5, 0))),
        ('<path d="M 10,10 L 300,310"></path>', ((10, 10), (300, 310))),
        ('<polyline points="10,10 300,310"/>', ((10, 10), (300, 310))),
        ('<polyline points="10,10 150,10 300,10"/>', ((10, 10), (150, 10), (300, 10))),
        ('<path d="m10,10 100,0 0,50 -100,0"/>', ((10, 10), (110, 10), (110, 60), (10, 60))),
    ],
)
def test_what_is_open_is_a_line(inner: str, line: Ring) -> None:
    region = selectors.read({"type": "SvgSelector", "value": svg(inner)}, SHEET)
    assert region == Region(selectors.bounds([line]), lines=(line,))
    assert region.kind == "line"
    for drawn in (selectors.viewer_selectors(region)[1], selectors.drawing_selector(region)):
        again = selectors.read(drawn, SHEET)
        assert again == region
        assert "Z" not in drawn["value"]


def test_a_path_may_hold_rings_and_lines() -> None:
    region = selectors.read({"type": "SvgSelector", "value": svg('<path d="M0,0 L9,0 L9,9 Z M20,20 L30,40"/>')}, SHEET)
    assert region == Region(CanvasBox(0, 0, 30, 40), (((0, 0), (9, 0), (9, 9)),), (((20, 20), (30, 40)),))
    for drawn in (selectors.viewer_selectors(region)[1], selectors.drawing_selector(region)):
        assert selectors.read(drawn, SHEET) == region


def test_a_level_line_is_given_to_viewers_in_a_box_of_one_unit() -> None:
    region = selectors.read({"type": "SvgSelector", "value": svg('<line x1="10" y1="6000" x2="300" y2="6000"/>')}, SHEET)
    assert region is not None
    selectors.check_within(region, SHEET)
    assert selectors.viewer_selectors(region, SHEET)[0]["value"] == "xywh=10,5999,290,1"


@pytest.mark.parametrize(
    ("x", "y", "shown"), [(500, 500, "500,500,1,1"), (0.25, 7.75, "0,7,1,1"), (4000, 6000, "3999,5999,1,1"), (0, 0, "0,0,1,1")]
)
def test_a_point_is_given_to_viewers_as_the_unit_that_holds_it(x: float, y: float, shown: str) -> None:
    region = selectors.read({"type": "PointSelector", "x": x, "y": y}, SHEET)
    assert region == Region.of_point(x, y)
    selectors.check_within(region, SHEET)
    box, point = selectors.viewer_selectors(region, SHEET)
    assert box["value"] == f"xywh={shown}"
    assert selectors.read(point, SHEET) == selectors.read([box, point], SHEET) == region
    drawn = selectors.read(selectors.drawing_selector(region, SHEET), SHEET)
    assert drawn is not None
    assert selectors.same_place(drawn, region)


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
    assert selectors.picture_of(box, SHEET) == shown


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


def is_read_as_drawn(region: Region) -> bool:
    """Whether none of its lines ends where it began, which SVG cannot tell from a ring."""
    return region.mask is None and not any(len(line) > 3 and line[0] == line[-1] for line in region.lines)


@given(every_region(doubles).filter(is_read_as_drawn))
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


DIGEST = "ab" * 32
MASK = {
    "type": "hub:MaskSelector",
    "hub:mask": {"id": f"http://lectotype.test/masks/{DIGEST}.png"},
    **{"hub:x": 20, "hub:y": 30, "hub:width": 40, "hub:height": 50},
}


def test_a_mask_is_read_as_what_stands_beside_it_or_itself() -> None:
    reference = selectors.read_mask(MASK, SHEET)
    assert (reference.sha256, reference.box) == (DIGEST, CanvasBox(20, 30, 60, 80))
    assert selectors.mask_selector(reference) == MASK
    shape = {"type": "SvgSelector", "value": svg('<polygon points="20,30 60,30 20,80"/>'), "hub:tolerance": "3"}
    beside = selectors.read([MASK, shape], SHEET)
    assert beside == Region(CanvasBox(20, 30, 60, 80), (((20, 30), (60, 30), (20, 80)),), tolerance=3)
    assert selectors.read(MASK, SHEET) == Region(CanvasBox(20, 30, 60, 80))
    mask = Mask(20, 30, 40, 50, b"\xff" * 250)
    assert selectors.read([fragment("xywh=20,30,40,50"), shape, MASK], SHEET, lambda asked: mask) == of_mask(mask)


@pytest.mark.parametrize(
    "change",
    [
        {"hub:mask": "x"},
        {"hub:mask": {"id": f"http://lectotype.test/masks/{DIGEST[1:]}.png"}},
        {"hub:mask": None},
        {"hub:x": -1},
        {"hub:x": 1.5},
        {"hub:x": True},
        {"hub:x": "1"},
        {"hub:width": 0},
        {"hub:height": 10**30},
    ],
)
def test_a_mask_that_is_badly_named_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(BadSelector):
        selectors.read({**MASK, **change}, SHEET)


def test_a_mask_past_the_edge_is_refused() -> None:
    with pytest.raises(SelectorOutsideCanvas):
        selectors.read({**MASK, "hub:x": 3961}, SHEET)
