"""What every source yields, whatever its form."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from iiif.image.masters.decoder_protocol import DecodeLimits


def readable(name: str) -> str:
    """A file's name as text that can be stored, where it was not given in UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace")


Progress = Callable[[int, int], None]
"""Called with the rows done and the rows there are, as far as is known."""


@dataclass(frozen=True, slots=True)
class IngestIssue:
    """Why a row or file was refused, or what is doubtful in it. `code` is one of `report.CODES`."""

    code: str
    sentence: str


class SourceError(Exception):
    """A source as a whole, or one file of it, cannot be read."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.finding = IngestIssue(code, sentence)


@dataclass(frozen=True, slots=True)
class ImageFile:
    """An image of a record: a file that exists, with what the source says of this very image.

    `by_number` tells that the source does not name it: it was found because its name is the record's number.
    """

    path: Path
    file_name: str
    terms: Mapping[str, str] = field(default_factory=dict)
    by_number: bool = False

    @classmethod
    def at(cls, path: Path) -> "ImageFile":
        """The file under its own name."""
        return cls(path, readable(path.name))


@dataclass(frozen=True, slots=True)
class Record:
    """One row of a table, or one image file that no row speaks of.

    `number` is the row's own catalogue number, or that of its image (`numbered` False): such a record stands and falls
    with its image, while a numbered one is a specimen even without. `place` is where it stands in its source.
    """

    place: str
    number: str
    numbered: bool
    verbatim: Mapping[str, str]
    images: tuple[ImageFile, ...] = ()
    findings: tuple[IngestIssue, ...] = ()
    refused: bool = False


@dataclass(frozen=True, slots=True)
class IngestSource:
    """A folder, table, archive or file that was opened. `total` is how many records to expect; `notes` go into the report."""

    name: str
    total: int
    records: Iterator[Record]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """What is taken from outside at most. A member of an archive may be `ratio` times its packed size once it is large."""

    decode: DecodeLimits
    max_file_bytes: int
    max_members: int = 1_000_000
    max_unpacked_bytes: int = 500_000_000_000
    max_ratio: int = 250
    ratio_from_bytes: int = 20_000_000


@dataclass(frozen=True, slots=True)
class Ingest:
    """One ingest as a record: what was read, how far it is (`done` of `total` records), and its report when it has ended."""

    key: str
    state: Literal["running", "completed", "failed"]
    sources: Sequence[str]
    process: str
    asked_by: str
    code_version: str
    environment: Mapping[str, Any]
    total: int
    done: int
    reason: str
    report: Mapping[str, Any]
    created_at: datetime
    ended_at: datetime | None
