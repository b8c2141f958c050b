"""The people of one collection, for who heads it: invite, give roles over it, and take them away."""

from flask import Blueprint, Response, request

from app.runtime import context, principal
from app.runtime.accounts import members
from app.runtime.accounts.model import Account
from app.runtime.errors import DomainError, Forbidden
from app.runtime.principal import ALL, ROLES, Grant, Principal, may_give, require_to_give
from app.web import layout
from app.web.account import forms

blueprint = Blueprint("members", __name__, template_folder="templates")
SHOWN = 100
TAKEN_AWAY = "none"
DONE = {"given": "The role is given.", "taken": "The role is taken away."}


@blueprint.get("/members")
def listed() -> Response:
    """A page of those with a role over the `collection`, or over the first that who asks heads."""
    by = principal.of_page()
    principal.require_somewhere(by, "curate")
    return _page(by, _collection(by, request.args.get("collection", "")[:255]))


@blueprint.post("/members")
def change() -> Response:
    """Give `login` the role over the collection, by an invitation where there is no such account; `none` takes the role of the
    account `key` away. What is refused is told above the form, which keeps what was typed."""
    by, runtime = principal.of_page_writer(), context.current()
    principal.require_somewhere(by, "curate")
    role, collection = forms.field("role", 20), _collection(by, "")
    at, naan = runtime.clock(), runtime.settings.naan
    try:
        collection = _theirs(by, forms.field("collection").strip())
        with runtime.db.begin() as session:
            if role == TAKEN_AWAY:
                members.drop(session, forms.field("key", 64), collection, at=at, by=by)
                account, code = None, ""
            else:
                given, name = Grant.parse(role, collection.of), forms.field("name").strip()
                how = {"name": name, "naan": naan, "at": at, "by": by}
                account, code = members.add(session, forms.field("login"), given, **how)  # type: ignore[arg-type]  # by name
    except DomainError as error:
        return _page(by, collection, error)
    return _page(by, collection, invited=account, code=code, done=DONE["taken" if account is None else "given"])


def _collection(by: Principal, name: str) -> Grant:
    """What the name says; without one the first collection that they head. Raises Invalid."""
    if name:
        return Grant.parse("reader", name)
    mine = by.granted("curate")
    return next((one for one in mine if one.institution != ALL), mine[0])


def _theirs(by: Principal, name: str) -> Grant:
    """The same, where they head it. Raises Invalid, Forbidden."""
    collection = _collection(by, name)
    require_to_give(by, Grant("annotator", collection.institution, collection.collection))
    return collection


def _page(
    by: Principal,
    collection: Grant,
    error: DomainError | None = None,
    *,
    invited: Account | None = None,
    code: str = "",
    done: str = "",
) -> Response:
    runtime, after = context.current(), request.args.get("after", "")[:64]
    with runtime.reads.begin() as session:
        found = members.listed(session, collection, by=by, after=after, limit=SHOWN + 1)
    held = [Grant(role, collection.institution, collection.collection) for role in ROLES]
    given = [one.role for one in held if may_give(by, one)]
    return layout.page(
        "members.html",
        by=by,
        status=200 if error is None else 403 if isinstance(error, Forbidden) else 400,
        personal=True,
        here="members",
        collection=collection.of,
        others=sorted({one.of for one in by.granted("curate")} - {collection.of}),
        members=[(*one, one[3] in given) for one in found[:SHOWN]],
        after=found[SHOWN - 1][0] if len(found) > SHOWN else "",
        roles=given,
        invited=invited,
        link=f"{runtime.settings.base_url}/join#{code}" if code else "",
        wrong=error.sentence if error else "",
        typed={name: request.form.get(name, "")[:200] for name in ("collection", "login", "name", "role")} if error else {},
        done=done,
    )
