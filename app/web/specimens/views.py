"""The search page and the page of a specimen."""

from flask import Blueprint, Response, request

from app.runtime import context, principal
from app.runtime.http import integer
from app.web import layout
from app.web.runs import listing
from app.web.specimens import search_page, workplace
from app.web.specimens.search_question import PageQuestion, from_panel
from iiif.catalogue import service as catalogue

SHOWN = 24
blueprint = Blueprint("specimens", __name__, template_folder="templates")


@blueprint.get("/")
def home() -> Response:
    """The search with its facets; without words, all specimens."""
    runtime = context.current()
    asked = PageQuestion.of(request.args, integer("page", 1, 1, 1_000))
    if narrowed := from_panel(request.args, asked):
        return Response(status=303, headers={"Location": f"{request.script_root}{narrowed}"})
    by = principal.of_page()
    with runtime.reads.begin() as session:
        work = listing.work(session)
        specimens = catalogue.count_specimens(session)
        shown = search_page.look(session, runtime, asked, SHOWN, by) if specimens else search_page.NOTHING
    status = shown.trouble.status if shown.trouble else 200
    values = shown.for_template(asked, SHOWN)
    response = layout.page("search.html", by=by, status=status, here="specimens", work=work, specimens=specimens, **values)
    if status == 503:
        response.headers["Retry-After"] = "5"
        response.headers["Cache-Control"] = "no-store"
    return response


@blueprint.get("/specimens/<key>")
def specimen(key: str) -> Response:
    """One specimen as a workplace: viewer, layers, findings to be judged, comments, record, and what to take along."""
    return workplace.page(key, principal.of_page())
