"""The pictures of an export: none, the files as they came, or copies of at most so many pixels."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Literal

from sqlalchemy.orm import Session

from annotations.exchange.model import Piece
from annotations.exchange.scaling import resized
from app.runtime.context import Runtime
from app.runtime.errors import Invalid
from app.runtime.principal import Principal, may
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.image.pyramid.format import Pyramid, PyramidError
from iiif.image.rendering import pictures
from iiif.image.request import Geometry, PixelBox, Rotation, SizeLimits

PictureKind = Literal["references", "originals", "resized"]
KINDS: tuple[PictureKind, ...] = ("references", "originals", "resized")
CHUNK = 1 << 18
LEAST_SIDE, MOST_SIDE = 16, 20_000
UPRIGHT = Rotation.parse("0")
SUFFIXES = {
    "image/jpeg": "jpg",
    "image/png": "png",
    "image/tiff": "tif",
    "image/webp": "webp",
    "image/jp2": "jp2",
    "image/gif": "gif",
}


@dataclass(frozen=True, slots=True)
class Pictures:
    """Which pictures go along; `max_side` is the longer side of those that are resized, and then geometry is in their pixels."""

    kind: PictureKind = "references"
    max_side: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise Invalid(f"images is one of {', '.join(KINDS)}.", parameter="images")
        if self.kind == "resized" and not LEAST_SIDE <= self.max_side <= MOST_SIDE:
            raise Invalid(f"maxSide is a number from {LEAST_SIDE} to {MOST_SIDE:,}.", parameter="maxSide")
        if self.kind != "resized" and self.max_side:
            raise Invalid("maxSide is of resized images only.", parameter="maxSide")

    def size_of(self, media: Media) -> tuple[int, int]:
        """The size of the picture, upright."""
        if self.kind != "resized":
            return media.width_px, media.height_px
        return resized(media.width_px, media.height_px, self.max_side)

    def suffix_of(self, media: Media) -> str:
        return "jpg" if self.kind == "resized" else SUFFIXES.get(media.format, "bin")


def withheld(session: Session, media: Media, asked: Pictures, runtime: Runtime, by: Principal) -> str:
    """Why `by` does not get the picture, empty where they do: the rules of original files and of the Image API."""
    if asked.kind == "references" or may(by, "see", media):
        return ""
    settings = runtime.settings
    if media.access == "closed":
        return "the image is not public"
    if media.access == "reduced":
        return "the public sees a small picture of it only"
    if asked.kind == "originals":
        if not settings.original_files:
            return "this hub gives no originals out"
        if catalogue.withholds_place(session, media.key):
            return "its record holds the place back, and the file may tell it"
    return (
        "" if SizeLimits(settings.max_width, settings.max_area).allow(*asked.size_of(media)) else "it is larger than is given out"
    )


def pieces(runtime: Runtime, media: Media, path: str, asked: Pictures) -> Iterator[Piece]:
    """The file of the picture. FileNotFoundError where the store does not have it."""
    if asked.kind == "originals":
        with ExitStack() as opened:
            stream = opened.enter_context(runtime.blobs.open(media.sha256))
            while chunk := stream.read(CHUNK):
                yield path, chunk
    elif asked.kind == "resized":
        try:
            pyramid = Pyramid(runtime.blobs.file(media.pyramid_sha256))
        except PyramidError as error:
            raise FileNotFoundError(str(error)) from error
        size = asked.size_of(media)
        whole = PixelBox(0, 0, media.width_px, media.height_px)
        yield path, pictures.made(pyramid, Geometry(media.width_px, media.height_px, whole, *size, UPRIGHT, "default", "jpg"))
