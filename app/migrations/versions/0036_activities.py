"""Activities for those who keep copies: what there was before stands as having come, or gone, when it did last."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Moment

revision = "0036"
down_revision = "0035"
branch_labels = None
depends_on = None

BEFORE = """
INSERT INTO activities (number, at, type, kind, key, version, target, public)
SELECT row_number() OVER (ORDER BY at, kind, key), at, type, kind, key, version, '', public FROM (
  SELECT s.updated_at AS at, 'Create' AS type, 'manifest' AS kind, s.key AS key, s.version AS version, {true} AS public
  FROM specimens s WHERE EXISTS (
    SELECT 1 FROM depictions d JOIN media m ON m.key = d.media_key WHERE d.specimen_key = s.key AND m.state = 'ready')
  UNION ALL
  SELECT COALESCE(a.deleted_at, a.withdrawn_at, a.modified_at),
    CASE WHEN COALESCE(a.deleted_at, a.withdrawn_at) IS NULL THEN 'Create' ELSE 'Delete' END,
    'annotation', a.key, a.version,
    NOT EXISTS (SELECT 1 FROM annotation_targets t JOIN media m ON m.key = t.media_key
      WHERE t.annotation_key = a.key AND m.access = 'closed')
  FROM annotations a WHERE a.layer <> 'review' AND a.veil = ''
  UNION ALL
  SELECT d.frozen_at, 'Create', 'dataset', d.key, d.newest, {true} FROM datasets d WHERE d.frozen_at IS NOT NULL
) AS before
"""


def upgrade() -> None:
    op.create_table(
        "activities",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("at", Moment(timezone=True), nullable=False),
        sa.Column("type", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("target", sa.String(length=64), nullable=False),
        sa.Column("public", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_activities")),
    )
    op.create_index(op.f("ix_activities_kind_key"), "activities", ["kind", "key"])
    is_sqlite = op.get_bind().dialect.name == "sqlite"
    op.execute(sa.text(BEFORE.format(true="1" if is_sqlite else "true")))


def downgrade() -> None:
    op.drop_table("activities")
