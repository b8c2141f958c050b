"""What an annotation is about: each of its targets, resolved to the thing that it names and to where that finally lies.

A target lies on an image and its specimens if it is a canvas, an image, a segment, a picture or a page of annotations; on a
specimen as a whole if it is a specimen or its manifest; where another annotation lies if it is that; and nowhere if it is a
run, a data set, a collection or a thing elsewhere. Regions are kept in canvas units, whatever the selector counted in.
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy.orm import Session

from annotations import frames, placing, store
from annotations.errors import AnnotationTooBig, MalformedAnnotation, UnknownTarget
from annotations.mask_selectors import EARLIER_FORM
from annotations.model import Canvas, CanvasBox, Target
from annotations.placing import NOWHERE, Place
from annotations.regions import Region
from annotations.segments import store as segments
from annotations.validation import iri_of, is_iri
from app.runtime import ids
from app.runtime.addresses import Addresses, Kind, Named
from app.runtime.errors import NotFound
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import refusal, view_of
from iiif.presentation import service as presentation
from ontology.segment_classes import CLASSES

MAX_TARGETS = 50
LONGEST_KEY = 255  # characters of the key of a thing elsewhere
REGION_SELECTORS = ("FragmentSelector", "SvgSelector", "PointSelector", "ImageApiSelector", EARLIER_FORM)
Exists = Callable[[Session, str], bool]
_recognised: dict[Kind, Exists] = {}


@dataclass(frozen=True, slots=True)
class ResolvedTarget:
    """One target: what it names, once for each place that it lies on (at least once), and its region with its rings in canvas
    units; None for all of it."""

    targets: tuple[Target, ...]
    region: Region | None

    @property
    def front(self) -> Target:
        """Its first place."""
        return self.targets[0]


def flat(resolved: Sequence[ResolvedTarget]) -> tuple[Target, ...]:
    """Each target with each of its places, in order."""
    return tuple(target for one in resolved for target in one.targets)


def recognise(kind: Kind, exists: Exists) -> None:
    """Let things of a kind that another package keeps be targets; for composition. Without this, there are none here."""
    _recognised[kind] = exists


def resolve(
    session: Session,
    target: Any,
    addresses: Addresses,
    by: Principal,
    *,
    itself: str = "",
    before: Sequence[Target] = (),
    stored: bool = False,
    unchanged: bool = False,
) -> tuple[ResolvedTarget, ...]:
    """Every target, in its order; at least one is a thing of ours, and `by` sees all of them.

    `itself` is the key of the annotation, if it has one, and `before` what its targets were: what is said about an annotation
    stays when that is deleted or withdrawn, and on the canvas of a specimen that the image shows no more, but nothing new is
    said there. `stored`: the document stands, so that nothing is said anew and nothing is locked. `unchanged`: its targets are
    as they were, so that those on segments lie where they lay, wherever the segment is now.

    Raises:
        MalformedAnnotation: the target is no IRI, no resource and no list of them.
        UnknownTarget: it names nothing of ours that is here, the image is not ready, or it is the annotation itself.
        BadSelector, AnnotationTooBig: a selector cannot be read.
        SelectorOutsideCanvas: a region reaches past the edge.
        Closed, NotYours: it is about an image that is closed to `by`.
    """
    several = target if isinstance(target, list) else [target]
    if not several:
        raise MalformedAnnotation("An annotation needs a target.", parameter="target", spec="Web Annotation Data Model, 3.1")
    if len(several) > MAX_TARGETS:
        raise AnnotationTooBig(f"An annotation may have up to {MAX_TARGETS} targets.", parameter="target")
    known = frozenset(old.key for old in before if old.kind == "annotation")
    placed = {old.position: old for old in before if old.frame} if stored or unchanged else {}
    asking = _Asking(addresses, by, itself, known, frozenset(old.media_key for old in before), stored, placed)
    resolved = tuple(_resolve_one(session, position, one, asking) for position, one in enumerate(several))
    if all(addresses.path_of(iri_of(one)) is None for one in several):
        raise UnknownTarget(f"At least one target must be a thing of {addresses.base}.", parameter="target")
    return resolved


def resource_key(iri: str) -> str:
    """The key of a thing elsewhere: its IRI without its fragment, or the `ni:` name of that where it is long."""
    whole = iri.partition("#")[0]
    return whole if len(whole) <= LONGEST_KEY else ids.ni(hashlib.sha256(whole.encode()).hexdigest())


def annotations_named(target: Any, addresses: Addresses) -> set[str]:
    """The keys of the annotations that the targets of a document name, which need not be checked yet."""
    keys = set()
    for one in target if isinstance(target, list) else [target]:
        try:
            named = addresses.identify(iri_of(one).partition("#")[0])
        except MalformedAnnotation:  # as it will be told of when it is resolved
            continue
        if named is not None and named.kind == "annotation":
            keys.add(named.key)
    return keys


def media_named(session: Session, target: Any, addresses: Addresses) -> set[str]:
    """The keys of all images that the targets of a stored document are about, as they name them now."""
    keys: set[str] = set()
    for one in target if isinstance(target, list) else [target]:
        named = addresses.identify(iri_of(one).partition("#")[0])
        if named is not None and named.kind == "annotation" and (row := store.find(session, named.key)) is not None:
            keys.update(lying.media_key for lying in row.targets)
        elif named is not None and named.segment_key:
            segment = segments.find(session, named.segment_key)
            keys.add("" if segment is None else segment.media_key)
        elif named is not None:
            keys.add(named.media_key)
    return keys - {""}


def places_on(session: Session, media_key: str, box: CanvasBox | None) -> tuple[Place, ...]:
    """The places of a region of an image, or of all of it; none where the image shows nothing."""
    return placing.on_image(media_key, catalogue.specimens_of_media(session, [media_key])[media_key], box)


@dataclass(frozen=True, slots=True)
class _Asking:
    """For whom targets are resolved, and of which annotation: `known` and `images` are the annotations and images that it is
    about already; `stored`, that all of them are. `placed` are the targets on segments that stay where they lay, by position."""

    addresses: Addresses
    by: Principal
    itself: str
    known: frozenset[str]
    images: frozenset[str]
    stored: bool
    placed: Mapping[int, Target]


def _resolve_one(session: Session, position: int, target: Any, asking: _Asking) -> ResolvedTarget:
    iri, _, fragment = iri_of(target).partition("#")
    named = asking.addresses.identify(iri)
    selector = target.get("selector") if isinstance(target, Mapping) else None
    if named is None:
        _check_elsewhere(iri, asking.addresses)
        return _at(position, Named("resource", resource_key(iri)), ())
    try:
        if named.segment_key and named.kind == "segment":
            named, frame = _segment(session, position, named, asking)
            return _on_image(session, position, named, frames.Selected(selector, fragment), asking, frame)
        if named.kind in ("canvas", "image", "segment"):
            return _on_image(session, position, named, frames.Selected(selector, fragment), asking)
        _refuse_region(iri, selector, fragment)
        return _at(position, named, _places(session, named, asking))
    except NotFound as missing:
        raise UnknownTarget(f"There is no {iri[:200]} here.", parameter="target") from missing


def _check_elsewhere(iri: str, addresses: Addresses) -> None:
    """Raises UnknownTarget for an address below our base that names nothing, MalformedAnnotation for what is no IRI."""
    if addresses.path_of(iri) is not None:
        raise UnknownTarget(
            f"{iri[:200]!r} is no address of a canvas, image, segment, specimen, annotation or other thing of {addresses.base}.",
            parameter="target",
        )
    if not is_iri(iri):
        raise MalformedAnnotation("A target must be an IRI.", parameter="target", spec="Web Annotation Data Model, 3.2.1")


def _refuse_region(iri: str, selector: Any, fragment: str) -> None:
    """Selectors of text are kept as they were sent; regions are only of images."""
    types = [one.get("type") for one in (selector if isinstance(selector, list) else [selector]) if isinstance(one, Mapping)]
    if fragment or any(name in REGION_SELECTORS for name in types) or not isinstance(selector, list | Mapping | None):
        raise UnknownTarget(f"Only a canvas or an image has regions; {iri[:200]} is neither.", parameter="target")


def _segment(session: Session, position: int, named: Named, asking: _Asking) -> tuple[Named, str]:
    """The segment with its image, and where its canvas lies on that: now, or for a target that stays, when that was placed.

    Raises UnknownTarget, also for one that has ended, about which nothing new is said.
    """
    row = segments.find(session, named.segment_key)
    placed = asking.placed.get(position)
    if row is None:
        raise UnknownTarget(f"There is no segment {named.segment_key!r} here.", parameter="target")
    if placed is not None and placed.key == row.key:
        return replace(named, media_key=row.media_key), placed.frame
    if not row.live:
        successors = f"; see {', '.join(map(asking.addresses.pid, row.successors))}" if row.successors else ""
        raise UnknownTarget(f"Segment {row.key!r} has ended ({row.state}){successors}.", parameter="target")
    return replace(named, media_key=row.media_key), f"{row.x},{row.y},{row.width},{row.height}"


def _on_image(
    session: Session, position: int, named: Named, selected: frames.Selected, asking: _Asking, part: str = ""
) -> ResolvedTarget:
    media = _ready(session, named, asking)
    frame = frames.of(named, Canvas(media.width_px, media.height_px), part)
    region = frame.region(selected)
    box = None if region is None else region.box
    places = places_on(session, media.key, box)
    return _at(position, named, places or [Place(media.key, media.specimen_key, box)], region, part)


def _ready(session: Session, named: Named, asking: _Asking) -> Media:
    """The image. Raises UnknownMedia, UnknownTarget, Closed, NotYours."""
    media = catalogue.get_media(session, named.media_key)
    view_of(media, asking.by)
    if named.specimen_key and media.key not in asking.images and not asking.stored:
        shown = catalogue.specimens_of_media(session, [media.key])[media.key]
        if all(named.specimen_key != one.specimen_key for one in shown):
            raise UnknownTarget(f"Specimen {named.specimen_key!r} has no image {media.key!r}.", parameter="target")
    if media.state != "ready" and not (asking.stored and media.width_px):
        raise UnknownTarget(f"Image {media.key!r} has no canvas yet: it is {media.state}.", parameter="target")
    return media


def _places(session: Session, named: Named, asking: _Asking) -> Sequence[Place]:
    """Image, specimen and box of each place that a thing lies on that is no image. Raises NotFound, UnknownTarget."""
    if named.kind == "annotation":
        return _places_of_annotation(session, named, asking)
    if named.kind == "specimen":
        return [Place("", catalogue.get_specimen(session, named.key).key)]
    if named.kind == "resource":
        return _places_of_resource(session, named, asking)
    exists = _recognised.get(named.kind)
    if exists is None or not exists(session, named.key):
        raise UnknownTarget(f"There is no {named.kind} {named.key[:64]!r} here.", parameter="target")
    return []


def _places_of_resource(session: Session, named: Named, asking: _Asking) -> Sequence[Place]:
    if named.segment_key:
        of_segment, frame = _segment(session, -1, named, asking)
        media = _ready(session, of_segment, asking)
        x, y, width, height = frames.corners("", frame)
        return places_on(session, media.key, CanvasBox(x, y, x + width, y + height))
    if named.media_key:
        media = _ready(session, named, asking)
        return places_on(session, media.key, None)
    if named.specimen_key:
        return [Place("", catalogue.get_specimen(session, named.specimen_key).key)]
    name = named.key.rpartition("/")[2].removesuffix(".json")
    if name.removeprefix("segments-") in CLASSES:
        return []
    if not presentation.has_collection(session, name):
        raise UnknownTarget(f"There is no collection {name[:64]!r} here.", parameter="target")
    return []


def _places_of_annotation(session: Session, named: Named, asking: _Asking) -> Sequence[Place]:
    """Where the annotation lies, or lay before it was deleted. It is locked: what it is about moves only before or after."""
    if named.key == asking.itself:
        raise UnknownTarget("An annotation cannot be about itself.", parameter="target")
    row = store.find(session, named.key, lock=not asking.stored)
    if row is None:
        raise UnknownTarget(f"There is no annotation {named.key[:64]!r} here.", parameter="target")
    if not store.shows(session, named.key, asking.by):
        raise refusal(f"The annotation {named.key} is about an image that is not public", asking.by)
    if not store.stands(row) and named.key not in asking.known and not asking.stored:
        how = "deleted" if row.deleted_at is not None else "withdrawn with its run"
        raise UnknownTarget(f"Annotation {named.key!r} was {how}: nothing new can be said about it.", parameter="target")
    if named.version and store.find_version(session, named.key, named.version) is None:
        raise UnknownTarget(f"Annotation {named.key!r} has no version {named.version}.", parameter="target")
    return places_of([store.target(target) for target in row.targets])


def places_of(targets: Sequence[Target]) -> Sequence[Place]:
    """Each place of these targets, once."""
    places = map(Place.of, targets)
    return list(dict.fromkeys(place for place in places if place.media_key or place.specimen_key))


def _at(position: int, named: Named, places: Sequence[Place], region: Region | None = None, frame: str = "") -> ResolvedTarget:
    of = Target(position, named.kind, named.key, named.version, "", "", None, frame=frame)
    return ResolvedTarget(lying(of, places), region)


def lying(target: Target, places: Sequence[Place]) -> tuple[Target, ...]:
    """The target once for each of those places; once without a place where there is none."""
    of = (target.position, target.kind, target.key, target.version)
    found = places or [NOWHERE]
    return tuple(Target(*of, place.media_key, place.specimen_key, place.box, place.whole, target.frame) for place in found)
