"""The inbox (W3C Linked Data Notifications): notices come in from anybody, and those that curators accept are listed."""

import json
from typing import Any, Literal

from flask import Blueprint, Response, request
from werkzeug.exceptions import UnsupportedMediaType

from app.inbox import service
from app.inbox.reading import BadNotice
from app.inbox.service import Notice, State
from app.runtime import context, principal
from app.runtime.addresses import Addresses
from app.runtime.clock import iso
from app.runtime.errors import TooMuch
from app.runtime.http import JSON_LD, answer
from app.web import layout
from app.web.account import forms

blueprint = Blueprint("inbox", __name__, template_folder="templates")
LDN = "http://www.w3.org/ns/ldp"
MAX_BYTES = 64_000
TYPES = ("application/ld+json", "application/json", "application/activity+json")
HEADERS = {"Accept-Post": ", ".join(TYPES), "Allow": "GET, HEAD, OPTIONS, POST", "Link": f'<{LDN}#Container>; rel="type"'}
SHOWN = 50
DECISIONS: dict[str, State] = {"accept": "accepted", "reject": "rejected"}
Decision = Literal["accept", "reject"]


@blueprint.get("/inbox")
def read_inbox() -> Response:
    """What was accepted, a page at a time (LDN, section 3.3.1)."""
    addresses, after = context.current().addresses, request.args.get("after", "")[:16]
    with context.current().reads.begin() as session:
        found = service.page(session, "accepted", by=principal.NOBODY, after=after, limit=SHOWN + 1)
    body: dict[str, Any] = {"@context": LDN, "@id": f"{addresses.base}/inbox", "@type": "Container"}
    body["contains"] = [{"@id": _address(one, addresses)} for one in found[:SHOWN]]
    response = answer(body, JSON_LD, headers=HEADERS)
    if len(found) > SHOWN:
        response.headers.add("Link", f'<{addresses.base}/inbox?after={found[SHOWN - 1].key}>; rel="next"')
    return response


@blueprint.post("/inbox")
def receive() -> Response:
    """201 for a notice that is kept until somebody decides about it, 200 for one that is here. Raises BadNotice, TooOften."""
    if request.mimetype not in TYPES:
        raise UnsupportedMediaType(f"A notice is JSON-LD: send one of {', '.join(TYPES)}.")
    data = request.get_data()
    if len(data) > MAX_BYTES:
        raise TooMuch(f"A notice has at most {MAX_BYTES:,} bytes.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise BadNotice(f"The notice is not JSON: {str(error)[:100]}.") from error
    runtime = context.current()
    with runtime.db.begin() as session:
        kept, is_new = service.receive(session, runtime, document, address=principal.client_address())
    address = _address(kept, runtime.addresses)
    said = "A curator decides whether it is shown." if kept.state == "waiting" else f"It is {kept.state}."
    return answer(
        {"id": address, "state": kept.state, "detail": said}, status=201 if is_new else 200, headers={"Location": address}
    )


@blueprint.get("/inbox/<key>")
def read_notice(key: str) -> Response:
    """A notice as it was sent; one that was not accepted for curators alone. Raises UnknownNotice."""
    by = principal.of_request()
    with context.current().reads.begin() as session:
        found = service.get(session, key[:16], by=by)
    return answer(dict(found.document), JSON_LD, by=by)


@blueprint.get("/api/notices")
def list_notices() -> Response:
    """A page of notices: `state` is accepted, or for curators waiting or rejected; `about` is the key of a thing."""
    by, runtime = principal.of_request(), context.current()
    state, about = _state("accepted"), request.args.get("about", "")[:64]
    with runtime.reads.begin() as session:
        if about:
            found = service.about(session, [about])
        else:
            found = service.page(session, state, by=by, after=request.args.get("after", "")[:16], limit=SHOWN + 1)
    shown = found if about else found[:SHOWN]
    body: dict[str, Any] = {"items": [to_json(one, runtime.addresses) for one in shown]}
    if len(found) > len(shown):
        body["next"] = f"{runtime.addresses.base}/api/notices?state={state}&after={shown[-1].key}"
    return answer(body, by=by)


@blueprint.post("/api/notices/<key>/<any(accept, reject):decision>")
def decide(key: str, decision: Decision) -> Response:
    """For curators of the thing's collection."""
    by, runtime = principal.of_writer(), context.current()
    with runtime.db.begin() as session:
        decided = service.decide(session, key[:16], DECISIONS[decision], by=by, at=runtime.clock())
    return answer(to_json(decided, runtime.addresses), by=by)


@blueprint.get("/notices")
def page() -> Response:
    """What waits for a decision, for curators. Raises NotAllowed, Forbidden."""
    by, runtime, state = principal.of_page(), context.current(), _state("waiting")
    after = request.args.get("after", "")[:16]
    with runtime.reads.begin() as session:
        found = service.page(session, state, by=by, after=after, limit=SHOWN + 1)
    following = found[SHOWN - 1].key if len(found) > SHOWN else ""
    shown = [(one, runtime.addresses.pid(one.about_key)) for one in found[:SHOWN]]
    return layout.page("notices.html", by=by, personal=True, here="notices", notices=shown, state=state, following=following)


@blueprint.post("/notices/<key>/<any(accept, reject):decision>")
def page_decide(key: str, decision: Decision) -> Response:
    """The same from the page: 303 back to it."""
    by, runtime = principal.of_page_writer(), context.current()
    with runtime.db.begin() as session:
        service.decide(session, key[:16], DECISIONS[decision], by=by, at=runtime.clock())
    return forms.to("/notices")


def to_json(one: Notice, addresses: Addresses) -> dict[str, Any]:
    """A notice under camelCase names."""
    return {
        "id": _address(one, addresses),
        "key": one.key,
        "state": one.state,
        "kind": one.kind,
        "about": addresses.pid(one.about_key),
        "source": one.source,
        "title": one.title,
        "saidBy": {"id": one.actor, "name": one.actor_name},
        "received": iso(one.received_at),
    }


def _address(one: Notice, addresses: Addresses) -> str:
    return f"{addresses.base}/inbox/{one.key}"


def _state(default: State) -> State:
    asked = request.args.get("state", default)
    return asked if asked in ("waiting", "accepted", "rejected") else default  # type: ignore[return-value]  # one of the three
