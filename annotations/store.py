"""SQL of annotations: rows in and out, and frozen values.

Which annotations are about something is asked of the rows of their targets. Paging is by keyset over an index that ends in
the annotation's key, so the last page costs what the first one costs.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, delete, exists, func, insert, or_, select, true, update
from sqlalchemy.orm import Session, aliased

from annotations import placing
from annotations.model import EVERYTHING, About, Annotation, CanvasBox, Layer, Target, front_of
from annotations.states.derive import FALLEN, State
from annotations.tables import AnnotationRow, AnnotationTargetRow, AnnotationVersionRow, VerdictRow, WithdrawalRow
from app.runtime.principal import ALL, Principal
from iiif.catalogue.visibility import closed_images, hides_nothing_from, is_hidden

STANDING = (AnnotationRow.deleted_at.is_(None), AnnotationRow.withdrawn_at.is_(None))
# the same for a join with few keys: no index serves it, so that SQLite goes by the keys and not through all that stands
STANDING_OF_FEW = (func.coalesce(AnnotationRow.deleted_at, AnnotationRow.withdrawn_at).is_(None),)
UNVEILED = AnnotationRow.veil == ""
SAID = (AnnotationRow.layer != "review", UNVEILED)  # what is said of things, and not about what is said
TOLD = (*SAID, AnnotationRow.state.not_in(FALLEN))  # what readers take for said
TIME_THEN_PLACE = (AnnotationRow.created_at, AnnotationRow.y0, AnnotationRow.x0, AnnotationRow.key)
NO_COLUMNS = ("box", "motivations", "targets")
AT_ONCE = 500  # keys in one question
LYING = aliased(AnnotationTargetRow, name="lying")
GIVEN = aliased(VerdictRow, name="given")
NONE_CLOSED = ~exists(select(closed_images().c.key))


def annotation(row: AnnotationRow) -> Annotation:
    """The annotation as it is told: of one that people judge blind not what its voices come to."""
    plain = {name: getattr(row, name) for name in Annotation.__dataclass_fields__ if name not in NO_COLUMNS}
    plain |= {"state": told_state(row), "state_reason": None if row.sealed else row.state_reason}
    return Annotation(**plain, box=_box(row), motivations=tuple(row.motivations), targets=tuple(map(target, row.targets)))


def told_state(row: AnnotationRow | Row[Any]) -> State:
    """Its review state as everybody is told it."""
    return "unreviewed" if row.sealed and row.state == "disputed" else row.state  # type: ignore[return-value]  # column is str


def target(row: AnnotationTargetRow) -> Target:
    said = (row.position, row.kind, row.key, row.version, row.media_key, row.specimen_key)
    return Target(*said, box=_box(row), whole=row.whole, frame=row.frame)  # type: ignore[arg-type]  # the column holds only kinds


def rows_by_key(session: Session, keys: Sequence[str]) -> dict[str, AnnotationRow]:
    """The rows of these annotations, deleted or not."""
    found: dict[str, AnnotationRow] = {}
    for start in range(0, len(keys), AT_ONCE):
        some = select(AnnotationRow).where(AnnotationRow.key.in_(keys[start : start + AT_ONCE]))
        found.update({row.key: row for row in session.scalars(some)})
    return found


def targets_of(session: Session, keys: Sequence[str]) -> dict[str, list[Target]]:
    """The targets of these annotations, in order."""
    found: dict[str, list[Target]] = {}
    row = AnnotationTargetRow
    one: Any  # its columns alone, which is much faster
    for start in range(0, len(keys), AT_ONCE):
        some = select(*row.__table__.columns).where(row.annotation_key.in_(keys[start : start + AT_ONCE]))
        for one in session.execute(some.order_by(row.annotation_key, row.position, row.place)):
            found.setdefault(one.annotation_key, []).append(target(one))
    return found


def every(session: Session, *, after: str, limit: int) -> Sequence[AnnotationRow]:
    """All rows, of deleted and withdrawn annotations too, in the order of their keys."""
    return session.scalars(select(AnnotationRow).where(AnnotationRow.key > after).order_by(AnnotationRow.key).limit(limit)).all()


def find(session: Session, key: str, *, lock: bool = False) -> AnnotationRow | None:
    """The row of that key, deleted or not; with `lock`, nobody else changes it before this transaction ends."""
    return session.get(AnnotationRow, key, with_for_update=lock or None, populate_existing=lock)


def lock(session: Session, keys: Iterable[str]) -> None:
    """Lock the rows of these annotations in the order of their keys, so that two who lock many never wait for one another."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        some = AnnotationRow.key.in_(ordered[start : start + AT_ONCE])
        session.execute(select(AnnotationRow.key).where(some).order_by(AnnotationRow.key).with_for_update())


