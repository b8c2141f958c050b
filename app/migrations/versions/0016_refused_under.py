"""Under which limits an image was refused for want of time, memory or a living decoder; empty where its file is to blame.

What was refused so before is tried again at the next start: its limits are not known.
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

SENTENCES = (
    "Decoding takes longer than%",
    "Decoding needs more than%",
    "This file ended the decoder%",
    "Given up:%",
    "The image has%",
)


def upgrade() -> None:
    op.add_column("media", sa.Column("refused_under", sa.String(length=100), server_default=sa.text("''"), nullable=False))
    media = sa.table(
        "media", sa.column("state", sa.String), sa.column("state_reason", sa.Text), sa.column("refused_under", sa.String)
    )
    alike = sa.or_(*(media.c.state_reason.like(sentence) for sentence in SENTENCES))
    op.execute(media.update().where(media.c.state == "failed", alike).values(refused_under="not known"))


def downgrade() -> None:
    op.drop_column("media", "refused_under")
