"""The page of a statement's history, and restoring from there."""

from flask import Blueprint, Response, url_for

from annotations import service as annotations
from app.runtime import context, principal
from app.runtime.errors import Invalid
from app.runtime.http import integer
from app.web import layout
from app.web.account.forms import field
from app.web.statements import history

blueprint = Blueprint("statements", __name__, template_folder="templates")


@blueprint.get("/statements/<key>/history")
def read_history(key: str) -> Response:
    """Who changed a statement, when and how; `before` is the number of the version that a page ends before."""
    by, runtime = principal.of_page(), context.current()
    before = integer("before", 0, 0, 2**31 - 1)
    with runtime.reads.begin() as session:
        found = history.of(session, key[:64], by=by, addresses=runtime.addresses, before=before)
    return layout.page("history.html", by=by, here="specimens", history=found)


@blueprint.post("/statements/<key>/restore")
def restore(key: str) -> Response:
    """Let an earlier version stand again, as a new one, unless somebody has changed the statement meanwhile."""
    by, runtime = principal.of_page_writer(), context.current()
    number, etag = field("version", 9), field("etag", 64)
    if not (number.isascii() and number.isdigit()) or not etag:
        raise Invalid("Say which version is to stand again, and which one you have seen.", parameter="version")
    with runtime.db.begin() as session:
        annotations.restore(
            session,
            key[:64],
            int(number),
            by=by,
            addresses=runtime.addresses,
            at=runtime.clock(),
            if_match=frozenset((etag,)),
        )
    return Response(
        status=303, headers={"Location": url_for("statements.read_history", key=key[:64]), "Cache-Control": "no-store"}
    )
