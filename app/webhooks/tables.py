"""The rows of webhooks: to whom, and what was sent with what result."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Boolean, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from app.runtime.db import Base, Json, Moment


class WebhookRow(Base):
    """A receiver. `secret` signs, so it is kept as it is. `closed` says that it hears of what is not public, too.

    `failures` counts tries in a row that failed, after each of which the receiver is left alone until `rests_until`; `stopped`
    says why nothing is sent any more, `revoked_at` that somebody ended it.
    """

    __tablename__ = "webhooks"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    url: Mapped[str] = mapped_column(String(500))
    secret: Mapped[str] = mapped_column(String(100))
    types: Mapped[list[Any]] = mapped_column(Json)
    closed: Mapped[bool] = mapped_column(Boolean)
    made_at: Mapped[datetime] = mapped_column(Moment)
    made_by: Mapped[str] = mapped_column(String(100))
    revoked_at: Mapped[datetime | None] = mapped_column(Moment)
    stopped: Mapped[str] = mapped_column(String(200), default="")
    failures: Mapped[int] = mapped_column(Integer, default=0)
    rests_until: Mapped[datetime | None] = mapped_column(Moment)


class DeliveryRow(Base):
    """One message to one receiver. `state` is waiting, done or dead; `due_at` when it is tried next; `tries` the last of them,
    each with time, status, error and milliseconds."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(None, "webhook_key", "state", "due_at", "id"),
        Index(None, "webhook_key", "id"),
        Index(None, "state", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger().with_variant(Integer(), "sqlite"), primary_key=True, autoincrement=True)
    webhook_key: Mapped[str] = mapped_column(ForeignKey("webhooks.key"))
    event_id: Mapped[int] = mapped_column(BigInteger)
    type: Mapped[str] = mapped_column(String(32))
    body: Mapped[dict[str, Any]] = mapped_column(Json)
    state: Mapped[str] = mapped_column(String(8))
    attempts: Mapped[int] = mapped_column(Integer)
    made_at: Mapped[datetime] = mapped_column(Moment)
    due_at: Mapped[datetime] = mapped_column(Moment)
    tries: Mapped[list[Any]] = mapped_column(Json)
