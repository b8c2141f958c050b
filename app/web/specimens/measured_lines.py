"""A line that a person lays on a sheet, as a statement of theirs: its length by the scale that counts for the image.

Frame: canvas units. Length and uncertainty follow the machine's measures (analytics/steps/specimen_measures.py): that of the
scale, and one pixel of the screen for each end.
"""

import math
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from annotations import validation
from annotations.creators import creator
from annotations.model import Annotation
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.principal import Principal
from app.web.specimens.annotation_cards import rounded, uncertainty_of
from iiif.catalogue.model import Media

KIND = "distance"
LONGEST_NAME = 100
UNITS = {"mm": "unit:MilliM", "px": "unit:PIXEL"}
METHOD = "ends set by hand on the image"
COARSEST_PX = 200.0


@dataclass(frozen=True, slots=True)
class Line:
    """From end to end in canvas units; `step` is how many of them one pixel of the screen showed when it was laid."""

    x0: float
    y0: float
    x1: float
    y1: float
    step: float = 1.0
    name: str = ""

    def check(self, media: Media) -> None:
        """Raises Invalid where it is no line on the image."""
        ends = ((self.x0, self.y0), (self.x1, self.y1))
        if not all(0 <= x <= media.width_px and 0 <= y <= media.height_px for x, y in ends):
            raise Invalid(f"Both ends must lie on the image, which is {media.width_px} × {media.height_px} px.")
        if math.dist(*ends) < 1:
            raise Invalid("A line needs two ends that are a pixel apart, or more.")
        if not 0 < self.step <= COARSEST_PX:
            raise Invalid(f"step is the number of pixels under one of the screen, up to {COARSEST_PX:g}.", parameter="step")


@dataclass(frozen=True, slots=True)
class Length:
    """`uncertainty` is a standard uncertainty, in the unit; `scale` the IRI of the scale that it rests on, empty for none."""

    value: float
    uncertainty: float
    unit: str
    scale: str


def length(line: Line, ruler: Annotation | None, addresses: Addresses) -> Length:
    """In millimetres by the ruler, or in pixels without one."""
    px = math.dist((line.x0, line.y0), (line.x1, line.y1))
    of_ends = math.sqrt(2) * line.step
    if ruler is None or not ruler.value:
        return Length(px, of_ends, "px", "")
    of_scale = (uncertainty_of(ruler.document) or 0.0) / ruler.value
    value = px / ruler.value
    return Length(value, math.hypot(of_ends / ruler.value, of_scale * value), "mm", addresses.annotation(ruler.key))


def statement(
    line: Line, measured: Length, media: Media, specimen_key: str, *, by: Principal, addresses: Addresses
) -> dict[str, Any]:
    """The W3C annotation, as a step of the analysis would make it."""
    value, uncertainty = rounded(measured.value, measured.uncertainty)
    said = f"{line.name or 'Measured line'}: {value} {measured.unit} (u = {uncertainty} {measured.unit}): {METHOD}"
    x0, y0, x1, y1 = map(_decimal, (line.x0, line.y0, line.x1, line.y1))
    ends = f'x1="{x0}" y1="{y0}" x2="{x1}" y2="{y1}"'
    return {
        "@context": [f"{addresses.base}/ns/1/context.jsonld", validation.CONTEXT],
        "type": "Annotation",
        "motivation": "measuring",
        "creator": creator(by, addresses),
        "target": {
            "type": "SpecificResource",
            "source": addresses.canvas(specimen_key, media.key),
            "selector": {"type": "SvgSelector", "value": f'<svg xmlns="http://www.w3.org/2000/svg"><line {ends}/></svg>'},
        },
        "body": [
            {
                "type": "TextualBody",
                "value": said if measured.scale else f"{said}; no scale is known for the image",
                "purpose": "describing",
                "format": "text/plain",
            },
            {"type": "TextualBody", "value": KIND, "purpose": "tagging", "language": "en"},
            _assertion(line, measured, media, addresses, uuid4()),
        ],
    }


def _assertion(line: Line, measured: Length, media: Media, addresses: Addresses, name: UUID) -> dict[str, Any]:
    value, uncertainty = _decimal(measured.value), _decimal(measured.uncertainty)
    return {
        "id": name.urn,
        "type": ["dwc:Assertion", "prov:Entity"],
        "dwc:assertionType": KIND,
        "dwc:assertionValue": value,
        "dwc:assertionUnit": measured.unit,
        "dwc:assertionError": f"{uncertainty} (standard uncertainty)",
        "assertionAbout": addresses.pid(media.key),
        "quantity": {
            "type": "qudt:QuantityValue",
            "numericValue": value,
            "hasUnit": UNITS[measured.unit],
            "standardUncertainty": uncertainty,
        },
        "details": {"method": METHOD, "endsPx": [[line.x0, line.y0], [line.x1, line.y1]], "screenPx": line.step},
        **({"wasDerivedFrom": measured.scale} if measured.scale else {}),
    }


def _decimal(number: float) -> str:
    """An xsd:decimal, to the nanometre."""
    return f"{number:.6f}".rstrip("0").rstrip(".")
