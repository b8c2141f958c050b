"""Rows of accounts, their roles, sessions, links and other identities, and of what was tried at the door."""

from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Moment


class AccountRow(Base):
    """A person by its key, whose ARK is the `creator` of its statements.

    `login` is casefolded NFKC. An account that was removed keeps its key and nothing that says whose it was.
    """

    __tablename__ = "accounts"

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    login: Mapped[str | None] = mapped_column(String(64), unique=True)
    name: Mapped[str] = mapped_column(String(100))
    email: Mapped[str] = mapped_column(String(254), default="")
    orcid: Mapped[str] = mapped_column(String(19), default="")
    password_hash: Mapped[str] = mapped_column(String(200), default="")
    state: Mapped[str] = mapped_column(String(8))
    created_at: Mapped[datetime] = mapped_column(Moment)
    last_login_at: Mapped[datetime | None] = mapped_column(Moment)


class AccountRoleRow(Base):
    """The role of an account over a collection, named as in `app.runtime.principal.Grant.parse`."""

    __tablename__ = "account_roles"
    __table_args__ = (Index(None, "role", "collection"),)

    account_key: Mapped[str] = mapped_column(ForeignKey("accounts.key"), primary_key=True)
    collection: Mapped[str] = mapped_column(String(255), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))


class SessionRow(Base):
    """A browser that is signed in. `digest` is the SHA-256 of the id in its cookie, which has 256 random bits.

    `browser` is a short description of it. `provider` and `provider_session` are the issuer and the `sid` of who vouched.
    """

    __tablename__ = "sessions"
    __table_args__ = (Index(None, "provider", "provider_session"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_key: Mapped[str] = mapped_column(ForeignKey("accounts.key"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    seen_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)
    browser: Mapped[str] = mapped_column(String(80))
    provider: Mapped[str] = mapped_column(String(255), default="")
    provider_session: Mapped[str] = mapped_column(String(255), default="")


class LinkRow(Base):
    """A link by which the account sets its password, once; `digest` is the SHA-256 of the code in it."""

    __tablename__ = "account_links"

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    account_key: Mapped[str] = mapped_column(ForeignKey("accounts.key"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)
    expires_at: Mapped[datetime] = mapped_column(Moment, index=True)


class IdentityRow(Base):
    """Who somebody is elsewhere: the subject of an issuer (OpenID Connect)."""

    __tablename__ = "account_identities"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    account_key: Mapped[str] = mapped_column(ForeignKey("accounts.key"), index=True)
    created_at: Mapped[datetime] = mapped_column(Moment)


class AttemptRow(Base):
    """A try to sign in. `login_digest` is the SHA-256 of the name that was typed, which may be a password by mistake."""

    __tablename__ = "login_attempts"
    __table_args__ = (Index(None, "login_digest", "at"), Index(None, "network", "at"))

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    at: Mapped[datetime] = mapped_column(Moment, index=True)
    login_digest: Mapped[str] = mapped_column(String(64))
    network: Mapped[str] = mapped_column(String(43))
    succeeded: Mapped[bool] = mapped_column()
