"""The web process: every view composed into one Flask application."""

from urllib.parse import urlsplit

from flask import Flask, Response, request
from werkzeug.routing import RequestRedirect

from analytics import views as analytics_views
from annotations import manifest_extras
from annotations import views as annotations_views
from annotations.consensus import views as consensus_views
from annotations.datasets import views as dataset_views
from annotations.editing import views as editing_views
from annotations.groups import views as groups
from annotations.proposals import views as proposals_views
from annotations.queue import views as queue_views
from annotations.review import views as review_views
from annotations.saved import views as saved_views
from annotations.search import views as search_views
from annotations.segment_api import views as segment_views
from app import problems
from app.runtime import context
from app.runtime.context import Runtime
from app.runtime.errors import Invalid, NotFound
from app.web import compression, health, layout, visits
from app.web.account import audit, members, oidc, people, signing_in
from app.web.account import views as account_pages
from app.web.agreement import views as agreement_pages
from app.web.datasets import feeds as dataset_feeds
from app.web.datasets import views as dataset_pages
from app.web.discovery import changes as changes_feed
from app.web.discovery import sparql as sparql_pages
from app.web.discovery import whole
from app.web.drawing import statements
from app.web.drawing import views as drawing_pages
from app.web.embed import oembed
from app.web.embed import views as embed_pages
from app.web.exchange import exporting, importing
from app.web.exchange import views as exchange_pages
from app.web.inbox import views as inbox
from app.web.json_bodies import JsonBodies
from app.web.live import stream, webhooks
from app.web.names import content, vocabulary
from app.web.names import views as names
from app.web.queries import views as query_pages
from app.web.review import views as review_pages
from app.web.runs import views as run_pages
from app.web.segments import changing as segment_changes
from app.web.segments import drawing as segment_drawing
from app.web.segments import like as like_segments
from app.web.segments import views as segment_pages
from app.web.specimens import answering, original_files, taking
from app.web.specimens import views as specimen_pages
from app.web.statements import views as statement_pages
from iiif.catalogue import views as catalogue_views
from iiif.image import views as image_views
from iiif.image.serving import open_images
from iiif.ingest import views as ingest_views
from iiif.presentation import views as presentation_views
from ontology import views as ontology_views

# What scripts elsewhere may send: to negotiate, to ask on condition or for a range, with a token, and to write.
SENDABLE = (
    "Accept, Accept-Datetime, Authorization, Cache-Control, Content-Type, If-Match, If-Modified-Since, If-None-Match, If-Range, "
    "Last-Event-ID, Pragma, Prefer, Range, Slug, X-Requested-With"
)
EXPOSED = (
    "ETag, Link, Allow, Location, Content-Location, Vary, Prefer, Preference-Applied, Accept-Post, Warning, Memento-Datetime"
)


