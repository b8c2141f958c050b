"""The list of runs and the page of one."""

from flask import Blueprint, Response, request

from app.runtime import context, principal
from app.runtime.http import integer
from app.web import layout
from app.web.runs import listing

RUNS_SHOWN = 30
blueprint = Blueprint("runs", __name__, template_folder="templates")


@blueprint.get("/runs")
def runs() -> Response:
    """All runs, newest first, or those in one state."""
    number = integer("page", 1, 1, 1_000_000)
    state = request.args.get("state", "")
    by = principal.of_request()
    with context.current().reads.begin() as session:
        return layout.page("runs.html", by=by, here="runs", **listing.listing(session, state, number, RUNS_SHOWN, by))


@blueprint.get("/runs/<key>")
def run(key: str) -> Response:
    """One run with its steps, its report and where its results come from."""
    with context.current().reads.begin() as session:
        return layout.page("run.html", here="runs", **listing.detail(session, key, context.current().addresses))
