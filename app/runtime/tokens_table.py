"""Rows of tokens."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime import accounts_table  # noqa: F401 - the table that ours refers to
from app.runtime.db import Base, Json, Moment


class TokenRow(Base):
    """A token by its name; `digest` is the SHA-256 of the secret, which has 256 random bits of its own.

    `role` is the highest that it has, over each of `collections` (see `app.runtime.principal.Grant`). A token with an account
    does no more than the account may; one without is a machine client.
    """

    __tablename__ = "tokens"

    name: Mapped[str] = mapped_column(String(100), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    role: Mapped[str] = mapped_column(String(16), server_default="annotator")
    collections: Mapped[list[Any]] = mapped_column(Json, server_default='["all"]')
    account_key: Mapped[str | None] = mapped_column(ForeignKey("accounts.key"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime | None] = mapped_column(Moment)
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