def named_by(session: Session, key: str) -> set[str]:
    """The keys of the annotations that the annotation is about.

    Its targets are few and are chosen from here: asked for their kind, SQLite would go through all targets of that kind.
    """
    query = select(AnnotationTargetRow.kind, AnnotationTargetRow.key).where(AnnotationTargetRow.annotation_key == key)
    return {named for kind, named in session.execute(query) if kind == "annotation"}


def keep_version(session: Session, row: AnnotationRow, by: str, at: datetime) -> None:
    """Write down the document that stands now, or that it was deleted, as a version that stays."""
    document = None if row.deleted_at else row.document
    session.add(AnnotationVersionRow(key=row.key, version=row.version, document=document, stored_at=at, stored_by=by))


def author(session: Session, key: str) -> str:
    """The name of the principal who wrote the annotation at first."""
    return (
        session.scalar(
            select(AnnotationVersionRow.stored_by).where(AnnotationVersionRow.key == key, AnnotationVersionRow.version == 1)
        )
        or ""
    )


def by_author(session: Session, keys: Sequence[str], name: str) -> frozenset[str]:
    """Those of the annotations that the principal of that name wrote at first."""
    row = AnnotationVersionRow
    return frozenset(session.scalars(select(row.key).where(row.key.in_(keys), row.version == 1, row.stored_by == name)))


def last_author(session: Session, key: str, version: int) -> str:
    """The name of the principal who wrote that version."""
    row = session.get(AnnotationVersionRow, (key, version))
    return "" if row is None else row.stored_by


def find_version(session: Session, key: str, version: int) -> AnnotationVersionRow | None:
    return session.get(AnnotationVersionRow, (key, version))


def add(session: Session, row: AnnotationRow, targets: Sequence[Target]) -> None:
    """Enter a new annotation with its targets."""
    _put_in_front(row, front_of(targets))
    session.add(row)
    session.flush()
    _write_targets(session, row, targets)


def keep_targets(session: Session, row: AnnotationRow, targets: Sequence[Target]) -> None:
    """Let these be the targets of the annotation instead of those before."""
    _put_in_front(row, front_of(targets))
    session.execute(delete(AnnotationTargetRow).where(AnnotationTargetRow.annotation_key == row.key))
    _write_targets(session, row, targets)


def _put_in_front(row: AnnotationRow, front: Target) -> None:
    row.media_key, row.specimen_key = front.media_key, front.specimen_key
    for name, corner in _corners(front.box).items():
        setattr(row, name, corner)


def _write_targets(session: Session, row: AnnotationRow, targets: Sequence[Target]) -> None:
    places: dict[int, int] = {}
    rows = []
    for one in targets:
        place = places[one.position] = places.get(one.position, -1) + 1
        plain = {name: getattr(one, name) for name in Target.__dataclass_fields__ if name != "box"}
        rows.append({"annotation_key": row.key, "place": place, **plain, **_corners(one.box)})
    session.execute(insert(AnnotationTargetRow), rows)
    session.expire(row, ["targets"])


def _corners(box: CanvasBox | None) -> dict[str, float | None]:
    """The box as its four columns."""
    return {name: None if box is None else getattr(box, name) for name in ("x0", "y0", "x1", "y1")}


