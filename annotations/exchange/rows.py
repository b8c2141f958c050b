"""The one table of statements that CSV and Parquet share: a row a statement, and a row for an image without any."""

import json
import math
from collections.abc import Mapping
from typing import Any

from annotations import region_text, selectors
from annotations.errors import AnnotationTooBig, BadSelector
from annotations.exchange.model import ExchangeImage, ImageReference, Keypoint, ReadImage, ReadObject, Statement
from annotations.model import Canvas
from annotations.region_text import exact
from annotations.regions import Region

NUMBERS = ("x0", "y0", "x1", "y1", "score", "value")
WHOLE = ("imageWidth", "imageHeight", "targets", "furtherBodies")
FLAGS = ("crowd", "oriented")
COLUMNS = (
    "image", "imageIri", "imageSha256", "imageWidth", "imageHeight", "specimen", "annotation", "class", "classIri", "shape",
    "x0", "y0", "x1", "y1", "path", "text", "language", "comment", "score", "value", "unit", "crowd", "oriented", "keypoints",
    "attributes", "layer", "state", "creator", "run", "licence", "created", "targets", "furtherBodies",
)  # fmt: skip
LONGEST_JSON = 1_000_000


def of_image(image: ExchangeImage) -> dict[str, Any]:
    return {
        "image": image.path,
        "imageIri": image.iri,
        "imageSha256": image.sha256,
        "imageWidth": image.width,
        "imageHeight": image.height,
        "specimen": image.specimen_iri,
    }


def of_statement(image: ExchangeImage, one: Statement) -> dict[str, Any]:
    """The row, with None for what it does not have."""
    region = one.region
    points = [[point.name, point.x, point.y, point.visibility] for point in one.keypoints]
    return {
        **of_image(image),
        "annotation": one.iri,
        "class": one.class_name,
        "classIri": one.class_iri,
        "shape": "" if region is None else region.kind,
        **dict(zip(("x0", "y0", "x1", "y1"), _corners(region), strict=True)),
        "path": "" if region is None else _path(region),
        "text": one.text,
        "language": one.language,
        "comment": one.comment,
        "score": one.score,
        "value": one.value,
        "unit": one.unit,
        "crowd": one.crowd,
        "oriented": one.oriented,
        "keypoints": _json(points) if points else "",
        "attributes": _json(dict(one.attributes)) if one.attributes else "",
        "layer": one.layer,
        "state": one.state,
        "creator": one.creator,
        "run": one.run,
        "licence": one.licence,
        "created": one.created,
        "targets": one.parts,
        "furtherBodies": one.bodies,
    }


def read(row: Mapping[str, Any], where: str) -> ReadObject | ReadImage:
    """ValueError with a sentence."""
    image = ImageReference(
        _text(row, "image"), _text(row, "imageIri"), _text(row, "imageSha256"),
        _number(row, "imageWidth") or 0, _number(row, "imageHeight") or 0,
    )  # fmt: skip
    if not (image.name or image.iri or image.sha256):
        raise ValueError("The row names no image.")
    if not any(row.get(name) for name in ("annotation", "class", "shape", "text", "comment", "x0")):
        return ReadImage(image, where)
    score, attributes = _number(row, "score"), _loaded(row, "attributes")
    return ReadObject(
        image=image,
        row=where,
        region=_region(row, image),
        class_name=_text(row, "class"),
        text=_text(row, "text"),
        language=_text(row, "language"),
        comment=_text(row, "comment"),
        score=score if score is not None and 0 <= score <= 1 else None,
        crowd=_flag(row, "crowd"),
        oriented=_flag(row, "oriented"),
        keypoints=_keypoints(_loaded(row, "keypoints")),
        value=_number(row, "value"),
        unit=_text(row, "unit"),
        creator=_text(row, "creator"),
        iri=_text(row, "annotation"),
        attributes=attributes if isinstance(attributes, dict) else {},
    )


def _corners(region: Region | None) -> tuple[float | None, ...]:
    if region is None:
        return (None, None, None, None)
    box = region.box
    return (box.x0, box.y0, box.x1, box.y1)


def _path(region: Region) -> str:
    """SVG path data of rings and lines; of a mask its rings along the edges of pixels, which are the same mask."""
    rings = region.outlines() if region.kind in ("rings", "mask") else ()
    return region_text.path(rings, region.lines)


def _region(row: Mapping[str, Any], image: ImageReference) -> Region | None:
    shape, path = _text(row, "shape"), _text(row, "path")
    corners = [_number(row, name) for name in ("x0", "y0", "x1", "y1")]
    if shape == "point" and corners[0] is not None and corners[1] is not None:
        return Region.of_point(corners[0], corners[1])
    if path:
        return _drawn(path, image)
    if all(corner is None for corner in corners):
        return None
    if any(corner is None for corner in corners):
        raise ValueError("A box needs x0, y0, x1 and y1.")
    x0, y0, x1, y1 = (corner or 0.0 for corner in corners)
    return Region.of_box(x0, y0, x1, y1)


def _drawn(path: str, image: ImageReference) -> Region:
    lines = "Z" not in path and "z" not in path
    more = f' fill="none" {region_text.LINE}' if lines else ' fill-rule="evenodd"'
    if '"' in path or "<" in path or "&" in path:
        raise ValueError("path must be SVG path data.")
    svg = f'<svg xmlns="http://www.w3.org/2000/svg"><path{more} d="{path}"/></svg>'
    size = Canvas(int(image.width), int(image.height)) if image.width and image.height else None
    try:
        return selectors.read_shape(svg, size)
    except (BadSelector, AnnotationTooBig) as error:
        raise ValueError(f"path: {error}") from error


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _loaded(row: Mapping[str, Any], name: str) -> Any:
    text = _text(row, name)
    if not text:
        return None
    if len(text) > LONGEST_JSON:
        raise ValueError(f"{name} is too long.")
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{name} must be JSON.") from error


def _keypoints(said: Any) -> tuple[Keypoint, ...]:
    found = []
    for one in said if isinstance(said, list) else []:
        if not (isinstance(one, list) and len(one) == 4 and isinstance(one[0], str) and one[3] in (0, 1, 2)):
            raise ValueError("keypoints is a list of [name, x, y, visibility].")
        x, y = one[1], one[2]
        if not all(isinstance(number, int | float) and abs(number) < 1e9 for number in (x, y)):
            raise ValueError("keypoints is a list of [name, x, y, visibility].")
        found.append(Keypoint(one[0], float(x), float(y), one[3]))
    return tuple(found)


def _text(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    return value if isinstance(value, str) else "" if value is None else str(value)


def _number(row: Mapping[str, Any], name: str) -> float | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} must be a number, not {str(value)[:40]!r}.") from error
    if not math.isfinite(number) or abs(number) > 1e15:
        raise ValueError(f"{name} must be a number, not {str(value)[:40]!r}.")
    return number


def _flag(row: Mapping[str, Any], name: str) -> bool:
    return str(row.get(name, "")).lower() in ("1", "true", "yes")


def plain(value: Any) -> str:
    """The cell of CSV: shortest doubles, true and false, empty for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return exact(value) if isinstance(value, float) else str(value)
