"""Whether an annotation stands, and whether who asks may see it, change it, or write where it lies."""

from collections.abc import Sequence
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from annotations import placing, store
from annotations.errors import DeletedAnnotation, EtagMismatch, NotReplaced, UnknownAnnotation, WithdrawnAnnotation
from annotations.model import Target
from annotations.tables import AnnotationRow
from app.runtime.addresses import Addresses
from app.runtime.principal import Action, Principal, may, require
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import Closed, NotYours
from iiif.catalogue.visibility import refusal


def require_place(
    session: Session, by: Principal, lying: Sequence[Target], action: Action = "annotate", author: str = ""
) -> None:
    """Raises NotAllowed or Forbidden where `by` may not write about a target: one of the specimens that it lies on must be in
    a collection of theirs. What lies on no specimen takes the role over all. `author` wrote what is to be revised."""
    lie_on = placing.specimens_of(session, lying)
    specimens = catalogue.specimens_by_key(session, {key for keys in lie_on.values() for key in keys})
    for _, places in groupby(lying, key=lambda target: target.position):
        held = [specimens[key] for place in places for key in lie_on[place] if key in specimens]
        if not any(may(by, action, specimen, author=author) for specimen in held):
            require(by, action, held[0] if held else None, author=author)


def require_sight(session: Session, key: str, by: Principal) -> None:
    """Raises Closed or NotYours where an image that the annotation is about is closed to `by`, and UnknownAnnotation where it is
    what others think of something that `by` is to judge without knowing it."""
    if not store.shows(session, key, by):
        if store.is_veiled_from(session, key, by):
            raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
        raise refused(key, by)


def refused(key: str, by: Principal) -> Closed | NotYours:
    return refusal(f"The annotation {key} is about an image that is not public", by)


def standing(
    session: Session, key: str, if_match: frozenset[str] | None, by: Principal, *, deleted_too: bool = False
) -> AnnotationRow:
    """The row that `by` will change, locked. `if_match`: the ETags of which one must stand, None for any."""
    row = store.find(session, key, lock=True)
    if row is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    require_sight(session, key, by)
    if row.deleted_at is not None and not deleted_too:
        raise DeletedAnnotation(key, row.version, row.deleted_at)
    if row.withdrawn_at is not None:
        raise withdrawn(session, key, row.version, row.run_key, row.withdrawn_at)
    require_place(session, by, store.annotation(row).targets, "revise", store.author(session, key))
    if if_match is not None and row.etag not in if_match:
        now = store.find_version(session, key, row.version)
        raise EtagMismatch(key, row.version, row.etag, now.stored_by if now else "", row.modified_at)
    return row


def withdrawn(session: Session, key: str, version: int, run_key: str, at: datetime) -> WithdrawnAnnotation:
    row = store.find_withdrawal(session, run_key)
    return WithdrawnAnnotation(key, version, run_key, at, row.by if row else "", row.reason if row else "")


def refuse_to_replace(session: Session, key: str, by: Principal, addresses: Addresses) -> None:
    """Raises NotReplaced for a verdict, and where a person who may write there would put words into a machine's mouth."""
    row = store.find(session, key)
    if row is None or not store.stands(row) or not store.shows(session, key, by):
        return
    if row.layer == "review":
        require_place(session, by, store.annotation(row).targets, "revise", store.author(session, key))
        raise NotReplaced("This is a verdict: give another one by POST /api/verdicts, which takes its place.")
    if row.layer == "machine" and by.is_person:
        require_place(session, by, store.annotation(row).targets)
        raise NotReplaced(
            "A machine said this, and it stays as it was said. Say what is right by a statement of your own: "
            f'POST {addresses.base}/api/verdicts with verdict "rejected" and your statement as `correction`.'
        )


def refuse_to_restore(row: AnnotationRow) -> None:
    """Raises NotReplaced for a verdict."""
    if row.layer == "review":
        raise NotReplaced("This is a verdict: give another one by POST /api/verdicts, which takes its place.")