def keys_on(session: Session, media_key: str, *, after: str, limit: int) -> Sequence[str]:
    """The keys, behind `after` and in order, of annotations that lie on the image, deleted ones included."""
    key = AnnotationTargetRow.annotation_key
    query = select(key).where(AnnotationTargetRow.media_key == media_key, key > after).distinct()
    return session.scalars(query.order_by(key).limit(limit)).all()


def about_annotations(session: Session, keys: Sequence[str]) -> Sequence[str]:
    """The keys of the annotations of which a target is one of these annotations, deleted ones included."""
    found: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        named = (AnnotationTargetRow.kind == "annotation", AnnotationTargetRow.key.in_(keys[start : start + AT_ONCE]))
        found.update(session.scalars(select(AnnotationTargetRow.annotation_key).where(*named)))
    return sorted(found)


def page(
    session: Session, about: About, by: Principal, *, after: str = "", before: str = "", limit: int
) -> Sequence[AnnotationRow]:
    """Standing annotations that `by` sees, in the order of their keys.

    The `limit` behind `after`, or the `limit` just before `before`; `before` of "~" means from the end.
    """
    key = AnnotationTargetRow.annotation_key if _asks_targets(about) else AnnotationRow.key
    ends = [key < before] if before and before != "~" else [] if before else [key > after]
    order = key.desc() if before else key.asc()
    if key is AnnotationRow.key:
        query = select(AnnotationRow).where(*_standing(about, by), *ends).order_by(order).limit(limit)
        rows = session.scalars(query).all()
    else:
        keys = select(key).distinct().join(AnnotationRow, AnnotationRow.key == key).where(*_standing(about, by), *ends)
        found: set[str] = set()
        for which in _which(session, about):
            found.update(session.scalars(keys.where(which).order_by(order).limit(limit)))
        page_of_keys = sorted(found, reverse=bool(before))[:limit]
        in_order = AnnotationRow.key.desc() if before else AnnotationRow.key.asc()
        rows = session.scalars(select(AnnotationRow).where(AnnotationRow.key.in_(page_of_keys)).order_by(in_order)).all()
    return rows[::-1] if before else rows


def count(session: Session, about: About, by: Principal) -> int:
    """How many `by` sees. Of all annotations those that lie on closed images are taken off, so that none else is looked at."""
    key = AnnotationTargetRow.annotation_key
    keys = select(func.count(key.distinct())).join(AnnotationRow, AnnotationRow.key == key)
    if about.specimen_key:
        theirs = AnnotationRow.key.in_(placing.on_specimen(about.specimen_key))
        return session.scalar(select(func.count()).where(theirs, *STANDING_OF_FEW, *_shown(about, by))) or 0
    if _asks_targets(about):
        return session.scalar(keys.where(*_standing(about, by), _target(about))) or 0
    whole = (*STANDING, *_layer(about))
    every = session.scalar(select(func.count()).select_from(AnnotationRow).where(*whole)) or 0
    closed = closed_images()
    on_closed = keys.join(closed, closed.c.key == AnnotationTargetRow.media_key)
    unveiled = is_unveiled(by)
    veiled = select(func.count()).select_from(AnnotationRow).where(AnnotationRow.veil != "", *whole, ~unveiled)
    hidden = session.scalar(on_closed.where(*whole, unveiled, is_hidden(closed.c.key, by))) or 0
    return every - hidden - (session.scalar(veiled) or 0)


def in_time_order(session: Session, about: About, by: Principal, limit: int) -> Sequence[AnnotationRow]:
    """Standing annotations about something that `by` sees, oldest first; those of one time from top to bottom."""
    query = select(AnnotationRow).where(*_standing(about, by), lies(about)).order_by(*TIME_THEN_PLACE)
    return session.scalars(query.limit(limit)).all()


