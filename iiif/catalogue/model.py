"""What the catalogue hands out: frozen values, never rows."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

MediaState = Literal["pending", "ready", "failed"]
Access = Literal["open", "reduced", "closed"]


@dataclass(frozen=True, slots=True)
class Specimen:
    """A preserved specimen.

    `interpreted` holds Darwin Core terms under their camelCase names, cleaned; `verbatim` what the source said, to the
    letter, under the source's own column names. A term that is missing in both was not given.
    """

    key: str
    version: int
    catalog_number: str
    institution_code: str
    collection_code: str
    interpreted: Mapping[str, str]
    verbatim: Mapping[str, str]
    source: str
    created_at: datetime
    updated_at: datetime

    @property
    def scientific_name(self) -> str:
        """dwc:scientificName, or empty."""
        return self.interpreted.get("scientificName", "")


@dataclass(frozen=True, slots=True)
class Media:
    """One image of a specimen. Its canvas and its image service share its key.

    `width_px` and `height_px` are those of the upright image, after EXIF orientation: the frame of every region.
    They are 0 until the derivative is made (`state` "ready"); `state_reason` says why it could not be ("failed").
    `access` says what people without a token see of it: all, no more than a small view, or nothing.
    """

    key: str
    specimen_key: str
    version: int
    sequence: int
    sha256: str
    byte_size: int
    format: str
    width_px: int
    height_px: int
    exif_orientation: int
    icc_profile: str
    file_name: str
    rights: str
    rights_holder: str
    creator: str
    state: MediaState
    state_reason: str
    pyramid_sha256: str
    derivative_version: int
    access: Access
    created_at: datetime

    @property
    def visible(self) -> bool:
        """Whether people without a token see anything of it now."""
        return self.state == "ready" and self.access != "closed"
