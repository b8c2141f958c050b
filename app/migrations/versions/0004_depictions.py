"""Which images show which specimens, many to many: to begin with, each image its home specimen."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "depictions",
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("x0", sa.Float(), nullable=True),
        sa.Column("y0", sa.Float(), nullable=True),
        sa.Column("x1", sa.Float(), nullable=True),
        sa.Column("y1", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["specimen_key"], ["specimens.key"], name=op.f("fk_depictions_specimen_key")),
        sa.ForeignKeyConstraint(["media_key"], ["media.key"], name=op.f("fk_depictions_media_key")),
        sa.PrimaryKeyConstraint("specimen_key", "media_key", name=op.f("pk_depictions")),
    )
    op.execute(
        "INSERT INTO depictions (specimen_key, media_key, sequence, role) SELECT specimen_key, key, sequence, '' FROM media"
    )
    op.create_index(
        op.f("ix_depictions_specimen_key_sequence_media_key"), "depictions", ["specimen_key", "sequence", "media_key"]
    )
    op.create_index(op.f("ix_depictions_media_key"), "depictions", ["media_key"])


def downgrade() -> None:
    op.drop_table("depictions")
