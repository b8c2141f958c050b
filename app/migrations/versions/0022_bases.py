"""All that a statement rests on, its outline beside its ruler; and which statement a run made anew."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

NAMES = ("key", "kind", "text", "layer", "run_key", "media_key", "specimen_key", "deleted_at", "withdrawn_at", "rests_on")
ANNOTATIONS = sa.table("annotations", *map(sa.column, NAMES))
BASES = sa.table("annotation_bases", *map(sa.column, ("annotation_key", "basis_key")))
MEASURES = ("length", "width", "area")


def upgrade() -> None:
    op.create_table(
        "annotation_bases",
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("basis_key", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_annotation_bases_annotation_key")),
        sa.PrimaryKeyConstraint("annotation_key", "basis_key", name=op.f("pk_annotation_bases")),
    )
    named = sa.select(ANNOTATIONS.c.key, ANNOTATIONS.c.rests_on).where(ANNOTATIONS.c.rests_on != "")
    op.execute(sa.insert(BASES).from_select(["annotation_key", "basis_key"], named))
    op.execute(sa.insert(BASES).from_select(["annotation_key", "basis_key"], _outlines()))
    op.create_index(op.f("ix_annotation_bases_basis_key"), "annotation_bases", ["basis_key"])
    op.add_column("annotations", sa.Column("remakes", sa.String(length=64), server_default=sa.text("''"), nullable=False))
    op.create_index(op.f("ix_annotations_remakes"), "annotations", ["remakes"])


def downgrade() -> None:
    op.drop_index(op.f("ix_annotations_remakes"), table_name="annotations")
    with op.batch_alter_table("annotations") as annotations:
        annotations.drop_column("remakes")
    op.drop_table("annotation_bases")


def _outlines() -> sa.Select[tuple[str, str]]:
    """Machines' measures of a specimen, each with the outline of the same run over the same image that was measured: the only
    one, or the first piece, as their texts say. Measures in pixels rest on nothing else."""
    measure, outline = ANNOTATIONS.alias("measure"), ANNOTATIONS.alias("outline")
    first = sa.or_(
        outline.c.text.like("Outline of the specimen, piece 1 of %"),
        outline.c.text.like("Outline of the specimen.%"),
        outline.c.text == "Outline of the specimen",
    )
    together = sa.and_(
        outline.c.run_key == measure.c.run_key,
        outline.c.withdrawn_at.is_not_distinct_from(measure.c.withdrawn_at),
        outline.c.specimen_key == measure.c.specimen_key,
        outline.c.media_key == measure.c.media_key,
        outline.c.kind == "outline",
        outline.c.deleted_at.is_(None),
        outline.c.layer == "machine",
        first,
    )
    query = sa.select(measure.c.key, sa.func.min(outline.c.key)).select_from(measure.join(outline, together))
    of_machines = sa.and_(measure.c.kind.in_(MEASURES), measure.c.layer == "machine", measure.c.run_key != "")
    return query.where(of_machines).group_by(measure.c.key)