def layers_of(session: Session, media_keys: Sequence[str], by: Principal) -> set[tuple[str, Layer]]:
    """The pairs of image and layer that hold at least one standing annotation that is told and that `by` sees."""
    query = (
        select(AnnotationTargetRow.media_key, AnnotationRow.layer)
        .join(AnnotationRow, AnnotationRow.key == AnnotationTargetRow.annotation_key)
        .where(AnnotationTargetRow.media_key.in_(media_keys), *_standing(EVERYTHING, by), *TOLD)
    )
    return {(media_key, layer) for media_key, layer in session.execute(query.distinct()).all()}  # type: ignore[misc]  # column is str


def newest_of_kind(session: Session, media_keys: Sequence[str], kind: str, by: Principal) -> Sequence[tuple[str, AnnotationRow]]:
    """Standing annotations of a kind that `by` sees, newest first, each with an image that it lies on."""
    media_key, key = AnnotationTargetRow.media_key, AnnotationTargetRow.annotation_key
    pairs = select(media_key, key).where(media_key.in_(media_keys)).distinct().subquery()  # once, whatever the image shows
    query = (
        select(pairs.c.media_key, AnnotationRow)
        .join(AnnotationRow, AnnotationRow.key == pairs.c.annotation_key)
        .where(AnnotationRow.kind == kind, UNVEILED, *_standing(EVERYTHING, by))
        .order_by(AnnotationRow.modified_at.desc(), AnnotationRow.key)
    )
    return [(row[0], row[1]) for row in session.execute(query).all()]


def is_shown(by: Principal) -> ColumnElement[bool]:
    """Whether `by` sees the annotation: it is not veiled, and none of the images that it lies on is closed to them.

    Where no image is closed at all, which is asked once, none of its targets is looked at.
    """
    if hides_nothing_from(by):
        return is_unveiled(by)
    hidden = exists().where(LYING.annotation_key == AnnotationRow.key, is_hidden(LYING.media_key, by))
    return and_(is_unveiled(by), or_(NONE_CLOSED, ~hidden))


def is_unveiled(by: Principal) -> ColumnElement[bool]:
    """Whether it is no verdict or correction by others of what people judge blind, or `by` has judged that, or curates all."""
    if any(grant.institution == ALL for grant in by.granted("curate")):
        return true()
    if not by.name:
        return UNVEILED
    theirs = or_(GIVEN.key == AnnotationRow.key, GIVEN.correction_key == AnnotationRow.key)
    has_judged = and_(GIVEN.withdrawn_at.is_(None), GIVEN.gold.is_(False))
    own = (GIVEN.annotation_key == AnnotationRow.veil, GIVEN.account == by.name, or_(theirs, has_judged))
    return or_(UNVEILED, exists().where(*own))


def is_veiled_from(session: Session, key: str, by: Principal) -> bool:
    """Whether the annotation is hidden from `by` because others are to judge without knowing it."""
    return bool(session.scalar(select(~is_unveiled(by)).where(AnnotationRow.key == key)))


def shows(session: Session, key: str, by: Principal) -> bool:
    """Whether `by` sees the annotation of that key, which may be deleted or withdrawn."""
    return bool(session.scalar(select(is_shown(by)).where(AnnotationRow.key == key)))


def shown_of(session: Session, keys: Sequence[str], by: Principal) -> set[str]:
    """Those of the annotations that stand and that `by` sees."""
    found: set[str] = set()
    for start in range(0, len(keys), AT_ONCE):
        some = AnnotationRow.key.in_(keys[start : start + AT_ONCE])
        found.update(session.scalars(select(AnnotationRow.key).where(some, *STANDING_OF_FEW, is_shown(by))))
    return found


def stands(row: AnnotationRow) -> bool:
    """Whether it is neither deleted nor withdrawn with its run."""
    return row.deleted_at is None and row.withdrawn_at is None


def index_version(row: AnnotationRow) -> int:
    """What its document in the index is known by: it grows with each version, withdrawal, closing and change of its state."""
    return row.version + row.withdrawals + row.closings + row.judgements


