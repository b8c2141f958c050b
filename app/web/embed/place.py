"""Which canvas an embedded viewer opens, from the words of its address. Everything is seen as the public sees it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy.orm import Session

from annotations.model import Layer
from annotations.segments import service as segments
from annotations.segments.model import Segment
from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, NotFound
from app.runtime.principal import NOBODY
from app.web.embed.words import LANGUAGES
from app.web.image_links import is_pictured
from iiif.catalogue import places, records
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import Closed
from iiif.catalogue.model import Specimen
from iiif.image.identifier import Identifier
from iiif.presentation import content_state, manifest
from iiif.presentation.canvases import canvas_views
from iiif.presentation.content_state import ContentState
from iiif.presentation.errors import NoManifest
from iiif.presentation.model import CanvasView
from ontology.segment_classes import CLASSES

LAYERS: tuple[Layer, ...] = ("people", "machine")
OURS_ALONE = "This hub shows its own specimens alone, and their segments: that address is none of theirs."


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an address asks for, not looked up yet: `key` is that of a specimen or a segment, `canvas` a canvas's address or the
    key of its image, `box` is x, y, width and height in canvas units, `layers` are those whose annotations are shown."""

    key: str
    canvas: str = ""
    box: tuple[float, float, float, float] | None = None
    layers: tuple[Layer, ...] = LAYERS
    language: str = "en"


@dataclass(frozen=True, slots=True)
class Opened:
    """The specimen, its canvases that the public sees, which of them is open, and the day of this version of the record. Of a
    segment it is the home specimen of its image, and the one canvas is the segment's own."""

    specimen: Specimen
    views: Sequence[CanvasView]
    number: int
    day: date
    segment: Segment | None = None

    @property
    def key(self) -> str:
        return self.segment.key if self.segment else self.specimen.key

    @property
    def title(self) -> str:
        """`Label on Quercus robur L. · BR 0001`; of a specimen its name, or number."""
        specimen = self.specimen
        if self.segment is not None:
            return f"{CLASSES[self.segment.class_name].label} on {manifest.title(specimen)}"
        return specimen.scientific_name or specimen.catalog_number or specimen.key

    @property
    def view(self) -> CanvasView:
        return self.views[self.number]


def of_key(key: str, asked: Mapping[str, str]) -> Wanted:
    """Raises Invalid for a word that cannot be understood."""
    return Wanted(
        key,
        canvas=asked.get("canvas", "")[:1_000],
        box=_box(asked.get("xywh", "")),
        layers=_layers(asked.get("annotations", "")),
        language=language_of(asked),
    )


def of_state(text: str, asked: Mapping[str, str], addresses: Addresses) -> Wanted:
    """The place of a content state; what stands beside it in the address goes before it. Raises BadContentState, NotFound."""
    state = content_state.decode(text)
    key, canvas = identify(state, addresses)
    given = {"canvas": canvas, "xywh": state.xywh} | {name: value for name, value in asked.items() if value}
    return of_key(key, given)


def identify(state: ContentState, addresses: Addresses) -> tuple[str, str]:
    """The key of the specimen or segment and the canvas that a content state names, empty for none. Raises NotFound where it is
    not ours."""
    iri = state.canvas or state.manifest
    named = addresses.identify(iri)
    if named is not None and named.kind == "specimen":
        return named.key, ""
    if named is not None and named.segment_key:
        return named.segment_key, ""
    if named is not None and named.kind in ("canvas", "segment") and named.specimen_key:
        return named.specimen_key, named.key
    raise NotFound(OURS_ALONE)


def open_place(session: Session, wanted: Wanted, addresses: Addresses) -> Opened:
    """Raises UnknownSpecimen, UnknownSegment, EndedSegment, NoManifest, NotFound for a canvas that is not there, and Closed where
    none is public."""
    if wanted.key.startswith(ids.REGION):
        return _open_segment(session, wanted, addresses)
    specimen = places.as_seen(catalogue.get_specimen(session, wanted.key), NOBODY)
    media = catalogue.media_of(session, specimen.key)
    public = [one for one in media if is_pictured(one)]
    if not public:
        if any(one.access == "closed" for one in media):
            raise Closed("The images of this specimen are not public.")
        raise NoManifest("This specimen has no image that can be shown yet.")
    views = canvas_views(session, specimen.key, public, NOBODY)
    number = _number(wanted, views, [one.key for one in media if one.access == "closed"], addresses)
    return Opened(specimen, views, number, records.day_of(session, specimen))


def _open_segment(session: Session, wanted: Wanted, addresses: Addresses) -> Opened:
    """Its own canvas, the only one. Another that is asked for is told as not there."""
    segment, media = segments.get(session, wanted.key, by=NOBODY)
    if not is_pictured(media):
        raise NoManifest(f"Segment {segment.key!r} cannot be shown: its image is {media.state}.")
    if wanted.canvas and wanted.canvas not in (addresses.segment_canvas(segment.key), segment.key):
        raise NotFound(f"This segment has no canvas {wanted.canvas[:80]!r}: its one canvas has its own name.")
    specimen = places.as_seen(catalogue.get_specimen(session, media.specimen_key), NOBODY)
    return Opened(specimen, [CanvasView(media, segment.box)], 0, records.day_of(session, specimen), segment)


def _number(wanted: Wanted, views: Sequence[CanvasView], closed: Sequence[str], addresses: Addresses) -> int:
    """Which of the canvases; without a word the first, which is the specimen's own part of the picture."""
    if not wanted.canvas:
        return 0
    named = addresses.identify(wanted.canvas)
    name = named.key if named is not None and named.kind in ("canvas", "segment") else wanted.canvas
    for number, view in enumerate(views):
        if name == name_of(view):
            return number
    if name.partition(":")[0] in closed:
        raise Closed("This image is not public.")
    raise NotFound(f"This specimen has no canvas {wanted.canvas[:80]!r} that can be shown.")


def name_of(view: CanvasView) -> str:
    """The last part of the canvas's address: `m1…`, or `m1…:x,y,w,h`."""
    return f"{view.media.key}{Identifier(view.media.key, view.segment).suffix}"


def size_of(view: CanvasView) -> tuple[int, int]:
    """Width and height of the canvas, in pixels of the upright image."""
    box = view.segment
    return (view.media.width_px, view.media.height_px) if box is None else (box.width, box.height)


def language_of(asked: Mapping[str, str]) -> str:
    """The first part of a BCP 47 tag (`de-AT`); English where the hub has no words in that language."""
    language = asked.get("lang", "").strip().lower().replace("_", "-").partition("-")[0]
    return language if language in LANGUAGES else "en"


def _box(text: str) -> tuple[float, float, float, float] | None:
    if not text:
        return None
    number = r"\d{1,9}(?:\.\d{1,6})?"
    match = re.fullmatch(rf"(?:pixel:)?({number}),({number}),({number}),({number})", text, re.ASCII)
    if match is None or not (float(match[3]) and float(match[4])):
        raise Invalid("xywh is x,y,width,height in units of the canvas, such as 100,200,300,400.", parameter="xywh")
    return float(match[1]), float(match[2]), float(match[3]), float(match[4])


def _layers(text: str) -> tuple[Layer, ...]:
    if not text:
        return LAYERS
    words = [word.strip() for word in text.split(",")]
    if words == ["none"]:
        return ()
    if not set(words) <= set(LAYERS):
        raise Invalid(f"annotations is none, or some of {', '.join(LAYERS)} with commas between.", parameter="annotations")
    return tuple(layer for layer in LAYERS if layer in words)
