"""Notices that others leave in the inbox."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

TEXTS = (("about_kind", 16), ("about_key", 64), ("institution_code", 255), ("collection_code", 255))


def upgrade() -> None:
    op.create_table(
        "notices",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("received_at", Moment(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        *(sa.Column(name, sa.String(length=length), nullable=False) for name, length in TEXTS),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.String(length=300), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=45), nullable=False),
        sa.Column("decided_by", sa.String(length=100), nullable=False),
        sa.Column("decided_at", Moment(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_notices")),
        sa.UniqueConstraint("digest", name=op.f("uq_notices_digest")),
    )
    op.create_index(op.f("ix_notices_state_key"), "notices", ["state", "key"])
    op.create_index(op.f("ix_notices_about_key_state_key"), "notices", ["about_key", "state", "key"])
    op.create_index(op.f("ix_notices_address_state"), "notices", ["address", "state"])


def downgrade() -> None:
    op.drop_table("notices")
