"""How near a box is to the region for which it stands."""

from annotations import region_masks
from annotations.model import CanvasBox
from annotations.regions import Region


def iou_of_box(region: Region, box: CanvasBox) -> float:
    """IoU of the region and a box around it, from 0 to 1: its own area, holes taken off, over that of the box."""
    if region.mask is not None:
        area = float(region.mask.count())
    else:
        area = abs(sum(region_masks.signed_area(ring) for ring in region.outlines()))
    around = (box.x1 - box.x0) * (box.y1 - box.y0)
    return min(1.0, area / around) if around > 0 else 0.0
