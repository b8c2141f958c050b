"""Names that follow from what they name: of annotations that their authors named, of versions of pipelines, of models.

Such a name is a digest (`ids.derived_key`), which leads nowhere by itself: here stands what it was made from.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Index, String, Text, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.runtime.db import Base, Json

Kind = Literal["annotation", "pipeline", "model"]


class DerivedNameRow(Base):
    """`name` is that of the annotation, pipeline or model, `version` the digest of what a pipeline or model is, `details` what is
    known of it beside that, such as the text of a pipeline."""

    __tablename__ = "derived_names"
    __table_args__ = (Index(None, "kind", "key"),)

    key: Mapped[str] = mapped_column(String(16), primary_key=True)
    kind: Mapped[str] = mapped_column(String(16))
    name: Mapped[str] = mapped_column(Text)
    version: Mapped[str] = mapped_column(String(80), default="")
    details: Mapped[dict[str, Any]] = mapped_column(Json)


@dataclass(frozen=True, slots=True)
class DerivedName:
    """As in the row."""

    key: str
    kind: Kind
    name: str
    version: str
    details: Mapping[str, Any]


def keep(session: Session, names: Sequence[DerivedName]) -> None:
    """Note what these names were made from; those that are noted stay as they are."""
    rows = [{column: getattr(one, column) for column in DerivedName.__dataclass_fields__} for one in names]
    if rows:
        dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
        session.execute(dialect.insert(DerivedNameRow).on_conflict_do_nothing(), rows)


def find(session: Session, key: str) -> DerivedName | None:
    row = session.get(DerivedNameRow, key)
    return None if row is None else _name(row)


def page(session: Session, kind: Kind, *, after: str = "", limit: int) -> tuple[DerivedName, ...]:
    """Those of that kind by key, from the one behind `after`."""
    query = select(DerivedNameRow).where(DerivedNameRow.kind == kind, DerivedNameRow.key > after)
    return tuple(map(_name, session.scalars(query.order_by(DerivedNameRow.key).limit(limit))))


def _name(row: DerivedNameRow) -> DerivedName:
    return DerivedName(row.key, row.kind, row.name, row.version, row.details)  # type: ignore[arg-type]  # the column holds only kinds
