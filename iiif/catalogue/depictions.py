"""Which images show which specimens: many to many, each with its place among the specimen's images, a role and a region."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Select, select
from sqlalchemy.orm import Session

from app.runtime import changes, outbox
from app.runtime.principal import Principal, require
from iiif.catalogue import store
from iiif.catalogue.errors import BadDepiction, HomeDepiction, TooManyDepicted, UnknownDepiction, UnknownMedia, UnknownSpecimen
from iiif.catalogue.jobs import DepictionsChanged
from iiif.catalogue.model import DEPICTION_ROLES, Depiction, DepictionRole, Media, OwnRegion
from iiif.catalogue.tables import DepictionRow, MediaRow, SpecimenRow

MAX_SPECIMENS = 1000  # in one image; each change of the image has all of them indexed again
TOUCHED_AT_ONCE = 1000
REMEMBERED = "depictions"  # of the images that a session remembers


def specimens_of_media(session: Session, media_keys: Iterable[str]) -> Mapping[str, tuple[Depiction, ...]]:
    """What each of the images shows, its home specimen first; empty for an image that is not here. For one page of a list."""
    found: dict[str, tuple[Depiction, ...]] = dict.fromkeys(media_keys, ())
    known: Mapping[str, tuple[Depiction, ...]] = session.info.get(REMEMBERED, {})
    if found and found.keys() <= known.keys():
        return {key: known[key] for key in found}
    for depiction in store.depictions_of_media(session, found):
        found[depiction.media_key] += (depiction,)
    return found


def remember(session: Session, media_keys: Iterable[str]) -> Sequence[object]:
    """For a session that only reads, and looks at many things on few images: fetch these and what they show at once. Who asks for
    one of them afterwards is answered without the database, as long as what is returned here is held."""
    keys = list(media_keys)
    held = store.media_by_key(session, keys)
    session.info[REMEMBERED] = specimens_of_media(session, keys)
    return held


def depictions_of(session: Session, specimen_key: str) -> tuple[Depiction, ...]:
    """How each image of a specimen shows it, in sequence."""
    return tuple(store.depictions_of_specimen(session, specimen_key))


def guests() -> Select[str, str, float | None]:
    """For queries: `specimen_key` and `media_key` of every depiction but those of home specimens, with the left edge `x0` of the
    specimen's own region, which is NULL where that is not known."""
    columns = (DepictionRow.specimen_key, DepictionRow.media_key, DepictionRow.x0)
    home = MediaRow.specimen_key == DepictionRow.specimen_key
    return select(*columns).join(MediaRow, MediaRow.key == DepictionRow.media_key).where(~home)


def own_regions(session: Session, specimen_keys: Iterable[str]) -> Mapping[tuple[str, str], OwnRegion]:
    """By specimen and image: the part of the image that is the specimen's own, where one is known. For one page of a list."""
    return {(key, media_key): region for key, media_key, region in store.regions_of_specimens(session, specimen_keys)}


def media_of(session: Session, specimen_key: str) -> tuple[Media, ...]:
    """The images of a specimen, in sequence, in every state."""
    return tuple(media for _, media in store.media_of_specimens(session, [specimen_key]))


def media_of_many(session: Session, specimen_keys: Iterable[str]) -> Mapping[str, tuple[Media, ...]]:
    """The images of each of the specimens; for one page of a list, not for all."""
    found: dict[str, tuple[Media, ...]] = dict.fromkeys(specimen_keys, ())
    for specimen_key, media in store.media_of_specimens(session, found):
        found[specimen_key] += (media,)
    return found


def get_depiction(session: Session, specimen_key: str, media_key: str) -> Depiction:
    """Raises UnknownMedia, UnknownDepiction."""
    row = store.find_depiction(session, specimen_key, media_key)
    home = _media(session, media_key).specimen_key
    if row is None:
        raise UnknownDepiction(f"The image {media_key!r} does not show the specimen {specimen_key!r}.")
    return store.depiction(row, home)


def depict(
    session: Session,
    specimen_key: str,
    media_key: str,
    *,
    role: DepictionRole = "",
    region: OwnRegion | None = None,
    by: Principal,
    at: datetime,
    size_px: tuple[int, int] | None = None,
) -> Depiction:
    """From now on the image shows the specimen, with that role and in that region, which take the place of those before.

    Args:
        region: within the upright image; None for all of it, or where that is not known.
        size_px: width and height of the upright image, for one that is not ready and has none in the catalogue yet.

    Raises:
        UnknownSpecimen, UnknownMedia: there is none.
        NotAllowed, Forbidden: who asks is no curator of the specimen and of the image's home specimen.
        BadDepiction: no role of ours, or the region is no part of the image.
        TooManyDepicted: the image shows `MAX_SPECIMENS` already.
    """
    media = _media(session, media_key, lock=True)
    _require_curator(session, by, specimen_key, media.specimen_key)
    if role not in DEPICTION_ROLES:
        known = ", ".join(repr(known) for known in DEPICTION_ROLES if known)
        raise BadDepiction(f"An image shows a specimen as one of {known}; {role[:40]!r} is none of them.", parameter="role")
    _check_region(region, media, size_px)
    touch_specimen(session, specimen_key, at=at)  # not the others of a drawer, whose entries say nothing of it
    row = store.find_depiction(session, specimen_key, media_key)
    if row is None:
        row = _add(session, specimen_key, media)
    row.role = role
    row.x0, row.y0, row.x1, row.y1 = (region.x0, region.y0, region.x1, region.y1) if region else (None, None, None, None)
    where = region.xywh() if region else ""
    changes.record(session, by, "depict", "media", media_key, at=at, specimen=specimen_key, role=role, region=where)
    session.flush()
    _tell(session, media)
    return store.depiction(row, media.specimen_key)


