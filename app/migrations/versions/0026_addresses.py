"""Changes that still have a network address are found by their time, so that the old ones can be forgotten."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

ADDRESSED = sa.text("address IS NOT NULL")


def upgrade() -> None:
    op.create_index("ix_changes_addressed", "changes", ["at"], sqlite_where=ADDRESSED, postgresql_where=ADDRESSED)


def downgrade() -> None:
    op.drop_index("ix_changes_addressed", table_name="changes")
