"""The history of a statement as people read it: who, when, what differs in words, numbers and shapes, and restoring."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations import differences, guards, placing
from annotations import service as annotations
from annotations.differences import Difference, ShapeChange, outline
from annotations.errors import UnknownAnnotation
from annotations.model import Annotation, Canvas, CanvasBox
from annotations.review import service as review
from annotations.review.service import StoredVersion
from annotations.viewer_selectors import picture_of
from app.runtime.accounts import store as accounts
from app.runtime.addresses import Addresses
from app.runtime.errors import DomainError
from app.runtime.principal import Principal
from app.web.image_links import ImageLink, is_pictured, piece_of
from app.web.statement_words import when
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import sees

SHOWN = 20  # versions on one page
CROP_PX = (420, 260)
AROUND = 0.15  # of the shapes' own size, shown beside them
WORDS_AROUND = 12  # of what is the same, beside what differs
FIELDS_SHOWN = 12


@dataclass(frozen=True, slots=True)
class DrawnChange:
    """Both shapes over their piece of the image. `view` is that piece, `x y width height` in canvas units, as SVG has it; paths
    are in the same units, empty for all of the image; `iou` in words."""

    crop: ImageLink | None
    view: str
    before: str
    after: str
    iou: str


@dataclass(frozen=True, slots=True)
class VersionLine:
    """A version, and what differs from the one before. `restorable`: who looks may let it stand again."""

    number: int
    iri: str
    by: str
    when: str
    deletion: bool
    first: bool
    words: tuple[differences.Piece, ...]
    numbers: tuple[tuple[str, str, str], ...]
    shapes: tuple[DrawnChange, ...]
    fields: tuple[differences.FieldChange, ...]
    restorable: bool


@dataclass(frozen=True, slots=True)
class History:
    """A page of versions, newest first; `earlier` is the number before which the next page ends, 0 on the last."""

    key: str
    iri: str
    etag: str
    specimen_key: str
    versions: tuple[VersionLine, ...]
    earlier: int


def of(session: Session, key: str, *, by: Principal, addresses: Addresses, before: int = 0) -> History:
    """The history of the statement as `by` sees it. Raises UnknownAnnotation, Closed, NotYours."""
    statement = annotations.find(session, key)
    if statement is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    guards.require_sight(session, key, by)
    stored = review.stored_versions(session, key, before=before, limit=SHOWN + 1)
    names = accounts.names(session, {one.by for one in stored})
    may_restore = review.may_restore(session, statement, by)
    looking = _Looking(session, by, addresses, statement, names, may_restore)
    pairs = list(zip(stored, [*stored[1:], None], strict=True))[:SHOWN]
    lines = tuple(_line(one, earlier, looking) for one, earlier in pairs)
    specimens = sorted({key for keys in placing.specimens_of(session, statement.targets).values() for key in keys})
    earlier = stored[SHOWN - 1].number if len(stored) > SHOWN else 0
    return History(key, addresses.annotation(key), statement.etag, specimens[0] if specimens else "", lines, earlier)


@dataclass(frozen=True, slots=True)
class _Looking:
    session: Session
    by: Principal
    addresses: Addresses
    statement: Annotation
    names: Mapping[str, str]
    may_restore: bool


def _line(one: StoredVersion, earlier: StoredVersion | None, looking: _Looking) -> VersionLine:
    found = _difference(one.document, earlier.document if earlier else None, looking)
    stands = one.number == looking.statement.version and looking.statement.deleted_at is None
    return VersionLine(
        number=one.number,
        iri=f"{looking.addresses.annotation(looking.statement.key)}/versions/{one.number}",
        by=looking.names.get(one.by, one.by) or "somebody who was not recorded",
        when=when(one.at),
        deletion=one.document is None,
        first=one.number == 1,
        words=tuple(_shortened(found.words)) if found else (),
        numbers=tuple(_numbers(found)) if found else (),
        shapes=tuple(_drawn(change, looking) for change in found.shapes) if found else (),
        fields=found.fields[:FIELDS_SHOWN] if found else (),
        restorable=looking.may_restore and one.document is not None and not stands,
    )


def _difference(document: Mapping[str, Any] | None, before: Mapping[str, Any] | None, looking: _Looking) -> Difference | None:
    """None where one of them is a deletion, or not to be seen."""
    if document is None or before is None:
        return None
    try:
        return differences.between(looking.session, before, document, by=looking.by, addresses=looking.addresses)
    except DomainError:  # it lay on an image that is closed
        return None


def _shortened(words: Sequence[differences.Piece]) -> Iterator[differences.Piece]:
    """Long runs of what is the same are cut to what stands next to what differs."""
    for place, piece in enumerate(words):
        tokens = differences.WORDS.findall(piece.before) if piece.how == "equal" else []
        if len(tokens) <= 2 * WORDS_AROUND:
            yield piece
            continue
        head = "".join(tokens[:WORDS_AROUND]) if place else ""
        tail = "".join(tokens[-WORDS_AROUND:]) if place < len(words) - 1 else ""
        yield differences.Piece("equal", f"{head} … {tail}", f"{head} … {tail}")


def _numbers(found: Difference) -> Iterator[tuple[str, str, str]]:
    """Name, and both numbers with their unit."""
    for one in found.numbers:
        before, after = ("nothing" if number is None else f"{number:g} {one.unit}".strip() for number in (one.before, one.after))
        yield one.name, before, after


def _drawn(change: ShapeChange, looking: _Looking) -> DrawnChange:
    media = catalogue.get_media(looking.session, change.media_key)
    return drawn(change, media if sees(media, looking.by) else None)


def drawn(change: ShapeChange, media: Media | None) -> DrawnChange:
    """Both shapes on the image; None where that is not to be seen."""
    iou = "" if change.iou is None else f"{change.iou:.0%} of both in common"
    if media is None or not media.width_px:
        return DrawnChange(None, "", "", "", iou)
    region = picture_of(_around(change, media), Canvas(media.width_px, media.height_px))
    crop = piece_of(media, region, CROP_PX) if is_pictured(media) else None
    return DrawnChange(crop, region.replace(",", " "), outline(change.before) or "", outline(change.after) or "", iou)


def _around(change: ShapeChange, media: Media) -> CanvasBox:
    """A box around both shapes with something beside them; the whole image where one of them is all of it."""
    if change.before is None or change.after is None:
        return CanvasBox(0, 0, media.width_px, media.height_px)
    one, other = change.before.box, change.after.box
    x0, y0, x1, y1 = min(one.x0, other.x0), min(one.y0, other.y0), max(one.x1, other.x1), max(one.y1, other.y1)
    margin = max(8.0, AROUND * max(x1 - x0, y1 - y0))
    return CanvasBox(
        max(0.0, x0 - margin), max(0.0, y0 - margin), min(media.width_px, x1 + margin), min(media.height_px, y1 + margin)
    )
