"""What statements rest on, and what of that is in force now."""

from collections.abc import Iterable, Sequence

from sqlalchemy import delete, func, insert, or_, select
from sqlalchemy.orm import Session

from annotations import store
from annotations.model import Annotation
from annotations.states.derive import FALLEN
from annotations.tables import AnnotationRow, AnnotationTargetRow, BasisRow, VerdictRow

# no index serves it, so that SQLite goes by the keys and not through all that is stale (as `store.STANDING_OF_FEW`)
IS_STALE = func.coalesce(AnnotationRow.state, "") == "stale"
MOST_ROUNDS = 50  # a chain of corrections, each of the one before, is followed so far


def keep(session: Session, key: str, bases: Sequence[str]) -> set[str]:
    """Let these be what the statement rests on, instead of those before; on which of those it rests no more."""
    before = set(of(session, key))
    session.execute(delete(BasisRow).where(BasisRow.annotation_key == key))
    if bases:
        session.execute(insert(BasisRow), [{"annotation_key": key, "basis_key": basis} for basis in bases])
    return before - set(bases)


def of(session: Session, key: str) -> Sequence[str]:
    """The keys of what the statement rests on."""
    return session.scalars(select(BasisRow.basis_key).where(BasisRow.annotation_key == key).order_by(BasisRow.basis_key)).all()


def resting(session: Session, keys: Iterable[str]) -> set[str]:
    """The keys of all that rests on any of these, deleted ones included."""
    return set(session.scalars(select(BasisRow.annotation_key).where(BasisRow.basis_key.in_(list(keys)))))


def kin(session: Session, keys: Iterable[str]) -> set[str]:
    """These, and the statements that were made anew from the same first one as any of them."""
    known = list(keys)
    firsts = {one or key for key, one in session.execute(select(AnnotationRow.key, AnnotationRow.remakes).where(
        AnnotationRow.key.in_(known)
    ))}  # fmt: skip
    return {*known, *firsts, *session.scalars(select(AnnotationRow.key).where(AnnotationRow.remakes.in_(list(firsts))))}


def first_of(session: Session, key: str) -> str:
    """The first statement that this one was made anew from; itself where it was not."""
    return session.scalar(select(AnnotationRow.remakes).where(AnnotationRow.key == key)) or key


def kept_anew(session: Session, row: AnnotationRow) -> Sequence[AnnotationRow]:
    """The others that stand of those that were made anew from the same first statement, and that one."""
    first = row.remakes or row.key
    same = or_(AnnotationRow.key == first, AnnotationRow.remakes == first)
    return session.scalars(select(AnnotationRow).where(same, AnnotationRow.key != row.key, *store.STANDING_OF_FEW)).all()


def in_force(session: Session, key: str) -> tuple[Annotation | None, bool]:
    """The statement, or what stands in its place by an accepted correction; and whether that is decided.

    (None, True): it is gone, and nobody has said what is right. (None, False): people have, and none of it is accepted yet.
    """
    for _ in range(MOST_ROUNDS):
        row = store.find(session, key)
        if row is None or (store.stands(row) and row.state not in FALLEN):
            return (None if row is None else store.annotation(row)), True
        query = select(AnnotationRow).join(VerdictRow, VerdictRow.correction_key == AnnotationRow.key)
        said = session.scalars(query.where(VerdictRow.annotation_key == key, *store.STANDING_OF_FEW)).all()
        chosen = [one for one in said if one.state in ("accepted", "superseded")]
        if not chosen:
            return None, all(one.state in FALLEN for one in said)
        key = min(one.key for one in chosen)
    return None, False


def stale_of(session: Session, media_key: str, kinds: Sequence[str]) -> Sequence[Annotation]:
    """What machines stated of these kinds on the image, and is stale; by key."""
    on_image = select(AnnotationTargetRow.annotation_key).where(AnnotationTargetRow.media_key == media_key)
    where = (AnnotationRow.key.in_(on_image), AnnotationRow.kind.in_(kinds), AnnotationRow.layer == "machine")
    query = select(AnnotationRow).where(*where, IS_STALE, *store.STANDING_OF_FEW)
    return tuple(map(store.annotation, session.scalars(query.order_by(AnnotationRow.key))))


def images_with_stale(session: Session, keys: Iterable[str]) -> Sequence[str]:
    """The images on which something of machines is stale that rests on any of these, or on what one of these corrects."""
    known = list(keys)
    corrected = session.scalars(select(VerdictRow.annotation_key).where(VerdictRow.correction_key.in_(known)))
    basis = [*known, *corrected]
    query = select(AnnotationRow.media_key).join(BasisRow, BasisRow.annotation_key == AnnotationRow.key)
    stale = (IS_STALE, AnnotationRow.layer == "machine", AnnotationRow.media_key != "")
    return session.scalars(query.where(BasisRow.basis_key.in_(basis), *stale, *store.STANDING_OF_FEW).distinct()).all()
