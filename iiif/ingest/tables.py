"""Rows of ingests."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class IngestRow(Base):
    """An ingest. `process` is the one that does it (`processes.name()`); `done` of `total` records have been seen to."""

    __tablename__ = "ingests"
    __table_args__ = (Index(None, "state", "created_at", "key"), Index(None, "created_at", "key"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    sources: Mapped[list[Any]] = mapped_column(Json)
    process: Mapped[str] = mapped_column(String(255))
    asked_by: Mapped[str] = mapped_column(String(100), default="")
    code_version: Mapped[str] = mapped_column(String(64))
    environment: Mapped[dict[str, Any]] = mapped_column(Json)
    total: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
