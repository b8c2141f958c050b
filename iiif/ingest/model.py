"""What every source yields, whatever its form."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from iiif.image.masters.decoder_protocol import DecodeLimits

MAX_VALUE = 200


def readable(name: str) -> str:
    """A file's name as text that can be stored, where it was not given in UTF-8."""
    return os.fsencode(name).decode("utf-8", "replace").replace("\0", "")


Progress = Callable[[int, int], None]
"""Called with the rows done and the rows there are, as far as is known."""
Severity = Literal["rejected", "warning"]


@dataclass(frozen=True, slots=True)
class Place:
    """Where something stands: the archive, or the folder where there are several; the file in it; the line, from 1, or 0 for the
    file; the image that the row there names."""

    file: str
    line: int = 0
    archive: str = ""
    image: str = ""

    def __str__(self) -> str:
        file = f"{self.file}, line {self.line}" if self.line else self.file
        file = f"{file}, {self.image}" if self.image and not file.endswith(self.image) else file
        return f"{self.archive}: {file}" if self.archive and file else file or self.archive


@dataclass(frozen=True, slots=True)
class IngestIssue:
    """Why a row or file was refused, or what is doubtful in it. `code` is one of `report.CODES`.

    `place` is given where it is not that of the record, as for a media row of an archive.
    """

    code: str
    sentence: str
    column: str = ""
    value: str = ""
    severity: Severity = "rejected"
    place: Place | None = None


def warning(code: str, sentence: str, column: str = "", value: str = "", place: Place | None = None) -> IngestIssue:
    """What is doubtful, while the row goes in."""
    return IngestIssue(code, sentence, column, value, "warning", place)


class SourceError(Exception):
    """A source as a whole, or one file of it, cannot be read; `source` is its name where it lies in another one, and `rows` says
    of an archive of which nothing was read how many rows it has."""

    def __init__(self, code: str, sentence: str, *, column: str = "", value: str = "", place: Place | None = None) -> None:
        super().__init__(sentence)
        self.finding = IngestIssue(code, sentence, column, value, place=place)
        self.source = self.rows = ""

    def of(self, source: str, rows: str = "") -> "SourceError":
        """The same error, of the source of that name."""
        self.source, self.rows = source, rows
        return self


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
    with its image, while a numbered one is a specimen even without. `place` is where it stands in its source. What is not
    a row at all but has to be named (`is_row` False) is not counted among the records.
    """

    place: Place
    number: str
    numbered: bool
    verbatim: Mapping[str, str]
    images: tuple[ImageFile, ...] = ()
    findings: tuple[IngestIssue, ...] = ()
    refused: bool = False
    is_row: bool = True

    @classmethod
    def refusal(cls, place: Place, *findings: IngestIssue, number: str = "") -> "Record":
        """A row of which nothing goes in."""
        return cls(place, number, False, {}, findings=findings, refused=True)

    @classmethod
    def remark(cls, place: Place, *findings: IngestIssue) -> "Record":
        """What is said of a file, or of a line that is no row."""
        return cls(place, "", False, {}, findings=findings, refused=True, is_row=False)


@dataclass(frozen=True, slots=True)
class IngestSource:
    """A folder, table, archive or file that was opened. `total` is how many records to expect; `notes` go into the report."""

    name: str
    total: int
    records: Iterator[Record]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """What is taken from outside at most.

    An archive, and each member of it, may be `max_ratio` times its packed size once it is larger than `ratio_from_bytes`.
    """

    decode: DecodeLimits
    max_file_bytes: int
    max_rows: int = 50_000_000
    max_members: int = 1_000_000
    max_unpacked_bytes: int = 500_000_000_000
    max_ratio: int = 250
    ratio_from_bytes: int = 20_000_000
    max_spreadsheet_bytes: int = 1_000_000_000


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
    names_left_out: bool = False

    @property
    def may_tell_places(self) -> bool:
        """Whether an entry of the report may quote a place that a record withholds."""
        return bool(self.report.get("placesWithheld") or "withheld-place" in self.report.get("codes", {}))

    def without_names(self) -> "Ingest":
        """The same without its sources and whatever else names files: of its report the numbers alone."""
        numbers = {name: value for name, value in self.report.items() if isinstance(value, int) or name == "codes"}
        return replace(self, sources=(), reason="", report=numbers, names_left_out=True)
