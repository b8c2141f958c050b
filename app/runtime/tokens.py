"""API tokens: shown once when made, kept only as a digest; who bears one is read in `app/runtime/principal.py`."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runtime import changes, principal
from app.runtime.errors import Conflict, Invalid, NotFound
from app.runtime.ids import KEY_PATTERN
from app.runtime.principal import ALL, Grant, Principal, Role, require
from app.runtime.tokens_table import TokenRow

LONGEST_NAME = 100
MOST_OF_ACCOUNT = 100
RESERVED = re.compile(rf"system|operator(:.*)?|{KEY_PATTERN}", re.DOTALL)  # names of principals that are no tokens


def create(
    session: Session,
    name: str,
    at: datetime,
    *,
    by: Principal,
    role: Role = "annotator",
    collections: Sequence[str] = (ALL,),
    expires_at: datetime | None = None,
    account: str = "",
) -> str:
    """Make a token and return its secret, which cannot be had again.

    `account` is the key of whose token it is: people make their own, and administrators whichever they like. Raises Conflict
    if the name is taken, Invalid, NotAllowed, Forbidden.
    """
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or RESERVED.fullmatch(name):
        raise Invalid(f"A token's name has up to {LONGEST_NAME} printable characters, and is none of the hub's own names.")
    _require_owner(by, account)
    if expires_at is not None and expires_at <= at:
        raise Invalid("A token must expire in the future.", parameter="expires")
    for collection in collections:
        Grant.parse(role, collection)
    if account and len(of_account(session, account)) == MOST_OF_ACCOUNT:
        raise Conflict(f"An account has up to {MOST_OF_ACCOUNT} tokens: revoke some first.")
    if not collections:
        raise Invalid("A token needs a collection, or all.", parameter="collection")
    if session.get(TokenRow, name) is not None:
        raise Conflict(f"There is a token named {name!r} already.")
    secret = "lt_" + secrets.token_urlsafe(32)
    row = TokenRow(
        name=name, digest=principal.digest(secret), role=role, created_at=at, expires_at=expires_at, account_key=account or None
    )
    row.collections = list(dict.fromkeys(collections))
    session.add(row)
    changes.record(session, by, "create", "token", name, at=at, role=role, collections=", ".join(row.collections))
    session.flush()
    return secret


def revoke(session: Session, name: str, at: datetime, *, by: Principal) -> None:
    """From now on the token opens nothing. Raises NotFound, NotAllowed, Forbidden."""
    row = session.get(TokenRow, name)
    _require_owner(by, row.account_key or "" if row else "")
    if row is None:
        raise NotFound(f"There is no token named {name!r}.")
    if row.revoked_at is None:
        row.revoked_at = at
        changes.record(session, by, "revoke", "token", name, at=at)


def of_account(session: Session, account: str) -> tuple[TokenRow, ...]:
    """Its tokens that are not revoked, the newest first, up to MOST_OF_ACCOUNT."""
    mine = select(TokenRow).where(TokenRow.account_key == account, TokenRow.revoked_at.is_(None))
    return tuple(session.scalars(mine.order_by(TokenRow.created_at.desc()).limit(MOST_OF_ACCOUNT)))


def _require_owner(by: Principal, account: str) -> None:
    """People see to their own tokens, signed in; a token makes no other. Raises NotAllowed, Forbidden."""
    if not (account and by.session and by.account == account):
        require(by, "administer")
