"""Who changed what, as a page and as REST, for curators of the whole hub. Network addresses are for administrators."""

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, request

from app.runtime import changes, context, principal
from app.runtime.accounts import model, store
from app.runtime.changes import Change
from app.runtime.errors import Invalid
from app.runtime.http import answer, integer
from app.runtime.principal import Principal, may
from app.web import layout

blueprint = Blueprint("audit", __name__, template_folder="templates")
FILTERS = ("kind", "key", "by")
KINDS = ("account", "annotation", "ingest", "media", "question", "run", "segment", "specimen", "token")
LAST_ID = 2**53
SHOWN = 50
SHOWN_AT = {
    "annotation": "/annotations/{}",
    "ingest": "/runs/{}",
    "media": "/api/media/{}",
    "run": "/runs/{}",
    "segment": "/segments/{}",
    "specimen": "/specimens/{}",
}


@blueprint.get("/api/changes")
def list_changes() -> Response:
    """A page of changes, newest first, from the one before `before`; `kind=` and `key=` of the thing and `by=` narrow it."""
    by = principal.of_page()
    principal.require(by, "curate")
    runtime = context.current()
    asked, before = _asked()
    limit = integer("limit", runtime.settings.page_size, 1, 1000)
    with runtime.reads.begin() as session:
        found = changes.page(session, **asked, before=before, limit=limit + 1)
    following = _following(asked, found, limit)
    address = f"{runtime.addresses.base}/api/changes?{urlencode(following | {'limit': limit})}" if following else None
    return answer({"items": [_json(change, by) for change in found[:limit]], "next": address}, by=by)


@blueprint.get("/audit")
def audit() -> Response:
    """The same for people; `by` is a login name, too."""
    by = principal.of_page()
    principal.require(by, "curate")
    asked, before = _asked()
    with context.current().reads.begin() as session:
        named = store.by_login(session, model.folded(asked["by"])) if asked["by"] else None
        found = changes.page(session, **(asked | ({"by": named.key} if named else {})), before=before, limit=SHOWN + 1)
        named_there = [change.key for change in found if change.kind == "account"]
        names = store.names(session, [*(change.by for change in found), *named_there])
    following = _following(asked, found, SHOWN)
    return layout.page(
        "audit.html",
        by=by,
        personal=True,
        here="audit",
        lines=[_line(change, names) for change in found[:SHOWN]],
        addresses=may(by, "administer"),
        asked=asked,
        kinds=KINDS,
        next_href=f"/audit?{urlencode(following)}" if following else "",
    )


def _asked() -> tuple[dict[str, str], int]:
    """The filters and the number to begin before. Raises Invalid."""
    asked = {name: request.args.get(name, "").strip()[:100] for name in FILTERS}
    if asked["key"] and not asked["kind"]:
        raise Invalid("A key needs the kind of thing beside it: kind=annotation&key=….", parameter="kind")
    return asked, integer("before", 0, 0, LAST_ID)


def _following(asked: dict[str, str], found: tuple[Change, ...], limit: int) -> dict[str, Any]:
    """What to ask for the page behind this one; nothing where this is the last."""
    if len(found) <= limit:
        return {}
    return {name: value for name, value in asked.items() if value} | {"before": found[limit - 1].id}


def _json(change: Change, by: Principal) -> dict[str, Any]:
    return changes.to_json(change) | ({"address": change.address} if may(by, "administer") else {})


def _line(change: Change, names: Any) -> dict[str, Any]:
    details = ", ".join(f"{name} {value}" for name, value in change.details.items() if value not in (None, ""))
    return {
        "at": change.at,
        "by": names.get(change.by, change.by),
        "person": change.by in names,
        "key_of_by": change.by,
        "token": change.token or "",
        "address": change.address or "",
        "action": change.action,
        "kind": change.kind,
        "key": change.key,
        "name": names.get(change.key, "") if change.kind == "account" else "",
        "href": SHOWN_AT[change.kind].format(change.key) if change.kind in SHOWN_AT else "",
        "version": change.version,
        "details": details,
    }
