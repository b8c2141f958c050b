"""SQL of the catalogue: rows in, frozen values out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import takewhile
from typing import Any, cast

from sqlalchemy import ColumnElement, CompoundSelect, Select, case, func, insert, literal, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app.runtime.db import Moment
from iiif.catalogue.identity import folded_number
from iiif.catalogue.model import (
    Depiction,
    DepictionRole,
    KnownMedia,
    KnownNumber,
    KnownSpecimen,
    Media,
    OwnRegion,
    RecordChange,
    Specimen,
)
from iiif.catalogue.tables import DepictionRow, MediaRow, SpecimenRow


def specimen(row: SpecimenRow) -> Specimen:
    changes = changes_of(row.accepted or {}, row.interpreted)
    return Specimen(
        key=row.key,
        version=row.version,
        catalog_number=row.catalog_number,
        institution_code=row.institution_code,
        collection_code=row.collection_code,
        interpreted={**row.interpreted, **{term: change.value for term, change in changes.items()}}
        if changes
        else row.interpreted,
        verbatim=row.verbatim,
        source=row.source,
        created_at=row.created_at,
        updated_at=row.updated_at,
        record_version=row.record_version,
        changes=changes,
    )


def changes_of(accepted: Mapping[str, Mapping[str, Any]], source: Mapping[str, str]) -> dict[str, RecordChange]:
    """The changes in force as the column holds them, over what the source's values were read as."""
    return {
        term: RecordChange(
            term=term,
            value=said["value"],
            source_value=source.get(term, ""),
            statement=said["statement"],
            statement_version=said["version"],
            by=said["by"],
            at=datetime.fromisoformat(said["at"]),
            source_now=said.get("now"),
        )
        for term, said in accepted.items()
    }


def media(row: MediaRow) -> Media:
    return Media(**{name: getattr(row, name) for name in Media.__dataclass_fields__})


def find_specimen(session: Session, key: str, *, lock: bool = False) -> SpecimenRow | None:
    """With `lock`, the row as it stands now, and nobody else changes it before this transaction ends."""
    return session.get(SpecimenRow, key, with_for_update=lock or None, populate_existing=lock)


def lock_specimens(session: Session, keys: Iterable[str]) -> Sequence[str]:
    """Those of the keys that are here, locked in their order, so that two who lock many never wait for one another."""
    query = select(SpecimenRow.key).where(SpecimenRow.key.in_(list(keys))).order_by(SpecimenRow.key).with_for_update()
    return session.scalars(query).all()


def bump_specimens(session: Session, which: Sequence[str] | CompoundSelect[Any], at: datetime) -> Sequence[str]:
    """A new version of each, whose time is never set back; those that are here, by key. They are locked in that order."""
    these = select(SpecimenRow.key).where(SpecimenRow.key.in_(which)).order_by(SpecimenRow.key).with_for_update()
    locked = these.cte("locked")  # which PostgreSQL carries out for itself, for it locks
    later = case((SpecimenRow.updated_at > at, SpecimenRow.updated_at), else_=literal(at, Moment))
    bumped = session.scalars(
        update(SpecimenRow)
        .where(SpecimenRow.key.in_(select(locked.c.key)))
        .values(version=SpecimenRow.version + 1, updated_at=later)
        .returning(SpecimenRow.key)
        .execution_options(synchronize_session=False)
    )
    return sorted(bumped)


def find_media(session: Session, key: str, *, lock: bool = False) -> MediaRow | None:
    """With `lock`, the row as it stands now, and nobody else changes it before this transaction ends."""
    return session.get(MediaRow, key, with_for_update=lock or None, populate_existing=lock)


def find_media_by_hash(session: Session, sha256: str) -> MediaRow | None:
    return session.scalar(select(MediaRow).where(MediaRow.sha256 == sha256))


def find_specimen_by_identity(session: Session, identity: str) -> SpecimenRow | None:
    return session.scalar(select(SpecimenRow).where(SpecimenRow.identity == identity))


