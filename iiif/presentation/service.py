"""Which manifests, canvases and collections there are.

Collections: a long one is divided by the next character of its specimens' keys, which are random and so divide evenly. Each
collection thus has at most 29 parts or one page of manifests, keeps its address while specimens come in, and costs the
same at any size (Presentation 3 has no paging of its own).
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import ids
from app.runtime.addresses import Addresses
from app.runtime.principal import Principal
from iiif.catalogue import service as catalogue
from iiif.catalogue.model import Specimen
from iiif.image.service import segment_of, thumbnail
from iiif.presentation import manifest
from iiif.presentation.canvases import canvas_view, canvas_views, ready_media
from iiif.presentation.errors import NoManifest, UnknownCollection
from iiif.presentation.manifest import CONTEXT, Publisher
from iiif.presentation.model import ExtrasOf

TOP, BRANCH = "top", "keys-"


def get_manifest(
    session: Session, key: str, extras_of: ExtrasOf, *, by: Principal, addresses: Addresses, publisher: Publisher
) -> dict[str, Any]:
    """As `by` sees it. Raises UnknownSpecimen, NoManifest."""
    specimen = catalogue.get_specimen(session, key)
    media = ready_media(session, key)
    if not media:
        raise NoManifest(f"Specimen {key!r} has no image that is ready, so it has no manifest yet.")
    extras, namesakes = extras_of(session, specimen, media, by), catalogue.same_number(session, specimen)
    views = canvas_views(session, key, media, by)
    return manifest.build(specimen, views, extras, by=by, namesakes=namesakes, addresses=addresses, publisher=publisher)


def get_canvas(
    session: Session, key: str, name: str, extras_of: ExtrasOf, *, by: Principal, addresses: Addresses
) -> dict[str, Any]:
    """The canvas as it is in its manifest, with context and partOf.

    Raises UnknownSpecimen, UnknownMedia, UnknownDepiction, OutsideImage, NoManifest, Closed, NotYours.
    """
    specimen, view = catalogue.get_specimen(session, key), canvas_view(session, key, name, by, addresses.naan)
    shown = manifest.canvas(specimen, view, extras_of(session, specimen, (view.media,), by), addresses)
    return {"@context": CONTEXT, **shown, "partOf": [{"id": addresses.manifest(key), "type": "Manifest"}]}


def get_painting_page(session: Session, key: str, name: str, *, by: Principal, addresses: Addresses) -> dict[str, Any]:
    """The canvas's page of painting. Raises as get_canvas does."""
    specimen, view = catalogue.get_specimen(session, key), canvas_view(session, key, name, by, addresses.naan)
    return {"@context": CONTEXT, **manifest.painting_page(specimen, view, addresses)}


def get_collection(
    session: Session, name: str, *, by: Principal, addresses: Addresses, publisher: Publisher, page_size: int
) -> dict[str, Any]:
    """The collection `top` or a part of it. Raises UnknownCollection."""
    prefix = _prefix(name)
    found = _of_prefix(session, prefix, page_size + 1)
    if not found and name != TOP:
        raise UnknownCollection(f"There is no collection {name[:40]!r} here.")
    if len(found) > page_size and len(prefix) < len(found[0].key):
        items = [_branch(prefix + char, addresses) for char in ids.ALPHABET if _of_prefix(session, prefix + char, 1)]
    else:
        items = _manifests(session, found, by, addresses)
    label = publisher.name if name == TOP else f"{publisher.name}: specimens {prefix}…"
    shown: dict[str, Any] = {
        "@context": CONTEXT,
        "id": addresses.collection(name),
        "type": "Collection",
        "label": {"en": [label]},
    }
    if name != TOP:
        above = TOP if len(prefix) <= len(ids.SPECIMEN) + 1 else BRANCH + prefix[:-1]
        shown["partOf"] = [{"id": addresses.collection(above), "type": "Collection"}]
    return {**shown, "provider": [manifest.provider(publisher)], "items": items}


def has_collection(session: Session, name: str) -> bool:
    """Whether there is a collection of that name."""
    try:
        return name == TOP or bool(_of_prefix(session, _prefix(name), 1))
    except UnknownCollection:
        return False


def _prefix(name: str) -> str:
    if name == TOP:
        return ids.SPECIMEN
    prefix = name.removeprefix(BRANCH)
    known = name.startswith(BRANCH + ids.SPECIMEN) and len(ids.SPECIMEN) < len(prefix) <= 12
    if not known or any(char not in ids.ALPHABET for char in prefix[1:]):
        raise UnknownCollection(f"There is no collection {name[:40]!r} here.")
    return prefix


def _of_prefix(session: Session, prefix: str, limit: int) -> list[Specimen]:
    found = catalogue.list_specimens(session, after=prefix, limit=limit)
    return [specimen for specimen in found if specimen.key.startswith(prefix)]


def _branch(prefix: str, addresses: Addresses) -> dict[str, Any]:
    return {"id": addresses.collection(BRANCH + prefix), "type": "Collection", "label": {"en": [f"Specimens {prefix}…"]}}


def _manifests(session: Session, specimens: Sequence[Specimen], by: Principal, addresses: Addresses) -> list[dict[str, Any]]:
    """References to the manifests of those that have an image ready."""
    keys = [specimen.key for specimen in specimens]
    media, regions = catalogue.media_of_many(session, keys), catalogue.own_regions(session, keys)
    items = []
    for specimen in specimens:
        ready = [one for one in media[specimen.key] if one.state == "ready"]
        if ready:
            own = [(one, segment_of(one, regions.get((specimen.key, one.key)))) for one in ready]
            pictures = [picture for one, segment in own if (picture := thumbnail(addresses, one, by, segment=segment))][:1]
            label = {"en": [manifest.title(specimen)]}
            item = {"id": addresses.manifest(specimen.key), "type": "Manifest", "label": label}
            items.append(item | ({"thumbnail": pictures} if pictures else {}))
    return items
