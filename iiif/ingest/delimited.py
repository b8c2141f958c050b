"""Delimited tables: find out encoding and delimiter, and stream the rows."""

import codecs
import csv
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from iiif.ingest.model import IngestIssue, SourceError

CHUNK = 1 << 20
MAX_FIELD = 1_000_000
DELIMITERS = (",", "\t", ";", "|")
_MARKS = ((codecs.BOM_UTF8, "utf-8-sig"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))
_NOT_IN_CP1252 = frozenset(b"\x81\x8d\x8f\x90\x9d")


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: columns in order (named apart where the header repeats itself) and an estimate of its rows."""

    path: Path
    encoding: str
    delimiter: str
    columns: tuple[str, ...]
    rows: int


@dataclass(frozen=True, slots=True)
class TableRow:
    """`line` is where the row ends in the file, from 1; `finding` says why the row cannot be used, `cells` is then empty."""

    line: int
    cells: Mapping[str, str]
    finding: IngestIssue | None = None


def encoding_of(path: Path) -> str:
    """UTF-8 or UTF-16 by their byte order mark or by their form, else Windows-1252, else Latin-1; reads the file once."""
    with path.open("rb") as stream:
        start = stream.read(4096)
        for mark, name in _MARKS:
            if start.startswith(mark):
                return name
        if len(start) >= 2 and start.count(0) >= len(start) // 4:
            return "utf-16-le" if start[1::2].count(0) >= start[::2].count(0) else "utf-16-be"
        stream.seek(0)
        decoder, is_utf8, odd = codecs.getincrementaldecoder("utf-8")(), True, False
        while chunk := stream.read(CHUNK):
            odd = odd or not _NOT_IN_CP1252.isdisjoint(chunk)
            is_utf8 = is_utf8 and _decodes(decoder, chunk, final=False)
    if is_utf8 and _decodes(decoder, b"", final=True):
        return "utf-8"
    return "latin-1" if odd else "cp1252"


def _decodes(decoder: codecs.IncrementalDecoder, chunk: bytes, *, final: bool) -> bool:
    try:
        decoder.decode(chunk, final)
    except UnicodeDecodeError:
        return False
    return True


def open_table(path: Path) -> Table:
    """Look at a table without reading it into memory. Raises SourceError (`empty-csv`, `bad-row`, `unreadable`)."""
    try:
        encoding = encoding_of(path)
        with _text(path, encoding) as stream:
            lines = [line for line in (stream.readline(MAX_FIELD) for _ in range(20)) if line.strip()]
        if not lines:
            raise SourceError("empty-csv", f"{path.name} is empty.")
        delimiter = _delimiter_of(lines)
        columns, rows = _header_and_count(path, encoding, delimiter)
    except OSError as error:
        raise SourceError("unreadable", f"{path.name} could not be opened ({error.strerror}).") from error
    except (csv.Error, UnicodeError) as error:
        raise SourceError("bad-row", f"{path.name} is not a table that can be read ({error}).") from error
    if rows == 0:
        raise SourceError("empty-csv", f"{path.name} has a header but no rows.")
    return Table(path, encoding, delimiter, columns, rows)


def rows_of(table: Table) -> Iterator[TableRow]:
    """The rows below the header, one at a time; blank lines are passed over."""
    with _text(table.path, table.encoding) as stream:
        reader = csv.reader(stream, delimiter=table.delimiter)
        _next_filled(reader)
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield TableRow(reader.line_num, {}, IngestIssue("bad-row", f"The row cannot be read ({error})."))
                continue
            if any(field.strip() for field in fields):
                yield _row(table, reader.line_num, fields)


def _row(table: Table, line: int, fields: list[str]) -> TableRow:
    count = len(table.columns)
    if len(fields) < count or any(field.strip() for field in fields[count:]):
        return TableRow(line, {}, IngestIssue("wrong-column-count", f"The row has {len(fields)} fields, the header {count}."))
    return TableRow(
        line, {name: plain(value) for name, value in zip(table.columns, fields, strict=False) if plain(value).strip()}
    )


def plain(value: str) -> str:
    """The value without NUL characters, which no database keeps."""
    return value.replace("\0", "")


def _text(path: Path, encoding: str) -> TextIO:
    csv.field_size_limit(MAX_FIELD)
    return path.open(encoding=encoding, newline="", errors="replace")


def _delimiter_of(lines: list[str]) -> str:
    """The delimiter that parts the header and the rows below it into the same number of fields, the greatest such."""

    def score(delimiter: str) -> tuple[int, int]:
        counts = [0]
        with suppress(csv.Error):  # what cannot be read is said of its row, later
            counts = [len(fields) for fields in csv.reader(lines[:1], delimiter=delimiter)]
            counts += [len(fields) for fields in csv.reader(lines[1:], delimiter=delimiter)]
        return (counts[0] > 1) * sum(count == counts[0] for count in counts), counts[0]

    return max(DELIMITERS, key=score)


def _header_and_count(path: Path, encoding: str, delimiter: str) -> tuple[tuple[str, ...], int]:
    with _text(path, encoding) as stream:
        reader = csv.reader(stream, delimiter=delimiter)
        header = _next_filled(reader)
        count = 0
        while True:
            try:
                count += any(field.strip() for field in next(reader))
            except StopIteration:
                break
            except csv.Error:
                count += 1
    columns: list[str] = []
    for position, name in enumerate((name.strip() for name in header), 1):
        name = name or f"column {position}"
        columns.append(name if name not in columns else f"{name} ({position})")
    return tuple(columns), count


def _next_filled(reader: "Iterator[list[str]]") -> list[str]:
    return next((fields for fields in reader if any(field.strip() for field in fields)), [])