def create_app(runtime: Runtime) -> Flask:
    """The application, without its image fast path (app/web/wsgi.py puts that in front)."""
    app = Flask(__name__, static_folder=None)
    app.json = JsonBodies(app)
    app.config["MAX_CONTENT_LENGTH"] = runtime.settings.max_body_bytes
    app.url_map.strict_slashes = True
    app.url_map.converters["segment"] = segment_views.SegmentKey
    app.add_template_global(lambda: request.script_root, "root")
    problems.install(app, _page_of_error)
    open_images.of(runtime).services_of = manifest_extras.of_image
    for blueprint in (
        image_views.blueprint,
        presentation_views.make_blueprint(manifest_extras.of_specimen, manifest_extras.of_top),
        annotations_views.blueprint,
        editing_views.blueprint,
        search_views.blueprint,
        saved_views.blueprint,
        review_views.blueprint,
        consensus_views.blueprint,
        agreement_pages.blueprint,
        groups.blueprint,
        queue_views.blueprint,
        proposals_views.blueprint,
        dataset_views.blueprint,
        segment_views.blueprint,
        analytics_views.blueprint,
        ingest_views.blueprint,
        catalogue_views.blueprint,
        ontology_views.blueprint,
        names.blueprint,
        changes_feed.blueprint,
        whole.blueprint,
        sparql_pages.blueprint,
        inbox.blueprint,
        content.blueprint,
        vocabulary.blueprint,
        signing_in.blueprint,
        oidc.blueprint,
        account_pages.blueprint,
        people.blueprint,
        members.blueprint,
        audit.blueprint,
        layout.blueprint,
        specimen_pages.blueprint,
        segment_pages.blueprint,
        segment_changes.blueprint,
        segment_drawing.blueprint,
        like_segments.blueprint,
        statement_pages.blueprint,
        answering.blueprint,
        drawing_pages.blueprint,
        taking.blueprint,
        exporting.blueprint,
        importing.blueprint,
        exchange_pages.blueprint,
        original_files.blueprint,
        statements.blueprint,
        run_pages.blueprint,
        dataset_pages.blueprint,
        query_pages.blueprint,
        dataset_feeds.blueprint,
        review_pages.blueprint,
        embed_pages.blueprint,
        oembed.blueprint,
        stream.blueprint,
        webhooks.blueprint,
        health.blueprint,
    ):
        app.register_blueprint(blueprint)
    app.before_request(_answer_preflight_of_redirected)
    app.before_request(_refuse_slashes)
    app.before_request(_refuse_nul)
    app.after_request(compression.compress)  # Flask calls the last named first
    app.after_request(visits.tell_caches)
    app.after_request(_redirect_within_the_hub)
    app.after_request(_open_to_all_origins)
    return app


def _page_of_error(status: int, sentence: str) -> Response | None:
    """As a person reads it: in the frame of somebody else's page, or as a page of the hub; None for programs."""
    return embed_pages.problem_page(status, sentence) or layout.problem_page(status, sentence)


def _answer_preflight_of_redirected() -> Response | None:
    """A browser gives up where a preflight is redirected (Fetch, 4.8), so it is told what holds behind the redirection."""
    if request.method == "OPTIONS" and isinstance(request.routing_exception, RequestRedirect):
        return Response(status=204, headers={"Allow": "GET, HEAD, OPTIONS"})
    return None


def _refuse_slashes() -> None:
    """Flask takes any number of slashes at the beginning for one, which a proxy that guards an address does not."""
    if request.environ["PATH_INFO"].startswith("//"):
        raise NotFound("No address here begins with two slashes.")


def _refuse_nul() -> None:
    """No name here holds a NUL, and PostgreSQL refuses to be asked for one."""
    if "\0" in request.path or any("\0" in value for values in request.args.listvalues() for value in values):
        raise Invalid("The address holds a NUL character (%00), which no name of this hub holds.")


def _redirect_within_the_hub(response: Response) -> Response:
    """Redirections that werkzeug makes (a slash too many or too few) name the host that the client sent: ours stands instead."""
    location = response.headers.get("Location", "")
    if location.startswith(request.host_url):
        base = urlsplit(context.current().settings.base_url)
        response.headers["Location"] = urlsplit(location)._replace(scheme=base.scheme, netloc=base.netloc).geturl()
    return response


def _open_to_all_origins(response: Response) -> Response:
    """CORS for public data: any origin, never reflected (Image API 3.0, section 7.1; Web Annotation Protocol).

    OPTIONS is answered for every address: which methods it has, and which headers may go with them (Fetch, 4.8).
    """
    response.headers.setdefault("Access-Control-Allow-Origin", "*")
    response.headers.setdefault("Access-Control-Expose-Headers", EXPOSED)
    response.headers.setdefault("X-Content-Type-Options", "nosniff")  # what people wrote is taken for no page
    if request.method == "OPTIONS":
        response.headers["Access-Control-Allow-Methods"] = response.headers.get("Allow", "GET, HEAD, OPTIONS")
        response.headers["Access-Control-Allow-Headers"] = SENDABLE
        response.headers["Access-Control-Max-Age"] = "86400"
    return response
