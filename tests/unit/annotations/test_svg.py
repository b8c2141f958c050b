"""SVG from anyone: shapes lie where browsers draw them, what is closed is a ring and what is open a line, the rest is refused."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from annotations import selectors, viewer_selectors
from annotations.errors import AnnotationTooBig, BadSelector
from annotations.model import CanvasBox, Ring
from annotations.regions import Region, bounds, holds
from annotations.svg import read_svg
from app.runtime.errors import DomainError
from tests.unit.annotations.selector_forms import SHEET, svg


def area(rings: tuple[Ring, ...]) -> float:
    """Sum of the signed areas of all rings."""
    total = 0.0
    for ring in rings:
        total += sum(a[0] * b[1] - b[0] * a[1] for a, b in zip(ring, ring[1:] + ring[:1], strict=True)) / 2
    return total


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
    again = read_svg(viewer_selectors.viewer_selectors(Region(bounds(rings), rings))[1]["value"]).rings
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
        svg('<polygon style="transform: perspective(2px)" points="1,2 3,4 5,9"/>'),
        svg('<polygon style="transform: translate(2)" points="1,2 3,4 5,9"/>'),
        svg('<polygon style="transform: scale(2); transform-box: stroke-box" points="1,2 3,4 5,9"/>'),
        svg('<polygon style="offset-path: ray(45deg)" points="1,2 3,4 5,9"/>'),
        svg('<polygon transform="translate(2px)" points="1,2 3,4 5,9"/>'),
        svg('<polygon transform="scale(2)" transform-origin="middle" points="1,2 3,4 5,9"/>'),
        svg('<style>rect:hover { display: none }</style><rect width="9" height="9"/>'),
        svg('<style>@media (width > 9px) { rect { display: none } }</style><rect width="9" height="9"/>'),
        svg('<style>rect { width: calc(9px + 1%) }</style><rect width="9" height="9"/>'),
        svg('<rect width="9em" height="9"/>'),
        svg('<rect width="-9" height="9"/>'),
        svg('<use href="https://example.org/a.svg#a"/>'),
        svg('<use href="#a"/>'),
        svg("<use/>"),
        svg('<g id="a"><use href="#a"/><rect width="9" height="9"/></g>'),
        svg('<use id="a" href="#b"/><use id="b" href="#a"/>'),
        svg('<symbol id="a"><rect width="9" height="9"/></symbol>'),
        svg('<g visibility="hidden"><rect width="9" height="9"/></g>'),
        svg('<svg width="5" height="5"><rect x="6" width="9" height="9"/></svg>'),
        svg('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">a<script/></p></foreignObject><rect width="9" height="9"/>'),
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
        svg("<g>" * 41 + "</g>" * 41),
        svg(
            "<defs>"
            + "".join(
                f'<g id="a{number}">' + "<g>" * 20 + f'<use href="#a{number - 1}"/>' + "</g>" * 21 for number in range(1, 8)
            )
            + '<rect id="a0" width="9" height="9"/></defs><use href="#a7"/>'
        ),
        svg("<style>" + "g{x:1px}" * 101 + "</style>"),
        svg("<style>" + "@media screen{" * 9 + "g{x:1px}" + "}" * 9 + "</style>"),
        svg(
            '<defs><g id="a0"><rect width="9" height="9"/></g>'
            + "".join(f'<g id="a{number}">' + f'<use href="#a{number - 1}"/>' * 9 + "</g>" for number in range(1, 9))
            + '</defs><use href="#a8"/>'
        ),
    ],
)
def test_too_big_an_svg_is_refused(value: str) -> None:
    with pytest.raises(AnnotationTooBig):
        selectors.read({"type": "SvgSelector", "value": value}, SHEET)


RECT = '<rect x="10" y="10" width="50" height="40"/>'


@pytest.mark.parametrize(
    "body",
    [
        *(f'<rect x="{x}" y="1" width="9" height="9"/>' for x in ("1em", "2vw", "1rem", "calc(1px + 2px)", "1ex")),
        *(f'<rect style="{css}" width="9" height="9"/>' for css in ("x:1em", "x: calc(2px)", "x:min(1px,2px)", "y:3VH")),
        '<circle cx="9" cy="9" r="1em"/>',
        '<line x1="1em" y1="2" x2="30" y2="40"/>',
        *(
            f'<g style="{css}">{RECT}</g>'
            for css in ("translate:1vw", "transform:translate(1em,2px)", "transform:rotate(calc(1deg))")
        ),
        f'<g transform="translate(1em 2)">{RECT}</g>',
        f'<svg width="10em" height="9">{RECT}</svg>',
    ],
)
def test_lengths_of_a_font_or_a_page_are_refused_in_plain_words(body: str) -> None:
    with pytest.raises(BadSelector, match=r"no place on an image|cannot be read|no number"):
        selectors.read({"type": "SvgSelector", "value": svg(body)}, SHEET)


@pytest.mark.parametrize("name", ["clip-path", "mask"])
def test_a_shape_of_which_parts_are_cut_away_is_refused(name: str) -> None:
    cut = (
        f'<rect {name}="url(#c)" width="9" height="9"/>',
        f'<g {name}="url(#c)">{RECT}</g>',
        f'<rect style="{name}: URL(#c)" width="9" height="9"/>',
        f'<rect style="-webkit-{name}:url(#c)" width="9" height="9"/>',
        f"<style>rect {{ {name}: circle(3px) }}</style>{RECT}",
    )
    for body in cut:
        with pytest.raises(BadSelector, match="takes parts away"):
            selectors.read({"type": "SvgSelector", "value": svg(body)}, SHEET)
    for body in (
        f'<g {name}="none">{RECT}</g>',
        f'<defs><g {name}="url(#c)"/></defs>{RECT}',
        f'<g {name}="url(#c)" style="{name}:none">{RECT}</g>',
    ):
        region = selectors.read({"type": "SvgSelector", "value": svg(body)}, SHEET)
        assert region is not None
        assert region.box == CanvasBox(10, 10, 60, 50)


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
    assert region == Region(bounds([line]), lines=(line,))
    assert region.kind == "line"
    for drawn in (viewer_selectors.viewer_selectors(region)[1], viewer_selectors.drawing_selector(region)):
        again = selectors.read(drawn, SHEET)
        assert again == region
        assert "Z" not in drawn["value"]


def test_a_path_may_hold_rings_and_lines() -> None:
    region = selectors.read({"type": "SvgSelector", "value": svg('<path d="M0,0 L9,0 L9,9 Z M20,20 L30,40"/>')}, SHEET)
    assert region == Region(CanvasBox(0, 0, 30, 40), (((0, 0), (9, 0), (9, 9)),), (((20, 20), (30, 40)),))
    for drawn in (viewer_selectors.viewer_selectors(region)[1], viewer_selectors.drawing_selector(region)):
        assert selectors.read(drawn, SHEET) == region


def test_styles_that_are_about_colours_alone_are_passed_over_however_they_are_written() -> None:
    css = "rect:hover > b::after { fill: red } @media (width > 9px) { * { stroke: none } } @font-face { font-family: x } ] { x"
    region = selectors.read({"type": "SvgSelector", "value": svg(f"<style>{css}</style>{RECT}")}, SHEET)
    assert region is not None
    assert region.box == CanvasBox(10, 10, 60, 50)


@given(st.text(alphabet="{}@;:,.#>*[]'\"/ abmedixrct()0%", max_size=80), st.text(alphabet="();:,% 0123px.-", max_size=40))
def test_any_style_is_read_or_refused(css: str, value: str) -> None:
    for text in (
        f"<style><![CDATA[{css}]]></style>{RECT}",
        f"<style><![CDATA[rect{{transform:{value};x:{value}}}]]></style>{RECT}",
        f'<g transform="rotate{value}" style="translate:{value};transform:scale{value};transform-origin:{value}">{RECT}</g>',
    ):
        with contextlib.suppress(DomainError):
            assert selectors.read({"type": "SvgSelector", "value": svg(text)}, SHEET) is not None


@pytest.mark.parametrize(
    "inner",
    [
        '<polygon points="' + " ".join(f"{x % 2 * 500},{x}" for x in range(9_000)) + ' 250,-9"/>',
        '<polygon points="' + " ".join(f"{x % 2 * 500 + x % 99},0" for x in range(9_000)) + ' 250,9"/>',
        '<path d="' + "M0,0h10v10h-10z" * 3_000 + '"/>',
    ],
)
def test_areas_that_meet_too_often_stay_as_they_were_drawn(inner: str) -> None:
    assert sum(map(len, read_svg(svg(inner)).rings)) >= 9_000


@given(st.lists(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=3, max_size=6), min_size=1, max_size=3))
def test_areas_cover_what_any_of_them_goes_round(drawn: list[list[tuple[int, int]]]) -> None:
    """Compared at places that lie on no side, with the turns of the angle under which each ring is seen from there."""
    inner = "".join('<polygon points="' + " ".join(f"{x},{y}" for x, y in ring) + '"/>' for ring in drawn)
    try:
        rings = read_svg(svg(inner)).rings
    except DomainError:
        return
    for x, y in ((column + 0.513, row + 0.4871) for column in range(9) for row in range(9)):
        assert holds(rings, x, y) == any(round(turns(ring, x, y)) != 0 for ring in drawn)


def turns(ring: list[tuple[int, int]], x: float, y: float) -> float:
    angles = [math.atan2(b - y, a - x) for a, b in ring]
    steps = (after - before for before, after in zip(angles, angles[1:] + angles[:1], strict=True))
    return sum((step + math.pi) % (2 * math.pi) - math.pi for step in steps) / (2 * math.pi)
