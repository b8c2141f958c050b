"""Which targets lie on every specimen that their image shows; a drawer keeps one row of them, not one for each specimen.

What lies on a whole image is known by its missing box. What is said about images of several specimens, or of which a specimen
has a region of its own, is laid again by the workers, as after a change of the depictions; until then the rows that each
specimen has say the same.
"""

from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("annotation_targets", sa.Column("whole", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.execute(sa.text("UPDATE annotation_targets SET whole = true WHERE media_key <> '' AND x0 IS NULL"))
    connection = op.get_bind()
    depictions = sa.table("depictions", sa.column("media_key"), sa.column("x0"))
    outbox = sa.table("outbox", *map(sa.column, ("kind", "name", "queue", "payload")), sa.column("added_at", Moment))
    payload = sa.func.jsonb_build_object if connection.dialect.name == "postgresql" else sa.func.json_object
    several = (
        sa.select(
            sa.literal("job"),
            sa.literal("depictions_changed"),
            sa.literal("analysis"),
            payload(sa.literal("media_key"), depictions.c.media_key),
            sa.literal(datetime.now(UTC), Moment()),
        )
        .group_by(depictions.c.media_key)
        .having(sa.or_(sa.func.count() > 1, sa.func.max(depictions.c.x0).is_not(None)))
    )
    connection.execute(sa.insert(outbox).from_select([column.name for column in outbox.c], several))


def downgrade() -> None:
    with op.batch_alter_table("annotation_targets") as targets:
        targets.drop_column("whole")
