"""Rows of the catalogue."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, Float, ForeignKey, Index, Integer, String, Text, select, text
from sqlalchemy.orm import Mapped, column_property, mapped_column

from app.runtime.db import Base, Json, JsonOrNull, Moment


class SpecimenRow(Base):
    """A specimen; the columns beside the JSON are those that queries and uniqueness need (identity.py: `identity` and
    `folded_number`).

    `interpreted` and `verbatim` are the source's; `accepted` is, by term, the change that is in force (`records`), NULL where
    none ever was. `record_version` is the version of the record that both make.
    """

    __tablename__ = "specimens"
    __table_args__ = (Index(None, "folded_number", "institution_code", "collection_code"), Index(None, "updated_at", "key"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    identity: Mapped[str] = mapped_column(Text, unique=True)
    version: Mapped[int] = mapped_column(Integer)
    catalog_number: Mapped[str] = mapped_column(String(255))
    folded_number: Mapped[str] = mapped_column(String(255), default="", server_default=text("''"))
    institution_code: Mapped[str] = mapped_column(String(255), default="")
    collection_code: Mapped[str] = mapped_column(String(255), default="")
    scientific_name: Mapped[str] = mapped_column(String(1000), default="", index=True)
    interpreted: Mapped[dict[str, Any]] = mapped_column(Json)
    verbatim: Mapped[dict[str, Any]] = mapped_column(Json)
    source: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Moment)
    updated_at: Mapped[datetime] = mapped_column(Moment)
    record_version: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    accepted: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)


class RecordVersionRow(Base):
    """A version of a record as it once stood, with all its terms (`interpreted`, accepted values included) and what changes were
    in force; never changed. A record of one version only has no row here: its specimen is that version.

    `action` is "source", "accept", "take back" or "replace"; for the last three `term` and the statement say of what.
    """

    __tablename__ = "record_versions"

    specimen_key: Mapped[str] = mapped_column(ForeignKey("specimens.key"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    interpreted: Mapped[dict[str, Any]] = mapped_column(Json)
    verbatim: Mapped[dict[str, Any]] = mapped_column(Json)
    accepted: Mapped[dict[str, Any]] = mapped_column(Json)
    stored_at: Mapped[datetime] = mapped_column(Moment)
    stored_by: Mapped[str] = mapped_column(String(100), default="")
    action: Mapped[str] = mapped_column(String(16))
    term: Mapped[str] = mapped_column(String(64), default="")
    statement_key: Mapped[str] = mapped_column(String(64), default="")
    statement_version: Mapped[int] = mapped_column(Integer, default=0)


class RecordChangeRow(Base):
    """A statement that stands accepted for a term of a record; of several for one term the one that was accepted last is
    `in_force`. `source_now` is what the source has said since, where that is not what it said then."""

    __tablename__ = "record_changes"
    __table_args__ = (Index(None, "specimen_key", "term"), Index(None, "in_force", "institution_code", "statement_key"))

    statement_key: Mapped[str] = mapped_column(String(64), primary_key=True)
    specimen_key: Mapped[str] = mapped_column(ForeignKey("specimens.key"))
    institution_code: Mapped[str] = mapped_column(String(255), default="")
    term: Mapped[str] = mapped_column(String(64))
    value: Mapped[str] = mapped_column(Text)
    statement_version: Mapped[int] = mapped_column(Integer)
    accepted_by: Mapped[str] = mapped_column(String(100))
    accepted_at: Mapped[datetime] = mapped_column(Moment)
    in_force: Mapped[bool] = mapped_column(Boolean)
    source_now: Mapped[str | None] = mapped_column(Text)


class MediaRow(Base):
    """An image; one row per content, so the same file comes in once. `specimen_key` is its home specimen.

    `refused_under` are the limits under which it failed, where not its file is to blame but them or the machine.
    """

    __tablename__ = "media"
    __table_args__ = (
        Index(None, "specimen_key", "sequence"),
        Index(None, "state", "key"),
        Index(None, "derivative_version", "key"),
        Index(None, "access", "key"),
    )

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    specimen_key: Mapped[str] = mapped_column(ForeignKey("specimens.key"))
    version: Mapped[int] = mapped_column(Integer)
    sequence: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    byte_size: Mapped[int] = mapped_column(BigInteger)
    format: Mapped[str] = mapped_column(String(32))
    width_px: Mapped[int] = mapped_column(Integer, default=0)
    height_px: Mapped[int] = mapped_column(Integer, default=0)
    exif_orientation: Mapped[int] = mapped_column(Integer, default=1)
    icc_profile: Mapped[str] = mapped_column(String(255), default="")
    file_name: Mapped[str] = mapped_column(String(1000))
    rights: Mapped[str] = mapped_column(String(1000), default="")
    rights_holder: Mapped[str] = mapped_column(String(1000), default="")
    creator: Mapped[str] = mapped_column(String(1000), default="")
    state: Mapped[str] = mapped_column(String(8))
    state_reason: Mapped[str] = mapped_column(Text, default="")
    refused_under: Mapped[str] = mapped_column(String(100), default="", server_default=text("''"))
    pyramid_sha256: Mapped[str] = mapped_column(String(64), default="")
    derivative_version: Mapped[int] = mapped_column(Integer, default=0, server_default="0")
    access: Mapped[str] = mapped_column(String(8), default="open", server_default="open")
    created_at: Mapped[datetime] = mapped_column(Moment)
    institution_code: Mapped[str] = column_property(
        select(SpecimenRow.institution_code).where(SpecimenRow.key == specimen_key).scalar_subquery()
    )
    collection_code: Mapped[str] = column_property(
        select(SpecimenRow.collection_code).where(SpecimenRow.key == specimen_key).scalar_subquery()
    )


class DepictionRow(Base):
    """That an image shows a specimen; there is one for the home specimen of every image. The box is in canvas units."""

    __tablename__ = "depictions"
    __table_args__ = (Index(None, "specimen_key", "sequence", "media_key"), Index(None, "media_key"))

    specimen_key: Mapped[str] = mapped_column(ForeignKey("specimens.key"), primary_key=True)
    media_key: Mapped[str] = mapped_column(ForeignKey("media.key"), primary_key=True)
    sequence: Mapped[int] = mapped_column(Integer)
    role: Mapped[str] = mapped_column(String(16), default="")
    x0: Mapped[float | None] = mapped_column(Float)
    y0: Mapped[float | None] = mapped_column(Float)
    x1: Mapped[float | None] = mapped_column(Float)
    y1: Mapped[float | None] = mapped_column(Float)
