"""Files that were made of versions of datasets."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "dataset_files",
        sa.Column("spec", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=255).with_variant(sa.String(length=255, collation="C"), "postgresql"), nullable=False),
        sa.Column("dataset_key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("made_at", Moment(), nullable=False),
        sa.Column("used_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["dataset_key"], ["datasets.key"], name=op.f("fk_dataset_files_dataset_key")),
        sa.PrimaryKeyConstraint("spec", "name", name=op.f("pk_dataset_files")),
    )
    op.create_index(
        op.f("ix_dataset_files_dataset_key_number_format"), "dataset_files", ["dataset_key", "number", "format"], unique=False
    )
    op.create_index(op.f("ix_dataset_files_sha256"), "dataset_files", ["sha256"], unique=False)
    op.create_index(op.f("ix_dataset_files_used_at"), "dataset_files", ["used_at"], unique=False)


def downgrade() -> None:
    op.drop_table("dataset_files")
