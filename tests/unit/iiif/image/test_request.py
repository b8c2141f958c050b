"""The parsers of image requests: the forms of the specification, and properties that hold for any text."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.image.errors import BadParameter
from iiif.image.request import (
    FORMATS,
    QUALITIES,
    Geometry,
    ImageRequest,
    PixelBox,
    RegionParameter,
    Rotation,
    Size,
    SizeLimits,
    Version,
    other_side,
    parse_format,
    parse_quality,
)

LIMITS = SizeLimits(max_width_px=16_000, max_area_px=36_000_000)
sides = st.integers(1, 60_000)
numbers = st.one_of(st.integers(0, 100_000).map(str), st.decimals(0, 200, places=3, allow_nan=False).map(str))
versions = st.sampled_from([2, 3])
regions = st.one_of(
    st.sampled_from(["full", "square"]),
    st.tuples(*[st.integers(0, 70_000)] * 4).map(lambda four: ",".join(map(str, four))),
    st.tuples(*[numbers] * 4).map(lambda four: "pct:" + ",".join(four)),
)
whole = st.integers(0, 20_000).map(str)
size_cores = st.one_of(
    st.just("max"),
    whole.map(lambda w: f"{w},"),
    whole.map(lambda h: f",{h}"),
    numbers.map(lambda n: f"pct:{n}"),
    st.tuples(whole, whole).map(lambda two: ",".join(two)),
    st.tuples(whole, whole).map(lambda two: "!" + ",".join(two)),
)
sizes = st.tuples(st.sampled_from(["", "^"]), size_cores).map("".join)
rotations = st.tuples(st.sampled_from(["", "!"]), st.decimals(0, 360, places=4, allow_nan=False).map(str)).map("".join)
garbage = st.text(max_size=30) | st.text("0123456789,.!^pct:maxfulsqre-+ e", max_size=24)


@given(garbage | regions, sides, sides)
def test_a_region_lies_within_the_image_or_is_a_bad_parameter(text: str, width: int, height: int) -> None:
    try:
        box = RegionParameter.parse(text).resolve(width, height)
    except BadParameter as error:
        _check(error, "region")
        return
    assert box.x >= 0
    assert box.y >= 0
    assert box.width >= 1
    assert box.height >= 1
    assert box.x + box.width <= width
    assert box.y + box.height <= height


@given(garbage | sizes, sides, sides, versions)
def test_a_size_is_within_the_limits_or_a_bad_parameter(text: str, width: int, height: int, version: Version) -> None:
    region = PixelBox(0, 0, width, height)
    try:
        size = Size.parse(text, version)
        out_width, out_height = size.resolve(region, LIMITS)
    except BadParameter as error:
        _check(error, "size")
        return
    assert out_width >= 1
    assert out_height >= 1
    assert LIMITS.allow(out_width, out_height)
    if version == 3 and not text.startswith("^"):
        assert out_width <= width
        assert out_height <= height
    if size.form == "confined":
        assert out_width <= size.width
        assert out_height <= size.height
    if size.form in ("w", "wh"):
        assert out_width == size.width
    if size.form in ("h", "wh"):
        assert out_height == size.height


@given(garbage | rotations)
def test_a_rotation_is_below_360_and_its_canonical_form_means_the_same(text: str) -> None:
    try:
        rotation = Rotation.parse(text)
    except BadParameter as error:
        _check(error, "rotation")
        return
    assert 0 <= rotation.degrees < 360
    again = Rotation.parse(str(rotation))
    assert again == rotation
    assert str(again) == str(rotation)
    assert not str(rotation).endswith(".")


@given(garbage | st.sampled_from(QUALITIES))
def test_only_the_four_qualities_are_known(text: str) -> None:
    if text in QUALITIES:
        assert parse_quality(text) == text
    else:
        with pytest.raises(BadParameter):
            parse_quality(text)


@given(garbage | st.sampled_from(list(FORMATS)))
def test_only_the_formats_of_the_table_are_known(text: str) -> None:
    if text in FORMATS:
        assert parse_format(text) == text
    else:
        with pytest.raises(BadParameter):
            parse_format(text)


@given(versions, regions, sizes, rotations, st.sampled_from(QUALITIES), st.sampled_from(list(FORMATS)), sides, sides)
def test_the_canonical_form_names_the_same_picture(
    version: Version, region: str, size: str, rotation: str, quality: str, format_: str, width: int, height: int
) -> None:
    try:
        geometry = ImageRequest.parse(version, region, size, rotation, quality, format_).resolve(width, height, LIMITS)
    except BadParameter:
        return
    canonical = geometry.canonical(version, LIMITS)
    again = _resolve(version, canonical, width, height)
    assert again.canonical(version, LIMITS) == canonical
    assert (again.region, again.width, again.height, again.rotation) == (
        geometry.region,
        geometry.width,
        geometry.height,
        geometry.rotation,
    )


@given(sides, sides, st.integers(0, 12))
def test_at_the_scale_of_a_level_the_other_side_is_rounded_up(width: int, height: int, level: int) -> None:
    scaled_width, scaled_height = -(-width // (1 << level)), -(-height // (1 << level))
    if scaled_width > 16:
        assert other_side(width, height, scaled_width) == scaled_height


@pytest.mark.parametrize(
    ("version", "size", "expected"),
    [
        (3, "max", (1000, 600)),
        (3, "500,", (500, 300)),
        (3, ",300", (500, 300)),
        (3, "pct:50", (500, 300)),
        (3, "200,200", (200, 200)),
        (3, "!200,200", (200, 120)),
        (3, "!5000,5000", (1000, 600)),
        (3, "^2000,", (2000, 1200)),
        (3, "^pct:150", (1500, 900)),
        (3, "^!2000,500", (833, 500)),
        (3, "^max", (7745, 4647)),
        (2, "full", (1000, 600)),
        (2, "2000,", (2000, 1200)),
        (2, "!5000,5000", (1000, 600)),
    ],
)
def test_sizes_of_the_specification(version: Version, size: str, expected: tuple[int, int]) -> None:
    assert Size.parse(size, version).resolve(PixelBox(0, 0, 1000, 600), LIMITS) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    "size", ["", ",", "0,", ",0", "0,0", "!5,", "1001,", ",601", "pct:101", "pct:0", "full", "^full", "^17000,", "1,2,3", "-5,"]
)
def test_sizes_that_3_0_refuses(size: str) -> None:
    with pytest.raises(BadParameter) as caught:
        Size.parse(size).resolve(PixelBox(0, 0, 1000, 600), LIMITS)
    assert caught.value.spec is not None
    assert caught.value.spec.endswith("#42-size")


@pytest.mark.parametrize(
    ("region", "expected"),
    [
        ("full", PixelBox(0, 0, 1000, 600)),
        ("square", PixelBox(200, 0, 600, 600)),
        ("900,500,400,400", PixelBox(900, 500, 100, 100)),
        ("pct:10,10,50,50", PixelBox(100, 60, 500, 300)),
        ("pct:41.6,7.5,66.6,100", PixelBox(416, 45, 584, 555)),
    ],
)
def test_regions_of_the_specification(region: str, expected: PixelBox) -> None:
    assert RegionParameter.parse(region).resolve(1000, 600) == expected


@pytest.mark.parametrize(
    "region", ["1000,0,1,1", "0,600,1,1", "0,0,0,1", "pct:0,0,0,10", "pct:100,0,1,1", "1.5,0,1,1", "-1,0,5,5", "pct:a,b,c,d"]
)
def test_regions_that_are_refused(region: str) -> None:
    with pytest.raises(BadParameter):
        RegionParameter.parse(region).resolve(1000, 600)


def test_canonical_forms_of_the_specification() -> None:
    def canonical(version: Version, text: str) -> str:
        return _resolve(version, text, 1000, 600).canonical(version, LIMITS)

    assert canonical(3, "pct:0,0,100,100/pct:50/!000.50/color.jpg") == "full/500,300/!0.5/default.jpg"
    assert canonical(3, "0,0,1000,600/1000,600/360/default.png") == "full/max/0/default.png"
    assert canonical(3, "full/^2000,/0/gray.jpg") == "full/^2000,1200/0/gray.jpg"
    assert canonical(2, "full/500,300/0/default.jpg") == "full/500,/0/default.jpg"
    assert canonical(2, "full/500,500/0/default.jpg") == "full/500,500/0/default.jpg"
    assert Rotation(Decimal("22.500")).__str__() == "22.5"


def _check(error: BadParameter, parameter: str) -> None:
    assert error.parameter == parameter
    assert error.spec is not None


def _resolve(version: Version, path: str, width: int, height: int) -> Geometry:
    region, size, rotation, last = path.split("/")
    quality, _, format_ = last.rpartition(".")
    return ImageRequest.parse(version, region, size, rotation, quality, format_).resolve(width, height, LIMITS)
