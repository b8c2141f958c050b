"""Webhooks for administrators: as an API, and as pages."""

from collections.abc import Callable, Mapping
from typing import Any

from flask import Blueprint, Response, request
from sqlalchemy.orm import Session

from app.runtime import clock, context, events, principal
from app.runtime.errors import DomainError, Invalid
from app.runtime.http import answer, integer
from app.runtime.principal import Principal
from app.web import layout
from app.web.account import forms
from app.webhooks import service
from app.webhooks.service import Delivery, Webhook

blueprint = Blueprint("webhooks", __name__, template_folder="templates")
MEMBERS = {"url", "types", "closed"}
SHOWN = 50
DONE = {
    "revoked": "The webhook is revoked: nothing more is sent to it.",
    "tested": "A message of the type webhook.test is on its way; its result is below in a moment.",
    "redelivered": "The message is tried again.",
}


@blueprint.get("/api/webhooks")
def listing() -> Response:
    """All webhooks; for administrators, as everything here."""
    by = _administrator()
    with context.current().reads.begin() as session:
        found = service.listed(session, by=by)
    return answer({"total": len(found), "items": [_webhook_json(one) for one in found]}, by=by)


@blueprint.post("/api/webhooks")
def create() -> Response:
    """201 with the secret, which is told this once. JSON: `url`, `types` (empty: all), `closed`."""
    by = _administrator()
    asked = request.get_json()
    if not isinstance(asked, dict) or asked.keys() - MEMBERS:
        raise Invalid(f"Send a JSON object with {', '.join(sorted(MEMBERS))}.")
    url, types, closed = asked.get("url"), asked.get("types", []), asked.get("closed", False)
    if not isinstance(url, str) or not isinstance(types, list) or not all(isinstance(one, str) for one in types):
        raise Invalid("url is a text and types is a list of texts.", parameter="url")
    if not isinstance(closed, bool):
        raise Invalid("closed is true or false.", parameter="closed")
    made, secret = _make(by, url, types, closed)
    headers = {"Location": f"{context.current().addresses.base}/api/webhooks/{made.key}", "Cache-Control": "no-store"}
    return answer({**_webhook_json(made), "secret": secret}, status=201, headers=headers, by=by)


@blueprint.get("/api/webhooks/<key>")
def one(key: str) -> Response:
    by = _administrator()
    with context.current().reads.begin() as session:
        found = service.get(session, key, by=by)
    return answer(_webhook_json(found), by=by)


@blueprint.delete("/api/webhooks/<key>")
def revoke(key: str) -> Response:
    """204: nothing more is sent."""
    by = _administrator()
    _do(lambda session: service.revoke(session, key, by=by, at=context.current().clock()))
    return Response(status=204)


@blueprint.get("/api/webhooks/<key>/deliveries")
def deliveries(key: str) -> Response:
    """Its messages, the newest first; `state` narrows them, `before` goes on."""
    by, runtime = _administrator(), context.current()
    size, before = integer("limit", runtime.settings.page_size, 1, 1000), integer("before", 0, 0, 10**18)
    state = request.args.get("state", "")
    with runtime.reads.begin() as session:
        found = service.deliveries(session, key, by=by, state=state, before=before, limit=size + 1)
    body: dict[str, Any] = {"items": [_delivery_json(one) for one in found[:size]]}
    if len(found) > size:
        more = f"{runtime.addresses.base}/api/webhooks/{key}/deliveries?limit={size}&before={found[size - 1].id}"
        body["next"] = more + (f"&state={state}" if state else "")
    return answer(body, by=by)


@blueprint.post("/api/webhooks/<key>/deliveries/<int:delivery>/redeliver")
def redeliver(key: str, delivery: int) -> Response:
    """202: the message is tried again now."""
    by = _administrator()
    _do(lambda session: service.redeliver(session, key, delivery, by=by, at=context.current().clock()))
    return answer({"key": key, "message": delivery}, status=202, by=by)


@blueprint.post("/api/webhooks/<key>/test")
def test(key: str) -> Response:
    """202: a message that says nothing is on its way."""
    by, runtime = _administrator(), context.current()
    _do(lambda session: service.ping(session, key, by=by, at=runtime.clock(), addresses=runtime.addresses))
    return answer({"key": key}, status=202, by=by)


