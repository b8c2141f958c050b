"""Regions at the edge of their canvas: clipped or refused, and no smaller than can be seen."""

import pytest

from annotations import clipping, selectors
from annotations.errors import BadSelector, SelectorOutsideCanvas
from tests.unit.annotations.selector_forms import SHEET, drawn, fragment, svg


@pytest.mark.parametrize("value", ["xywh=3990,0,20,20", "xywh=0,5999,10,2", "xywh=-1,0,10,10", "xywh=percent:50,50,51,10"])
def test_a_region_past_the_edge_is_refused(value: str) -> None:
    with pytest.raises(SelectorOutsideCanvas):
        clipping.check_within(selectors.read_fragment(value, SHEET), SHEET)


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
        (fragment("xywh=-90,0,100,10"), (0, 0, 10, 10)),
        (fragment("xywh=0,0,9000,9000"), (0, 0, 4000, 6000)),
        (fragment("xywh=3999,5999,500,500"), (3999, 5999, 4000, 6000)),
        ({"type": "SvgSelector", "value": '<svg><polygon points="-900,-900 30,10 10,30"/></svg>'}, (0, 0, 30, 30)),
        ([fragment("xywh=5,5,90,90"), drawn('<polygon points="10,10 9000,10 50,80"/>')], (5, 5, 95, 95)),
        ([fragment("xywh=9000,5,90,90"), drawn('<polygon points="10,10 90,10 50,80"/>')], (10, 10, 90, 80)),
        ({"type": "SvgSelector", "value": '<svg><line x1="9" y1="-0.5" x2="99" y2="-0.5"/></svg>'}, (9, 0, 99, 0)),
        ({"type": "SvgSelector", "value": '<svg><line x1="-10" y1="-10" x2="90" y2="90"/></svg>'}, (0, 0, 90, 90)),
    ],
)
def test_what_is_drawn_past_the_edge_is_clipped(selector: dict[str, object], box: tuple[float, ...]) -> None:
    region = selectors.read(selector, SHEET)
    assert region is not None
    kept = clipping.clipped(region, SHEET)
    assert (kept.box.x0, kept.box.y0, kept.box.x1, kept.box.y1) == pytest.approx(box)
    clipping.check_within(kept, SHEET)
    assert clipping.clipped(kept, SHEET) is kept
    assert kept.kind == region.kind


@pytest.mark.parametrize(
    "value", ["xywh=4000,0,50,50", "xywh=-90,0,90,10", "xywh=9000,9000,9,9", "xywh=-5,-5,2,2", "xywh=-0.5,0,0.5,9"]
)
def test_what_lies_elsewhere_is_refused(value: str) -> None:
    with pytest.raises(SelectorOutsideCanvas):
        clipping.clipped(selectors.read_fragment(value, SHEET), SHEET)


def test_an_area_has_a_least_size_and_a_line_or_a_point_has_not() -> None:
    for value in ("xywh=1,1,0.0000005,50", "xywh=1,1,50,0.009"):
        with pytest.raises(BadSelector):
            clipping.check_least(selectors.read_fragment(value, SHEET))
    for selector in (fragment("xywh=1,1,0.0101,50"), {"type": "PointSelector", "x": 1, "y": 1}):
        region = selectors.read(selector, SHEET)
        assert region is not None
        clipping.check_least(region)


def test_the_whole_canvas_is_within_it() -> None:
    for value in ("xywh=0,0,4000,6000", "xywh=percent:0,0,100,100"):
        clipping.check_within(selectors.read_fragment(value, SHEET), SHEET)


def test_a_ring_outside_is_seen_though_its_box_is_said_to_be_inside() -> None:
    shape = {"type": "SvgSelector", "value": svg('<polygon points="10,10 9000,10 50,80"/>')}
    region = selectors.read([fragment("xywh=5,5,100,100"), shape], SHEET)
    assert region is not None
    with pytest.raises(SelectorOutsideCanvas):
        clipping.check_within(region, SHEET)


def test_a_shape_past_the_edge_is_cut_though_its_box_lies_within() -> None:
    region = selectors.read([fragment("xywh=5,5,90,90"), drawn('<polygon points="10,10 9000,10 50,80"/>')], SHEET)
    assert region is not None
    kept = clipping.clipped(region, SHEET)
    assert max(x for x, _ in kept.rings[0]) == 4000


@pytest.mark.parametrize("inner", ['<polygon points="-9,10 0,20 0,30"/>', '<line x1="-5" y1="7" x2="-2" y2="9"/>'])
def test_a_shape_that_only_touches_the_edge_from_outside_is_refused(inner: str) -> None:
    region = selectors.read(drawn(inner), SHEET)
    assert region is not None
    with pytest.raises(SelectorOutsideCanvas):
        clipping.clipped(region, SHEET)
