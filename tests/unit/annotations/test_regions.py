"""One region type: masks and rings, frames, text, run lengths and files, each with its inverse."""

import io
import math
import zlib

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from annotations import mask_png, region_masks, region_measures, region_outlines, region_rle, region_text, regions
from annotations.errors import AnnotationTooBig, BadSelector
from annotations.model import CanvasBox
from annotations.region_frames import Frame
from annotations.region_masks import Mask, mask_of, rasterise, trace
from annotations.regions import MAX_OUTLINE_POINTS, Region, of_mask, settled
from annotations.svg import Drawing, read_svg
from tests.unit.annotations.region_strategies import HEIGHT, WIDTH, doubles, eighths, masks, pixels
from tests.unit.annotations.region_strategies import regions as every_region

RING_WITH_HOLE = np.array([[1, 1, 1], [1, 0, 1], [1, 1, 1]], bool)


# Masks and rings


@given(masks)
def test_a_mask_traced_and_filled_is_the_same_mask(mask: Mask) -> None:
    assert mask_of(trace(mask)) == mask


@given(masks)
def test_traced_rings_are_the_rings_of_their_mask(mask: Mask) -> None:
    rings = trace(mask)
    again = mask_of(rings)
    assert again is not None
    assert trace(again) == rings


@given(masks)
def test_traced_rings_follow_the_convention(mask: Mask) -> None:
    rings = trace(mask)
    areas = [region_masks.signed_area(ring) for ring in rings]
    assert sum(areas) == mask.count()
    outer = [area for area in areas if area > 0]
    assert areas[0] == max(outer)
    assert outer == sorted(outer, reverse=True)
    for ring in rings:
        assert all(x.is_integer() and y.is_integer() for x, y in ring)
        assert ring[0] == min(ring, key=lambda point: (point[1], point[0]))
        assert len(set(zip(ring, ring[1:] + ring[:1], strict=True))) == len(ring)
        for one, two, three in zip(ring, ring[1:] + ring[:1], ring[2:] + ring[:2], strict=True):
            assert (one[0] == two[0]) != (two[0] == three[0])  # a turn at every corner
    assert regions.wound(rings) == rings


def test_each_outer_ring_is_followed_by_its_holes() -> None:
    rings = trace(Mask.of_pixels(np.pad(RING_WITH_HOLE, ((0, 0), (0, 2))) | np.eye(3, 5, 4, dtype=bool)))
    assert [region_masks.signed_area(ring) for ring in rings] == [9, -1, 1]
    island = np.ones((7, 7), bool)
    island[1:6, 1:6] = False
    island[2:5, 2:5] = RING_WITH_HOLE
    assert [region_masks.signed_area(ring) for ring in trace(Mask.of_pixels(island))] == [49, -25, 9, -1]


def test_pixels_that_touch_at_a_corner_are_apart_and_holes_that_do_are_one() -> None:
    assert len(trace(Mask.of_pixels(np.eye(3, dtype=bool)))) == 3
    assert [len(ring) for ring in trace(Mask.of_pixels(~np.pad(np.eye(2, dtype=bool), 1)))] == [4, 8]


@given(st.lists(st.tuples(doubles, doubles), min_size=3, max_size=8), st.integers(0, 7), st.integers(0, 7))
def test_neighbours_with_a_common_edge_share_no_pixel_and_leave_no_gap(ring: list[tuple[float, float]], i: int, j: int) -> None:
    i, j = i % len(ring), j % len(ring)
    assume(abs(i - j) > 1)
    low, high = min(i, j), max(i, j)
    halves = tuple(ring[low : high + 1]), tuple(ring[high:] + ring[: low + 1])
    assume(all(len(half) >= 3 for half in halves))
    one, other = (rasterise((half,), 0, 0, WIDTH, HEIGHT) for half in halves)
    assert (rasterise((tuple(ring),), 0, 0, WIDTH, HEIGHT) == (one ^ other)).all()


