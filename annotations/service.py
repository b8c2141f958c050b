"""Decisions about annotations: what is accepted, which version stands, and what follows from a change.

The stored document is the Web Annotation exactly as accepted, with our `id`, `created` and `modified`.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import groupby
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotations import following, masks, placing, projections, store, targets, validation, viewer_forms, viewer_merge
from annotations.errors import (
    DeletedAnnotation,
    EtagMismatch,
    IdentityChanged,
    UnknownAnnotation,
    UnknownTarget,
    WithdrawnAnnotation,
)
from annotations.model import EVERYTHING, About, Annotation, Canvas, Layer, Target
from annotations.projections import Profile
from annotations.tables import AnnotationRow
from app.runtime import changes, clock, ids, outbox
from app.runtime.addresses import Addresses
from app.runtime.principal import Action, Principal, may, require
from iiif.catalogue import service as catalogue
from iiif.catalogue.errors import Closed, NotYours
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import any_hidden, refusal

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", re.ASCII)
MAX_OF_SPECIMEN = 5_000
LAID_AT_ONCE = 200
NOT_SAID: Mapping[str, Any] = {"run_key": "", "kind": "", "value": None, "unit": "", "confidence": None, "text": None}


def create(
    session: Session,
    document: Any,
    *,
    by: Principal,
    addresses: Addresses,
    at: datetime,
    slug: str | None = None,
    layer: Layer = "people",
    profile: Profile = "w3c",
) -> Annotation:
    """Store what a person or a client said, in the form of that profile.

    `slug` becomes its name where it is fit and was never used (RFC 5023, 9.7). Raises MalformedAnnotation, UnknownTarget,
    BadSelector, SelectorOutsideCanvas, AnnotationTooBig, NotAllowed or Forbidden, and then stores nothing.
    """
    accepted = validation.check(viewer_forms.as_w3c(document, profile))
    following.lock(session, (), targets.annotations_named(accepted["target"], addresses))
    lying = targets.flat(targets.resolve(session, accepted["target"], addresses, by))
    _require(session, by, lying)
    insert = partial(_insert, session, accepted, lying=lying, layer=layer, by=by, addresses=addresses, at=at)
    if slug and SLUG.fullmatch(slug) and store.find(session, slug) is None:
        try:
            with session.begin_nested():
                return insert(key=slug)
        except IntegrityError:  # another transaction took the name at the same moment
            session.expire_all()
    return insert(key=ids.new_key(ids.ANNOTATION, addresses.naan))


def create_machine(
    session: Session,
    document: Mapping[str, Any],
    *,
    media: Media,
    run_key: str,
    kind: str,
    value: float | None = None,
    unit: str = "",
    confidence: float | None = None,
    text: str | None = None,
    addresses: Addresses,
    at: datetime,
) -> Annotation:
    """Store what a run of the analysis found on an image (layer "machine"); checked like any other annotation.

    `text` is what a person is to read and search, where that is not all the texts of its bodies.
    """
    accepted, by = validation.check(document), Principal.of_run(run_key)
    lying = targets.flat(targets.resolve(session, accepted["target"], addresses, by))
    if lying[0].media_key != media.key:
        raise UnknownTarget(f"The first target of what a machine found on {media.key!r} must lie there.", parameter="target")
    key = ids.new_key(ids.ANNOTATION, addresses.naan)
    said = {"run_key": run_key, "kind": kind, "value": value, "unit": unit, "confidence": confidence, "text": text}
    return _insert(session, accepted, key=key, lying=lying, layer="machine", by=by, addresses=addresses, at=at, said=said)


def replace(
    session: Session,
    key: str,
    document: Any,
    *,
    by: Principal,
    addresses: Addresses,
    at: datetime,
    if_match: frozenset[str] | None = None,
    profile: Profile = "w3c",
) -> Annotation:
    """Let a new document stand instead; the old version remains readable.

    A document in the form of another `profile` than w3c changes only what it shows and what is changed there
    (`viewer_merge.py`). `canonical` and `via` stay in any case. Raises as `create` does, and UnknownAnnotation,
    DeletedAnnotation, WithdrawnAnnotation, EtagMismatch, IdentityChanged.
    """
    named = targets.annotations_named(document.get("target") if isinstance(document, Mapping) else None, addresses)
    following.lock(session, [key], named.union(store.named_by(session, key)))
    row = _standing(session, key, if_match, by)
    old = store.annotation(row)
    before = old.targets
    accepted = validation.check(viewer_forms.as_w3c(document, profile))
    resolved = targets.resolve(session, accepted["target"], addresses, by, itself=key, before=before)
    if profile == "w3c":
        accepted = projections.with_stored_target(accepted, old.document)
    else:
        drawn = resolved[0].front
        canvas = _canvas(session, drawn.media_key)
        seen = viewer_merge.Seen.of(viewer_merge.shown(old, drawn), profile, canvas, addresses)
        accepted = validation.check(viewer_merge.onto(accepted, seen, resolved[0]))
        resolved = targets.resolve(session, accepted["target"], addresses, by, itself=key, before=before)
    accepted = _with_identity(accepted, row.document, addresses.annotation(key))
    lying = targets.flat(resolved)
    _require(session, by, lying)
    row.version += 1
    row.modified_at = at
    row.document = _signed(accepted, addresses.annotation(key), row.document.get("created", clock.iso(row.created_at)), at)
    _describe(row)
    store.keep_version(session, row, by.name, at)
    changes.record(session, by, "replace", "annotation", key, version=row.version, at=at)
    masks.use(session, key, row.document, addresses, by)
    store.keep_targets(session, row, lying)
    followers = following.follow(session, [key]) if lying != before else ()
    _touch(session, {key, *(follower.key for follower in followers)}, [*before, *lying, *following.both(followers)], at)
    session.flush()
    return store.annotation(row)


def delete(session: Session, key: str, *, by: Principal, at: datetime, if_match: frozenset[str] | None = None) -> Annotation:
    """Delete it; its versions stay. Raises UnknownAnnotation, DeletedAnnotation, WithdrawnAnnotation, EtagMismatch."""
    row = _standing(session, key, if_match, by)
    row.version, row.modified_at, row.deleted_at = row.version + 1, at, at
    store.keep_version(session, row, by.name, at)
    changes.record(session, by, "delete", "annotation", key, version=row.version, at=at)
    deleted = store.annotation(row)
    _touch(session, {key}, deleted.targets, at)
    session.flush()
    return deleted


def lay_again(session: Session, media_key: str, *, after: str, at: datetime, limit: int = LAID_AT_ONCE) -> str | None:
    """Let the annotations on the image behind `after`, `limit` of them, lie on the specimens that it shows now.

    The key of the last, or None when there are no more. Locks: the image, then annotations by key, then specimens by key, as
    `following` says; `withdrawal` keeps to the same order.
    """
    catalogue.lock_media(session, [media_key])  # who changes what it shows has it locked, and would not be seen
    keys = store.keys_on(session, media_key, after=after, limit=limit)
    following.lock(session, keys)
    rows = [row for key in keys if (row := store.find(session, key, lock=True)) is not None]
    moved = [follower for row in rows if (follower := following.lay_again(session, row)) is not None]
    moved += following.follow(session, [follower.key for follower in moved])
    _touch(session, {*keys, *(follower.key for follower in moved)}, following.both(moved), at)  # all show other specimens now
    return keys[-1] if len(keys) == limit else None


def get(session: Session, key: str, *, by: Principal) -> Annotation:
    """The annotation as it stands. Raises UnknownAnnotation, Closed, NotYours, DeletedAnnotation, WithdrawnAnnotation."""
    annotation = find(session, key)
    if annotation is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    _require_sight(session, key, by)
    if annotation.deleted_at is not None:
        raise DeletedAnnotation(key, annotation.version, annotation.deleted_at)
    if annotation.withdrawn_at is not None:
        raise _withdrawn(session, key, annotation.version, annotation.run_key, annotation.withdrawn_at)
    return annotation


def find(session: Session, key: str) -> Annotation | None:
    """The annotation, or None; for the hub itself: deleted, withdrawn and closed ones are included."""
    row = store.find(session, key)
    return None if row is None else store.annotation(row)


def get_version(session: Session, key: str, version: int, *, by: Principal, addresses: Addresses) -> Mapping[str, Any]:
    """The document of that version, also of a deleted annotation.

    It is as closed as what the annotation is about now, and as what it was about then. Raises UnknownAnnotation, Closed,
    NotYours, and DeletedAnnotation for the version that its deletion is.
    """
    row = store.find_version(session, key, version)
    if row is None:
        raise UnknownAnnotation(f"There is no version {version} of annotation {key[:64]!r} here.")
    _require_sight(session, key, by)
    if row.document is None:
        raise DeletedAnnotation(key, version, row.stored_at)
    if any_hidden(session, targets.media_named(session, row.document.get("target"), addresses), by):
        raise _refusal(key, by)
    return row.document


def of_media(
    session: Session, media_key: str, layer: Layer | None = None, limit: int = 1000, *, by: Principal
) -> tuple[Annotation, ...]:
    """Standing annotations that lie on an image and that `by` sees, oldest first, each with the target in front that does."""
    rows = store.in_time_order(session, About(media_key=media_key, layer=layer or ""), by, limit)
    return tuple(store.annotation(row).seen_from(media_key=media_key) for row in rows)


def of_specimen(session: Session, specimen_key: str, limit: int = MAX_OF_SPECIMEN, *, by: Principal) -> tuple[Annotation, ...]:
    """Standing annotations that lie on a specimen as a whole or in its images and that `by` sees, oldest first.

    Each has such a target in front.
    """
    rows = store.in_time_order(session, About(specimen_key=specimen_key), by, limit)
    depictions = {one.media_key: one for one in catalogue.depictions_of(session, specimen_key)}
    return tuple(placing.under(store.annotation(row), specimen_key, depictions) for row in rows)


def count_of_media(session: Session, media_key: str, layer: Layer, *, by: Principal) -> int:
    return store.count(session, About(media_key=media_key, layer=layer), by)


def page(
    session: Session, about: About = EVERYTHING, *, by: Principal, after: str = "", before: str = "", limit: int
) -> tuple[Annotation, ...]:
    """A page of standing annotations that `by` sees, in the order of their keys; `before` "~" means the last page."""
    return tuple(map(store.annotation, store.page(session, about, by, after=after, before=before, limit=limit)))


def count(session: Session, about: About = EVERYTHING, *, by: Principal) -> int:
    """How many `page` would list in all."""
    return store.count(session, about, by)


def scale_of(session: Session, media_keys: Sequence[str], *, by: Principal) -> dict[str, Annotation]:
    """Per image the ruler that counts: the newest, a person's before a machine's; images without one are missing."""
    newest = store.newest_of_kind(session, media_keys, "ruler", by)
    rulers = [(key, row) for key, row in newest if row.value is not None and row.value > 0]
    found: dict[str, Annotation] = {}
    for media_key, row in sorted(rulers, key=lambda ruler: ruler[1].layer != "people"):
        found.setdefault(media_key, store.annotation(row))
    return found


def _insert(
    session: Session,
    document: Mapping[str, Any],
    *,
    key: str,
    lying: Sequence[Target],
    layer: Layer,
    by: Principal,
    addresses: Addresses,
    at: datetime,
    said: Mapping[str, Any] = NOT_SAID,
) -> Annotation:
    iri = addresses.annotation(key)
    signed = _signed(_with_via(document, iri), iri, document.get("created", clock.iso(at)), at)
    row = AnnotationRow(key=key, version=1, layer=layer, document=signed, created_at=at, modified_at=at, **said)
    _describe(row)
    if said["text"] is not None:
        row.text = said["text"]
    store.add(session, row, lying)
    store.keep_version(session, row, by.name, at)
    if layer != "machine":  # of which the run is recorded
        changes.record(session, by, "create", "annotation", key, version=1, at=at)
    masks.use(session, key, signed, addresses, by)
    _touch(session, {key}, lying, at)
    return store.annotation(row)


def _describe(row: AnnotationRow) -> None:
    """Fill the columns that are drawn from the document; what a machine said beside it stays where the document is silent."""
    document = row.document
    row.etag = _etag(document)
    row.motivations, row.text = list(validation.motivations(document)), validation.text_of(document, besides=row.kind)
    if (confidence := validation.confidence_of(document)) is not None:
        row.confidence = confidence
    if row.kind in ("", "ruler") and (scale := validation.measured(document)) is not None:
        row.kind, row.value, row.unit = scale


def _signed(document: Mapping[str, Any], iri: str, created: str, at: datetime) -> dict[str, Any]:
    return {**document, "id": iri, "created": created, "modified": clock.iso(at)}


def _with_via(document: Mapping[str, Any], iri: str) -> Mapping[str, Any]:
    """An IRI that the client gave it is kept as `via` (Web Annotation Protocol, section 5.1)."""
    theirs = document.get("id")
    if not validation.is_iri(theirs) or theirs == iri:
        return document
    known = validation.several(document.get("via"))
    return document if theirs in known else {**document, "via": [*known, theirs] if known else theirs}


def _with_identity(document: Mapping[str, Any], old: Mapping[str, Any], iri: str) -> Mapping[str, Any]:
    """The document with the `canonical` and `via` that it had. Raises IdentityChanged where it says others.

    Web Annotation Protocol, 5.2: servers should reject requests that modify the values of either once they have been set.
    """
    kept = {name: old[name] for name in ("canonical", "via") if name in old}
    for name, value in kept.items():
        if name in document and not set(validation.several(value)) == set(validation.several(document[name])) - {iri}:
            raise IdentityChanged(
                f"{name} was set when the annotation came in and stays: send it as it was, or leave it out.",
                parameter=name,
                spec="Web Annotation Protocol, 5.2",
            )
    return {**document, **kept}


def _require(session: Session, by: Principal, lying: Sequence[Target], action: Action = "annotate", author: str = "") -> None:
    """Raises NotAllowed or Forbidden where `by` may not write about a target: one of the specimens that it lies on must be in
    a collection of theirs. What lies on no specimen takes the role over all. `author` wrote what is to be revised."""
    lie_on = placing.specimens_of(session, lying)
    specimens = catalogue.specimens_by_key(session, {key for keys in lie_on.values() for key in keys})
    for _, places in groupby(lying, key=lambda target: target.position):
        held = [specimens[key] for place in places for key in lie_on[place] if key in specimens]
        if not any(may(by, action, specimen, author=author) for specimen in held):
            require(by, action, held[0] if held else None, author=author)


def _require_sight(session: Session, key: str, by: Principal) -> None:
    """Raises Closed or NotYours where an image that the annotation is about is closed to `by`."""
    if not store.shows(session, key, by):
        raise _refusal(key, by)


def _refusal(key: str, by: Principal) -> Closed | NotYours:
    return refusal(f"The annotation {key} is about an image that is not public", by)


def _standing(session: Session, key: str, if_match: frozenset[str] | None, by: Principal) -> AnnotationRow:
    """The row that `by` will change, locked. `if_match`: the ETags of which one must stand, None for any."""
    row = store.find(session, key, lock=True)
    if row is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    _require_sight(session, key, by)
    if row.deleted_at is not None:
        raise DeletedAnnotation(key, row.version, row.deleted_at)
    if row.withdrawn_at is not None:
        raise _withdrawn(session, key, row.version, row.run_key, row.withdrawn_at)
    _require(session, by, store.annotation(row).targets, "revise", store.author(session, key))
    if if_match is not None and row.etag not in if_match:
        raise EtagMismatch("The annotation has changed since you read it: fetch it again and repeat your change.")
    return row


def _withdrawn(session: Session, key: str, version: int, run_key: str, at: datetime) -> WithdrawnAnnotation:
    row = store.find_withdrawal(session, run_key)
    return WithdrawnAnnotation(key, version, run_key, at, row.by if row else "", row.reason if row else "")


def _etag(document: Mapping[str, Any]) -> str:
    """A digest of the content, whatever the order of its members (databases reorder them)."""
    return hashlib.sha256(json.dumps(document, sort_keys=True, ensure_ascii=False).encode()).hexdigest()[:32]


def _canvas(session: Session, media_key: str) -> Canvas | None:
    """The size of the canvas of that image; None where there is none."""
    if not media_key:
        return None
    media = catalogue.get_media(session, media_key)
    return Canvas(media.width_px, media.height_px)


def _touch(session: Session, keys: set[str], lying: Iterable[Target], at: datetime) -> None:
    """Have these annotations indexed again, and every specimen that they lie on or lay on."""
    outbox.touch_all(session, "annotation", sorted(keys))
    lie_on = placing.specimens_of(session, lying)
    catalogue.touch_specimens(session, {key for keys in lie_on.values() for key in keys}, at=at)
