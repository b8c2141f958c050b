"""Masks that annotations name, and which annotation names them on which image."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "masks",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("came_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name=op.f("pk_masks")),
    )
    op.create_table(
        "mask_uses",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_mask_uses_annotation_key_annotations")),
        sa.ForeignKeyConstraint(["sha256"], ["masks.sha256"], name=op.f("fk_mask_uses_sha256_masks")),
        sa.PrimaryKeyConstraint("sha256", "annotation_key", "media_key", name=op.f("pk_mask_uses")),
    )


def downgrade() -> None:
    op.drop_table("mask_uses")
    op.drop_table("masks")
