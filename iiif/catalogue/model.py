"""What the catalogue hands out: frozen values, never rows."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, get_args

from iiif.catalogue.errors import BadDepiction

MediaState = Literal["pending", "ready", "failed"]
Access = Literal["open", "reduced", "closed"]
DepictionRole = Literal["", "whole", "label", "detail", "in situ"]
DEPICTION_ROLES: tuple[DepictionRole, ...] = get_args(DepictionRole)


@dataclass(frozen=True, slots=True)
class RecordChange:
    """A value that people accepted for a term, in place of what the source gave.

    `source_value` is what the source's own value was read as, empty for none. `statement` and `statement_version` name the
    statement that it was taken from, `by` who accepted it (the name of the principal), `at` when. `source_now` is what the source
    said in a later ingest, where that was something else; None where it was not.
    """

    term: str
    value: str
    source_value: str
    statement: str
    statement_version: int
    by: str
    at: datetime
    source_now: str | None = None

    @property
    def is_stale(self) -> bool:
        """Whether the source has changed its value since, to another than the accepted one."""
        return self.source_now is not None and self.source_now != self.value

    @property
    def is_adopted(self) -> bool:
        """Whether the source itself says so now."""
        return self.source_now == self.value


@dataclass(frozen=True, slots=True)
class Specimen:
    """A preserved specimen.

    `interpreted` holds Darwin Core terms under their camelCase names, cleaned, with the values that were accepted (`changes`, by
    term) in place of the source's; `verbatim` what the source said, to the letter, under the source's own column names. A term
    that is missing in both was not given. `record_version` counts the versions of the record alone, `version` all changes.
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
    record_version: int = 1
    changes: Mapping[str, RecordChange] = field(default_factory=dict)

    @property
    def read(self) -> Mapping[str, str]:
        """What the source's own values were read as, without what people accepted."""
        if not self.changes:
            return self.interpreted
        own = {term: change.source_value for term, change in self.changes.items()}
        return {term: text for term, text in {**self.interpreted, **own}.items() if text or term not in own}

    @property
    def scientific_name(self) -> str:
        """dwc:scientificName, or empty."""
        return self.interpreted.get("scientificName", "")


@dataclass(frozen=True, slots=True)
class Media:
    """One image of one or several specimens. Its canvas and its image service share its key.

    `specimen_key` is its home specimen: the one that it came in with, whose address its canonical canvas has. Which specimens
    it shows, that one included, the depictions say. `sequence` is its place among the images of the specimen that it was asked
    for by, otherwise of its home specimen.
    `width_px` and `height_px` are those of the upright image, after EXIF orientation: the frame of every region.
    They are 0 until the derivative is made (`state` "ready"); `state_reason` says why it could not be ("failed").
    `access` says what people without a token see of it (see `visibility`): all, no more than a small view, or nothing.
    `institution_code` and `collection_code` are those of its home specimen: who has a role there sees it.
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
    institution_code: str
    collection_code: str


@dataclass(frozen=True, slots=True)
class KnownSpecimen:
    """Of a specimen that is here what a record is compared with. `moved`: the source once gave another value than it had when
    somebody accepted a change of it."""

    key: str
    identity: str
    catalog_number: str
    verbatim: Mapping[str, str]
    created_at: datetime
    moved: bool = False


@dataclass(frozen=True, slots=True)
class KnownMedia:
    """Of an image that is here what tells whether it comes in again: the keys of the specimens that it shows."""

    key: str
    created_at: datetime
    specimen_keys: frozenset[str]


@dataclass(frozen=True, slots=True)
class KnownNumber:
    """A catalogue number that is here: institution, collection and number; how many specimens have it, and the source of one."""

    number: tuple[str, str, str]
    specimens: int
    source: str


@dataclass(frozen=True, slots=True)
class OwnRegion:
    """The box of an image that is one specimen's: canvas units, which are pixels of the upright image, y downwards."""

    x0: float
    y0: float
    x1: float
    y1: float

    @classmethod
    def parse(cls, text: str) -> "OwnRegion":
        """`x,y,width,height` in canvas units, as in a IIIF address. Raises BadDepiction."""
        number = r"(\d{1,9}(?:\.\d{1,9})?)"
        match = re.fullmatch(rf"{number},{number},{number},{number}", text, re.ASCII)
        if match is None:
            raise BadDepiction(f"A region is x,y,width,height in pixels, not {text[:60]!r}.", parameter="region")
        x, y, width, height = map(float, match.groups())
        return cls(x, y, x + width, y + height)

    def xywh(self) -> str:
        """The same text; numbers as short as they can be."""
        sides = (self.x0, self.y0, self.x1 - self.x0, self.y1 - self.y0)
        return ",".join(f"{side:.9f}".rstrip("0").rstrip(".") for side in sides)

    def lies_within(self, width_px: int, height_px: int) -> bool:
        """Whether it has an area and reaches past no edge (no comparison with NaN holds)."""
        return 0 <= self.x0 < self.x1 <= width_px and 0 <= self.y0 < self.y1 <= height_px


@dataclass(frozen=True, slots=True)
class Depiction:
    """That an image shows a specimen.

    `sequence` counts among the images of the specimen, from 1. `role` is what the image shows of it: the whole, a label, a
    detail, the organism in situ where it was collected, or empty where that is not known. `region` is the part of the image
    that is this specimen's; None where all of it is, or where that is not known. `is_home` tells the home specimen.
    """

    specimen_key: str
    media_key: str
    sequence: int
    role: DepictionRole
    region: OwnRegion | None
    is_home: bool
