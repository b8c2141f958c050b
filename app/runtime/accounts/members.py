"""Who has a role over one collection, as those see to who head it: they invite, give roles and take them away, and do no more."""

from datetime import datetime

from sqlalchemy.orm import Session

from app.runtime import changes, sessions
from app.runtime.accounts import model, service, store
from app.runtime.accounts.model import Account
from app.runtime.errors import Conflict, Forbidden, Invalid
from app.runtime.principal import Grant, Principal, may_give, require_to_give


def listed(
    session: Session, collection: Grant, *, by: Principal, after: str, limit: int
) -> tuple[tuple[str, str, str, str], ...]:
    """Key, login name, name and role of those who have one over just that collection, by key, from the one after `after`.

    Raises NotAllowed, Forbidden where it is none of theirs.
    """
    require_to_give(by, Grant("annotator", collection.institution, collection.collection))
    return store.holders(session, collection.of, after=after, limit=limit)


def add(session: Session, login: str, given: Grant, *, name: str, naan: str, at: datetime, by: Principal) -> tuple[Account, str]:
    """Give who has that login name the role. Who has no account gets one: then with the code of a link, else with none.

    Raises NotAllowed, Forbidden, Conflict, Invalid.
    """
    require_to_give(by, given)
    row = store.by_login(session, model.login_of(login))
    if row is None:
        return service.invited(session, login, naan=naan, at=at, by=by, name=name, grant=given)
    row = store.row_of(session, row.key, lock=True)
    if row.state == "blocked":
        raise Conflict("This account is blocked: an administrator of the hub unblocks it.")
    _require_over(session, row.key, given, by)
    service.put(session, row, given, at=at, by=by)
    return store.account(session, row), ""


def drop(session: Session, key: str, collection: Grant, *, at: datetime, by: Principal) -> None:
    """Take the role over just that collection away. Raises NotAllowed, Forbidden, UnknownAccount, Invalid."""
    require_to_give(by, Grant("annotator", collection.institution, collection.collection))
    store.row_of(session, key, lock=True)
    _require_over(session, key, collection, by)
    role = store.drop_role(session, key, collection.of)
    if not role:
        raise Invalid(f"This account has no role over {collection.of[:60]!r}.", parameter="collection")
    sessions.end_all(session, key, but=by.session)
    changes.record(session, by, "withdraw role", "account", key, at=at, role=role, collection=collection.of)


def _require_over(session: Session, key: str, collection: Grant, by: Principal) -> None:
    """Raises Forbidden where the account has a role there that is not for `by` to take away."""
    held = next((one for one in store.grants_of(session, key) if one.of == collection.of), None)
    if held is not None and not may_give(by, held):
        raise Forbidden(f"This account has the role {held.role} there, which {by.called} cannot take away.")
