"""Segments over HTTP: `/api/segments`."""

import re
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from werkzeug.routing import BaseConverter

from annotations.segments import service
from annotations.segments.errors import EndedSegment
from annotations.segments.model import STATES, State
from annotations.segments.store import Asked
from app.runtime import context, ids, principal
from app.runtime.errors import Invalid
from app.runtime.http import answer, encode, integer
from ontology.segment_classes import CLASSES

blueprint = Blueprint("segments", __name__)
MAX_LIMIT = 500
CURSOR = re.compile(rf"(?:\d{{1,18}}-)?{ids.KEY_PATTERN}", re.ASCII)


class SegmentKey(BaseConverter):
    """The key of a segment in an address; it goes before other keys."""

    regex = rf"(?={ids.REGION}){ids.KEY_PATTERN}"
    weight = 50


@blueprint.get("/api/segments")
def list_segments() -> Response:
    """A page of segments; `class`, `media`, `specimen`, `run`, `state`, `minArea` and `maxArea` narrow it, `after` goes on.

    Without a state these are the segments that there are. With a bound of the area, in pixels, they are in its order.
    """
    asked, after, limit = _asked(), _after(), integer("limit", 50, 1, MAX_LIMIT)
    runtime, by = context.current(), principal.of_request()
    with runtime.reads.begin() as session:
        found = service.page(session, asked, by=by, after=after, limit=limit)
        lying = service.specimens_of(session, found.segments)
        media = service.images_of(session, found.segments)
    items = [service.to_json(one, media[one.media_key], lying[one.key], runtime.addresses) for one in found.segments]
    query = {**{name: value for name, value in request.args.items() if name != "after"}, "after": found.following}
    following = f"{runtime.addresses.base}/api/segments?{urlencode(query)}" if found.following else None
    return answer({"total": found.total, "items": items, "next": following}, by=by)


@blueprint.get("/api/segments/<segment:key>")
def read_segment(key: str) -> Response:
    """One segment, the statements behind it and its versions; 410 with the same for one that has ended."""
    runtime, by = context.current(), principal.of_request()
    with runtime.reads.begin() as session:
        segment, media = service.find(session, key, by=by)
        lying = service.specimens_of(session, [segment])
        body = service.to_json(segment, media, lying[key], runtime.addresses)
        body |= service.history(session, key, runtime.addresses)
        etag = service.etag_of(session, key)
    if segment.is_live:
        return answer(body, by=by, etag=etag)
    return _gone(service.ended(segment), body, etag)


def _gone(error: EndedSegment, body: dict[str, Any], etag: str = "") -> Response:
    shown = {"type": "about:blank", "title": "EndedSegment", "status": 410, "detail": error.sentence}
    shown |= service.gone(error, context.current().addresses)
    shown |= {name: value for name, value in body.items() if name not in shown}
    response = Response(encode(shown), 410, content_type="application/problem+json")
    if etag:
        response.set_etag(etag)
    response.vary.add("Accept")
    return response


def _asked() -> Asked:
    """Raises Invalid."""
    class_name, wanted = request.args.get("class", ""), request.args.get("state", "")
    if class_name and class_name not in CLASSES:
        raise Invalid(f"class is one of {', '.join(CLASSES)}.", parameter="class")
    state: State | None = next((known for known in STATES if known == wanted), None)
    if wanted and state is None:
        raise Invalid(f"state is one of {', '.join(STATES)}.", parameter="state")
    media, specimen, run = (request.args.get(name, "")[:64] for name in ("media", "specimen", "run"))
    areas = [integer(name, -1, -1, 2**62) if request.args.get(name) else -1 for name in ("minArea", "maxArea")]
    least, most = (None if area < 0 else area for area in areas)
    return Asked(class_name, media, specimen, run, state, least, most)


def _after() -> str:
    after = request.args.get("after", "")
    if after and CURSOR.fullmatch(after) is None:
        raise Invalid("after is the cursor that a page before gave as `next`.", parameter="after")
    return after
