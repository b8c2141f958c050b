"""The place on a sheet that an address names: `canvas` and `xywh`, or a content state; and links that lead there."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from app.runtime.addresses import Addresses
from app.web.sharing import Links
from iiif.catalogue.model import Specimen
from iiif.presentation import content_state
from iiif.presentation.content_state import BadContentState, ContentState
from iiif.presentation.manifest import canvas_address
from iiif.presentation.model import CanvasView

XYWH = re.compile(r"\d{1,9}(?:\.\d{1,6})?(?:,\d{1,9}(?:\.\d{1,6})?){3}", re.ASCII)
ELSEWHERE = "This link leads to another object than this specimen; what you see is its first image."
NO_CANVAS = "This link leads to an image that is not shown here; what you see is the first."


@dataclass(frozen=True, slots=True)
class Place:
    """The IRI of a canvas and a box on it as `x0,y0,x1,y1` in canvas units, each empty where none is asked for. `specimen_key` is
    another specimen that the content state is about, `segment_key` a segment; `trouble` says what could not be followed."""

    canvas: str = ""
    box: str = ""
    specimen_key: str = ""
    trouble: str = ""
    segment_key: str = ""


def asked(arguments: Mapping[str, str], specimen: Specimen, views: Sequence[CanvasView], addresses: Addresses) -> Place:
    """What the query of the page asks for. Nothing in it is an error: the page is shown all the same, and says what is wrong."""
    canvas, xywh = arguments.get("canvas", "")[:500], arguments.get("xywh", "")[:100]
    if text := arguments.get("iiif-content", ""):
        try:
            state = content_state.decode(text)
        except BadContentState as error:
            return Place(trouble=error.sentence)
        state = _named(state, addresses)
        about = addresses.identify(state.manifest or state.canvas)
        if about is not None and about.segment_key:
            return Place(segment_key=about.segment_key)
        about = about if state.manifest else None
        if state.manifest and (about is None or about.kind != "specimen"):
            return Place(trouble=ELSEWHERE)
        if about is not None and about.key != specimen.key:
            return Place(specimen_key=about.key)
        canvas, xywh = state.canvas or canvas, state.xywh or xywh
    return _place(canvas, xywh, specimen, views, addresses)


def _named(state: ContentState, addresses: Addresses) -> ContentState:
    """A plain address may be that of a canvas."""
    named = addresses.identify(state.manifest) if not state.canvas else None
    if named is not None and named.kind in ("canvas", "segment") and named.specimen_key:
        return ContentState(addresses.manifest(named.specimen_key), state.manifest, state.xywh)
    return state


def _place(canvas: str, xywh: str, specimen: Specimen, views: Sequence[CanvasView], addresses: Addresses) -> Place:
    if not canvas and not xywh:
        return Place()
    known = {canvas_address(specimen, view, addresses): view for view in views}
    of_media = {view.media.key: iri for iri, view in known.items() if view.segment is None}
    iri = of_media.get(canvas, canvas) if canvas else next(iter(known), "")
    view = known.get(iri)
    if view is None:
        return Place(trouble=NO_CANVAS)
    if not XYWH.fullmatch(xywh):
        return Place(canvas=iri)
    x, y, width, height = map(float, xywh.split(","))
    across, down = (view.segment.width, view.segment.height) if view.segment else (view.media.width_px, view.media.height_px)
    if x >= across or y >= down or not width or not height:
        return Place(canvas=iri)
    corners = (x, y, min(float(across), x + width), min(float(down), y + height))
    return Place(canvas=iri, box=",".join(f"{corner:g}" for corner in corners))


def links(specimen: Specimen, place: Place, query: str, addresses: Addresses) -> Links:
    """For the view that is open: `query` is that of the layers."""
    page, manifest = addresses.specimen_page(specimen.key), addresses.manifest(specimen.key)
    xywh = _xywh(place.box)
    looked_at = [(name, value) for name, value in (("canvas", place.canvas), ("xywh", xywh)) if value]
    whole = "&".join(part for part in (urlencode(looked_at, safe=":/,"), query) if part)
    state = content_state.encode(ContentState(manifest, place.canvas, xywh))
    dropped = {"manifest": manifest, **({"canvas": place.canvas} if place.canvas else {}), "iiif-content": state}
    return Links(f"{page}?{whole}" if whole else page, f"{page}?{urlencode(dropped, safe=':/,')}", state)


def _xywh(box: str) -> str:
    if not box:
        return ""
    x0, y0, x1, y1 = map(float, box.split(","))
    return ",".join(f"{side:g}" for side in (x0, y0, x1 - x0, y1 - y0))
