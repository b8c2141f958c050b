"""Proposals for records, and versions of records: every record that is here is version 1, without being written again."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, JsonOrNull, Moment

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

CODES = ("institution_code", "collection_code")
INDEXES = {
    "proposals": (
        ("specimen_key", "key"),
        ("state", "key"),
        ("state", "term", "key"),
        ("state", "institution_code", "key"),
        ("state", *CODES, "key"),
        ("state", "term", "institution_code", "key"),
    ),
    "record_changes": (("specimen_key", "term"), ("in_force", "institution_code", "statement_key")),
}
OF_COLLECTION = "ix_proposals_state_term_collection"


def upgrade() -> None:
    op.add_column("specimens", sa.Column("record_version", sa.Integer(), server_default="1", nullable=False))
    op.add_column("specimens", sa.Column("accepted", JsonOrNull, nullable=True))
    op.create_table(
        "proposals",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("verbatim", sa.Text(), nullable=False),
        sa.Column("institution_code", sa.String(length=255), nullable=False),
        sa.Column("collection_code", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["annotations.key"], name=op.f("fk_proposals_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_proposals")),
    )
    op.create_table(
        "record_versions",
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("interpreted", Json, nullable=False),
        sa.Column("verbatim", Json, nullable=False),
        sa.Column("accepted", Json, nullable=False),
        sa.Column("stored_at", Moment(), nullable=False),
        sa.Column("stored_by", sa.String(length=100), nullable=False),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("statement_key", sa.String(length=64), nullable=False),
        sa.Column("statement_version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["specimen_key"], ["specimens.key"], name=op.f("fk_record_versions_specimen_key")),
        sa.PrimaryKeyConstraint("specimen_key", "version", name=op.f("pk_record_versions")),
    )
    op.create_table(
        "record_changes",
        sa.Column("statement_key", sa.String(length=64), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("institution_code", sa.String(length=255), nullable=False),
        sa.Column("term", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("statement_version", sa.Integer(), nullable=False),
        sa.Column("accepted_by", sa.String(length=100), nullable=False),
        sa.Column("accepted_at", Moment(), nullable=False),
        sa.Column("in_force", sa.Boolean(), nullable=False),
        sa.Column("source_now", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["specimen_key"], ["specimens.key"], name=op.f("fk_record_changes_specimen_key")),
        sa.PrimaryKeyConstraint("statement_key", name=op.f("pk_record_changes")),
    )
    for table, indexes in INDEXES.items():
        for columns in indexes:
            op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
    op.create_index(OF_COLLECTION, "proposals", ["state", "term", *CODES, "key"])


def downgrade() -> None:
    for table in ("record_changes", "record_versions", "proposals"):
        op.drop_table(table)
    with op.batch_alter_table("specimens") as specimens:
        specimens.drop_column("accepted")
        specimens.drop_column("record_version")
