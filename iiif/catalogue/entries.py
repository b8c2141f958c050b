"""New specimens and images: what their rows hold, and many of them entered in a few statements."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.runtime import ids, outbox
from iiif.catalogue import store
from iiif.catalogue.identity import bounded, folded_number, identities_of
from iiif.catalogue.jobs import DeriveImage
from iiif.catalogue.model import Media

LONGEST_NAME = 600  # characters: PostgreSQL indexes no value of more than 2,704 bytes


@dataclass(frozen=True, slots=True)
class SpecimenDraft:
    """A specimen as its source gave it; terms as in `Specimen`.

    `identity` is what it is recognised by where its record has no identifier and its source names it otherwise (a manifest's
    address); empty for what the record gives (`identity.py`).
    """

    catalog_number: str
    interpreted: Mapping[str, str]
    verbatim: Mapping[str, str]
    source: str
    identity: str = ""


@dataclass(frozen=True, slots=True)
class MediaDraft:
    """An image whose master already lies among the blobs."""

    specimen_key: str
    sha256: str
    byte_size: int
    format: str
    file_name: str
    rights: str = ""
    rights_holder: str = ""
    creator: str = ""


def specimen_values(draft: SpecimenDraft, naan: str, at: datetime) -> dict[str, Any]:
    """The row of a new specimen."""
    return {
        "key": ids.new_key(ids.SPECIMEN, naan),
        "identity": bounded(draft.identity) if draft.identity else identities_of(draft.interpreted, draft.catalog_number)[0],
        "version": 1,
        "catalog_number": draft.catalog_number,
        "folded_number": folded_number(draft.catalog_number),
        "institution_code": draft.interpreted.get("institutionCode", ""),
        "collection_code": draft.interpreted.get("collectionCode", ""),
        "scientific_name": draft.interpreted.get("scientificName", "")[:LONGEST_NAME],
        "interpreted": dict(draft.interpreted),
        "verbatim": dict(draft.verbatim),
        "source": draft.source,
        "created_at": at,
        "updated_at": at,
    }


def media_values(draft: MediaDraft, specimen_key: str, sequence: int, naan: str, at: datetime) -> dict[str, Any]:
    """The row of a new image, which is pending; `sequence` among those of its home specimen."""
    return {
        "key": ids.new_key(ids.MEDIA, naan),
        "specimen_key": specimen_key,
        "version": 1,
        "sequence": sequence,
        "sha256": draft.sha256,
        "byte_size": draft.byte_size,
        "format": draft.format,
        "width_px": 0,
        "height_px": 0,
        "exif_orientation": 1,
        "icc_profile": "",
        "file_name": draft.file_name,
        "rights": draft.rights,
        "rights_holder": draft.rights_holder,
        "creator": draft.creator,
        "state": "pending",
        "state_reason": "",
        "pyramid_sha256": "",
        "derivative_version": 0,
        "access": "open",
        "created_at": at,
    }


def add_new(
    session: Session, news: Sequence[tuple[SpecimenDraft, Sequence[MediaDraft]]], *, naan: str, at: datetime
) -> tuple[Media, ...]:
    """Enter many specimens that are known to be new, each with images that are, in a few statements; the images.

    The images' own `specimen_key` is not heeded. Raises IntegrityError where one is here after all.
    """
    specimens: list[dict[str, Any]] = []
    media: list[dict[str, Any]] = []
    added: list[Media] = []
    for draft, images in news:
        specimen = specimen_values(draft, naan, at)
        specimens.append(specimen)
        for sequence, image in enumerate(images, 1):
            row = media_values(image, specimen["key"], sequence, naan, at)
            media.append(row)
            codes = {name: specimen[name] for name in ("institution_code", "collection_code")}
            added.append(Media(**row, **codes))
    store.insert_specimens(session, specimens)
    store.insert_media(session, media)
    outbox.touch_all(session, "specimen", [row["key"] for row in specimens])
    outbox.add_all(session, [DeriveImage(row["key"]) for row in media])
    return tuple(added)
