"""What goes from an export: images, pages of annotations and pictures of segments that no manifest in the folder names any more.

A single annotation stays as long as a page in the folder shows it.
"""

import json
from collections.abc import Collection, Iterable

from sqlalchemy.orm import Session

from annotations import service as annotations
from annotations.model import LAYERS
from app.export import images
from app.export.folder import Folder
from app.runtime.addresses import Addresses
from app.runtime.errors import DomainError
from app.runtime.principal import Principal


def remove_unnamed(
    session: Session, folder: Folder, named: Collection[str], pictures: Iterable[str], addresses: Addresses, by: Principal
) -> None:
    """`named` are the addresses of images, pages and pictures in all manifests of the folder, `pictures` those of segments that
    manifests showed before."""
    for path in folder.path(addresses.image("")).glob("*"):
        if addresses.image(path.name) not in named:
            folder.remove_image(path.name, addresses.image(path.name))
    for path in folder.path(f"{folder.base}/canvases").glob("*"):
        pages = [page for page in pages_of(folder, path.name, addresses) if page not in named]
        remove_pages(session, folder, pages, addresses, by)
    for picture in pictures:
        if picture not in named and not _is_promised(folder, picture, addresses):
            folder.remove(picture)


def pages_of(folder: Folder, media_key: str, addresses: Addresses) -> list[str]:
    """The addresses of all pages of annotations of that image in the folder."""
    found = []
    for layer in LAYERS:
        address = addresses.annotation_page(media_key, layer)
        found += [address] if folder.path(address).is_file() else []
        under = folder.path(address.removesuffix(".json")).glob("*.json")
        found += [addresses.annotation_page(media_key, layer, path.stem) for path in under]
    return found


def remove_pages(session: Session, folder: Folder, pages: Iterable[str], addresses: Addresses, by: Principal) -> None:
    """With the annotations on them that are shown nowhere else."""
    gone: set[str] = set()
    for page in pages:
        gone.update(on_page(folder, page))
        folder.remove(page)
    remove_unshown(session, folder, gone, addresses, by)


def remove_unshown(session: Session, folder: Folder, iris: Iterable[str], addresses: Addresses, by: Principal) -> None:
    """Those of the annotations that `by` does not see any more, or that no page in the folder shows."""
    shown: dict[str, set[str]] = {}  # by image
    for iri in iris:
        images_of_it = _images(session, iri, by)
        for key in images_of_it - shown.keys():
            shown[key] = {one for page in pages_of(folder, key, addresses) for one in on_page(folder, page)}
        if not any(iri in shown[key] for key in images_of_it):
            folder.remove(iri)


def on_page(folder: Folder, address: str) -> set[str]:
    """The addresses of the annotations on a page in the folder; none where it is not there."""
    path = folder.path(address)
    return {one["id"] for one in json.loads(path.read_text(encoding="utf-8"))["items"]} if path.is_file() else set()


def _images(session: Session, iri: str, by: Principal) -> set[str]:
    """The images that the annotation of that address is about; none where `by` does not see it any more."""
    try:
        found = annotations.get(session, iri.rpartition("/")[2].removesuffix(".json"), by=by)
    except DomainError:
        return set()
    return {target.media_key for target in found.targets} - {""}


def _is_promised(folder: Folder, picture: str, addresses: Addresses) -> bool:
    """Whether the picture of a segment is a tile of its image, too."""
    named = addresses.identify(picture)
    image = addresses.image(named.media_key) if named is not None else ""
    info = folder.path(f"{image}/info.json")
    if not image or not info.is_file():
        return False
    document = json.loads(info.read_text(encoding="utf-8"))
    return any(picture == f"{image}/{one.name}" for one in images.promised(document))
