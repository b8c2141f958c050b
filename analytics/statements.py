"""From what a step found to the annotation that says so, and back.

The form follows the Web Annotation Data Model with the Darwin Core Assertion of 2026 for quantities, Audiovisual Core
fractions for the region (section 7.12 of its term list), and PROV for where it came from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from analytics.model import Run
from analytics.steps.model import Finding
from annotations.model import Annotation, CanvasBox
from app.runtime import clock
from app.runtime.addresses import Addresses
from iiif.catalogue.model import Media

ANNO = "http://www.w3.org/ns/anno.jsonld"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
UNITS = {"px/mm": "obo:UO_0000243", "mm": "unit:MilliM", "mm²": "unit:MilliM2", "px": "unit:PIXEL", "px²": "hub:squarePixel"}
REGIONS = {"label": "accd:c01", "text": "accd:c01", "ruler": "accd:c03", "barcode": "accd:c07", "outline": "accd:c06"}
CORNERS = 2000  # most corners of an outline that is written down


@dataclass(frozen=True, slots=True)
class StatementSource:
    """What a statement is about and where it comes from; `rests_on` is the IRI of the calibration that it used."""

    run: Run
    step: str
    media: Media
    addresses: Addresses
    at: datetime
    rests_on: str = ""


def statement(finding: Finding, number: int, source: StatementSource) -> dict[str, Any]:
    """The finding as a Web Annotation; `number` tells the findings of one step apart."""
    addresses, run = source.addresses, source.run
    document: dict[str, Any] = {
        "@context": [f"{addresses.base}/ns/1/context.jsonld", ANNO],
        "type": "Annotation",
        "motivation": list(finding.motivations) if len(finding.motivations) > 1 else finding.motivations[0],
        "generated": clock.iso(source.at),
        "creator": {
            "id": f"{addresses.base}/api/pipelines/{run.pipeline}",
            "type": ["Software", "prov:SoftwareAgent"],
            "name": f"Lectotype, step {source.step} of pipeline {run.pipeline}",
        },
        "generator": {"id": addresses.base, "type": "Software", "name": f"Lectotype {run.code_version}"},
        "rights": CC0,
        "wasGeneratedBy": addresses.run(run.key),
    }
    if finding.confidence is not None:
        document["confidence"] = decimal(finding.confidence, 3)
    document["target"] = _target(finding, source)
    document["body"] = list(_bodies(finding, number, source))
    return document


def nothing_found(step: str, why: str) -> Finding:
    """That a step looked and found nothing is a statement too."""
    return Finding(kind=step, text=why, motivations=("assessing",))


def finding_of(annotation: Annotation) -> Finding:
    """What later steps are told of an annotation, the same whether its step ran just now or before a restart."""
    stated_in: list[Mapping[str, Any]] = [body["quantity"] for body in annotation.document["body"] if "quantity" in body]
    stated = stated_in[0].get("standardUncertainty") if stated_in else None
    return Finding(
        kind=annotation.kind,
        text=annotation.text,
        box=annotation.box,
        value=annotation.value,
        unit=annotation.unit,
        uncertainty=None if stated is None else float(stated),
        confidence=annotation.confidence,
        motivations=annotation.motivations,
    )


def decimal(value: float, digits: int) -> str:
    """xsd:decimal with that many significant digits, never with an exponent."""
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def _target(finding: Finding, source: StatementSource) -> Any:
    media = source.media
    canvas = source.addresses.canvas(media.specimen_key, media.key)
    if finding.box is None:
        return canvas
    x0, y0, x1, y1 = _whole_pixels(finding.box, media)
    selectors: list[dict[str, Any]] = [
        {
            "type": "FragmentSelector",
            "conformsTo": "http://www.w3.org/TR/media-frags/",
            "value": f"xywh=pixel:{x0},{y0},{x1 - x0},{y1 - y0}",
        }
    ]
    if finding.polygon is not None:
        selectors.append({"type": "SvgSelector", "value": _svg(finding.polygon, media)})
    return {
        "type": ["SpecificResource", "ac:RegionOfInterest"],
        "source": {"id": canvas, "partOf": {"id": source.addresses.manifest(media.specimen_key)}},
        "selector": selectors if len(selectors) > 1 else selectors[0],
        "isROIOf": source.addresses.pid(media.key),
        "xFrac": decimal(x0 / media.width_px, 7),
        "yFrac": decimal(y0 / media.height_px, 7),
        "widthFrac": decimal((x1 - x0) / media.width_px, 7),
        "heightFrac": decimal((y1 - y0) / media.height_px, 7),
        **({"contentClass": REGIONS[finding.kind]} if finding.kind in REGIONS else {}),
    }


def _bodies(finding: Finding, number: int, source: StatementSource) -> Any:
    is_text = "supplementing" in finding.motivations
    body: dict[str, Any] = {"type": "TextualBody", "value": finding.text, "format": "text/plain"}
    if is_text:
        body["textGranularity"] = str(finding.data.get("granularity", "block"))
    else:
        body |= {"purpose": "describing", "language": "en"}
    yield body
    yield {"type": "TextualBody", "value": finding.kind, "purpose": "tagging", "language": "en"}
    if finding.value is not None or finding.data:
        yield _assertion(finding, number, source)


def _assertion(finding: Finding, number: int, source: StatementSource) -> dict[str, Any]:
    """The quantity with its unit and standard uncertainty, and the details that stand behind it."""
    assertion: dict[str, Any] = {
        "id": f"{source.addresses.run(source.run.key)}#{source.media.key}-{source.step}-{number}",
        "type": ["dwc:Assertion", "prov:Entity"],
        "dwc:assertionType": finding.kind,
        "assertionAbout": source.addresses.pid(source.media.key),
        "dwc:assertionMadeDate": clock.iso(source.at),
    }
    if finding.value is not None:
        value = decimal(finding.value, 7)
        quantity = {"type": "qudt:QuantityValue", "numericValue": value, "hasUnit": UNITS.get(finding.unit, "unit:UNITLESS")}
        assertion |= {"dwc:assertionValue": value, "dwc:assertionUnit": finding.unit}
        if finding.uncertainty is not None:
            quantity["standardUncertainty"] = decimal(finding.uncertainty, 3)
            assertion["dwc:assertionError"] = f"{quantity['standardUncertainty']} (standard uncertainty)"
        assertion["quantity"] = quantity
    if source.rests_on and "mm" in finding.unit and finding.kind != "ruler":
        assertion["wasDerivedFrom"] = source.rests_on
    if finding.data:
        assertion["details"] = quantities(finding.data)
    return assertion


def _whole_pixels(box: CanvasBox, media: Media) -> tuple[int, int, int, int]:
    """The box as whole pixels inside the image, at least one wide and high."""
    x0 = min(max(int(np.floor(box.x0)), 0), media.width_px - 1)
    y0 = min(max(int(np.floor(box.y0)), 0), media.height_px - 1)
    return x0, y0, min(max(int(np.ceil(box.x1)), x0 + 1), media.width_px), min(max(int(np.ceil(box.y1)), y0 + 1), media.height_px)


def _svg(polygon: NDArray[np.float64], media: Media) -> str:
    inside = np.clip(polygon[:CORNERS], 0, [media.width_px, media.height_px])
    points = " L".join(f"{x:.1f},{y:.1f}" for x, y in inside)
    return f'<svg xmlns="http://www.w3.org/2000/svg"><path d="M{points} Z"/></svg>'


def quantities(mapping: Mapping[str, Any]) -> dict[str, Any]:
    """Details as plain JSON values: numpy's numbers and arrays become Python's, floats keep six digits."""
    return {name: _plain(value) for name, value in mapping.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, np.ndarray):
        return _plain(value.tolist())
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, Mapping):
        return quantities(value)
    return value
