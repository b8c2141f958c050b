"""What the page of a segment shows, and what who looks may do there."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import Response, request
from sqlalchemy.orm import Session

from annotations.model import Canvas
from annotations.region_text import path, rounded
from annotations.segment_api import editing, pages
from annotations.segments import service, store
from annotations.segments.model import Segment
from annotations.selectors import read
from app.runtime import context, ids
from app.runtime.accounts import store as accounts
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, DomainError, Invalid
from app.runtime.http import integer
from app.runtime.principal import Principal, may
from app.web import layout, sharing
from app.web.image_links import ImageLink, is_pictured, picture_of
from app.web.names import signposts
from app.web.segments import versions
from app.web.sharing import Links
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.presentation import content_state
from iiif.presentation.content_state import ContentState
from iiif.presentation.manifest import title
from ontology.segment_classes import CLASSES

PICTURE_PX, NEIGHBOUR_PX = (960, 720), (160, 100)
NEIGHBOURS = 30  # others of the image that are offered to be merged with, the nearest
MOST_POINTS = 5_000
PARTS = {
    "made": "found it",
    "confirms": "confirms it",
    "corrects": "says where it is",
    "changes": "says what and where it is",
}


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another segment of the image, with the ETag that is seen."""

    key: str
    label: str
    place: str
    etag: str
    picture: ImageLink | None


def answer(key: str, by: Principal, error: DomainError | None = None) -> Response:
    """The page of one segment; of one that has ended what is known of it, with 410; and with `error` why a change of it was
    refused. Raises UnknownSegment, Closed, NotYours."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        found, media = service.find(session, key, by=by)
        shown = values(session, found, media, by, runtime)
    status = 200 if found.is_live else 410
    if error is not None:
        status = 400 if isinstance(error, Invalid) else 409 if isinstance(error, Conflict) else 412
    sentence = error.sentence if error else ""
    typed, refused = (request.form, request.path.rpartition("/")[2]) if error else ({}, "")
    how: Any = {"here": "specimens", "status": status, "personal": bool(by.session)}
    told = signposts.of_thing(key, by) if found.is_live else None
    how |= {"schema_org": told.schema_org, "notices": told.notices} if told else {}
    response = layout.page("segment.html", by=by, **how, wrong=sentence, refused=refused, typed=typed, **shown)
    if told:
        told.put_on(response)
    if shown["sharing"]:
        response.headers.add("Link", shown["sharing"].link_header)
    return response


def values(session: Session, found: Segment, media: Media, by: Principal, runtime: Runtime) -> dict[str, Any]:
    """What the template needs."""
    addresses = runtime.addresses
    history = service.history(session, found.key, addresses)
    lying = service.specimens_of(session, [found])[found.key] or (media.specimen_key,)
    known = catalogue.specimens_by_key(session, lying)
    specimens = [{"key": key, "title": title(places.as_seen(known[key], by))} for key in lying if key in known]
    box, allowed = found.box, editing.allowed(session, found, by)
    stored, earlier = versions.page(session, found.key, integer("before", 0, 0, 2**31 - 1))
    names = _names(session, {*(str(one["by"]) for one in history["statements"]), *(one.by for one in stored)})
    home = known.get(media.specimen_key) or next(iter(known.values()), None)
    home = places.as_seen(home, by) if home else None
    return {
        "segment": found,
        "label": CLASSES[found.class_name].label,
        "term": CLASSES[found.class_name].term,
        "pid": addresses.pid(found.key),
        "specimens": specimens,
        "media": media,
        "place": f"{box.x},{box.y},{box.width},{box.height}",
        "canvas": addresses.canvas(media.specimen_key, media.key),
        "manifest": addresses.manifest(found.key),
        "record": addresses.segment_record(found.key),
        "picture": picture_of(media, PICTURE_PX, box) if is_pictured(media) else None,
        "outline": _outline(found, media),
        "said": [one for one in pages.words_of(session, found, by) if one.text != CLASSES[found.class_name].label]
        if found.is_live
        else [],
        "ended": "" if found.is_live else service.WHY[found.state],
        "statements": [{**one, "part": _part(one), "name": names[str(one["by"])]} for one in history["statements"]],
        "versions": versions.lines(stored, found, media, names, restores=allowed.restore),
        "earlier": earlier,
        "why": _why(found, history["statements"], names),
        "allowed": allowed,
        **_shared(found, media, f"{CLASSES[found.class_name].label} on {title(home)}" if home else "", runtime),
        "writes": may(by, "annotate", home),
        "etag": service.etag_of(session, found.key),
        "classes": {name: one.label for name, one in CLASSES.items()},
        "neighbours": _neighbours(session, found, media) if allowed.change else (),
    }


def _shared(found: Segment, media: Media, name: str, runtime: Runtime) -> dict[str, Any]:
    """How it is shown elsewhere; nothing where the public sees no picture of it."""
    if not found.is_live or not is_pictured(media):
        return {"sharing": None}
    addresses = runtime.addresses
    made = sharing.of_segment(found.key, name or found.key, addresses, runtime.settings)
    manifest = addresses.manifest(found.key)
    state = content_state.encode(ContentState(manifest, addresses.segment_canvas(found.key)))
    return {"sharing": made, "links": Links(addresses.segment_page(found.key), made.drag, state)}


def _part(statement: Mapping[str, Any]) -> str:
    """What the statement does for the segment; `run` is that of a machine's."""
    return "drew it" if statement["part"] == "made" and not statement["run"] else PARTS[statement["part"]]


