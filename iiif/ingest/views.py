"""Ingests over HTTP."""

from typing import Any, Protocol
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.runtime import clock, context, principal
from app.runtime.addresses import Addresses
from app.runtime.errors import Invalid
from app.runtime.http import answer, depends_on, integer
from iiif.catalogue.visibility import refusal
from iiif.ingest import service
from iiif.ingest.model import Ingest
from iiif.ingest.report import csv_of

blueprint = Blueprint("ingests", __name__)
STATES = ("running", "completed", "failed")
LAST_PAGE = 10_000


@blueprint.get("/api/ingests")
def ingests() -> Response:
    """A page of ingests, newest first; `state=` narrows it."""
    return listing("/api/ingests?", to_json)


@blueprint.get("/api/ingests/<key>")
def ingest(key: str) -> Response:
    """One ingest with its report; without what names files, where an image is closed to who asks."""
    runtime, by = context.current(), principal.of_request()
    with runtime.reads.begin() as session:
        ingest = service.get(session, key, by=by)
    return answer(to_json(ingest, runtime.addresses), by=by)


@blueprint.get("/api/ingests/<key>/report.csv")
def report_csv(key: str) -> Response:
    """What the report of an ingest refused and found doubtful, as CSV for a spreadsheet (UTF-8 with a mark).

    It names files, and is refused where an image is closed to who asks.
    """
    by = principal.of_request()
    with context.current().reads.begin() as session:
        ingest = service.get(session, key, by=by)
    if ingest.names_left_out:
        raise refusal("The report names files, and images of this hub are not public", by)
    headers = {"Content-Disposition": f'attachment; filename="{ingest.key}.csv"'}
    response = Response("\ufeff" + csv_of(ingest.report), content_type="text/csv; charset=utf-8", headers=headers)
    depends_on(response, by)
    return response


class InJson(Protocol):
    """The form in which an ingest is given out; `short` leaves out what is long."""

    def __call__(self, ingest: Ingest, addresses: Addresses, *, short: bool = False) -> dict[str, Any]: ...


def listing(path: str, form: InJson) -> Response:
    """The page that the request asks for; `path` and a query lead to the next."""
    runtime, by = context.current(), principal.of_request()
    state = request.args.get("state", "")
    if state not in ("", *STATES):
        raise Invalid(f"state is one of {', '.join(STATES)}.", parameter="state")
    page, size = integer("page", 1, 1, LAST_PAGE), integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        counts = service.counts(session)
        listed = service.page(session, by=by, state=state, offset=(page - 1) * size, limit=size)
    total = counts.get(state, 0) if state else sum(counts.values())
    addresses = runtime.addresses
    body: dict[str, Any] = {"total": total, "page": page, "items": [form(ingest, addresses, short=True) for ingest in listed]}
    if page * size < total and page < LAST_PAGE:
        asked = ({"state": state} if state else {}) | {"limit": size, "page": page + 1}
        body["next"] = f"{addresses.base}{path}{urlencode(asked)}"
    return answer(body, by=by)


def to_json(ingest: Ingest, addresses: Addresses, *, short: bool = False) -> dict[str, Any]:
    """An ingest under camelCase names; `short` leaves out environment and report."""
    body: dict[str, Any] = {
        "id": addresses.ingest(ingest.key),
        "key": ingest.key,
        "kind": "ingest",
        "state": ingest.state,
        "reason": ingest.reason,
        "sources": list(ingest.sources),
        "askedBy": ingest.asked_by,
        "codeVersion": ingest.code_version,
        "done": ingest.done,
        "total": ingest.total,
        "createdAt": clock.iso(ingest.created_at),
        "endedAt": clock.iso(ingest.ended_at) if ingest.ended_at else "",
    }
    if ingest.names_left_out:
        del body["sources"]
    if not short:
        body |= {"environment": ingest.environment, "report": ingest.report}
    return {name: value for name, value in body.items() if value not in ("", None)}
