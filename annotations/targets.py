"""What an annotation is about: its `target`, resolved to the specimen, image and region here that it names."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations import selectors, store
from annotations.errors import AnnotationTooBig, MalformedAnnotation, UnknownTarget
from annotations.selectors import Canvas, Region
from app.runtime.addresses import Addresses, Named
from app.runtime.errors import NotFound
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Media
from iiif.catalogue.visibility import view_of

MAX_TARGETS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A resolved target: `media_key` is empty for a whole specimen, `region` None for the whole of it."""

    specimen_key: str
    media_key: str
    region: Region | None


def resolve(session: Session, target: Any, addresses: Addresses, by: Principal) -> Place:
    """Where the annotation belongs: its first target. Every target is checked, and must be one that `by` sees.

    Raises:
        MalformedAnnotation: the target is no IRI, no resource and no list of them.
        UnknownTarget: it is no canvas, image, manifest, specimen or annotation of ours, or the image is not ready.
        BadSelector, AnnotationTooBig: a selector cannot be read.
        SelectorOutsideCanvas: a region reaches past the edge.
        Closed, NotYours: it is about an image that is closed to `by`.
    """
    several = target if isinstance(target, list) else [target]
    if not several:
        raise MalformedAnnotation("An annotation needs a target.", parameter="target", spec="Web Annotation Data Model, 3.1")
    if len(several) > MAX_TARGETS:
        raise AnnotationTooBig(f"An annotation may have up to {MAX_TARGETS} targets.", parameter="target")
    return [_resolve_one(session, one, addresses, by) for one in several][0]  # noqa: RUF015 - all must be checked


def iri_of(target: Any) -> str:
    """The IRI of one target or of its source, with its fragment. Raises MalformedAnnotation."""
    found = target
    if isinstance(target, Mapping):
        found = target.get("source", target.get("id"))
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, Mapping):
            found = found.get("id")
    if not isinstance(found, str) or not found:
        raise MalformedAnnotation(
            "A target must be an IRI, or an object with a source or an id.",
            parameter="target",
            spec="Web Annotation Data Model, 3.2",
        )
    return found


def media_named(session: Session, target: Any, addresses: Addresses) -> set[str]:
    """The keys of all images that a target of a stored document is about, as it names them now."""
    keys = set()
    for one in target if isinstance(target, list) else [target]:
        named = addresses.identify(iri_of(one).partition("#")[0])
        if named is not None and named.kind == "media":
            keys.add(named.key)
        elif named is not None and named.kind == "annotation" and (row := store.find(session, named.key)) is not None:
            keys.add(row.media_key)
    return keys - {""}


def _resolve_one(session: Session, target: Any, addresses: Addresses, by: Principal) -> Place:
    iri, _, fragment = iri_of(target).partition("#")
    place, canvas = _thing(session, iri, addresses, by)
    selector = target.get("selector") if isinstance(target, Mapping) else None
    if canvas is None:
        if fragment or selector is not None:
            raise UnknownTarget(f"Only a canvas or an image has regions; {iri[:200]} is neither.", parameter="target")
        return place
    region = selectors.read(selector, canvas)
    if fragment:
        region = region or selectors.read_fragment(fragment, canvas)
    if region is not None:
        selectors.check_within(region, canvas)
    return Place(place.specimen_key, place.media_key, region)


def _thing(session: Session, iri: str, addresses: Addresses, by: Principal) -> tuple[Place, Canvas | None]:
    """The specimen or image of that IRI, and its canvas where it has one."""
    named = addresses.identify(iri)
    try:
        match named:
            case Named("specimen", key):
                return Place(catalogue.get_specimen(session, key).key, "", None), None
            case Named("media", key, specimen_key):
                media = catalogue.get_media(session, key)
                view_of(media, by)
                if specimen_key in ("", media.specimen_key):
                    return _canvas(media)
            case Named("annotation", key):
                row = store.find(session, key)
                if row is not None and store.stands(row):
                    return Place(row.specimen_key, row.media_key, None), None
    except NotFound as missing:
        raise UnknownTarget(f"There is no {iri[:200]} here.", parameter="target") from missing
    raise UnknownTarget(
        f"The target must be a canvas, image, specimen or annotation of {addresses.base}, not {iri[:200]!r}.", parameter="target"
    )


def _canvas(media: Media) -> tuple[Place, Canvas]:
    if media.state != "ready":
        raise UnknownTarget(f"Image {media.key!r} has no canvas yet: it is {media.state}.", parameter="target")
    return Place(media.specimen_key, media.key, None), Canvas(media.width_px, media.height_px)
