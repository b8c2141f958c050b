"""How often an image that an annotation is about was closed or opened again, by which the index knows the newer state."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("annotations", sa.Column("closings", sa.Integer(), server_default="0", nullable=False))


def downgrade() -> None:
    with op.batch_alter_table("annotations") as annotations:
        annotations.drop_column("closings")
