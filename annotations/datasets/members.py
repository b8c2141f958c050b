"""What answers the question of a dataset: images by the search, and the annotations on them by the database.

It is asked as somebody without any role: what goes into a dataset is for everybody, and so is that it is in there.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import store as statements
from annotations import worth
from annotations.datasets import canonical, splitting
from annotations.datasets.model import Selection
from annotations.search import parameters
from annotations.search import service as searching
from annotations.segments import store as segments
from annotations.tables import AnnotationRow, AnnotationTargetRow, AnnotationVersionRow
from app.runtime.principal import NOBODY
from app.runtime.search.port import SearchEngine
from iiif.catalogue import places
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.rights import iri_of, of_terms

PAGE = 500  # keys of the index looked up at once


@dataclass(frozen=True, slots=True)
class Found:
    """Keys of images, and of the annotations that were asked for; None where all on these images go along."""

    media: frozenset[str]
    annotations: tuple[str, ...] | None = None


def found(session: Session, engine: SearchEngine, asked: Selection) -> Iterator[Found]:
    """All that is found, page by page; an image may come again. Raises SearchDown, Invalid."""
    chosen = parameters.chosen([(name, value) for name, values in asked.filters.items() for value in values])
    where = parameters.place(*(asked.filters.get(name, ("",))[0] for name in ("bbox", "near")))
    question = searching.Question(q=asked.q, chosen=chosen, type=asked.type, where=where, by=NOBODY)
    keys = searching.scan(session, engine, question)
    while page := list(islice(keys, PAGE)):
        match asked.type:
            case "specimen":
                several = catalogue.media_of_many(session, page)
                yield Found(frozenset(one.key for images in several.values() for one in images))
            case "annotation":
                rows = statements.rows_by_key(session, page)
                yield Found(frozenset(row.media_key for row in rows.values() if row.media_key), tuple(page))
            case "segment":
                yield Found(frozenset(row.media_key for row in segments.many(session, page).values()))
            case _:
                yield Found(frozenset(page))


def describe(session: Session, images: Sequence[Media]) -> dict[str, dict[str, Any]]:
    """What a version notes of each of these images, by key, but for its group, its split and the CRC-32 of its bytes."""
    keys = [one.key for one in images]
    shown = {
        key: [one.specimen_key for one in depictions] for key, depictions in catalogue.specimens_of_media(session, keys).items()
    }
    homes = catalogue.specimens_by_key(session, {one.specimen_key for one in images})
    described = {}
    for one in images:
        home = places.public(homes[one.specimen_key])
        said = one.rights or of_terms(home.interpreted)
        described[one.key] = {
            "media_key": one.key,
            "sha256": one.sha256,
            "byte_size": one.byte_size,
            "media_type": one.format,
            "width_px": one.width_px,
            "height_px": one.height_px,
            "specimen_key": one.specimen_key,
            "record_version": home.record_version,
            "licence": iri_of(said),
            "rights": said,
            "holder": one.rights_holder or home.institution_code,
            "creator": one.creator,
            "access": one.access,
            "joins": splitting.joins({*shown.get(one.key, ()), one.specimen_key}, home.institution_code, home.interpreted),
            "group_id": "",
            "split": "",
        }
    return described


def annotations(
    session: Session, media_keys: Sequence[str], asked: Selection, chosen: Sequence[str] | None
) -> list[dict[str, Any]]:
    """What a version notes of the annotations on these images that go along; of those that were `chosen`, where some were."""
    row, lying, first = AnnotationRow, AnnotationTargetRow, AnnotationVersionRow
    columns = (row.key, row.version, row.media_key, row.kind, row.run_key, row.document, row.state, row.sealed, first.stored_by)
    query = (
        select(*columns)
        .join(lying, (lying.annotation_key == row.key) & (lying.media_key == row.media_key))
        .join(first, (first.key == row.key) & (first.version == 1), isouter=True)
        .where(*statements.STANDING_OF_FEW, *statements.SAID, statements.is_shown(NOBODY))
        .distinct()
    )
    query = query.where(row.state.in_(asked.states)) if asked.states else query.where(*statements.TOLD)
    for column, values in ((row.kind, asked.kinds), (row.layer, asked.layers), (row.run_key, asked.runs)):
        query = query.where(column.in_(values)) if values else query
    if asked.min_confidence is not None:
        query = query.where(row.confidence.is_(None) | (row.confidence >= asked.min_confidence))
    wanted = None if chosen is None else set(chosen)
    made: dict[str, dict[str, Any]] = {}
    for start in range(0, len(media_keys), PAGE):
        some = query.where(lying.media_key.in_(media_keys[start : start + PAGE]))
        for found in session.execute(some):
            if wanted is None or found.key in wanted:
                made[found.key] = {
                    "annotation_key": found.key,
                    "version": found.version,
                    "media_key": found.media_key,
                    "sha256": canonical.digest(found.document),
                    "kind": found.kind,
                    "class_name": worth.class_of(found),
                    "author": found.stored_by or found.run_key,
                    "run_key": found.run_key,
                    "state": statements.told_state(found),
                }
    return [made[key] for key in sorted(made)]
