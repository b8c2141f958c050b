"""What may be done with accounts, and by whom: people see to their own, administrators of the whole hub to all."""

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.runtime import changes, ids, sessions, tokens
from app.runtime.accounts import attempts, model, store
from app.runtime.accounts.model import Account
from app.runtime.accounts_table import AccountRow
from app.runtime.clock import iso
from app.runtime.errors import Conflict, Forbidden, Invalid, NotAllowed
from app.runtime.principal import ALL, OPERATOR, ROLES, Grant, Principal, digest, may_give, require

LINK_HOLDS = timedelta(days=7)
EXPORTED_AT_ONCE = 1000
LOOKED_AT = 200  # changes of an account, among which the last link is looked for


def invite(
    session: Session, login: str, *, naan: str, at: datetime, by: Principal, name: str = "", grant: Grant | None = None
) -> tuple[Account, str]:
    """A new account, and the code of the link by which it sets its password. Raises Conflict, Invalid, NotAllowed, Forbidden."""
    require(by, "administer")
    return invited(session, login, naan=naan, at=at, by=by, name=name, grant=grant)


def invited(
    session: Session, login: str, *, naan: str, at: datetime, by: Principal, name: str = "", grant: Grant | None = None
) -> tuple[Account, str]:
    """The same, where the caller has looked whether `by` may. Raises Conflict, Invalid."""
    row = _add(session, login, name or login, "invited", naan=naan, at=at)
    if grant is not None:
        store.put_role(session, row.key, grant)
    role, collection = (grant.role, grant.of) if grant else (None, None)
    changes.record(session, by, "invite", "account", row.key, at=at, role=role, collection=collection)
    return store.account(session, row), _link(session, row.key, at)


def sign_up(session: Session, login: str, name: str, password_hash: str, *, naan: str, at: datetime, address: str) -> Account:
    """Somebody makes an account of their own, which has no role. Whether they may, the caller has looked. Raises Conflict,
    Invalid."""
    row = _add(session, login, name, "active", naan=naan, at=at)
    row.password_hash = password_hash
    changes.record(session, _self(row, address), "sign up", "account", row.key, at=at)
    return store.account(session, row)


def new_link(session: Session, key: str, *, at: datetime, by: Principal) -> str:
    """The code of another link, for who lost the first or the password. Earlier ones open nothing any more."""
    require(by, "administer")
    row = _present(session, key)
    if row.state == "blocked":
        raise Conflict("This account is blocked: unblock it first.")
    changes.record(session, by, "link", "account", key, at=at)
    return _link(session, key, at)


def join(session: Session, code: str, name: str, password_hash: str, *, at: datetime, address: str) -> Account:
    """The account of a link sets its name and password. The link is used up; sessions of before end. Raises NotAllowed."""
    key = store.take_link(session, digest(code.strip()), at)
    if not key:
        raise NotAllowed("This link was used already, or has expired: ask an administrator for another one.")
    row = _present(session, key)
    sessions.end_all(session, key)
    row.name, row.password_hash, row.state = model.name_of(name), password_hash, "active"
    changes.record(session, _self(row, address), "set password", "account", key, at=at)
    return store.account(session, row)


def signed_in(session: Session, key: str, *, at: datetime, old_hash: str, new_hash: str = "") -> None:
    """Write down that it signed in, with its password hashed anew where that was wanted. Raises NotAllowed where the account
    has changed since the password was checked."""
    row = store.row_of(session, key, lock=True)
    if row.state != "active" or row.password_hash != old_hash:
        raise NotAllowed("This account has just changed: sign in again.")
    row.last_login_at = at
    row.password_hash = new_hash or row.password_hash


def change_password(session: Session, password_hash: str, *, at: datetime, by: Principal) -> str:
    """Every other session ends; the id under which this one goes on."""
    row = _own(session, by)
    row.password_hash = password_hash
    sessions.end_all(session, row.key, but=by.session)
    changes.record(session, by, "set password", "account", row.key, at=at)
    return sessions.renew(session, by.session, at)


def describe(session: Session, *, name: str, email: str, orcid: str, at: datetime, by: Principal) -> Account:
    """Change what is known of oneself. Raises Invalid."""
    row = _own(session, by)
    row.name, row.email, row.orcid = model.name_of(name), model.email_of(email), model.orcid_of(orcid)
    changes.record(session, by, "describe", "account", row.key, at=at)
    return store.account(session, row)


def grant(session: Session, key: str, given: Grant, *, at: datetime, by: Principal) -> None:
    """Give it the role over that collection, in place of another. Where that was higher, its sessions end."""
    require(by, "administer")
    row = _present(session, key)
    if given.of == ALL and given.role != "administrator":
        _keep_an_administrator(session, key, by)
    put(session, row, given, at=at, by=by)


def put(session: Session, row: AccountRow, given: Grant, *, at: datetime, by: Principal) -> None:
    """The same, where the caller has looked whether `by` may.

    Whoever made the link of an account that nobody has joined yet may still know it: when somebody else gives that account a
    role that they could not give, the link opens nothing any more.
    """
    if row.state == "invited" and not _link_may_lead_to(session, row.key, given, by):
        store.let_nobody_in(session, row.key)
    before = store.put_role(session, row.key, given)
    if before in ROLES[ROLES.index(given.role) + 1 :]:
        sessions.end_all(session, row.key, but=by.session)
    changes.record(session, by, "grant", "account", row.key, at=at, role=given.role, collection=given.of)


