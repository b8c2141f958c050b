"""SQL of verdicts and versions: rows in and out."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from annotations import store
from annotations.states.derive import State
from annotations.tables import AnnotationRow, AnnotationVersionRow, VerdictRow
from app.runtime.principal import Principal

MOST_TOLD = 500  # versions, or verdicts, of one annotation in its history


def find(session: Session, key: str, *, lock: bool = False) -> VerdictRow | None:
    return session.get(VerdictRow, key, with_for_update=lock or None, populate_existing=lock)


def standing(session: Session, annotation_key: str, account: str) -> VerdictRow | None:
    """The one verdict of the account that stands; the annotation is locked, so that nobody gives another meanwhile."""
    query = select(VerdictRow).where(VerdictRow.annotation_key == annotation_key, VerdictRow.account == account)
    return session.scalar(query.where(VerdictRow.withdrawn_at.is_(None)).execution_options(populate_existing=True))


def verdicts_by(session: Session, annotation_keys: Sequence[str], account: str) -> dict[str, str]:
    """Of these annotations those that the account has judged, with the key of its standing verdict."""
    columns = select(VerdictRow.annotation_key, VerdictRow.key).where(VerdictRow.annotation_key.in_(annotation_keys))
    found = session.execute(columns.where(VerdictRow.account == account, VerdictRow.withdrawn_at.is_(None)))
    return {row.annotation_key: row.key for row in found}


def judged_by_others(session: Session, annotation_keys: Sequence[str], account: str) -> set[str]:
    """Those of these annotations on which a verdict of somebody else stands."""
    others = (VerdictRow.account != account, VerdictRow.withdrawn_at.is_(None))
    return set(session.scalars(select(VerdictRow.annotation_key).where(VerdictRow.annotation_key.in_(annotation_keys), *others)))


def of_client(session: Session, account: str, client_key: str) -> VerdictRow | None:
    """The verdict that the account gave under that name of its own."""
    query = select(VerdictRow).where(VerdictRow.account == account, VerdictRow.client_key == client_key)
    return session.scalar(query.limit(1))


def verdicts_of(session: Session, annotation_key: str) -> Sequence[VerdictRow]:
    """Those on the annotation, withdrawn ones too, the newest first."""
    query = select(VerdictRow).where(VerdictRow.annotation_key == annotation_key)
    return session.scalars(query.order_by(VerdictRow.given_at.desc(), VerdictRow.key).limit(MOST_TOLD)).all()


def standing_on(session: Session, annotation_keys: Sequence[str]) -> Sequence[VerdictRow]:
    """The verdicts that stand on these annotations, the oldest first."""
    found: list[VerdictRow] = []
    for start in range(0, len(annotation_keys), store.AT_ONCE):
        some = VerdictRow.annotation_key.in_(annotation_keys[start : start + store.AT_ONCE])
        found += session.scalars(select(VerdictRow).where(some, VerdictRow.withdrawn_at.is_(None), VerdictRow.gold.is_(False)))
    return sorted(found, key=lambda row: (row.given_at, row.key))


def comments_of(session: Session, keys: Sequence[str]) -> dict[str, str]:
    """What people wrote beside these verdicts; those without a word are left out."""
    said: dict[str, str] = {}
    for start in range(0, len(keys), store.AT_ONCE):
        some = AnnotationRow.key.in_(keys[start : start + store.AT_ONCE])
        for key, document in session.execute(select(AnnotationRow.key, AnnotationRow.document).where(some)):
            bodies = [body for body in document.get("body", []) if isinstance(body, dict)]
            comment = next((body["value"] for body in bodies if body.get("purpose") == "commenting"), "")
            said |= {key: comment} if comment else {}
    return said


def corrected_by(session: Session, correction_key: str) -> str:
    """The key of the annotation that this one was put in place of; empty for none."""
    query = select(VerdictRow.annotation_key).where(VerdictRow.correction_key == correction_key)
    return session.scalar(query.limit(1)) or ""


def versions_of(session: Session, key: str, *, before: int = 0, limit: int = MOST_TOLD) -> Sequence[AnnotationVersionRow]:
    """The versions, the newest first, from the one before the number `before` (0: from the newest)."""
    query = select(AnnotationVersionRow).where(AnnotationVersionRow.key == key)
    query = query.where(AnnotationVersionRow.version < before) if before else query
    return session.scalars(query.order_by(AnnotationVersionRow.version.desc()).limit(min(limit, MOST_TOLD))).all()


def proposals(
    session: Session, state: State, kind: str, by: Principal, *, sealed: bool, after: str, limit: int
) -> Sequence[AnnotationRow]:
    """Standing statements in that state that `by` sees, by key, from the one behind `after`. Unless `sealed` is to be told, what
    is sealed and disputed counts as unreviewed."""
    hidden = () if sealed or state != "disputed" else (AnnotationRow.sealed.is_(False),)
    found = list(in_state(session, state, kind, by, hidden, after=after, limit=limit))
    if state == "unreviewed" and not sealed:
        found += in_state(session, "disputed", kind, by, (AnnotationRow.sealed.is_(True),), after=after, limit=limit)
    return sorted(found, key=lambda row: row.key)[:limit]


def in_state(
    session: Session, state: State, kind: str, by: Principal, where: Sequence[ColumnElement[bool]], *, after: str, limit: int
) -> Sequence[AnnotationRow]:
    """Standing statements in that very state."""
    of_state = [AnnotationRow.state == state, *store.STANDING, AnnotationRow.key > after, *store.SAID, *where]
    of_state += [AnnotationRow.kind == kind] if kind else []
    query = select(AnnotationRow).where(*of_state, store.is_shown(by)).order_by(AnnotationRow.key)
    return session.scalars(query.limit(limit)).all()
