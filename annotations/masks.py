"""Masks that annotations name: files among the blobs, kept while any version names them, seen by who sees what they are about.

A mask is a PNG of one bit a pixel (`mask_png`), named by its SHA-256. It comes in before the annotation that names it: from
a run, or by POST /masks/. What nothing has named is forgotten by `lectotype fsck --collect`. Only who has sent it or may see it
may name it, for whatever names it on an open image shows it to all.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, delete, exists, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotations import mask_png, selectors, store, targets
from annotations.errors import BadSelector, UnknownMask
from annotations.mask_selectors import MaskReference
from annotations.model import Canvas
from annotations.region_masks import Mask
from annotations.tables import AnnotationRow, MaskRow, MaskSenderRow, MaskUseRow
from annotations.validation import several
from app.runtime.addresses import Addresses
from app.runtime.blobs import Blobs
from app.runtime.principal import Principal, may
from iiif.catalogue.visibility import is_hidden, refusal

ANYWHERE = Canvas(2**31, 2**31)  # that a mask lies on its canvas was asked when its target was resolved


@dataclass(frozen=True, slots=True)
class KeptMask:
    """A mask's file: its digest, the pixels that it is wide and high, and its length in bytes."""

    sha256: str
    width: int
    height: int
    byte_size: int


def keep(blobs: Blobs, mask: Mask) -> KeptMask:
    """Write the box of the mask to the blobs."""
    sha256, size = blobs.put(io.BytesIO(mask_png.encoded(mask)))
    return KeptMask(sha256, mask.width, mask.height, size)


def take_in(blobs: Blobs, data: bytes) -> KeptMask:
    """Write a file from outside to the blobs, as it came. Raises BadSelector, AnnotationTooBig."""
    pixels = mask_png.decoded(data)
    if not pixels.any():
        raise BadSelector("The mask has no pixel that belongs to a region: white does, black does not.", parameter="mask")
    sha256, size = blobs.put(io.BytesIO(data))
    return KeptMask(sha256, int(pixels.shape[1]), int(pixels.shape[0]), size)


def register(session: Session, kept: Iterable[KeptMask], *, by: Principal, at: datetime) -> None:
    """Let annotations of `by`, who sent them, name these masks. One that is known is young again: it outlives the next sweep."""
    for one in sorted(set(kept), key=lambda mask: mask.sha256):  # in one order, as each is locked
        if not _is_known(session, one, at):
            facts = {"width": one.width, "height": one.height, "byte_size": one.byte_size}
            try:
                with session.begin_nested():
                    session.add(MaskRow(sha256=one.sha256, came_at=at, **facts))
            except IntegrityError:  # another transaction took it in at the same moment
                _is_known(session, one, at)
        session.flush()
        if not may(by, "see"):
            session.merge(MaskSenderRow(sha256=one.sha256, sender=by.name, sent_at=at))  # the row of the mask is locked
    session.flush()


def _is_known(session: Session, mask: KeptMask, at: datetime) -> bool:
    """Whether the mask is registered; then it is locked, and came in just now."""
    row = session.get(MaskRow, mask.sha256, with_for_update=True)
    if row is not None:
        row.came_at = at
    return row is not None


def is_kept(session: Session, sha256: str) -> bool:
    """Whether the file of a mask of that digest was ever taken in."""
    return session.get(MaskRow, sha256) is not None


def reference(mask: Mask, kept: KeptMask, tolerance: float, addresses: Addresses) -> MaskReference:
    """How a selector names the mask at its place."""
    return MaskReference(addresses.mask(kept.sha256), kept.sha256, mask.x, mask.y, mask.width, mask.height, tolerance)


def use(session: Session, annotation_key: str, document: Mapping[str, Any], addresses: Addresses, by: Principal) -> None:
    """Note which masks this version of the annotation, which is by `by`, names, each on the images of its target.

    Raises BadSelector where one is not here, not theirs to see, or of another size.
    """
    for target in several(document["target"]):
        for asked in selectors.masks_of(target.get("selector"), ANYWHERE) if isinstance(target, Mapping) else []:
            row = session.get(MaskRow, asked.sha256, with_for_update={"read": True})
            _check(row if _may_name(session, asked.sha256, by) else None, asked, addresses)
            for media_key in sorted(targets.media_named(session, target, addresses)):
                session.merge(MaskUseRow(sha256=asked.sha256, annotation_key=annotation_key, media_key=media_key))
    session.flush()


