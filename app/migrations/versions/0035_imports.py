"""Imports of annotations from files, and what came in by them."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, JsonOrNull, Moment

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "imports",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("file_name", sa.String(length=1000), nullable=False),
        sa.Column("file_sha256", sa.String(length=64), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("report", JsonOrNull, nullable=True),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("ended_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_imports")),
    )
    op.create_index(op.f("ix_imports_created_at_key"), "imports", ["created_at", "key"])
    op.create_index(op.f("ix_imports_run_key"), "imports", ["run_key"])
    op.create_table(
        "imported_statements",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_imported_statements_annotation_key")),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_imported_statements")),
    )
    op.create_index(op.f("ix_imported_statements_annotation_key"), "imported_statements", ["annotation_key"])


def downgrade() -> None:
    op.drop_table("imported_statements")
    op.drop_table("imports")