@pytest.mark.parametrize(("shift", "expected"), [(0.5, (2, 2)), (0.25, (2, 2)), (0.75, (3, 3))])
def test_a_centre_on_the_left_or_upper_side_belongs_and_on_the_other_sides_not(shift: float, expected: tuple[int, int]) -> None:
    """A square of 3 by 3 whose sides run through pixels' centres still has nine pixels."""
    mask = Region.of_box(2 + shift, 2 + shift, 5 + shift, 5 + shift).raster()
    assert mask is not None
    assert (mask.x, mask.y, mask.width, mask.height) == (*expected, 3, 3)


def test_overlapping_rings_are_filled_by_the_even_odd_rule() -> None:
    square = ((0.0, 0.0), (4.0, 0.0), (4.0, 4.0), (0.0, 4.0))
    inner = ((1.0, 1.0), (3.0, 1.0), (3.0, 3.0), (1.0, 3.0))
    assert rasterise((square, inner), 0, 0, 4, 4).sum() == 12
    assert region_measures.area(Region(CanvasBox(0, 0, 4, 4), (square, inner))) == 12


def test_a_region_without_a_pixels_centre_has_no_mask() -> None:
    assert Region.of_box(0.6, 0.6, 1.4, 1.4).raster() is None
    assert Region.of_point(3, 4).raster() is None
    assert Region.of_line([(0, 0), (9, 9)]).raster() is None


def test_a_mask_is_kept_cropped_and_an_empty_one_is_none() -> None:
    mask = Mask.of_pixels(np.pad(RING_WITH_HOLE, 5), 10, 20)
    assert (mask.x, mask.y, mask.width, mask.height, mask.count()) == (15, 25, 3, 3, 8)
    assert (mask.pixels() == RING_WITH_HOLE).all()
    assert mask.on_canvas(40, 40)[25:28, 15:18].sum() == mask.on_canvas(40, 40).sum() == 8
    with pytest.raises(ValueError, match="at least one pixel"):
        Mask.of_pixels(np.zeros((3, 3), bool))


def test_a_window_beyond_the_limit_is_refused_before_it_takes_memory() -> None:
    with pytest.raises(AnnotationTooBig):
        rasterise((((0, 0), (1e7, 0), (1e7, 1e7)),), 0, 0, 10**7, 10**7)


# The form in which a region is kept


def noise(side: int, seed: int = 5) -> Mask:
    return Mask.of_pixels(np.random.default_rng(seed).random((side, side)) < 0.5)


def test_a_mask_of_few_corners_is_kept_as_its_rings_and_one_of_many_as_a_mask() -> None:
    small, large = settled(of_mask(noise(20))), settled(of_mask(noise(90)))
    assert (small.kind, small.tolerance, small.raster()) == ("rings", 0, noise(20))
    assert (large.kind, large.tolerance, large.mask) == ("mask", 0, noise(90))
    assert settled(small) == small
    assert settled(large) == large


def test_rings_along_pixel_edges_become_a_mask_exactly_and_drawn_ones_with_a_stated_tolerance() -> None:
    mask = noise(90)
    assert settled(Region.of_rings(trace(mask))) == of_mask(mask)
    angles = np.linspace(0, 2 * np.pi, MAX_OUTLINE_POINTS + 2)[:-1]
    circle = Region.of_rings([list(zip(300 + 200 * np.cos(angles), 240 + 200 * np.sin(angles), strict=True))])
    kept = settled(circle)
    assert settled(kept) == kept
    assert kept.tolerance == regions.HALF_DIAGONAL
    assert region_measures.area(kept) == pytest.approx(np.pi * 200**2, rel=1e-3)
    assert kept.raster() == circle.raster()


# Text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_shortest_and_reads_back_as_the_same_double(number: float) -> None:
    text = region_text.exact(number)
    assert float(text) == number
    assert "e" not in text.lower()
    assert not text.endswith(".0")
    digits = text.lstrip("-").replace(".", "").strip("0")
    assert len(digits) <= len(repr(abs(number)).partition("e")[0].replace(".", "").strip("0") or "")


@given(doubles, doubles, doubles, doubles)
def test_a_box_comes_back_from_its_xywh(x0: float, y0: float, x1: float, y1: float) -> None:
    box = CanvasBox(min(x0, x1), min(y0, y1), max(x0, x1), max(y0, y1))
    assert region_text.box_of(*region_text.xywh(box).split(",")) == box


