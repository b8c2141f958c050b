"""What a step of a pipeline is given, and what it says.

A step is a module with `run(image, parameters, context) -> StepResult`. It sees the upright image in sRGB, in the frame
that the Image API serves; every box, polygon and length in pixels is in that frame, x to the right and y downwards.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from annotations.model import CanvasBox


@dataclass(frozen=True, slots=True)
class SheetImage:
    """The upright image: `rgb` is uint8 (H, W, 3) sRGB and must not be written to."""

    rgb: NDArray[np.uint8]

    @property
    def height_px(self) -> int:
        return int(self.rgb.shape[0])

    @property
    def width_px(self) -> int:
        return int(self.rgb.shape[1])


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a step says, to become one annotation.

    Args:
        kind: our short word for it: "ruler", "label", "barcode", "quality", "outline", "length", "width", "area", ….
        text: a sentence or transcription that a person can read.
        box: where, in pixels; None for the whole image.
        polygon: (N, 2) corners in pixels, more exact than the box.
        value, unit, uncertainty: a quantity with its standard uncertainty, in the unit.
        confidence: 0 to 1, or None where the step cannot say.
        motivations: why the annotation was made (Web Annotation Model, section 3.3.5, and IIIF's `supplementing`).
        data: details in plain JSON values, kept in the annotation.
    """

    kind: str
    text: str
    box: CanvasBox | None = None
    polygon: NDArray[np.float64] | None = None
    value: float | None = None
    unit: str = ""
    uncertainty: float | None = None
    confidence: float | None = None
    motivations: tuple[str, ...] = ("describing",)
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StepResult:
    """The findings; with none, `nothing_found` says what was looked for and why it was not found."""

    findings: tuple[Finding, ...]
    nothing_found: str = ""

    def __post_init__(self) -> None:
        if not self.findings and not self.nothing_found:
            raise ValueError("a step that found nothing must say why")


@dataclass(frozen=True, slots=True)
class StepContext:
    """What is known besides the image: its specimen's catalogue number, and what the earlier steps found."""

    catalog_number: str = ""
    earlier: Mapping[str, tuple[Finding, ...]] = field(default_factory=dict)

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
