"""Statements on a resized picture: regions by the sizes that were really made, widths and heights apart."""

from dataclasses import replace

from annotations.exchange.model import Keypoint, Statement
from annotations.model import Canvas
from annotations.region_frames import Frame

PER_PX = ("px/mm",)  # units that count pixels of the picture; lengths in mm stay


def resized(width: int, height: int, max_side: int) -> tuple[int, int]:
    """The size of a picture whose longer side is `max_side`; the same where it is no longer than that."""
    longest = max(width, height)
    if longest <= max_side:
        return width, height
    return max(1, round(width * max_side / longest)), max(1, round(height * max_side / longest))


def scaled_statement(one: Statement, canvas: Canvas, picture: Canvas) -> Statement:
    """The statement in pixels of the picture; a mask becomes its rings, scaled, as labels are never interpolated."""
    if canvas == picture:
        return one
    frame = Frame.resized(canvas.width, canvas.height, picture.width, picture.height)
    region = None if one.region is None else frame.over(one.region)
    points = tuple(
        Keypoint(point.name, *frame.point_over((point.x, point.y)), point.visibility) if point.visibility else point
        for point in one.keypoints
    )
    value = one.value
    if value is not None and one.unit in PER_PX:
        value = value * picture.width / canvas.width
    return replace(one, region=region, keypoints=points, value=value)