def known_specimens(session: Session, identities: Iterable[str]) -> list[KnownSpecimen]:
    """Those of these identities."""
    row = SpecimenRow
    columns = (row.key, row.identity, row.catalog_number, row.verbatim, row.created_at, row.accepted)
    found = session.execute(select(*columns).where(row.identity.in_(list(identities))))
    return [
        KnownSpecimen(key, identity, number, verbatim, created_at, _has_moved(accepted or {}))
        for key, identity, number, verbatim, created_at, accepted in found
    ]


def _has_moved(accepted: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether the source has said something else since one of the changes was accepted."""
    return any("now" in said for said in accepted.values())


def known_media(session: Session, sha256s: Iterable[str]) -> dict[str, KnownMedia]:
    """By digest, those of these digests."""
    query = (
        select(MediaRow.sha256, MediaRow.key, MediaRow.created_at, DepictionRow.specimen_key)
        .join(DepictionRow, DepictionRow.media_key == MediaRow.key)
        .where(MediaRow.sha256.in_(list(sha256s)))
    )
    found: dict[str, KnownMedia] = {}
    for sha256, key, created_at, specimen_key in session.execute(query):
        before = found[sha256].specimen_keys if sha256 in found else frozenset()
        found[sha256] = KnownMedia(key, created_at, before | {specimen_key})
    return found


def numbers_alike(session: Session, numbers: set[tuple[str, str, str]]) -> list[KnownNumber]:
    """Of institution, collection and catalogue number, those of the hub that are one of these, or but for case and Unicode form;
    and perhaps one of a number here in a collection of another."""
    row = SpecimenRow
    columns = (row.institution_code, row.collection_code, row.catalog_number)
    query = select(*columns, func.count(), func.min(row.source)).group_by(*columns)
    sought = {
        row.folded_number: {folded_number(number) for _, _, number in numbers},
        row.institution_code: {institution for institution, _, _ in numbers},
        row.collection_code: {collection for _, collection, _ in numbers},
    }
    found = session.execute(query.where(*(column.in_(sorted(values)) for column, values in sought.items())))
    return [
        KnownNumber((institution, collection, number), count, source) for institution, collection, number, count, source in found
    ]


def has_number(number: str) -> ColumnElement[bool]:
    """The condition that a specimen has this catalogue number, to the letter, in whatever collection."""
    return (SpecimenRow.folded_number == folded_number(number)) & (SpecimenRow.catalog_number == number)


def insert_specimens(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    if rows:
        session.execute(insert(SpecimenRow), rows)


def insert_media(session: Session, rows: Sequence[dict[str, Any]]) -> None:
    """Images, each with the depiction that every image has: of its home specimen."""
    if rows:
        session.execute(insert(MediaRow), rows)
        homes = [{"specimen_key": row["specimen_key"], "media_key": row["key"], "sequence": row["sequence"]} for row in rows]
        session.execute(insert(DepictionRow), [{**home, "role": ""} for home in homes])


def specimens_of_number(
    session: Session, institution: str, collection: str, number: str, limit: int, *where: ColumnElement[bool]
) -> Sequence[SpecimenRow]:
    """Those with that catalogue number in that collection, by key."""
    query = select(SpecimenRow).where(
        has_number(number),
        SpecimenRow.institution_code == institution,
        SpecimenRow.collection_code == collection,
        *where,
    )
    return session.scalars(query.order_by(SpecimenRow.key).limit(limit)).all()


def page_of_specimens(session: Session, after: str, limit: int, *where: ColumnElement[bool]) -> Sequence[SpecimenRow]:
    query = select(SpecimenRow).where(SpecimenRow.key > after, *where).order_by(SpecimenRow.key).limit(limit)
    return session.scalars(query).all()


def keys_with_changes(session: Session, prefix: str, limit: int) -> Iterator[tuple[str, datetime]]:
    """Of keys that begin so, which stand together in the order of every collation; streamed."""
    query = select(SpecimenRow.key, SpecimenRow.updated_at).where(SpecimenRow.key >= prefix).order_by(SpecimenRow.key)
    rows = session.execute(query.limit(limit), execution_options={"yield_per": 1000})
    yield from takewhile(lambda row: row[0].startswith(prefix), ((key, at) for key, at in rows))


def page_with_closed(session: Session, after: str, limit: int) -> Sequence[tuple[str, int]]:
    query = select(SpecimenRow.key, SpecimenRow.version).where(SpecimenRow.key > after, has_closed())
    return [(key, version) for key, version in session.execute(query.order_by(SpecimenRow.key).limit(limit))]


def has_closed() -> ColumnElement[bool]:
    """That a closed image shows the specimen."""
    shown = select(DepictionRow.specimen_key).join(MediaRow, MediaRow.key == DepictionRow.media_key)
    return SpecimenRow.key.in_(shown.where(MediaRow.access == "closed"))


def distinct_terms(session: Session, terms: Sequence[str]) -> Iterator[tuple[str | None, ...]]:
    """What interpreted records have under these terms, each combination once, where one has any; a pass over all of them."""
    columns = [SpecimenRow.interpreted[term].as_string() for term in terms]
    query = select(*columns).where(or_(*(column.is_not(None) for column in columns))).distinct()
    yield from (tuple(row) for row in session.execute(query, execution_options={"yield_per": 1000}))


def terms_shown_on(
    session: Session, media_keys: Select[str], terms: Sequence[str]
) -> Iterator[tuple[str, tuple[str | None, ...]]]:
    """Of the images, a query of their keys: each with what an interpreted record of a specimen on it has under these terms, where
    it has any."""
    columns = [SpecimenRow.interpreted[term].as_string() for term in terms]
    query = select(DepictionRow.media_key, *columns).join(SpecimenRow, SpecimenRow.key == DepictionRow.specimen_key)
    some = query.where(DepictionRow.media_key.in_(media_keys), or_(*(column.is_not(None) for column in columns)))
    yield from ((row[0], tuple(row[1:])) for row in session.execute(some, execution_options={"yield_per": 1000}))


def page_of_media(session: Session, after: str, limit: int, *where: ColumnElement[bool]) -> Sequence[MediaRow]:
    query = select(MediaRow).where(MediaRow.key > after, *where).order_by(MediaRow.key).limit(limit)
    return session.scalars(query).all()


def page_to_derive(session: Session, version: int, after: tuple[int, str], limit: int) -> Sequence[MediaRow]:
    """In the order of the versions of their derivatives, and then of their keys."""
    behind = tuple_(MediaRow.derivative_version, MediaRow.key) > tuple_(*map(literal, after))
    found: list[MediaRow] = []
    for side in (MediaRow.derivative_version < version, MediaRow.derivative_version > version):
        query = select(MediaRow).where(side, behind).order_by(MediaRow.derivative_version, MediaRow.key)
        found += session.scalars(query.limit(limit - len(found))) if len(found) < limit else ()
    return found


def refused_under_others(session: Session, limits: str, limit: int) -> Sequence[str]:
    """Keys of failed images that other limits hindered."""
    others = MediaRow.state == "failed", MediaRow.refused_under.not_in(("", limits))
    return session.scalars(select(MediaRow.key).where(*others).order_by(MediaRow.key).limit(limit)).all()


def specimens_by_key(session: Session, keys: Iterable[str]) -> Sequence[SpecimenRow]:
    return session.scalars(select(SpecimenRow).where(SpecimenRow.key.in_(list(keys)))).all()


def media_by_key(session: Session, keys: Iterable[str], *, lock: bool = False) -> Sequence[MediaRow]:
    """By key; with `lock` as they stand now, and nobody else changes them before this transaction ends."""
    query = select(MediaRow).where(MediaRow.key.in_(list(keys))).order_by(MediaRow.key)
    return session.scalars(query.with_for_update().execution_options(populate_existing=True) if lock else query).all()


def restricted(session: Session) -> frozenset[str]:
    """The keys of all images that are closed or reduced; their index knows them."""
    return frozenset(session.scalars(select(MediaRow.key).where(MediaRow.access.in_(("closed", "reduced")))))


def media_of_specimens(session: Session, keys: Iterable[str]) -> list[tuple[str, Media]]:
    """Key of the specimen and an image of it, in sequence."""
    query = (
        select(DepictionRow.specimen_key, DepictionRow.sequence, MediaRow)
        .join(MediaRow, MediaRow.key == DepictionRow.media_key)
        .where(DepictionRow.specimen_key.in_(list(keys)))
        .order_by(DepictionRow.specimen_key, DepictionRow.sequence, DepictionRow.media_key)
    )
    return [(key, replace(media(row), sequence=sequence)) for key, sequence, row in session.execute(query)]


def depictions_of_media(session: Session, keys: Iterable[str]) -> list[Depiction]:
    """Those of each image: its home specimen first, the others by key."""
    query = (
        select(DepictionRow, MediaRow.specimen_key)
        .join(MediaRow, MediaRow.key == DepictionRow.media_key)
        .where(DepictionRow.media_key.in_(list(keys)))
        .order_by(DepictionRow.media_key, DepictionRow.specimen_key != MediaRow.specimen_key, DepictionRow.specimen_key)
    )
    return [depiction(row, home) for row, home in session.execute(query)]


def depictions_of_specimen(session: Session, key: str) -> list[Depiction]:
    """Those of one specimen, in sequence."""
    query = (
        select(DepictionRow, MediaRow.specimen_key)
        .join(MediaRow, MediaRow.key == DepictionRow.media_key)
        .where(DepictionRow.specimen_key == key)
        .order_by(DepictionRow.sequence, DepictionRow.media_key)
    )
    return [depiction(row, home) for row, home in session.execute(query)]


def regions_of_specimens(session: Session, keys: Iterable[str]) -> list[tuple[str, str, OwnRegion]]:
    """Key of the specimen, key of the image, and the region, where one is known."""
    query = select(DepictionRow).where(DepictionRow.specimen_key.in_(list(keys)), DepictionRow.x0.is_not(None))
    return [(row.specimen_key, row.media_key, found) for row in session.scalars(query) if (found := region(row))]


def region(row: DepictionRow) -> OwnRegion | None:
    if row.x0 is None or row.y0 is None or row.x1 is None or row.y1 is None:
        return None
    return OwnRegion(row.x0, row.y0, row.x1, row.y1)


def find_depiction(session: Session, specimen_key: str, media_key: str) -> DepictionRow | None:
    return session.get(DepictionRow, (specimen_key, media_key))


def depiction(row: DepictionRow, home: str) -> Depiction:
    role = cast(DepictionRole, row.role)
    return Depiction(row.specimen_key, row.media_key, row.sequence, role, region(row), row.specimen_key == home)


def count_depictions(session: Session, media_key: str) -> int:
    return session.scalar(select(func.count()).select_from(DepictionRow).where(DepictionRow.media_key == media_key)) or 0


def next_sequence(session: Session, specimen_key: str) -> int:
    last = session.scalar(select(func.max(DepictionRow.sequence)).where(DepictionRow.specimen_key == specimen_key))
    return 1 if last is None else last + 1


def latest_change(session: Session) -> datetime | None:
    return session.scalar(select(SpecimenRow.updated_at).order_by(SpecimenRow.updated_at.desc()).limit(1))


def count(session: Session, table: type[SpecimenRow] | type[MediaRow], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def count_media_by_state(session: Session, *where: ColumnElement[bool]) -> dict[str, int]:
    query = select(MediaRow.state, func.count()).where(*where).group_by(MediaRow.state)
    return dict(session.execute(query).all())


def shows(specimen_key: str) -> ColumnElement[bool]:
    """Whether an image shows that specimen."""
    return MediaRow.key.in_(select(DepictionRow.media_key).where(DepictionRow.specimen_key == specimen_key))
