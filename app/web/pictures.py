"""Small pictures of specimens: the address of a scaled image and the size it comes in."""

from dataclasses import dataclass

from iiif.catalogue.model import Media


@dataclass(frozen=True, slots=True)
class Picture:
    """`src` is on this server; `width` and `height` are what the server answers with, so that nothing jumps on loading."""

    src: str
    full: str
    width: int
    height: int
    alt: str


def picture_of(image: Media, within_px: tuple[int, int]) -> Picture:
    """The image scaled into a box, never enlarged (Image API 3.0, section 4.2: `!w,h`)."""
    scale = min(within_px[0] / image.width_px, within_px[1] / image.height_px, 1)
    width, height = (max(1, round(side * scale)) for side in (image.width_px, image.height_px))
    service = f"/iiif/3/{image.key}"
    return Picture(
        src=f"{service}/full/{width},{height}/0/default.jpg",
        full=f"{service}/full/max/0/default.jpg",
        width=width,
        height=height,
        alt=f"Photograph {image.file_name}",
    )
