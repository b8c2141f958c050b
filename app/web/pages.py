"""The pages that people see: the drawer with its search, a specimen, the runs, and the files that these need."""

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, Response, make_response, render_template, request

from annotations import service as annotations
from app.runtime import context
from app.runtime.http import integer
from app.web import bundle, drawer, findings, record, runlist
from app.web.pictures import picture_of
from iiif.addresses import Addresses
from iiif.catalogue import service as catalogue

SHOWN = 24
RUNS_SHOWN = 30
LONGEST_QUERY = 500
PREVIEW_PX = (1200, 1200)
blueprint = Blueprint("pages", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> Response:
    """The search with its facets; without words, all specimens."""
    runtime = context.current()
    asked = drawer.Asked.of(request.args, integer("page", 1, 1, 1_000))
    with runtime.reads.begin() as session:
        work = runlist.work(session)
        specimens = catalogue.count_specimens(session)
        shown = drawer.look(session, runtime, asked, SHOWN) if specimens else drawer.NOTHING
    return _page("home.html", here="specimens", work=work, specimens=specimens, **shown.for_template(asked))


@blueprint.get("/specimens/<key>")
def specimen(key: str) -> Response:
    """One specimen: viewer, findings, record."""
    runtime = context.current()
    addresses = Addresses.of(runtime.settings)
    with runtime.reads.begin() as session:
        found = catalogue.get_specimen(session, key)
        media = catalogue.media_of(session, key)
        said = annotations.of_specimen(session, key)
        runs = runlist.of_media(session, [image.key for image in media])
    name = found.scientific_name
    return _page(
        "specimen.html",
        here="specimens",
        q=request.args.get("q", "")[:LONGEST_QUERY],
        specimen=found,
        name=name,
        type_status=found.interpreted.get("typeStatus", ""),
        picture=next((picture_of(image, PREVIEW_PX) for image in media if image.visible), None),
        unready=[image for image in media if image.state != "ready"],
        closed=[image for image in media if image.state == "ready" and not image.visible],
        images=media,
        groups=findings.groups(said, media, found.catalog_number, addresses),
        runs=runs,
        running=sum(run.state == "running" for run in runs),
        sections=record.sections(found),
        manifest=addresses.manifest(key),
        record_url=addresses.specimen_record(key),
        pid=addresses.pid(key),
        cite=record.citation(found, runtime.settings.provider_name, addresses.pid(key)),
    )


@blueprint.get("/runs")
def runs() -> Response:
    """All runs, newest first, or those in one state."""
    page = integer("page", 1, 1, 1_000_000)
    state = request.args.get("state", "")
    with context.current().reads.begin() as session:
        return _page("runs.html", here="runs", **runlist.listing(session, state, page, RUNS_SHOWN))


@blueprint.get("/runs/<key>")
def run(key: str) -> Response:
    """One run with its steps, its report and where its results come from."""
    with context.current().reads.begin() as session:
        return _page("run.html", here="runs", **runlist.detail(session, key, Addresses.of(context.current().settings)))


@blueprint.get("/assets/<name>")
def asset(name: str) -> Response:
    """A file of the built front end."""
    return bundle.send(name)


@blueprint.get("/favicon.ico")
def favicon() -> Response:
    """Pages carry their icon inside; browsers that ask for this one are told so."""
    return Response(status=204)


def _wants_page() -> bool:
    """Whether the client is a browser in front of a person: it prefers HTML to JSON, and asks where pages are."""
    best = request.accept_mimetypes.best_match(["application/json", "application/problem+json", "text/html"])
    return best == "text/html" and not request.path.startswith(("/api/", "/iiif/", "/annotations/", "/search/", "/assets/"))


def problem_page(status: int, title: str, detail: str) -> Response | None:
    """An error as a person reads it; None for programs."""
    if not _wants_page():
        return None
    response = _page("problem.html", title=title, detail=detail)
    response.status_code = status
    return response


def _page(template: str, **values: Any) -> Response:
    settings = context.current().settings
    html = render_template(template, assets=bundle.names(), provider_name=settings.provider_name, **values)
    response = make_response(html)
    response.headers["Content-Security-Policy"] = _policy(settings.base_url)
    response.headers["Referrer-Policy"] = "same-origin"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.cache_control.no_cache = True
    response.vary.add("Accept")
    response.add_etag()
    response.make_conditional(request)
    return response


def _policy(base_url: str) -> str:
    """Nothing from elsewhere; the public address is allowed where the page was reached by another one of the same hub.

    The viewer's styles are written by its own code at run time, hence 'unsafe-inline' for styles, and for styles alone.
    """
    here = "{0.scheme}://{0.netloc}".format(urlsplit(base_url))
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self' 'unsafe-inline'",
            f"img-src 'self' data: {here}",
            "font-src 'self'",
            f"connect-src 'self' {here}",
            "form-action 'self'",
            "base-uri 'none'",
            "frame-ancestors 'self'",
        )
    )
