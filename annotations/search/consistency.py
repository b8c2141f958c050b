"""Keeping the index true to the database: made anew, compared, repaired."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from itertools import chain, islice
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations import placing
from annotations import service as annotations
from annotations import store as annotation_store
from annotations.search import store
from annotations.search.documents import ANNOTATION, FULL, SEGMENT, SPECIMEN, build_able, index_key, of_changed, of_index_key
from annotations.segments import store as segments
from annotations.segments.store import Asked
from app.runtime import outbox
from app.runtime.addresses import Addresses
from app.runtime.outbox import OutboxRow
from app.runtime.principal import Principal
from app.runtime.search.port import Document, SearchEngine
from iiif.catalogue import service as catalogue

BATCH = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """What the index has wrong about one object."""

    key: str  # that of the index, `specimen/s1…`
    fault: Literal["missing", "stale", "superfluous"]


def count(session: Session) -> int:
    """How many documents a complete index has."""
    specimens = catalogue.count_specimens(session) + catalogue.count_specimens_with_closed(session)
    everything = Principal.of_system()
    return specimens + annotations.count(session, by=everything) + segments.count(session, Asked(), everything)


def rebuild(session: Session, engine: SearchEngine, addresses: Addresses, advance: Callable[[int], None]) -> int:
    """Fill a new index from the database and put it in the place of the old one; `advance` is told of every batch.

    The session must not have read yet: what it sees must be no older than when the engine began to note what others write.
    Searching goes on in the old index. Raises SearchDown.
    """
    written = 0
    with engine.rebuild() as fresh:
        for batch in _batches(key for key, _ in _database(session)):
            fresh.write(_build(session, batch, addresses))
            written += len(batch)
            advance(len(batch))
    return written


def differences(session: Session, engine: SearchEngine) -> Iterator[Difference]:
    """By key, in one pass over both; what the relay is still to write is not counted. Raises SearchDown."""
    notes = session.scalars(select(OutboxRow).where(OutboxRow.kind == "index"))
    waiting = {index_key(*one) for row in notes for one in of_changed(row.name, row.payload["key"])}
    for difference in _merge(_database(session), engine.versions()):
        if difference.key not in waiting:
            yield difference


def spread(session: Session, media_key: str, *, at: datetime) -> None:
    """Have all annotations about an image that was closed, or opened again, all segments of it, and what else these annotations
    are about, indexed for those whom they are for now."""
    outbox.touch_all(session, SEGMENT, segments.count_closing(session, media_key))
    about = annotation_store.count_closing(session, media_key)
    outbox.touch_all(session, ANNOTATION, about)
    for start in range(0, len(about), BATCH):
        targets = chain.from_iterable(annotation_store.targets_of(session, about[start : start + BATCH]).values())
        elsewhere = placing.specimens_of(session, (one for one in targets if one.media_key != media_key))
        catalogue.touch_specimens(session, chain.from_iterable(elsewhere.values()), at=at)


def repair(session: Session, engine: SearchEngine, found: Iterable[Difference], addresses: Addresses) -> None:
    """Write what the database has in place of what differs."""
    for batch in _batches(difference.key for difference in found):
        engine.write(_build(session, batch, addresses))


def _database(session: Session) -> Iterator[tuple[str, int]]:
    """Index key and version of everything that stands, in the order of the index."""
    statements = ((index_key(ANNOTATION, key), version) for key, version in store.annotation_versions(session))
    parts = ((index_key(SEGMENT, key), version) for key, version in segments.versions(session))
    specimens = ((index_key(SPECIMEN, key), version) for key, version in store.specimen_versions(session))
    full = ((index_key(FULL, key), version) for key, version in store.full_versions(session))
    return chain(statements, parts, merge(specimens, full))


def _merge(truth: Iterator[tuple[str, int]], held: Iterator[tuple[str, int]]) -> Iterator[Difference]:
    ours, theirs = next(truth, None), next(held, None)
    while ours is not None or theirs is not None:
        if ours is not None and (theirs is None or ours[0] < theirs[0]):
            yield Difference(ours[0], "missing")
            ours = next(truth, None)
        elif theirs is not None and (ours is None or theirs[0] < ours[0]):
            yield Difference(theirs[0], "superfluous")
            theirs = next(held, None)
        elif ours is not None and theirs is not None:
            if ours[1] != theirs[1]:
                yield Difference(ours[0], "stale")
            ours, theirs = next(truth, None), next(held, None)


def _build(session: Session, keys: Iterable[str], addresses: Addresses) -> list[Document]:
    return build_able(session, [of_index_key(key) for key in keys], addresses)


def _batches(keys: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(keys)
    while batch := list(islice(remaining, BATCH)):
        yield batch
