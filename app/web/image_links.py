"""Small pictures of specimens: the address of a scaled image and the size it comes in (reduced images may come smaller)."""

from dataclasses import dataclass
from typing import Literal

from iiif.catalogue.model import Media
from iiif.image.request import PixelBox


@dataclass(frozen=True, slots=True)
class ImageLink:
    """`src` is on this server; `width` and `height` are what the server answers with, so that nothing jumps on loading.

    `service` is the image service of what is shown.
    """

    src: str
    full: str
    service: str
    width: int
    height: int
    alt: str


def is_pictured(image: Media) -> bool:
    """Whether pages show pictures of it. A browser fetches them without a token, and no cookie opens what is closed."""
    return image.state == "ready" and image.access != "closed"


def picture_of(
    image: Media, within_px: tuple[int, int], segment: PixelBox | None = None, file_type: Literal["jpg", "webp"] = "jpg"
) -> ImageLink:
    """The image, or that segment of it, scaled into a box, never enlarged (Image API 3.0, section 4.2: `!w,h`).

    WebP takes three fifths of the bytes of JPEG, and more time to make.
    """
    if segment is not None:
        region = f"{segment.x},{segment.y},{segment.width},{segment.height}"
        return _picture(image, region, (segment.width, segment.height), within_px, file_type)
    return _picture(image, "full", (image.width_px, image.height_px), within_px, file_type)


def piece_of(image: Media, region: str, within_px: tuple[int, int]) -> ImageLink:
    """The same of a piece of it; `region` is `x,y,w,h` in pixels of the upright image."""
    _, _, width, height = map(int, region.split(","))
    return _picture(image, region, (width, height), within_px)


def _picture(
    image: Media, region: str, size_px: tuple[int, int], within_px: tuple[int, int], file_type: str = "jpg"
) -> ImageLink:
    scale = min(within_px[0] / size_px[0], within_px[1] / size_px[1], 1)
    width, height = (max(1, round(side * scale)) for side in size_px)
    picture = f"/iiif/3/{image.key}/{region}"
    at_most = "!" if image.access == "reduced" else ""
    return ImageLink(
        src=f"{picture}/{at_most}{width},{height}/0/default.{file_type}",
        full=f"{picture}/max/0/default.jpg",
        service=f"/iiif/3/{image.key}" + ("" if region == "full" else f":{region}"),
        width=width,
        height=height,
        alt=f"Photograph {image.file_name}",
    )
