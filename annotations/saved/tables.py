"""Rows of saved questions."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Moment


class SavedQuestionRow(Base):
    """A question as it stands. `question` is the query of its address (`q=quercus&country=Portugal`); `owner` is the name of the
    principal who saved it. One that was deleted keeps its row, so that its key is never another's."""

    __tablename__ = "saved_questions"
    __table_args__ = (Index(None, "owner", "key"),)

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))
    title: Mapped[str] = mapped_column(String(200))
    question: Mapped[str] = mapped_column(Text)
    version: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(Moment)
    modified_at: Mapped[datetime] = mapped_column(Moment)
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)


class SavedQuestionVersionRow(Base):
    """A version as it once stood; never changed."""

    __tablename__ = "saved_question_versions"

    key: Mapped[str] = mapped_column(ForeignKey("saved_questions.key"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    title: Mapped[str] = mapped_column(String(200))
    question: Mapped[str] = mapped_column(Text)
    stored_at: Mapped[datetime] = mapped_column(Moment)
