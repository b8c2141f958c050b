"""One's own account: what is known of it, its password, sessions and tokens; taking it along, and removing it."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime

from flask import Blueprint, Response, request

from app.runtime import context, ids, principal, sessions, tokens
from app.runtime.accounts import identities, passwords, service, store
from app.runtime.context import Runtime
from app.runtime.errors import Conflict, DomainError, Invalid, NotAllowed, NotFound
from app.runtime.http import answer
from app.runtime.principal import ROLES, Principal
from app.web import layout, visits
from app.web.account import forms
from app.web.account.signing_in import check

blueprint = Blueprint("account", __name__, template_folder="templates")
DONE = {
    "joined": "Welcome. Your password is set, and you are signed in.",
    "described": "What is known of you is saved.",
    "password": "Your password is changed. All other sessions have ended.",
    "connected": "Your account is connected: you may sign in by it from now on.",
    "disconnected": "Your account is disconnected: nobody signs in by it any more.",
    "session": "The session has ended.",
    "revoked": "The token is revoked: it opens nothing any more.",
}


@blueprint.get("/account")
def account() -> Response:
    """Who is signed in, and everything that they may change about it."""
    return _page(_person())


@blueprint.post("/account")
def describe() -> Response:
    """Change name, e-mail and ORCID."""
    by, runtime = _person(), context.current()
    try:
        with runtime.db.begin() as session:
            said = {name: forms.field(name) for name in ("name", "email", "orcid")}
            service.describe(session, **said, at=runtime.clock(), by=by)
    except Invalid as error:
        return _page(by, error)
    return forms.to("/account", done="described")


@blueprint.post("/account/password")
def password() -> Response:
    """Change the password; all other sessions end, and this one goes on under another id."""
    by, runtime = _person(), context.current()
    try:
        _confirm(runtime, by)
        if forms.field("password", 1000) != forms.field("again", 1000):
            raise Invalid("The two passwords differ.", parameter="again")
        password_hash = passwords.hashed(forms.field("password", 1000))
    except DomainError as error:
        return _page(by, error)
    with runtime.db.begin() as session:
        secret = service.change_password(session, password_hash, at=runtime.clock(), by=by)
    response = forms.to("/account", done="password")
    visits.set_cookie(response, secret, runtime.settings)
    return response


@blueprint.post("/account/sessions/end")
def end_session() -> Response:
    """End the session of that `session`, or all others but this one."""
    by, runtime = _person(), context.current()
    which = forms.field("session")
    with runtime.db.begin() as session:
        if which == "others":
            sessions.end_all(session, by.account, but=by.session)
        else:
            sessions.end(session, by.account, which)
    return forms.to("/login" if which == by.session else "/account", done="session")


@blueprint.post("/account/tokens")
def make_token() -> Response:
    """Make a token; the page shows its secret this once."""
    by, runtime = _person(), context.current()
    try:
        name, role = forms.field("name").strip(), forms.field("role")
        expires_at = _day(forms.field("expires"))
        if role not in ROLES:
            raise Invalid(f"A role is one of {', '.join(ROLES)}.", parameter="role")
        with runtime.db.begin() as session:
            secret = tokens.create(session, name, runtime.clock(), by=by, role=role, expires_at=expires_at, account=by.account)
    except DomainError as error:
        return _page(by, error)
    return _page(by, secret=secret)


@blueprint.post("/account/tokens/revoke")
def revoke_token() -> Response:
    """Revoke a token of one's own."""
    by, runtime = _person(), context.current()
    with runtime.db.begin() as session:
        tokens.revoke(session, forms.field("name"), runtime.clock(), by=by)
    return forms.to("/account", done="revoked")


