"""Segments are drawn here: a new one on an image, or one that there is, which keeps its key. The form works without script; with
one the editor of statements takes its place (frontend/src/draw) and asks `/api/segments`."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations.model import Canvas
from annotations.segment_api import editing
from annotations.segment_api.editing import Editor, Shape
from annotations.segments import service
from annotations.segments.model import Segment
from annotations.selectors import read
from app.problems import status_of
from app.runtime import context, principal
from app.runtime.errors import Conflict, DomainError, Gone, Invalid, StaleVersion
from app.runtime.principal import Principal
from app.web.account.forms import field, to
from app.web.drawing import statement_form
from app.web.drawing.statement_form import Drawn, Said
from app.web.drawing.views import Place, drawing_page, place_of
from ontology.segment_classes import CLASSES

blueprint = Blueprint("segment_drawing", __name__)


@blueprint.get("/specimens/<key>/segments/<media_key>")
def draw(key: str, media_key: str) -> Response:
    """Draw a segment of the image, or redraw the one that `segment` names."""
    by = principal.of_page()
    with context.current().reads.begin() as session:
        place = place_of(session, key, media_key, by)
        segment = _segment(session, place, by, request.args.get("segment", "")[:64])
        etag = service.etag_of(session, segment.key) if segment else ""
    drawn = _drawn(segment, place.canvas) if segment else Drawn()
    return _page(place, by, segment, etag, drawn, segment.class_name if segment else "")


@blueprint.post("/specimens/<key>/segments/<media_key>")
def keep(key: str, media_key: str) -> Response:
    """What the form without script says: 303 to the page of the segment."""
    by, runtime = principal.of_page_writer(), context.current()
    asked = request.form.get("annotation", "")[:64]
    with runtime.reads.begin() as session:
        place = place_of(session, key, media_key, by)
        segment = _standing(session, place, by, asked)
        etag = service.etag_of(session, segment.key) if segment else ""
    try:
        if asked and segment is None:
            raise Gone("This segment has ended. What you drew is kept below: kept again, it is a new segment.")
        drawn = statement_form.drawn_in(request.form)
        kept = _store(place, by, segment, drawn)
    except (Invalid, Conflict, StaleVersion, Gone) as error:
        typed = Drawn(**{name: request.form.get(name, "") for name in Drawn.__slots__})
        return _page(place, by, segment, etag, typed, request.form.get("label", "")[:32], error)
    return to(f"/segments/{kept}")


def _segment(session: Session, place: Place, by: Principal, key: str) -> Segment | None:
    """Raises as `service.get` does, and Invalid for one of another image."""
    if not key:
        return None
    found, media = service.get(session, key, by=by)
    if media.key != place.media.key:
        raise Invalid("This segment is not of this image.", parameter="segment")
    return found


def _standing(session: Session, place: Place, by: Principal, key: str) -> Segment | None:
    """The same, None also for one that has ended meanwhile."""
    try:
        return _segment(session, place, by, key)
    except Gone:
        return None


def _drawn(segment: Segment, canvas: Canvas) -> Drawn:
    return statement_form.drawn_of(read(list(segment.selector), canvas))


def _store(place: Place, by: Principal, segment: Segment | None, drawn: Drawn) -> str:
    """The key of the segment that is kept."""
    runtime, name = context.current(), field("label", 32)
    shape, who = Shape(name, statement_form.selector_of(drawn)), Editor(by, runtime.addresses, runtime.clock())
    with runtime.db.begin() as session:
        if segment is None:
            return editing.add(session, place.media.key, shape, who).key
        if drawn == _drawn(segment, place.canvas):
            shape = Shape(name, None)
        return editing.change(session, segment.key, shape, who, frozenset([field("etag", 64)])).key


def _page(
    place: Place, by: Principal, segment: Segment | None, etag: str, drawn: Drawn, name: str, error: DomainError | None = None
) -> Response:
    stands: Any = {"key": segment.key, "version": segment.version, "etag": etag} if segment else None
    return drawing_page(
        "segment_draw.html",
        place,
        by,
        status=status_of(error) if error else 200,
        wrong=error.sentence if error else "",
        heading="Redraw a segment" if segment else "Draw a segment",
        back=f"/segments/{segment.key}" if segment else "",
        following="",
        mine=True,
        stands=stands,
        of_segments=True,
        whose="This segment keeps its name: what you keep is its next version." if segment else "A new segment.",
        said=Said(label=name),
        drawn=drawn,
        classes={one.name: one.label for one in CLASSES.values()},
    )
