"""Who sent the file of a mask, and may thus name it; and the names of two foreign keys, which followed another pattern."""

from collections.abc import Callable

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

COLUMNS = {"annotation_key": "annotations.key", "sha256": "masks.sha256"}


def upgrade() -> None:
    op.create_table(
        "mask_senders",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sender", sa.String(length=100), nullable=False),
        sa.Column("sent_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["sha256"], ["masks.sha256"], name=op.f("fk_mask_senders_sha256")),
        sa.PrimaryKeyConstraint("sha256", "sender", name=op.f("pk_mask_senders")),
    )
    _rename(lambda column, table: (f"fk_mask_uses_{column}_{table}", f"fk_mask_uses_{column}"))


def downgrade() -> None:
    _rename(lambda column, table: (f"fk_mask_uses_{column}", f"fk_mask_uses_{column}_{table}"))
    op.drop_table("mask_senders")


def _rename(names: Callable[[str, str], tuple[str, str]]) -> None:
    """PostgreSQL renames a constraint; SQLite makes the table anew."""
    renamed = {column: names(column, target.partition(".")[0]) for column, target in COLUMNS.items()}
    if op.get_bind().dialect.name == "postgresql":
        for before, after in renamed.values():
            op.execute(f"ALTER TABLE mask_uses RENAME CONSTRAINT {before} TO {after}")
        return
    with op.batch_alter_table("mask_uses") as uses:
        for column, (before, after) in renamed.items():
            table, _, key = COLUMNS[column].partition(".")
            uses.drop_constraint(before, type_="foreignkey")
            uses.create_foreign_key(after, table, [column], [key])
