"""Datasets, their versions, what these are made of, and work on them."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None


def _key(length: int) -> sa.types.TypeEngine[str]:
    return sa.String(length).with_variant(sa.String(length, collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "datasets",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("title", sa.String(length=500), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("creators", Json, nullable=False),
        sa.Column("keywords", Json, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("selection", Json, nullable=False),
        sa.Column("split", Json, nullable=False),
        sa.Column("policy", sa.String(length=16), nullable=False),
        sa.Column("licence", sa.String(length=300), nullable=False),
        sa.Column("classes", Json, nullable=False),
        sa.Column("newest", sa.Integer(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("frozen_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_datasets")),
    )
    op.create_index(op.f("ix_datasets_created_by_key"), "datasets", ["created_by", "key"], unique=False)
    op.create_index(op.f("ix_datasets_frozen_at_key"), "datasets", ["frozen_at", "key"], unique=False)
    op.create_table(
        "dataset_jobs",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("dataset_key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("format", sa.String(length=32), nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("outcome", Json, nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("ended_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(["dataset_key"], ["datasets.key"], name=op.f("fk_dataset_jobs_dataset_key")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_dataset_jobs")),
    )
    op.create_index(op.f("ix_dataset_jobs_dataset_key_asked_at"), "dataset_jobs", ["dataset_key", "asked_at"], unique=False)
    op.create_index(op.f("ix_dataset_jobs_state_asked_at"), "dataset_jobs", ["state", "asked_at"], unique=False)
    op.create_table(
        "dataset_versions",
        sa.Column("dataset_key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("content_id", sa.String(length=64), nullable=False),
        sa.Column("manifest_bytes", sa.BigInteger(), nullable=False),
        sa.Column("told", Json, nullable=False),
        sa.Column("summary", Json, nullable=False),
        sa.Column("code_version", sa.String(length=64), nullable=False),
        sa.Column("outbox_position", sa.BigInteger(), nullable=False),
        sa.Column("previous", sa.Integer(), nullable=False),
        sa.Column("asked_at", Moment(), nullable=False),
        sa.Column("asked_by", sa.String(length=100), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("alive_at", Moment(), nullable=False),
        sa.Column("frozen_at", Moment(), nullable=True),
        sa.Column("withdrawn_at", Moment(), nullable=True),
        sa.Column("withdrawn_by", sa.String(length=100), nullable=False),
        sa.Column("withdrawn_why", sa.Text(), nullable=False),
        sa.Column("doi", sa.String(length=300), server_default=sa.text("''"), nullable=False),
        sa.ForeignKeyConstraint(["dataset_key"], ["datasets.key"], name=op.f("fk_dataset_versions_dataset_key")),
        sa.PrimaryKeyConstraint("dataset_key", "number", name=op.f("pk_dataset_versions")),
    )
    op.create_index(op.f("ix_dataset_versions_state_frozen_at"), "dataset_versions", ["state", "frozen_at"], unique=False)
    op.create_table(
        "dataset_annotations",
        sa.Column("dataset_key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("annotation_key", _key(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("class_name", sa.String(length=100), nullable=False),
        sa.Column("author", sa.String(length=100), nullable=False),
        sa.Column("run_key", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_key", "number"],
            ["dataset_versions.dataset_key", "dataset_versions.number"],
            name=op.f("fk_dataset_annotations_dataset_key_number"),
        ),
        sa.PrimaryKeyConstraint("dataset_key", "number", "annotation_key", name=op.f("pk_dataset_annotations")),
    )
    op.create_index(op.f("ix_dataset_annotations_annotation_key"), "dataset_annotations", ["annotation_key"], unique=False)
    op.create_index(
        "ix_dataset_annotations_on_image",
        "dataset_annotations",
        ["dataset_key", "number", "media_key", "annotation_key"],
        unique=False,
    )
    op.create_index(op.f("ix_dataset_annotations_run_key"), "dataset_annotations", ["run_key"], unique=False)
    op.create_table(
        "dataset_images",
        sa.Column("dataset_key", sa.String(length=16), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("media_key", _key(16), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("byte_size", sa.BigInteger(), nullable=False),
        sa.Column("crc32", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=32), nullable=False),
        sa.Column("width_px", sa.Integer(), nullable=False),
        sa.Column("height_px", sa.Integer(), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("record_version", sa.Integer(), nullable=False),
        sa.Column("licence", sa.String(length=300), nullable=False),
        sa.Column("rights", sa.String(length=1000), nullable=False),
        sa.Column("holder", sa.String(length=1000), nullable=False),
        sa.Column("creator", sa.String(length=1000), nullable=False),
        sa.Column("access", sa.String(length=8), nullable=False),
        sa.Column("joins", Json, nullable=False),
        sa.Column("group_id", sa.String(length=16), nullable=False),
        sa.Column("split", sa.String(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["dataset_key", "number"],
            ["dataset_versions.dataset_key", "dataset_versions.number"],
            name=op.f("fk_dataset_images_dataset_key_number"),
        ),
        sa.PrimaryKeyConstraint("dataset_key", "number", "media_key", name=op.f("pk_dataset_images")),
    )
    op.create_index(
        op.f("ix_dataset_images_dataset_key_number_split_media_key"),
        "dataset_images",
        ["dataset_key", "number", "split", "media_key"],
        unique=False,
    )
    op.create_index(op.f("ix_dataset_images_media_key"), "dataset_images", ["media_key"], unique=False)
    op.create_index(op.f("ix_dataset_images_sha256"), "dataset_images", ["sha256"], unique=False)


def downgrade() -> None:
    op.drop_table("dataset_images")
    op.drop_table("dataset_annotations")
    op.drop_table("dataset_versions")
    op.drop_table("dataset_jobs")
    op.drop_table("datasets")
