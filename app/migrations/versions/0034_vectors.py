"""Vectors of images and segments."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "vectors",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("sort", sa.String(length=8), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("model", sa.String(length=71), nullable=False),
        sa.Column("halves", sa.LargeBinary(), nullable=False),
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["media_key"], ["media.key"], name=op.f("fk_vectors_media_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_vectors")),
    )
    op.create_index(op.f("ix_vectors_sort_model_key"), "vectors", ["sort", "model", "key"])
    op.create_index(op.f("ix_vectors_media_key"), "vectors", ["media_key"])


def downgrade() -> None:
    op.drop_table("vectors")
