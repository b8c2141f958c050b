"""What is said on a canvas, as the page for frames draws it and tells it: few shapes, and the same things as text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from annotations import region_text
from annotations import service as annotations
from annotations.frames import carried, shown_region
from annotations.model import Annotation, Canvas, CanvasBox, Layer
from annotations.regions import Region
from annotations.segment_api import pages
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.principal import NOBODY
from app.web import statement_words
from app.web.embed.place import Opened
from app.web.specimens.annotation_cards import rounded, said, uncertainty_of
from iiif.image.request import PixelBox
from iiif.presentation.model import CanvasView

Box = tuple[float, float, float, float]  # x, y, width, height
MOST = 500  # statements that are drawn and told
LONGEST_SAYING = 300  # characters
LONGEST_PATH = 4_000  # characters of one shape; of a longer one the box is drawn
ALL_PATHS = 150_000  # characters of all shapes together, so that the page stays small
POINT_UNITS = 6.0  # half the side of the box that stands for a point


@dataclass(frozen=True, slots=True)
class Told:
    """One statement. `path` is SVG path data in canvas units, empty where it is about the whole; `around` is x, y, width and
    height, in canvas units, of what a viewer shows of it."""

    key: str
    iri: str
    layer: str
    kind: str
    says: str
    by: str
    state: str
    path: str
    line: bool
    around: tuple[float, float, float, float] | None


@dataclass(frozen=True, slots=True)
class Sayings:
    """The first statements on a canvas that the public sees, oldest first; `total` counts all of them."""

    told: tuple[Told, ...]
    total: int


def on_canvas(session: Session, opened: Opened, layers: Sequence[Layer], addresses: Addresses) -> Sayings:
    """On the canvas of a segment those that have their centre in it."""
    if not layers:
        return Sayings((), 0)
    view = opened.view
    if opened.segment is not None:
        lying = pages.lying_in(session, opened.segment, layers, NOBODY, MOST + 1)
        return _sayings(session, lying[:MOST], len(lying), view, addresses)
    only = layers[0] if len(layers) == 1 else None
    found = annotations.of_media(session, view.media.key, only, limit=MOST + 1, by=NOBODY)
    if view.segment is not None:
        within = [one for one in found if _lies_in(one.box, view.segment)]
        total, shown = len(within), within[:MOST]
    else:
        shown = list(found[:MOST])
        total = len(found)
        if total > MOST:
            total = sum(annotations.count_of_media(session, view.media.key, layer, by=NOBODY) for layer in layers)
    return _sayings(session, shown, total, view, addresses)


def _sayings(session: Session, shown: Sequence[Annotation], total: int, view: CanvasView, addresses: Addresses) -> Sayings:
    names = people_named(session, shown, addresses)
    left = ALL_PATHS
    told = []
    for one in shown:
        path, line, around = _drawn(one, view, left)
        left -= len(path)
        told.append(_told(one, names, addresses, path, line, around))
    return Sayings(tuple(told), total)


def people_named(session: Session, statements: Iterable[Annotation], addresses: Addresses) -> Mapping[str, str]:
    """What those with an account are called now who made the statements, by their identifiers."""
    ours = addresses.pid("")
    keys = {iri.removeprefix(ours) for one in statements for iri in statement_words.creators(one) if iri.startswith(ours)}
    return {addresses.pid(key): name for key, name in accounts.names(session, keys).items()} if keys else {}


def _told(one: Annotation, names: Mapping[str, str], addresses: Addresses, path: str, line: bool, around: Box | None) -> Told:
    value, uncertainty = rounded(one.value, uncertainty_of(one.document))
    text = said(one)
    if value:
        text = f"{value}{f' ± {uncertainty}' if uncertainty else ''} {one.unit}".strip()
    short = text if len(text) <= LONGEST_SAYING else f"{text[:LONGEST_SAYING]}…"
    who = statement_words.author(one, names)
    return Told(one.key, addresses.annotation(one.key), one.layer, one.kind, short, who, one.state, path, line, around)


def _drawn(one: Annotation, view: CanvasView, left: int) -> tuple[str, bool, Box | None]:
    """Path data in units of the canvas, whether they are lines alone, and the box around it."""
    region = shown_region(one, Canvas(view.media.width_px, view.media.height_px))
    if region is None:
        return "", False, None
    dx, dy = (view.segment.x, view.segment.y) if view.segment else (0, 0)
    box = region.box
    around = (box.x0 - dx, box.y0 - dy, box.x1 - box.x0, box.y1 - box.y0)
    if dx or dy:
        region = carried(region, box, CanvasBox(box.x0 - dx, box.y0 - dy, box.x1 - dx, box.y1 - dy))
    path = _path(region)
    if len(path) > min(LONGEST_PATH, left):
        path = _box_path(region.box)
        return (path if len(path) <= left else ""), False, around
    return path, not region.rings and bool(region.lines), around


def _path(region: Region) -> str:
    if region.kind == "point" and region.point is not None:
        x, y = region.point
        return _box_path(CanvasBox(x - POINT_UNITS, y - POINT_UNITS, x + POINT_UNITS, y + POINT_UNITS))
    return region_text.path(region.outlines(), region.lines, number=lambda value: f"{value:.1f}".removesuffix(".0"))


def _box_path(box: CanvasBox) -> str:
    return f"M{box.x0:.1f},{box.y0:.1f} H{box.x1:.1f} V{box.y1:.1f} H{box.x0:.1f} Z"


def _lies_in(box: CanvasBox | None, segment: PixelBox) -> bool:
    if box is None:
        return False
    x, y = (box.x0 + box.x1) / 2 - segment.x, (box.y0 + box.y1) / 2 - segment.y
    return 0 <= x < segment.width and 0 <= y < segment.height
