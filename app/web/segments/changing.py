"""What people change of a segment on its page: its class, a cut into parts, a merger, its end. Each is a form that works without
script; `/api/segments` does the same for programs. What is refused stands above the forms, which keep what was written."""

import re
from collections.abc import Callable, Sequence
from urllib.parse import quote

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from annotations.model import Canvas
from annotations.segment_api import cutting, editing
from annotations.segment_api.cutting import SIDES, Side
from annotations.segment_api.editing import Editor, Shape
from annotations.segments import service
from annotations.segments.errors import BadSegment
from app.runtime import context, principal
from app.runtime.errors import Conflict, Invalid, StaleVersion
from app.runtime.principal import Action
from app.web.account.forms import field, local, to
from app.web.segments import segment_page

blueprint = Blueprint("segment_changing", __name__)
CUTS = re.compile(r"\s*\d{1,7}(?:\s*[,;\s]\s*\d{1,7}){0,48}\s*", re.ASCII)
NUMBER = re.compile(r"[1-9]\d{0,8}", re.ASCII)
MOST_CHOSEN = editing.MOST_MERGED - 1


@blueprint.post("/segments/<segment:key>/change")
def change(key: str) -> Response:
    """Another class: 303 to the page, or to `next`."""

    def work(session: Session, who: Editor) -> list[str]:
        return [editing.change(session, key, Shape(field("class", 32), None), who, _tag()).key]

    return _done(key, "judge", work)


@blueprint.post("/segments/<segment:key>/split")
def split(key: str) -> Response:
    """Cut it along straight lines, `at` pixels from a side: 303 to the page of what was cut, which names its parts."""

    def work(session: Session, who: Editor) -> list[str]:
        segment, media = service.get(session, key, by=who.by)
        pieces = cutting.parts(segment, Canvas(media.width_px, media.height_px), _side(), _cuts())
        shapes = [Shape(field("class", 32), selector) for selector in pieces]
        editing.split(session, key, shapes, who, _tag())
        return [key]

    return _done(key, "judge", work)


@blueprint.post("/segments/<segment:key>/merge")
def merge(key: str) -> Response:
    """Merge it with those that are chosen (`with`), each with the ETag that was seen: 303 to the page of the new one."""

    def work(session: Session, who: Editor) -> list[str]:
        chosen = [one[:64] for one in request.form.getlist("with")]
        if not 1 <= len(chosen) <= MOST_CHOSEN:
            raise BadSegment(f"Choose from 1 to {MOST_CHOSEN} segments that it is merged with.", parameter="with")
        tags = {key: _tag()} | {one: frozenset([field(f"etag-{one}", 64)]) for one in chosen if one != key}
        return [editing.merge(session, tags, Shape(field("class", 32), None), who).key]

    return _done(key, "judge", work)


@blueprint.post("/segments/<segment:key>/delete")
def delete(key: str) -> Response:
    """Say that there is no such segment: 303 to its page, which says so, or to `next`."""

    def work(session: Session, who: Editor) -> list[str]:
        editing.delete(session, key, who, _tag())
        return [key]

    return _done(key, "curate", work)


@blueprint.post("/segments/<segment:key>/restore")
def restore(key: str) -> Response:
    """Let `version` stand again, by a new one, also of a segment that has ended: 303 to the page."""
    by, runtime, number = principal.of_page_writer(), context.current(), field("version", 9)
    try:
        with runtime.db.begin() as session:
            who, wanted = Editor(by, runtime.addresses, runtime.clock()), int(number) if NUMBER.fullmatch(number) else 0
            editing.require_to_restore(session, key, who)
            editing.restore(session, key, wanted, who, _tag())
    except (Invalid, Conflict, StaleVersion) as error:
        return segment_page.answer(key, by, error)
    return to(f"/segments/{quote(key)}")


def _done(key: str, action: Action, work: Callable[[Session, Editor], Sequence[str]]) -> Response:
    """`action` is what it takes where another made the segment; `work` gives the keys of what to look at. Where it is refused
    the page says why, and keeps what was written."""
    by, runtime = principal.of_page_writer(), context.current()
    try:
        with runtime.db.begin() as session:
            who = Editor(by, runtime.addresses, runtime.clock())
            editing.editable(session, key, who, action)
            shown = work(session, who)
    except (Invalid, Conflict, StaleVersion) as error:
        return segment_page.answer(key, by, error)
    following = local(field("next", 2100))
    return to(following if following != "/" else f"/segments/{quote(shown[0])}")


def _tag() -> frozenset[str]:
    """The ETag that was seen. Raises Invalid without one."""
    seen = field("etag", 64)
    if not seen:
        raise Invalid("What you saw of the segment is missing: open its page again.", parameter="etag")
    return frozenset([seen])


def _side() -> Side:
    said = field("side", 8)
    for known in SIDES:
        if known == said:
            return known
    raise BadSegment(f"side is one of {', '.join(SIDES)}.", parameter="side")


def _cuts() -> list[int]:
    text = field("at", 400)
    if CUTS.fullmatch(text) is None:
        raise BadSegment("Say where to cut, in whole pixels: 120, or 120, 340 for two cuts.", parameter="at")
    return [int(number) for number in re.findall(r"\d+", text)]
