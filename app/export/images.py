"""The pictures of one image: whatever its level 0 info.json promises, each a file at its canonical address.

Tiles, and what else is stored, are copied as they lie; the larger sizes of the whole image are rendered.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from app.export.folder import Folder
from app.runtime.http import encode
from iiif.catalogue import rights
from iiif.catalogue.model import Media
from iiif.image import info
from iiif.image.masters.pyramid_writer import STRIP_PX
from iiif.image.pyramid.format import Pyramid
from iiif.image.rendering import pictures
from iiif.image.request import Geometry, PixelBox, Rotation, SizeLimits, other_side
from iiif.image.serving import embedded_metadata

THUMBNAIL_PX = 400
UPRIGHT = Rotation.parse("0")
FOR_A_SERVER = ("preferredFormats", "extraFormats", "extraQualities", "extraFeatures", "maxWidth", "maxHeight", "maxArea")


@dataclass(frozen=True, slots=True)
class ExportedPicture:
    """A file that info.json promises: `name` is what follows the image's address; pixels of the upright image."""

    name: str
    region: PixelBox
    width: int
    height: int

    @property
    def is_whole(self) -> bool:
        return self.name.startswith("full/")


def information(
    base: str, media: Media, manifest: str, services: Sequence[Mapping[str, Any]], limits: SizeLimits
) -> dict[str, Any]:
    """info.json at level 0. Where the limits allow no picture of full size, the largest of `sizes` is what `max` gives."""
    shown = info.build(
        3,
        base=base,
        width=media.width_px,
        height=media.height_px,
        limits=limits,
        rights=rights.iri_of(media.rights),
        services=[dict(service) for service in services],
        part_of=[{"id": manifest, "type": "Manifest"}],
    )
    document = {name: value for name, value in shown.items() if name not in FOR_A_SERVER} | {"profile": "level0"}
    largest = document["sizes"][-1]
    if (largest["width"], largest["height"]) != (media.width_px, media.height_px):
        document |= {"maxWidth": largest["width"], "maxHeight": largest["height"]}
    return document


def promised(document: Mapping[str, Any]) -> Iterator[ExportedPicture]:
    """Everything that a viewer may ask for that goes by the document (Image API 3.0, sections 4.7 and 5.4)."""
    width, height = document["width"], document["height"]
    whole = PixelBox(0, 0, width, height)
    sizes = [(size["width"], size["height"]) for size in document["sizes"]]
    for size in sizes:
        yield ExportedPicture(f"full/{size[0]},{size[1]}/0/default.jpg", whole, *size)
    yield ExportedPicture("full/max/0/default.jpg", whole, *sizes[-1])
    if width > STRIP_PX:  # what Universal Viewer asks for in its strip of thumbnails, promised or not
        yield ExportedPicture(f"full/{STRIP_PX},/0/default.jpg", whole, STRIP_PX, other_side(width, height, STRIP_PX))
    for tiles in document["tiles"]:
        for scale in tiles["scaleFactors"]:
            yield from _tiles(whole, tiles["width"] * scale, scale)


def of_segment(segment: PixelBox, limits: SizeLimits) -> tuple[ExportedPicture, ExportedPicture]:
    """Two pictures of a segment, as large as the limits allow and small; folders with a service of its own it has none."""
    width, height = segment.width, segment.height
    if max(width, height) > limits.max_width_px or width * height > limits.max_area_px:
        width, height = limits.largest(width, height)
    small = min(1.0, THUMBNAIL_PX / max(width, height))
    sizes = ((width, height), (max(1, round(width * small)), max(1, round(height * small))))
    box = f"{segment.x},{segment.y},{segment.width},{segment.height}"
    large, thumbnail = (ExportedPicture(f"{box}/{size[0]},{size[1]}/0/default.jpg", segment, *size) for size in sizes)
    return large, thumbnail


def write_segment(folder: Folder, address: str, segment: PixelBox, limits: SizeLimits, pyramid: Pyramid) -> None:
    """The pictures of a segment, in the folder of the image of that address."""
    for picture in of_segment(segment, limits):
        if not folder.has(f"{address}/{picture.name}"):
            folder.write(f"{address}/{picture.name}", body_of(picture, pyramid, b""))


def _tiles(whole: PixelBox, span: int, scale: int) -> Iterator[ExportedPicture]:
    """Those of one level; a level of a single tile is one of the sizes."""
    if max(whole.width, whole.height) <= span:
        return
    for y in range(0, whole.height, span):
        for x in range(0, whole.width, span):
            box = PixelBox(x, y, min(span, whole.width - x), min(span, whole.height - y))
            width, height = -(-box.width // scale), -(-box.height // scale)
            yield ExportedPicture(f"{x},{y},{box.width},{box.height}/{width},{height}/0/default.jpg", box, width, height)


def write(folder: Folder, document: Mapping[str, Any], media: Media, pyramid: Pyramid, packet: bytes) -> None:
    """All files of an image, info.json last, so that an image that can be found is whole. OSError if one cannot be written."""
    address = document["id"]
    digest = sha256(encode([media.pyramid_sha256, packet.decode(), document["sizes"], document["tiles"]])).hexdigest()
    folder.begin_image(media.key, address, digest)
    for picture in promised(document):
        place = f"{address}/{picture.name}"
        if not folder.has(place):
            folder.write(place, body_of(picture, pyramid, packet))
    folder.write_json(f"{address}/info.json", document)


def body_of(picture: ExportedPicture, pyramid: Pyramid, packet: bytes) -> bytes:
    """The stored picture, or else a rendered picture; those of the whole image carry the packet, as the server's do."""
    box = picture.region
    stored = pyramid.stored_at(box.x, box.y, box.width, box.height, picture.width, picture.height)
    if stored is not None:
        body = pyramid.read(stored)
    else:
        size = (picture.width, picture.height)
        geometry = Geometry(pyramid.width_px, pyramid.height_px, box, *size, UPRIGHT, "default", "jpg")
        body = pictures.made(pyramid, geometry)
    return embedded_metadata.embed(body, "jpg", packet) if picture.is_whole else body
