"""From a finding to its statement and back: what a later step is told is what was found, whoever read it and when."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics import execution, statements
from analytics.steps.model import Finding
from annotations import masks, region_measures, selectors, service
from annotations.model import Canvas
from annotations.region_masks import Mask
from annotations.region_outlines import MAX_APPROXIMATE_POINTS
from annotations.regions import MAX_OUTLINE_POINTS, Region, of_mask, points_in
from app.runtime.context import Runtime
from app.runtime.principal import Principal
from iiif.catalogue.model import Media
from tests.contract.test_context import source as any_source
from tests.sheets import add_sheet
from tests.unit.annotations.region_strategies import HEIGHT, WIDTH, doubles
from tests.unit.annotations.region_strategies import regions as every_region

AT = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
numbers = st.floats(-1e12, 1e12, allow_nan=False)


def has_extent(region: Region) -> bool:
    """Whether a selector may say it: shapes have an area's box, lines have two places."""
    flat = region.box.x0 == region.box.x1 or region.box.y0 == region.box.y1
    return not (region.rings and flat) and all(len(set(line)) > 1 for line in region.lines)


@st.composite
def findings(draw: st.DrawFn) -> Finding:
    """Any finding that a step may make."""
    value = draw(st.none() | numbers)
    return Finding(
        kind=draw(st.sampled_from(["outline", "ruler", "label", "landmark"])),
        text=draw(st.text(max_size=20)),
        region=draw(st.none() | every_region(doubles).filter(has_extent)),
        value=value,
        unit="" if value is None else draw(st.sampled_from(["", "mm", "px/mm", "px²"])),
        uncertainty=None if value is None else draw(st.none() | numbers),
        confidence=draw(st.none() | st.floats(0, 1)),
        motivations=draw(st.sampled_from([("describing",), ("supplementing",), ("measuring", "classifying")])),
        data=draw(st.dictionaries(st.text(max_size=5), json_values, max_size=3)),
    )


def read_back(finding: Finding) -> Finding:
    """Through the document as a database keeps it, with the columns beside it as `create_machine` fills them."""
    kept = {}
    if finding.region is not None and finding.region.mask is not None:
        mask = finding.region.mask
        kept = {mask: masks.KeptMask("ab" * 32, mask.width, mask.height, 1)}
    source = any_source()
    source = replace(source, media=replace(source.media, width_px=WIDTH, height_px=HEIGHT), masks=kept)
    document = json.loads(json.dumps(statements.statement(finding, 1, source)))
    canvas = Canvas(WIDTH, HEIGHT)
    target = document["target"]
    region = None
    if not isinstance(target, str):
        region = selectors.read(target["selector"], canvas, lambda asked: next(iter(kept)))
    said = {"kind": finding.kind, "text": finding.text, "value": finding.value, "unit": finding.unit}
    confidence = float(document["confidence"]) if "confidence" in document else None
    motivations = tuple(np.atleast_1d(document["motivation"]).tolist())
    annotation: Any = type("Stored", (), {**said, "confidence": confidence, "motivations": motivations, "document": document})
    return statements.finding_of(annotation, region)


@given(findings())
def test_a_finding_comes_back_from_its_statement_equal(finding: Finding) -> None:
    assert read_back(finding) == finding


def noise(side: int) -> Mask:
    return Mask.of_pixels(np.random.default_rng(4).random((side, side)) < 0.5, 20, 30)


def test_a_mask_of_many_corners_comes_back_equal_and_its_approximation_says_so() -> None:
    finding = Finding("outline", "Outline", of_mask(noise(200)), motivations=("classifying",))
    assert read_back(finding) == finding
    source = any_source()
    media = replace(source.media, width_px=WIDTH, height_px=HEIGHT)
    kept = {noise(200): masks.KeptMask("ab" * 32, 200, 200, 1)}
    target = statements.statement(finding, 1, replace(source, media=media, masks=kept))["target"]
    box, outline = target["selector"]
    mask = outline["hub:mask"]
    assert box["value"] == "xywh=pixel:20,30,200,200"
    assert points_in(selectors.read_shape(outline["value"])) <= MAX_APPROXIMATE_POINTS
    assert float(outline["hub:tolerance"]) > 0
    assert [mask[name] for name in ("hub:x", "hub:y", "hub:width", "hub:height")] == [20, 30, 200, 200]
    shown = selectors.read(target["selector"], Canvas(WIDTH, HEIGHT))
    assert shown is not None
    assert shown.tolerance == float(outline["hub:tolerance"])


