"""Statements for our pages, at `/api/annotations`: the container's own code and checks, by the cookie or a token.

`/annotations/` reads no cookie, so that it stays the same for everybody. Here `creator` is the account that asks, changes need
If-Match, and a version that was passed is answered with what happened meanwhile.
"""

from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import PreconditionRequired

from annotations import annotation_pages, creators, projections, service
from annotations.errors import DeletedAnnotation, EtagMismatch, WithdrawnAnnotation
from annotations.model import About, Annotation, Canvas
from annotations.views import answered, asked_profile, seen_tags, sent_document, tombstone, warned, withdrawal
from app.runtime import clock, context, principal
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import JSON, answer, encode, integer
from iiif.catalogue import service as catalogue
from iiif.catalogue.visibility import view_of

blueprint = Blueprint("editing", __name__)
DRAWN_ON = ("canvas", "image", "segment")
MOST = 1000  # shapes that a drawing client holds at once


@blueprint.get("/api/annotations")
def listed() -> Response:
    """A page of what is said on an image, by key, each in the form of a drawing client, with state, version and ETag.

    `image` is the key of the image, `after` the key of the last one before. What was rejected or superseded is left out, and
    what is about another statement, whose place is that of the other; so a page may have fewer than `limit`.
    """
    by, runtime = principal.of_page(), context.current()
    image, after = request.args.get("image", "")[:64], request.args.get("after", "")[:64]
    limit = integer("limit", MOST, 1, MOST)
    if not image:
        raise Invalid("image is the key of the image of which the statements are asked.", parameter="image")
    with runtime.reads.begin() as session:
        media = catalogue.get_media(session, image)
        view_of(media, by)
        found = service.page(session, About(media_key=media.key, told=True), by=by, after=after, limit=limit + 1)
    canvas, shown = Canvas(media.width_px, media.height_px), found[:limit]
    lying = [one.seen_from(media_key=media.key) for one in shown]
    items = [_item(one, canvas, runtime.addresses) for one in lying if one.front.kind in DRAWN_ON]
    following = shown[-1].key if len(found) > limit else None
    body = {"image": media.key, "width": canvas.width, "height": canvas.height, "items": items, "next": following}
    return answer(body, JSON, by=by)


@blueprint.post("/api/annotations")
def create() -> Response:
    """A new statement in one's own name, in the form of `profile`: 201 with Location and ETag."""
    by, profile, runtime = principal.of_page_writer(), asked_profile(), context.current()
    document = creators.in_own_name(sent_document(), by, runtime.addresses)
    with runtime.db.begin() as session:
        annotation = service.create(session, document, by=by, addresses=runtime.addresses, at=runtime.clock(), profile=profile)
        canvas = annotation_pages.canvas_of(session, annotation)
    return warned(answered(annotation, "w3c", by, 201), annotation, canvas)


@blueprint.get("/api/annotations/<key>")
def read(key: str) -> Response:
    """The statement in the form that `profile` names, for who is signed in; 410 with what is known of one that is gone."""
    by, profile = principal.of_page(), asked_profile()
    with context.current().reads.begin() as session:
        try:
            annotation = service.get(session, key[:64], by=by)
        except DeletedAnnotation as deleted:
            return tombstone(deleted)
        except WithdrawnAnnotation as withdrawn:
            return withdrawal(withdrawn)
        canvas = annotation_pages.canvas_of(session, annotation)
    return answered(annotation, profile, by, canvas=canvas)


@blueprint.put("/api/annotations/<key>")
def replace(key: str) -> Response:
    """A new version of a statement, whose `creator` stays: 200; 409 for a machine's, 412 with what happened meanwhile."""
    by, profile, runtime = principal.of_page_writer(), asked_profile(), context.current()
    document, seen = sent_document(), _seen()
    try:
        with runtime.db.begin() as session:
            before = service.find(session, key[:64])
            if before is not None:
                document = creators.as_before(document, before.document, by, runtime.addresses)
            annotation = service.replace(
                session,
                key[:64],
                document,
                by=by,
                addresses=runtime.addresses,
                at=runtime.clock(),
                if_match=seen,
                profile=profile,
            )
            canvas = annotation_pages.canvas_of(session, annotation)
    except EtagMismatch as passed:
        return _passed(passed)
    return warned(answered(annotation, "w3c", by), annotation, canvas)


@blueprint.delete("/api/annotations/<key>")
def delete(key: str) -> Response:
    """204, and its versions stay; 412 with what happened meanwhile."""
    by, runtime, seen = principal.of_page_writer(), context.current(), _seen()
    try:
        with runtime.db.begin() as session:
            service.delete(session, key[:64], by=by, at=runtime.clock(), if_match=seen)
    except EtagMismatch as passed:
        return _passed(passed)
    return Response(status=204)


def _seen() -> frozenset[str] | None:
    """The ETags that were seen, None for any (`*`). Raises PreconditionRequired where none is told."""
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Send If-Match with the ETag of what you have seen, so that nobody's change is lost.")
    return seen_tags()


def _passed(passed: EtagMismatch) -> Response:
    """412 with the version that stands now: its ETag, who stored it and when."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        called = _called(session, passed.by)
    iri = runtime.addresses.annotation(passed.key)
    body: Mapping[str, Any] = {
        "type": "about:blank",
        "title": "EtagMismatch",
        "status": 412,
        "detail": f"{called} changed this at {passed.at:%H:%M} (UTC): version {passed.version} stands now.",
        "id": iri,
        "version": passed.version,
        "etag": passed.etag,
        "by": passed.by,
        "byName": called,
        "at": clock.iso(passed.at),
        "current": f"{iri}/versions/{passed.version}",
    }
    return Response(encode(body), 412, content_type="application/problem+json")


def _called(session: Session, name: str) -> str:
    """What people call who stored a version; the name of the token or the run where it is no account."""
    return accounts.names(session, [name]).get(name) or name or "Somebody"


def _item(annotation: Annotation, canvas: Canvas, addresses: Addresses) -> dict[str, Any]:
    return {
        "key": annotation.key,
        "id": addresses.annotation(annotation.key),
        "version": annotation.version,
        "etag": annotation.etag,
        "layer": annotation.layer,
        "kind": annotation.kind,
        "state": annotation.state,
        "text": annotation.text[:500],
        "value": annotation.value,
        "unit": annotation.unit,
        "annotation": projections.annotorious(annotation, canvas, addresses),
    }
