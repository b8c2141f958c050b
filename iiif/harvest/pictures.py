"""Where the file of a picture is to be had, the best there is: the original of another Lectotype, the whole of an image service,
or the plain file."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from iiif.harvest.errors import CannotFetch, NotReadable
from iiif.harvest.fetching import Fetcher
from iiif.harvest.model import RemoteImage
from iiif.harvest.reading import several

LEVEL_0 = re.compile(r"level0(?:\.json)?$")
ORIGINAL_LOST = "The original was not given out ({}), so the picture of the image service was taken in."
SMALLER = "The image service gives pictures of up to {} pixels out, where the image has {} × {}; that is what was taken in."


@dataclass(frozen=True, slots=True)
class Place:
    """Where a picture is fetched, and what is lost by fetching it there. `sha256` is what the source says of its bytes."""

    url: str
    losses: tuple[str, ...] = ()
    sha256: str = ""


def originals(record: Any) -> Mapping[str, Place]:
    """The original files that the record of another Lectotype names, by canvas."""
    media = several(record.get("media")) if isinstance(record, Mapping) else ()
    found = {}
    for one in media:
        links = one.get("links") if isinstance(one, Mapping) else None
        if isinstance(links, Mapping) and isinstance(links.get("self"), str) and isinstance(one.get("sha256"), str):
            found[str(links.get("canvas", ""))] = Place(f"{links['self']}/file", sha256=one["sha256"])
    return found


def place_of(image: RemoteImage, fetcher: Fetcher) -> Place:
    """The address of all of the picture, as large as it is given out."""
    if not image.service:
        return Place(image.url)
    try:
        fetched = fetcher.document(f"{image.service}/info.json")
    except (CannotFetch, NotReadable) as error:
        if image.url and (image.region, image.rotation) == ("full", "0"):
            return Place(
                image.url, (f"Its image service does not answer ({error.sentence}); the picture of the manifest was taken in.",)
            )
        raise
    info = fetched.document if fetched and isinstance(fetched.document, Mapping) else {}
    whole = (image.region, image.rotation) == ("full", "0")
    if _is_level_0(info):
        return Place(_largest(image, info) if whole else image.url)
    size = "max" if image.version == 3 else "full"
    quality = "native" if image.version == 1 else "default"
    url = f"{image.service}/{image.region}/{size}/{image.rotation}/{quality}.jpg"
    return Place(url, _smaller(info))


def _is_level_0(info: Mapping[str, Any]) -> bool:
    return any(isinstance(one, str) and LEVEL_0.search(one) for one in several(info.get("profile"))[:1])


def _largest(image: RemoteImage, info: Mapping[str, Any]) -> str:
    """A static service has only the pictures that it lists (Image API 3.0, 5.3): the largest of them, else the manifest's."""
    sizes = [one for one in several(info.get("sizes")) if isinstance(one, Mapping) and isinstance(one.get("width"), int)]
    if not sizes:
        return image.url or f"{image.service}/full/{'max' if image.version == 3 else 'full'}/0/default.jpg"
    best = max(sizes, key=lambda one: int(one["width"]))
    size = f"{best['width']},{best.get('height', '')}" if image.version == 3 else f"{best['width']},"
    return f"{image.service}/full/{size}/0/default.jpg"


def _smaller(info: Mapping[str, Any]) -> tuple[str, ...]:
    width, height = info.get("width"), info.get("height")
    limits = info
    for one in several(info.get("profile")):  # Image API 2 has its limits among the profile
        if isinstance(one, Mapping):
            limits = {**limits, **one}
    if not isinstance(width, int) or not isinstance(height, int):
        return ()
    widest, tallest, area = (limits.get(name) for name in ("maxWidth", "maxHeight", "maxArea"))
    if isinstance(area, int) and width * height > area:
        return (SMALLER.format(f"{area:,}", width, height),)
    if isinstance(widest, int) and (width > widest or height > (tallest if isinstance(tallest, int) else widest)):
        return (SMALLER.format(f"{widest:,} × {tallest if isinstance(tallest, int) else widest:,}", width, height),)
    return ()
