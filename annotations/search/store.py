"""What search reads from the database: the hits of one page, and the versions of everything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sqlalchemy import collate, select
from sqlalchemy.orm import Session

from annotations import placing, store
from annotations.model import Annotation
from annotations.tables import AnnotationRow
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue

STREAMED = 5_000  # rows fetched at a time


def annotations_by_key(session: Session, keys: Iterable[str], by: Principal) -> Mapping[str, Annotation]:
    """Those of the annotations that stand and that `by` sees; for one page of hits."""
    query = select(AnnotationRow).where(AnnotationRow.key.in_(list(keys)), *store.STANDING, store.is_shown(by))
    return {row.key: store.annotation(row) for row in session.scalars(query)}


def texts_of_specimens(
    session: Session, keys: Iterable[str], limit: int, by: Principal, *, among: Sequence[str] | None = None
) -> Mapping[str, list[tuple[str, str]]]:
    """Of each specimen (annotation key, text), in the order of the keys; at most `limit` in all.

    With `among` only of these annotations, few of all that lie there.
    """
    pairs = placing.on_specimens(list(keys)).subquery()
    few = () if among is None else (pairs.c.annotation_key.in_(among),)
    query = (
        select(pairs.c.specimen_key, AnnotationRow.key, AnnotationRow.text)
        .join(AnnotationRow, AnnotationRow.key == pairs.c.annotation_key)
        .where(*few)
        .where(*store.STANDING_OF_FEW, *store.TOLD, store.is_shown(by), AnnotationRow.text != "")
        .order_by(pairs.c.specimen_key, pairs.c.annotation_key)
    )
    found: dict[str, dict[str, str]] = {}
    for specimen_key, key, text in session.execute(query.limit(limit)):
        found.setdefault(specimen_key, {})[key] = text  # once, also with two targets there
    return {specimen_key: list(texts.items()) for specimen_key, texts in found.items()}


def annotation_versions(session: Session) -> Iterator[tuple[str, int]]:
    """Key and index version of every standing annotation, by the bytes of the key."""
    postgresql = session.get_bind().dialect.name == "postgresql"  # which orders by language unless told otherwise
    order = collate(AnnotationRow.key, "C") if postgresql else AnnotationRow.key
    counted = AnnotationRow.version + AnnotationRow.withdrawals
    version = counted + AnnotationRow.closings + AnnotationRow.judgements
    query = select(AnnotationRow.key, version).where(*store.STANDING, *store.SAID).order_by(order)
    yield from ((key, version) for key, version in session.execute(query, execution_options={"yield_per": STREAMED}))


def specimen_versions(session: Session) -> Iterator[tuple[str, int]]:
    """Key and version of every specimen, by key."""
    after = ""
    while page := catalogue.list_specimens(session, after=after, limit=STREAMED):
        yield from ((specimen.key, specimen.version) for specimen in page)
        after = page[-1].key


def full_versions(session: Session) -> Iterator[tuple[str, int]]:
    """The same of those specimens that have a full document, because an image of theirs is closed."""
    after = ""
    while page := catalogue.list_specimens_with_closed(session, after=after, limit=STREAMED):
        yield from page
        after = page[-1][0]
