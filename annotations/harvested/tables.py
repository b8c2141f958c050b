"""Rows of statements that were harvested."""

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base


class HarvestedAnnotationRow(Base):
    """A statement that was harvested: `name` is the digest of its own address, `digest` that of the document that came last.

    `place` is the digest of the canvas on whose pages it stood, there.
    """

    __tablename__ = "harvested_annotations"
    __table_args__ = (Index(None, "place", "name"),)

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    iri: Mapped[str] = mapped_column(Text)
    place: Mapped[str] = mapped_column(String(64))
    annotation_key: Mapped[str] = mapped_column(ForeignKey("annotations.key"), index=True)
    digest: Mapped[str] = mapped_column(String(64))
