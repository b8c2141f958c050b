"""What was harvested, in SQL."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.runtime import ids
from iiif.harvest.model import Item, Picture, Source
from iiif.harvest.tables import HarvestedPictureRow, HarvestedRow, HarvestSourceRow


def name_of(*texts: str) -> str:
    """The digest by which long addresses are found."""
    return hashlib.sha256("\n".join(texts).encode()).hexdigest()


def source_of(session: Session, address: str) -> Source | None:
    row = session.scalar(select(HarvestSourceRow).where(HarvestSourceRow.name == name_of(address)))
    return None if row is None else _source(row)


def sources(session: Session, *, limit: int) -> Sequence[Source]:
    """The newest sources."""
    order = (HarvestSourceRow.created_at.desc(), HarvestSourceRow.key.desc())
    return [_source(row) for row in session.scalars(select(HarvestSourceRow).order_by(*order).limit(limit))]


def add_source(session: Session, address: str, rules: Mapping[str, Any], *, by: str, naan: str, at: datetime) -> Source:
    row = HarvestSourceRow(
        key=ids.new_key(ids.HARVEST, naan),
        name=name_of(address),
        address=address,
        rules=dict(rules),
        created_at=at,
        created_by=by,
    )
    session.add(row)
    session.flush()
    return _source(row)


def begin_round(session: Session, key: str, rules: Mapping[str, Any], ingest_key: str) -> None:
    session.execute(update(HarvestSourceRow).where(HarvestSourceRow.key == key).values(rules=dict(rules), ingest_key=ingest_key))


def end_round(session: Session, key: str, seen_until: datetime | None, at: datetime) -> None:
    session.execute(update(HarvestSourceRow).where(HarvestSourceRow.key == key).values(seen_until=seen_until, harvested_at=at))


def item(session: Session, iri: str) -> Item | None:
    row = session.get(HarvestedRow, name_of(iri))
    return None if row is None else _item(row)


def of_origin(session: Session, origin: str) -> Item | None:
    """A manifest with that beginning of its chain that is here."""
    query = select(HarvestedRow).where(HarvestedRow.origin_name == name_of(origin), HarvestedRow.state == "here")
    row = session.scalars(query.order_by(HarvestedRow.name).limit(1)).first()
    return None if row is None else _item(row)


def keep(session: Session, one: Item, round_key: str) -> None:
    """Enter the manifest, or what became of it."""
    values = {**asdict(one), "origin_name": name_of(one.origin), "round": round_key}
    row = session.get(HarvestedRow, one.name)
    if row is None:
        session.add(HarvestedRow(**values))
        session.flush()
        return
    for column, value in values.items():
        setattr(row, column, value)
    session.flush()


def named(session: Session, iri: str, source_key: str, round_key: str) -> None:
    """The walk of that round named the manifest; what came by another source is that source's to miss."""
    row = HarvestedRow
    session.execute(update(row).where(row.name == name_of(iri), row.source_key == source_key).values(round=round_key))


def unnamed(session: Session, source_key: str, round_key: str, *, after: str, limit: int) -> Sequence[Item]:
    """Manifests of the source that are here and that the round did not name; a page by name."""
    row = HarvestedRow
    query = select(row).where(row.source_key == source_key, row.state == "here", row.round != round_key, row.name > after)
    return [_item(one) for one in session.scalars(query.order_by(row.name).limit(limit))]


def pictures(session: Session, manifest_name: str) -> Sequence[Picture]:
    rows = session.scalars(select(HarvestedPictureRow).where(HarvestedPictureRow.manifest_name == manifest_name))
    return [Picture(row.url, row.canvas, row.media_key, row.etag, row.modified) for row in rows]


def is_had_otherwise(session: Session, media_key: str, manifest_name: str) -> bool:
    """Whether another manifest that is here has the image, too."""
    picture, row = HarvestedPictureRow, HarvestedRow
    query = select(row.name).join(picture, picture.manifest_name == row.name)
    query = query.where(picture.media_key == media_key, row.name != manifest_name, row.state == "here")
    return session.scalar(query.limit(1)) is not None


def keep_pictures(session: Session, manifest_name: str, found: Sequence[Picture]) -> None:
    """Let these be the pictures of the manifest, in the place of those before."""
    session.execute(delete(HarvestedPictureRow).where(HarvestedPictureRow.manifest_name == manifest_name))
    for one in {name_of(one.url, one.canvas): one for one in found}.items():
        session.add(HarvestedPictureRow(manifest_name=manifest_name, name=one[0], **asdict(one[1])))
    session.flush()


def items_of_specimen(session: Session, specimen_key: str, *, limit: int) -> Sequence[Item]:
    query = select(HarvestedRow).where(HarvestedRow.specimen_key == specimen_key)
    return [_item(row) for row in session.scalars(query.order_by(HarvestedRow.name).limit(limit))]


def _source(row: HarvestSourceRow) -> Source:
    return Source(
        row.key, row.address, row.rules, row.created_at, row.created_by, row.seen_until, row.harvested_at, row.ingest_key
    )


def _item(row: HarvestedRow) -> Item:
    return Item(
        name=row.name,
        iri=row.iri,
        origin=row.origin,
        source_key=row.source_key,
        specimen_key=row.specimen_key,
        own=row.own,
        etag=row.etag,
        modified=row.modified,
        digest=row.digest,
        state=cast(Any, row.state),
        reason=row.reason,
        changed_at=row.changed_at,
    )
