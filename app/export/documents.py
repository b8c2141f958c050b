"""The documents of an export: manifests, annotation pages, a collection, and a page of links for people.

They are those of the running hub with other addresses, less what needs a server; what still leads back to the hub is the
persistent identifier of the specimen, as `seeAlso`.
"""

import html
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations import annotation_pages
from annotations.model import LAYERS
from app.export import images, removal
from app.export.folder import Folder
from app.export.images import ExportedPicture
from app.runtime.addresses import Addresses
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import places
from iiif.catalogue.model import Media, Specimen
from iiif.image.request import SizeLimits
from iiif.presentation import manifest
from iiif.presentation.manifest import CONTEXT, Publisher
from iiif.presentation.model import CanvasView, ManifestExtras

STYLE = (
    "body{font:1rem/1.5 sans-serif;margin:2rem auto;max-width:60rem;padding:0 1rem}"
    "li{margin:.5rem 0}img{max-height:8rem;vertical-align:middle}"
)


class StaticAddresses(Addresses):
    """Addresses of files. They are the hub's, but for the ending that an annotation needs to be known as JSON."""

    def annotation(self, key: str) -> str:
        return f"{super().annotation(key)}.json"


@dataclass(frozen=True, slots=True)
class ExportedManifest:
    """A manifest of the export, as the collection names it; the picture's address begins with the base URL, too.

    `named` are the addresses of its images, of their pages of annotations and of its pictures of segments.
    """

    address: str
    label: str
    picture: str
    reference: dict[str, Any]
    named: frozenset[str]
    is_segment: bool


def manifest_of(
    specimen: Specimen,
    views: Sequence[CanvasView],
    extras: ManifestExtras,
    addresses: Addresses,
    publisher: Publisher,
    pid: str,
    limits: SizeLimits,
) -> dict[str, Any]:
    """`views` are the canvases of the images that are exported; `pid` is the address of the specimen at the hub."""
    shown = manifest.build(specimen, views, extras, by=NOBODY, addresses=addresses, publisher=publisher)
    for name in ("homepage", "partOf", "service"):
        shown.pop(name, None)
    if specimen.changes:  # who accepted them, and from what, is told at the hub
        at_hub = Addresses(pid.partition("/ark:")[0], addresses.naan)
        shown["metadata"] = manifest.metadata(places.as_seen(specimen, NOBODY), at_hub)
    shown["seeAlso"] = [{"id": pid, "type": "Dataset", "label": {"en": ["Specimen record"]}, "format": "application/ld+json"}]
    for canvas, view in zip(shown["items"], views, strict=True):
        image, painting = addresses.image(view.media.key), canvas["items"][0]["items"][0]
        canvas.pop("seeAlso", None)
        if view.segment is not None:
            large, small = images.of_segment(view.segment, limits)
            painting["body"], canvas["thumbnail"] = picture(image, large), [picture(image, small)]
            continue
        for thumbnail in canvas["thumbnail"]:
            thumbnail["service"] = [_service(service["id"]) for service in thumbnail["service"]]
        painting["body"]["service"] = [_service(image)]
    shown["thumbnail"] = shown["items"][0]["thumbnail"]
    return shown


def picture(image: str, picture: ExportedPicture) -> dict[str, Any]:
    """A file by itself: a segment has no image service in an export, whose addresses are names of files."""
    size = {"width": picture.width, "height": picture.height}
    return {"id": f"{image}/{picture.name}", "type": "Image", "format": "image/jpeg", **size}


def _service(address: str) -> dict[str, Any]:
    return {"id": address, "type": "ImageService3", "profile": "level0"}


