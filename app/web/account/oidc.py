"""Signing in with somebody who vouches: the way to a provider of OpenID Connect and back, and its word that a session ended."""

import hmac
import json
import secrets
from typing import Any

from flask import Blueprint, Response, request

from app.runtime import context, principal, sessions
from app.runtime.accounts import identities
from app.runtime.context import Runtime
from app.runtime.errors import Forbidden, Invalid, NotAllowed, NotFound
from app.runtime.settings import Provider
from app.web import visits
from app.web.account import forms, provider
from app.web.account.signing_in import let_in

blueprint = Blueprint("oidc", __name__)
ON_THE_WAY_S = 600  # from here to the provider and back


@blueprint.get("/login/oidc/<name>")
def leave(name: str) -> Response:
    """303 to the provider. `next` is the page to go on to; with `connect=1` who is signed in connects their account."""
    runtime, by = context.current(), principal.of_page()
    asked = _provider(runtime, name)
    connect = request.args.get("connect") == "1"
    if connect and (not by.session or request.headers.get("Sec-Fetch-Site") != "same-origin"):
        raise Forbidden("An account is connected from its own page, signed in.")
    held = {
        "state": secrets.token_urlsafe(32),
        "nonce": secrets.token_urlsafe(32),
        "verifier": secrets.token_urlsafe(48),
        "next": forms.local(request.args.get("next", "")),
        "connect": by.session if connect else "",
    }
    flow = {key: held[key] for key in ("state", "nonce", "verifier")}
    response = Response(status=303)
    response.headers["Location"] = provider.authorization_address(asked, _return_address(runtime, name), **flow)
    visits.set_way(response, name, json.dumps(held), runtime.settings, ON_THE_WAY_S)
    return response


@blueprint.get("/login/oidc/<name>/callback")
def come_back(name: str) -> Response:
    """303 to where the way began, signed in. Only the browser that left comes back."""
    runtime, by = context.current(), principal.of_page()
    asked, held = _provider(runtime, name), _held(runtime, name)
    if not held or not hmac.compare_digest(held["state"].encode(), request.args.get("state", "").encode()):
        raise NotAllowed("This way to sign in was not begun in this browser, or too long ago: begin again.")
    if request.args.get("error") or not request.args.get("code"):
        raise NotAllowed(f"{asked.label} did not let you in.")
    if request.args.get("iss", asked.issuer) != asked.issuer:  # RFC 9207
        raise NotAllowed("Another provider answered than the one that was asked: begin again.")
    vouched = provider.vouched_for(
        asked, _return_address(runtime, name), request.args["code"][:2000], nonce=held["nonce"], verifier=held["verifier"]
    )
    if held["connect"] and held["connect"] != by.session:
        raise NotAllowed("Your session has ended on the way: sign in, and begin again.")
    with runtime.db.begin() as session:
        person = identities.Person.of_claims(vouched.issuer, vouched.subject, vouched.claims)
        how: dict[str, Any] = {"at": runtime.clock(), "address": principal.client_address()}
        if held["connect"]:
            identities.connect(session, person, by=by, at=runtime.clock())
            response = forms.to("/account", done="connected")
        else:
            key = identities.account_of(session, person, sign_up=asked.sign_up, naan=runtime.settings.naan, **how)
            identities.keep_roles(session, key, vouched.claims, asked.roles_claim, asked.roles, at=runtime.clock())
            how = {"provider": asked.issuer, "provider_session": vouched.session}
            response = let_in(session, runtime, key, held["next"], **how)
    visits.clear_way(response, name, runtime.settings)
    return response


@blueprint.post("/login/oidc/<name>/logout")
def logged_out(name: str) -> Response:
    """The provider says that somebody signed out there (Back-Channel Logout 1.0): their sessions by it end here, too."""
    runtime = context.current()
    asked = _provider(runtime, name)
    try:
        subject, provider_session = provider.signed_out(asked, forms.field("logout_token", 20_000))
    except NotAllowed as error:
        raise Invalid(error.sentence) from error
    with runtime.db.begin() as session:
        sessions.end_of_provider(session, asked.issuer, provider_session, identities.key_of(session, asked.issuer, subject))
    return Response(status=200, headers={"Cache-Control": "no-store"})


def _provider(runtime: Runtime, name: str) -> Provider:
    found = next((one for one in runtime.settings.oidc if one.name == name), None)
    if found is None:
        raise NotFound(f"There is no provider {name[:40]!r} here.")
    return found


def _held(runtime: Runtime, name: str) -> dict[str, str]:
    """What the browser was given on the way; empty where it was given nothing."""
    try:
        held = json.loads(request.cookies.get(visits.way_name(name, runtime.settings), "{}"))
    except ValueError:
        return {}
    names = ("state", "nonce", "verifier", "next", "connect")
    sound = isinstance(held, dict) and all(isinstance(held.get(part), str) for part in names) and held["state"]
    return held if sound else {}


def _return_address(runtime: Runtime, name: str) -> str:
    return f"{runtime.settings.base_url}/login/oidc/{name}/callback"
