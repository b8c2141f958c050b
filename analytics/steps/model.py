"""What a step of a pipeline is given, and what it says.

A step is a module with `run(image, parameters, context) -> StepResult`. It sees the upright image in sRGB, in the frame
that the Image API serves; every region and length in pixels is in that frame, x to the right and y downwards. It asks the
image (`analytics.steps.image`) for reduced copies and for crops, and `analytics.steps.shared` for what other steps need too.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from analytics.steps.image import ScaledCopy, SheetImage, Tile, TooManyPixels
from annotations import region_outlines
from annotations.model import CanvasBox
from annotations.regions import Region
from annotations.vectors.model import Unseen

__all__ = ["Finding", "ScaledCopy", "SheetImage", "Step", "StepContext", "StepResult", "Tile", "TooManyPixels", "Unseen", "plain"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a step says, to become one annotation, and to be told later steps just as it was found.

    The region is brought to the form in which it is stored: a mask with few corners to rings, rings with many to a mask, and
    what is too long for either is simplified and says so by its tolerance. The data become plain JSON values.

    Args:
        kind: our short word for it: "ruler", "label", "barcode", "quality", "outline", "length", "width", "area", ….
        text: a sentence or transcription that a person can read.
        region: where, in pixels; None for the whole image.
        value, unit, uncertainty: a quantity with its standard uncertainty, in the unit; without a value neither is given.
        confidence: 0 to 1, or None where the step cannot say.
        motivations: why the annotation was made (Web Annotation Model, section 3.3.5, and IIIF's `supplementing`).
        data: details in plain JSON values, kept in the annotation.
        iri: the address of the statement that says it, in the version that was read; empty before it is stated.
        rests_on: addresses of statements that it was read from.
    """

    kind: str
    text: str
    region: Region | None = None
    value: float | None = None
    unit: str = ""
    uncertainty: float | None = None
    confidence: float | None = None
    motivations: tuple[str, ...] = ("describing",)
    data: Mapping[str, Any] = field(default_factory=dict)
    iri: str = ""
    rests_on: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """ValueError for a unit or an uncertainty without a value, and for a number that is none."""
        if self.value is None and (self.unit or self.uncertainty is not None):
            raise ValueError("a unit and an uncertainty belong to a value")
        numbers = (self.value, self.uncertainty, self.confidence)
        if not all(number is None or math.isfinite(number) for number in numbers):
            raise ValueError("a finding's numbers must be finite")
        object.__setattr__(self, "data", plain(self.data))
        if self.region is not None:
            object.__setattr__(self, "region", region_outlines.storable(self.region))

    @property
    def box(self) -> CanvasBox | None:
        """Around the region."""
        return None if self.region is None else self.region.box


def plain(value: Any) -> Any:
    """The value as JSON has it: numpy's numbers and arrays become Python's, tuples lists, keys strings. ValueError for NaN."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a finding's numbers must be finite")
    if isinstance(value, list | tuple):
        return [plain(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): plain(one) for name, one in value.items()}
    return value


@dataclass(frozen=True, slots=True)
class StepResult:
    """The findings; with none, `nothing_found` says what was looked for and why it was not found.

    `vectors` are what a step made of the image and its segments, by key (`StepContext.unseen`), None from a step that makes
    none: they are kept and stated nowhere, so a step of vectors needs no finding.
    """

    findings: tuple[Finding, ...]
    nothing_found: str = ""
    vectors: Mapping[str, NDArray[np.float16]] | None = None

    def __post_init__(self) -> None:
        if not self.findings and not self.nothing_found and self.vectors is None:
            raise ValueError("a step that found nothing must say why")


@dataclass(frozen=True, slots=True)
class StepContext:
    """What is known besides the image: its specimen's catalogue number, what the earlier steps found, and which of them failed,
    so that nothing is known of what they look for.

    `record` is that of the specimen as it is read, by Darwin Core term; `specimens` how many the image shows, and
    `withholds_place` whether the record of one of them keeps its place back. `unseen` is for the step that makes vectors: the
    image and its segments, as far as its network has made none of them.
    """

    catalog_number: str = ""
    earlier: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)
    failed: frozenset[str] = frozenset()
    record: Mapping[str, str] = field(default_factory=dict)
    specimens: int = 1
    withholds_place: bool = False
    unseen: tuple[Unseen, ...] = ()

    def of_kind(self, *kinds: str) -> tuple[Finding, ...]:
        """Every earlier finding of these kinds."""
        return tuple(finding for findings in self.earlier.values() for finding in findings if finding.kind in kinds)

    @property
    def scale(self) -> Finding | None:
        """The ruler found earlier: `value` is px_per_mm; None where the image is not calibrated."""
        return next((finding for finding in self.of_kind("ruler") if finding.value), None)


class Step(Protocol):
    """The module of a step."""

    def run(self, image: SheetImage, parameters: Mapping[str, Any], context: StepContext) -> StepResult: ...
