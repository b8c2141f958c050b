"""How often what was read is right: by the rule that recognised it, and by how surely its line was recognised.

`RIGHT` counts, for each rule, the readings that were right among all that it made, on the labels whose fields are known
(`tests/label_fields.json`) and on drawn ones. The rate is that of a Beta(1, 1) prior, so that a rule which was seen twice is not
certain. `make label-fields` counts anew and prints how well the confidence agrees with what was right (docs/label-fields.md).
"""

from collections.abc import Mapping

RIGHT: Mapping[str, tuple[int, int]] = {
    "catalogue number": (10, 10), "collector named": (28, 28), "collector on a row": (12, 12),
    "collector with number": (23, 24), "country": (30, 30), "country by its state": (5, 5), "county": (7, 7),
    "county named": (1, 1), "date by day": (35, 35), "date by month": (4, 4), "date by year": (1, 1), "datum": (2, 2),
    "decimal named": (4, 4), "decimal pair": (4, 4), "determined by year": (21, 21), "determiner named": (25, 25),
    "family": (7, 7), "height bare": (3, 3), "height named": (23, 23), "institution": (11, 11),
    "locality beside its state": (1, 1), "locality by its words": (16, 19), "locality named": (23, 23),
    "name alone": (7, 7), "name and author": (27, 27), "name in capitals": (1, 1), "name on two rows": (2, 2),
    "number behind collector": (25, 25), "number by sign": (2, 3), "radius": (2, 2), "signs before": (4, 4),
    "signs behind": (24, 24), "state": (11, 11), "type": (1, 1), "year of two digits": (1, 1),
}  # fmt: skip
UNKNOWN = (1, 2)  # a rule that was never counted
WEAKNESS = 3.0  # a line whose characters are recognised with a mean score of s is right as a whole with about s to this power


def confidence(rule: str, score: float) -> float:
    """The share of readings like this one that are right; `score` is the recogniser's, of the poorest line that it rests on."""
    return of_rate(*RIGHT.get(rule, UNKNOWN), score)


def of_rate(right: int, seen: int, score: float) -> float:
    """The same for a rule that was right so often among so many readings."""
    return float((right + 1) / (seen + 2) * min(max(score, 0.0), 1.0) ** WEAKNESS)
