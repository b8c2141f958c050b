"""Rows of vectors."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Moment


class VectorRow(Base):
    """The vector of an image or of a segment, whose key is its key.

    `version` is that of the segment that was looked at; an image has the one version 0. A segment
    that has moved since has no vector until a run makes it. `halves` holds little-endian half floats of a vector of length 1.
    """

    __tablename__ = "vectors"
    __table_args__ = (Index(None, "sort", "model", "key"), Index(None, "media_key"))

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    sort: Mapped[str] = mapped_column(String(8))  # "image" or "segment"
    media_key: Mapped[str] = mapped_column(ForeignKey("media.key"))
    version: Mapped[int] = mapped_column(Integer)
    model: Mapped[str] = mapped_column(String(71))
    halves: Mapped[bytes] = mapped_column(LargeBinary)
    run_key: Mapped[str] = mapped_column(String(16))
    made_at: Mapped[datetime] = mapped_column(Moment)
