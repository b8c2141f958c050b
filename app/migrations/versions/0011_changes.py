"""Who changed what; and a version, without a document, for every deletion of an annotation, by nobody we know of before now."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("by", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=100), nullable=False),
        sa.Column("version", sa.Integer(), nullable=True),
        sa.Column("details", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
    )
    op.create_index(op.f("ix_changes_kind_key_id"), "changes", ["kind", "key", "id"])
    op.create_index(op.f("ix_changes_by_id"), "changes", ["by", "id"])
    with op.batch_alter_table("annotation_versions") as versions:
        versions.alter_column("document", existing_type=Json, nullable=True)
    op.execute(
        "INSERT INTO annotation_versions (key, version, document, stored_at, stored_by) "
        "SELECT key, version, NULL, deleted_at, '' FROM annotations WHERE deleted_at IS NOT NULL "
        "AND NOT EXISTS (SELECT 1 FROM annotation_versions AS kept "
        "WHERE kept.key = annotations.key AND kept.version = annotations.version)"
    )


def downgrade() -> None:
    op.execute("DELETE FROM annotation_versions WHERE document IS NULL")
    with op.batch_alter_table("annotation_versions") as versions:
        versions.alter_column("document", existing_type=Json, nullable=False)
    op.drop_table("changes")
