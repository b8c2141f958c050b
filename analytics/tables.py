"""Rows of runs."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class RunRow(Base):
    """A run; a pipeline's version runs over one image once (ingests have a key of their own as media_key)."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("media_key", "pipeline_version"),
        Index(None, "state", "created_at", "key"),
        Index(None, "created_at", "key"),
    )

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    state: Mapped[str] = mapped_column(String(16))
    pipeline: Mapped[str] = mapped_column(String(64))
    pipeline_version: Mapped[str] = mapped_column(String(64))
    media_key: Mapped[str] = mapped_column(String(16))
    specimen_key: Mapped[str] = mapped_column(String(16), default="")
    input_digest: Mapped[str] = mapped_column(String(64), default="")
    code_version: Mapped[str] = mapped_column(String(64))
    parameters: Mapped[dict[str, Any]] = mapped_column(Json)
    environment: Mapped[dict[str, Any]] = mapped_column(Json)
    steps: Mapped[dict[str, Any]] = mapped_column(Json)
    total: Mapped[int] = mapped_column(Integer, default=0)
    done: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    report: Mapped[dict[str, Any]] = mapped_column(Json)
    created_at: Mapped[datetime] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
