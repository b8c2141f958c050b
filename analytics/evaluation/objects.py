"""Objects whose place is known, set against those that steps state: which are the same, how many were missed or made up.

Two are the same if they are of one kind and overlap by LEAST_OVERLAP (intersection over union); the surest statement chooses
first, as COCO's own evaluation has it (Lin et al. 2014). Of outlines the pixels are compared, of all else the boxes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from analytics.evaluation.measures import overlap
from analytics.evaluation.outcomes import Outcome
from analytics.steps.model import Finding
from annotations.model import CanvasBox
from annotations.regions import Region

LEAST_OVERLAP = 0.5
LONG_SIDE_PX = 1000  # at which outlines are compared
OUTLINE = "outline"
Pixels = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class KnownObject:
    """Something that is there: `name` as the truth calls it, `kind` as steps call what they find; empty where none states it."""

    name: str
    kind: str
    region: Region


def outcomes(
    known: Sequence[KnownObject], stated: Sequence[Finding], size: tuple[int, int], made: "partial[Outcome]", prefix: str
) -> Iterator[Outcome]:
    """`{prefix} found` for each known object and `{prefix} stated` for each statement of a kind that is among them.

    `size` is the image's (width, height); `made` fills in the image. Names of one kind are one class: nothing tells the
    statements about it apart.
    """
    for name, of_name in _classes(known).items():
        kind = of_name[0].kind
        found = sorted((one for one in stated if one.kind == kind and one.region is not None), key=_sureness)
        pairs = matched(of_name, found, size)
        for number, one in enumerate(of_name):
            note, box = f"{one.name}: not found", _xyxy(one.region.box)
            yield made(f"{prefix} found", f"{made.keywords['image']}#{name}{number}", value=float(number in pairs.values()),
                       kind=name, note=note, box=box)  # fmt: skip
        for number, finding in enumerate(found):
            note = f"{finding.kind} stated where no {name} is: {' '.join(finding.text.split())[:60]}"
            yield made(f"{prefix} stated", f"{made.keywords['image']}#{name}:{number}", value=float(number in pairs), kind=name,
                       confidence=1.0 if finding.confidence is None else finding.confidence, note=note,
                       box=_xyxy(finding.box))  # fmt: skip


def _classes(known: Sequence[KnownObject]) -> dict[str, list[KnownObject]]:
    """By kind where a step states it, called by all the names that it goes by; else by name."""
    groups: dict[str, list[KnownObject]] = {}
    for one in known:
        groups.setdefault(one.kind or f"?{one.name}", []).append(one)
    return {", ".join(dict.fromkeys(one.name for one in several)): several for several in groups.values()}


def _sureness(finding: Finding) -> float:
    return -(1.0 if finding.confidence is None else finding.confidence)


def matched(known: Sequence[KnownObject], found: Sequence[Finding], size: tuple[int, int]) -> dict[int, int]:
    """Of each statement that is the same as a known object, its number; statements are in the order in which they choose."""
    free, pairs = set(range(len(known))), dict[int, int]()
    like = _likeness(known, found, size)
    for number in range(len(found)):
        best = max(free, key=lambda other: like(other, number), default=None)
        if best is not None and like(best, number) >= LEAST_OVERLAP:
            pairs[number] = best
            free.discard(best)
    return pairs


def _likeness(known: Sequence[KnownObject], found: Sequence[Finding], size: tuple[int, int]) -> Callable[[int, int], float]:
    """How far a known object and a statement overlap, by their numbers."""
    if known and known[0].kind == OUTLINE:
        ours = [pixels(one.region, size) for one in known]
        theirs = [pixels(one.region, size) for one in found if one.region is not None]
        everywhere = np.ones(ours[0].shape, bool)
        table = np.array([[overlap(one, other, everywhere) for other in theirs] for one in ours]).reshape(len(ours), -1)
    else:
        boxes = [one.box for one in found if one.box is not None]
        table = np.array([[box_overlap(one.region.box, box) for box in boxes] for one in known]).reshape(len(known), -1)
    return lambda one, other: float(table[one, other])


def box_overlap(one: CanvasBox, other: CanvasBox) -> float:
    """Intersection over union."""
    width, height = min(one.x1, other.x1) - max(one.x0, other.x0), min(one.y1, other.y1) - max(one.y0, other.y0)
    shared = max(0.0, width) * max(0.0, height)
    union = (one.x1 - one.x0) * (one.y1 - one.y0) + (other.x1 - other.x0) * (other.y1 - other.y0) - shared
    return shared / union if union > 0 else 0.0


def pixels(region: Region, size: tuple[int, int]) -> Pixels:
    """The region of an image of that (width, height), on a copy of LONG_SIDE_PX: bool (H, W)."""
    scale = min(1.0, LONG_SIDE_PX / max(size))
    width, height = (max(1, round(side * scale)) for side in size)
    if region.mask is not None:
        whole = region.mask.on_canvas(*size)
        rows, columns = (
            (2 * np.arange(count) + 1) * side // (2 * count) for count, side in ((height, size[1]), (width, size[0]))
        )
        return np.asarray(whole[rows][:, columns])
    drawn = np.zeros((height, width), np.uint8)
    rings = [np.round(np.array(ring) * scale).astype(np.int32) for ring in region.outlines()]
    cv2.fillPoly(drawn, rings, 1)
    return drawn > 0


def _xyxy(box: CanvasBox | None) -> tuple[float, float, float, float] | None:
    return None if box is None else (box.x0, box.y0, box.x1, box.y1)
