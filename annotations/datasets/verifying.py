"""Proof that a version is what it was: its manifest, its files, its statements, and that no group was parted.

What was closed since is *withheld*, which is no damage. A copy that was taken away proves itself by its own `manifest.sha256`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from annotations.datasets import canonical, manifest, service, store
from annotations.datasets.model import AnnotationMember, ImageMember, Version
from annotations.tables import AnnotationVersionRow
from app.runtime.blobs import Blobs, sha256_of
from app.runtime.context import Runtime
from iiif.catalogue import service as catalogue

PAGE = 500
Member = TypeVar("Member", ImageMember, AnnotationMember)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is so: `fault` is true where it should not be. `key` names the member, empty for the version as a whole."""

    sentence: str
    key: str = ""
    fault: bool = True


def verify(runtime: Runtime, key: str, number: int, *, deep: bool = False) -> Iterator[Finding]:
    """Everything that is wrong with a version, or withheld; `deep` reads every file. Raises UnknownDataset, WithdrawnVersion."""
    with runtime.reads.begin() as session:
        version = service.get_standing(session, key, number)
        sealed = manifest.seal(manifest.lines(session, key, number, version.told, runtime.settings.naan))
        if sealed.content_id != version.content_id:
            said = f"It is {sealed.content_id}, and the version says {version.content_id}"
            yield Finding(f"The manifest is not the one that was frozen. {said}.")
        yield from _parted(session, version)
        yield from _counts(session, version)
    with runtime.reads.begin() as session:
        for images in batches(store.images(session, key, number)):
            yield from _images(session, runtime.blobs, images, deep=deep)
        for annotations in batches(store.annotations(session, key, number)):
            yield from _statements(session, annotations)


def leaks(session: Session, version: Version) -> Iterator[tuple[str, list[str]]]:
    """(group, its splits) of each group that lies in several."""
    splits: dict[str, set[str]] = {}
    for image in store.images(session, version.key, version.number):
        splits.setdefault(image.group_id, set()).add(image.split)
    return ((group, sorted(of)) for group, of in splits.items() if len(of) > 1)


def _parted(session: Session, version: Version) -> Iterator[Finding]:
    for group, splits in leaks(session, version):
        yield Finding(f"The group {group} lies in several splits: {', '.join(splits)}.")


def _counts(session: Session, version: Version) -> Iterator[Finding]:
    """Whether licences and attribution add up to the number of images."""
    images = sum(number for *_, number in store.rights_counts(session, version.key, version.number))
    counted = store.counts(session, version.key, version.number)
    for name in ("images", "annotations"):
        if counted[name] != version.summary[name]:
            yield Finding(f"It holds {counted[name]} {name}, and was frozen with {version.summary[name]}.")
    if images != counted["images"]:
        yield Finding(f"Licences are counted of {images} images, and it holds {counted['images']}.")


def _images(session: Session, blobs: Blobs, images: list[ImageMember], *, deep: bool) -> Iterator[Finding]:
    now = catalogue.media_by_key(session, [one.media_key for one in images])
    for image in images:
        if image.access != "open":
            continue
        media = now.get(image.media_key)
        if media is not None and media.access != "open":
            yield Finding(f"The image is {media.access} now, and withheld.", image.media_key, fault=False)
        try:
            sound = blobs.size(image.sha256) == image.byte_size
            if sound and deep:
                with blobs.open(image.sha256) as stream:
                    sound = sha256_of(stream) == image.sha256
        except FileNotFoundError:
            yield Finding("The file of the image is lost.", image.media_key)
            continue
        if not sound:
            yield Finding("The file of the image is damaged: it holds other bytes.", image.media_key)


def documents(session: Session, annotations: Sequence[AnnotationMember]) -> dict[tuple[str, int], dict[str, Any]]:
    """The documents of these versions by (key, version); what is lost is not among them."""
    row, versions = AnnotationVersionRow, {one.version for one in annotations}
    some = (row.key.in_([one.annotation_key for one in annotations]), row.version.in_(versions))
    found = session.execute(select(row.key, row.version, row.document).where(*some))
    return {(key, version): document for key, version, document in found if document is not None}


def _statements(session: Session, annotations: list[AnnotationMember]) -> Iterator[Finding]:
    """Whether every document is the one that was frozen."""
    found = documents(session, annotations)
    for one in annotations:
        document = found.get((one.annotation_key, one.version))
        if document is None:
            yield Finding(f"Version {one.version} of the annotation is lost.", one.annotation_key)
        elif canonical.digest(document) != one.sha256:
            yield Finding(f"Version {one.version} of the annotation is not the one that was frozen.", one.annotation_key)


def batches(members: Iterator[Member]) -> Iterator[list[Member]]:
    """Lists of up to PAGE of them."""
    page: list[Member] = []
    for member in members:
        page.append(member)
        if len(page) == PAGE:
            yield page
            page = []
    if page:
        yield page
