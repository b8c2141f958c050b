"""SQL of annotations: rows in and out, and frozen values.

Paging is by keyset over the index (deleted_at, withdrawn_at, key), so the last page costs what the first one costs.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from annotations.model import Annotation, CanvasBox, Layer
from annotations.tables import AnnotationRow, AnnotationVersionRow, WithdrawalRow
from app.runtime.principal import Principal
from iiif.catalogue.visibility import closed_images, is_hidden

STANDING = (AnnotationRow.deleted_at.is_(None), AnnotationRow.withdrawn_at.is_(None))
AT_ONCE = 500  # keys in one question
TIME_THEN_PLACE = (AnnotationRow.created_at, AnnotationRow.y0, AnnotationRow.x0, AnnotationRow.key)


def annotation(row: AnnotationRow) -> Annotation:
    box = None
    if row.x0 is not None and row.y0 is not None and row.x1 is not None and row.y1 is not None:
        box = CanvasBox(row.x0, row.y0, row.x1, row.y1)
    plain = {name: getattr(row, name) for name in Annotation.__dataclass_fields__ if name not in ("box", "motivations")}
    return Annotation(**plain, box=box, motivations=tuple(row.motivations))


def find(session: Session, key: str, *, lock: bool = False) -> AnnotationRow | None:
    """The row of that key, deleted or not; with `lock`, nobody else changes it before this transaction ends."""
    return session.get(AnnotationRow, key, with_for_update=lock or None, populate_existing=lock)


def keep_version(session: Session, row: AnnotationRow, by: str, at: datetime) -> None:
    """Write down the document that stands now as a version that stays."""
    session.add(AnnotationVersionRow(key=row.key, version=row.version, document=row.document, stored_at=at, stored_by=by))


def find_version(session: Session, key: str, version: int) -> AnnotationVersionRow | None:
    return session.get(AnnotationVersionRow, (key, version))


def page(
    session: Session, where: Mapping[str, Any], by: Principal, *, after: str = "", before: str = "", limit: int
) -> Sequence[AnnotationRow]:
    """Standing annotations that `by` sees, in the order of their keys.

    The `limit` behind `after`, or the `limit` just before `before`.
    `where` holds columns and values; `before` of "~" means from the end.
    """
    query = select(AnnotationRow).where(*_standing(where, by))
    if before:
        end = () if before == "~" else (AnnotationRow.key < before,)
        rows = session.scalars(query.where(*end).order_by(AnnotationRow.key.desc()).limit(limit)).all()
        return rows[::-1]
    return session.scalars(query.where(AnnotationRow.key > after).order_by(AnnotationRow.key).limit(limit)).all()


def count(session: Session, where: Mapping[str, Any], by: Principal) -> int:
    return session.scalar(select(func.count()).select_from(AnnotationRow).where(*_standing(where, by))) or 0


def in_time_order(session: Session, where: Mapping[str, Any], by: Principal, limit: int) -> Sequence[AnnotationRow]:
    """Standing annotations that `by` sees, oldest first; those of one time from top to bottom."""
    query = select(AnnotationRow).where(*_standing(where, by)).order_by(*TIME_THEN_PLACE)
    return session.scalars(query.limit(limit)).all()


def layers_of(session: Session, media_keys: Sequence[str], by: Principal) -> set[tuple[str, Layer]]:
    """The pairs of image and layer that hold at least one standing annotation that `by` sees."""
    query = select(AnnotationRow.media_key, AnnotationRow.layer).where(
        AnnotationRow.media_key.in_(media_keys), *_standing({}, by)
    )
    return {(media_key, layer) for media_key, layer in session.execute(query.distinct()).all()}  # type: ignore[misc]  # column is str


def newest_of_kind(session: Session, media_keys: Sequence[str], kind: str, by: Principal) -> Sequence[AnnotationRow]:
    """Standing annotations of a kind that `by` sees, newest first."""
    where = (AnnotationRow.media_key.in_(media_keys), *_standing({"kind": kind}, by))
    return session.scalars(
        select(AnnotationRow).where(*where).order_by(AnnotationRow.modified_at.desc(), AnnotationRow.key)
    ).all()


def is_shown(by: Principal) -> ColumnElement[bool]:
    """Whether `by` sees the annotation: none of the images that it is about is closed to them."""
    return ~is_hidden(AnnotationRow.media_key, by)


def shows(session: Session, key: str, by: Principal) -> bool:
    """Whether `by` sees the annotation of that key, which may be deleted or withdrawn."""
    return bool(session.scalar(select(is_shown(by)).where(AnnotationRow.key == key)))


def stands(row: AnnotationRow) -> bool:
    """Whether it is neither deleted nor withdrawn with its run."""
    return row.deleted_at is None and row.withdrawn_at is None


def index_version(row: AnnotationRow) -> int:
    """What its document in the index is known by: it grows with each version, withdrawal, restoration, closing and opening."""
    return row.version + row.withdrawals + row.closings


def closed_in(session: Session, keys: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    """Of those of the annotations that are about closed images: in which collections (institution code, collection code)."""
    closed = closed_images()
    query = select(AnnotationRow.key, closed.c.institution_code, closed.c.collection_code)
    found: dict[str, set[tuple[str, str]]] = {}
    for start in range(0, len(keys), AT_ONCE):
        about = query.join(closed, closed.c.key == AnnotationRow.media_key)
        for key, *held in session.execute(about.where(AnnotationRow.key.in_(keys[start : start + AT_ONCE]))):
            found.setdefault(key, set()).add((held[0], held[1]))
    return found


def count_closing(session: Session, media_key: str) -> list[str]:
    """Note on every annotation about the image that it was closed or opened again; their keys."""
    about = AnnotationRow.media_key == media_key
    counted = update(AnnotationRow).where(about).values(closings=AnnotationRow.closings + 1)
    session.execute(counted.execution_options(synchronize_session=False))
    return list(session.scalars(select(AnnotationRow.key).where(about)))


def find_withdrawal(session: Session, run_key: str) -> WithdrawalRow | None:
    return session.get(WithdrawalRow, run_key)


def _standing(where: Mapping[str, Any], by: Principal) -> tuple[ColumnElement[bool], ...]:
    return (*STANDING, is_shown(by), *(getattr(AnnotationRow, name) == value for name, value in where.items()))