@pytest.mark.parametrize("points", [MAX_OUTLINE_POINTS, 2 * MAX_OUTLINE_POINTS])
def test_no_outline_is_cut_short(points: int) -> None:
    angles = np.linspace(0, 2 * np.pi, points + 1)[:-1]
    radius = 200 + 3 * np.sin(40 * angles)
    drawn = Region.of_rings([list(zip(300 + radius * np.cos(angles), 240 + radius * np.sin(angles), strict=True))])
    finding = Finding("outline", "Outline", drawn)
    assert finding.region is not None
    assert region_measures.iou(finding.region, drawn) > 0.995
    assert read_back(finding) == finding
    assert (finding.region == drawn) == (points <= MAX_OUTLINE_POINTS)
    assert (finding.region.tolerance > 0) == (points > MAX_OUTLINE_POINTS)


def test_a_long_line_is_simplified_and_says_by_how_much() -> None:
    xs = np.linspace(0, 600, 3 * MAX_OUTLINE_POINTS)
    finding = Finding("scale bar", "", Region.of_line(np.column_stack([xs, 100 + 20 * np.sin(xs)])))
    assert finding.region is not None
    assert points_in(finding.region) <= MAX_OUTLINE_POINTS
    assert 0 < finding.region.tolerance < 0.1
    assert read_back(finding) == finding


def test_a_finding_past_the_edge_is_cut_there() -> None:
    finding = Finding("label", "", Region.of_box(-3, 10, 50, HEIGHT + 0.5))
    cut = read_back(finding).region
    assert cut == Region.of_box(0, 10, 50, HEIGHT)


@pytest.mark.parametrize("bad", [{"unit": "mm"}, {"uncertainty": 1.0}, {"value": float("nan")}, {"data": {"a": [float("inf")]}}])
def test_a_finding_that_cannot_be_told_is_refused_where_it_is_made(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"belong to a value|finite"):
        Finding("length", "", **bad)


def test_numbers_of_numpy_become_plain_ones() -> None:
    data = {"a": np.float32(0.5), "b": np.arange(3), "c": (np.int64(1), {"d": np.bool_(True)})}
    assert Finding("length", "", data=data).data == {"a": 0.5, "b": [0, 1, 2], "c": [1, {"d": True}]}


def test_a_later_step_is_told_all_that_was_found(runtime: Runtime) -> None:
    """Through the database and the blobs, as a worker reads it after a restart."""
    _, (media,) = add_sheet(runtime)
    found = (
        Finding("ruler", "10 px", Region.of_rings([[(1, 1), (90.25, 1.1), (90, 7 / 3)]]), 10.1, "px/mm", 1 / 3, 0.123456789),
        Finding("outline", "Outline", of_mask(noise(200)), data={"areaPx": 20000, "share": 1 / 3}),
        Finding("landmark", "Tip", Region.of_point(3.25, 4)),
        Finding("quality", "Good"),
    )
    keys = [say(runtime, media, finding, number) for number, finding in enumerate(found, 1)]
    with runtime.reads.begin() as session:
        stored = [service.find(session, key) for key in keys]
        told = [execution.told(one, media, runtime.blobs) for one in stored if one is not None]
    assert tuple(told) == found


def say(runtime: Runtime, media: Media, finding: Finding, number: int) -> str:
    held = [finding.region.mask] if finding.region is not None and finding.region.mask is not None else []
    kept = {mask: masks.keep(runtime.blobs, mask) for mask in held}
    source = replace(any_source(), media=media, addresses=runtime.addresses, at=AT, masks=kept)
    with runtime.db.begin() as session:
        masks.register(session, kept.values(), by=Principal.of_run("x1"), at=AT)
        return execution._annotate(session, finding, number, source)
