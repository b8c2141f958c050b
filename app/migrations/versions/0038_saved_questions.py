"""Saved questions and their versions."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0038"
down_revision = "0037"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "saved_questions",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=100), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("modified_at", Moment, nullable=False),
        sa.Column("deleted_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_saved_questions")),
    )
    op.create_index(op.f("ix_saved_questions_owner_key"), "saved_questions", ["owner", "key"])
    op.create_table(
        "saved_question_versions",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("stored_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["saved_questions.key"], name=op.f("fk_saved_question_versions_key")),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_saved_question_versions")),
    )


def downgrade() -> None:
    op.drop_table("saved_question_versions")
    op.drop_table("saved_questions")