@blueprint.get("/webhooks")
def page() -> Response:
    """All webhooks, and a form for another."""
    return _list(_administrator())


@blueprint.post("/webhooks")
def page_create() -> Response:
    """Make one; the page shows its secret this once."""
    by = _administrator()
    types = [one for one in request.form.getlist("types") if one]
    try:
        made, secret = _make(by, forms.field("url", 500).strip(), types, bool(forms.field("closed")))
    except DomainError as error:
        return _list(by, error)
    return _one(by, made.key, secret=secret)


@blueprint.get("/webhooks/<key>")
def page_one(key: str) -> Response:
    """One webhook with its messages."""
    return _one(_administrator(), key)


@blueprint.post("/webhooks/<key>/<any(revoke, test, redeliver):change>")
def page_change(key: str, change: str) -> Response:
    """Revoke it, send a test, or send a message again."""
    by, runtime = _administrator(), context.current()
    at, message = runtime.clock(), forms.field("message")
    deeds: Mapping[str, tuple[str, Callable[[Session], None]]] = {
        "revoke": ("revoked", lambda session: service.revoke(session, key, by=by, at=at)),
        "test": ("tested", lambda session: service.ping(session, key, by=by, at=at, addresses=runtime.addresses)),
        "redeliver": ("redelivered", lambda session: service.redeliver(session, key, _number(message), by=by, at=at)),
    }
    done, deed = deeds[change]
    _do(deed)
    return forms.to(f"/webhooks/{key}", done=done)


def _administrator() -> Principal:
    """Raises NotAllowed, Forbidden."""
    by = principal.of_page()
    principal.require(by, "administer")
    return by


def _make(by: Principal, url: str, types: list[str], closed: bool) -> tuple[Webhook, str]:
    runtime = context.current()
    private = runtime.settings.webhook_private_addresses
    with runtime.db.begin() as session:
        return service.create(session, url, types, by=by, at=runtime.clock(), closed=closed, private=private)


def _do(deed: Callable[[Session], None]) -> None:
    with context.current().db.begin() as session:
        deed(session)


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 19):
        raise Invalid("A message is known by its number.", parameter="message")
    return int(text)


def _list(by: Principal, error: DomainError | None = None) -> Response:
    with context.current().reads.begin() as session:
        found = service.listed(session, by=by)
    return layout.page(
        "webhooks.html",
        by=by,
        status=200 if error is None else 400,
        personal=True,
        here="webhooks",
        webhooks=found,
        types=events.TYPES,
        typed={"url": request.form.get("url", "")[:500], "types": request.form.getlist("types")},
        wrong=error.sentence if error else "",
    )


def _one(by: Principal, key: str, *, secret: str = "") -> Response:
    state, before = request.args.get("state", ""), integer("before", 0, 0, 10**18)
    with context.current().reads.begin() as session:
        found = service.get(session, key, by=by)
        messages = service.deliveries(session, key, by=by, state=state, before=before, limit=SHOWN + 1)
    return layout.page(
        "webhook.html",
        by=by,
        personal=True,
        here="webhooks",
        webhook=found,
        messages=messages[:SHOWN],
        more=messages[SHOWN - 1].id if len(messages) > SHOWN else 0,
        chosen=state,
        secret=secret,
        done=DONE.get(request.args.get("done", ""), ""),
    )


def _webhook_json(one: Webhook) -> dict[str, Any]:
    return {
        "key": one.key,
        "url": one.url,
        "types": list(one.types),
        "closed": one.closed,
        "state": one.state,
        "stopped": one.stopped,
        "failures": one.failures,
        "waiting": one.waiting,
        "dead": one.dead,
        "madeAt": clock.iso(one.made_at),
        "madeBy": one.made_by,
    }


def _delivery_json(one: Delivery) -> dict[str, Any]:
    return {
        "id": one.id,
        "event": one.event_id,
        "type": one.type,
        "state": one.state,
        "attempts": one.attempts,
        "madeAt": clock.iso(one.made_at),
        "dueAt": clock.iso(one.due_at) if one.state == "waiting" else None,
        "tries": list(one.tries),
        "body": dict(one.body),
    }