def test_widths_are_the_decimals_that_a_person_would_write() -> None:
    assert region_text.xywh(CanvasBox(0.1, 0, 0.3, 1e-7)) == "0.1,0,0.2,0.0000001"


@given(every_region(doubles))
def test_a_shape_comes_back_from_its_svg_as_the_same_doubles(region: Region) -> None:
    if region.kind == "point":
        with pytest.raises(ValueError, match="no shape for a point"):
            region_text.svg(region)
        return
    assume(not region.lines)
    text = region_text.svg(region)
    assert ('fill-rule="evenodd"' in text) == region.has_area
    read = read_svg(text)
    assert read == Drawing(region.outlines(), ())


# Run lengths


@given(masks)
def test_run_lengths_come_back_plain_and_compressed(mask: Mask) -> None:
    runs = region_rle.counts(mask, WIDTH, HEIGHT)
    assert sum(runs) == WIDTH * HEIGHT
    assert all(run > 0 for run in runs[1:])
    text = region_rle.compressed(runs)
    assert region_rle.expanded(text) == runs
    for said in (runs, text):
        assert region_rle.mask_of(said, (HEIGHT, WIDTH), WIDTH, HEIGHT) == mask


@pytest.mark.parametrize(
    ("rows", "runs", "text"),
    [
        # made by pycocotools 2.0.11
        (["00000", "00001", "00000"], [13, 1, 1], "=11"),
        (["11111", "11111", "11111"], [0, 15], "0?"),
        (["10", "01"], [0, 1, 2, 1], "0120"),
    ],
)
def test_run_lengths_go_down_the_columns(rows: list[str], runs: list[int], text: str) -> None:
    found = np.array([[char == "1" for char in row] for row in rows])
    mask = Mask.of_pixels(found)
    height, width = found.shape
    assert region_rle.counts(mask, width, height) == runs
    assert region_rle.compressed(runs) == text


def test_a_long_run_is_written_in_groups_of_five_bits_and_later_ones_as_differences() -> None:
    """By hand: 100 = 00011 00100, lowest group first with the mark that more follow, is chr(48+32+4), chr(48+3)."""
    assert region_rle.compressed([100]) == "T3"
    assert region_rle.compressed([5, 5, 5, 3]) == "555N"  # 3 - 5 = -2 = 11110, chr(48 + 30)
    assert region_rle.expanded("555N") == [5, 5, 5, 3]


@pytest.mark.parametrize(
    ("runs", "size"),
    [
        ([6], (3, 2)),
        ([5], (2, 3)),
        ([7], (2, 3)),
        ([-1, 7], (2, 3)),
        ([2.0, 4], (2, 3)),
        ("T", (2, 3)),
        ("\x00", (2, 3)),
        ("é", (2, 3)),
        ("o" * 40, (2, 3)),
        ([10**30], (2, 3)),
    ],
)
def test_run_lengths_that_do_not_fit_are_refused(runs: str | list[int], size: tuple[int, int]) -> None:
    with pytest.raises(BadSelector):
        region_rle.mask_of(runs, size, 3, 2)


@given(st.text(alphabet=st.characters(min_codepoint=0, max_codepoint=127), max_size=60))
def test_any_string_is_read_as_run_lengths_or_refused(text: str) -> None:
    try:
        mask = region_rle.mask_of(text, (480, 640), 640, 480)
    except BadSelector:
        return
    assert mask is None or mask.count() > 0


# Files


@given(masks)
def test_a_mask_comes_back_from_its_png(mask: Mask) -> None:
    data = mask_png.encoded(mask)
    assert mask_png.size_of(data) == (mask.width, mask.height)
    assert (mask_png.decoded(data) == mask.pixels()).all()
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.mode == "1"
        assert (np.array(picture) == mask.pixels()).all()
    assert mask_png.encoded(mask) == data


