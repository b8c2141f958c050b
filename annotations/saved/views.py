"""Saved questions over HTTP: as JSON, and as a feed."""

from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session
from werkzeug.exceptions import PreconditionRequired

from annotations.saved import feed, service
from annotations.saved.service import Saved
from annotations.views import seen_tags
from app.runtime import clock, context, principal
from app.runtime.accounts import store as accounts
from app.runtime.errors import Invalid
from app.runtime.http import answer, depends_on, integer

blueprint = Blueprint("saved", __name__)
MEMBERS = {"title", "question"}


@blueprint.get("/api/queries")
def listing() -> Response:
    """Those of who asks, or of `owner`, by key; `after` is the key of the last one before."""
    by, limit = principal.of_page(), integer("limit", 50, 1, 500)
    owner = request.args.get("owner", by.name)[:100]
    with context.current().reads.begin() as session:
        found = service.of_owner(session, owner, after=request.args.get("after", "")[:16], limit=limit + 1) if owner else []
        items = [saved_json(session, one) for one in found[:limit]]
    return answer({"items": items, "next": found[limit - 1].key if len(found) > limit else None}, by=by)


@blueprint.post("/api/queries")
def create() -> Response:
    """JSON: `title`, and `question`, the query of an address such as `q=quercus&country=Portugal`: 201."""
    by, runtime = principal.of_page_writer(), context.current()
    title, question = _sent()
    with runtime.db.begin() as session:
        saved = service.save(session, title, question, by=by, naan=runtime.settings.naan, at=runtime.clock())
        body = saved_json(session, saved)
    return answer(body, status=201, by=by, etag=saved.etag, headers={"Location": runtime.addresses.question(saved.key)})


@blueprint.get("/api/queries/<key>")
def one(key: str) -> Response:
    """As it stands."""
    by = principal.of_page()
    with context.current().reads.begin() as session:
        saved = service.get(session, key)
        body = saved_json(session, saved) | {"versions": [one.version for one in service.versions(session, key)]}
    return answer(body, by=by, etag=saved.etag)


@blueprint.put("/api/queries/<key>")
def change(key: str) -> Response:
    """A new version, with If-Match: 200; 412 where somebody was faster."""
    by, runtime = principal.of_page_writer(), context.current()
    title, question = _sent()
    if "If-Match" not in request.headers:
        raise PreconditionRequired("Send If-Match with the ETag of the version that stands now, so that no change is lost.")
    seen = seen_tags()
    with runtime.db.begin() as session:
        tag = next(iter(seen), "") if seen else None
        saved = service.change(session, key, title, question, by=by, at=runtime.clock(), seen=tag)
        body = saved_json(session, saved)
    return answer(body, by=by, etag=saved.etag)


@blueprint.delete("/api/queries/<key>")
def delete(key: str) -> Response:
    """204."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        service.delete(session, key, by=by, at=runtime.clock())
    return Response(status=204)


@blueprint.get("/api/queries/<key>/versions/<int:number>")
def version(key: str, number: int) -> Response:
    """As it once stood."""
    with context.current().reads.begin() as session:
        saved = service.version(session, key, number)
        body = saved_json(session, saved)
    return answer(body, etag=saved.etag)


@blueprint.get("/queries/<key>/feed.atom")
def atom(key: str) -> Response:
    """The hits that came last (Atom, RFC 4287), as who asks by a token sees them."""
    by, runtime = principal.of_request(), context.current()
    with runtime.reads.begin() as session:
        saved = service.get(session, key)
        author = accounts.names(session, {saved.owner}).get(saved.owner, runtime.settings.provider_name)
        body = feed.atom(session, runtime.search, saved, author, by=by, addresses=runtime.addresses)
    response = Response(body, content_type=feed.MEDIA_TYPE)
    response.add_etag()
    depends_on(response, by)
    response.make_conditional(request)
    return response


def saved_json(session: Session, saved: Saved) -> dict[str, Any]:
    addresses = context.current().addresses
    return {
        "id": addresses.pid(saved.key),
        "key": saved.key,
        "title": saved.title,
        "question": saved.question,
        "owner": addresses.who(saved.owner),
        "ownerName": accounts.names(session, {saved.owner}).get(saved.owner, saved.owner),
        "version": saved.version,
        "created": clock.iso(saved.created_at),
        "modified": clock.iso(saved.modified_at),
        "page": addresses.question(saved.key),
        "hits": f"{addresses.base}/api/search?{saved.question}",
        "feed": addresses.question_feed(saved.key),
    }


def _sent() -> tuple[str, str]:
    body = request.get_json()
    if not isinstance(body, dict) or body.keys() - MEMBERS or not all(isinstance(body.get(name), str) for name in MEMBERS):
        raise Invalid("Send a JSON object with the texts title and question.")
    return body["title"], body["question"]
