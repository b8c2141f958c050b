"""A statement about a canvas of another server as one about ours: other address, and perhaps other units."""

import re
from collections.abc import Mapping
from typing import Any

from annotations.errors import MalformedAnnotation

NUMBER = r"(\d{1,15}(?:\.\d{0,15})?|\.\d{1,15})"
XYWH = re.compile(rf"(xywh=)(pixel:|percent:)?{NUMBER},{NUMBER},{NUMBER},{NUMBER}(?![\d.])", re.ASCII)
SVG = re.compile(r"(<svg\b[^>]*>)(.*)(</svg>)", re.DOTALL)
Scale = tuple[float, float]
SAME: Scale = (1.0, 1.0)


def moved(target: Any, canvas: str, ours: str, scale: Scale) -> Any:
    """The target with `ours` in the place of the canvas, and lengths in our units (`scale`: ours by theirs, x and y).

    Raises MalformedAnnotation for a shape whose units cannot be changed.
    """
    if isinstance(target, str):
        return _address(target, canvas, ours, scale)
    if isinstance(target, list):
        return [moved(one, canvas, ours, scale) for one in target]
    if not isinstance(target, Mapping):
        return target
    kept = {name: value for name, value in target.items() if name not in ("partOf", "within")}
    for name in ("id", "@id", "source", "full"):
        if name in kept:
            kept[name] = moved(kept[name], canvas, ours, scale)
    if "selector" in kept and scale != SAME:
        kept["selector"] = _selector(kept["selector"], scale)
    return kept


def _address(iri: str, canvas: str, ours: str, scale: Scale) -> str:
    bare, sharp, fragment = iri.partition("#")
    if bare != canvas:
        return iri
    return f"{ours}{sharp}{_scaled(fragment, scale)}"


def _scaled(text: str, scale: Scale) -> str:
    def numbers(match: re.Match[str]) -> str:
        if match[2] == "percent:" or scale == SAME:
            return match[0]
        sides = (float(match[3]) * scale[0], float(match[4]) * scale[1], float(match[5]) * scale[0], float(match[6]) * scale[1])
        return match[1] + (match[2] or "") + ",".join(f"{side:.6f}".rstrip("0").rstrip(".") for side in sides)

    return XYWH.sub(numbers, text)


def _selector(selector: Any, scale: Scale) -> Any:
    if isinstance(selector, list):
        return [_selector(one, scale) for one in selector]
    if not isinstance(selector, Mapping):
        return selector
    kind, kept = selector.get("type", selector.get("@type", "")), dict(selector)
    for name in ("default", "item", "items", "refinedBy"):
        if name in kept:
            kept[name] = _selector(kept[name], scale)
    for name in ("value", "chars"):
        if isinstance(kept.get(name), str):
            kept[name] = _svg(kept[name], scale) if "svg" in str(kind).lower() else _scaled(kept[name], scale)
    for name, factor in zip(("x", "y"), scale, strict=True):
        if isinstance(kept.get(name), int | float):
            kept[name] = kept[name] * factor
    return kept


def _svg(text: str, scale: Scale) -> str:
    match = SVG.search(text)
    if match is None or "viewBox" in match[1]:
        raise MalformedAnnotation("Its shape has a viewBox of its own, or no svg element, and our canvas another size.")
    return f'{match[1]}<g transform="scale({scale[0]!r} {scale[1]!r})">{match[2]}</g>{match[3]}'
