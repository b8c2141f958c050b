"""What may be found on an image, in the words of the index: kinds of findings, layers, review states.

A step that looked and found nothing says so in a statement too. In the index that is no finding of its kind: `kind` is what was
found, and `none` what was looked for and not found.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from annotations.model import FOUND_NOTHING, GAVE_UP
from annotations.states.derive import STATES
from ontology.segment_classes import CLASSES

KINDS: Mapping[str, str] = {
    "barcode": "Barcode or QR code",
    "ruler": "Ruler",
    "label": "Label",
    "text": "Text",
    "outline": "Outline of the specimen",
    "length": "Length",
    "width": "Width",
    "area": "Area",
    "perimeter": "Perimeter",
    "feret": "Least Feret diameter",
    "aspect": "Aspect of the outline",
    "solidity": "Solidity of the outline",
    "colour": "Colour of the specimen",
    "distance": "Measured line",
    "quality": "Image quality",
    "fields": "Values read from labels",
    "proposal": "Value proposed for the record",
    **{name: known.label for name, known in CLASSES.items() if name not in ("label", "ruler", "barcode")},
}
SOUGHT: Mapping[str, str] = {
    "ocr": "label",
    "text": "label",
    "specimen": "outline",
    "traits": "outline",
}  # a step, or a word, for what is looked for
ON_OTHERS = ("fields", "traits", "remeasure")  # steps that look at what others found: without it they say nothing of the image
FOUND_WITH: Mapping[str, tuple[str, ...]] = {"label": ("text",), "outline": ("length", "width", "area")}
CLOSED: Mapping[str, Sequence[str]] = {
    "kind": tuple(KINDS),
    "none": ("barcode", "chart", "ruler", "label", "stamp", "fields", "outline"),
    "layer": ("machine", "people"),
    "state": STATES,
}


class Statement(Protocol):
    """Those columns of an annotation that tell whether it says that nothing was found."""

    @property
    def layer(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def motivations(self) -> Sequence[str]: ...
    @property
    def value(self) -> float | None: ...
    @property
    def x0(self) -> float | None: ...


def found(statement: Statement) -> str:
    """The kind of thing that it says was found; empty where it says none."""
    return "" if found_nothing(statement) else statement.kind


def found_nothing(statement: Statement) -> bool:
    """Whether a step says that it looked and found nothing, or that it gave up: an assessment without a place or a value, but for
    that of quality."""
    is_assessment = tuple(statement.motivations) == FOUND_NOTHING and statement.kind not in ("", "quality")
    is_bare = statement.layer == "machine" and statement.value is None and statement.x0 is None
    return is_bare and (is_assessment or tuple(statement.motivations) == GAVE_UP)


def not_found(statements: Iterable[Statement]) -> list[str]:
    """The kinds of things that steps looked for, to the end, and that none of these statements says were found."""
    every = list(statements)
    looked = [one for one in every if found_nothing(one) and tuple(one.motivations) != GAVE_UP and one.kind not in ON_OTHERS]
    there = {found(one) for one in every}
    sought = dict.fromkeys(SOUGHT.get(one.kind, one.kind) for one in looked)
    return [kind for kind in sought if there.isdisjoint((kind, *FOUND_WITH.get(kind, ())))]
