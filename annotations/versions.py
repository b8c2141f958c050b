"""The versions of annotations: by their times, for Memento (RFC 7089), and the documents of many."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from annotations import guards, store, targets
from annotations.errors import UnknownAnnotation
from annotations.tables import AnnotationRow, AnnotationVersionRow
from app.runtime.addresses import Addresses
from app.runtime.memento import Stamp
from app.runtime.principal import Principal
from iiif.catalogue.visibility import hidden_of

MOST_TOLD = 500  # versions on one page
ROW = AnnotationVersionRow
IS_DOCUMENT = ROW.document.is_not(null())  # that of a deletion has none


def stamps(session: Session, key: str, *, by: Principal, before: int = 0) -> tuple[Stamp, ...]:
    """When which version was stored, oldest first, without deletions: the newest `MOST_TOLD`, or those before `before`.

    Raises UnknownAnnotation, Closed, NotYours.
    """
    _require_sight(session, key, by)
    query = select(ROW.version, ROW.stored_at).where(ROW.key == key, IS_DOCUMENT)
    query = query.where(ROW.version < before) if before else query
    found = session.execute(query.order_by(ROW.version.desc()).limit(MOST_TOLD)).all()
    if not found:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here, or no version of it before that.")
    return tuple(Stamp(version, at) for version, at in reversed(found))


def edges(session: Session, key: str) -> tuple[Stamp, Stamp]:
    """The first and the last version, without deletions. Raises UnknownAnnotation."""
    query = select(ROW.version, ROW.stored_at).where(ROW.key == key, IS_DOCUMENT)
    first = session.execute(query.order_by(ROW.version).limit(1)).first()
    last = session.execute(query.order_by(ROW.version.desc()).limit(1)).first()
    if first is None or last is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    return Stamp(*first), Stamp(*last)


def stored(session: Session, key: str, version: int) -> Stamp:
    """When that version was stored. Raises UnknownAnnotation."""
    at = session.scalar(select(ROW.stored_at).where(ROW.key == key, ROW.version == version))
    if at is None:
        raise UnknownAnnotation(f"There is no version {version} of annotation {key[:64]!r} here.")
    return Stamp(version, at)


def stood_at(session: Session, key: str, when: datetime, *, by: Principal) -> Stamp:
    """The last version that was stored before `when`, which may be a deletion; the first where none was.

    Raises UnknownAnnotation, Closed, NotYours.
    """
    _require_sight(session, key, by)
    query = select(ROW.version, ROW.stored_at).where(ROW.key == key, ROW.stored_at < when)
    found = session.execute(query.order_by(ROW.version.desc()).limit(1)).first()
    return edges(session, key)[0] if found is None else Stamp(*found)


def documents(
    session: Session, wanted: Sequence[tuple[str, int]], *, by: Principal, addresses: Addresses
) -> Mapping[tuple[str, int], Mapping[str, Any]]:
    """The documents of those of the versions, up to a page of them, that `by` sees: each as closed as what its annotation is
    about now, and as what it was about then. Deletions are left out."""
    keys, numbers = sorted({key for key, _ in wanted}), sorted({number for _, number in wanted})
    shown = set(session.scalars(select(AnnotationRow.key).where(AnnotationRow.key.in_(keys), store.is_shown(by))))
    rows = session.execute(select(ROW.key, ROW.version, ROW.document).where(ROW.key.in_(keys), ROW.version.in_(numbers)))
    found = {(key, number): document for key, number, document in rows if document is not None and key in shown}
    chosen = {one: found[one] for one in wanted if one in found}
    images = {one: targets.media_named(session, document.get("target"), addresses) for one, document in chosen.items()}
    hidden = hidden_of(session, frozenset().union(*images.values()), by)
    return {one: document for one, document in chosen.items() if not images[one] & hidden}


def _require_sight(session: Session, key: str, by: Principal) -> None:
    if store.find(session, key) is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    guards.require_sight(session, key, by)
