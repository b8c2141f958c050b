"""The record of changes as REST, for curators of the whole hub."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.runtime import changes, clock, context, principal
from app.runtime.changes import Change
from app.runtime.errors import Invalid
from app.runtime.http import answer, integer

blueprint = Blueprint("changes", __name__)
FILTERS = ("kind", "key", "by")
LAST_ID = 2**53


@blueprint.get("/api/changes")
def list_changes() -> Response:
    """A page of changes, newest first, from the one before `before`; `kind=` and `key=` of the thing and `by=` narrow it."""
    by = principal.of_request()
    principal.require(by, "curate")
    runtime = context.current()
    asked = {name: request.args.get(name, "")[:100] for name in FILTERS}
    if asked["key"] and not asked["kind"]:
        raise Invalid("A key needs the kind of thing beside it: kind=annotation&key=….", parameter="kind")
    limit = integer("limit", runtime.settings.page_size, 1, 1000)
    before = integer("before", 0, 0, LAST_ID)
    with runtime.reads.begin() as session:
        found = changes.page(session, **asked, before=before, limit=limit + 1)
    shown = found[:limit]
    query = {name: value for name, value in asked.items() if value} | {"limit": limit}
    following = urlencode(query | {"before": shown[-1].id}) if len(found) > limit else ""
    address = f"{runtime.addresses.base}/api/changes?{following}" if following else None
    return answer({"items": [to_json(change) for change in shown], "next": address}, by=by)


def to_json(change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "at": clock.iso(change.at),
        "by": change.by,
        "token": change.token,
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "version": change.version,
        "details": dict(change.details),
    }