@given(pixels, st.lists(st.integers(0, 4), min_size=12, max_size=12))
def test_every_filter_of_png_is_read(found: np.ndarray, filters: list[int]) -> None:
    """Filtered by the formulas of the standard (section 9.2), with bytes as the unit."""
    packed = np.packbits(found, axis=1).astype(int)
    above, lines = np.zeros(packed.shape[1], int), b""
    for row, kind in zip(packed, filters, strict=False):
        left, corner = np.r_[0, row[:-1]], np.r_[0, above[:-1]]
        guess = left + above - corner
        far = np.stack([abs(guess - left), abs(guess - above), abs(guess - corner)])
        paeth = np.choose(far.argmin(axis=0), [left, above, corner])
        lines += bytes([kind, *((row - [0 * row, left, above, (left + above) // 2, paeth][kind]) % 256).tolist()])
        above = row
    data = mask_png.encoded(Mask(0, 0, found.shape[1], found.shape[0], packed.astype(np.uint8).tobytes()))
    start = data.index(b"IDAT") - 4
    other = data[:start] + mask_png._chunk(b"IDAT", zlib.compress(lines)) + mask_png._chunk(b"IEND", b"")
    assert (mask_png.decoded(other) == found).all()


def png(mode: str, size: tuple[int, int] = (9, 7), **options: object) -> bytes:
    out = io.BytesIO()
    Image.new(mode, size).save(out, "PNG", **options)
    return out.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        png("L"),
        png("RGBA"),
        png("P"),
        png("1")[:-20],
        png("1")[:-12],
        png("1").replace(b"IHDR", b"IHDX"),
        mask_png.SIGNATURE + mask_png._chunk(b"IEND", b""),
        mask_png.SIGNATURE + mask_png._chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\1\0\0\0\0") + mask_png._chunk(b"IEND", b""),
        mask_png.SIGNATURE
        + mask_png._chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\1\0\0\0\0")
        + mask_png._chunk(b"IDAT", zlib.compress(b"\x07\x80"))
        + mask_png._chunk(b"IEND", b""),
        mask_png.SIGNATURE
        + mask_png._chunk(b"IHDR", b"\0\0\0\1\0\0\0\1\1\0\0\0\0")
        + mask_png._chunk(b"IDAT", zlib.compress(b"\0" * 10_000_000))
        + mask_png._chunk(b"IEND", b""),
    ],
)
def test_a_file_that_is_no_mask_is_refused(data: bytes) -> None:
    with pytest.raises(BadSelector):
        mask_png.decoded(data)


def test_a_file_that_says_it_is_vast_is_refused_before_it_is_unpacked() -> None:
    header = b"\0\x0f\x42\x40\0\x0f\x42\x40\1\0\0\0\0"
    with pytest.raises(AnnotationTooBig):
        mask_png.decoded(mask_png.SIGNATURE + mask_png._chunk(b"IHDR", header) + mask_png._chunk(b"IEND", b""))


# Frames


frames = st.one_of(
    st.integers(1, 8).map(lambda orientation: Frame.stored(WIDTH, HEIGHT, orientation)),
    st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda at: Frame.segment(*at, 200, 150)),
    st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 90), st.integers(0, 90)).map(
        lambda at: Frame.segment(at[0], at[1], 200, 150).then(Frame.segment(at[2], at[3], 80, 50))
    ),
)
scaled = st.one_of(
    st.just(Frame.fractions(WIDTH, HEIGHT)),
    st.tuples(st.integers(1, 3000), st.integers(1, 3000)).map(lambda size: Frame.resized(WIDTH, HEIGHT, *size)),
    st.just(Frame.segment(120, 90, 301, 77).then(Frame.fractions(301, 77))),
)


@given(frames, every_region(eighths))
def test_a_region_comes_back_from_every_frame_of_pixels_exactly(frame: Frame, region: Region) -> None:
    assert frame.back(frame.over(region)) == region


@given(scaled, every_region(eighths))
def test_a_region_comes_back_from_fractions_and_other_sizes_exactly(frame: Frame, region: Region) -> None:
    again = frame.back(frame.over(region))
    if region.mask is not None:
        assert again == Region(region.box, trace(region.mask))
        assert again.raster() == region.mask
    else:
        assert again == region


@given(st.one_of(frames, scaled), every_region(doubles))
def test_what_another_frame_can_tell_apart_stays_apart(frame: Frame, region: Region) -> None:
    over = frame.over(region)
    assert frame.over(frame.back(over)) == over