def _check(row: MaskRow | None, asked: MaskReference, addresses: Addresses) -> None:
    if row is None or asked.iri != addresses.mask(asked.sha256):
        raise BadSelector(f"There is no mask {asked.iri[:200]!r} here: send it to /masks/ first.", parameter="hub:mask")
    if (asked.width, asked.height) != (row.width, row.height):
        raise BadSelector(
            f"The mask is {row.width} by {row.height} pixels, not {asked.width} by {asked.height}.", parameter="hub:width"
        )


def _may_name(session: Session, sha256: str, by: Principal) -> bool:
    """Whether they see whatever is here, as a run does, have sent the mask themselves, or see what it is of."""
    if may(by, "see") or session.get(MaskSenderRow, (sha256, by.name)) is not None:
        return True
    return session.scalar(_seen(sha256, by).limit(1)) is not None


def load(blobs: Blobs, asked: MaskReference) -> Mask:
    """The mask that a selector names, at its place. UnknownMask where its file is lost, BadSelector where it is damaged."""
    return Mask.of_pixels(mask_png.decoded(file_of(blobs, asked.sha256)), asked.x, asked.y)


def file_of(blobs: Blobs, sha256: str) -> bytes:
    """The bytes of the file. Raises UnknownMask where it is lost."""
    try:
        with blobs.open(sha256) as stream:
            return stream.read(mask_png.MAX_FILE_BYTES + 1)
    except FileNotFoundError as lost:
        raise UnknownMask(f"The file of mask {sha256[:64]!r} is lost.") from lost


def require_sight(session: Session, sha256: str, by: Principal) -> None:
    """Raises UnknownMask for a mask that nothing names, Closed or NotYours where all that names it is closed to `by`."""
    if session.scalar(select(MaskUseRow.sha256).where(MaskUseRow.sha256 == sha256).limit(1)) is None:
        raise UnknownMask(f"There is no mask {sha256[:64]!r} here.")
    if session.scalar(_seen(sha256, by).limit(1)) is None:
        raise refusal(f"The mask {sha256} is of an image that is not public", by)


def _seen(sha256: str, by: Principal) -> Select[str]:
    """A row for each use of the mask that `by` sees."""
    named = select(MaskUseRow.sha256).join(AnnotationRow, AnnotationRow.key == MaskUseRow.annotation_key)
    return named.where(MaskUseRow.sha256 == sha256, ~is_hidden(MaskUseRow.media_key, by), store.is_shown(by))


def page(session: Session, *, after: str = "", limit: int) -> Sequence[KeptMask]:
    """Masks in the order of their digests."""
    rows = session.scalars(select(MaskRow).where(MaskRow.sha256 > after).order_by(MaskRow.sha256).limit(limit))
    return [KeptMask(row.sha256, row.width, row.height, row.byte_size) for row in rows]


def forget_unused(session: Session, *, before: datetime, after: str = "", limit: int) -> str:
    """Forget those of a page of masks that nothing names and that came in before that time; the last digest of the page.

    Their files are then named by nothing. Empty at the end.
    """
    digests = session.scalars(select(MaskRow.sha256).where(MaskRow.sha256 > after).order_by(MaskRow.sha256).limit(limit)).all()
    unused = ~exists().where(MaskUseRow.sha256 == MaskRow.sha256)
    old = select(MaskRow.sha256).where(MaskRow.sha256.in_(digests), MaskRow.came_at < before, unused)
    for sha256 in session.scalars(old).all():
        row = session.get(MaskRow, sha256, with_for_update=True, populate_existing=True)
        used = session.scalar(select(exists().where(MaskUseRow.sha256 == sha256)))  # as it is now that the row is locked
        if row is not None and row.came_at < before and not used:
            session.execute(delete(MaskSenderRow).where(MaskSenderRow.sha256 == sha256))
            session.delete(row)
    session.flush()
    return digests[-1] if len(digests) == limit else ""
