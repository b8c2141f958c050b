"""From what a step found to the annotation that says so, and back.

The form follows the Web Annotation Data Model with the Darwin Core Assertion of 2026 for quantities, Audiovisual Core
fractions for the region (section 7.12 of its term list), and PROV for where it came from. Numbers and regions are written so
that they read back the same; only the fractions are those of whole pixels.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from analytics.model import Run
from analytics.steps.model import Finding
from annotations import masks
from annotations.masks import KeptMask
from annotations.model import FOUND_NOTHING, GAVE_UP, Annotation, CanvasBox
from annotations.proposed import form
from annotations.region_masks import Mask
from annotations.region_outlines import simplified, within
from annotations.region_text import exact
from annotations.regions import Region
from annotations.selectors import stored_selectors
from annotations.validation import several
from app.runtime import clock
from app.runtime.addresses import Addresses
from iiif.catalogue.model import Media

ANNO = "http://www.w3.org/ns/anno.jsonld"
CC0 = "https://creativecommons.org/publicdomain/zero/1.0/"
UNITS = {"px/mm": "obo:UO_0000243", "mm": "unit:MilliM", "mm²": "unit:MilliM2", "px": "unit:PIXEL", "px²": "hub:squarePixel"}
MEASURES = ("length", "width", "area", "perimeter", "feret", "aspect", "solidity")  # of an outline, from which alone they follow
OF_OUTLINE = (*MEASURES, "colour")
REGIONS = {
    "label": "accd:c01",
    "text": "accd:c01",
    "ruler": "accd:c03",
    "chart": "accd:c04",
    "barcode": "accd:c07",
    "outline": "accd:c06",
    "stamp": "hub:stamp",
}


@dataclass(frozen=True, slots=True)
class StatementSource:
    """What a statement is about and where it comes from; `rests_on` is the IRI of the calibration that it used, `outline` that of
    the outline that was measured, and `masks` has the files of the masks that its findings hold."""

    run: Run
    step: str
    media: Media
    addresses: Addresses
    at: datetime
    rests_on: str = ""
    outline: str = ""
    masks: Mapping[Mask, KeptMask] = field(default_factory=dict)


def statement(finding: Finding, number: int, source: StatementSource) -> dict[str, Any]:
    """The finding as a Web Annotation; `number` tells the findings of one step apart."""
    document: dict[str, Any] = {
        "@context": [f"{source.addresses.base}/ns/1/context.jsonld", ANNO],
        "type": "Annotation",
        "motivation": list(finding.motivations) if len(finding.motivations) > 1 else finding.motivations[0],
        **_provenance(finding, source),
        "target": _target(finding, source),
        "body": list(_bodies(finding, number, source)),
    }
    if finding.kind == form.KIND:
        return _proposal(document, finding, number, source)
    return document


def _provenance(finding: Finding, source: StatementSource) -> dict[str, Any]:
    addresses, run = source.addresses, source.run
    said: dict[str, Any] = {
        "generated": clock.iso(source.at),
        "creator": {
            "id": addresses.pipeline(run.pipeline),
            "type": ["Software", "prov:SoftwareAgent"],
            "name": f"Lectotype, step {source.step} of pipeline {run.pipeline}",
        },
        "generator": {"id": addresses.base, "type": "Software", "name": f"Lectotype {run.code_version}"},
        "rights": CC0,
        "wasGeneratedBy": addresses.run(run.key),
    }
    return said if finding.confidence is None else {**said, "confidence": exact(finding.confidence)}


def _proposal(document: Mapping[str, Any], finding: Finding, number: int, source: StatementSource) -> dict[str, Any]:
    """The finding as a proposal for the record of the specimen (`annotations/proposed/form.py`), with the details beside it."""
    term, verbatim = str(finding.data["term"]), str(finding.data["verbatim"])
    proposed = form.Proposed(source.media.specimen_key, term, finding.text, verbatim)
    read_from, creator = document["target"], document["creator"]
    asked = form.document(proposed, read_from, next(iter(finding.rests_on), ""), creator, source.addresses)
    return {**document, **asked, "body": [asked["body"], _assertion(finding, number, source)]}


def nothing_found(step: str, why: str) -> Finding:
    """That a step looked and found nothing is a statement too."""
    return Finding(kind=step, text=why, motivations=FOUND_NOTHING)


def gave_up(step: str, deadline_s: float) -> Finding:
    """What a step says whose time was over: not that nothing is there."""
    why = f"The step {step} gave up: it had not ended after {deadline_s:g} s, so nothing is known of what it looks for."
    return Finding(kind=step, text=why, motivations=GAVE_UP)


def finding_of(annotation: Annotation, region: Region | None, iri: str = "") -> Finding:
    """What later steps are told of an annotation and its region, the same whether its step ran just now or before a restart."""
    quantity = _first(annotation.document, "quantity")
    stated = quantity.get("standardUncertainty") if isinstance(quantity, Mapping) else None
    details = _first(annotation.document, "details")
    return Finding(
        kind=annotation.kind,
        text=annotation.text,
        region=region,
        value=annotation.value,
        unit="" if annotation.value is None else annotation.unit,
        uncertainty=None if stated is None or annotation.value is None else float(stated),
        confidence=annotation.confidence,
        motivations=annotation.motivations,
        data=details if isinstance(details, Mapping) else {},
        iri=iri,
    )


def _first(document: Mapping[str, Any], name: str) -> Any:
    """That member of the first body that has it; None where none does."""
    bodies = (body for body in several(document.get("body")) if isinstance(body, Mapping))
    return next((body[name] for body in bodies if name in body), None)


def decimal(value: float, digits: int) -> str:
    """xsd:decimal with that many significant digits, never with an exponent."""
    return np.format_float_positional(value, precision=digits, unique=False, fractional=False, trim="-")


def _target(finding: Finding, source: StatementSource) -> Any:
    media = source.media
    canvas = source.addresses.canvas(media.specimen_key, media.key)
    region = None if finding.region is None else within(finding.region, media.width_px, media.height_px)
    if region is None:
        return canvas
    selectors = _selectors(region, source)
    x0, y0, x1, y1 = _whole_pixels(region.box, media)
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


def _selectors(region: Region, source: StatementSource) -> list[dict[str, Any]]:
    """The region exactly; of a mask its box, and an outline that says by how much it may miss it and names the file."""
    if region.mask is None:
        return stored_selectors(region)
    named = masks.reference(region.mask, source.masks[region.mask], region.tolerance, source.addresses)
    return stored_selectors(simplified(region), named)


def _bodies(finding: Finding, number: int, source: StatementSource) -> Any:
    is_text = "supplementing" in finding.motivations
    body: dict[str, Any] = {"type": "TextualBody", "value": finding.text, "format": "text/plain"}
    if is_text:
        body["textGranularity"] = str(finding.data.get("granularity", "block"))
        body |= {"language": finding.data["language"]} if "language" in finding.data else {}
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
        value = exact(finding.value)
        quantity = {"type": "qudt:QuantityValue", "numericValue": value, "hasUnit": UNITS.get(finding.unit, "unit:UNITLESS")}
        assertion |= {"dwc:assertionValue": value, "dwc:assertionUnit": finding.unit}
        if finding.uncertainty is not None:
            quantity["standardUncertainty"] = exact(finding.uncertainty)
            assertion["dwc:assertionError"] = f"{quantity['standardUncertainty']} (standard uncertainty)"
        assertion["quantity"] = quantity
    scale = source.rests_on if "mm" in finding.unit and finding.kind != "ruler" else ""
    outline = source.outline if finding.kind in OF_OUTLINE else ""
    if bases := [iri for iri in (scale, outline, *finding.rests_on) if iri]:
        assertion["wasDerivedFrom"] = bases if len(bases) > 1 else bases[0]
    if finding.data:
        assertion["details"] = finding.data
    return assertion


def _whole_pixels(box: CanvasBox, media: Media) -> tuple[int, int, int, int]:
    """The box as whole pixels inside the image, at least one wide and high."""
    x0 = min(max(int(np.floor(box.x0)), 0), media.width_px - 1)
    y0 = min(max(int(np.floor(box.y0)), 0), media.height_px - 1)
    return x0, y0, min(max(int(np.ceil(box.x1)), x0 + 1), media.width_px), min(max(int(np.ceil(box.y1)), y0 + 1), media.height_px)