@given(st.integers(1, 8), masks)
def test_a_mask_turns_as_its_picture_does(orientation: int, mask: Mask) -> None:
    upright = Image.fromarray(mask.on_canvas(WIDTH, HEIGHT))
    turns = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,  # the stored file is the upright one turned back, counter-clockwise
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    stored = upright if orientation == 1 else upright.transpose(turns[orientation])
    over = Frame.stored(WIDTH, HEIGHT, orientation).over(of_mask(mask))
    assert over.mask is not None
    assert (over.mask.on_canvas(*stored.size) == np.array(stored)).all()
    rings = Frame.stored(WIDTH, HEIGHT, orientation).over(Region(mask.box, trace(mask))).rings
    assert mask_of(rings) == over.mask
    assert regions.wound(rings) == rings


def test_a_segment_of_a_segment_is_a_segment_of_the_canvas() -> None:
    inner = Frame.segment(100, 50, 200, 150).then(Frame.segment(30, 20, 60, 40))
    assert inner == Frame.segment(130, 70, 60, 40)
    assert inner.over(Region.of_point(131.5, 72)).point == (1.5, 2)


def test_an_orientation_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="1 to 8"):
        Frame.stored(WIDTH, HEIGHT, 9)


# Measures


@given(masks, masks)
def test_measures_of_masks_and_of_their_rings_agree(one: Mask, other: Mask) -> None:
    other = Mask(one.x + other.x % 5, one.y + other.y % 5, other.width, other.height, other.bits)
    masked, drawn = (of_mask(one), of_mask(other)), (Region(one.box, trace(one)), Region(other.box, trace(other)))
    both = int((one.on_canvas(700, 500) & other.on_canvas(700, 500)).sum())
    for a, b in (masked, drawn, (masked[0], drawn[1])):
        assert region_measures.area(a) == one.count()
        assert region_measures.shared(a, b) == both
        assert region_measures.iou(a, b) == pytest.approx(both / (one.count() + other.count() - both))
        assert region_measures.intersects(a, b) == (both > 0)
    for x, y in ((one.x + 0.5, one.y + 0.5), (one.x, one.y), (one.x + one.width, one.y)):
        assert region_measures.contains(masked[0], x, y) == region_measures.contains(drawn[0], x, y)


@given(every_region(eighths))
def test_a_region_is_itself(region: Region) -> None:
    size = region_measures.area(region)
    assert size >= 0
    assert region_measures.iou(region, region) == (pytest.approx(1) if size > 0 else 0)


def test_a_shape_that_crosses_itself_has_the_area_that_is_filled() -> None:
    bow = Region(CanvasBox(0, 0, 4, 4), (((0.0, 0.0), (4.0, 4.0), (4.0, 0.0), (0.0, 4.0)),))
    assert region_measures.area(bow) == pytest.approx(8)


def test_half_open_regions_that_touch_do_not_meet() -> None:
    left, right = Region.of_box(0, 0, 5, 5), Region.of_box(5, 0, 9, 5)
    assert not region_measures.intersects(left, right)
    assert (region_measures.contains(left, 5, 1), region_measures.contains(right, 5, 1)) == (False, True)
    assert region_measures.iou(left, Region.of_box(0, 0, 5, 10)) == pytest.approx(0.5)


def test_points_and_lines_meet_areas_and_each_other() -> None:
    hole = of_mask(Mask.of_pixels(np.pad(RING_WITH_HOLE, 1)))
    across = Region.of_line([(0, 2.5), (9, 2.5)])
    within_the_hole = Region.of_line([(2.2, 2.2), (2.8, 2.8)])
    assert region_measures.intersects(across, hole)
    assert region_measures.intersects(hole, across)
    assert not region_measures.intersects(within_the_hole, hole)
    assert region_measures.intersects(within_the_hole, across)
    assert region_measures.intersects(Region.of_point(1.5, 1.5), hole)
    assert not region_measures.intersects(Region.of_point(2.5, 2.5), hole)
    assert region_measures.intersects(Region.of_point(2.5, 2.5), across)
    assert region_measures.contains(across, 4, 2.5)
    assert not region_measures.contains(across, 4, 2.6)


