"""Rows of runs and of their tasks."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class RunRow(Base):
    """A run. The six counters say how many of its tasks are in each state; they change in the transaction that changes a task.

    `frozen_at` is when its list of images was complete; until then images may be added. `under_way` is what happens to its
    statements in the background: "withdrawing", "restoring", or nothing.
    """

    __tablename__ = "runs"
    __table_args__ = (
        Index(None, "state", "created_at", "key"),
        Index(None, "pipeline", "created_at", "key"),
        Index(None, "created_at", "key"),
        Index(None, "ingest_key"),
    )

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    pipeline: Mapped[str] = mapped_column(String(64))
    pipeline_version: Mapped[str] = mapped_column(String(64))
    code_version: Mapped[str] = mapped_column(String(64))
    other_code: Mapped[list[Any]] = mapped_column(Json)
    models: Mapped[dict[str, Any]] = mapped_column(Json)
    parameters: Mapped[dict[str, Any]] = mapped_column(Json)
    seed: Mapped[int] = mapped_column(BigInteger)
    fingerprint: Mapped[str] = mapped_column(String(64))
    environment: Mapped[dict[str, Any]] = mapped_column(Json)
    selection: Mapped[dict[str, Any]] = mapped_column(Json)
    ingest_key: Mapped[str] = mapped_column(String(16), default="")
    again: Mapped[bool] = mapped_column(Boolean)
    retry: Mapped[bool] = mapped_column(Boolean)
    process: Mapped[str] = mapped_column(String(255), default="")
    waiting: Mapped[int] = mapped_column(Integer, default=0)
    running: Mapped[int] = mapped_column(Integer, default=0)
    completed: Mapped[int] = mapped_column(Integer, default=0)
    failed: Mapped[int] = mapped_column(Integer, default=0)
    cancelled: Mapped[int] = mapped_column(Integer, default=0)
    skipped: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    asked_by: Mapped[str] = mapped_column(String(100), default="")
    created_at: Mapped[datetime] = mapped_column(Moment)
    frozen_at: Mapped[datetime | None] = mapped_column(Moment)
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
    cancelled_by: Mapped[str] = mapped_column(String(100), default="")
    cancelled_at: Mapped[datetime | None] = mapped_column(Moment)
    retracted_by: Mapped[str] = mapped_column(String(100), default="")
    retracted_at: Mapped[datetime | None] = mapped_column(Moment)
    retraction_reason: Mapped[str] = mapped_column(Text, default="")
    restored_by: Mapped[str] = mapped_column(String(100), default="")
    restored_at: Mapped[datetime | None] = mapped_column(Moment)
    under_way: Mapped[str] = mapped_column(String(16), default="")


class TaskRow(Base):
    """One image of a run. `fingerprint` is that of the run until a worker begins, then that of the worker."""

    __tablename__ = "run_tasks"
    __table_args__ = (Index(None, "run_key", "state", "media_key"), Index(None, "media_key", "fingerprint"))

    run_key: Mapped[str] = mapped_column(ForeignKey("runs.key"), primary_key=True)
    media_key: Mapped[str] = mapped_column(String(16), primary_key=True)
    state: Mapped[str] = mapped_column(String(16))
    input_digest: Mapped[str] = mapped_column(String(64))
    fingerprint: Mapped[str] = mapped_column(String(64), default="")
    code_version: Mapped[str] = mapped_column(String(64), default="")
    steps: Mapped[dict[str, Any]] = mapped_column(Json)
    done: Mapped[int] = mapped_column(Integer, default=0)
    reason: Mapped[str] = mapped_column(Text, default="")
    started_at: Mapped[datetime | None] = mapped_column(Moment)
    ended_at: Mapped[datetime | None] = mapped_column(Moment)
