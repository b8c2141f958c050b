"""Rows of datasets, of their versions, and of what each version is made of."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, ForeignKeyConstraint, Index, Integer, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import TypeEngine

from app.runtime.db import Base, Json, Moment


def key_of(length: int) -> TypeEngine[str]:
    """A column of keys that PostgreSQL orders by their bytes, too, so that an index serves streams in that order."""
    return String(length).with_variant(String(length, collation="C"), "postgresql")


class DatasetRow(Base):
    """The concept: what can be described anew. `newest` is the number of the newest frozen version."""

    __tablename__ = "datasets"
    __table_args__ = (Index(None, "frozen_at", "key"), Index(None, "created_by", "key"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    title: Mapped[str] = mapped_column(String(500))
    description: Mapped[str] = mapped_column(Text, default="")
    creators: Mapped[list[Any]] = mapped_column(Json)
    keywords: Mapped[list[Any]] = mapped_column(Json)
    kind: Mapped[str] = mapped_column(String(16))
    selection: Mapped[dict[str, Any]] = mapped_column(Json)
    split: Mapped[dict[str, Any]] = mapped_column(Json)
    policy: Mapped[str] = mapped_column(String(16))
    licence: Mapped[str] = mapped_column(String(300))
    classes: Mapped[list[Any]] = mapped_column(Json)
    newest: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100))
    frozen_at: Mapped[datetime | None] = mapped_column(Moment)


class DatasetVersionRow(Base):
    """A version. While it is *building*, `owner` is the process that does so; its members are nobody's until it is frozen."""

    __tablename__ = "dataset_versions"
    __table_args__ = (Index(None, "state", "frozen_at"),)

    dataset_key: Mapped[str] = mapped_column(ForeignKey("datasets.key"), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    content_id: Mapped[str] = mapped_column(String(64), default="")
    manifest_bytes: Mapped[int] = mapped_column(BigInteger, default=0)
    told: Mapped[dict[str, Any]] = mapped_column(Json)
    summary: Mapped[dict[str, Any]] = mapped_column(Json)
    code_version: Mapped[str] = mapped_column(String(64), default="")
    outbox_position: Mapped[int] = mapped_column(BigInteger, default=0)
    previous: Mapped[int] = mapped_column(Integer, default=0)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    asked_by: Mapped[str] = mapped_column(String(100))
    owner: Mapped[str] = mapped_column(String(255), default="")
    alive_at: Mapped[datetime] = mapped_column(Moment)
    frozen_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_at: Mapped[datetime | None] = mapped_column(Moment)
    withdrawn_by: Mapped[str] = mapped_column(String(100), default="")
    withdrawn_why: Mapped[str] = mapped_column(Text, default="")
    doi: Mapped[str] = mapped_column(String(300), default="", server_default=text("''"))


class DatasetImageRow(Base):
    """An image of a version. `joins` are digests of what binds it to others: two images that share one are of one group."""

    __tablename__ = "dataset_images"
    __table_args__ = (
        ForeignKeyConstraint(["dataset_key", "number"], ["dataset_versions.dataset_key", "dataset_versions.number"]),
        Index(None, "sha256"),
        Index(None, "media_key"),
        Index(None, "dataset_key", "number", "split", "media_key"),
    )

    dataset_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    media_key: Mapped[str] = mapped_column(key_of(16), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    byte_size: Mapped[int] = mapped_column(BigInteger)
    crc32: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(32))
    width_px: Mapped[int] = mapped_column(Integer)
    height_px: Mapped[int] = mapped_column(Integer)
    specimen_key: Mapped[str] = mapped_column(String(16))
    record_version: Mapped[int] = mapped_column(Integer)
    licence: Mapped[str] = mapped_column(String(300))
    rights: Mapped[str] = mapped_column(String(1000))
    holder: Mapped[str] = mapped_column(String(1000))
    creator: Mapped[str] = mapped_column(String(1000))
    access: Mapped[str] = mapped_column(String(8))
    joins: Mapped[list[Any]] = mapped_column(Json)
    group_id: Mapped[str] = mapped_column(String(16))
    split: Mapped[str] = mapped_column(String(32))


class DatasetAnnotationRow(Base):
    """An annotation of a version: which version of it, and the digest of its document."""

    __tablename__ = "dataset_annotations"
    __table_args__ = (
        ForeignKeyConstraint(["dataset_key", "number"], ["dataset_versions.dataset_key", "dataset_versions.number"]),
        Index("ix_dataset_annotations_on_image", "dataset_key", "number", "media_key", "annotation_key"),
        Index(None, "annotation_key"),
        Index(None, "run_key"),
    )

    dataset_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    number: Mapped[int] = mapped_column(Integer, primary_key=True)
    annotation_key: Mapped[str] = mapped_column(key_of(64), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    media_key: Mapped[str] = mapped_column(String(16))
    sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    class_name: Mapped[str] = mapped_column(String(100))
    author: Mapped[str] = mapped_column(String(100))
    run_key: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))


class DatasetJobRow(Base):
    """Work on a dataset in the background: a freeze, or an export of version `number` in a `format` with `options`.

    `stage` and `done` tell how far it is, `total` of how much where that is known. `outcome` says what came of it.
    """

    __tablename__ = "dataset_jobs"
    __table_args__ = (Index(None, "dataset_key", "asked_at"), Index(None, "state", "asked_at"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    dataset_key: Mapped[str] = mapped_column(ForeignKey("datasets.key"))
    number: Mapped[int] = mapped_column(Integer, default=0)
    kind: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(32), default="")
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(16))
    stage: Mapped[str] = mapped_column(String(32), default="")
    done: Mapped[int] = mapped_column(BigInteger, default=0)
    total: Mapped[int] = mapped_column(BigInteger, default=0)
    outcome: Mapped[dict[str, Any]] = mapped_column(Json)
    asked_at: Mapped[datetime] = mapped_column(Moment)
    asked_by: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class DatasetFileRow(Base):
    """A file that was made of a version, of which `spec` (a digest of content, format, options, exporter and what is withheld),
    and when it was given out last. Files that nobody asks for go, and are made again."""

    __tablename__ = "dataset_files"
    __table_args__ = (Index(None, "dataset_key", "number", "format"), Index(None, "used_at"), Index(None, "sha256"))

    spec: Mapped[str] = mapped_column(String(64), primary_key=True)
    name: Mapped[str] = mapped_column(key_of(255), primary_key=True)
    dataset_key: Mapped[str] = mapped_column(ForeignKey("datasets.key"))
    number: Mapped[int] = mapped_column(Integer)
    format: Mapped[str] = mapped_column(String(32))
    sha256: Mapped[str] = mapped_column(String(64))
    byte_size: Mapped[int] = mapped_column(BigInteger)
    crc32: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))
    made_at: Mapped[datetime] = mapped_column(Moment)
    used_at: Mapped[datetime] = mapped_column(Moment)
