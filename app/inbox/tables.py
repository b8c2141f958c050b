"""Rows of notices."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class NoticeRow(Base):
    """A notice about a thing of ours (`about_kind`, `about_key`), which lies in that collection. `document` is what was sent, to
    the letter; `digest` its SHA-256, by which the same notice comes in once. `address` is the sender's network address, kept
    until somebody decides."""

    __tablename__ = "notices"
    __table_args__ = (Index(None, "state", "key"), Index(None, "about_key", "state", "key"), Index(None, "address", "state"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    received_at: Mapped[datetime] = mapped_column(Moment)
    state: Mapped[str] = mapped_column(String(8))
    kind: Mapped[str] = mapped_column(String(16))
    about_kind: Mapped[str] = mapped_column(String(16))
    about_key: Mapped[str] = mapped_column(String(64))
    institution_code: Mapped[str] = mapped_column(String(255), default="")
    collection_code: Mapped[str] = mapped_column(String(255), default="")
    actor: Mapped[str] = mapped_column(Text, default="")
    actor_name: Mapped[str] = mapped_column(String(300), default="")
    source: Mapped[str] = mapped_column(Text, default="")
    title: Mapped[str] = mapped_column(String(300), default="")
    document: Mapped[dict[str, Any]] = mapped_column(Json)
    digest: Mapped[str] = mapped_column(String(64), unique=True)
    address: Mapped[str] = mapped_column(String(45), default="")
    decided_by: Mapped[str] = mapped_column(String(100), default="")
    decided_at: Mapped[datetime | None] = mapped_column(Moment)
