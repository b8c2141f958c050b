"""The manifest of a version, `members.jsonl`: what it is made of, one thing a line, in one form only.

UTF-8, LF, one JSON object a line in canonical form (`canonical`): first the class table and the split rule, then the images, then
the annotations, each by the bytes of their keys. It holds no date, no host and no number of a version, so that its SHA-256 is the
same for the same content anywhere: it is the content id of the version.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy.orm import Session

from annotations.datasets import canonical, store
from annotations.datasets.model import AnnotationMember, ImageMember
from app.runtime import ids

FORM = 1  # of the manifest; to be counted up when its lines change


def lines(session: Session, key: str, number: int, told: Mapping[str, Any], naan: str) -> Iterator[bytes]:
    """Its lines, in a stream; `told` is that of the version."""
    yield canonical.encoded(head(told)) + b"\n"
    for image in store.images(session, key, number):
        yield canonical.encoded(of_image(image, naan)) + b"\n"
    hidden = store.images_in(session, key, number, told["split"]["hidden"])
    for annotation in store.annotations(session, key, number):
        line = of_hidden(annotation, naan) if annotation.media_key in hidden else of_annotation(annotation, naan)
        yield canonical.encoded(line) + b"\n"


def head(told: Mapping[str, Any]) -> dict[str, Any]:
    """The first line."""
    return {"type": "dataset", "form": FORM, "classes": told["classes"], "split": told["split"]}


def of_image(image: ImageMember, naan: str) -> dict[str, Any]:
    """The line of an image."""
    return {
        "type": "image",
        "id": ids.ark(image.media_key, naan),
        "sha256": image.sha256,
        "size": image.byte_size,
        "crc32": image.crc32,
        "mediaType": image.media_type,
        "width": image.width_px,
        "height": image.height_px,
        "specimen": ids.ark(image.specimen_key, naan),
        "recordVersion": image.record_version,
        "licence": image.licence,
        "rights": image.rights,
        "holder": image.holder,
        "creator": image.creator,
        "access": image.access,
        "group": image.group_id,
        "split": image.split,
    }


def of_annotation(annotation: AnnotationMember, naan: str) -> dict[str, Any]:
    """The line of an annotation."""
    return {
        "type": "annotation",
        "id": annotation.annotation_key,
        "version": annotation.version,
        "image": ids.ark(annotation.media_key, naan),
        "sha256": annotation.sha256,
        "class": annotation.class_name,
    }


def of_hidden(annotation: AnnotationMember, naan: str) -> dict[str, Any]:
    """The line of an annotation on an image of which the labels are hidden: that there is one, and its digest."""
    image = ids.ark(annotation.media_key, naan)
    return {"type": "annotation", "hidden": True, "image": image, "sha256": annotation.sha256}


@dataclass(frozen=True, slots=True)
class Sealed:
    """The SHA-256 of a manifest in hexadecimal, and its length."""

    content_id: str
    byte_size: int


def seal(manifest: Iterable[bytes]) -> Sealed:
    digest, size = hashlib.sha256(), 0
    for line in manifest:
        digest.update(line)
        size += len(line)
    return Sealed(digest.hexdigest(), size)
