"""What a segment is to the rest of the system."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, get_args

from annotations.model import Canvas, CanvasBox
from iiif.image.request import PixelBox

State = Literal["unreviewed", "accepted", "disputed", "stale", "rejected", "withdrawn", "merged", "split", "deleted"]
STATES: tuple[State, ...] = get_args(State)
LIVE: tuple[State, ...] = ("unreviewed", "accepted", "disputed", "stale")
ENDED: tuple[State, ...] = ("merged", "split", "deleted")  # by a person: no statement changes that
Part = Literal["made", "confirms", "corrects", "changes"]
SAME_IOU = 0.5  # from which on two boxes of one class are the same segment


@dataclass(frozen=True, slots=True)
class Segment:
    """One part of an image that is a thing of its own. `box` is in pixels of the upright image, which are canvas units, and is
    the canvas of the segment; `selector` is its region in canvas units of the image."""

    key: str
    version: int
    class_name: str
    media_key: str
    selector: tuple[Mapping[str, Any], ...]
    box: PixelBox
    state: State
    leader_key: str
    derived_from: tuple[str, ...]
    successors: tuple[str, ...]
    made_by: str
    created_at: datetime
    modified_at: datetime

    @property
    def is_live(self) -> bool:
        return self.state in LIVE

    @property
    def canvas(self) -> Canvas:
        """The size of its own canvas."""
        return Canvas(self.box.width, self.box.height)

    @property
    def area(self) -> CanvasBox:
        """Its box in canvas units of the image."""
        box = self.box
        return CanvasBox(box.x, box.y, box.x + box.width, box.y + box.height)


def whole_box(box: CanvasBox, width_px: int, height_px: int) -> PixelBox:
    """The whole-number box around a region, within the image and at least one pixel wide and high."""
    x, y = min(max(math.floor(box.x0), 0), width_px - 1), min(max(math.floor(box.y0), 0), height_px - 1)
    right, bottom = min(max(math.ceil(box.x1), x + 1), width_px), min(max(math.ceil(box.y1), y + 1), height_px)
    return PixelBox(x, y, right - x, bottom - y)


def overlap(one: PixelBox, other: PixelBox) -> float:
    """Intersection over union of two boxes, 0 to 1."""
    across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
    down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
    if across <= 0 or down <= 0:
        return 0.0
    shared = across * down
    return shared / (one.width * one.height + other.width * other.height - shared)
