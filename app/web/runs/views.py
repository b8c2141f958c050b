"""The list of runs and ingests, and the page of one."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, request

from analytics import service as analytics
from app.problems import status_of
from app.runtime import context, ids, principal
from app.runtime.errors import DomainError
from app.runtime.http import integer
from app.web import layout
from app.web.account import forms
from app.web.names import signposts
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
    return _page(key)


@blueprint.post("/runs/<key>/<any(cancel, retract, restore):change>")
def change(key: str, change: str) -> Response:
    """Curators cancel, retract (which wants a `reason`) and restore runs here, as programs do below /api/runs."""
    by, runtime = principal.of_page_writer(), context.current()
    changes: dict[str, Callable[..., Any]] = {
        "cancel": analytics.cancel,
        "retract": lambda session, key, **how: analytics.retract(session, key, forms.field("reason", 2000), **how),
        "restore": analytics.restore,
    }
    principal.require(by, "curate")
    try:
        with runtime.db.begin() as session:
            changes[change](session, key, by=by, at=runtime.clock())
    except DomainError as error:
        return _page(key, error)
    return forms.to(f"/runs/{key}")


def _page(key: str, error: DomainError | None = None) -> Response:
    addresses, by = context.current().addresses, principal.of_page()
    state, after, media = (request.args.get(name, "")[:64] for name in ("state", "after", "media"))
    with context.current().reads.begin() as session:
        if key.startswith(ids.INGEST):
            return layout.page("ingest.html", by=by, here="runs", **listing.ingest_detail(session, key, addresses, by))
        shown = listing.detail(session, key, state, after, media, addresses, by)
    wrong, status = (error.sentence, status_of(error)) if error else ("", 200)
    told = signposts.of_thing(key, by)
    how: dict[str, Any] = {
        "status": status,
        "here": "runs",
        "wrong": wrong,
        "schema_org": told.schema_org,
        "notices": told.notices,
    }
    return told.put_on(layout.page("run.html", by=by, **how, **shown))
