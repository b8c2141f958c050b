"""Agreement and consensus: Krippendorff's own example, even-odd regions, readings put to the vote."""

import random

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from annotations.consensus import alpha as alphas
from annotations.consensus import readings, regions
from annotations.consensus.alpha import Level
from annotations.regions import Region

# K. Krippendorff, Computing Krippendorff's Alpha-Reliability (2011), section D: four observers, twelve units, values missing.
PUBLISHED = """1 2 3 3 2 1 4 1 2 . . .
1 2 3 3 2 2 4 1 2 5 . 3
. 3 3 3 2 3 4 2 2 5 1 .
1 2 3 3 2 4 4 1 2 5 1 ."""
UNITS = [
    [int(value) for value in unit if value != "."] for unit in zip(*(row.split() for row in PUBLISHED.split("\n")), strict=True)
]


@pytest.mark.parametrize(("level", "expected"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_alpha_is_that_of_the_published_example(level: Level, expected: float) -> None:
    found = alphas.alpha(UNITS, level)
    assert found.value == pytest.approx(expected, abs=0.0005)
    assert (found.units, found.values) == (11, 40)
    assert (found.low or 1) < expected < (found.high or 0)
    assert found == alphas.alpha(UNITS, level), "the same values give the same interval"
    assert "fewer than 30" in found.note


def by_pairs(units: list[list[int]], level: Level) -> float | None:
    """Alpha by its definition, pair by pair."""
    told = [unit for unit in units if len(unit) > 1]
    every = [value for unit in told for value in unit]
    rank = {value: sum(other < value for other in every) + every.count(value) / 2 for value in set(every)}
    apart = {"nominal": lambda a, b: float(a != b), "interval": lambda a, b: float((a - b) ** 2),
             "ordinal": lambda a, b: (rank[a] - rank[b]) ** 2}[level]  # fmt: skip
    observed = sum(apart(a, b) / (len(unit) - 1) for unit in told for a in unit for b in unit) / len(every)
    expected = sum(apart(a, b) for a in every for b in every) / (len(every) * (len(every) - 1))
    return 1 - observed / expected if expected else None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(st.integers(0, 4), min_size=0, max_size=4), min_size=2, max_size=8),
    st.sampled_from(["nominal", "ordinal", "interval"]),
)
def test_alpha_from_counts_is_alpha_from_pairs(units: list[list[int]], level: Level) -> None:
    found = alphas.alpha(units, level)
    if not any(len(unit) > 1 for unit in units):
        assert (found.value, found.note) == (None, alphas.TOO_FEW)
        return
    expected = by_pairs(units, level)
    assert found.value == (None if expected is None else pytest.approx(expected, abs=1e-9))


def test_where_nothing_varies_alpha_is_not_defined_and_raw_agreement_is_told() -> None:
    found = alphas.alpha([["a", "a"], ["a", "a", "a"]])
    assert (found.value, found.raw, found.note) == (None, 1.0, alphas.NO_VARIATION)


def test_chance_gives_nought_and_the_interval_narrows_with_units() -> None:
    chance = random.Random(1)
    wide, narrow = (alphas.alpha([[chance.randrange(3) for _ in range(2)] for _ in range(n)]) for n in (40, 2_000))
    assert narrow.value == pytest.approx(0, abs=0.06)
    assert (narrow.high or 0) - (narrow.low or 0) < ((wide.high or 0) - (wide.low or 0)) / 3
    assert narrow.note == ""


def test_wilsons_interval_of_a_share() -> None:
    found = alphas.share(18, 20)
    assert (found.value, found.low, found.high) == (0.9, pytest.approx(0.699, abs=0.001), pytest.approx(0.972, abs=0.001))


def square(x: float, y: float, side: float) -> Region:
    return Region.of_box(x, y, x + side, y + side)


def test_the_overlap_of_regions_is_that_of_their_areas_holes_left_out() -> None:
    holed = Region.of_rings([[(0, 0), (10, 0), (10, 10), (0, 10)], [(2, 2), (8, 2), (8, 8), (2, 8)]])
    whole, ring = regions.shape(square(0, 0, 10)), regions.shape(holed)
    assert whole is not None
    assert ring is not None
    assert regions.overlap(whole, ring) == pytest.approx(0.64)
    pixels = np.zeros((10, 10), bool)
    pixels[2:8, 2:8] = True
    mask = regions.shape(Region.of_pixels(~pixels))
    assert mask is not None
    assert regions.overlap(mask, ring) == pytest.approx(1)
    assert regions.shape(Region.of_line([(0, 0), (5, 5)])) is None
    bow_tie = regions.shape(Region.of_rings([[(0, 0), (10, 10), (10, 0), (0, 10)]]))
    assert bow_tie is not None
    assert bow_tie.area == pytest.approx(50)


def test_shapes_are_matched_once_each_where_they_overlap_enough() -> None:
    ours = [shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10), shapely.box(90, 0, 99, 10)]
    theirs = [shapely.box(21, 0, 31, 10), shapely.box(0, 0, 10, 9), shapely.box(50, 0, 60, 10), shapely.box(0, 0, 10, 10)]
    found = regions.match(ours, theirs)
    assert [pair[:2] for pair in found.pairs] == [(0, 3), (1, 0)]
    assert (found.alone_ours, found.alone_theirs) == (1, 2)
    assert found.f1 == pytest.approx(4 / 7)
    assert found.labels_agree(["a", "b", "c"], ["x", "b", "x", "a"]) == (1, 2)
    assert regions.match([], []).f1 is None


def test_the_medoid_is_a_shape_that_somebody_drew_and_two_of_one_person_are_apart() -> None:
    drawn = [("ana", shapely.box(0, 0, 10, 10)), ("ben", shapely.box(1, 0, 11, 10)), ("cat", shapely.box(2, 0, 12, 10)),
             ("dan", shapely.box(50, 0, 60, 10)), ("ana", shapely.box(1, 0, 11, 10))]  # fmt: skip
    groups = regions.clusters(drawn)
    assert groups == [[0, 1, 2], [3], [4]]
    place, mean = regions.medoid([drawn[number][1] for number in groups[0]])
    assert (place, mean) == (1, pytest.approx(9 / 11))


def test_readings_are_put_to_the_vote_and_what_is_in_dispute_is_named() -> None:
    found = readings.vote(
        ["Carex  nigra (L.) Reichard", "Carex nigra (L) Reichard", "Carex nigra (L.) Richard", "Carex nigra (L.) Reichard leg."]
    )
    assert found.medoid == 0
    assert found.together == "Carex nigra (L.) Reichard"
    told = {(slot.word, slot.inserted): dict(slot.votes) for slot in found.slots}
    assert told == {(2, False): {"(L.)": 3, "(L)": 1}, (3, False): {"Reichard": 3, "Richard": 1}, (4, True): {"leg.": 1, "": 3}}
    assert not any(slot.is_disputed for slot in found.slots)
    split = readings.vote(["in monte", "in ponte"])
    assert [slot.is_disputed for slot in split.slots] == [True]
    assert split.together == "in monte", "of equals the medoid's own word"
    assert readings.vote(["one"]).agreement == 1.0


def test_case_and_punctuation_count_unless_told_otherwise() -> None:
    assert readings.in_common("Carex nigra.", "carex  nigra") < 1
    assert readings.in_common("Carex nigra.", "carex  nigra", loose=True) == 1
    assert readings.in_common("e\u0301", "é") == 1
    assert readings.error_rate("abd", "abc") == pytest.approx(1 / 3)