def _why(found: Segment, said: Sequence[Mapping[str, Any]], names: Mapping[str, str]) -> str:
    """Who says that it is so, as a sentence; of what people ended or nobody judged there is none here."""
    leader = next((one for one in said if one["key"] == found.leader_key), None)
    if leader is None or not found.is_live:
        return ""
    who = names[str(leader["by"])]
    if found.state == "accepted" and leader["state"] == "unreviewed":
        return f"{who} says so, as {leader['role']}, and nobody has said otherwise."
    if found.state == "unreviewed":
        return f"{who} says so, and nobody has judged it yet."
    return f"{who} says so; that statement is {found.state}."


def _neighbours(session: Session, found: Segment, media: Media) -> Sequence[Neighbour]:
    """The nearest of the others that there are on the image."""
    middle = _middle(found)
    others = [one for one in store.on_image(session, media.key) if one.key != found.key]
    nearest = sorted(others, key=lambda one: (math.dist(middle, _middle(one)), one.key))[:NEIGHBOURS]
    tags = service.etags_of(session, [one.key for one in nearest])
    shown = is_pictured(media)
    return [
        Neighbour(
            one.key,
            CLASSES[one.class_name].label,
            f"{one.box.width} × {one.box.height} px at {one.box.x}, {one.box.y}",
            tags[one.key],
            picture_of(media, NEIGHBOUR_PX, one.box) if shown else None,
        )
        for one in nearest
        if one.key in tags
    ]


def _middle(one: Segment) -> tuple[float, float]:
    return one.box.x + one.box.width / 2, one.box.y + one.box.height / 2


def _outline(found: Segment, media: Media) -> str:
    """Its shape as path data in canvas units of the image; empty where it is the box alone, or has very many corners."""
    region = read(list(found.selector), Canvas(media.width_px, media.height_px))
    if region is None or not (region.rings or region.lines) or sum(map(len, (*region.rings, *region.lines))) > MOST_POINTS:
        return ""
    return path(region.rings, region.lines, number=rounded)


def _names(session: Session, principals: set[str]) -> dict[str, str]:
    """What who wrote is called: an account by its name, a run by its key, a client by its token."""
    people = accounts.names(session, {name for name in principals if name.startswith(ids.AGENT)})
    runs = {name: f"run {name}" for name in principals if name.startswith(ids.RUN)}
    return {name: people.get(name) or runs.get(name) or name or "somebody" for name in principals}
