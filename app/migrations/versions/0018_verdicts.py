"""What people think of statements: verdicts, and the review state that follows; and which statement rests on which."""

from collections.abc import Mapping
from typing import Any

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, JsonOrNull, Moment

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

PAGE = 500
ANNOTATIONS = sa.table("annotations", *map(sa.column, ("key", "unit", "layer", "rests_on")), sa.column("document", Json))


def upgrade() -> None:
    for column in (
        sa.Column("state", sa.String(length=16), server_default="unreviewed", nullable=False),
        sa.Column("state_reason", JsonOrNull, nullable=True),
        sa.Column("state_at", Moment(), nullable=True),
        sa.Column("judgements", sa.Integer(), server_default="0", nullable=False),
        sa.Column("substance_version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("rests_on", sa.String(length=64), server_default=sa.text("''"), nullable=False),
    ):
        op.add_column("annotations", column)
    op.create_table(
        "verdicts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("account", sa.String(length=100), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("verdict", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=32), nullable=False),
        sa.Column("correction_key", sa.String(length=64), nullable=False),
        sa.Column("client_key", sa.String(length=64), nullable=False),
        sa.Column("given_at", Moment(), nullable=False),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_verdicts_annotation_key")),
        sa.ForeignKeyConstraint(["key"], ["annotations.key"], name=op.f("fk_verdicts_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_verdicts")),
    )
    for columns in (["annotation_key", "account"], ["correction_key"], ["account", "client_key"]):
        op.create_index(op.f(f"ix_verdicts_{'_'.join(columns)}"), "verdicts", columns)
    _say_what_rests_on_what(op.get_bind())
    columns = ["state", "deleted_at", "withdrawn_at", "key"]
    op.create_index(op.f("ix_annotations_state_deleted_at_withdrawn_at_key"), "annotations", columns)
    op.create_index(op.f("ix_annotations_rests_on"), "annotations", ["rests_on"])


def downgrade() -> None:
    op.drop_index(op.f("ix_annotations_rests_on"), table_name="annotations")
    op.drop_index(op.f("ix_annotations_state_deleted_at_withdrawn_at_key"), table_name="annotations")
    op.drop_table("verdicts")
    with op.batch_alter_table("annotations") as annotations:
        for column in ("rests_on", "substance_version", "judgements", "state_at", "state_reason", "state"):
            annotations.drop_column(column)


def _say_what_rests_on_what(connection: sa.Connection) -> None:
    """Machines' lengths name the ruler that they were measured with, in their document; those are read a page at a time."""
    measured = sa.and_(ANNOTATIONS.c.layer == "machine", ANNOTATIONS.c.unit.in_(("mm", "mm2", "mm²")))
    after = ""
    query = sa.select(ANNOTATIONS.c.key, ANNOTATIONS.c.document).where(measured).order_by(ANNOTATIONS.c.key).limit(PAGE)
    while page := connection.execute(query.where(ANNOTATIONS.c.key > after)).all():
        after = page[-1][0]
        found = [{"of": key, "on": ruler} for key, document in page if (ruler := _ruler(document))]
        if found:
            itself = ANNOTATIONS.c.key == sa.bindparam("of")
            connection.execute(sa.update(ANNOTATIONS).where(itself).values(rests_on=sa.bindparam("on")), found)


def _ruler(document: Mapping[str, Any]) -> str:
    """The key of the annotation that a body was derived from; empty for none."""
    bodies = document.get("body")
    for body in bodies if isinstance(bodies, list) else [bodies]:
        source = body.get("wasDerivedFrom") if isinstance(body, Mapping) else None
        if isinstance(source, str) and "/annotations/" in source:
            return source.rpartition("/annotations/")[2][:64]
    return ""
