"""Where a segment is cut into parts: along straight lines across its box, each part with what of its shape lies there."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from annotations.model import Canvas
from annotations.region_frames import Frame
from annotations.region_outlines import within
from annotations.regions import Region
from annotations.segments.errors import BadSegment
from annotations.segments.model import Segment
from annotations.selectors import read, stored_selectors

Side = Literal["left", "top"]
SIDES: tuple[Side, ...] = ("left", "top")


def parts(segment: Segment, image: Canvas, side: Side, at: Sequence[int]) -> list[list[dict[str, Any]]]:
    """The selectors of the parts, in canvas units of the image. `at` are whole pixels from that side of the segment's box, in any
    order; cuts from the left part it into pieces side by side. Raises BadSegment where a cut is not in it, or a part is empty."""
    box = segment.box
    length = box.width if side == "left" else box.height
    for cut in at:
        if not 0 < cut < length:
            raise BadSegment(f"A cut lies between 1 and {length - 1} pixels from the {side}; {cut} does not.", parameter="at")
    edges = [0, *sorted(set(at)), length]
    whole = read(list(segment.selector), image) or Region(segment.area)
    found = []
    for start, end in pairwise(edges):
        across = (box.x + start, box.y, end - start, box.height)
        down = (box.x, box.y + start, box.width, end - start)
        x, y, width, height = across if side == "left" else down
        frame = Frame.segment(x, y, width, height)
        piece = within(frame.over(whole), width, height)
        if piece is None or not piece.has_area:
            raise BadSegment(f"Nothing of the segment lies between {start} and {end} pixels from the {side}.", parameter="at")
        found.append(stored_selectors(frame.back(piece)))
    return found
