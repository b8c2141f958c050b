"""The segments of a specimen's images as a table of contents: a Range each, nested where one lies in another (Presentation 3.0,
section 5.4). Each names its place on the image's canvas; viewers turn to that canvas.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from annotations.segments.model import Segment
from annotations.selectors import MEDIA_FRAGMENTS
from app.runtime.addresses import Addresses
from ontology.segment_classes import CLASSES

MOST = 1_000  # segments that one manifest names
WITHIN = 0.95  # of its box's area, from which on a segment lies in another


def structures(manifest: str, segments: Sequence[Segment], canvases: Mapping[str, str], addresses: Addresses) -> dict[str, Any]:
    """The Range of all of them. `canvases` are the addresses of the canvases by image, in the order of the manifest, `manifest`
    that of the manifest, below which the addresses of its ranges are."""
    place = {key: number for number, key in enumerate(canvases)}
    in_order = sorted(segments, key=lambda one: (place[one.media_key], one.box.y, one.box.x, one.key))
    shown = in_order[:MOST]
    around = parents(shown)
    made = [
        _range(manifest, one, name, canvases[one.media_key], addresses) for one, name in zip(shown, names(shown), strict=True)
    ]
    top: list[dict[str, Any]] = []
    for number, one in enumerate(made):
        (top if around[number] < 0 else made[around[number]]["items"]).append(one)
    label = "Segments" if len(shown) == len(in_order) else f"Segments (the first {MOST:,})"
    return {"id": f"{manifest}#segments", "type": "Range", "label": {"en": [label]}, "items": top}


def parents(segments: Sequence[Segment]) -> list[int]:
    """For each the number of the smallest one of the same image that it lies in, -1 for none."""
    if not segments:
        return []
    boxes = np.array([(one.box.x, one.box.y, one.box.x + one.box.width, one.box.y + one.box.height) for one in segments], float)
    x0, y0, x1, y1 = boxes.T
    area = (x1 - x0) * (y1 - y0)
    images = {key: number for number, key in enumerate(dict.fromkeys(one.media_key for one in segments))}
    image = np.array([images[one.media_key] for one in segments])
    found = []
    for number in range(len(segments)):
        across = np.minimum(x1, x1[number]) - np.maximum(x0, x0[number])
        down = np.minimum(y1, y1[number]) - np.maximum(y0, y0[number])
        shared = np.maximum(across, 0) * np.maximum(down, 0)
        holds = (shared >= WITHIN * area[number]) & (image == image[number]) & (area > area[number])
        found.append(int(np.flatnonzero(holds)[np.argmin(area[holds])]) if holds.any() else -1)
    return found


def names(segments: Sequence[Segment]) -> list[str]:
    """`Label`, or `Label 1` where there are several of the class."""
    totals: dict[str, int] = {}
    for one in segments:
        totals[one.class_name] = totals.get(one.class_name, 0) + 1
    counted, found = dict.fromkeys(totals, 0), []
    for one in segments:
        counted[one.class_name] += 1
        label = CLASSES[one.class_name].label
        found.append(f"{label} {counted[one.class_name]}" if totals[one.class_name] > 1 else label)
    return found


def _range(manifest: str, segment: Segment, name: str, canvas: str, addresses: Addresses) -> dict[str, Any]:
    box, known = segment.box, CLASSES[segment.class_name]
    where = f"xywh={box.x},{box.y},{box.width},{box.height}"
    selector = {"type": "FragmentSelector", "conformsTo": MEDIA_FRAGMENTS, "value": where}
    return {
        "id": f"{manifest}#{segment.key}",
        "type": "Range",
        "label": {"en": [name]},
        "metadata": [{"label": {"en": ["Class"]}, "value": {"en": [known.label]}}],
        "seeAlso": [
            {
                "id": addresses.manifest(segment.key),
                "type": "Manifest",
                "label": {"en": ["Manifest of the segment"]},
                "format": "application/ld+json",
            }
        ],
        "items": [
            {"type": "SpecificResource", "source": {"id": canvas, "type": "Canvas"}, "selector": selector},
            {"id": canvas, "type": "Canvas"},  # Mirador and Universal Viewer read no SpecificResource here, and turn to this
        ],
    }
