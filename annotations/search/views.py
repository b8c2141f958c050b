"""Search over HTTP: `/api/search` over everything, and Content Search inside one specimen."""

from urllib.parse import urlencode

from flask import Blueprint, Response, request

from annotations.search import audience, content, downloads, looks, parameters, service
from app.runtime import context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid, NotFound
from app.runtime.http import answer, depends_on, integer
from app.runtime.principal import Principal
from app.runtime.search.port import FieldsLacking

blueprint = Blueprint("search", __name__)

SEARCH_TYPES = {
    1: 'application/ld+json;profile="http://iiif.io/api/search/1/context.json"',
    2: 'application/ld+json;profile="http://iiif.io/api/search/2/context.json"',
}
CONTENT_PARAMETERS = ("q", "motivation", "date", "page")
LONGEST = 1000
DEEPEST_PAGE = 10_000


@blueprint.get("/api/search")
def search() -> Response:
    """Specimens, annotations or both, by words, fields, ranges and boxes, with facets; `ignored` names unknown parameters."""
    runtime = context.current()
    addresses = runtime.addresses
    asked = _asked(principal.of_request())
    with runtime.reads.begin() as session:
        found = service.search(session, runtime.search, asked, addresses)
    if "facets" in request.args and (lacking := set(asked.facets) - found.facets.keys()):
        raise FieldsLacking(lacking)
    body = {
        "total": found.total,
        "page": asked.page,
        "items": found.items,
        "facets": {name: [{"value": value, "count": count} for value, count in values] for name, values in found.facets.items()},
        "next": _next(addresses, found.cursor) if found.cursor else None,
        "cursor": found.cursor or None,
        "ignored": parameters.ignored(request.args),
    }
    return answer(body, by=asked.by)


@blueprint.get("/api/search.<any(csv, json, jsonl, geojson):form>")
def download(form: str) -> Response:
    """Every hit, in a stream: a table, JSON, a JSON object a line, or GeoJSON."""
    runtime, asked = context.current(), _asked(principal.of_request())
    for name in ("page", "cursor", "limit", "facets", "facetSize"):
        if name in request.args:
            raise Invalid(f"{name} has no meaning here: a download goes to the last hit.", parameter=name)
    told = downloads.begin(runtime, asked, form, request.args.get("columns"))
    response = Response(told.written, content_type=downloads.MEDIA_TYPES[form])
    response.headers["X-Total-Count"] = str(told.total)
    response.headers["Content-Disposition"] = f'attachment; filename="{asked.type}s.{form}"'
    response.headers["Cache-Control"] = "no-cache"
    depends_on(response, asked.by)
    return response


@blueprint.get("/api/similar")
def similar() -> Response:
    """What looks most like the specimen, image or segment `to`, of those that answer the question; itself left out."""
    runtime, asked = context.current(), _asked(principal.of_request())
    for name in ("type", "sort", "page", "cursor"):
        if name in request.args:
            raise Invalid(
                f"{name} has no meaning here: what is found is of the type of `to`, the most alike first.", parameter=name
            )
    least = parameters.least(request.args.get("least", ""))
    with runtime.reads.begin() as session:
        like = looks.of(session, request.args.get("to", "")[:500], asked.by, runtime.addresses)
        found = looks.similar(session, runtime.search, like, asked, runtime.addresses, least)
    own = {"to": runtime.addresses.pid(like.key), "model": like.vector.model}
    return answer({**own, "items": list(found.items), "ignored": parameters.ignored(request.args)}, by=asked.by)


def _asked(by: Principal) -> service.Question:
    """The question of this request. Raises Invalid."""
    named = request.args.get("facets")
    if "order" in request.args:  # its name before; to be dropped with version 0.2
        raise Invalid("The order of the hits is `sort`, not `order`.", parameter="order")
    return service.Question(
        by=by,
        q=request.args.get("q", ""),
        chosen=parameters.chosen(request.args.items(multi=True)),
        type=request.args.get("type", "specimen"),
        sort=request.args.get("sort", ""),
        facets=service.FACETS if named is None else tuple(filter(None, named.split(",")))[:20],
        facet_size=integer("facetSize", 20, 1, 200),
        page=integer("page", 1, 1, DEEPEST_PAGE),
        size=integer("limit", 24, 1, context.current().settings.page_size),
        box=parameters.box(request.args.get("xywh", "")),
        where=parameters.place(request.args.get("bbox", ""), request.args.get("near", "")),
        cursor=request.args.get("cursor", ""),
    )


@blueprint.get("/api/search/terms")
def terms() -> Response:
    """Words in use, of what who asks may see, that begin like the last of those typed."""
    begun, limit, by = request.args.get("q", "")[:LONGEST], integer("limit", 10, 1, 50), principal.of_request()
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = runtime.search.terms("text", begun, limit, query=audience.shown(session, runtime.search, by))
        if not found:
            audience.check_index(session, runtime.search)
    return answer({"items": [{"value": word, "total": count} for word, count in found]}, by=by)


@blueprint.get("/search/<int:version>/<key>")
def content_search(version: int, key: str) -> Response:
    """Content Search 2.0, section 3, and 1.0, section 3."""
    runtime = context.current()
    addresses = runtime.addresses
    asked, by = _content_asked(version), principal.of_request()
    with runtime.reads.begin() as session:
        size = runtime.settings.page_size
        listed = content.search(session, runtime.search, key, asked, by=by, version=version, size=size, addresses=addresses)
    body = content.page2(listed, addresses) if version == 2 else content.list1(listed, addresses)
    return answer(body, SEARCH_TYPES[version], by=by)


@blueprint.get("/search/<int:version>/<key>/autocomplete")
def autocomplete(version: int, key: str) -> Response:
    """Content Search 2.0, section 4, and 1.0, section 4."""
    runtime = context.current()
    addresses = runtime.addresses
    asked, by = _content_asked(version, "q", "min"), principal.of_request()
    with runtime.reads.begin() as session:
        found = content.complete(session, runtime.search, key, asked.q, integer("min", 1, 1, 1_000_000), by=by)
    make = content.terms2 if version == 2 else content.terms1
    return answer(make(key, asked, found, addresses), SEARCH_TYPES[version], by=by)


def _content_asked(version: int, *known: str) -> content.ContentQuestion:
    """Unknown parameters, `user` among them, are ignored and reported as such."""
    if version not in SEARCH_TYPES:
        raise NotFound("This hub has Content Search 1 and 2 only.")
    taken = known or CONTENT_PARAMETERS
    q, motivation, date = (request.args.get(name, "")[:LONGEST] if name in taken else "" for name in ("q", "motivation", "date"))
    return content.ContentQuestion(
        q=q,
        motivation=motivation,
        date=date,
        page=integer("page", 1, 1, DEEPEST_PAGE) if "page" in taken else 1,
        given=tuple((name, value[:LONGEST]) for name, value in request.args.items() if name in taken and name != "page"),
        ignored=tuple(sorted(name[:40] for name in request.args if name not in taken))[:20],
    )


def _next(addresses: Addresses, cursor: str) -> str:
    given = [(name, value) for name, value in request.args.items(multi=True) if name not in ("page", "cursor")]
    return f"{addresses.base}/api/search?{urlencode([*given, ('cursor', cursor)])}"
