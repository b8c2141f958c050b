"""The report of losses: what of each statement a format could not carry, counted, with examples, and in balance.

Objects asked for = written exactly + written with a loss + left out. It is made by every export and every import, also where
nothing was lost.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from annotations.exchange.abilities import Abilities, Feature, features_of
from annotations.exchange.model import Statement

EXAMPLES = 20


@dataclass(frozen=True, slots=True)
class Miss:
    """Something that a written object lacks, and how near what stands for it is: IoU of 0 to 1, and pixels that it is off."""

    kind: str
    iou: float | None = None
    shift_px: float | None = None


@dataclass(slots=True)
class _Kind:
    count: int = 0
    examples: list[str] = field(default_factory=list)
    least_iou: float | None = None
    largest_shift_px: float | None = None
    done: str = ""

    def add(self, iri: str, miss: Miss) -> None:
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(iri)
        if miss.iou is not None:
            self.least_iou = miss.iou if self.least_iou is None else min(self.least_iou, miss.iou)
        if miss.shift_px is not None:
            self.largest_shift_px = max(self.largest_shift_px or 0.0, miss.shift_px)

    def to_json(self) -> dict[str, Any]:
        near = {"leastIou": self.least_iou, "largestShiftPx": self.largest_shift_px, "done": self.done or None}
        return {
            "count": self.count,
            **{name: value for name, value in near.items() if value is not None},
            "examples": self.examples,
        }


class Losses:
    """Counts what an export writes and loses; a writer tells it of every statement once, by `refuses` or by `wrote`."""

    def __init__(self, format_name: str, abilities: Abilities) -> None:
        self.format_name, self.abilities = format_name, abilities
        self.images = self.images_without_objects = self.exact = self.with_loss = self.left_out = 0
        self._lost: dict[str, _Kind] = {}
        self._out: dict[str, _Kind] = {}
        self._withheld: dict[str, _Kind] = {}

    @property
    def asked(self) -> int:
        return self.exact + self.with_loss + self.left_out

    @property
    def is_whole(self) -> bool:
        """Whether nothing was lost, left out or withheld."""
        return not (self.with_loss or self.left_out or self._withheld)

    def image(self, objects: int) -> None:
        """An image is written, of which so many statements were asked for."""
        self.images += 1
        self.images_without_objects += not objects

    def refuses(self, statement: Statement) -> bool:
        """Whether the format has no place for it at all; then it is counted as left out."""
        for feature in features_of(statement):
            ability = self.abilities[feature]
            if ability.keeps == "out":
                self.leave_out(statement, ability.done or f"{feature}: the format has none")
                return True
        return False

    def leave_out(self, statement: Statement, reason: str) -> None:
        self.left_out += 1
        self._out.setdefault(reason, _Kind()).add(statement.iri, Miss(reason))

    def wrote(self, statement: Statement, misses: Iterable[Miss] = (), kept: Iterable[Feature] = ()) -> None:
        """It is written; `misses` is what the table cannot know beforehand, and `kept` what came through although it may not."""
        told = {miss.kind: miss for miss in misses}
        for feature in features_of(statement):
            if self.abilities[feature].keeps in ("lost", "near") and feature not in kept and feature not in told:
                told[feature] = Miss(feature)
        for kind, miss in told.items():
            entry = self._lost.setdefault(kind, _Kind(done=self._done(kind)))
            entry.add(statement.iri, miss)
        self.with_loss += bool(told)
        self.exact += not told

    def withhold(self, iri: str, reason: str) -> None:
        """A picture or an image is not given out, although what is said of it may be."""
        self._withheld.setdefault(reason, _Kind()).add(iri, Miss(reason))

    def to_json(self) -> dict[str, Any]:
        """What `losses.json` says."""
        return {
            "format": self.format_name,
            "images": self.images,
            "imagesWithoutObjects": self.images_without_objects,
            "objects": {"asked": self.asked, "exact": self.exact, "withLoss": self.with_loss, "leftOut": self.left_out},
            "lost": {kind: entry.to_json() for kind, entry in sorted(self._lost.items())},
            "leftOut": {reason: entry.to_json() for reason, entry in sorted(self._out.items())},
            "withheld": {reason: entry.to_json() for reason, entry in sorted(self._withheld.items())},
        }

    def _done(self, kind: str) -> str:
        ability = self.abilities.get(kind)  # type: ignore[call-overload]  # a miss may be no feature
        return "" if ability is None else str(ability.done)
