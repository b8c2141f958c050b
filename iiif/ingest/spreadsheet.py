"""Spreadsheets (Excel, OpenDocument) by calamine: sheets with columns of specimens, row by row. Nothing is ever written."""

import datetime
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from python_calamine import CalamineError, CalamineWorkbook, SheetTypeEnum

from app.runtime.panics import is_panic
from iiif.ingest.columns import is_known, names_images_or_specimens
from iiif.ingest.delimited import TableRow, columns_of, plain, repeated, wrong_width
from iiif.ingest.model import IngestIssue, IngestLimits, SourceError, readable, warning
from iiif.ingest.unpack import UNREADABLE

SUFFIXES = frozenset({".xlsx", ".xlsm", ".xlsb", ".xls", ".ods"})
MAX_TITLE = 12
MAX_CELLS = 50_000_000

CHUNK, LONGEST_CELL = 1 << 20, 100_000
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # how a workbook of the old binary form begins (MS-CFB, 2.2)
_SHEET = re.compile(r"xl/worksheets/[^/]+\.xml")
_LOST = re.compile(
    rb"""<c r="([A-Z]{1,3}[0-9]{1,7})"(?:[^>]* t="e"[^>]*>|[^>]*><f(?:[^>]*/>|[^>]*>[^<]*</f>)(?:<v></v>|<v/>)?$)"""
)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet of a workbook whose columns name specimens or images; `header_row` counts from 1, as the program shows it."""

    path: Path
    title: str
    columns: tuple[str, ...]
    header_row: int
    rows: int

    @property
    def name(self) -> str:
        return f"{readable(self.path.name)} [{self.title}]"

    @property
    def note(self) -> str:
        above = f" {self.header_row - 1} rows above the header were passed over." if self.header_row > 1 else ""
        return f"{self.name}: a spreadsheet of {self.rows} rows.{above}"


def open_sheets(path: Path, limits: IngestLimits) -> tuple[list[Sheet], list[str], list[IngestIssue]]:
    """The sheets to read, the titles of others that hold something, and what cannot be read of it. Raises SourceError."""
    workbook = _workbook(path, limits)
    sheets: list[Sheet] = []
    others: list[str] = []
    issues: list[IngestIssue] = []
    for title, kind in [(sheet.name, sheet.typ) for sheet in workbook.sheets_metadata]:
        try:
            head = _head(path, workbook, title)
        except CalamineError as error:
            if kind == SheetTypeEnum.WorkSheet:  # and no chart, or sheet of macros
                issues.append(IngestIssue("unreadable", f"Sheet {title[:100]!r} cannot be read ({error}).", value=title[:100]))
            continue
        if not head:
            continue
        row, header = head
        columns = columns_of([_text(value) for value in header])
        if names_images_or_specimens(columns):
            last = workbook.get_sheet_by_name(title).end
            sheets.append(Sheet(path, title, columns, row, max(1, (last[0] + 1 if last else 0) - row)))
            issues += repeated([_text(value) for value in header])
        else:
            others.append(title)
    if not sheets and not others and not issues:
        raise SourceError("empty-csv", f"{readable(path.name)} has no sheet with anything in it.")
    lost = _lost_cells(path) if sheets else None
    return sheets, others, issues if lost is None else [*issues, lost]


def _lost_cells(path: Path) -> IngestIssue | None:
    """How many cells of an Excel workbook have no value to read, an error or a formula whose result was not saved, and which is
    the first; or that it cannot be told."""
    if not zipfile.is_zipfile(path):
        return None  # the old binary form
    count, first = 0, ""
    try:
        with zipfile.ZipFile(path) as archive:
            for name in sorted(each for each in archive.namelist() if _SHEET.fullmatch(each)):
                with archive.open(name) as stream:
                    rest = b""
                    while chunk := stream.read(CHUNK):
                        *cells, rest = (rest + chunk).split(b"</c>")
                        found = [match for cell in cells if (match := _LOST.search(cell)) is not None]
                        count, first = count + len(found), first or (found[0][1].decode() if found else "")
                        rest = rest[-LONGEST_CELL:]
    except UNREADABLE as error:
        return warning("lost-cells", f"Whether cells hold an error, or a formula without its result, cannot be told ({error}).")
    sentence = f"{count} cells, from {first}, hold an error or a formula whose result was not saved: read as empty."
    return warning("lost-cells", sentence, value=first) if count else None


def rows_of_sheet(sheet: Sheet, limits: IngestLimits) -> Iterator[TableRow]:
    """The rows below the header; `line` is the row as the program numbers it."""
    worksheet = _workbook(sheet.path, limits).get_sheet_by_name(sheet.title)
    first = worksheet.start[0] + 1 if worksheet.start else 1
    header: list[str] | None = None
    for number, values in enumerate(worksheet.iter_rows(), first):
        if number < sheet.header_row:
            continue
        fields = [_text(value) for value in values]
        if header is None:
            header = fields
        elif fields == header:
            repeated = IngestIssue("header-row", "The header is repeated here; this row is not a record.", severity="warning")
            yield TableRow(number, {}, (repeated,), is_row=False)
        elif any(field.strip() for field in fields):
            issue = wrong_width(fields, len(sheet.columns), "the header")
            cells = {name: field for name, field in zip(sheet.columns, fields, strict=False) if field.strip()}
            yield TableRow(number, {} if issue else cells, (issue,) if issue else ())


def _workbook(path: Path, limits: IngestLimits) -> CalamineWorkbook:
    _check_size(path, limits)
    try:
        return CalamineWorkbook.from_path(str(path))
    except (CalamineError, OSError, ValueError) as error:
        raise SourceError("unreadable", f"{readable(path.name)} cannot be read as a spreadsheet ({error}).") from error
    except BaseException as error:
        if not is_panic(error):
            raise
        raise SourceError("unreadable", f"{readable(path.name)} is not a spreadsheet that can be read.") from error


def _check_size(path: Path, limits: IngestLimits) -> None:
    """A workbook is a zip that is unpacked in memory: what it promises is bounded, and so is how much it is packed."""
    size = path.stat().st_size
    try:
        with zipfile.ZipFile(path) as archive:
            members = archive.infolist()
    except UNREADABLE as error:
        if not _is_of_the_old_form(path):
            raise SourceError("unreadable", f"{readable(path.name)} cannot be read as a spreadsheet ({error}).") from error
        members = []
    promised = max(size, sum(member.file_size for member in members))
    if promised > limits.max_spreadsheet_bytes:
        allowed = f"{limits.max_spreadsheet_bytes:,} are allowed: save it as CSV"
        raise SourceError("zip-bomb", f"{readable(path.name)} unpacks to {promised:,} bytes; {allowed}.")


def _is_of_the_old_form(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(len(_OLE)) == _OLE


def _head(path: Path, workbook: CalamineWorkbook, title: str) -> tuple[int, list[Any]] | None:
    """The header, and the number of its row: the first that has most of the known columns, below a title if need be.

    None of a sheet without a cell. Raises CalamineError, SourceError.
    """
    try:
        worksheet = workbook.get_sheet_by_name(title)
        first = worksheet.start[0] + 1 if worksheet.start else 1
        if worksheet.total_height * worksheet.total_width > MAX_CELLS:
            raise SourceError("zip-bomb", f"Sheet {title!r} has more than {MAX_CELLS:,} cells: save it as CSV.")
        rows: list[tuple[int, list[Any]]] = []
        for number, values in enumerate(worksheet.iter_rows(), first):
            if any(_text(value).strip() for value in values):
                rows.append((number, values))
            if len(rows) >= MAX_TITLE or number > first + 1000:
                break
    except (CalamineError, SourceError):
        raise
    except BaseException as error:
        if not is_panic(error):
            raise
        raise SourceError("unreadable", f"{readable(path.name)} is not a spreadsheet that can be read.") from error
    if not rows:
        return None
    counts = [len({name for value in values if is_known(name := _text(value))}) for _, values in rows]
    return rows[next(position for position, count in enumerate(counts) if count * 2 >= max(counts))]


def _text(value: Any) -> str:
    """A cell as it would be written: whole numbers without a point, days without a time."""
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    if isinstance(value, datetime.datetime):
        return value.date().isoformat() if value.time() == datetime.time() else value.isoformat(sep="T", timespec="seconds")
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return plain(str(value))
