"""Webhooks, and the messages to their receivers."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0027"
down_revision = "0026"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "webhooks",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("url", sa.String(length=500), nullable=False),
        sa.Column("secret", sa.String(length=100), nullable=False),
        sa.Column("types", Json, nullable=False),
        sa.Column("closed", sa.Boolean(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("made_by", sa.String(length=100), nullable=False),
        sa.Column("revoked_at", Moment(), nullable=True),
        sa.Column("stopped", sa.String(length=200), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("rests_until", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_webhooks")),
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("webhook_key", sa.String(length=64), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("body", Json, nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("due_at", Moment(), nullable=False),
        sa.Column("tries", Json, nullable=False),
        sa.ForeignKeyConstraint(["webhook_key"], ["webhooks.key"], name=op.f("fk_webhook_deliveries_webhook_key")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    columns = ["webhook_key", "state", "due_at", "id"]
    op.create_index(op.f("ix_webhook_deliveries_webhook_key_state_due_at_id"), "webhook_deliveries", columns)
    op.create_index(op.f("ix_webhook_deliveries_webhook_key_id"), "webhook_deliveries", ["webhook_key", "id"])


def downgrade() -> None:
    op.drop_table("webhook_deliveries")
    op.drop_table("webhooks")
