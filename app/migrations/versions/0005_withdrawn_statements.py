"""Statements that are withdrawn with their run."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BEFORE = (
    ("media_key", "layer", "deleted_at", "key"),
    ("specimen_key", "deleted_at", "key"),
    ("deleted_at", "key"),
    ("run_key",),
)
AFTER = (
    ("media_key", "layer", "deleted_at", "withdrawn_at", "key"),
    ("specimen_key", "deleted_at", "withdrawn_at", "key"),
    ("deleted_at", "withdrawn_at", "key"),
    ("run_key", "withdrawn_at", "specimen_key", "key"),
)


def upgrade() -> None:
    op.create_table(
        "withdrawals",
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("at", Moment, nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("run_key", name=op.f("pk_withdrawals")),
    )
    op.add_column("annotations", sa.Column("withdrawn_at", Moment, nullable=True))
    op.add_column("annotations", sa.Column("withdrawals", sa.Integer(), server_default="0", nullable=False))
    _index(BEFORE, AFTER)


def downgrade() -> None:
    _index(AFTER, BEFORE)
    op.drop_column("annotations", "withdrawals")
    op.drop_column("annotations", "withdrawn_at")
    op.drop_table("withdrawals")


def _index(old: tuple[tuple[str, ...], ...], new: tuple[tuple[str, ...], ...]) -> None:
    for columns in old:
        op.drop_index(op.f(f"ix_annotations_{'_'.join(columns)}"), table_name="annotations")
    for columns in new:
        op.create_index(op.f(f"ix_annotations_{'_'.join(columns)}"), "annotations", list(columns), unique=False)
