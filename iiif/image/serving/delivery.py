"""Which picture a request gets: a stored one, one that was made before, or a new one, made in its turn."""

import hashlib
from dataclasses import dataclass
from typing import Literal, NamedTuple

from iiif.image.errors import BadParameter
from iiif.image.pyramid.format import Stored
from iiif.image.rendering import pictures, render
from iiif.image.request import Geometry
from iiif.image.serving import embedded_metadata
from iiif.image.serving.open_images import OpenImages, Served

COST = {"jpg": 1, "png": 3, "webp": 3, "tif": 7, "gif": 15, "avif": 4}  # of a pixel beside one of a jpg, measured at 3 Mpx
READ_COST = 0.25  # of a pixel that is read, beside one of a jpg
SEND_PX = 4_000_000  # pictures of more pixels are sent at a bounded rate
LARGE_PX = 6_000_000  # from this cost on a picture is made alone
MOST_PX = {"webp": 22_000_000, "gif": 10_000_000, "avif": 5_000_000}  # their encoders hold all: 5, 13 and 28 bytes a pixel
PictureSource = Literal["stored", "memory", "disk", "made"]


class SentPicture(NamedTuple):
    """An encoded picture and where it comes from."""

    body: bytes
    source: PictureSource


@dataclass(frozen=True, slots=True)
class Order:
    """A picture of a served image, told by a geometry of the full image: `stored` as it is sent, or else kept as `key`."""

    geometry: Geometry
    stored: Stored | None
    key: str

    @property
    def pixels(self) -> int:
        """Of the picture as it is sent: turned, with its corners."""
        width, height = self.geometry.rotation.turned(self.geometry.width, self.geometry.height)
        return width * height


def order(served: Served, geometry: Geometry) -> Order:
    """Raises BadParameter where its format does not hold so large a picture."""
    stored = stored_of(served, geometry)
    order = Order(geometry, stored, key_of(served, geometry) if stored is None else "")
    most = MOST_PX.get(geometry.format)
    if most is not None and order.pixels > most:
        why = f"is given out with at most {most} pixels; this picture would have {order.pixels}"
        raise BadParameter("format", geometry.format, why)
    return order


def at_hand(images: OpenImages, served: Served, order: Order) -> SentPicture | None:
    """The picture if nothing has to be made: a stored one, or one made before. Raises Busy for a large one."""
    if order.stored is None:
        if order.pixels > SEND_PX:
            images.outflow.check()
        kept = images.cache.get(order.key)
        return None if kept is None else SentPicture(*kept)
    body, geometry = served.pyramid.read(order.stored), order.geometry
    if (geometry.region.width, geometry.region.height) == (geometry.image_width, geometry.image_height):
        body = embedded_metadata.embed(body, "jpg", served.packet)
    return SentPicture(body, "stored")


def sent(images: OpenImages, order: Order, count: int) -> None:
    """Count so many bytes of a picture that leave, be it kept or new."""
    if order.pixels > SEND_PX:
        images.outflow.spend(count)


def made(images: OpenImages, served: Served, order: Order) -> SentPicture:
    """The picture, made in its turn and kept. Raises Busy."""
    geometry = order.geometry

    def make() -> bytes:
        body = embedded_metadata.embed(_render(images, served, geometry), geometry.format, served.packet)
        images.cache.put(order.key, body)
        return body

    lane = images.large_lane if _cost(served, order) > LARGE_PX else images.lane
    return SentPicture(lane.make(order.key, make), "made")


def _cost(served: Served, order: Order) -> float:
    """Of making the picture, in pixels of a jpg; what a frame is made of is read once and kept."""
    out = order.pixels * COST.get(order.geometry.format, 1)
    return out if served.frame else max(out, render.pixels_read(served.pyramid, order.geometry) * READ_COST)


def key_of(served: Served, geometry: Geometry) -> str:
    """What the picture is kept under: all that its bytes depend on, the renderer too, but not who asks."""
    box = geometry.region
    region_size = f"{box.x},{box.y},{box.width},{box.height}/{geometry.width},{geometry.height}/{geometry.rotation}"
    quality = "default" if geometry.quality == "color" else geometry.quality
    picture = f"{render.RENDER_VERSION}/{served.digest}/{region_size}/{quality}.{geometry.format}"
    return hashlib.sha256(picture.encode()).hexdigest()[:40]


def _render(images: OpenImages, served: Served, geometry: Geometry) -> bytes:
    if served.frame is None:
        return pictures.made(served.pyramid, geometry)
    box, width, height = geometry.region, geometry.width, geometry.height
    pixels = images.frames.scaled(served.media.pyramid_sha256, served.pyramid, served.frame, box, width, height)
    return render.finish(pixels, geometry)


def stored_of(served: Served, geometry: Geometry) -> Stored | None:
    """What is stored of just this picture, if it may be given out."""
    plain = geometry.format == "jpg" and geometry.quality in ("default", "color")
    if not plain or geometry.rotation.mirror or geometry.rotation.degrees:
        return None
    box = geometry.region
    stored = served.pyramid.stored_at(box.x, box.y, box.width, box.height, geometry.width, geometry.height)
    if stored is not None and served.frame is not None and not served.frame.holds_level(stored.level):
        return None
    return stored
