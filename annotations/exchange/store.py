"""SQL of exchange: the statements on a page of images, what came in before, and imports."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import store as statements
from annotations.exchange.tables import ImportedRow, ImportRow
from annotations.model import Annotation
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app.runtime.principal import Principal

AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Import:
    """An import as it is told."""

    key: str
    state: str
    format: str
    file_name: str
    file_sha256: str
    options: Mapping[str, Any]
    run_key: str
    asked_by: str
    reason: str
    report: Mapping[str, Any] | None
    done: int
    created_at: datetime
    ended_at: datetime | None


def on_images(session: Session, media_keys: Sequence[str], by: Principal) -> dict[str, list[Annotation]]:
    """The standing statements on each of the images that are told and that `by` sees, by time and place; each has a target on
    that image in front."""
    key = AnnotationTargetRow.annotation_key
    pairs = select(AnnotationTargetRow.media_key, key).where(AnnotationTargetRow.media_key.in_(media_keys)).distinct().subquery()
    query = (
        select(pairs.c.media_key, AnnotationRow)
        .join(AnnotationRow, AnnotationRow.key == pairs.c.annotation_key)
        .where(*statements.STANDING_OF_FEW, statements.is_shown(by), *statements.TOLD)
        .order_by(pairs.c.media_key, *statements.TIME_THEN_PLACE)
    )
    found: dict[str, list[Annotation]] = {}
    for media_key, row in session.execute(query):
        found.setdefault(media_key, []).append(statements.annotation(row).seen_from(media_key=media_key))
    return found


def images_of_annotations(session: Session, keys: Sequence[str]) -> list[tuple[str, str]]:
    """Pairs of an image and an annotation that lies on it."""
    columns = (AnnotationTargetRow.media_key, AnnotationTargetRow.annotation_key)
    query = select(*columns).where(AnnotationTargetRow.annotation_key.in_(keys), AnnotationTargetRow.media_key != "").distinct()
    return [(media_key, key) for media_key, key in session.execute(query)]


def images_of_run(session: Session, run_key: str, *, after: str, limit: int) -> Sequence[str]:
    """A page of the images that standing statements of the run lie on, by key."""
    key = AnnotationTargetRow.media_key
    of_run = (AnnotationRow.run_key == run_key, AnnotationRow.withdrawn_at.is_(None), AnnotationRow.deleted_at.is_(None))
    query = select(key).join(AnnotationRow, AnnotationRow.key == AnnotationTargetRow.annotation_key).where(*of_run, key > after)
    return session.scalars(query.distinct().order_by(key).limit(limit)).all()


def standing_of(session: Session, digests: Collection[str]) -> dict[str, str]:
    """Of these digests those whose annotation stands, with its key."""
    found: dict[str, str] = {}
    some = sorted(digests)
    for start in range(0, len(some), AT_ONCE):
        query = (
            select(ImportedRow.digest, ImportedRow.annotation_key)
            .join(AnnotationRow, AnnotationRow.key == ImportedRow.annotation_key)
            .where(ImportedRow.digest.in_(some[start : start + AT_ONCE]), *statements.STANDING_OF_FEW)
        )
        found.update({row[0]: row[1] for row in session.execute(query)})
    return found


def remember(session: Session, digest: str, annotation_key: str) -> None:
    session.merge(ImportedRow(digest=digest, annotation_key=annotation_key))


def add_import(session: Session, row: ImportRow) -> None:
    session.add(row)
    session.flush()


def find_import(session: Session, key: str, *, lock: bool = False) -> ImportRow | None:
    return session.get(ImportRow, key, with_for_update=lock or None, populate_existing=lock)


def page_of_imports(session: Session, *, offset: int, limit: int) -> list[Import]:
    """Newest first."""
    query = select(ImportRow).order_by(ImportRow.created_at.desc(), ImportRow.key.desc())
    return [told(row) for row in session.scalars(query.offset(offset).limit(limit))]


def files(session: Session, *, after: str, limit: int) -> Sequence[str]:
    """Digests of the files that came by HTTP, in order, behind that one: a dry run may be taken in later."""
    digest = ImportRow.file_sha256
    return session.scalars(select(digest).where(digest > after).distinct().order_by(digest).limit(limit)).all()


def told(row: ImportRow) -> Import:
    return Import(**{name: getattr(row, name) for name in Import.__dataclass_fields__})
