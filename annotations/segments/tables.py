"""Rows of segments, of their past versions, and of the statements behind them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String, text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class SegmentRow(Base):
    """The present version. `selector` is the region, as selectors of the Web Annotation Model in canvas units of the image;
    `x`, `y`, `width` and `height` are the whole-number box around it, which is the segment's own canvas.

    `leader_key` is the statement that says what and where it is, and `leader_version` the version of that which was read.
    `words` is a digest of what the leading statement reads there (`likeness.py`), empty for too little to go by.
    `live` says whether `state` is one in which there is such a segment. `changes` grows with each change that the index has to
    know, also of who may see the image.
    """

    __tablename__ = "segments"
    __table_args__ = (
        Index(None, "live", "class_name", "key"),
        Index(None, "live", "area_px", "key"),
        Index(None, "live", "class_name", "area_px", "key"),
        Index(None, "live", "class_name", "words", "key"),
        Index(None, "live", "key"),
        Index(None, "state", "class_name", "key"),
        Index(None, "state", "key"),
        Index(None, "media_key", "key"),
    )

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    version: Mapped[int] = mapped_column(Integer)
    class_name: Mapped[str] = mapped_column(String(32))
    media_key: Mapped[str] = mapped_column(String(16))
    selector: Mapped[list[Any]] = mapped_column(Json)
    x: Mapped[int] = mapped_column(Integer)
    y: Mapped[int] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    area_px: Mapped[int] = mapped_column(BigInteger)
    state: Mapped[str] = mapped_column(String(16))
    live: Mapped[bool] = mapped_column(Boolean)
    leader_key: Mapped[str] = mapped_column(String(64))
    leader_version: Mapped[int] = mapped_column(Integer)
    derived_from: Mapped[list[Any]] = mapped_column(Json)  # keys of the segments that it was merged or split from
    successors: Mapped[list[Any]] = mapped_column(Json)  # keys of the segments that it was merged into or split into
    made_by: Mapped[str] = mapped_column(String(100))
    created_at: Mapped[datetime] = mapped_column(Moment)
    modified_at: Mapped[datetime] = mapped_column(Moment)
    changes: Mapped[int] = mapped_column(Integer)
    words: Mapped[str] = mapped_column(String(32), default="", server_default=text("''"))


class SegmentStatementRow(Base):
    """That a statement stands behind a segment: it made it, confirms it, corrects one that does, or is a person's change of it.

    `as_role` is the role, when they said it, of the person who said it; empty for a machine.
    """

    __tablename__ = "segment_statements"
    __table_args__ = (Index(None, "annotation_key"), Index(None, "run_key", "segment_key"))

    segment_key: Mapped[str] = mapped_column(ForeignKey("segments.key"), primary_key=True)
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), primary_key=True)
    part: Mapped[str] = mapped_column(String(16))  # made, confirms, corrects, changes
    class_name: Mapped[str] = mapped_column(String(32))
    run_key: Mapped[str] = mapped_column(String(16))
    as_role: Mapped[str] = mapped_column(String(16))
    said_at: Mapped[datetime] = mapped_column(Moment)


class SegmentVersionRow(Base):
    """A version that stood once, with who made it and how; never changed, never removed."""

    __tablename__ = "segment_versions"

    key: Mapped[str] = mapped_column(ForeignKey("segments.key"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    how: Mapped[str] = mapped_column(String(16))  # made, moved, reclassified, merged, split, deleted, restored
    class_name: Mapped[str] = mapped_column(String(32))
    selector: Mapped[list[Any]] = mapped_column(Json)
    x: Mapped[int] = mapped_column(Integer)
    y: Mapped[int] = mapped_column(Integer)
    width: Mapped[int] = mapped_column(Integer)
    height: Mapped[int] = mapped_column(Integer)
    stored_at: Mapped[datetime] = mapped_column(Moment)
    stored_by: Mapped[str] = mapped_column(String(100))
