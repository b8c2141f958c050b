"""Whether the rows of targets are those that the documents make by the one rule (`targets`, `placing`), and laying them again.

Where a document cannot be resolved any more, as an older release or another base address took it, its rows stand, and only
where they lie on the specimens of their images is asked.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from sqlalchemy.orm import Session

from annotations import following, store, targets, validation
from annotations.errors import UnknownTarget
from annotations.model import CanvasBox, Target, front_of
from annotations.tables import AnnotationRow
from app.runtime.addresses import Addresses
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue

Rows = Mapping[int, tuple[Target, ...]]


@dataclass(frozen=True, slots=True)
class Laid:
    """The targets of an annotation as they ought to be, and why they could not be read from its document, if so."""

    targets: tuple[Target, ...]
    unread: str = ""


@dataclass(frozen=True, slots=True)
class Compared:
    """A sentence for each difference of an annotation, and why its document could not be resolved, if so."""

    differences: tuple[str, ...] = ()
    unread: str = ""


def page(session: Session, addresses: Addresses, *, after: str, limit: int) -> dict[str, Compared]:
    """By key, in order, deleted ones included."""
    rows = store.every(session, after=after, limit=limit)
    lying = [target for row in rows for target in row.targets]
    named = store.rows_by_key(session, sorted({target.key for target in lying if target.kind == "annotation"}))
    lying += [target for row in named.values() for target in row.targets]
    held = catalogue.remember(session, {target.media_key for target in lying} - {""})
    found = {row.key: compare(session, row, addresses) for row in rows}
    del held, named  # what was asked for once for all of them was at hand until here
    return found


def check(session: Session, key: str, addresses: Addresses) -> Compared:
    """That annotation alone."""
    row = store.find(session, key)
    return Compared() if row is None else compare(session, row, addresses)


def compare(session: Session, row: AnnotationRow, addresses: Addresses) -> Compared:
    """Nothing differs where the workers are still to lay what is said about the image."""
    laid = _laid(session, row, addresses)
    before = tuple(map(store.target, row.targets))
    found = (*_of_rows(_by_position(before), laid, row), *_of_columns(row, laid.targets))
    images = {target.media_key for target in (*before, *laid.targets)} - {""}
    waiting = bool(found) and any(catalogue.is_to_be_laid(session, key) for key in images)
    return Compared(() if waiting else found, laid.unread)


def repair(session: Session, key: str, addresses: Addresses, at: datetime) -> tuple[Compared, bool]:
    """Lay the targets of the annotation again, and what is said about it along. What differed, and whether all is right now.

    Locks: images, then annotations by key, then specimens by key, as `following` says.
    """
    row = store.find(session, key)
    if row is None:
        return Compared(), True
    lying = (*map(store.target, row.targets), *_laid(session, row, addresses).targets)
    catalogue.lock_media(session, {target.media_key for target in lying} - {""})
    following.lock(session, [key], {target.key for target in lying if target.kind == "annotation"})
    session.expire_all()
    compared = compare(session, row, addresses)
    before, after = tuple(map(store.target, row.targets)), _laid(session, row, addresses).targets
    if compared.differences and after:
        store.keep_targets(session, row, after)
        moved = following.follow(session, [key])
        following.touch(session, {key, *(one.key for one in moved)}, [*before, *after, *following.both(moved)], at)
        session.flush()
    return compared, not compare(session, row, addresses).differences


def _laid(session: Session, row: AnnotationRow, addresses: Addresses) -> Laid:
    before = _by_position(map(store.target, row.targets))
    said = validation.several(row.document.get("target"))
    try:
        resolved = _resolved(session, row, addresses)
    except DomainError as error:
        standing = (before.get(position) for position in range(len(said)))
        return Laid(tuple(target for lying in standing if lying for target in following.lying_now(session, lying)), str(error))
    found: list[Target] = []
    for one, lying in zip(said, resolved, strict=True):
        named, old = addresses.identify(validation.iri_of(one).partition("#")[0]), before.get(lying.front.position)
        is_picture = named is not None and named.picture != ""  # what its pixels are depends on settings: its box stands
        stands = is_picture and old is not None and _named(old[0]) == _named(lying.front)
        found += following.lying_now(session, old) if stands and old else lying.targets
    return Laid(tuple(found))


def _resolved(session: Session, row: AnnotationRow, addresses: Addresses) -> Sequence[targets.ResolvedTarget]:
    if addresses.path_of(str(row.document.get("id", ""))) is None:
        raise UnknownTarget(f"The document was stored under another address than {addresses.base}.")
    by, before = Principal.of_system(), [store.target(target) for target in row.targets]
    return targets.resolve(session, row.document.get("target"), addresses, by, itself=row.key, before=before, stored=True)


def _of_rows(before: Rows, laid: Laid, row: AnnotationRow) -> Iterable[str]:
    after = _by_position(laid.targets)
    asked = range(len(validation.several(row.document.get("target"))))
    for position in sorted({*before, *after, *asked}):
        old, new, which = before.get(position, ()), after.get(position, ()), f"target {position + 1}"
        if position not in asked:
            yield f"There are rows of {which}, which the document has not."
        elif not new:
            yield f"There is no row of {which}, and none can be made: {laid.unread}"
        elif not old:
            yield f"There is no row of {which}, {_named(new[0])}."
        elif _named(old[0]) != _named(new[0]):
            yield f"By the document {which} is {_named(new[0])}, by the rows {_named(old[0])}."
        elif old != new:
            yield f"By the document {which} lies {_where(new)}, by the rows {_where(old)}."


def _of_columns(row: AnnotationRow, laid: Sequence[Target]) -> Iterable[str]:
    if laid:
        front, own = front_of(laid), store.annotation(row)
        if (own.media_key, own.specimen_key, own.box) != (front.media_key, front.specimen_key, front.box):
            shown = _place(own.media_key, own.specimen_key, own.box)
            yield f"By the document it lies {_where([front])} first, by its own columns {shown}."


def _by_position(lying: Iterable[Target]) -> Rows:
    return {position: tuple(same) for position, same in groupby(lying, key=lambda target: target.position)}


def _named(target: Target) -> str:
    return f"{target.kind} {target.key}" + (f" in version {target.version}" if target.version else "")


def _where(lying: Sequence[Target]) -> str:
    return " and ".join(
        _place(target.media_key, target.specimen_key, target.box) + (" as a whole" if target.whole else "") for target in lying
    )


def _place(media_key: str, specimen_key: str, box: CanvasBox | None) -> str:
    parts = [f"on image {media_key}"] if media_key else []
    parts += [f"on specimen {specimen_key}"] if specimen_key else []
    parts += [f"in the box {box.x0:g},{box.y0:g} to {box.x1:g},{box.y1:g}"] if box else []
    return " ".join(parts) or "nowhere"
