"""Decisions of the catalogue: what a specimen and an image are, when they are new, and what follows from a change."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Select
from sqlalchemy.orm import Session

from app.runtime import changes, events, outbox
from app.runtime.principal import Principal, require
from iiif.catalogue import places, records, store
from iiif.catalogue.depictions import (
    MAX_SPECIMENS,
    add_home,
    bump_specimens,
    depict,
    depictions_of,
    end_depiction,
    get_depiction,
    is_to_be_laid,
    media_of,
    media_of_many,
    own_regions,
    remember,
    specimens_of_media,
    touch_all,
    touch_specimen,
    touch_specimens,
    touched,
)
from iiif.catalogue.entries import LONGEST_NAME, MediaDraft, SpecimenDraft, add_new, media_values, specimen_values
from iiif.catalogue.errors import DuplicateMedia, DuplicateSpecimen, UnknownMedia, UnknownSpecimen
from iiif.catalogue.identity import ID_TERMS, folded_number, identities_of
from iiif.catalogue.jobs import DeriveImage, MediaSettled
from iiif.catalogue.model import Access, KnownMedia, KnownNumber, KnownSpecimen, Media, Specimen
from iiif.catalogue.tables import MediaRow, SpecimenRow
from ontology.darwin_core import term_of

__all__ = [
    "MAX_SPECIMENS",
    "MediaDraft",
    "SpecimenDraft",
    "add_new",
    "bump_specimens",
    "depict",
    "depictions_of",
    "end_depiction",
    "get_depiction",
    "is_to_be_laid",
    "media_of",
    "media_of_many",
    "own_regions",
    "remember",
    "specimens_of_media",
    "touch_specimen",
    "touch_specimens",
]
DISTRUSTED = -1  # instead of the version of a derivative that was found damaged
MAX_OF_NUMBER = 100  # specimens with one catalogue number that are named at once


def get_specimen(session: Session, key: str) -> Specimen:
    """Raises UnknownSpecimen."""
    row = store.find_specimen(session, key)
    if row is None:
        raise UnknownSpecimen(f"There is no specimen {key!r} here.")
    return store.specimen(row)


def get_media(session: Session, key: str) -> Media:
    """Raises UnknownMedia."""
    row = store.find_media(session, key)
    if row is None:
        raise UnknownMedia(f"There is no image {key!r} here.")
    return store.media(row)


def find_media_by_hash(session: Session, sha256: str) -> Media | None:
    """The image with exactly these bytes, if it is here."""
    row = store.find_media_by_hash(session, sha256)
    return None if row is None else store.media(row)


def find_specimen_by_identity(session: Session, identity: str) -> Specimen | None:
    """The specimen of that identity (identity.py), if it is here."""
    row = store.find_specimen_by_identity(session, identity)
    return None if row is None else store.specimen(row)


def specimens_of_number(session: Session, institution: str, collection: str, number: str) -> tuple[Specimen, ...]:
    """Those with that catalogue number in that collection, by key: more than one where identifiers tell them apart.

    At most `MAX_OF_NUMBER`.
    """
    found = store.specimens_of_number(session, institution, collection, number, MAX_OF_NUMBER)
    return tuple(map(store.specimen, found))


def same_number(session: Session, specimen: Specimen) -> tuple[Specimen, ...]:
    """The others with the catalogue number of this one in its collection, by key; at most `MAX_OF_NUMBER`."""
    collected = (specimen.institution_code, specimen.collection_code, specimen.catalog_number)
    found = store.specimens_of_number(session, *collected, MAX_OF_NUMBER, SpecimenRow.key != specimen.key)
    return tuple(map(store.specimen, found))


def specimens_by_key(session: Session, keys: Iterable[str]) -> Mapping[str, Specimen]:
    """Those of the specimens that are here; for one page of a list."""
    return {row.key: store.specimen(row) for row in store.specimens_by_key(session, keys)}


def list_specimens(session: Session, *, after: str = "", limit: int) -> tuple[Specimen, ...]:
    """A page of all specimens by key, from the one behind `after`."""
    return tuple(store.specimen(row) for row in store.page_of_specimens(session, after, limit))


def latest_change(session: Session) -> datetime | None:
    """When a specimen, or one of its images or statements, was changed last; None in an empty hub."""
    return store.latest_change(session)


def list_changes(session: Session, prefix: str, *, limit: int) -> Iterable[tuple[str, datetime]]:
    """The keys that begin so, in order, each with when its specimen changed last; at most `limit`."""
    return store.keys_with_changes(session, prefix, limit)


def list_specimens_with_closed(session: Session, *, after: str = "", limit: int) -> tuple[tuple[str, int], ...]:
    """A page of the keys and versions of the specimens that a closed image shows, by key."""
    return tuple(store.page_with_closed(session, after, limit))


def count_specimens_with_closed(session: Session) -> int:
    return store.count(session, SpecimenRow, store.has_closed())


def any_place_withheld(session: Session) -> bool:
    """Whether any record withholds its place (see `places`). A pass over all of them: not for every request."""
    combinations = store.distinct_terms(session, places.MAY_SAY_SO)
    return any(
        places.withheld_by({term: text or "" for term, text in zip(places.MAY_SAY_SO, one, strict=True)}) for one in combinations
    )


def with_withheld_places(session: Session, media_keys: Select[str]) -> frozenset[str]:
    """Those of the images, a query of their keys, that show a specimen whose place this hub holds back from the public."""
    if places.are_shown():
        return frozenset()
    found = store.terms_shown_on(session, media_keys, places.MAY_SAY_SO)
    said = ((key, {term: text or "" for term, text in zip(places.MAY_SAY_SO, texts, strict=True)}) for key, texts in found)
    return frozenset(key for key, terms in said if places.withheld_by(terms))


def count_specimens(session: Session) -> int:
    return store.count(session, SpecimenRow)


def list_specimens_by_number(session: Session, number: str, *, after: str = "", limit: int) -> tuple[Specimen, ...]:
    """A page of the specimens with that catalogue number, of whatever collection."""
    return tuple(store.specimen(row) for row in store.page_of_specimens(session, after, limit, store.has_number(number)))


def count_specimens_by_number(session: Session, number: str) -> int:
    return store.count(session, SpecimenRow, store.has_number(number))


def list_media(session: Session, *, specimen_key: str = "", state: str = "", after: str = "", limit: int) -> tuple[Media, ...]:
    """A page of images by key, from the one behind `after`; empty strings narrow nothing."""
    where = [store.shows(specimen_key)] if specimen_key else []
    where += [MediaRow.state == state] if state else []
    return tuple(store.media(row) for row in store.page_of_media(session, after, limit, *where))


def media_by_key(session: Session, keys: Iterable[str]) -> Mapping[str, Media]:
    """Those of the images that are here; for one page of a list."""
    return {row.key: store.media(row) for row in store.media_by_key(session, keys)}


def restricted(session: Session) -> frozenset[str]:
    """The keys of all images that are not open to everybody."""
    return store.restricted(session)


def count_shown(session: Session, media_key: str) -> int:
    """How many specimens the image shows."""
    return len({depiction.specimen_key for depiction in store.depictions_of_media(session, [media_key])})


def withholds_place(session: Session, media_key: str) -> bool:
    """Whether a specimen that the image shows has a place that this hub holds back from the public."""
    if places.are_shown():
        return False
    shown = store.depictions_of_media(session, [media_key])
    specimens = specimens_by_key(session, [depiction.specimen_key for depiction in shown])
    return any(places.withheld_by(specimen.interpreted) for specimen in specimens.values())


def lock_media(session: Session, keys: Iterable[str]) -> tuple[Media, ...]:
    """The images as they are now; before this transaction ends none becomes ready or comes to show other specimens."""
    return tuple(store.media(row) for row in store.media_by_key(session, keys, lock=True))


def lock_specimens_of(session: Session, media_key: str) -> None:
    """Lock every specimen that the image shows, in the order of their keys: for who is about to touch some of them, one after
    another, in an order of its own."""
    depictions = store.depictions_of_media(session, [media_key])
    store.lock_specimens(session, {depiction.specimen_key for depiction in depictions})


def count_media(session: Session, *, specimen_key: str = "") -> Mapping[str, int]:
    """How many images are in each state; of one specimen, or of all."""
    where = [store.shows(specimen_key)] if specimen_key else []
    return store.count_media_by_state(session, *where)


def add_specimen(session: Session, draft: SpecimenDraft, *, naan: str, at: datetime) -> Specimen:
    """Enter a specimen and have it indexed. Raises DuplicateSpecimen."""
    row = SpecimenRow(**specimen_values(draft, naan, at))
    if store.find_specimen_by_identity(session, row.identity) is not None:
        raise DuplicateSpecimen(f"The specimen {draft.catalog_number!r} is here already.")
    session.add(row)
    session.flush()
    outbox.touch(session, "specimen", row.key)
    return store.specimen(row)


def specimens_by_identity(session: Session, identities: Iterable[str]) -> Mapping[str, KnownSpecimen]:
    """Those of these identities that are here, as far as a batch of records asks."""
    return {known.identity: known for known in store.known_specimens(session, identities)}


def numbers_alike(session: Session, numbers: Iterable[tuple[str, str, str]]) -> Sequence[KnownNumber]:
    """The numbers (institution, collection, catalogue number) of the hub that are these, or differ from one by case or Unicode
    form only, and perhaps others of these collections; for one batch of records."""
    return store.numbers_alike(session, set(numbers))


def media_by_hash(session: Session, sha256s: Iterable[str]) -> Mapping[str, KnownMedia]:
    """The images with exactly these bytes that are here, with the specimens that they show; for one batch of records."""
    return store.known_media(session, sha256s)


def identify(session: Session, key: str, given: SpecimenDraft, *, at: datetime) -> Specimen:
    """Give the specimen the identifiers of a record that is known to speak of it; what else that says is not taken over.

    Raises UnknownSpecimen, and DuplicateSpecimen where another specimen has the identity.
    """
    row = touched(session, key, at=at)
    terms = {term: given.interpreted[term] for term in ID_TERMS if given.interpreted.get(term)}
    columns = {column: text for column, text in given.verbatim.items() if term_of(column) in terms}
    records.source_gives(session, row, {**terms, **row.interpreted}, {**columns, **row.verbatim}, at)
    identity = identities_of(row.interpreted, row.catalog_number)[0]
    holder = store.find_specimen_by_identity(session, identity)
    if holder is not None and holder.key != key:
        raise DuplicateSpecimen(f"The specimen {holder.key!r} has that identifier already.")
    row.identity = identity
    session.flush()
    return store.specimen(row)


def revise(session: Session, key: str, given: SpecimenDraft, *, at: datetime) -> bool:
    """Let this be what the source gives now: a new version of the record, if it differs; whether it did. What people accepted in
    its place stays in force, and it stays in its collection. Raises UnknownSpecimen."""
    row = store.find_specimen(session, key, lock=True)
    if row is None:
        raise UnknownSpecimen(f"There is no specimen {key!r} here.")
    if (dict(given.interpreted), dict(given.verbatim)) == (row.interpreted, row.verbatim):
        return False
    row = touched(session, key, at=at)
    accepted = {term: given.interpreted.get(term, "") for term in row.accepted or {}}
    records.source_says(session, key, accepted, at=at)
    records.source_gives(session, row, dict(given.interpreted), dict(given.verbatim), at)
    row.catalog_number, row.folded_number = given.catalog_number, folded_number(given.catalog_number)
    row.scientific_name = store.specimen(row).scientific_name[:LONGEST_NAME]
    session.flush()
    return True


def add_media(session: Session, draft: MediaDraft, *, naan: str, at: datetime) -> Media:
    """Enter an image of its home specimen as pending and have its derivative made. Raises UnknownSpecimen, DuplicateMedia."""
    get_specimen(session, draft.specimen_key)
    if store.find_media_by_hash(session, draft.sha256) is not None:
        raise DuplicateMedia("An image with the same bytes is here already.")
    row = MediaRow(**media_values(draft, draft.specimen_key, store.next_sequence(session, draft.specimen_key), naan, at))
    session.add(row)
    session.flush()
    add_home(session, row)
    session.flush()
    outbox.add(session, DeriveImage(row.key))
    return store.media(row)


@dataclass(frozen=True, slots=True)
class Derivative:
    """What making the pyramid told of an image; pixels are those of the upright image."""

    width_px: int
    height_px: int
    exif_orientation: int
    icc_profile: str
    pyramid_sha256: str
    version: int


def media_ready(session: Session, key: str, derivative: Derivative, *, at: datetime) -> None:
    """The image can be served now; its specimen is indexed again, and what waited for it is told.

    A derivative that was made anew, of the same size, only takes the place of the one before.
    """
    row = _media_row(session, key)
    known = row.state == "ready" and (row.width_px, row.height_px) == (derivative.width_px, derivative.height_px)
    row.state, row.state_reason, row.refused_under, row.version = "ready", "", "", row.version + 1
    row.width_px, row.height_px = derivative.width_px, derivative.height_px
    row.exif_orientation, row.icc_profile = derivative.exif_orientation, derivative.icc_profile
    row.pyramid_sha256, row.derivative_version = derivative.pyramid_sha256, derivative.version
    if not known:
        _settled(session, row, at)


def media_failed(session: Session, key: str, reason: str, *, at: datetime, under: str = "") -> None:
    """The image cannot be served, and why; `under` are the limits that hindered it, where not the file itself is to blame."""
    row = _media_row(session, key)
    row.state, row.state_reason, row.refused_under, row.version = "failed", reason, under, row.version + 1
    _settled(session, row, at)


def try_again(session: Session, key: str, *, at: datetime) -> None:
    """Have another try made at a failed image, which waits for it like a new one; any other is left. Raises UnknownMedia."""
    row = _media_row(session, key)
    if row.state == "failed":
        row.state, row.state_reason, row.refused_under, row.version = "pending", "", "", row.version + 1
        touch_all(session, row, at=at)
        outbox.add(session, DeriveImage(key))


def try_again_under(session: Session, limits: str, *, limit: int, at: datetime) -> int:
    """The same for the next images that failed under other limits than these; how many."""
    keys = store.refused_under_others(session, limits, limit)
    for key in keys:
        try_again(session, key, at=at)
    return len(keys)


def page_to_derive(session: Session, version: int, *, after: tuple[int, str], limit: int) -> list[tuple[int, Media]]:
    """Images, each behind the version of its derivative, of another one than `version`, from those behind `after` on; failed
    ones too."""
    return [(row.derivative_version, store.media(row)) for row in store.page_to_derive(session, version, after, limit)]


def set_access(session: Session, key: str, access: Access, *, by: Principal, at: datetime) -> None:
    """Who sees how much of the image from now on. Raises UnknownMedia, NotAllowed, Forbidden."""
    row = _media_row(session, key)
    require(by, "curate", get_specimen(session, row.specimen_key))
    changes.record(session, by, "access", "media", key, version=row.version + 1, at=at, before=row.access, access=access)
    turned = "closed" in (row.access, access) and row.access != access
    row.access, row.version = access, row.version + 1
    touch_all(session, row, at=at)
    events.announce(session, "image.access", key, version=row.version, at=at)
    if turned:
        outbox.touch(session, "media", key)  # the statements about it are for others now


def derive_again(session: Session, key: str) -> None:
    """Have the derivative of the image made anew, unless that waits to be sent already."""
    job = DeriveImage(key)
    if not outbox.waits(session, job):
        outbox.add(session, job)


def distrust_derivative(session: Session, key: str) -> None:
    """The derivative of the image is not what it should be, whatever its index says. Raises UnknownMedia."""
    _media_row(session, key).derivative_version = DISTRUSTED


def _settled(session: Session, row: MediaRow, at: datetime) -> None:
    touch_all(session, row, at=at)
    events.announce(session, "image.failed" if row.state == "failed" else "image.ready", row.key, version=row.version, at=at)
    outbox.add(session, MediaSettled(row.key))


def _media_row(session: Session, key: str) -> MediaRow:
    """The row, locked. Raises UnknownMedia."""
    row = store.find_media(session, key, lock=True)
    if row is None:
        raise UnknownMedia(f"There is no image {key!r} here.")
    return row
