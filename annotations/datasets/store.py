"""SQL of datasets: rows in and out, frozen values, and members as streams in the order of their keys."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Executable, Select, delete, func, insert, select, update
from sqlalchemy.orm import Session

from annotations.datasets.model import (
    AnnotationMember,
    Dataset,
    ImageMember,
    Person,
    Selection,
    SplitRule,
    Version,
)
from annotations.datasets.tables import DatasetAnnotationRow, DatasetFileRow, DatasetImageRow, DatasetRow, DatasetVersionRow
from annotations.tables import AnnotationTargetRow
from iiif.catalogue.visibility import any_closed, closed_images

STREAMED = 2_000  # rows fetched at a time
AT_ONCE = 500  # keys in one question
IMAGE, ANNOTATION = DatasetImageRow, DatasetAnnotationRow


def dataset(row: DatasetRow) -> Dataset:
    return Dataset(
        key=row.key,
        title=row.title,
        description=row.description,
        creators=tuple(Person(**one) for one in row.creators),
        keywords=tuple(row.keywords),
        kind=row.kind,  # type: ignore[arg-type]  # the column holds only kinds
        selection=Selection.of_json(row.selection),
        split=SplitRule.of_json(row.split),
        policy=row.policy,  # type: ignore[arg-type]  # likewise
        licence=row.licence,
        classes=tuple((int(number), str(name)) for number, name in row.classes),
        newest=row.newest,
        created_at=row.created_at,
        created_by=row.created_by,
    )


def version(row: DatasetVersionRow) -> Version:
    plain = {name: getattr(row, name) for name in Version.__dataclass_fields__ if name != "key"}
    return Version(key=row.dataset_key, **plain)


def find(session: Session, key: str, *, lock: bool = False) -> DatasetRow | None:
    return session.get(DatasetRow, key, with_for_update=lock or None, populate_existing=lock)


def find_version(session: Session, key: str, number: int, *, lock: bool = False) -> DatasetVersionRow | None:
    return session.get(DatasetVersionRow, (key, number), with_for_update=lock or None, populate_existing=lock)


def page(session: Session, *, before: tuple[datetime, str] | None, limit: int) -> Sequence[DatasetRow]:
    """Datasets that have a frozen version, the newest first, behind that place."""
    query = select(DatasetRow).where(DatasetRow.frozen_at.is_not(None))
    if before is not None:
        at, key = before
        later = (DatasetRow.frozen_at < at) | ((DatasetRow.frozen_at == at) & (DatasetRow.key > key))
        query = query.where(DatasetRow.frozen_at <= at, later)
    return session.scalars(query.order_by(DatasetRow.frozen_at.desc(), DatasetRow.key).limit(limit)).all()


def count(session: Session) -> int:
    return session.scalar(select(func.count()).where(DatasetRow.frozen_at.is_not(None))) or 0


def versions_of(session: Session, key: str, *, limit: int, before: int = 0) -> Sequence[DatasetVersionRow]:
    """Its versions that were frozen, withdrawn ones too, the newest first, from the one before `before` (0: from the newest)."""
    row = DatasetVersionRow
    query = select(row).where(row.dataset_key == key, row.state != "building")
    query = query.where(row.number < before) if before else query
    return session.scalars(query.order_by(row.number.desc()).limit(limit)).all()


def recent(session: Session, limit: int) -> Sequence[DatasetVersionRow]:
    """The versions of all datasets that were frozen last and stand."""
    row = DatasetVersionRow
    return session.scalars(select(row).where(row.state == "frozen").order_by(row.frozen_at.desc()).limit(limit)).all()


def clear(session: Session, key: str, number: int) -> None:
    """Forget what was staged for a version that was never frozen, and the version."""
    for table in (ANNOTATION, IMAGE):
        session.execute(delete(table).where(table.dataset_key == key, table.number == number))
    session.execute(delete(DatasetVersionRow).where(DatasetVersionRow.dataset_key == key, DatasetVersionRow.number == number))


def stage(session: Session, images: Sequence[Mapping[str, Any]], annotations: Sequence[Mapping[str, Any]]) -> None:
    """Enter members of a version that is being built."""
    if images:
        session.execute(insert(IMAGE), images)
    if annotations:
        session.execute(insert(ANNOTATION), annotations)


def staged(session: Session, key: str, number: int, media_keys: Iterable[str]) -> set[str]:
    """Those of the images that are members."""
    some = (IMAGE.dataset_key == key, IMAGE.number == number, IMAGE.media_key.in_(list(media_keys)))
    return set(session.scalars(select(IMAGE.media_key).where(*some)))


def forget_files(session: Session, *, before: datetime) -> int:
    """Forget the files of exports that nobody has asked for since then; how many."""
    gone = delete(DatasetFileRow).where(DatasetFileRow.used_at < before).returning(DatasetFileRow.name)
    return len(session.execute(gone.execution_options(synchronize_session=False)).all())


def checked_before(session: Session, sha256s: Iterable[str]) -> dict[str, int]:
    """CRC-32 of those of the blobs that a version has read whole before."""
    query = select(IMAGE.sha256, func.max(IMAGE.crc32)).where(IMAGE.sha256.in_(list(sha256s)), IMAGE.access == "open")
    return {sha256: int(crc32) for sha256, crc32 in session.execute(query.group_by(IMAGE.sha256))}


def set_splits(session: Session, key: str, number: int, placed: Iterable[tuple[str, str, str]]) -> None:
    """Give images (key, group, split) their places."""
    values = [
        {"dataset_key": key, "number": number, "media_key": media_key, "group_id": group, "split": split}
        for media_key, group, split in placed
    ]
    if values:
        session.execute(update(IMAGE), values)


def joins_of(session: Session, key: str, number: int) -> Iterator[tuple[str, str, list[str]]]:
    """(image, digest, what it may share with others) of every image, in a stream."""
    query = select(IMAGE.media_key, IMAGE.sha256, IMAGE.joins).where(IMAGE.dataset_key == key, IMAGE.number == number)
    with _streamed(session, query) as rows:
        yield from ((row[0], row[1], row[2]) for row in rows)


def splits_of(session: Session, key: str, number: int) -> dict[str, str]:
    """The split of every image of a version, by key."""
    query = select(IMAGE.media_key, IMAGE.split).where(IMAGE.dataset_key == key, IMAGE.number == number)
    return {key: split for key, split in session.execute(query, execution_options={"yield_per": STREAMED})}  # noqa: C416 - a result has `keys`, so that dict() takes it for a mapping


def images_in(session: Session, key: str, number: int, splits: Sequence[str]) -> frozenset[str]:
    """The keys of the images of these splits."""
    if not splits:
        return frozenset()
    some = (IMAGE.dataset_key == key, IMAGE.number == number, IMAGE.split.in_(splits))
    return frozenset(session.scalars(select(IMAGE.media_key).where(*some)))


def keys_of_images(key: str, number: int) -> Select[str]:
    """A query of the keys of all images of a version."""
    return select(IMAGE.media_key).where(IMAGE.dataset_key == key, IMAGE.number == number)


def images(session: Session, key: str, number: int, *, after: str = "", split: str = "") -> Iterator[ImageMember]:
    """The images of a version behind that key, by the bytes of their keys, in a stream."""
    columns = [getattr(IMAGE, name) for name in ImageMember.__dataclass_fields__]
    query = select(*columns).where(IMAGE.dataset_key == key, IMAGE.number == number)
    query = query.where(IMAGE.media_key > after) if after else query
    query = query.where(IMAGE.split == split) if split else query
    with _streamed(session, query.order_by(IMAGE.media_key)) as rows:
        yield from (ImageMember(*row) for row in rows)


def page_of_images(session: Session, key: str, number: int, *, after: str, limit: int, split: str = "") -> list[ImageMember]:
    """The images behind that key, of that split where one is named, as many as that."""
    columns = [getattr(IMAGE, name) for name in ImageMember.__dataclass_fields__]
    query = select(*columns).where(IMAGE.dataset_key == key, IMAGE.number == number, IMAGE.media_key > after)
    query = query.where(IMAGE.split == split) if split else query
    return [ImageMember(*row) for row in session.execute(query.order_by(IMAGE.media_key).limit(limit))]


def annotations(session: Session, key: str, number: int) -> Iterator[AnnotationMember]:
    """The annotations of a version by the bytes of their keys, in a stream."""
    query = _annotations(key, number).order_by(ANNOTATION.annotation_key)
    with _streamed(session, query) as rows:
        yield from (AnnotationMember(*row) for row in rows)


def annotations_on(session: Session, key: str, number: int, media_keys: Sequence[str]) -> dict[str, list[AnnotationMember]]:
    """The annotations of a version on these images, by image, each list by the bytes of its keys."""
    found: dict[str, list[AnnotationMember]] = {}
    for start in range(0, len(media_keys), AT_ONCE):
        some = _annotations(key, number).where(ANNOTATION.media_key.in_(media_keys[start : start + AT_ONCE]))
        for row in session.execute(some.order_by(ANNOTATION.annotation_key)):
            member = AnnotationMember(*row)
            found.setdefault(member.media_key, []).append(member)
    return found


def _annotations(key: str, number: int) -> Select[Any]:
    columns = [getattr(ANNOTATION, name) for name in AnnotationMember.__dataclass_fields__]
    return select(*columns).where(ANNOTATION.dataset_key == key, ANNOTATION.number == number)


def _streamed(session: Session, query: Executable) -> Any:
    """Its rows a few thousand at a time; to be closed, also by who does not read it to its end."""
    return session.execute(query, execution_options={"yield_per": STREAMED})


def counts(session: Session, key: str, number: int) -> dict[str, Any]:
    """How many images, specimens, groups and annotations there are, images by split, and annotations by class and split."""
    of_images = (IMAGE.dataset_key == key, IMAGE.number == number)
    totals = select(
        func.count(),
        func.count(IMAGE.specimen_key.distinct()),
        func.count(IMAGE.group_id.distinct()),
        func.coalesce(func.sum(IMAGE.byte_size), 0),
        func.count().filter(IMAGE.access == "open"),
    )
    images, specimens, groups, size, with_bytes = session.execute(totals.where(*of_images)).one()
    by_split = select(IMAGE.split, func.count()).where(*of_images).group_by(IMAGE.split)
    same = (ANNOTATION.dataset_key == key, ANNOTATION.number == number)
    joined = select(ANNOTATION.class_name, IMAGE.split, func.count()).join(
        IMAGE,
        (IMAGE.dataset_key == ANNOTATION.dataset_key)
        & (IMAGE.number == ANNOTATION.number)
        & (IMAGE.media_key == ANNOTATION.media_key),
    )
    classes: dict[str, dict[str, int]] = {}
    for name, split, number_of in session.execute(joined.where(*same).group_by(ANNOTATION.class_name, IMAGE.split)):
        classes.setdefault(name, {})[split] = int(number_of)
    return {
        "images": int(images),
        "specimens": int(specimens),
        "groups": int(groups),
        "bytes": int(size),
        "withBytes": int(with_bytes),
        "annotations": sum(sum(several.values()) for several in classes.values()),
        "splits": {name: int(number_of) for name, number_of in session.execute(by_split)},
        "classes": {name: dict(sorted(classes[name].items())) for name in sorted(classes)},
    }


def class_names(session: Session, key: str, number: int) -> list[str]:
    """The classes of the annotations of a version, in order; some annotations are of none."""
    of = (ANNOTATION.dataset_key == key, ANNOTATION.number == number, ANNOTATION.class_name != "")
    query = select(ANNOTATION.class_name).where(*of).distinct()
    return sorted(session.scalars(query))


def rights_counts(session: Session, key: str, number: int) -> Iterator[tuple[str, str, str, str, int]]:
    """(licence, what the source says, holder, creator, number of images), in a stream ordered by these."""
    columns = (IMAGE.licence, IMAGE.rights, IMAGE.holder, IMAGE.creator)
    query = select(*columns, func.count()).where(IMAGE.dataset_key == key, IMAGE.number == number).group_by(*columns)
    ordered = query.order_by(*columns)
    with _streamed(session, ordered) as rows:
        yield from ((row[0], row[1], row[2], row[3], int(row[4])) for row in rows)


def about_closed(session: Session, key: str, number: int) -> frozenset[str]:
    """The keys of the annotations of a version that are about an image that is closed now, whatever else they are about."""
    if not any_closed(session):
        return frozenset()
    closed, lying = closed_images(), AnnotationTargetRow
    query = select(ANNOTATION.annotation_key).join(lying, lying.annotation_key == ANNOTATION.annotation_key)
    query = query.join(closed, closed.c.key == lying.media_key)
    return frozenset(session.scalars(query.where(ANNOTATION.dataset_key == key, ANNOTATION.number == number).distinct()))


def author_counts(session: Session, key: str, number: int) -> dict[str, int]:
    """How many annotations each principal wrote."""
    query = select(ANNOTATION.author, func.count()).where(ANNOTATION.dataset_key == key, ANNOTATION.number == number)
    return {name: int(several) for name, several in session.execute(query.group_by(ANNOTATION.author))}


def pinned(session: Session, *, after: str = "", limit: int) -> Sequence[str]:
    """Digests of the masters that versions need, and of files made of versions, in order, behind that one."""
    found: set[str] = set()
    for digest in (IMAGE.sha256, DatasetFileRow.sha256):
        found.update(session.scalars(select(digest).where(digest > after).distinct().order_by(digest).limit(limit)))
    return sorted(found)[:limit]


def with_image(session: Session, media_keys: Sequence[str], limit: int) -> list[tuple[str, int]]:
    """(dataset, version) of the frozen versions that hold one of these images, the newest first."""
    row = DatasetVersionRow
    query = (
        select(row.dataset_key, row.number, row.frozen_at)
        .join(IMAGE, (IMAGE.dataset_key == row.dataset_key) & (IMAGE.number == row.number))
        .where(IMAGE.media_key.in_(media_keys), row.state == "frozen")
        .distinct()
        .order_by(row.frozen_at.desc())
        .limit(limit)
    )
    return [(key, number) for key, number, _ in session.execute(query)]
