"""All tables."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "annotations",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("etag", sa.String(length=64), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("layer", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("motivations", Json, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("x0", sa.Float(), nullable=True),
        sa.Column("y0", sa.Float(), nullable=True),
        sa.Column("x1", sa.Float(), nullable=True),
        sa.Column("y1", sa.Float(), nullable=True),
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=True),
        sa.Column("value", sa.Float(), nullable=True),
        sa.Column("unit", sa.String(length=16), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("modified_at", Moment, nullable=False),
        sa.Column("deleted_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_annotations")),
    )
    op.create_index(op.f("ix_annotations_deleted_at_key"), "annotations", ["deleted_at", "key"], unique=False)
    op.create_index(
        op.f("ix_annotations_media_key_layer_deleted_at_key"),
        "annotations",
        ["media_key", "layer", "deleted_at", "key"],
        unique=False,
    )
    op.create_index(op.f("ix_annotations_run_key"), "annotations", ["run_key"], unique=False)
    op.create_index(
        op.f("ix_annotations_specimen_key_deleted_at_key"), "annotations", ["specimen_key", "deleted_at", "key"], unique=False
    )
    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("message", Json, nullable=False),
        sa.Column("ready_at", Moment, nullable=False),
        sa.Column("claims", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=True),
        sa.Column("lease_until", Moment, nullable=True),
        sa.Column("dead_at", Moment, nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("message_id", name=op.f("uq_jobs_message_id")),
    )
    op.create_index(op.f("ix_jobs_dead_at_queue_ready_at_id"), "jobs", ["dead_at", "queue", "ready_at", "id"], unique=False)
    op.create_index(op.f("ix_jobs_owner"), "jobs", ["owner"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("queue", sa.String(length=32), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("added_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
    )
    op.create_index(op.f("ix_outbox_kind_id"), "outbox", ["kind", "id"], unique=False)
    op.create_table(
        "runs",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("pipeline", sa.String(length=64), nullable=False),
        sa.Column("pipeline_version", sa.String(length=64), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("input_digest", sa.String(length=64), nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("parameters", Json, nullable=False),
        sa.Column("environment", Json, nullable=False),
        sa.Column("steps", Json, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("report", Json, nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("started_at", Moment, nullable=True),
        sa.Column("ended_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_runs")),
        sa.UniqueConstraint("media_key", "pipeline_version", name=op.f("uq_runs_media_key_pipeline_version")),
    )
    op.create_index(op.f("ix_runs_created_at_key"), "runs", ["created_at", "key"], unique=False)
    op.create_index(op.f("ix_runs_state_created_at_key"), "runs", ["state", "created_at", "key"], unique=False)
    op.create_table(
        "specimens",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("catalog_number", sa.String(length=255), nullable=False),
        sa.Column("institution_code", sa.String(length=255), nullable=False),
        sa.Column("collection_code", sa.String(length=255), nullable=False),
        sa.Column("scientific_name", sa.String(length=1000), nullable=False),
        sa.Column("interpreted", Json, nullable=False),
        sa.Column("verbatim", Json, nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("updated_at", Moment, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_specimens")),
        sa.UniqueConstraint(
            "institution_code",
            "collection_code",
            "catalog_number",
            name=op.f("uq_specimens_institution_code_collection_code_catalog_number"),
        ),
    )
    op.create_index(op.f("ix_specimens_scientific_name"), "specimens", ["scientific_name"], unique=False)
    op.create_index(op.f("ix_specimens_updated_at_key"), "specimens", ["updated_at", "key"], unique=False)
    op.create_table(
        "tokens",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.Column("revoked_at", Moment, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_table(
        "annotation_versions",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("document", Json, nullable=False),
        sa.Column("stored_at", Moment, nullable=False),
        sa.Column("stored_by", sa.String(length=100), nullable=False),
        sa.ForeignKeyConstraint(["key"], ["annotations.key"], name=op.f("fk_annotation_versions_key")),
        sa.PrimaryKeyConstraint("key", "version", name=op.f("pk_annotation_versions")),
    )
    op.create_table(
        "media",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("exif_orientation", sa.Integer(), nullable=False),
        sa.Column("icc_profile", sa.String(length=255), nullable=False),
        sa.Column("file_name", sa.String(length=1000), nullable=False),
        sa.Column("rights", sa.String(length=1000), nullable=False),
        sa.Column("rights_holder", sa.String(length=1000), nullable=False),
        sa.Column("creator", sa.String(length=1000), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=False),
        sa.Column("pyramid_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment, nullable=False),
        sa.ForeignKeyConstraint(["specimen_key"], ["specimens.key"], name=op.f("fk_media_specimen_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_media")),
        sa.UniqueConstraint("sha256", name=op.f("uq_media_sha256")),
    )
    op.create_index(op.f("ix_media_specimen_key_sequence"), "media", ["specimen_key", "sequence"], unique=False)
    op.create_index(op.f("ix_media_state_key"), "media", ["state", "key"], unique=False)


def downgrade() -> None:
    op.drop_index(op.f("ix_media_state_key"), table_name="media")
    op.drop_index(op.f("ix_media_specimen_key_sequence"), table_name="media")
    op.drop_table("media")
    op.drop_table("annotation_versions")
    op.drop_table("tokens")
    op.drop_index(op.f("ix_specimens_updated_at_key"), table_name="specimens")
    op.drop_index(op.f("ix_specimens_scientific_name"), table_name="specimens")
    op.drop_table("specimens")
    op.drop_index(op.f("ix_runs_state_created_at_key"), table_name="runs")
    op.drop_index(op.f("ix_runs_created_at_key"), table_name="runs")
    op.drop_table("runs")
    op.drop_index(op.f("ix_outbox_kind_id"), table_name="outbox")
    op.drop_table("outbox")
    op.drop_index(op.f("ix_jobs_owner"), table_name="jobs")
    op.drop_index(op.f("ix_jobs_dead_at_queue_ready_at_id"), table_name="jobs")
    op.drop_table("jobs")
    op.drop_index(op.f("ix_annotations_specimen_key_deleted_at_key"), table_name="annotations")
    op.drop_index(op.f("ix_annotations_run_key"), table_name="annotations")
    op.drop_index(op.f("ix_annotations_media_key_layer_deleted_at_key"), table_name="annotations")
    op.drop_index(op.f("ix_annotations_deleted_at_key"), table_name="annotations")
    op.drop_table("annotations")
