"""SQL of segments: rows in and out, and frozen values. Lists are paged by key, or by area and key, each over an index."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import cast

from sqlalchemy import ColumnElement, Subquery, collate, exists, func, or_, select, tuple_, update
from sqlalchemy.orm import Session, aliased

from annotations import placing
from annotations import store as statements
from annotations.model import Target
from annotations.segments.model import ENDED, LIVE, Part, Segment, State
from annotations.segments.tables import SegmentRow, SegmentStatementRow, SegmentVersionRow
from annotations.states.derive import SegmentEnd
from annotations.tables import AnnotationRow, AnnotationTargetRow
from app.runtime.principal import Principal
from iiif.catalogue.visibility import closed_images, is_hidden
from iiif.image.request import PixelBox

AT_ONCE = 500  # keys in one question
MOST_ON_IMAGE = 1_000  # segments that one image shows; a page of them is listed by /api/segments
STREAMED = 5_000  # rows fetched at a time
MOST_STATEMENTS = 500  # behind one segment


@dataclass(frozen=True, slots=True)
class Asked:
    """Which segments are meant; empty narrows nothing. Without a state it is those that there are. `least` and `most` are
    pixels of the box; with either they are listed by that and then by key."""

    class_name: str = ""
    media_key: str = ""
    specimen_key: str = ""
    run_key: str = ""
    state: State | None = None
    least: int | None = None
    most: int | None = None

    @property
    def by_area(self) -> bool:
        return self.least is not None or self.most is not None


@dataclass(frozen=True, slots=True)
class Statement:
    """A statement behind a segment."""

    annotation_key: str
    part: Part
    class_name: str
    run_key: str
    as_role: str
    said_at: datetime


def segment(row: SegmentRow) -> Segment:
    return Segment(
        key=row.key,
        version=row.version,
        class_name=row.class_name,
        media_key=row.media_key,
        selector=tuple(row.selector),
        box=PixelBox(row.x, row.y, row.width, row.height),
        state=cast(State, row.state),
        leader_key=row.leader_key,
        derived_from=tuple(row.derived_from),
        successors=tuple(row.successors),
        made_by=row.made_by,
        created_at=row.created_at,
        modified_at=row.modified_at,
    )


def find(session: Session, key: str, *, lock: bool = False) -> SegmentRow | None:
    return session.get(SegmentRow, key, with_for_update=lock or None, populate_existing=lock)


def numbers_of(session: Session, keys: Sequence[str]) -> Sequence[tuple[str, int, int]]:
    """Key, version and count of changes of each, at most AT_ONCE of them."""
    query = select(SegmentRow.key, SegmentRow.version, SegmentRow.changes).where(SegmentRow.key.in_(keys[:AT_ONCE]))
    return [(row[0], row[1], row[2]) for row in session.execute(query)] if keys else []


def lock(session: Session, keys: Iterable[str]) -> Sequence[SegmentRow]:
    """The rows, locked in the order of their keys, as they stand now."""
    query = select(SegmentRow).where(SegmentRow.key.in_(sorted(keys))).order_by(SegmentRow.key).with_for_update()
    return session.scalars(query.execution_options(populate_existing=True)).all()


def add_version(session: Session, row: SegmentRow, how: str, by: str, at: datetime) -> None:
    """Keep what the row says now as a version that stays."""
    names = ("key", "version", "class_name", "selector", "x", "y", "width", "height")
    kept = {name: getattr(row, name) for name in names}
    session.add(SegmentVersionRow(**kept, how=how, stored_at=at, stored_by=by))


def name_version(session: Session, key: str, number: int, how: str) -> None:
    """Say how a version came about that this transaction has stored."""
    row = find_version(session, key, number)
    if row is not None:
        row.how = how


def add_statement(
    session: Session, segment_key: str, annotation: AnnotationRow, part: Part, class_name: str, as_role: str, at: datetime
) -> None:
    said = {"part": part, "class_name": class_name, "run_key": annotation.run_key, "as_role": as_role, "said_at": at}
    session.add(SegmentStatementRow(segment_key=segment_key, annotation_key=annotation.key, **said))
    session.flush()


def versions_of(session: Session, key: str, *, before: int = 0, limit: int = MOST_STATEMENTS) -> Sequence[SegmentVersionRow]:
    """The versions, the newest first; with `before` those of lower numbers."""
    query = select(SegmentVersionRow).where(SegmentVersionRow.key == key)
    query = query.where(SegmentVersionRow.version < before) if before else query
    return session.scalars(query.order_by(SegmentVersionRow.version.desc()).limit(limit)).all()


def find_version(session: Session, key: str, number: int) -> SegmentVersionRow | None:
    return session.get(SegmentVersionRow, (key, number))


def first_version(session: Session, key: str) -> SegmentVersionRow | None:
    query = select(SegmentVersionRow).where(SegmentVersionRow.key == key)
    return session.scalars(query.order_by(SegmentVersionRow.version).limit(1)).first()


def version_before(session: Session, key: str, when: datetime) -> SegmentVersionRow | None:
    """The last that was stored before that."""
    query = select(SegmentVersionRow).where(SegmentVersionRow.key == key, SegmentVersionRow.stored_at < when)
    return session.scalars(query.order_by(SegmentVersionRow.version.desc()).limit(1)).first()


def statements_of(session: Session, key: str) -> Sequence[Statement]:
    """Those behind the segment, the first first."""
    query = select(SegmentStatementRow).where(SegmentStatementRow.segment_key == key)
    in_order = query.order_by(SegmentStatementRow.said_at, SegmentStatementRow.annotation_key).limit(MOST_STATEMENTS)
    return [
        Statement(row.annotation_key, cast(Part, row.part), row.class_name, row.run_key, row.as_role, row.said_at)
        for row in session.scalars(in_order)
    ]


def behind(session: Session, annotation_keys: Sequence[str]) -> set[str]:
    """The keys of the segments that any of these statements stands behind."""
    found: set[str] = set()
    for start in range(0, len(annotation_keys), AT_ONCE):
        some = SegmentStatementRow.annotation_key.in_(annotation_keys[start : start + AT_ONCE])
        found.update(session.scalars(select(SegmentStatementRow.segment_key).where(some)))
    return found


def beside(session: Session, annotation_keys: Sequence[str]) -> set[str]:
    """The statements that stand behind the same segments as any of these, with these."""
    other = aliased(SegmentStatementRow)
    pairs = select(other.annotation_key).join(SegmentStatementRow, SegmentStatementRow.segment_key == other.segment_key)
    found: set[str] = set()
    for start in range(0, len(annotation_keys), AT_ONCE):
        some = SegmentStatementRow.annotation_key.in_(annotation_keys[start : start + AT_ONCE])
        found.update(session.scalars(pairs.where(some).distinct()))
    return found


def end_of(session: Session, annotation_key: str) -> SegmentEnd:
    """What people made of the segments that a statement says there are; empty where they ended none, or another is there. What
    says no more than that there is one is replaced with it, and what was read there is not."""
    said = SegmentStatementRow
    query = select(SegmentRow.state, said.part, said.as_role).join(said, said.segment_key == SegmentRow.key)
    found = session.execute(query.where(said.annotation_key == annotation_key)).all()
    states = {state for state, _, _ in found}
    if "deleted" in states and states <= {"deleted", "rejected", "withdrawn"}:
        return "deleted"
    drawn = all(role and part in ("made", "changes") for _, part, role in found)
    return "replaced" if found and drawn and states <= set(ENDED) else ""


def said_of(session: Session, keys: Sequence[str]) -> set[str]:
    """The statements behind the segments."""
    said = SegmentStatementRow
    return set(session.scalars(select(said.annotation_key).where(said.segment_key.in_(keys)))) if keys else set()


def behind_what_is_not_there(after: str, limit: int) -> Subquery:
    """The keys of the statements behind segments that are not there, from `after` on, in order."""
    said = SegmentStatementRow
    query = select(said.annotation_key.label("key")).join(SegmentRow, SegmentRow.key == said.segment_key)
    query = query.where(SegmentRow.live.is_(False), said.annotation_key > after)
    return query.distinct().order_by(said.annotation_key).limit(limit).subquery()


def is_behind_a_segment() -> ColumnElement[bool]:
    """For queries of annotations: whether a segment rests on it."""
    return exists().where(SegmentStatementRow.annotation_key == AnnotationRow.key)


def of_class_on(session: Session, media_key: str, class_name: str) -> Sequence[SegmentRow]:
    """Of an image those of a class, ended ones too, by key."""
    query = select(SegmentRow).where(SegmentRow.media_key == media_key, SegmentRow.class_name == class_name)
    return session.scalars(query.order_by(SegmentRow.key)).all()


def said_by_run(session: Session, keys: Sequence[str], run_key: str) -> set[str]:
    """Those of the segments that a statement of that run stands behind."""
    which = (SegmentStatementRow.run_key == run_key, SegmentStatementRow.segment_key.in_(keys))
    return set(session.scalars(select(SegmentStatementRow.segment_key).where(*which))) if keys and run_key else set()


def on_image(session: Session, media_key: str) -> Sequence[Segment]:
    """Those that there are on an image, by key."""
    query = select(SegmentRow).where(SegmentRow.media_key == media_key, SegmentRow.live.is_(True))
    return [segment(row) for row in session.scalars(query.order_by(SegmentRow.key).limit(MOST_ON_IMAGE))]


def on_images(session: Session, media_keys: Sequence[str]) -> Sequence[Segment]:
    """Those that there are on the images, by image and key; MOST_ON_IMAGE and one at most, which tells that there are more."""
    some = (SegmentRow.media_key.in_(media_keys[:AT_ONCE]), SegmentRow.live.is_(True))
    query = select(SegmentRow).where(*some).order_by(SegmentRow.media_key, SegmentRow.key).limit(MOST_ON_IMAGE + 1)
    return [segment(row) for row in session.scalars(query)] if media_keys else []


def images_with(session: Session, media_keys: Sequence[str]) -> set[str]:
    """Those of the images that have a segment."""
    some = (SegmentRow.media_key.in_(media_keys), SegmentRow.live.is_(True))
    return set(session.scalars(select(SegmentRow.media_key).where(*some).distinct())) if media_keys else set()


def page(session: Session, asked: Asked, by: Principal, *, after: tuple[int, str], limit: int) -> Sequence[Segment]:
    """A page of what `by` sees, behind the area and key of the last one before."""
    where = [*_which(asked), seen_by(by)]
    if asked.by_area:
        where.append(tuple_(SegmentRow.area_px, SegmentRow.key) > tuple_(*after))
        order = (SegmentRow.area_px, SegmentRow.key)
        return [segment(row) for row in session.scalars(select(SegmentRow).where(*where).order_by(*order).limit(limit))]
    where.append(SegmentRow.key > after[1])
    return [segment(row) for row in session.scalars(select(SegmentRow).where(*where).order_by(SegmentRow.key).limit(limit))]


def count(session: Session, asked: Asked, by: Principal) -> int:
    """How many `page` would list in all; those on closed images, which are few, are taken off."""
    if asked.media_key or asked.specimen_key or asked.run_key:
        return session.scalar(select(func.count()).where(*_which(asked), seen_by(by))) or 0
    every = session.scalar(select(func.count()).select_from(SegmentRow).where(*_which(asked))) or 0
    closed = closed_images()
    hidden = select(func.count()).select_from(SegmentRow).join(closed, closed.c.key == SegmentRow.media_key)
    return every - (session.scalar(hidden.where(*_which(asked), is_hidden(closed.c.key, by))) or 0)


def count_by_class(session: Session, by: Principal) -> dict[str, int]:
    """How many there are of each class that `by` sees."""
    closed = closed_images()
    live = SegmentRow.live.is_(True)
    grouped = select(SegmentRow.class_name, func.count()).where(live).group_by(SegmentRow.class_name)
    found = {row[0]: int(row[1]) for row in session.execute(grouped)}
    hidden = select(SegmentRow.class_name, func.count()).join(closed, closed.c.key == SegmentRow.media_key)
    for name, number in session.execute(hidden.where(live, is_hidden(closed.c.key, by)).group_by(SegmentRow.class_name)):
        found[name] -= number
    return {name: number for name, number in found.items() if number}


def shows(session: Session, row: SegmentRow, by: Principal) -> bool:
    """Whether `by` sees the image that it is of."""
    return not session.scalar(select(is_hidden(SegmentRow.media_key, by)).where(SegmentRow.key == row.key))


def many(session: Session, keys: Iterable[str]) -> dict[str, SegmentRow]:
    wanted = list(keys)
    found: dict[str, SegmentRow] = {}
    for start in range(0, len(wanted), AT_ONCE):
        some = select(SegmentRow).where(SegmentRow.key.in_(wanted[start : start + AT_ONCE]))
        found.update({row.key: row for row in session.scalars(some)})
    return found


@dataclass(frozen=True, slots=True)
class Described:
    """What the index says of a segment: with the texts, layers and runs of the statements that stand behind it, the targets of
    the one that leads it, and the collections (institution, collection) in which its image is closed."""

    segment: Segment
    index_version: int
    texts: tuple[str, ...]
    layers: tuple[str, ...]
    runs: tuple[str, ...]
    targets: tuple[Target, ...]
    closed_in: set[tuple[str, str]]


def described(session: Session, keys: Sequence[str]) -> dict[str, Described]:
    """What the index says of these segments, with a few queries for all of them. Of a statement that is about a closed image as
    well no words are told, unless the segment itself is closed with it."""
    if not keys:
        return {}
    rows = many(session, keys)
    targets = statements.targets_of(session, [row.leader_key for row in rows.values()])
    said: dict[str, list[tuple[str, str, str, str]]] = {}
    columns = (SegmentStatementRow.segment_key, AnnotationRow.key, AnnotationRow.text, AnnotationRow.layer, AnnotationRow.run_key)
    behind = select(*columns).join(AnnotationRow, AnnotationRow.key == SegmentStatementRow.annotation_key)
    which = (SegmentStatementRow.segment_key.in_(keys), *statements.STANDING_OF_FEW, *statements.TOLD)
    for key, *words in session.execute(behind.where(*which).order_by(AnnotationRow.key)):
        said.setdefault(key, []).append((words[0], words[1], words[2], words[3]))
    about = statements.closed_in(session, [one[0] for several in said.values() for one in several])
    closed = closed_images()
    hidden = select(closed).where(closed.c.key.in_({row.media_key for row in rows.values()}))
    held = {row[0]: {(row[1], row[2])} for row in session.execute(hidden)}
    found = {}
    for key, row in rows.items():
        keys_of, words_of, layers, runs = zip(*said[key], strict=True) if key in said else ((), (), (), ())
        of_leader = tuple(targets.get(row.leader_key, ()))
        hidden_in: set[tuple[str, str]] = held.get(row.media_key, set())
        texts = tuple(text for one, text in zip(keys_of, words_of, strict=True) if about.get(one, set()) <= hidden_in)
        found[key] = Described(segment(row), index_version(row), texts, layers, runs, of_leader, hidden_in)
    return found


def classes_led(session: Session, media_keys: Sequence[str]) -> list[tuple[str, str]]:
    """Of every segment that there is on the images the statement that leads it, and its class."""
    query = select(SegmentRow.leader_key, SegmentRow.class_name).where(SegmentRow.live.is_(True))
    found: list[tuple[str, str]] = []
    for start in range(0, len(media_keys), AT_ONCE):
        some = session.execute(query.where(SegmentRow.media_key.in_(media_keys[start : start + AT_ONCE])))
        found += [(row[0], row[1]) for row in some]
    return found


def of_classes_on(
    session: Session, media_keys: Sequence[str], classes: Collection[str], by: Principal
) -> Sequence[tuple[Segment, str]]:
    """Those of the classes that there are on the images and that `by` sees, each with the statement that leads it; AT_ONCE images
    at most."""
    where = (SegmentRow.media_key.in_(media_keys[:AT_ONCE]), SegmentRow.live.is_(True), SegmentRow.class_name.in_(classes))
    rows = session.scalars(select(SegmentRow).where(*where, seen_by(by)).order_by(SegmentRow.key)).all() if media_keys else ()
    return [(segment(row), row.leader_key) for row in rows]


def versions(session: Session) -> Iterator[tuple[str, int]]:
    """Key and index version of every segment that there is, by the bytes of the key."""
    after = ""
    order = collate(SegmentRow.key, "C") if session.get_bind().dialect.name == "postgresql" else SegmentRow.key
    query = select(SegmentRow.key, SegmentRow.version + SegmentRow.changes).where(SegmentRow.live.is_(True))
    while page := session.execute(query.where(SegmentRow.key > after).order_by(order).limit(STREAMED)).all():
        yield from ((row[0], row[1]) for row in page)
        after = page[-1][0]


def count_closing(session: Session, media_key: str) -> list[str]:
    """Note on every segment of the image, and on those of which a statement about the image says something, that it was closed or
    opened again; their keys."""
    of_image = session.scalars(select(SegmentRow.key).where(SegmentRow.media_key == media_key))
    said, lying = SegmentStatementRow, AnnotationTargetRow
    told = select(said.segment_key).join(lying, lying.annotation_key == said.annotation_key).where(lying.media_key == media_key)
    return count_changes(session, {*of_image, *session.scalars(told)})


def count_changes(session: Session, keys: Collection[str]) -> list[str]:
    """Note on these segments that the index is to say something else of them; the keys, in their order."""
    ordered = sorted(keys)
    for start in range(0, len(ordered), AT_ONCE):
        some = SegmentRow.key.in_(ordered[start : start + AT_ONCE])
        counted = update(SegmentRow).where(some).values(changes=SegmentRow.changes + 1)
        session.execute(counted.execution_options(synchronize_session=False))
    return ordered


def index_version(row: SegmentRow) -> int:
    """What its document in the index is known by."""
    return row.version + row.changes


def every(session: Session, *, after: str, limit: int) -> Sequence[SegmentRow]:
    """All rows, ended ones too, in the order of their keys."""
    return session.scalars(select(SegmentRow).where(SegmentRow.key > after).order_by(SegmentRow.key).limit(limit)).all()


def _which(asked: Asked) -> list[ColumnElement[bool]]:
    row = SegmentRow
    where: list[ColumnElement[bool]] = [row.live.is_(True)] if asked.state is None else [row.state == asked.state]
    where += [row.class_name == asked.class_name] if asked.class_name else []
    where += [row.media_key == asked.media_key] if asked.media_key else []
    where += [row.area_px >= asked.least] if asked.least is not None else []
    where += [row.area_px <= asked.most] if asked.most is not None else []
    if asked.run_key:
        of_run = SegmentStatementRow.run_key == asked.run_key
        where.append(row.key.in_(select(SegmentStatementRow.segment_key).where(of_run)))
    if asked.specimen_key:
        on_it = placing.on_specimen(asked.specimen_key).subquery()
        said = SegmentStatementRow
        where.append(row.key.in_(select(said.segment_key).join(on_it, on_it.c.annotation_key == said.annotation_key)))
    return where


def seen_by(by: Principal) -> ColumnElement[bool]:
    """That the image is not closed to `by`; where none is closed at all, which is asked once, no image is looked at."""
    closed = closed_images()
    return or_(~exists(select(closed.c.key)), ~is_hidden(SegmentRow.media_key, by))


def is_live(state: str) -> bool:
    return state in LIVE
