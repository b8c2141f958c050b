"""Statements in a review state, and the changes of somebody, are found by kind without going through those of other kinds."""

from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

OF_STATE = ["state", "kind", "deleted_at", "withdrawn_at", "key"]


def upgrade() -> None:
    op.create_index(op.f("ix_annotations_state_kind_deleted_at_withdrawn_at_key"), "annotations", OF_STATE)
    op.create_index(op.f("ix_changes_by_kind_id"), "changes", ["by", "kind", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_changes_by_kind_id"), "changes")
    op.drop_index(op.f("ix_annotations_state_kind_deleted_at_withdrawn_at_key"), "annotations")
