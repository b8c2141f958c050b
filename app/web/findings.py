"""What was found on a specimen, as people read it: grouped, with units, uncertainty and the piece of image it was found in."""

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from annotations.model import Annotation, Box
from iiif.addresses import Addresses
from iiif.catalogue.model import Media

GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Scale", ("ruler",)),
    ("Measurements", ("length", "width", "area", "outline")),
    ("Codes", ("barcode",)),
    ("Labels", ("text", "label")),
    ("Image quality", ("quality",)),
)
PEOPLE = "Said by people"
REST = "Other"
CROP_PX = (560, 200)


@dataclass(frozen=True, slots=True)
class Finding:
    """One annotation. `value` is rounded to what its uncertainty carries; `crop` is the address of its piece of image."""

    key: str
    iri: str
    kind: str
    says: str
    value: str
    uncertainty: str
    unit: str
    confidence: str
    nothing: bool
    agrees: bool | None
    crop: str
    canvas: str
    run_key: str
    by: str


@dataclass(frozen=True, slots=True)
class Group:
    title: str
    findings: tuple[Finding, ...]


def groups(found: Sequence[Annotation], media: Sequence[Media], catalog_number: str, addresses: Addresses) -> tuple[Group, ...]:
    """The findings in the order in which a curator asks: scale, sizes, codes, labels, quality, and what people said."""
    kinds = {kind: title for title, group in GROUPS for kind in group}
    ready = {image.key for image in media if image.state == "ready"}
    sorted_out: dict[str, list[Finding]] = {title: [] for title in (*[title for title, _ in GROUPS], REST, PEOPLE)}
    for annotation in found:
        title = PEOPLE if annotation.layer == "people" else kinds.get(annotation.kind, REST)
        sorted_out[title].append(_finding(annotation, catalog_number, addresses, annotation.media_key in ready))
    return tuple(Group(title, tuple(sorted(some, key=lambda one: one.nothing))) for title, some in sorted_out.items() if some)


def _finding(annotation: Annotation, catalog_number: str, addresses: Addresses, has_image: bool) -> Finding:
    value, uncertainty = rounded(annotation.value, uncertainty_of(annotation.document))
    nothing = annotation.kind != "quality" and annotation.motivations == ("assessing",)
    return Finding(
        key=annotation.key,
        iri=addresses.annotation(annotation.key),
        kind=annotation.kind,
        says=annotation.text,
        value=value,
        uncertainty=uncertainty,
        unit=annotation.unit,
        confidence="" if annotation.confidence is None else f"{annotation.confidence:.0%}",
        nothing=nothing,
        agrees=_agrees(annotation.text, catalog_number) if annotation.kind == "barcode" and not nothing else None,
        crop=_crop(annotation.media_key, annotation.box) if has_image and annotation.box and not nothing else "",
        canvas=addresses.canvas(annotation.specimen_key, annotation.media_key),
        run_key=annotation.run_key,
        by=_creator(annotation.document),
    )


def uncertainty_of(document: Mapping[str, Any]) -> float | None:
    """The standard uncertainty that a body's `quantity` states, in the unit of its value."""
    for body in _bodies(document):
        quantity = body.get("quantity")
        stated = quantity.get("standardUncertainty") if isinstance(quantity, Mapping) else body.get("dwc:assertionError")
        number = re.match(r"\d+(?:\.\d+)?(?:[eE][+-]?\d+)?", str(stated or ""))
        if number:
            return float(number[0])
    return None


def rounded(value: float | None, uncertainty: float | None) -> tuple[str, str]:
    """Value and uncertainty to the two figures that the uncertainty carries (GUM, 7.2.6); without one, four figures."""
    if value is None or not math.isfinite(value):
        return "", ""
    if uncertainty is None or not math.isfinite(uncertainty) or uncertainty <= 0:
        return f"{value:.4g}", ""
    places = max(0, 1 - math.floor(math.log10(uncertainty)))
    return f"{value:.{places}f}", f"{uncertainty:.{places}f}"


def _bodies(document: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    body = document.get("body")
    yield from (one for one in (body if isinstance(body, list) else [body]) if isinstance(one, Mapping))


def _creator(document: Mapping[str, Any]) -> str:
    creator = document.get("creator")
    return str(creator.get("name", "")) if isinstance(creator, Mapping) else ""


def _agrees(text: str, catalog_number: str) -> bool:
    return bool(catalog_number) and _letters(catalog_number) in _letters(text)


def _letters(text: str) -> str:
    return re.sub(r"[^0-9a-z]", "", text.lower())


def _crop(media_key: str, box: Box) -> str:
    x, y = math.floor(box.x0), math.floor(box.y0)
    width, height = max(1, math.ceil(box.x1) - x), max(1, math.ceil(box.y1) - y)
    return f"/iiif/3/{media_key}/{x},{y},{width},{height}/!{CROP_PX[0]},{CROP_PX[1]}/0/default.jpg"
