"""An index that leads to the images that are closed, which every question for statements looks at."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(op.f("ix_media_access_key"), "media", ["access", "key"])


def downgrade() -> None:
    op.drop_index(op.f("ix_media_access_key"), "media")
