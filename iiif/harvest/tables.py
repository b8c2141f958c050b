"""Rows of what was harvested."""

from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class HarvestSourceRow(Base):
    """An address that is harvested, its rules, and how far it was read. `name` is the digest of the address."""

    __tablename__ = "harvest_sources"
    __table_args__ = (Index(None, "created_at", "key"),)

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    address: Mapped[str] = mapped_column(Text)
    rules: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    created_by: Mapped[str] = mapped_column(String(100), default="")
    seen_until: Mapped[datetime | None] = mapped_column(Moment)
    harvested_at: Mapped[datetime | None] = mapped_column(Moment)
    ingest_key: Mapped[str] = mapped_column(String(16), default="")


class HarvestedRow(Base):
    """A manifest that was harvested; `name` and `origin_name` are digests of its address and of that of the first manifest in its
    chain, as addresses may be longer than an index holds. `round` is the ingest that named it last."""

    __tablename__ = "harvested_manifests"
    __table_args__ = (
        Index(None, "source_key", "state", "round", "name"),
        Index(None, "origin_name"),
        Index(None, "specimen_key"),
    )

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    iri: Mapped[str] = mapped_column(Text)
    origin: Mapped[str] = mapped_column(Text)
    origin_name: Mapped[str] = mapped_column(String(64))
    source_key: Mapped[str] = mapped_column(ForeignKey("harvest_sources.key"))
    specimen_key: Mapped[str] = mapped_column(String(16), default="")
    own: Mapped[bool] = mapped_column(Boolean)
    etag: Mapped[str] = mapped_column(String(200), default="")
    modified: Mapped[str] = mapped_column(String(200), default="")
    digest: Mapped[str] = mapped_column(String(64), default="")
    state: Mapped[str] = mapped_column(String(8))
    reason: Mapped[str] = mapped_column(Text, default="")
    round: Mapped[str] = mapped_column(String(16), default="")
    changed_at: Mapped[datetime] = mapped_column(Moment)


class HarvestedPictureRow(Base):
    """A picture of a harvested manifest; `name` is the digest of its address and of its canvas."""

    __tablename__ = "harvested_pictures"
    __table_args__ = (Index(None, "media_key"),)

    manifest_name: Mapped[str] = mapped_column(ForeignKey("harvested_manifests.name"), primary_key=True)
    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(Text)
    canvas: Mapped[str] = mapped_column(Text)
    media_key: Mapped[str] = mapped_column(String(16))
    etag: Mapped[str] = mapped_column(String(200), default="")
    modified: Mapped[str] = mapped_column(String(200), default="")
