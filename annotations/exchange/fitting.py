"""How the frame of a foreign file lies on the canvas of the image that it means."""

from fractions import Fraction

from annotations.exchange.model import ImageReference, Keypoint
from annotations.region_frames import Axis, Frame
from annotations.region_outlines import within
from annotations.regions import Region
from app.runtime.errors import Invalid
from iiif.catalogue.model import Media

DIGITS = 11
BEYOND_PX = 1.0  # that a region may reach past the edge, and is clipped


class OtherSize(Invalid):
    """The file states a size that the image has in no orientation and at no scale."""


def frame_of(reference: ImageReference, media: Media) -> tuple[Frame | None, str]:
    """The frame of the file on the canvas, None where it is the canvas; and what is to be told of it. Raises OtherSize."""
    width, height = media.width_px, media.height_px
    if reference.frame == "fractions":
        return Frame.fractions(width, height), ""
    if not reference.width or not reference.height:
        return None, ""
    if reference.frame == "page":
        return _scaled(reference, media), ""
    if (reference.width, reference.height) == (width, height):
        return None, ""
    if (reference.width, reference.height) == (height, width) and media.exif_orientation > 4:
        told = f"Coordinates in the stored frame were turned upright (EXIF orientation {media.exif_orientation})"
        return Frame.stored(width, height, media.exif_orientation), told
    shares = (reference.width / width, reference.height / height)
    if abs(reference.height - height * shares[0]) < 1 or abs(reference.width - width * shares[1]) < 1:
        return _scaled(reference, media), "Coordinates of a picture of another size were scaled to the image"
    raise OtherSize(
        f"The file says that the image is {reference.width:g} by {reference.height:g}, but it is {width} by {height} pixels."
    )


def placed(region: Region, frame: Frame | None, media: Media) -> tuple[Region, bool]:
    """The region in canvas units, and whether it was clipped. Raises OtherSize where it reaches past the edge."""
    found = in_canvas(region, frame)
    box = found.box
    beyond = max(-box.x0, -box.y0, box.x1 - media.width_px, box.y1 - media.height_px)
    if beyond <= 0:
        return found, False
    if beyond > BEYOND_PX:
        raise OtherSize(
            f"The object reaches {beyond:,.1f} pixels past the edge of the image of {media.width_px} by {media.height_px} pixels."
        )
    kept = within(found, media.width_px, media.height_px)
    if kept is None:
        raise OtherSize("The object lies outside the image.")
    return kept, True


def in_canvas(region: Region, frame: Frame | None) -> Region:
    """The region of the frame in canvas units. A box of which a file says centre and size as fractions is rounded to
    1e-11 units, for neither is a corner."""
    if frame is None:
        return region
    found = frame.back(region)
    if region.kind != "box" or max(region.box.x1, region.box.y1) > 1 + 1e-9:
        return found
    box = found.box
    return Region.of_box(*(round(side, DIGITS) for side in (box.x0, box.y0, box.x1, box.y1)))


def placed_points(points: tuple[Keypoint, ...], frame: Frame | None) -> tuple[Keypoint, ...]:
    """Keypoints in canvas units; those that are not labelled stay nowhere."""
    if frame is None:
        return points
    return tuple(
        Keypoint(point.name, *frame.point_back((point.x, point.y)), point.visibility) if point.visibility else point
        for point in points
    )


def _scaled(reference: ImageReference, media: Media) -> Frame:
    across, down = Fraction(reference.width) / media.width_px, Fraction(reference.height) / media.height_px
    return Frame(Axis(0, Fraction(0), across), Axis(1, Fraction(0), down))