def test_a_shape_whose_sides_all_cross_is_refused_and_not_waited_for() -> None:
    star = [(500 + 400 * math.cos(n * 2.9), 500 + 400 * math.sin(n * 2.9)) for n in range(8001)]
    with pytest.raises(AnnotationTooBig):
        region_measures.area(Region.of_rings([star]))


# Fewer points, and the canvas's edge


def distance(point: tuple[float, float], rings: tuple[tuple[tuple[float, float], ...], ...]) -> float:
    found = []
    for ring in rings:
        points = np.array([*ring, ring[0]])
        begin, end = points[:-1], points[1:]
        along = end - begin
        lengths = (along**2).sum(axis=1)
        share = np.clip(((np.array(point) - begin) * along).sum(axis=1) / np.where(lengths > 0, lengths, 1), 0, 1)
        found.append(np.hypot(*(begin + share[:, np.newaxis] * along - point).T).min())
    return float(min(found))


@settings(max_examples=30)
@given(arrays(np.bool_, (30, 30)).filter(lambda found: found.any()), st.integers(3, 60))
def test_a_simplified_region_has_so_few_points_and_keeps_its_tolerance(found: np.ndarray, most: int) -> None:
    region = of_mask(Mask.of_pixels(found))
    simple = region_outlines.simplified(region, most)
    assert regions.points_in(simple) <= max(most, regions.points_in(simple) if simple.tolerance == 0 else 0)
    assert simple.rings
    assert all(len(ring) >= 3 for ring in simple.rings)
    assert simple.box == region.box
    left = {ring[0] for ring in simple.rings}
    for ring in region.outlines():
        if ring[0] in left:  # of a ring that stays, no corner lies farther off
            assert max(distance(point, simple.rings) for point in ring) <= simple.tolerance + 1e-9


def test_a_border_of_a_hundred_thousand_corners_and_more_is_simplified_too() -> None:
    region = of_mask(noise(400))
    simple = region_outlines.simplified(region)
    assert 3 <= regions.points_in(simple) <= region_outlines.MAX_APPROXIMATE_POINTS
    assert simple.tolerance > 0


def test_lines_are_simplified_and_keep_their_ends() -> None:
    xs = np.linspace(0, 600, 4000)
    simple = region_outlines.simplified(Region.of_line(list(zip(xs, 200 + 50 * np.sin(xs / 20), strict=True))), 100)
    assert 50 < len(simple.lines[0]) <= 100
    assert (simple.lines[0][0], simple.lines[0][-1][0]) == ((0.0, 200.0), 600.0)
    assert 0 < simple.tolerance < 5


@given(every_region(st.integers(-200, 900).map(lambda number: number / 2)))
def test_a_region_cut_at_the_edge_keeps_what_lies_on_the_canvas(region: Region) -> None:
    cut = region_outlines.within(region, 300, 200)
    canvas = Region.of_box(0, 0, 300, 200)
    expected = region_measures.shared(region, canvas) if region.has_area else 0
    if cut is None:
        assert expected == 0
        return
    assert min(cut.box.x0, cut.box.y0) >= 0
    assert (cut.box.x1 <= 300, cut.box.y1 <= 200) == (True, True)
    assert region_measures.area(cut) == pytest.approx(expected, abs=1e-6)
    assert region_outlines.within(cut, 300, 200) == cut


def test_a_line_cut_twice_is_two_lines() -> None:
    cut = region_outlines.within(Region.of_line([(10, 10), (10, -10), (20, -10), (20, 10)]), 100, 100)
    assert cut is not None
    assert cut.lines == (((10, 10), (10, 0)), ((20, 0), (20, 10)))
    assert region_outlines.within(Region.of_point(101, 5), 100, 100) is None


def test_a_shape_is_cut_though_its_box_lies_within_and_one_that_touches_the_edge_from_outside_goes() -> None:
    rings = (((10.0, 10.0), (90.0, 10.0), (50.0, 300.0)), ((-9.0, 10.0), (0.0, 20.0), (0.0, 30.0)))
    cut = region_outlines.within(Region(CanvasBox(5, 5, 95, 95), rings), 100, 100)
    assert cut is not None
    assert len(cut.rings) == 1
    assert cut.box == CanvasBox(10, 10, 90, 100)
