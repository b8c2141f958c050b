"""Tokens have a role, collections and an end; those there are keep what they could do, as annotators of all collections."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("tokens") as tokens:
        tokens.add_column(sa.Column("role", sa.String(length=16), server_default="annotator", nullable=False))
        tokens.add_column(sa.Column("collections", Json, server_default='["all"]', nullable=False))
        tokens.add_column(sa.Column("expires_at", Moment(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("tokens") as tokens:
        for column in ("expires_at", "collections", "role"):
            tokens.drop_column(column)
