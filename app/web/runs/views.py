"""The list of runs and ingests, and the page of one."""

from flask import Blueprint, Response, request

from app.runtime import context, ids, principal
from app.runtime.http import integer
from app.web import layout
from app.web.runs import listing

RUNS_SHOWN = 30
blueprint = Blueprint("runs", __name__, template_folder="templates")


@blueprint.get("/runs")
def runs() -> Response:
    """All runs, newest first, or those in one state; `state=ingests` lists the ingests."""
    number = integer("page", 1, 1, 1_000_000)
    state = request.args.get("state", "")
    by = principal.of_page()
    with context.current().reads.begin() as session:
        return layout.page("runs.html", by=by, here="runs", **listing.listing(session, state, number, RUNS_SHOWN, by))


@blueprint.get("/runs/<key>")
def run(key: str) -> Response:
    """One run with its images, and where its results come from; or one ingest with its report."""
    addresses, by = context.current().addresses, principal.of_page()
    state, after, media = (request.args.get(name, "")[:64] for name in ("state", "after", "media"))
    with context.current().reads.begin() as session:
        if key.startswith(ids.INGEST):
            return layout.page("ingest.html", by=by, here="runs", **listing.ingest_detail(session, key, addresses, by))
        return layout.page("run.html", by=by, here="runs", **listing.detail(session, key, state, after, media, addresses, by))
