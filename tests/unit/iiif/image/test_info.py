"""What the information documents promise, by sections 5 of Image API 3.0 and 2.1, for whole images, segments and reduced ones."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.image import info
from iiif.image.request import FORMATS, Geometry, ImageRequest, PixelBox, SizeLimits, Version

LIMITS = SizeLimits(16_000, 36_000_000)
BASE = "http://lectotype.test/iiif/3/m1"
PHYSDIM = {"profile": "http://iiif.io/api/annex/services/physdim", "physicalScale": 0.05, "physicalUnits": "mm"}
LEVEL_2 = {
    *("baseUriRedirect", "cors", "jsonldMediaType", "regionByPct", "regionByPx", "regionSquare", "rotationBy90s"),
    *("sizeByConfinedWh", "sizeByH", "sizeByPct", "sizeByW", "sizeByWh"),
}
sides = st.integers(1, 30_000)


def _build(version: Version = 3, **changes: object) -> dict[str, object]:
    facts = {"base": BASE, "width": 8000, "height": 12_000, "limits": LIMITS} | changes
    return info.build(version, **facts)  # type: ignore[arg-type]  # facts of several types


def test_3_0_names_what_goes_beyond_level_2_and_nothing_else() -> None:
    part_of = [{"id": "x", "type": "Manifest"}]
    document = _build(rights="http://creativecommons.org/licenses/by/4.0/", services=[PHYSDIM], part_of=part_of)
    assert not LEVEL_2 & set(document["extraFeatures"])
    assert set(document["extraFormats"]) == set(FORMATS) - {"jpg", "png"}
    assert document["extraQualities"] == ["color", "gray", "bitonal"]
    assert document["preferredFormats"] == ["jpg"]
    assert document["rights"] == "http://creativecommons.org/licenses/by/4.0/"
    assert document["service"] == [PHYSDIM]
    assert document["partOf"] == part_of
    assert (document["maxWidth"], document["maxHeight"], document["maxArea"]) == (16_000, 16_000, 36_000_000)


def test_every_word_is_one_of_the_context(shared: Path) -> None:
    context = json.loads((shared / "contexts" / "iiif-image-3.json").read_text())["@context"]
    terms = set(context[-1] if isinstance(context, list) else context)
    document = _build(rights="http://rightsstatements.org/vocab/InC/1.0/", services=[PHYSDIM], part_of=[{"id": "x"}])
    assert set(document) - {"@context"} <= terms


def test_2_1_has_its_own_words() -> None:
    document = _build(2, rights="https://example.org/licence", services=[PHYSDIM], part_of=[{"id": "x"}])
    assert document["license"] == "https://example.org/licence"
    assert document["service"] == PHYSDIM
    assert not {"partOf", "rights", "maxArea", "extraFormats", "id", "type"} & set(document)
    level, features = document["profile"]
    assert level == info.PROFILE[2]
    assert features["formats"] == list(FORMATS)
    assert features["maxArea"] == 36_000_000
    assert LEVEL_2 - {"sizeByWh"} <= set(features["supports"])


def test_a_licence_of_no_known_kind_is_no_right() -> None:
    assert "rights" not in _build(rights="all rights reserved")
    assert "rights" not in _build(rights="https://example.org/licence")
    assert "license" not in _build(2, rights="all rights reserved")


@given(sides, sides, st.integers(1, 20_000), st.integers(1, 10**8), st.floats(1, 500))
def test_what_is_offered_may_be_asked_for(width: int, height: int, most: int, area: int, scale: float) -> None:
    limits = SizeLimits(most, area)
    for smallest in (1, scale):
        document = info.build(3, base=BASE, width=width, height=height, limits=limits, smallest_scale=smallest)
        pairs = [(size["width"], size["height"]) for size in document["sizes"]]
        assert pairs == sorted(set(pairs))
        for w, h in pairs:
            assert w <= document["maxWidth"]
            assert h <= document["maxHeight"]
            assert w * h <= document["maxArea"]
            request = ImageRequest.parse(3, "full", f"{w},{h}", "0", "default", "jpg")
            assert request.resolve(width, height, limits).width == w
        assert min(document["tiles"][0]["scaleFactors"]) >= smallest
        if smallest > 1:
            assert pairs or not limits.allow(*info.finest(width, height, smallest))
            assert document["maxWidth"] <= max(1, width / smallest + 0.5)


@pytest.mark.parametrize("segment", [PixelBox(1200, 300, 800, 500), PixelBox(0, 0, 8000, 12_000), PixelBox(7999, 11_999, 1, 1)])
def test_a_geometry_of_a_segment_is_one_of_its_image(segment: PixelBox) -> None:
    request = ImageRequest.parse(3, "pct:0,0,50,100", "max", "!90", "gray", "png")
    local = request.resolve(segment.width, segment.height, LIMITS)
    whole = local.shifted(segment.x, segment.y, 8000, 12_000)
    assert whole == Geometry(
        8000,
        12_000,
        PixelBox(segment.x + local.region.x, segment.y + local.region.y, local.region.width, local.region.height),
        local.width,
        local.height,
        local.rotation,
        "gray",
        "png",
    )


@given(sides, sides, st.integers(1, 2000), st.integers(1, 10**6))
def test_every_tile_that_is_offered_is_answered(width: int, height: int, most: int, area: int) -> None:
    """Of each scale factor the first tile, which is the largest."""
    limits = SizeLimits(most, area)
    document = info.build(3, base=BASE, width=width, height=height, limits=limits)
    (tiles,) = document["tiles"]
    side = tiles["width"]
    assert tiles["height"] == side
    assert 2 * side > min(most, area**0.5) or side == 512, "and none is smaller than it needs to be"
    for factor in tiles["scaleFactors"]:
        w, h = min(width, side * factor), min(height, side * factor)
        size = f"{-(-w // factor)},{-(-h // factor)}"
        assert ImageRequest.parse(3, f"0,0,{w},{h}", size, "0", "default", "jpg").resolve(width, height, limits)
    assert max(-(-width // tiles["scaleFactors"][-1]), -(-height // tiles["scaleFactors"][-1])) <= side, "the last is the whole"
