"""The page of exchange: take annotations along, bring them in, and what came of the imports."""

from flask import Blueprint, Response, request

from annotations.exchange.formats import FORMATS
from app.exchange import import_jobs
from app.exchange.choice import LAYERS
from app.problems import status_of
from app.runtime import context, principal
from app.runtime.errors import DomainError
from app.runtime.http import integer
from app.runtime.principal import Principal, may
from app.web import layout
from app.web.account import forms
from app.web.exchange import importing

blueprint = Blueprint("exchange", __name__, template_folder="templates")
SHOWN = 20
ROWS_SHOWN = 200
LONGEST_QUESTION = 2_000


@blueprint.get("/exchange")
def page() -> Response:
    """Forms for both ways; `q` and `specimen` say of what."""
    return _page(principal.of_page())


@blueprint.post("/exchange/imports")
def bring() -> Response:
    """Read a file; the page of the import tells what would come in."""
    by = principal.of_page_writer()
    principal.require(by, "curate")
    try:
        made = importing.take(by)
    except DomainError as error:
        return _page(by, error)
    return forms.to(f"/exchange/imports/{made.key}")


@blueprint.get("/exchange/imports/<key>")
def one(key: str) -> Response:
    """One import with its report."""
    return _one(principal.of_page(), key)


@blueprint.post("/exchange/imports/<key>/accept")
def accept(key: str) -> Response:
    """Take in what a dry run has read."""
    by = principal.of_page_writer()
    try:
        made = import_jobs.accept(context.current(), key, by)
    except DomainError as error:
        return _one(by, key, error)
    return forms.to(f"/exchange/imports/{made.key}")


def _page(by: Principal, error: DomainError | None = None) -> Response:
    runtime, number = context.current(), integer("page", 1, 1, 10_000)
    found = []
    if may(by, "curate"):
        with runtime.reads.begin() as session:
            found = import_jobs.page(session, by, offset=(number - 1) * SHOWN, limit=SHOWN + 1)
    return layout.page(
        "exchange.html",
        by=by,
        status=status_of(error) if error else 200,
        personal=True,
        here="exchange",
        wrong=error.sentence if error else "",
        formats=list(FORMATS.values()),
        layers=LAYERS,
        question=request.args.get("q", "")[:LONGEST_QUESTION],
        search=request.args.get("search", "")[:LONGEST_QUESTION],
        specimen=request.args.get("specimen", "")[:64],
        curates=may(by, "curate"),
        imports=found[:SHOWN],
        number=number,
        more=len(found) > SHOWN,
    )


def _one(by: Principal, key: str, error: DomainError | None = None) -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = import_jobs.get(session, key, by)
    report = found.report or {}
    return layout.page(
        "import.html",
        by=by,
        status=status_of(error) if error else 200,
        personal=True,
        here="exchange",
        wrong=error.sentence if error else "",
        imported=found,
        report=report,
        label=FORMATS[found.format].label if found.format in FORMATS else found.format,
        refusals=report.get("refusals", [])[:ROWS_SHOWN],
    )
