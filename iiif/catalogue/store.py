"""SQL of the catalogue: rows in, frozen values out."""

from collections.abc import Iterable, Sequence

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from iiif.catalogue.model import Media, Specimen
from iiif.catalogue.tables import MediaRow, SpecimenRow


def specimen(row: SpecimenRow) -> Specimen:
    return Specimen(
        key=row.key,
        version=row.version,
        catalog_number=row.catalog_number,
        institution_code=row.institution_code,
        collection_code=row.collection_code,
        interpreted=row.interpreted,
        verbatim=row.verbatim,
        source=row.source,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def media(row: MediaRow) -> Media:
    return Media(**{name: getattr(row, name) for name in Media.__dataclass_fields__})


def find_specimen(session: Session, key: str, *, lock: bool = False) -> SpecimenRow | None:
    """With `lock`, the row as it stands now, and nobody else changes it before this transaction ends."""
    return session.get(SpecimenRow, key, with_for_update=lock or None, populate_existing=lock)


def find_media(session: Session, key: str) -> MediaRow | None:
    return session.get(MediaRow, key)


def find_media_by_hash(session: Session, sha256: str) -> MediaRow | None:
    return session.scalar(select(MediaRow).where(MediaRow.sha256 == sha256))


def find_specimen_by_number(session: Session, institution: str, collection: str, number: str) -> SpecimenRow | None:
    return session.scalar(
        select(SpecimenRow).where(
            SpecimenRow.institution_code == institution,
            SpecimenRow.collection_code == collection,
            SpecimenRow.catalog_number == number,
        )
    )


def page_of_specimens(session: Session, after: str, limit: int, *where: ColumnElement[bool]) -> Sequence[SpecimenRow]:
    query = select(SpecimenRow).where(SpecimenRow.key > after, *where).order_by(SpecimenRow.key).limit(limit)
    return session.scalars(query).all()


def page_of_media(session: Session, after: str, limit: int, *where: ColumnElement[bool]) -> Sequence[MediaRow]:
    query = select(MediaRow).where(MediaRow.key > after, *where).order_by(MediaRow.key).limit(limit)
    return session.scalars(query).all()


def specimens_by_key(session: Session, keys: Iterable[str]) -> Sequence[SpecimenRow]:
    return session.scalars(select(SpecimenRow).where(SpecimenRow.key.in_(list(keys)))).all()


def media_of_specimens(session: Session, keys: Iterable[str]) -> Sequence[MediaRow]:
    order = (MediaRow.specimen_key, MediaRow.sequence, MediaRow.key)
    return session.scalars(select(MediaRow).where(MediaRow.specimen_key.in_(list(keys))).order_by(*order)).all()


def next_sequence(session: Session, specimen_key: str) -> int:
    last = session.scalar(select(func.max(MediaRow.sequence)).where(MediaRow.specimen_key == specimen_key))
    return 1 if last is None else last + 1


def count(session: Session, table: type[SpecimenRow] | type[MediaRow], *where: ColumnElement[bool]) -> int:
    return session.scalar(select(func.count()).select_from(table).where(*where)) or 0


def count_media_by_state(session: Session, *where: ColumnElement[bool]) -> dict[str, int]:
    query = select(MediaRow.state, func.count()).where(*where).group_by(MediaRow.state)
    return dict(session.execute(query).all())
