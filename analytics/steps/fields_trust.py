"""How often what was read is right: by the rule that recognised it, and by how surely its line was recognised.

`RIGHT` counts, for each rule, the readings that were right among all that it made, on the labels and sheets whose fields are
known (`tests/label_fields.json`, `tests/sheet_fields.json`) and on drawn labels. The rate is that of a Beta(1, 1) prior, so that
a rule which was seen twice is not certain. `make label-fields` counts anew and prints how well the confidence agrees with what
was right (docs/label-fields.md).
"""

from collections.abc import Mapping

RIGHT: Mapping[str, tuple[int, int]] = {
    "catalogue number": (17, 18), "collector named": (32, 34), "collector on a row": (16, 17),
    "collector with number": (25, 26), "country": (37, 37), "country by its state": (6, 7), "county": (7, 7),
    "county named": (1, 1), "date by day": (41, 41), "date by month": (4, 5), "date by numbers": (0, 1),
    "date by year": (1, 1), "datum": (2, 2), "decimal named": (4, 4), "decimal pair": (4, 4),
    "determined by month": (1, 1), "determined by year": (21, 21), "determiner named": (30, 31), "family": (15, 15),
    "height bare": (5, 5), "height named": (28, 28), "institution": (17, 23), "locality beside its state": (1, 2),
    "locality by its words": (19, 21), "locality named": (28, 30), "name alone": (7, 7), "name and author": (34, 36),
    "name in capitals": (1, 1), "name on two rows": (2, 2), "number behind collector": (27, 27),
    "number by sign": (3, 4), "radius": (2, 2), "signs before": (4, 4), "signs behind": (28, 28), "state": (13, 14),
    "type": (3, 3), "year of two digits": (3, 3),
}  # fmt: skip
UNKNOWN = (1, 2)  # a rule that was never counted
WEAKNESS = 1.5  # a line whose characters are recognised with a mean score of s is right as a whole with about s to this power


def confidence(rule: str, score: float) -> float:
    """The share of readings like this one that are right; `score` is the recogniser's, of the poorest line that it rests on."""
    return of_rate(*RIGHT.get(rule, UNKNOWN), score)


def of_rate(right: int, seen: int, score: float) -> float:
    """The same for a rule that was right so often among so many readings."""
    return float((right + 1) / (seen + 2) * min(max(score, 0.0), 1.0) ** WEAKNESS)
