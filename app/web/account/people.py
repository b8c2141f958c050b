"""The accounts of others, for administrators: invite, give and take roles, block, and remove."""

from flask import Blueprint, Response, request

from app.runtime import context, principal, sessions
from app.runtime.accounts import model, service, store
from app.runtime.errors import DomainError, Invalid
from app.runtime.principal import ALL, ROLES, Grant, Principal
from app.web import layout, visits
from app.web.account import forms

blueprint = Blueprint("people", __name__, template_folder="templates")
SHOWN = 50
CHANGES = {
    "block": (service.block, "blocked"),
    "unblock": (service.unblock, "unblocked"),
    "remove": (service.remove, "removed"),
}
DONE = {
    "role": "The roles are changed. Where one was lowered or taken away, other sessions of the account have ended.",
    "blocked": "The account is blocked: it cannot sign in, and its tokens open nothing.",
    "unblocked": "The account may sign in again.",
    "removed": "The account is removed. What it said stays, under a pseudonym.",
}


@blueprint.get("/accounts")
def accounts() -> Response:
    """A page of accounts by login name, from the one after `after`; `login` finds one."""
    return _list(_administrator())


@blueprint.post("/accounts")
def invite() -> Response:
    """Invite somebody; the page shows the link this once."""
    by, runtime = _administrator(), context.current()
    try:
        role, collection = forms.field("role"), forms.field("collection").strip() or ALL
        grant = Grant.parse(role, collection) if role else None
        with runtime.db.begin() as session:
            invited, code = service.invite(
                session,
                forms.field("login"),
                naan=runtime.settings.naan,
                at=runtime.clock(),
                by=by,
                name=forms.field("name").strip(),
                grant=grant,
            )
    except DomainError as error:
        return _list(by, error)
    return _one(by, invited.key, code=code)


@blueprint.get("/accounts/<key>")
def account(key: str) -> Response:
    """One account, and what may be done with it."""
    return _one(_administrator(), key)


@blueprint.post("/accounts/<key>/role")
def role(key: str) -> Response:
    """Give it a role over a collection, or, with the role `none`, take away the one that it has there."""
    by, runtime = _administrator(), context.current()
    renewed = ""
    try:
        role, collection = forms.field("role"), forms.field("collection").strip() or ALL
        with runtime.db.begin() as session:
            if role == "none":
                service.withdraw(session, key, Grant.parse("reader", collection).of, at=runtime.clock(), by=by)
            else:
                service.grant(session, key, Grant.parse(role, collection), at=runtime.clock(), by=by)
            if key == by.account:
                renewed = sessions.renew(session, by.session, runtime.clock())
    except DomainError as error:
        return _one(by, key, error)
    response = forms.to(f"/accounts/{key}", done="role")
    if renewed:
        visits.set_cookie(response, renewed, runtime.settings)
    return response


@blueprint.post("/accounts/<key>/link")
def link(key: str) -> Response:
    """Another link to set the password with; the page shows it this once."""
    by, runtime = _administrator(), context.current()
    try:
        with runtime.db.begin() as session:
            code = service.new_link(session, key, at=runtime.clock(), by=by)
    except DomainError as error:
        return _one(by, key, error)
    return _one(by, key, code=code)


@blueprint.post("/accounts/<key>/<any(block, unblock, remove):change>")
def change(key: str, change: str) -> Response:
    """Block it, unblock it, or remove it for good (which wants its login name typed)."""
    by, runtime = _administrator(), context.current()
    make, done = CHANGES[change]
    try:
        with runtime.db.begin() as session:
            if change == "remove" and model.folded(forms.field("login")) != store.row_of(session, key).login:
                raise Invalid("Type the login name of the account to remove it.", parameter="login")
            make(session, key, at=runtime.clock(), by=by)
    except DomainError as error:
        return _one(by, key, error)
    return forms.to("/accounts" if change == "remove" else f"/accounts/{key}", done=done)


def _administrator() -> Principal:
    """Raises NotAllowed, Forbidden."""
    by = principal.of_page()
    principal.require(by, "administer")
    return by


def _list(by: Principal, error: DomainError | None = None) -> Response:
    runtime = context.current()
    login, after = model.folded(request.args.get("login", ""))[:64], request.args.get("after", "")[:64]
    with runtime.reads.begin() as session:
        found = store.page(session, login=login, after=after, limit=SHOWN + 1)
        total = store.count(session)
    return layout.page(
        "accounts.html",
        by=by,
        status=200 if error is None else 400,
        personal=True,
        here="accounts",
        accounts=found[:SHOWN],
        total=total,
        login=login,
        after=found[SHOWN - 1].login if len(found) > SHOWN else "",
        roles=ROLES,
        wrong=error.sentence if error else "",
        typed={name: request.form.get(name, "")[:200] for name in ("login", "name", "collection")},
        done=DONE.get(request.args.get("done", ""), ""),
    )


def _one(by: Principal, key: str, error: DomainError | None = None, *, code: str = "") -> Response:
    runtime = context.current()
    with runtime.reads.begin() as session:
        found = store.account(session, store.row_of(session, key))
    return layout.page(
        "person.html",
        by=by,
        status=200 if error is None else 400,
        personal=True,
        here="accounts",
        account=found,
        roles=ROLES,
        link=f"{runtime.settings.base_url}/join#{code}" if code else "",
        wrong=error.sentence if error else "",
        done=DONE.get(request.args.get("done", ""), ""),
    )
