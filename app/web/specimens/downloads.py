"""What can be taken along of a specimen: its images in what sizes are given out, its record and its regions as tables."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

from annotations.model import Annotation
from app.runtime import clock
from app.runtime.addresses import Addresses
from app.runtime.spreadsheets import harmless_line
from app.web import statement_words
from app.web.image_links import is_pictured
from iiif.catalogue.model import Media, Specimen
from iiif.image import info
from iiif.image.request import SizeLimits

SMALLER_PX = 2000
UNITS = ("bytes", "kB", "MB", "GB")
REGION_COLUMNS = (
    "annotation", "isROIOf", "kind", "x", "y", "width", "height", "xFrac", "yFrac", "widthFrac", "heightFrac",
    "value", "unit", "text", "state", "by", "modified",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Take:
    """An image and the sizes that it can be had in, each an address on this server and what it is; `file` is the address of the
    file as it came and `about` what that is, `kept` why it is not given out, where it is not."""

    key: str
    file_name: str
    sizes: tuple[tuple[str, str], ...]
    file: str
    about: str
    kept: str


def images(media: Sequence[Media], limits: SizeLimits, kept: Mapping[str, str]) -> list[Take]:
    """Those that are pictured, largest size first. Of a reduced image the largest is what the public gets. `kept` says
    by image why its file is not given out to who looks."""
    return [_take(one, limits, kept.get(one.key, "")) for one in media if is_pictured(one)]


def _take(image: Media, limits: SizeLimits, kept: str) -> Take:
    service = f"/iiif/3/{image.key}/full"
    whole = (image.width_px, image.height_px)
    if image.access == "reduced":
        return Take(
            image.key, image.file_name, ((f"{service}/max/0/default.jpg", "as large as it is public, JPEG"),), "", "", kept
        )
    largest = whole if limits.allow(*whole) else limits.largest(*whole)
    found = [(f"{service}/max/0/default.jpg", f"{_size(largest)} px, JPEG")]
    smaller = next((size for size in reversed(info.sizes(*whole)) if max(size) <= SMALLER_PX and limits.allow(*size)), None)
    if smaller is not None and smaller != whole:
        found.append((f"{service}/{smaller[0]},{smaller[1]}/0/default.jpg", f"{_size(smaller)} px, JPEG"))
    file = "" if kept else f"/api/media/{image.key}/file"
    return Take(image.key, image.file_name, tuple(found), file, f"{_bytes(image.byte_size)}, {image.format}", kept)


def _size(size_px: tuple[int, int]) -> str:
    return f"{size_px[0]:,} × {size_px[1]:,}"


def _bytes(count: int) -> str:
    size, unit = float(count), 0
    while size >= 1000 and unit < len(UNITS) - 1:
        size, unit = size / 1000, unit + 1
    return f"{size:.3g} {UNITS[unit]}"


def record_csv(specimen: Specimen, addresses: Addresses) -> str:
    """The record as one row under the names of its Darwin Core terms; `specimen` as who asks sees it."""
    row = {"id": addresses.pid(specimen.key), **{term: value for term, value in specimen.interpreted.items() if value}}
    return _table(list(row), [list(row.values())])


def regions_csv(found: Sequence[Annotation], media: Mapping[str, Media], people: Mapping[str, str], addresses: Addresses) -> str:
    """A row for each statement that points at a part of an image: its box in pixels of the upright image and as Audiovisual Core
    has it (term list, section 7.12; six decimals give back every pixel)."""
    rows = [_region(one, media[one.media_key], people, addresses) for one in found if one.box and one.media_key in media]
    return _table(REGION_COLUMNS, rows)


def _region(one: Annotation, image: Media, people: Mapping[str, str], addresses: Addresses) -> list[str]:
    box = one.box
    if box is None or not image.width_px or not image.height_px:
        raise ValueError("a region without a box, or on an image without a size")
    pixels = [f"{number:.3f}".rstrip("0").rstrip(".") for number in (box.x0, box.y0, box.x1 - box.x0, box.y1 - box.y0)]
    x0, y0 = round(box.x0 / image.width_px, 6), round(box.y0 / image.height_px, 6)
    x1, y1 = round(box.x1 / image.width_px, 6), round(box.y1 / image.height_px, 6)
    fractions = [f"{number:.6f}" for number in (x0, y0, x1 - x0, y1 - y0)]
    value = "" if one.value is None else f"{one.value:.10g}"
    said = (value, one.unit if value else "", one.text, one.state, statement_words.author(one, people))
    named = (addresses.annotation(one.key), addresses.pid(image.key), one.kind)
    return [*named, *pixels, *fractions, *said, clock.iso(one.modified_at)]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """As spreadsheets read it: UTF-8 with a mark, and no cell that they take for a formula."""
    return "\ufeff" + "".join(map(harmless_line, chain([columns], rows)))
