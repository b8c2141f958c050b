"""Annotations over HTTP: the Web Annotation Protocol at `/annotations/`, and whole pages for viewers at `/canvases/`."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from flask import Blueprint, Response, request
from werkzeug.exceptions import PreconditionRequired, UnsupportedMediaType

from annotations import annotation_pages, frames, masks, projections, service, versions
from annotations import container as containers
from annotations.container import Container
from annotations.errors import DeletedAnnotation, MalformedAnnotation, WithdrawnAnnotation
from annotations.model import Annotation, Canvas
from annotations.projections import PROFILES, Profile
from app.runtime import clock, context, memento, principal
from app.runtime.errors import Forbidden, Invalid
from app.runtime.http import ANNO, IIIF_PRESENTATION, JSON, answer, depends_on, encode, integer
from app.runtime.principal import Principal

blueprint = Blueprint("annotations", __name__)

CONTAINER_ALLOW, ANNOTATION_ALLOW = "GET, HEAD, OPTIONS, POST", "GET, HEAD, OPTIONS, PUT, DELETE"
CONTAINER_LINK = (
    '<http://www.w3.org/ns/ldp#BasicContainer>; rel="type", <http://www.w3.org/ns/oa#AnnotationCollection>; rel="type", '
    '<http://www.w3.org/TR/annotation-protocol/>; rel="http://www.w3.org/ns/ldp#constrainedBy"'
)
ANNOTATION_LINK = '<http://www.w3.org/ns/ldp#Resource>; rel="type"'
ACCEPT_POST = f"{ANNO}, application/ld+json, application/json"
IIIF2_TYPE = 'application/ld+json;profile="http://iiif.io/api/presentation/2/context.json"'
TYPES: dict[Profile, str] = {"w3c": ANNO, "annotorious": ANNO, "iiif3": IIIF_PRESENTATION, "iiif2": IIIF2_TYPE}


@blueprint.get("/annotations/", provide_automatic_options=False)
def read_container() -> Response:
    """Protocol, section 4: the collection, or one of its pages if the query names one."""
    addresses, by = context.current().addresses, principal.of_request()
    container = Container(addresses, by, request.args.get("target", "")[:2000], context.current().settings.page_size)
    after, before, named = (request.args.get(name, "")[:64] for name in ("after", "before", "page"))
    if named not in ("", "first", "last") or bool(after) + bool(before) + bool(named) > 1:
        raise Invalid("Ask for one page: page=first, page=last, after=… or before=….", parameter="page")
    with context.current().reads.begin() as session:
        if named or after or before:
            iris = request.args.get("iris") == "1"
            body = containers.page(session, container, iris=iris, after=after, before="~" if named == "last" else before)
        else:
            body = containers.describe(session, container, _embedding())
    headers = {"Allow": CONTAINER_ALLOW, "Link": CONTAINER_LINK, "Accept-Post": ACCEPT_POST, "Content-Location": body["id"]}
    if not (named or after or before) and _embedding().is_preferred:
        headers["Preference-Applied"] = "return=representation"
    response = answer(body, _negotiated(ANNO), by=by, headers=headers)
    response.vary.add("Prefer")
    return response


@blueprint.post("/annotations/", provide_automatic_options=False)
def create() -> Response:
    """Protocol, section 5.1: 201 with Location, ETag and the annotation as it was stored; `profile` names its form."""
    by, profile = principal.of_writer(), asked_profile()
    document, slug = sent_document(), request.headers.get("Slug")
    runtime = context.current()
    with runtime.db.begin() as session:
        annotation = service.create(
            session, document, by=by, addresses=runtime.addresses, at=runtime.clock(), slug=slug, profile=profile
        )
        canvas = annotation_pages.canvas_of(session, annotation)
    return warned(answered(annotation, "w3c", by, 201), annotation, canvas)


@blueprint.get("/annotations/<key>")
def read(key: str) -> Response:
    """The annotation in the form that `profile` names; 410 with what is known of a deleted or withdrawn one.

    With Accept-Datetime, on to the version that stood then (Memento).
    """
    profile, by, when, original = asked_profile(), principal.of_request(), memento.asked(), _original(key)
    with context.current().reads.begin() as session:
        if when is not None:
            stood = versions.stood_at(session, key, when, by=by)
            return memento.to_memento(original, stood, *versions.edges(session, key), by=by)
        try:
            annotation = service.get(session, key, by=by)
        except DeletedAnnotation as deleted:
            return memento.of_original(tombstone(deleted), original)
        except WithdrawnAnnotation as withdrawn:
            return memento.of_original(withdrawal(withdrawn), original)
        canvas = annotation_pages.canvas_of(session, annotation)
    return memento.of_original(answered(annotation, profile, by, canvas=canvas), original)


@blueprint.put("/annotations/<key>")
def replace(key: str) -> Response:
    """Protocol, section 5.2: the document takes the place of the one that stood. One that comes in the form of another
    `profile` changes what its sender saw there and has changed."""
    by, profile = principal.of_writer(), asked_profile()
    document, if_match, runtime = sent_document(), seen_tags(), context.current()
    with runtime.db.begin() as session:
        annotation = service.replace(
            session,
            key,
            document,
            by=by,
            addresses=runtime.addresses,
            at=runtime.clock(),
            if_match=if_match,
            profile=profile,
        )
        canvas = annotation_pages.canvas_of(session, annotation)
    return warned(answered(annotation, "w3c", by), annotation, canvas)


@blueprint.delete("/annotations/<key>")
def delete(key: str) -> Response:
    """Protocol, section 5.3: 204; afterwards its address answers 410 and its versions stay."""
    by = principal.of_writer()
    if_match, runtime = seen_tags(), context.current()
    with runtime.db.begin() as session:
        service.delete(session, key, by=by, at=runtime.clock(), if_match=if_match)
    return Response(status=204, headers={"Allow": ANNOTATION_ALLOW, "Link": ANNOTATION_LINK})


@blueprint.get("/annotations/<key>/versions/<int:version>")
def read_version(key: str, version: int) -> Response:
    """A version as it once stood, in its W3C form, also of a deleted annotation, with when that was (Memento)."""
    runtime, by, number = context.current(), principal.of_request(), min(version, 2**31 - 1)
    with runtime.reads.begin() as session:
        try:
            document = service.get_version(session, key, number, by=by, addresses=runtime.addresses)
        except DeletedAnnotation as deleted:
            response = tombstone(deleted)
        else:
            response = answer(projections.w3c(document), _negotiated(ANNO), by=by, headers={"Link": ANNOTATION_LINK})
        stamp, (first, last) = versions.stored(session, key, number), versions.edges(session, key)
    return memento.of_version(response, _original(key), stamp, first, last)


@blueprint.get("/annotations/<key>/timemap")
def read_timemap(key: str) -> Response:
    """The versions by their times (RFC 7089, 5), oldest first; a page ends before the version `before`."""
    original, by, before = _original(key), principal.of_request(), integer("before", 0, 0, 2**31 - 1)
    with context.current().reads.begin() as session:
        stamps = versions.stamps(session, key, by=by, before=before)
    own = f"{original.timemap}?before={before}" if before else original.timemap
    earlier = f"{original.timemap}?before={stamps[0].version}" if stamps[0].version > 1 else ""
    return memento.timemap(original, stamps, by=by, own=own, earlier=earlier)


def _original(key: str) -> memento.Original:
    return memento.Original(context.current().addresses.annotation(key))


@blueprint.get("/canvases/<media_key>/annotations/<layer>.json", defaults={"specimen_key": ""})
@blueprint.get("/canvases/<media_key>/annotations/<layer>/<specimen_key>.json")
def read_page(media_key: str, layer: str, specimen_key: str) -> Response:
    """One complete AnnotationPage of Presentation 3 for one canvas and layer, in the form that viewers draw."""
    by = principal.of_request()
    with context.current().reads.begin() as session:
        body = annotation_pages.of_canvas(session, media_key, layer, context.current().addresses, by, specimen_key)
    return answer(body, _negotiated(IIIF_PRESENTATION), by=by)


@blueprint.post("/masks/")
def take_mask() -> Response:
    """Take in the file of a mask, to be named by a selector: 201 with its address and the value of hub:mask, less its place."""
    by = principal.of_writer()
    if not by.granted("annotate"):
        raise Forbidden(f"This needs the role annotator, which the token {by.name!r} does not have.")
    if request.mimetype != "image/png":
        raise UnsupportedMediaType("Send the mask as image/png, greyscale of one bit a pixel.")
    runtime = context.current()
    kept = masks.take_in(runtime.blobs, request.get_data())
    with runtime.db.begin() as session:
        masks.register(session, [kept], by=by, at=runtime.clock())
    iri = runtime.addresses.mask(kept.sha256)
    return answer({"id": iri, "hub:width": kept.width, "hub:height": kept.height}, JSON, 201, headers={"Location": iri})


@blueprint.get("/masks/<sha256>.png")
def read_mask(sha256: str) -> Response:
    """The file of a mask, for who sees an annotation that names it."""
    runtime, by = context.current(), principal.of_request()
    with runtime.reads.begin() as session:
        masks.require_sight(session, sha256, by)
    response = Response(masks.file_of(runtime.blobs, sha256), content_type="image/png")
    response.set_etag(sha256)
    response.cache_control.no_cache = True  # who may see it may change
    depends_on(response, by)
    response.make_conditional(request)
    return response


@blueprint.route("/annotations/", methods=["OPTIONS"], provide_automatic_options=False)
def describe_container() -> Response:
    """The headers of the container: Allow, Accept-Post, Link and ETag (Protocol, section 4; LDP, 4.2.8 and 5.2.3.13)."""
    response = read_container()
    response.data = b""
    return response


@blueprint.after_request
def _links(response: Response) -> Response:
    """Link on every answer of the container and to OPTIONS of an annotation (Protocol, sections 4.1 and 3.1)."""
    if request.path == "/annotations/":
        response.headers.setdefault("Link", CONTAINER_LINK)
    elif request.method == "OPTIONS" and request.endpoint in ("annotations.read", "annotations.replace", "annotations.delete"):
        response.headers["Link"] = ANNOTATION_LINK
    return response


def answered(annotation: Annotation, profile: Profile, by: Principal, status: int = 200, canvas: Any = None) -> Response:
    """The annotation in that form, with the headers of the protocol."""
    addresses = context.current().addresses
    iri = addresses.annotation(annotation.key)
    links = ANNOTATION_LINK
    if annotation.version > 1:
        links += f', <{iri}/versions/{annotation.version - 1}>; rel="predecessor-version"'
    headers = {"Allow": ANNOTATION_ALLOW, "Link": links} | ({"Location": iri} if status == 201 else {})
    etag = annotation.etag if profile == "w3c" else f"{annotation.etag}-{profile}"
    body = projections.project(annotation, profile, canvas, addresses)
    return answer(body, _negotiated(TYPES[profile]), status, by=by, etag=etag, headers=headers)


def warned(response: Response, annotation: Annotation, canvas: Canvas | None) -> Response:
    """With a Warning where the region is kept as it was sent, but only shown and found as far as it lies on the image."""
    if canvas is not None and frames.is_clipped(annotation, canvas):
        response.headers["Warning"] = '199 - "The region reaches past the edge: what lies on the image is shown and found."'
    return response


def tombstone(deleted: DeletedAnnotation) -> Response:
    """410 for one that was deleted: when, and its last version."""
    more = {"deleted": clock.iso(deleted.deleted_at)}
    return _gone("DeletedAnnotation", deleted.sentence, deleted.key, deleted.version - 1, more)


def withdrawal(withdrawn: WithdrawnAnnotation) -> Response:
    """Who retracted which run, when and why; the versions stay readable."""
    run = context.current().addresses.run(withdrawn.run_key)
    more = {"withdrawn": clock.iso(withdrawn.withdrawn_at), "withdrawnBy": withdrawn.by, "reason": withdrawn.reason, "run": run}
    return _gone("WithdrawnAnnotation", withdrawn.sentence, withdrawn.key, withdrawn.version, more)


def _gone(title: str, detail: str, key: str, version: int, more: Mapping[str, str]) -> Response:
    iri = context.current().addresses.annotation(key)
    body = {"type": "about:blank", "title": title, "status": 410, "detail": detail, "id": iri, **more}
    body["lastVersion"] = f"{iri}/versions/{version}"
    return Response(encode(body), 410, {"Link": ANNOTATION_LINK}, content_type="application/problem+json")


def _negotiated(media_type: str) -> str:
    """Plain JSON for those who ask for that and not for JSON-LD."""
    best = request.accept_mimetypes.best_match(["application/ld+json", JSON], default="application/ld+json")
    return JSON if best == JSON else media_type


def asked_profile() -> Profile:
    """The form that the address names. Raises Invalid."""
    asked = request.args.get("profile", "w3c")
    for profile in PROFILES:
        if profile == asked:
            return profile
    raise Invalid(f"profile must be one of {', '.join(PROFILES)}.", parameter="profile")


def _embedding() -> containers.Embedding:
    """What to embed: by the Prefer header, or by `iris` in the address, which is how an answer names itself."""
    if (asked := request.args.get("iris")) in ("0", "1"):
        return containers.Embedding("iris" if asked == "1" else "descriptions", of_iris=asked == "1")
    return containers.preference(request.headers.get("Prefer", "")[:1000])


def seen_tags() -> frozenset[str] | None:
    """The ETags that the client will change, None for any; a profile's suffix and the weak mark (which proxies that compress
    add) are taken off. PreconditionRequired if the settings ask for the header."""
    if "If-Match" not in request.headers:
        if context.current().settings.require_if_match:
            raise PreconditionRequired(
                "This server accepts changes only with If-Match: send the ETag of the version that you read."
            )
        return None
    tags = request.if_match
    return None if tags.star_tag else frozenset(tag.partition("-")[0] for tag in tags.as_set(include_weak=True))


def sent_document() -> Any:
    """The JSON of the body. UnsupportedMediaType for another type, MalformedAnnotation where it cannot be read."""
    if request.mimetype not in ("application/ld+json", JSON):
        raise UnsupportedMediaType("Send the annotation as application/ld+json.")
    try:
        return json.loads(request.get_data(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise MalformedAnnotation(f"The body is not JSON: {type(error).__name__}.", spec="RFC 8259") from error


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number in JSON")
