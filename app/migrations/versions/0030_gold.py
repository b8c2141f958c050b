"""What was given to whom as gold, and the decisions of curators by kind."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

GOLD = sa.text("gold")


def upgrade() -> None:
    op.create_table(
        "queue_gold",
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("until", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_queue_gold_annotation_key")),
        sa.PrimaryKeyConstraint("account", "annotation_key", name=op.f("pk_queue_gold")),
    )
    op.create_index(op.f("ix_queue_gold_account_until"), "queue_gold", ["account", "until"])
    op.create_index(op.f("ix_verdicts_kind_role_given_at"), "verdicts", ["kind", "role", "given_at"])
    op.create_index("ix_verdicts_of_gold", "verdicts", ["account"], sqlite_where=GOLD, postgresql_where=GOLD)


def downgrade() -> None:
    op.drop_index("ix_verdicts_of_gold", table_name="verdicts")
    op.drop_index(op.f("ix_verdicts_kind_role_given_at"), table_name="verdicts")
    op.drop_table("queue_gold")
