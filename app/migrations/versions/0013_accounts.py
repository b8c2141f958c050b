"""Accounts of people with their roles, sessions and links; tokens may belong to one; changes tell token and network address."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("login", sa.String(length=64), nullable=True),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("email", sa.String(length=254), nullable=False),
        sa.Column("orcid", sa.String(length=19), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("last_login_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_accounts")),
        sa.UniqueConstraint("login", name=op.f("uq_accounts_login")),
    )
    op.create_table(
        "account_roles",
        _account(),
        sa.Column("collection", sa.String(length=255), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["account_key"], ["accounts.key"], name=op.f("fk_account_roles_account_key")),
        sa.PrimaryKeyConstraint("account_key", "collection", name=op.f("pk_account_roles")),
    )
    op.create_index(op.f("ix_account_roles_role_collection"), "account_roles", ["role", "collection"])
    _sessions()
    op.create_table(
        "account_links",
        sa.Column("digest", sa.String(length=64), nullable=False),
        _account(),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["account_key"], ["accounts.key"], name=op.f("fk_account_links_account_key")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_account_links")),
    )
    op.create_index(op.f("ix_account_links_account_key"), "account_links", ["account_key"])
    op.create_index(op.f("ix_account_links_expires_at"), "account_links", ["expires_at"])
    op.create_table(
        "account_identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        _account(),
        sa.Column("created_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["account_key"], ["accounts.key"], name=op.f("fk_account_identities_account_key")),
        sa.PrimaryKeyConstraint("issuer", "subject", name=op.f("pk_account_identities")),
    )
    op.create_index(op.f("ix_account_identities_account_key"), "account_identities", ["account_key"])
    _attempts()
    with op.batch_alter_table("tokens") as tokens:
        tokens.add_column(sa.Column("account_key", sa.String(length=16), nullable=True))
        tokens.create_foreign_key(op.f("fk_tokens_account_key"), "accounts", ["account_key"], ["key"])
        tokens.create_index(op.f("ix_tokens_account_key"), ["account_key"])
    op.add_column("changes", sa.Column("token", sa.String(length=100), nullable=True))
    op.add_column("changes", sa.Column("address", sa.String(length=45), nullable=True))


def _account() -> sa.Column[str]:
    return sa.Column("account_key", sa.String(length=16), nullable=False)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.String(length=64), nullable=False),
        _account(),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("seen_at", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("browser", sa.String(length=80), nullable=False),
        sa.Column("provider", sa.String(length=255), nullable=False),
        sa.Column("provider_session", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["account_key"], ["accounts.key"], name=op.f("fk_sessions_account_key")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_account_key"), "sessions", ["account_key"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
    op.create_index(op.f("ix_sessions_provider_provider_session"), "sessions", ["provider", "provider_session"])


def _attempts() -> None:
    op.create_table(
        "login_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("login_digest", sa.String(length=64), nullable=False),
        sa.Column("network", sa.String(length=43), nullable=False),
        sa.Column("succeeded", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_attempts")),
    )
    op.create_index(op.f("ix_login_attempts_at"), "login_attempts", ["at"])
    op.create_index(op.f("ix_login_attempts_login_digest_at"), "login_attempts", ["login_digest", "at"])
    op.create_index(op.f("ix_login_attempts_network_at"), "login_attempts", ["network", "at"])


def downgrade() -> None:
    op.drop_column("changes", "address")
    op.drop_column("changes", "token")
    with op.batch_alter_table("tokens") as tokens:
        tokens.drop_index(op.f("ix_tokens_account_key"))
        tokens.drop_constraint(op.f("fk_tokens_account_key"), type_="foreignkey")
        tokens.drop_column("account_key")
    for table in ("login_attempts", "account_identities", "account_links", "sessions", "account_roles", "accounts"):
        op.drop_table(table)
