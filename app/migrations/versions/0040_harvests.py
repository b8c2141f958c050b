"""Manifests and statements that were harvested from other servers."""

import sqlalchemy as sa
from alembic import op

from app.runtime.db import Json, Moment

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "harvest_sources",
        sa.Column("key", sa.String(length=16), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("rules", Json, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("created_by", sa.String(length=100), nullable=False),
        sa.Column("seen_until", Moment(), nullable=True),
        sa.Column("harvested_at", Moment(), nullable=True),
        sa.Column("ingest_key", sa.String(length=16), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_harvest_sources")),
        sa.UniqueConstraint("name", name=op.f("uq_harvest_sources_name")),
    )
    op.create_index(op.f("ix_harvest_sources_created_at_key"), "harvest_sources", ["created_at", "key"])
    op.create_table(
        "harvested_manifests",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("origin_name", sa.String(length=64), nullable=False),
        sa.Column("source_key", sa.String(length=16), nullable=False),
        sa.Column("specimen_key", sa.String(length=16), nullable=False),
        sa.Column("own", sa.Boolean(), nullable=False),
        sa.Column("etag", sa.String(length=200), nullable=False),
        sa.Column("modified", sa.String(length=200), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("round", sa.String(length=16), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(["source_key"], ["harvest_sources.key"], name=op.f("fk_harvested_manifests_source_key")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_harvested_manifests")),
    )
    for columns in (["source_key", "state", "round", "name"], ["origin_name"], ["specimen_key"]):
        op.create_index(op.f(f"ix_harvested_manifests_{'_'.join(columns)}"), "harvested_manifests", columns)
    op.create_table(
        "harvested_pictures",
        sa.Column("manifest_name", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("canvas", sa.Text(), nullable=False),
        sa.Column("media_key", sa.String(length=16), nullable=False),
        sa.Column("etag", sa.String(length=200), nullable=False),
        sa.Column("modified", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["manifest_name"], ["harvested_manifests.name"], name=op.f("fk_harvested_pictures_manifest_name")
        ),
        sa.PrimaryKeyConstraint("manifest_name", "name", name=op.f("pk_harvested_pictures")),
    )
    op.create_index(op.f("ix_harvested_pictures_media_key"), "harvested_pictures", ["media_key"])
    op.create_table(
        "harvested_annotations",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("iri", sa.Text(), nullable=False),
        sa.Column("place", sa.String(length=64), nullable=False),
        sa.Column("annotation_key", sa.String(length=64), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(["annotation_key"], ["annotations.key"], name=op.f("fk_harvested_annotations_annotation_key")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_harvested_annotations")),
    )
    op.create_index(op.f("ix_harvested_annotations_place_name"), "harvested_annotations", ["place", "name"])
    op.create_index(op.f("ix_harvested_annotations_annotation_key"), "harvested_annotations", ["annotation_key"])


def downgrade() -> None:
    for table in ("harvested_annotations", "harvested_pictures", "harvested_manifests", "harvest_sources"):
        op.drop_table(table)
