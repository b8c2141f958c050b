"""API tokens: shown once when made, kept only as a digest; who bears one is read in `app/runtime/principal.py`."""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.runtime import changes, principal
from app.runtime.errors import Conflict, Invalid, NotFound
from app.runtime.ids import KEY_PATTERN
from app.runtime.principal import ALL, Grant, Principal, Role, require
from app.runtime.tokens_table import TokenRow

LONGEST_NAME = 100
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
) -> str:
    """Make a token and return its secret, which cannot be had again. Raises Conflict if the name is taken, Invalid,
    NotAllowed, Forbidden."""
    if not name.strip() or len(name) > LONGEST_NAME or not name.isprintable() or RESERVED.fullmatch(name):
        raise Invalid(f"A token's name has up to {LONGEST_NAME} printable characters, and is none of the hub's own names.")
    require(by, "administer")
    if expires_at is not None and expires_at <= at:
        raise Invalid("A token must expire in the future.", parameter="expires")
    for collection in collections:
        Grant.parse(role, collection)
    if not collections:
        raise Invalid("A token needs a collection, or all.", parameter="collection")
    if session.get(TokenRow, name) is not None:
        raise Conflict(f"There is a token named {name!r} already.")
    secret = "lt_" + secrets.token_urlsafe(32)
    row = TokenRow(name=name, digest=principal.digest(secret), role=role, created_at=at, expires_at=expires_at)
    row.collections = list(dict.fromkeys(collections))
    session.add(row)
    changes.record(session, by, "create", "token", name, at=at, role=role, collections=", ".join(row.collections))
    session.flush()
    return secret


def revoke(session: Session, name: str, at: datetime, *, by: Principal) -> None:
    """From now on the token opens nothing. Raises NotFound, NotAllowed, Forbidden."""
    require(by, "administer")
    row = session.get(TokenRow, name)
    if row is None:
        raise NotFound(f"There is no token named {name!r}.")
    if row.revoked_at is None:
        row.revoked_at = at
        changes.record(session, by, "revoke", "token", name, at=at)
