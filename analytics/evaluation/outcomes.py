"""What was measured, unit by unit (a scale, a code, a label, an outline), in a form that is added up, compared and kept."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Measure:
    """What a figure is: the mean of its outcomes' values by their weights. `binary`: each is right or not. `good` says whether
    more or less of it is better, and `goal` how much this project wants on images that nobody has seen."""

    key: str
    title: str
    of: str
    binary: bool = True
    good: str = "more"
    goal: float | None = None


MEASURES = (
    Measure("scale right", "scale within 1 %", "images with a scale in mm", goal=0.8),
    Measure("scale given", "scale given at all", "images with a scale in mm", good=""),
    Measure("scale wrong", "scale wrong by more than 5 %", "scales given", good="less", goal=0.02),
    Measure("scale covered", "true scale within two stated standard uncertainties", "scales given", goal=0.95),
    Measure("scale unasked", "scale where there is none", "images without a ruler", good="less", goal=0.02),
    Measure("chart found", "colour chart found", "images with a chart", goal=0.85),
    Measure("chart unasked", "colour chart where there is none", "images without a chart", good="less"),
    Measure("code read", "codes read", "codes", goal=0.95),
    Measure("code false", "images with a false code", "images", good="less", goal=0.0),
    Measure("text printed", "characters wrong, printed", "labels", binary=False, good="less", goal=0.006),
    Measure("text typed", "characters wrong, typed", "labels", binary=False, good="less", goal=0.06),
    Measure("text mixed", "characters wrong, mixed", "labels", binary=False, good="less", goal=0.2),
    Measure("text handwritten", "characters wrong, handwritten", "labels", binary=False, good="less", goal=0.26),
    Measure("words", "words found", "images", binary=False),
    Measure("outline plants", "outline, plants: overlap", "images", binary=False, goal=0.92),
    Measure("outline beetles", "outline, beetles: overlap", "crops", binary=False, goal=0.93),
    Measure("outline coco", "outline, COCO: overlap", "images", binary=False),
    Measure("component found", "components found (boxes overlap by half)", "components", goal=0.8),
    Measure("component stated", "components stated that are there", "components stated"),
    Measure("object found", "objects found (overlap of half)", "objects of COCO"),
    Measure("object stated", "objects stated that are there", "objects stated"),
    Measure("line right", "lines of text right to the letter", "lines"),
    Measure("changed scale", "scale of a changed image holds or is left open", "changed images"),
    Measure("changed size", "size on a changed image holds or is doubtful", "sizes of changed images"),
    Measure("changed codes", "no false code on a changed image", "changed images"),
    Measure("statement accepted", "statements that reviewers accepted", "reviewed statements"),
)
BY_KEY = {measure.key: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Outcome:
    """One unit of a measure: `value` of `weight` (errors of characters; 1 or 0 of 1).

    `unit` is the same in every version, `image` groups what is not independent. `kind` (of ruler,
    of chart, of statement), `source` and `tuned` sort; `confidence` is what the step said of itself; `note` tells a miss in
    words, and `box` (x0, y0, x1, y1 in pixels of the upright image) shows it.
    """

    measure: str
    unit: str
    image: str
    value: float
    weight: float = 1.0
    kind: str = ""
    source: str = ""
    tuned: bool = False
    confidence: float | None = None
    note: str = ""
    box: tuple[float, float, float, float] | None = None

    @property
    def missed(self) -> bool:
        """Whether it belongs among the misses."""
        if BY_KEY[self.measure].good == "less":
            return self.value > (0 if BY_KEY[self.measure].binary else 0.2 * self.weight)
        return BY_KEY[self.measure].good == "more" and self.value < (1 if BY_KEY[self.measure].binary else 0.9 * self.weight)


@dataclass(frozen=True, slots=True)
class Evaluation:
    """All outcomes of one version of the code, and the seconds by step of every image."""

    code: str
    outcomes: tuple[Outcome, ...]
    seconds: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    failures: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def of(self, measure: str) -> tuple[Outcome, ...]:
        return tuple(one for one in self.outcomes if one.measure == measure)

    def to_json(self) -> dict[str, Any]:
        outcomes = [{name: value for name, value in asdict(one).items() if value not in ("", None)} for one in self.outcomes]
        return {"code": self.code, "outcomes": outcomes, "seconds": dict(self.seconds), "failures": dict(self.failures)}

    @classmethod
    def of_json(cls, content: Any) -> "Evaluation":
        """ValueError for what no evaluation wrote."""
        try:
            rows = [{**row, "box": tuple(row["box"]) if row.get("box") else None} for row in content["outcomes"]]
            outcomes = tuple(Outcome(**row) for row in rows)
            evaluation = cls(str(content["code"]), outcomes, content.get("seconds", {}), content.get("failures", {}))
        except (TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"this is no evaluation as `lectotype evaluate --json` writes it ({error})") from error
        if unknown := {one.measure for one in outcomes} - BY_KEY.keys():
            raise ValueError(f"it has measures that are unknown here: {', '.join(sorted(unknown))}")
        return evaluation


def grouped(outcomes: Iterable[Outcome], by: str) -> dict[str, list[Outcome]]:
    """Outcomes by "source", "kind" or "tuned", in order of their names."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(str(getattr(one, by)), []).append(one)
    return dict(sorted(groups.items()))


def paired(before: Sequence[Outcome], after: Sequence[Outcome]) -> list[tuple[Outcome, Outcome]]:
    """The units that both versions have."""
    old = {(one.measure, one.unit): one for one in before}
    return [(old[one.measure, one.unit], one) for one in after if (one.measure, one.unit) in old]