def end_depiction(session: Session, specimen_key: str, media_key: str, *, by: Principal, at: datetime) -> None:
    """The image does not show the specimen after all.

    Raises UnknownSpecimen, UnknownMedia, UnknownDepiction, HomeDepiction, NotAllowed, Forbidden.
    """
    media = _media(session, media_key, lock=True)
    _require_curator(session, by, specimen_key, media.specimen_key)
    row = store.find_depiction(session, specimen_key, media_key)
    if row is None:
        raise UnknownDepiction(f"The image {media_key!r} does not show the specimen {specimen_key!r}.")
    if media.specimen_key == specimen_key:
        raise HomeDepiction(f"The image {media_key!r} came in with the specimen {specimen_key!r} and stays with it.")
    touch_specimen(session, specimen_key, at=at)
    changes.record(session, by, "end depiction", "media", media_key, at=at, specimen=specimen_key)
    session.delete(row)
    session.flush()
    _tell(session, media)


def _tell(session: Session, media: MediaRow) -> None:
    """Have what is said about the image laid on the specimens that it shows now; nothing is said of one that never was ready.

    One that failed when its derivative was made anew keeps its size and what was said about it.
    """
    if media.width_px and not is_to_be_laid(session, media.key):
        outbox.add(session, DepictionsChanged(media.key))


def is_to_be_laid(session: Session, media_key: str) -> bool:
    """Whether what is said about the image is still to be laid on the specimens that it shows now."""
    return outbox.waits(session, DepictionsChanged(media_key))


def add_home(session: Session, media: MediaRow) -> None:
    """The depiction that every image has: of the specimen that it came in with."""
    session.add(DepictionRow(specimen_key=media.specimen_key, media_key=media.key, sequence=media.sequence, role=""))


def touch_all(session: Session, media: MediaRow, *, at: datetime) -> None:
    """Something of the image has changed that the index entries of its specimens show."""
    keys = {depiction.specimen_key for depiction in store.depictions_of_media(session, [media.key])}
    touch_specimens(session, keys, at=at)


def touch_specimen(session: Session, key: str, *, at: datetime) -> None:
    """Something that the specimen's index entry shows has changed: a new version, indexed again. Raises UnknownSpecimen."""
    touched(session, key, at=at)


def touched(session: Session, key: str, *, at: datetime) -> SpecimenRow:
    """The row of the specimen, locked, after `touch_specimen`. Raises UnknownSpecimen."""
    row = store.find_specimen(session, key, lock=True)
    if row is None:
        raise UnknownSpecimen(f"There is no specimen {key!r} here.")
    row.version, row.updated_at = row.version + 1, max(row.updated_at, at)
    outbox.touch(session, "specimen", key)
    return row


def touch_specimens(session: Session, keys: Iterable[str], *, at: datetime) -> None:
    """The same for many specimens, a thousand in two statements; those that are not here are passed over."""
    ordered = sorted(set(keys))  # in one order, as each is locked
    for start in range(0, len(ordered), TOUCHED_AT_ONCE):
        known = store.bump_specimens(session, ordered[start : start + TOUCHED_AT_ONCE], at)
        outbox.touch_all(session, "specimen", known)


def bump_specimens(session: Session, which: CompoundSelect[Any], *, at: datetime) -> Sequence[str]:
    """The same for the specimens whose keys the query tells; their keys, which the caller has indexed again."""
    return store.bump_specimens(session, which, at)


def _add(session: Session, specimen_key: str, media: MediaRow) -> DepictionRow:
    """The specimen's row is locked, so that no two images take one sequence."""
    if store.count_depictions(session, media.key) >= MAX_SPECIMENS:
        raise TooManyDepicted(f"The image {media.key!r} shows {MAX_SPECIMENS} specimens, and an image may show no more.")
    row = DepictionRow(specimen_key=specimen_key, media_key=media.key, sequence=store.next_sequence(session, specimen_key))
    session.add(row)
    return row


def _require_curator(session: Session, by: Principal, *specimen_keys: str) -> None:
    """Raises UnknownSpecimen, NotAllowed, Forbidden."""
    for key in specimen_keys:
        row = store.find_specimen(session, key)
        if row is None:
            raise UnknownSpecimen(f"There is no specimen {key!r} here.")
        require(by, "curate", store.specimen(row))


def _check_region(region: OwnRegion | None, media: MediaRow, size_px: tuple[int, int] | None) -> None:
    if region is None:
        return
    width_px, height_px = (media.width_px, media.height_px) if media.state == "ready" else size_px or (0, 0)
    if not width_px:
        raise BadDepiction(
            f"The image {media.key!r} is {media.state}: it has no size yet, so it can have no region.", parameter="region"
        )
    if not region.lies_within(width_px, height_px):
        sentence = f"The region {region.xywh()} is not a part of the image, which has {width_px} × {height_px} pixels."
        raise BadDepiction(sentence, parameter="region")


def _media(session: Session, key: str, *, lock: bool = False) -> MediaRow:
    row = store.find_media(session, key, lock=lock)
    if row is None:
        raise UnknownMedia(f"There is no image {key!r} here.")
    return row
