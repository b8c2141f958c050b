"""Rows of imports and of what came in by them."""

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, JsonOrNull, Moment


class ImportRow(Base):
    """An import: of which file, how it is to be read, and its report once it has ended.

    `state` is "waiting", "running", "completed" or "failed"; `run_key` is empty for a dry run. `file_sha256` names the blob of a
    file that came by HTTP, empty for one that was read in place.
    """

    __tablename__ = "imports"
    __table_args__ = (Index(None, "created_at", "key"), Index(None, "run_key"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    format: Mapped[str] = mapped_column(String(32))
    file_name: Mapped[str] = mapped_column(String(1000))
    file_sha256: Mapped[str] = mapped_column(String(64), default="")
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    run_key: Mapped[str] = mapped_column(String(16), default="")
    asked_by: Mapped[str] = mapped_column(String(100))
    reason: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any] | None] = mapped_column(JsonOrNull)
    done: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)


class ImportedRow(Base):
    """What came in by an import: a digest of what it says, and the annotation that says it here. A second import finds it."""

    __tablename__ = "imported_statements"
    __table_args__ = (Index(None, "annotation_key"),)

    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"))
