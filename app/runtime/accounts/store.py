"""Accounts in the database: rows in, frozen values out."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import cast

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import Session

from app.runtime import sessions
from app.runtime.accounts.model import Account, State, UnknownAccount
from app.runtime.accounts_table import AccountRoleRow, AccountRow, IdentityRow, LinkRow
from app.runtime.changes import ChangeRow
from app.runtime.principal import ALL, ROLES, Grant, of_account

PUBLIC_WORK = ("annotation", "segment", "specimen")  # kinds of things of which the history names who changed them


def row_of(session: Session, key: str, *, lock: bool = False) -> AccountRow:
    """Raises UnknownAccount."""
    row = session.get(AccountRow, key, with_for_update=lock or None)
    if row is None:
        raise UnknownAccount(f"There is no account {key[:40]!r}.")
    return row


def by_login(session: Session, login: str) -> AccountRow | None:
    return session.scalar(select(AccountRow).where(AccountRow.login == login))


def account(session: Session, row: AccountRow) -> Account:
    return Account(
        key=row.key,
        login=row.login or "",
        name=row.name,
        email=row.email,
        orcid=row.orcid,
        state=cast(State, row.state),
        has_password=bool(row.password_hash),
        created_at=row.created_at,
        last_login_at=row.last_login_at,
        grants=of_account(session, row.key),
    )


def page(session: Session, *, login: str = "", after: str = "", limit: int) -> tuple[Account, ...]:
    """Those that were not removed, by login name, from the one after `after`; or the one of that login name."""
    query = select(AccountRow).where(AccountRow.login == login if login else AccountRow.login > after)
    return tuple(account(session, row) for row in session.scalars(query.order_by(AccountRow.login).limit(limit)))


def count(session: Session) -> int:
    """How many were not removed."""
    return session.scalar(select(func.count(AccountRow.login))) or 0


def names(session: Session, keys: Collection[str]) -> Mapping[str, str]:
    """What the people of those keys are called; keys that are no account's are left out."""
    rows = session.execute(select(AccountRow.key, AccountRow.name).where(AccountRow.key.in_(set(keys))))
    return {row.key: row.name for row in rows}


def page_of_authors(session: Session, *, after: str, limit: int) -> tuple[Account, ...]:
    """Those who have said or changed something that everybody may read, by key, from the one after `after`."""
    did = exists().where(ChangeRow.by == AccountRow.key, ChangeRow.kind.in_(PUBLIC_WORK))
    query = select(AccountRow).where(AccountRow.key > after, did).order_by(AccountRow.key).limit(limit)
    return tuple(account(session, row) for row in session.scalars(query))


def is_last_administrator(session: Session, key: str) -> bool:
    """Whether nobody else that is active administers the whole hub. Administrators are locked, so that two cannot both go."""
    of_hub = select(AccountRow.key).join(AccountRoleRow, AccountRoleRow.account_key == AccountRow.key)
    of_hub = of_hub.where(AccountRoleRow.role == "administrator", AccountRoleRow.collection == ALL, AccountRow.state == "active")
    return list(session.scalars(of_hub.limit(2).with_for_update())) == [key]


def grants_of(session: Session, key: str) -> tuple[Grant, ...]:
    return of_account(session, key)


def holders(session: Session, collection: str, *, after: str, limit: int) -> tuple[tuple[str, str, str, str], ...]:
    """Key, login name, name and role of those with a role over just that collection, by key, from the one after `after`."""
    role = AccountRoleRow
    where = (role.role.in_(ROLES), role.collection == collection, role.account_key > after)
    columns = (AccountRow.key, AccountRow.login, AccountRow.name, role.role)
    query = select(*columns).join(role, role.account_key == AccountRow.key).where(*where).order_by(role.account_key).limit(limit)
    return tuple((key, login or "", name, held) for key, login, name, held in session.execute(query))


def put_role(session: Session, key: str, grant: Grant) -> str:
    """In place of its role over the same collection: the role that it was, or an empty text."""
    row = session.get(AccountRoleRow, (key, grant.of))
    before = "" if row is None else row.role
    if row is None:
        session.add(AccountRoleRow(account_key=key, collection=grant.of, role=grant.role))
    else:
        row.role = grant.role
    session.flush()
    return before


def drop_role(session: Session, key: str, collection: str) -> str:
    """The role that it was, or an empty text."""
    gone = delete(AccountRoleRow).where(AccountRoleRow.account_key == key, AccountRoleRow.collection == collection)
    return session.scalar(gone.returning(AccountRoleRow.role)) or ""


def put_link(session: Session, key: str, digest: str, at: datetime, expires_at: datetime) -> None:
    """In place of every other link of the account. Links that have expired are removed."""
    session.execute(delete(LinkRow).where((LinkRow.account_key == key) | (LinkRow.expires_at <= at)))
    session.add(LinkRow(digest=digest, account_key=key, created_at=at, expires_at=expires_at))
    session.flush()


def take_link(session: Session, digest: str, at: datetime) -> str:
    """Use the link up; the key of its account, or an empty text where it does not hold (any more)."""
    gone = delete(LinkRow).where(LinkRow.digest == digest, LinkRow.expires_at > at)
    return session.scalar(gone.returning(LinkRow.account_key)) or ""


def of_link(session: Session, digest: str, at: datetime) -> AccountRow | None:
    """Whose link it is."""
    query = select(AccountRow).join(LinkRow, LinkRow.account_key == AccountRow.key)
    return session.scalar(query.where(LinkRow.digest == digest, LinkRow.expires_at > at))


def has_identity(session: Session, key: str) -> bool:
    return bool(session.scalar(select(exists().where(IdentityRow.account_key == key))))


def identities(session: Session, key: str) -> tuple[tuple[str, str], ...]:
    """(issuer, subject)."""
    query = select(IdentityRow).where(IdentityRow.account_key == key).order_by(IdentityRow.issuer)
    return tuple((row.issuer, row.subject) for row in session.scalars(query))


def let_nobody_in(session: Session, key: str) -> None:
    """End its sessions and its links."""
    sessions.end_all(session, key)
    session.execute(delete(LinkRow).where(LinkRow.account_key == key))


def strip(session: Session, key: str) -> None:
    """Its roles and identities go, too."""
    let_nobody_in(session, key)
    for table in (AccountRoleRow, IdentityRow):
        session.execute(delete(table).where(table.account_key == key))