def closed_in(session: Session, keys: Sequence[str]) -> dict[str, set[tuple[str, str]]]:
    """Of those of the annotations that are about closed images: in which collections (institution code, collection code)."""
    closed = closed_images()
    key_of, media_key = AnnotationTargetRow.annotation_key, AnnotationTargetRow.media_key
    query = select(key_of, closed.c.institution_code, closed.c.collection_code).join(closed, closed.c.key == media_key)
    found: dict[str, set[tuple[str, str]]] = {}
    for start in range(0, len(keys), AT_ONCE):
        for key, *held in session.execute(query.where(key_of.in_(keys[start : start + AT_ONCE]))):
            found.setdefault(key, set()).add((held[0], held[1]))
    return found


def count_closing(session: Session, media_key: str) -> list[str]:
    """Note on every annotation about the image that it was closed or opened again; their keys."""
    about = lies(About(media_key=media_key))
    counted = update(AnnotationRow).where(about).values(closings=AnnotationRow.closings + 1)
    session.execute(counted.execution_options(synchronize_session=False))
    return list(session.scalars(select(AnnotationRow.key).where(about)))


def find_withdrawal(session: Session, run_key: str) -> WithdrawalRow | None:
    return session.get(WithdrawalRow, run_key)


def some_of(session: Session, keys: Sequence[str], names: Sequence[str]) -> Sequence[Any]:
    """Those columns of the annotations, deleted or not, as attributes; much faster than their rows, and without the documents."""
    columns = [getattr(AnnotationRow, name) for name in names]
    found: list[Any] = []
    for start in range(0, len(keys), AT_ONCE):
        found += session.execute(select(*columns).where(AnnotationRow.key.in_(keys[start : start + AT_ONCE])))
    return found


def of_specimens(session: Session, specimen_keys: Sequence[str], names: Sequence[str]) -> Sequence[tuple[str, Any]]:
    """The pairs of a specimen and those columns of a standing annotation that lies on it, once each, by the keys of both."""
    pairs = placing.on_specimens(specimen_keys).subquery()
    columns = [getattr(AnnotationRow, name) for name in names]
    query = select(*columns, pairs.c.specimen_key.label("lies_on")).join(
        AnnotationRow, AnnotationRow.key == pairs.c.annotation_key
    )
    in_order = query.where(*STANDING_OF_FEW, *TOLD).order_by(pairs.c.specimen_key, pairs.c.annotation_key)
    return [(row.lies_on, row) for row in session.execute(in_order)]


def lies(about: About) -> ColumnElement[bool]:
    """That a target of the annotation is such; for a thing, an image or a specimen, whose annotations are few."""
    if not about.specimen_key:
        return AnnotationRow.key.in_(select(AnnotationTargetRow.annotation_key).where(_target(about)))
    pairs = placing.on_specimens([about.specimen_key]).subquery()
    return AnnotationRow.key.in_(select(pairs.c.annotation_key))


def _asks_targets(about: About) -> bool:
    return bool(about.media_key or about.specimen_key or about.kind)


def _which(session: Session, about: About) -> Iterator[ColumnElement[bool]]:
    """The target rows that are meant, as conditions of each of which an index leads to them in the order of the annotations."""
    if about.specimen_key:
        yield from placing.conditions_of(session, about.specimen_key)
    else:
        yield _target(about)


def _target(about: About) -> ColumnElement[bool]:
    names = ("media_key", "kind", "key", "version")
    return and_(*(getattr(AnnotationTargetRow, name) == getattr(about, name) for name in names if getattr(about, name)))


def _standing(about: About, by: Principal) -> list[ColumnElement[bool]]:
    return [*STANDING, *_shown(about, by)]


def _shown(about: About, by: Principal) -> list[ColumnElement[bool]]:
    told = SAID if about.fallen else TOLD
    return [is_shown(by), *_layer(about), *(told if about.told else ())]


def _layer(about: About) -> list[ColumnElement[bool]]:
    return [AnnotationRow.layer == about.layer] if about.layer else []


def _box(row: AnnotationRow | AnnotationTargetRow) -> CanvasBox | None:
    if row.x0 is None or row.y0 is None or row.x1 is None or row.y1 is None:
        return None
    return CanvasBox(row.x0, row.y0, row.x1, row.y1)
