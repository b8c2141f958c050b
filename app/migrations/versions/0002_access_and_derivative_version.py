"""Access to images, and the version of the recipe that their derivatives follow."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table("media") as media:
        media.add_column(sa.Column("derivative_version", sa.Integer(), server_default="0", nullable=False))
        media.add_column(sa.Column("access", sa.String(length=8), server_default="open", nullable=False))
        media.create_index("ix_media_derivative_version_key", ["derivative_version", "key"])


def downgrade() -> None:
    with op.batch_alter_table("media") as media:
        media.drop_index("ix_media_derivative_version_key")
        media.drop_column("access")
        media.drop_column("derivative_version")