def withdraw(session: Session, key: str, collection: str, *, at: datetime, by: Principal) -> None:
    """Take its role over that collection away."""
    require(by, "administer")
    _present(session, key)
    if collection == ALL:
        _keep_an_administrator(session, key, by)
    role = store.drop_role(session, key, collection)
    if not role:
        raise Invalid(f"This account has no role over {collection[:60]!r}.", parameter="collection")
    sessions.end_all(session, key, but=by.session)
    changes.record(session, by, "withdraw role", "account", key, at=at, role=role, collection=collection)


def block(session: Session, key: str, *, at: datetime, by: Principal) -> None:
    """It cannot sign in; its sessions and links end, and its tokens open nothing until it is unblocked. What it said stays."""
    require(by, "administer")
    row = _present(session, key)
    _keep_an_administrator(session, key, by)
    row.state = "blocked"
    store.let_nobody_in(session, key)
    changes.record(session, by, "block", "account", key, at=at)


def unblock(session: Session, key: str, *, at: datetime, by: Principal) -> None:
    require(by, "administer")
    row = _present(session, key)
    if row.state != "blocked":
        raise Conflict("This account is not blocked.")
    row.state = "active" if row.password_hash or store.has_identity(session, key) else "invited"
    changes.record(session, by, "unblock", "account", key, at=at)


def remove(session: Session, key: str, *, at: datetime, by: Principal) -> None:
    """Everything that says who it is goes, for good. Its key stays, and what it said, under a pseudonym."""
    if not (by.session and by.account == key):
        require(by, "administer")
    row = _present(session, key)
    _keep_an_administrator(session, key, by)
    attempts.forget(session, row.login or "")
    store.strip(session, key)
    for token in tokens.of_account(session, key):
        token.revoked_at = at
    row.login, row.name, row.email, row.orcid, row.password_hash = None, model.PSEUDONYM, "", "", ""
    row.state, row.last_login_at = "removed", None
    changes.forget_addresses(session, key)
    changes.record(session, Principal(by.name, token=by.token), "remove", "account", key, at=at)


def exported(session: Session, key: str, *, at: datetime, by: Principal) -> Iterator[dict[str, Any]]:
    """All that the hub has of the account: first itself, then each of its changes, the newest first."""
    if not (by.session and by.account == key):
        require(by, "administer")
    found = store.account(session, store.row_of(session, key))
    yield to_json(found) | {
        "identities": [{"issuer": issuer, "subject": subject} for issuer, subject in store.identities(session, key)],
        "sessions": [
            {"began": iso(visit.created_at), "seen": iso(visit.seen_at), "browser": visit.browser}
            for visit in sessions.of_account(session, key, at)
        ],
        "tokens": [{"name": row.name, "created": iso(row.created_at)} for row in tokens.of_account(session, key)],
    }
    before = 0
    while part := changes.page(session, by=key, before=before, limit=EXPORTED_AT_ONCE):
        yield from (changes.to_json(change) | {"address": change.address} for change in part)
        before = part[-1].id


def to_json(account: Account) -> dict[str, Any]:
    """An account for who may see it whole."""
    return {
        "key": account.key,
        "login": account.login,
        "name": account.name,
        "email": account.email,
        "orcid": account.orcid,
        "state": account.state,
        "roles": [{"role": held.role, "collection": held.of} for held in account.grants],
        "created": iso(account.created_at),
        "lastLogin": iso(account.last_login_at) if account.last_login_at else None,
    }


def _add(session: Session, login: str, name: str, state: model.State, *, naan: str, at: datetime) -> AccountRow:
    row = AccountRow(
        key=ids.new_key(ids.AGENT, naan), login=model.login_of(login), name=model.name_of(name), state=state, created_at=at
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError as error:
        raise Conflict(f"There is an account with the login name {row.login!r} already.") from error
    return row


def _link_may_lead_to(session: Session, key: str, given: Grant, by: Principal) -> bool:
    """Whether `by` made the account's link, or somebody who may give that role themselves, and so gains nothing by it. Of a link
    that was made by a token nobody knows who has seen it."""
    found = changes.page(session, kind="account", key=key, limit=LOOKED_AT)
    made = next((one for one in found if one.action in ("invite", "link")), None)
    if made is None or made.by == by.name:
        return made is not None
    if made.by == Principal.of_system().name or made.by.partition(":")[0] == OPERATOR:
        return True
    maker = None if made.token else session.get(AccountRow, made.by)
    if maker is None or maker.state != "active":
        return False
    return may_give(Principal(maker.key, store.grants_of(session, maker.key)), given)


def _link(session: Session, key: str, at: datetime) -> str:
    code = secrets.token_urlsafe(32)
    store.put_link(session, key, digest(code), at, at + LINK_HOLDS)
    return code


def _own(session: Session, by: Principal) -> AccountRow:
    """People change their accounts signed in; no token does. Raises Forbidden."""
    if not by.session:
        raise Forbidden("This is done by the person themselves, signed in on the pages of the hub.")
    return _present(session, by.account)


def _present(session: Session, key: str) -> AccountRow:
    """The row, locked. Raises UnknownAccount, Conflict where the account was removed."""
    row = store.row_of(session, key, lock=True)
    if row.state == "removed":
        raise Conflict("This account was removed.")
    return row


def _keep_an_administrator(session: Session, key: str, by: Principal) -> None:
    """Only the command line takes the hub's last administrator away, as only it can make another one."""
    if by.account and store.is_last_administrator(session, key):
        raise Conflict("Nobody else administers this hub: make somebody else administrator first.")


def _self(row: AccountRow, address: str) -> Principal:
    return Principal(row.key, account=row.key, address=address)
