"""Verdicts that were given without knowing those of others, and what is hidden of them until a statement is decided."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

VERDICTS = sa.table("verdicts", *map(sa.column, ("key", "annotation_key", "account", "kind", "independent", "given_at")))
ANNOTATIONS = sa.table("annotations", *map(sa.column, ("key", "kind")))
VEILED = sa.text("veil != ''")


def upgrade() -> None:
    op.add_column("annotations", sa.Column("sealed", sa.Boolean(), server_default=sa.false(), nullable=False))
    op.add_column("annotations", sa.Column("veil", sa.String(length=64), server_default=sa.text("''"), nullable=False))
    op.create_index("ix_annotations_veiled", "annotations", ["veil"], sqlite_where=VEILED, postgresql_where=VEILED)
    op.add_column("verdicts", sa.Column("kind", sa.String(length=32), server_default=sa.text("''"), nullable=False))
    op.add_column("verdicts", sa.Column("independent", sa.Boolean(), server_default=sa.true(), nullable=False))
    op.add_column("verdicts", sa.Column("gold", sa.Boolean(), server_default=sa.false(), nullable=False))
    of_kind = sa.select(ANNOTATIONS.c.kind).where(ANNOTATIONS.c.key == VERDICTS.c.annotation_key).scalar_subquery()
    op.execute(sa.update(VERDICTS).values(kind=sa.func.coalesce(of_kind, "")))
    other = VERDICTS.alias("other")
    knew = sa.exists().where(
        other.c.annotation_key == VERDICTS.c.annotation_key,
        other.c.account != VERDICTS.c.account,
        other.c.given_at < VERDICTS.c.given_at,
    )
    op.execute(sa.update(VERDICTS).where(knew).values(independent=sa.false()))
    op.create_index(op.f("ix_verdicts_kind_given_at"), "verdicts", ["kind", "given_at"])
    op.create_index(op.f("ix_verdicts_given_at"), "verdicts", ["given_at"])


def downgrade() -> None:
    op.drop_index(op.f("ix_verdicts_given_at"), table_name="verdicts")
    op.drop_index(op.f("ix_verdicts_kind_given_at"), table_name="verdicts")
    op.drop_index("ix_annotations_veiled", table_name="annotations")
    for table, columns in (("verdicts", ("gold", "independent", "kind")), ("annotations", ("veil", "sealed"))):
        with op.batch_alter_table(table) as altered:
            for column in columns:
                altered.drop_column(column)