@blueprint.post("/account/disconnect")
def disconnect() -> Response:
    """Sign in by the provider of that `name` no more."""
    by, runtime = _person(), context.current()
    name = forms.field("name")
    try:
        asked = next((one for one in runtime.settings.oidc if one.name == name), None)
        if asked is None:
            raise NotFound(f"There is no provider {name[:40]!r} here.")
        with runtime.db.begin() as session:
            identities.disconnect(session, asked.issuer, by=by, at=runtime.clock())
    except (Conflict, NotFound) as error:
        return _page(by, error)
    return forms.to("/account", done="disconnected")


@blueprint.get("/account/export")
def export() -> Response:
    """All that the hub has of the account, as lines of JSON: first the account, then each change that it made."""
    by, runtime = _person(), context.current()

    def lines() -> Iterator[str]:
        with runtime.reads.begin() as session:
            for line in service.exported(session, by.account, at=runtime.clock(), by=by):
                yield json.dumps(line, ensure_ascii=False) + "\n"

    headers = {"Content-Disposition": 'attachment; filename="lectotype-account.jsonl"'}
    return Response(lines(), content_type="application/x-ndjson", headers=headers)


@blueprint.post("/account/remove")
def remove() -> Response:
    """Remove the account for good."""
    by, runtime = _person(), context.current()
    try:
        _confirm(runtime, by)
        with runtime.db.begin() as session:
            service.remove(session, by.account, at=runtime.clock(), by=by)
    except DomainError as error:
        return _page(by, error)
    response = forms.to("/")
    visits.clear(response, runtime.settings)
    return response


@blueprint.get("/api/agents/<key>")
def agent(key: str) -> Response:
    """Who is named as the creator of statements: name and ORCID, and no more."""
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = store.row_of(session, key)
        body = {"id": runtime.addresses.pid(found.key), "type": "Person", "name": found.name}
        return answer(body | ({"sameAs": f"https://orcid.org/{found.orcid}"} if found.orcid else {}))


def _person() -> Principal:
    """Who is signed in with a browser. Raises NotAllowed; tokens have no pages of their own."""
    by = principal.of_page()
    if not by.session:
        raise NotAllowed(by.refused or "Sign in to see your account.")
    return by


def _confirm(runtime: Runtime, by: Principal) -> None:
    """That it is the person themselves is proved by the password once more, or, where there is none, by the login name."""
    with runtime.reads.begin() as session:
        row = store.row_of(session, by.account)
        login, has_password = row.login or "", bool(row.password_hash)
    if has_password:
        try:
            check(runtime, login, forms.field("current", 1000))
        except NotAllowed as error:
            raise Invalid("The present password is wrong.", parameter="current") from error
    elif forms.field("current", 1000).strip() != login:
        raise Invalid("Type your login name to confirm this.", parameter="current")


def _day(text: str) -> datetime | None:
    """The end of a day, `2027-12-31`; an empty text is never. Raises Invalid."""
    try:
        return datetime.fromisoformat(f"{text}T23:59:59").replace(tzinfo=UTC) if text else None
    except ValueError as error:
        raise Invalid("A day is written like 2027-12-31.", parameter="expires") from error


def _page(by: Principal, error: DomainError | None = None, *, secret: str = "") -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = store.account(session, store.row_of(session, by.account))
        visits_of = sessions.of_account(session, by.account, runtime.clock())
        connected = {issuer for issuer, _ in store.identities(session, by.account)}
        its_tokens = tokens.of_account(session, by.account)
    highest = max((ROLES.index(grant.role) for grant in found.grants), default=-1)
    return layout.page(
        "account.html",
        by=by,
        status=200 if error is None else 400,
        personal=True,
        here="account",
        account=found,
        ark=ids.ark(found.key, runtime.settings.naan),
        visits=visits_of,
        present=by.session,
        tokens=its_tokens,
        roles=ROLES[: highest + 1],
        providers=[(one, one.issuer in connected) for one in runtime.settings.oidc],
        secret=secret,
        wrong=error.sentence if error else "",
        done=DONE.get(request.args.get("done", ""), ""),
        shortest=passwords.SHORTEST,
    )
