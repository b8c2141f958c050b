"""How good a network is on what it was trained on, on what it never saw, and on drawn truth that is drawn for this alone."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from analytics.steps import component_net
from analytics.steps.component_classes import COMPONENTS, PARTS, SPECIMEN
from analytics.synth import scenes
from analytics.training import truth
from analytics.training.instances import SINGLE, Instance, instances
from analytics.training.plan import Plan
from analytics.training.truth import IGNORE, NOT_SPECIMEN, Example

DRAWN_FOR_SCORES, DRAWN_SEED = 24, 900_000_001
SAME = 0.5  # intersection over union of boxes


@dataclass(slots=True)
class Score:
    """`both` and `either` count pixels by class; `found`, `known` and `stated` single things."""

    name: str
    both: dict[str, int] = field(default_factory=dict)
    either: dict[str, int] = field(default_factory=dict)
    specimens: list[float] = field(default_factory=list)
    found: dict[str, int] = field(default_factory=dict)
    known: dict[str, int] = field(default_factory=dict)
    stated: dict[str, int] = field(default_factory=dict)

    def add(self, example: Example, seen: component_net.Seen, boxes: Mapping[str, Sequence[Sequence[float]]] | None) -> None:
        """Count one picture; `boxes` of its single things as fractions of its sides."""
        size = example.rgb.shape[1::-1]
        likely = cv2.resize(seen.components.argmax(axis=0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
        specimen, known = seen.specimen(size) > 0.5, example.components
        there, counted = known == SPECIMEN, known != IGNORE
        union = int(((specimen | there) & counted).sum())
        if there.any():
            self.specimens.append(float((specimen & there & counted).sum() / max(1, union)))
        if not (known == NOT_SPECIMEN).any():
            self._count(COMPONENTS, likely, known, counted)
        if (example.parts != IGNORE).any():
            parts = cv2.resize(seen.parts.argmax(axis=0).astype(np.uint8), size, interpolation=cv2.INTER_NEAREST)
            self._count(PARTS[1:], parts - 1, example.parts - 1, example.parts != IGNORE)
        if boxes is not None:
            self._match(instances(seen), boxes)

    def _count(self, names: Sequence[str], likely: Any, known: Any, counted: Any) -> None:
        for number, name in enumerate(names):
            one, other = (likely == number) & counted, (known == number) & counted
            self.both[name] = self.both.get(name, 0) + int((one & other).sum())
            self.either[name] = self.either.get(name, 0) + int((one | other).sum())

    def _match(self, seen: Sequence[Instance], boxes: Mapping[str, Sequence[Sequence[float]]]) -> None:
        for name in SINGLE:
            left = [list(box) for box in boxes.get(name, [])]
            own = [one for one in seen if one.name == name]
            self.known[name] = self.known.get(name, 0) + len(left)
            self.stated[name] = self.stated.get(name, 0) + len(own)
            for one in own:
                best = max(left, key=lambda box, one=one: overlap(one.box, box), default=None)  # type: ignore[misc]
                if best is not None and overlap(one.box, best) >= SAME:
                    self.found[name] = self.found.get(name, 0) + 1
                    left.remove(best)

    def rows(self) -> Iterable[tuple[str, str, str]]:
        """Class, overlap of pixels, and how many single things were found: of how many that are there, and that were stated."""
        for name in dict.fromkeys([*COMPONENTS, *PARTS[1:]]):
            if self.either.get(name):
                things = ""
                if self.known.get(name) or self.stated.get(name):
                    things = f"{self.found.get(name, 0)} of {self.known.get(name, 0)}, {self.stated.get(name, 0)} stated"
                yield name, f"{self.both[name] / self.either[name]:.3f}", things


def overlap(one: Sequence[float], other: Sequence[float]) -> float:
    """Intersection over union of two boxes x0, y0, x1, y1."""
    wide, high = min(one[2], other[2]) - max(one[0], other[0]), min(one[3], other[3]) - max(one[1], other[1])
    if wide <= 0 or high <= 0:
        return 0.0
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return wide * high / (sum(areas) - wide * high)


def scores(plan: Plan, path: Path) -> list[Score]:
    """Of the exported network: on drawn pictures, on the sheets of the training, and on sheets and beetles that were held out."""
    session = component_net.load(path)
    count = min(plan.scenes, DRAWN_FOR_SCORES)
    drawn = Score(f"drawn, {count} pictures")
    for number in range(count):
        rgb, components = scenes.draw(DRAWN_SEED + number)
        drawn.add(
            Example("", rgb, components, np.full(components.shape, IGNORE, np.uint8)), component_net.look(rgb, session), None
        )
    found = [drawn]
    data = Path(plan.data)
    for title, names in (("sheets trained on", plan.sheets), ("sheets held out", plan.held_out_sheets)):
        if names:
            score = Score(f"{title}: {', '.join(names)}")
            for example in truth.sheets(data, names):
                score.add(example, component_net.look(example.rgb, session), truth.boxes(data, example.name))
            found.append(score)
    if plan.data and plan.held_out_beetles > 1:
        score = Score("beetles held out")
        for example in truth.beetles(data, plan.held_out_beetles, held_out=True):
            score.add(example, component_net.look(example.rgb, session), None)
        found.append(score)
    return found
