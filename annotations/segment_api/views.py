"""Segments over HTTP: as records, and as manifests, canvases and pages for viewers."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import PreconditionRequired
from werkzeug.routing import BaseConverter

from annotations.model import Layer
from annotations.segment_api import editing, pages, presentation
from annotations.segment_api.editing import Editor, Shape
from annotations.segments import history, service
from annotations.segments.errors import BadSegment, EndedSegment, UnknownSegment
from annotations.segments.model import STATES, Segment, State
from annotations.segments.store import Asked
from app.runtime import context, ids, memento, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Forbidden, Invalid
from app.runtime.http import IIIF_PRESENTATION, JSON, answer, encode, integer
from app.runtime.memento import Stamp
from app.runtime.principal import Principal
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media, Specimen
from iiif.presentation import version2
from iiif.presentation.errors import NoManifest, UnknownCollection
from iiif.presentation.manifest import CONTEXT, Publisher
from iiif.presentation.views import VERSION_2
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
    runtime, by = context.current(), principal.of_page()
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
    """One segment, the statements behind it and its versions; 410 with the same for one that has ended. With Accept-Datetime, on
    to the version that stood then."""
    runtime, by, when, original = context.current(), principal.of_page(), memento.asked(), _original(key)
    with runtime.reads.begin() as session:
        segment, media = service.find(session, key, by=by)
        if when is not None:
            return memento.to_memento(original, history.stood_at(session, key, when), *history.edges(session, key), by=by)
        lying = service.specimens_of(session, [segment])
        body = service.to_json(segment, media, lying[key], runtime.addresses)
        body |= service.history(session, key, runtime.addresses)
        etag = service.etag_of(session, key)
    response = answer(body, by=by, etag=etag) if segment.is_live else _gone(service.ended(segment), body, etag)
    return memento.of_original(response, original)


@blueprint.get("/api/segments/<segment:key>/versions/<int:number>")
def read_version(key: str, number: int) -> Response:
    """The segment as it stood in that version, also one that has ended."""
    runtime, by = context.current(), principal.of_page()
    with runtime.reads.begin() as session:
        service.find(session, key, by=by)
        version = history.version(session, key, min(number, 2**31 - 1))
        first, last = history.edges(session, key)
    response = answer(version.to_json(key, runtime.addresses), by=by, etag=str(version.number))
    return memento.of_version(response, _original(key), Stamp(version.number, version.at), first, last)


@blueprint.get("/api/segments/<segment:key>/timemap")
def read_timemap(key: str) -> Response:
    """The versions by their times (RFC 7089, 5), oldest first; a page ends before the version `before`."""
    by, original, before = principal.of_page(), _original(key), integer("before", 0, 0, 2**31 - 1)
    with context.current().reads.begin() as session:
        service.find(session, key, by=by)
        stamps = history.stamps(session, key, before=before)
    own = f"{original.timemap}?before={before}" if before else original.timemap
    earlier = f"{original.timemap}?before={stamps[0].version}" if stamps[0].version > 1 else ""
    return memento.timemap(original, stamps, own=own, earlier=earlier, by=by)


def _original(key: str) -> memento.Original:
    return memento.Original(context.current().addresses.segment_record(key))


@blueprint.post("/api/segments")
def add() -> Response:
    """A new segment of an image: JSON with `media` (the key of the image), `class` and `selector`, in canvas units."""
    who, given = _editor(), _object(("media", "class", "selector"))
    with context.current().db.begin() as session:
        made = editing.add(session, _text(given, "media"), _shape(given), who)
        return _edited(session, made, who, 201)


@blueprint.patch("/api/segments/<segment:key>")
def change(key: str) -> Response:
    """Another `class`, another `selector`, or both; If-Match says which version is looked at."""
    who, given, if_match = _editor(), _object(("class", "selector")), _if_match()
    if not given:
        raise BadSegment("Send a `class`, a `selector`, or both.")
    with context.current().db.begin() as session:
        return _edited(session, editing.change(session, key, _shape(given), who, if_match), who)


@blueprint.post("/api/segments/merge")
def merge() -> Response:
    """One in the place of several: `segments` has their ETags by key; `class` and `selector` may be left out."""
    who, given = _editor(), _object(("segments", "class", "selector"))
    several = given.get("segments")
    if not isinstance(several, dict) or not all(isinstance(tag, str) for tag in several.values()):
        raise BadSegment("segments is an object: the ETag of each segment by its key.", parameter="segments")
    tags = {str(name)[:64]: frozenset([tag.strip('"')]) for name, tag in several.items()}
    with context.current().db.begin() as session:
        return _edited(session, editing.merge(session, tags, _shape(given), who), who, 201)


@blueprint.post("/api/segments/<segment:key>/split")
def split(key: str) -> Response:
    """Several in the place of one: `parts`, each with a `selector` and perhaps a `class`."""
    who, given, if_match = _editor(), _object(("parts",)), _if_match()
    parts = given.get("parts")
    if not isinstance(parts, list) or not all(isinstance(part, dict) for part in parts):
        raise BadSegment("parts is a list of objects with `selector` and `class`.", parameter="parts")
    with context.current().db.begin() as session:
        made = editing.split(session, key, [_shape(part) for part in parts], who, if_match)
        items = [_record(session, one, who.addresses) for one in made]
    return answer({"items": items}, status=201, by=who.by)


@blueprint.post("/api/segments/<segment:key>/restore")
def restore(key: str) -> Response:
    """Let `version` stand again, by a new version."""
    who, given, if_match = _editor(), _object(("version",)), _if_match()
    number = given.get("version")
    if not isinstance(number, int) or isinstance(number, bool) or not 0 < number < 2**31:
        raise BadSegment("version is the number of the version that is to stand again.", parameter="version")
    with context.current().db.begin() as session:
        return _edited(session, editing.restore(session, key, number, who, if_match), who)


@blueprint.delete("/api/segments/<segment:key>")
def delete(key: str) -> Response:
    """There is no such segment: 204, and its addresses answer 410."""
    who, if_match = _editor(), _if_match()
    with context.current().db.begin() as session:
        editing.delete(session, key, who, if_match)
    return Response(status=204)


def _editor() -> Editor:
    """Raises NotAllowed for nobody, Forbidden for who may write nothing at all."""
    by, runtime = principal.of_page_writer(), context.current()
    if not by.granted("annotate"):
        raise Forbidden(f"This needs the role annotator, which {by.called} does not have.")
    return Editor(by, runtime.addresses, runtime.clock())


def _object(members: tuple[str, ...]) -> dict[str, Any]:
    """The JSON object that was sent, with no other members. Raises BadSegment."""
    given = request.get_json()
    if not isinstance(given, dict):
        raise BadSegment("Send a JSON object.")
    if strange := sorted(set(given) - set(members)):
        raise BadSegment(f"There is no member {strange[0][:40]!r} here; there are {', '.join(members)}.")
    return given


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name, "")
    if not isinstance(value, str):
        raise BadSegment(f"{name} is a text.", parameter=name)
    return value[:64]


def _shape(given: Mapping[str, Any]) -> Shape:
    return Shape(_text(given, "class"), given.get("selector"))


def _if_match() -> frozenset[str] | None:
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Send If-Match with the ETag of the segment as you read it, so that nobody's change is lost.")
    return None if request.if_match.star_tag else frozenset(request.if_match.as_set(include_weak=True))


def _edited(session: Session, segment: Segment, who: Editor, status: int = 200) -> Response:
    headers = {"Location": who.addresses.segment_record(segment.key)}
    etag = service.etag_of(session, segment.key)
    return answer(_record(session, segment, who.addresses), status=status, by=who.by, etag=etag, headers=headers)


def _record(session: Session, segment: Segment, addresses: Addresses) -> dict[str, Any]:
    media, lying = service.images_of(session, [segment]), service.specimens_of(session, [segment])
    shown = service.to_json(segment, media[segment.media_key], lying[segment.key], addresses)
    return {**shown, "etag": service.etag_of(session, segment.key)}


@blueprint.get("/iiif/presentation/3/<segment:key>/manifest.json")
def manifest(key: str) -> Response:
    """The manifest of a segment; 410 with what is known for one that has ended."""
    return _shown(key, lambda seen: seen.manifest())


@blueprint.get("/iiif/presentation/2/<segment:key>/manifest.json")
def manifest_2(key: str) -> Response:
    """The same for viewers of version 2.1."""
    return _shown(key, lambda seen: version2.manifest(seen.manifest(), seen.addresses.manifest(key, 2)), VERSION_2)


@blueprint.get("/iiif/presentation/3/<segment:key>/canvas/<segment:name>")
def canvas(key: str, name: str) -> Response:
    """The canvas of a segment by itself."""
    return _shown(_same(key, name), lambda seen: {"@context": CONTEXT, **seen.canvas()})


@blueprint.get("/iiif/presentation/3/<segment:key>/canvas/<segment:name>/<any(page, painting):part>")
def painting(key: str, name: str, part: str) -> Response:
    """Its page of painting, or the annotation on that."""

    def body(seen: "_Seen") -> dict[str, Any]:
        page = presentation.painting_page(seen.segment, seen.media, seen.addresses)
        return {"@context": CONTEXT, **(page if part == "page" else page["items"][0])}

    return _shown(_same(key, name), body)


@blueprint.get("/canvases/<segment:key>/annotations/<layer>.json")
def read_page(key: str, layer: str) -> Response:
    """What is said within a segment, in the units of its canvas, on one page."""
    return _shown(
        key,
        lambda seen: pages.of_segment(seen.session, seen.segment, seen.media, layer, by=seen.by, addresses=seen.addresses),
    )


@blueprint.get("/canvases/<media_key>/annotations/segments.json", defaults={"specimen_key": ""})
@blueprint.get("/canvases/<media_key>/annotations/segments/<specimen_key>.json")
def read_segments(media_key: str, specimen_key: str) -> Response:
    """The segments of an image, each linked to its manifest, on one page of its canvas."""
    by, addresses = principal.of_request(), context.current().addresses
    with context.current().reads.begin() as session:
        media = service.image(session, media_key, specimen_key, by=by)
        body = pages.of_image(session, media, specimen_key, addresses=addresses)
    return answer(body, IIIF_PRESENTATION, by=by)


@blueprint.get("/iiif/presentation/3/collection/segments-<name>.json")
def collection(name: str) -> Response:
    """The segments of a class, a page at a time: `segments-label`, and what follows in `segments-label-r1…`."""
    runtime, by = context.current(), principal.of_request()
    class_name, _, after = name.partition("-")
    if class_name not in CLASSES or (after and CURSOR.fullmatch(after) is None):
        raise UnknownCollection(f"There is no collection {name[:40]!r} here.")
    with runtime.reads.begin() as session:
        found = service.page(session, Asked(class_name=class_name), by=by, after=after, limit=runtime.settings.page_size)
        images = service.images_of(session, found.segments)
        how: Any = {"by": by, "addresses": runtime.addresses, "publisher": _publisher()}
        body = presentation.collection(
            CLASSES[class_name], found.segments, images, found.following, name=f"segments-{name}", **how
        )
    return answer(body, IIIF_PRESENTATION, by=by)


@dataclass(frozen=True)
class _Seen:
    """A segment that there is, as who asks sees it."""

    session: Session
    segment: Segment
    media: Media
    by: Principal
    addresses: Addresses

    def manifest(self) -> dict[str, Any]:
        specimen, layers = self._on()
        how: Any = {"by": self.by, "addresses": self.addresses, "publisher": _publisher()}
        return presentation.manifest(self.segment, self.media, specimen, layers, **how)

    def canvas(self) -> dict[str, Any]:
        specimen, layers = self._on()
        return presentation.canvas(self.segment, self.media, specimen, layers, by=self.by, addresses=self.addresses)

    def _on(self) -> tuple[Specimen, list[Layer]]:
        specimen = places.as_seen(catalogue.get_specimen(self.session, self.media.specimen_key), self.by)
        return specimen, pages.layers_of(self.session, self.segment, self.by)


def _shown(key: str, body: Callable[[_Seen], dict[str, Any]], media_type: str = IIIF_PRESENTATION) -> Response:
    """What is made of a segment; 410 where it has ended."""
    runtime, by = context.current(), principal.of_request()
    with runtime.reads.begin() as session:
        try:
            segment, media = service.get(session, key, by=by)
        except EndedSegment as ended:
            return _gone(ended, {})
        if media.state != "ready":
            raise NoManifest(f"Segment {key!r} has no canvas: its image is {media.state}.")
        shown = body(_Seen(session, segment, media, by, runtime.addresses))
    best = request.accept_mimetypes.best_match(["application/ld+json", JSON], default="application/ld+json")
    return answer(shown, JSON if best == JSON else media_type, by=by)


def _same(key: str, name: str) -> str:
    """Raises UnknownSegment where a manifest of one segment is asked for the canvas of another."""
    if key != name:
        raise UnknownSegment(f"Segment {key!r} has no canvas {name!r}: its one canvas has its own name.")
    return key


def _publisher() -> Publisher:
    settings = context.current().settings
    return Publisher(settings.provider_name, settings.provider_url or f"{settings.base_url}/")


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
