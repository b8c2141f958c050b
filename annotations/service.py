"""Decisions about annotations: what is accepted, which version stands, and what follows from a change.

The stored document is the Web Annotation exactly as accepted, with our `id`, `created` and `modified`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from annotations import (
    bases,
    columns,
    creators,
    descriptions,
    following,
    guards,
    masks,
    placing,
    projections,
    recount,
    store,
    targets,
    validation,
    viewer_forms,
    viewer_merge,
    waiting,
)
from annotations.errors import (
    DeletedAnnotation,
    NotReplaced,
    UnknownAnnotation,
    UnknownTarget,
)
from annotations.model import EVERYTHING, About, Annotation, Canvas, Layer, Target
from annotations.projections import Profile
from annotations.proposed import form
from annotations.proposed import record as proposed
from annotations.segments import making
from annotations.states.derive import FALLEN
from annotations.tables import AnnotationRow
from app.runtime import changes, clock, events, ids
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import any_hidden

SLUG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._~-]{0,63}", re.ASCII)
MAX_OF_SPECIMEN = 5_000
NOT_SAID: Mapping[str, Any] = {
    "run_key": "",
    "kind": "",
    "value": None,
    "unit": "",
    "confidence": None,
    "text": None,
    "remakes": "",
    "veil": "",
}


def create(
    session: Session,
    document: Any,
    *,
    by: Principal,
    addresses: Addresses,
    at: datetime,
    slug: str | None = None,
    layer: Layer = "people",
    kind: str = "",
    veil: str = "",
    run_key: str = "",
    profile: Profile = "w3c",
) -> Annotation:
    """Store what a person or a client said, in the form of that profile; `kind` is that of the statement which it corrects, and
    `veil` the key of the one with which it is hidden until that is decided. `run_key` is that of an import that brings it.

    A person is its creator, but of what they import. `slug` becomes its name where it is fit and was never used (RFC 5023, 9.7).
    Raises MalformedAnnotation, UnknownTarget, BadSelector, SelectorOutsideCanvas, AnnotationTooBig, NotAllowed or Forbidden, and
    then stores nothing.
    """
    accepted = validation.check(viewer_forms.as_w3c(document, profile, addresses))
    if by.account and not run_key:
        accepted = creators.in_own_name(accepted, by, addresses)
    following.lock(session, (), targets.annotations_named(accepted["target"], addresses))
    lying = targets.flat(targets.resolve(session, accepted["target"], addresses, by))
    guards.require_place(session, by, lying)
    said = {**NOT_SAID, "kind": kind or (form.KIND if form.is_proposal(accepted) else ""), "veil": veil, "run_key": run_key}
    insert = partial(_insert, session, accepted, lying=lying, layer=layer, by=by, addresses=addresses, at=at, said=said)
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
    remakes: str = "",
    addresses: Addresses,
    at: datetime,
) -> Annotation:
    """Store what a run of the analysis found on an image (layer "machine"); checked like any other annotation.

    With it comes the segment that it finds, if it finds one (`segments/making.py`).

    `text` is what a person is to read and search, where that is not all the texts of its bodies. `remakes` is the first of the
    statements that it stands for anew; the caller has locked those, and counts them again.
    """
    accepted, by = validation.check(document), Principal.of_run(run_key)
    lying = targets.flat(targets.resolve(session, accepted["target"], addresses, by))
    if lying[0].media_key != media.key:
        raise UnknownTarget(f"The first target of what a machine found on {media.key!r} must lie there.", parameter="target")
    key = ids.new_key(ids.ANNOTATION, addresses.naan)
    said = {"run_key": run_key, "kind": kind, "value": value, "unit": unit, "confidence": confidence, "text": text}
    said |= {"remakes": remakes, "veil": ""}
    made = _insert(session, accepted, key=key, lying=lying, layer="machine", by=by, addresses=addresses, at=at, said=said)
    making.of_finding(session, made, media, naan=addresses.naan, at=at)
    return made


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
    restored: bool = False,
) -> Annotation:
    """Let a new document stand instead; the old version remains readable. `restored`: it is one that stood before.

    A document in the form of another `profile` than w3c changes only what it shows and what is changed there
    (`viewer_merge.py`). `canonical` and `via` stay in any case. Raises as `create` does, and UnknownAnnotation,
    DeletedAnnotation, WithdrawnAnnotation, EtagMismatch, IdentityChanged, NotReplaced.
    """
    named = targets.annotations_named(document.get("target") if isinstance(document, Mapping) else None, addresses)
    following.lock(session, [key], named.union(store.named_by(session, key), recount.around(session, [key])))
    if not restored:
        guards.refuse_to_replace(session, key, by, addresses)
    row = guards.standing(session, key, if_match, by, deleted_too=restored)
    if restored:
        guards.refuse_to_restore(row)
    row.deleted_at = None
    old = store.annotation(row)
    before = old.targets
    accepted = validation.check(viewer_forms.as_w3c(document, profile, addresses))
    resolve = partial(targets.resolve, session, addresses=addresses, by=by, itself=key, before=before)
    if profile == "w3c":
        accepted = projections.with_stored_target(accepted, old.document)
        resolved = resolve(accepted["target"], unchanged=accepted["target"] == old.document["target"])
    else:
        resolved = resolve(accepted["target"])
        drawn = resolved[0].front
        canvas = _canvas(session, drawn.media_key)
        seen = viewer_merge.Seen.of(viewer_merge.shown(old, drawn), profile, canvas, addresses)
        accepted = validation.check(viewer_merge.onto(accepted, seen, resolved[0]))
        resolved = resolve(accepted["target"], unchanged=True)  # the merge has put it into the frames that stand
    accepted = columns.with_identity(accepted, row.document, addresses.annotation(key))
    if by.account and not restored:
        accepted = creators.as_before(accepted, row.document, by, addresses)
    lying = targets.flat(resolved)
    guards.require_place(session, by, lying)
    row.version += 1
    row.modified_at = at
    if not validation.same_substance(row.document, accepted):
        row.substance_version = row.version
    basis = columns.bases(accepted, addresses)
    row.rests_on = next(iter(basis), "")
    left = bases.keep(session, key, basis)
    row.document = columns.signed(accepted, addresses.annotation(key), row.document.get("created", clock.iso(row.created_at)), at)
    columns.describe(row)
    store.keep_version(session, row, by.name, at)
    changes.record(session, by, "restore" if restored else "replace", "annotation", key, version=row.version, at=at)
    if not row.veil:
        events.announce(session, "annotation.changed", key, version=row.version, at=at)
    masks.use(session, key, row.document, addresses, by)
    proposed.keep(session, row, addresses)
    store.keep_targets(session, row, lying)
    followers = following.follow(session, [key]) if lying != before else ()
    if not row.veil:
        following.touch(
            session, {key, *(follower.key for follower in followers)}, [*before, *lying, *following.both(followers)], at
        )
    session.flush()
    recount.recount(session, key, by=by.name, at=at)
    waiting.follow(session, left)
    return store.annotation(row)


def delete(
    session: Session,
    key: str,
    *,
    by: Principal,
    at: datetime,
    if_match: frozenset[str] | None = None,
    verdict: bool = False,
) -> Annotation:
    """Delete it; its versions stay. `verdict`: it is one, and is taken back.

    Raises UnknownAnnotation, DeletedAnnotation, WithdrawnAnnotation, EtagMismatch, NotReplaced.
    """
    recount.lock(session, [key])
    row = guards.standing(session, key, if_match, by)
    if row.layer == "review" and not verdict:
        raise NotReplaced("This is a verdict: it is taken back by DELETE /api/verdicts/{key}, and changed by another verdict.")
    row.version, row.modified_at, row.deleted_at = row.version + 1, at, at
    store.keep_version(session, row, by.name, at)
    changes.record(session, by, "delete", "annotation", key, version=row.version, at=at)
    if row.layer != "review" and not row.veil:
        events.announce(session, "annotation.deleted", key, version=row.version, at=at)
    deleted = store.annotation(row)
    if not row.veil:
        following.touch(session, {key}, deleted.targets, at)
    session.flush()
    recount.recount(session, key, by=by.name, at=at)
    return deleted


def restore(
    session: Session,
    key: str,
    version: int,
    *,
    by: Principal,
    addresses: Addresses,
    at: datetime,
    if_match: frozenset[str] | None,
) -> Annotation:
    """Let an earlier version stand again, as a new one; what was deleted comes back under its own key.

    Raises as `replace` does, and UnknownAnnotation where there is no such version, or where it is that of a deletion.
    """
    found = store.find_version(session, key, version)
    if found is None or found.document is None:
        raise UnknownAnnotation(f"There is no version {version} of annotation {key[:64]!r} to be restored.")
    get_version(session, key, version, by=by, addresses=addresses)
    document = {name: value for name, value in found.document.items() if name != "modified"}
    return replace(session, key, document, by=by, addresses=addresses, at=at, if_match=if_match, restored=True)


def get(session: Session, key: str, *, by: Principal) -> Annotation:
    """The annotation as it stands. Raises UnknownAnnotation, Closed, NotYours, DeletedAnnotation, WithdrawnAnnotation."""
    annotation = find(session, key)
    if annotation is None:
        raise UnknownAnnotation(f"There is no annotation {key[:64]!r} here.")
    guards.require_sight(session, key, by)
    if annotation.deleted_at is not None:
        raise DeletedAnnotation(key, annotation.version, annotation.deleted_at)
    if annotation.withdrawn_at is not None:
        raise guards.withdrawn(session, key, annotation.version, annotation.run_key, annotation.withdrawn_at)
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
    guards.require_sight(session, key, by)
    if row.document is None:
        raise DeletedAnnotation(key, version, row.stored_at)
    if any_hidden(session, targets.media_named(session, row.document.get("target"), addresses), by):
        raise guards.refused(key, by)
    return row.document


def of_media(
    session: Session, media_key: str, layer: Layer | None = None, limit: int = 1000, *, by: Principal
) -> tuple[Annotation, ...]:
    """Standing annotations on an image that are told (`About`) and that `by` sees, oldest first.

    Each has such a target in front.
    """
    rows = store.in_time_order(session, About(media_key=media_key, layer=layer or "", told=True), by, limit)
    return tuple(store.annotation(row).seen_from(media_key=media_key) for row in rows)


def of_specimen(
    session: Session, specimen_key: str, limit: int = MAX_OF_SPECIMEN, *, by: Principal, fallen: bool = False
) -> tuple[Annotation, ...]:
    """Standing annotations on a specimen or in its images that are told (`About`) and that `by` sees, oldest first; with
    `fallen` what was rejected or superseded, too.

    Each has such a target in front.
    """
    rows = store.in_time_order(session, About(specimen_key=specimen_key, told=True, fallen=fallen), by, limit)
    depictions = {one.media_key: one for one in catalogue.depictions_of(session, specimen_key)}
    return tuple(placing.under(store.annotation(row), specimen_key, depictions) for row in rows)


def count_of_media(session: Session, media_key: str, layer: Layer, *, by: Principal) -> int:
    return store.count(session, About(media_key=media_key, layer=layer, told=True), by)


def page(
    session: Session, about: About = EVERYTHING, *, by: Principal, after: str = "", before: str = "", limit: int
) -> tuple[Annotation, ...]:
    """A page of standing annotations that `by` sees, in the order of their keys; `before` "~" means the last page."""
    return tuple(map(store.annotation, store.page(session, about, by, after=after, before=before, limit=limit)))


def count(session: Session, about: About = EVERYTHING, *, by: Principal) -> int:
    """How many `page` would list in all."""
    return store.count(session, about, by)


def scale_of(session: Session, media_keys: Sequence[str], *, by: Principal) -> dict[str, Annotation]:
    """Per image the ruler that counts; images without one are missing.

    One that was accepted goes before others, then a person's before a machine's, then the newest; what was rejected or
    superseded counts for nothing.
    """
    newest = store.newest_of_kind(session, media_keys, "ruler", by)
    rulers = [(key, row) for key, row in newest if row.value is not None and row.value > 0 and row.state not in FALLEN]
    found: dict[str, Annotation] = {}
    for media_key, row in sorted(rulers, key=lambda ruler: (ruler[1].state != "accepted", ruler[1].layer != "people")):
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
    signed = columns.signed(columns.with_via(document, iri), iri, document.get("created", clock.iso(at)), at)
    row = AnnotationRow(key=key, version=1, layer=layer, document=signed, created_at=at, modified_at=at, **said)
    basis = columns.bases(document, addresses)
    row.rests_on = next(iter(basis), "")
    columns.describe(row)
    if said["text"] is not None:
        row.text = said["text"]
    store.add(session, row, lying)
    descriptions.keep_name(session, key, addresses)
    proposed.keep(session, row, addresses)
    bases.keep(session, key, basis)
    store.keep_version(session, row, by.name, at)
    if layer != "review" and not row.veil:  # a verdict is nobody's to know but what it does to the state
        events.announce(session, "annotation.created", key, version=1, at=at)
    if layer != "machine":  # of which the run is recorded
        changes.record(session, by, "create", "annotation", key, version=1, at=at)
    masks.use(session, key, signed, addresses, by)
    if not row.veil:  # or a change of the specimen would tell that something was said
        following.touch(session, {key}, lying, at)
    if row.kind or basis:  # what it rests on is worth more
        session.flush()
        waiting.follow(session, [key])
    return store.annotation(row)


def _canvas(session: Session, media_key: str) -> Canvas | None:
    """The size of the canvas of that image; None where there is none."""
    if not media_key:
        return None
    media = catalogue.get_media(session, media_key)
    return Canvas(media.width_px, media.height_px)
