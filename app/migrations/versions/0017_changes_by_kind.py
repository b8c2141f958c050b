"""The changes of a kind of thing are found in their order, without sorting all of them."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_changes_kind_id"), "changes", ["kind", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_changes_kind_id"), "changes")
