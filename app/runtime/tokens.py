"""API tokens for writing: shown once when made, kept only as a digest."""

import hashlib
import secrets
from datetime import datetime

from sqlalchemy import String, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime.db import Base, Moment
from app.runtime.errors import Conflict, NotFound


class TokenRow(Base):
    """A token by its name; `digest` is the SHA-256 of the secret, which has 256 random bits of its own."""

    __tablename__ = "tokens"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)


def create(session: Session, name: str, at: datetime) -> str:
    """Make a token and return its secret, which cannot be had again. Conflict if the name is taken."""
    if session.get(TokenRow, name) is not None:
        raise Conflict(f"There is a token named {name!r} already.")
    secret = "lt_" + secrets.token_urlsafe(32)
    session.add(TokenRow(name=name, digest=_digest(secret), created_at=at))
    return secret


def revoke(session: Session, name: str, at: datetime) -> None:
    """From now on the token opens nothing."""
    row = session.get(TokenRow, name)
    if row is None:
        raise NotFound(f"There is no token named {name!r}.")
    row.revoked_at = row.revoked_at or at


def name_of(session: Session, secret: str) -> str | None:
    """The name of the token with that secret, or None if there is none that still holds."""
    return session.scalar(select(TokenRow.name).where(TokenRow.digest == _digest(secret), TokenRow.revoked_at.is_(None)))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