def write_annotations(
    session: Session,
    folder: Folder,
    extras: ManifestExtras,
    media: Media,
    specimen_key: str,
    addresses: Addresses,
    by: Principal,
) -> None:
    """A page per layer that the manifest of the specimen names, and each annotation that `by` sees at its own address, on
    the canonical canvas; what is not said any more goes."""
    under = "" if media.specimen_key == specimen_key else specimen_key
    named = {reference["id"] for reference in extras.canvas_annotations.get(media.key, ())}
    for layer in LAYERS:
        address = addresses.annotation_page(media.key, layer, under)
        if address not in named:
            removal.remove_pages(session, folder, [address], addresses, by)
            continue
        before = removal.on_page(folder, address)
        page = annotation_pages.of_canvas(session, media.key, layer, addresses, by)
        for annotation in page["items"]:
            folder.write_json(annotation["id"], {"@context": page["@context"], **annotation})
        if under:
            page = annotation_pages.of_canvas(session, media.key, layer, addresses, by, under)
        folder.write_json(address, page)
        now = {annotation["id"] for annotation in page["items"]}
        removal.remove_unshown(session, folder, before - now, addresses, by)


def entries(folder: Folder, addresses: Addresses) -> list[ExportedManifest]:
    """Every manifest that is in the folder, of specimens and of segments, from this run or an earlier one, by label."""
    found = []
    for path in folder.path(f"{folder.base}/iiif/presentation/3").glob("*/manifest.json"):
        found.append(_entry(json.loads(path.read_text(encoding="utf-8")), addresses))
    return sorted(found, key=lambda entry: (entry.label, entry.address))


def pictures_of(folder: Folder, address: str) -> set[str]:
    """The addresses of the pictures of segments that the manifest at that address shows, if it is in the folder."""
    path = folder.path(address)
    shown = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"items": []}
    return {picture for canvas in shown["items"] for picture in _pictures(canvas)}


def _pictures(canvas: Mapping[str, Any]) -> set[str]:
    """Those of a segment; what has a service belongs to the whole image."""
    shown = (canvas["items"][0]["items"][0]["body"], *canvas["thumbnail"])
    return {picture["id"] for picture in shown if "service" not in picture}


def _entry(shown: Mapping[str, Any], addresses: Addresses) -> ExportedManifest:
    reference = {name: shown[name] for name in ("id", "type", "label", "thumbnail")}
    label = "; ".join(text for texts in shown["label"].values() for text in texts)
    named = set()
    for canvas in shown["items"]:
        if (of := addresses.identify(canvas["id"])) is not None and of.media_key:
            named.add(addresses.image(of.media_key))
        named |= _pictures(canvas) | {page["id"] for page in canvas.get("annotations", ())}
    of_it = addresses.identify(shown["id"])
    return ExportedManifest(
        shown["id"], label, shown["thumbnail"][0]["id"], reference, frozenset(named), bool(of_it and of_it.segment_key)
    )


def collection(listed: Sequence[ExportedManifest], address: str, publisher: Publisher) -> dict[str, Any]:
    """The collection of all manifests of the export."""
    return {
        "@context": CONTEXT,
        "id": address,
        "type": "Collection",
        "label": {"en": [publisher.name]},
        "provider": [manifest.provider(publisher)],
        "items": [entry.reference for entry in listed],
    }


def index_page(listed: Sequence[ExportedManifest], base: str, collection_address: str, publisher: Publisher) -> bytes:
    """Links to copy into a viewer; it needs no script, and its own links are relative."""

    def link(address: str, text: str) -> str:
        return f'<a href="{html.escape(address.removeprefix(f"{base}/"))}">{text}</a>'

    rows = [
        f'<li><img src="{html.escape(entry.picture.removeprefix(f"{base}/"))}" alt="" loading="lazy"> '
        f"{html.escape(entry.label)}: {link(entry.address, 'manifest')}</li>"
        for entry in listed
    ]
    title = html.escape(publisher.name)
    whole = f"<p>{link(collection_address, 'Collection of all')}</p>" if collection_address else ""
    return (
        f'<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{title}</title><style>{STYLE}</style></head>\n<body><h1>{title}</h1>"
        f"<p>IIIF manifests; open their addresses in any viewer.</p>{whole}\n<ul>\n" + "\n".join(rows) + "\n</ul></body></html>\n"
    ).encode()
