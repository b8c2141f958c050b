"""Agreement and consensus over HTTP."""

from datetime import UTC, datetime

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from annotations.consensus import service
from annotations.consensus.answers import Asked
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.http import JSON, answer

blueprint = Blueprint("consensus", __name__)


@blueprint.get("/api/agreement")
def agreement() -> Response:
    """How far people agree, with one another and with machines; `kind`, `run`, `from` and `to` narrow it."""
    by, asked = principal.of_page(), asked_of(request.args)
    with context.current().reads.begin() as session:
        body = service.agreement(session, asked, by=by)
    named = {"kind": asked.kind, "run": asked.run_key, "from": request.args.get("from", ""), "to": request.args.get("to", "")}
    return answer({**named, **body}, JSON, by=by)


@blueprint.get("/api/agreement/people")
def people() -> Response:
    """For curators: the figures of each person; `kind`, `run`, `from` and `to` narrow them."""
    by, asked = principal.of_page(), asked_of(request.args)
    with context.current().reads.begin() as session:
        found = service.by_person(session, asked, by=by)
    return answer({"kind": asked.kind, "run": asked.run_key, "people": found}, JSON, by=by)


@blueprint.get("/api/annotations/<key>/consensus")
def together(key: str) -> Response:
    """What those who answered to a statement say together."""
    by = principal.of_page()
    with context.current().reads.begin() as session:
        body = service.together(session, key[:64], by=by)
    return answer({"annotation": context.current().addresses.annotation(key[:64]), **body}, JSON, by=by)


def asked_of(arguments: "MultiDict[str, str]") -> Asked:
    """Raises Invalid."""
    run = arguments.get("run", "")[:500].rpartition("/")[2][:16]
    return Asked(arguments.get("kind", "")[:32], run, _moment(arguments, "from"), _moment(arguments, "to"))


def _moment(arguments: "MultiDict[str, str]", name: str) -> datetime | None:
    """A day, 2026-11-25, or a moment with its zone; without one it is UTC."""
    text = arguments.get(name, "")[:40]
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError as error:
        raise Invalid(f"{name} is a day or a moment, such as 2026-11-25 or 2026-11-25T12:00:00Z.", parameter=name) from error
    return found.replace(tzinfo=UTC) if found is not None and found.tzinfo is None else found
