"""Delimited tables: find out encoding, delimiter and header, and stream the rows."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from iiif.ingest.columns import is_known
from iiif.ingest.model import MAX_VALUE, IngestIssue, Place, SourceError, readable, warning
from iiif.ingest.rows import Dialect, Row, rows_of_lines
from iiif.ingest.text_lines import TextForm, form_of, lines_of
from ontology import darwin_core

DELIMITERS = (",", "\t", ";", "|")
HEAD = 40  # lines that are looked at to find delimiter and header
MAX_TITLE = 12  # lines above the header at most
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufeff]")
_JOINED = re.compile(r'"\s*&')  # a formula that puts texts together
_SEPARATOR = re.compile(r"""["']?sep\s*=\s*(\\t|.)["']?[,;\t|]*\s*""", re.IGNORECASE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Table:
    """An opened table: columns in order (named apart where the header repeats itself) and an estimate of its rows.

    `header_line` is where the header stands; `above` says what stood above it.
    """

    path: Path
    form: TextForm
    delimiter: str
    columns: tuple[str, ...]
    header: tuple[str, ...]
    header_line: int
    rows: int
    above: str = ""
    issues: tuple[IngestIssue, ...] = ()

    @property
    def encoding(self) -> str:
        return self.form.encoding

    @property
    def name(self) -> str:
        return readable(self.path.name)

    @property
    def note(self) -> str:
        """How it is read, for the report; a sentence that follows its name."""
        return f"{self.encoding}, fields separated by {self.delimiter!r}.{self.above}"


@dataclass(frozen=True, slots=True)
class TableRow:
    """`line` is where the row begins, from 1; where an issue of severity `rejected` says why it cannot be used, `cells` is empty.

    `is_row` is False for what is no row: a header that comes again.
    """

    line: int
    cells: Mapping[str, str]
    issues: tuple[IngestIssue, ...] = ()
    is_row: bool = True

    @property
    def refused(self) -> bool:
        return not self.is_row or any(issue.severity == "rejected" for issue in self.issues)


def open_table(path: Path) -> Table:
    """Look at a table without reading it into memory. Raises SourceError (`empty-csv`, `bad-row`, `unreadable`, …)."""
    name = readable(path.name)
    try:
        form = form_of(path)
        head = [(line.number, line.text.rstrip("\r\n")) for line in islice(lines_of(path, form), HEAD) if line.text.strip()]
        if not head:
            raise SourceError("empty-csv", f"{name} is empty.")
        delimiter, position, above = _layout_of(head)
        header_line = head[position][0]
        header = next(_rows(path, form, Dialect(delimiter, plain_first=delimiter == "\t"), header_line - 1), None)
        if header is None or not header.fields:
            raise SourceError("bad-row", f"The header of {name} cannot be read.", place=Place(name, header_line))
        columns = columns_of(header.fields)
        table = Table(path, form, delimiter, columns, tuple(header.fields), header_line, 0, above, form.issues)
        if next(rows_of(table), None) is None:
            raise SourceError("empty-csv", f"{name} has a header but no rows.")
    except OSError as error:
        raise SourceError("unreadable", f"{name} could not be opened ({error.strerror or error}).") from error
    except (csv.Error, UnicodeError) as error:
        raise SourceError("bad-row", f"{name} is not a table that can be read ({error}).") from error
    issues = (*form.issues, *repeated(table.header))
    return Table(path, form, delimiter, columns, table.header, header_line, max(1, form.lines - header_line), above, issues)


def rows_of(table: Table) -> Iterator[TableRow]:
    """The rows below the header, one at a time; blank lines are passed over."""
    dialect = Dialect(table.delimiter, width=len(table.columns), plain_first=table.delimiter == "\t")
    rows = _rows(table.path, table.form, dialect, table.header_line - 1)
    next(rows, None)
    for row in rows:
        if not row.fields:
            yield TableRow(row.line, {}, row.issues)
        elif any(field.strip() for field in row.fields):
            yield _row(table, row)


def columns_of(header: list[str]) -> tuple[str, ...]:
    """Names of columns, told apart where one is missing or comes again."""
    columns: dict[str, None] = {}
    for position, name in enumerate((plain(name).strip() for name in header), 1):
        name = name or f"column {position}"
        while name in columns:
            name = f"{name} ({position})"
        columns[name] = None
    return tuple(columns)


def plain(value: str) -> str:
    """The value without control characters, which databases and XML do not keep, without the mark that begins a text, and without
    the form in which spreadsheets protect a text from themselves: `="007"` is 007."""
    if value[:2] == '="' and value[-1:] == '"' and len(value) > 2 and _JOINED.search(value) is None:
        value = value[2:-1].replace('""', '"')
    return value if value.isprintable() else _CONTROL.sub("", value)


def repeated(columns: Iterable[str]) -> tuple[IngestIssue, ...]:
    """A warning for each column whose name, or whose term by another spelling, stands before it in the header."""
    seen: dict[str, str] = {}
    issues = []
    for name in (plain(column).strip() for column in columns):
        key = darwin_core.term_of(name) or name
        if name and key in seen:
            sentence = (
                f"Two columns are called {name!r}: the first is read, the other kept verbatim only."
                if seen[key] == name
                else f"The columns {seen[key]!r} and {name!r} are one term: the second is read only where the first is empty."
            )
            issues.append(warning("repeated-column", sentence, name))
        seen.setdefault(key, name)
    return tuple(issues)


def wrong_width(fields: list[str], width: int, by: str) -> IngestIssue | None:
    """Why a row of more or fewer fields is not read: its values would stand in the wrong columns."""
    count = len(fields)
    if count == width or (count > width and not any(field.strip() for field in fields[width:])):
        return None
    sentence = f"The row has {count} fields, {by} {width}: its values cannot be assigned to columns."
    return IngestIssue("wrong-column-count", sentence, value=" | ".join(fields)[:MAX_VALUE])


def _row(table: Table, row: Row) -> TableRow:
    fields = row.fields
    issue = wrong_width(fields, len(table.columns), "the header")
    if issue is not None:
        return TableRow(row.line, {}, (*row.issues, issue))
    last = len(table.header) - 1
    if fields[last] == table.header[last] and tuple(field.lstrip("\ufeff") for field in fields[: last + 1]) == table.header:
        again = warning("header-row", "The header is repeated here; this line is not a row.", value=fields[0])
        return TableRow(row.line, {}, (again,), is_row=False)
    cells = ((name, plain(text)) for name, text in zip(table.columns, fields, strict=False) if text)
    return TableRow(row.line, {name: text for name, text in cells if text and not text.isspace()}, row.issues)


def _rows(path: Path, form: TextForm, dialect: Dialect, skip: int) -> Iterator[Row]:
    return rows_of_lines(islice(lines_of(path, form), skip, None), dialect)


def _layout_of(head: list[tuple[int, str]]) -> tuple[str, int, str]:
    """Delimiter, position of the header among the first lines, and what is to be said of those above it."""
    separator = _SEPARATOR.fullmatch(head[0][1])
    if separator and len(head) > 1:
        delimiter = "\t" if separator[1] == "\\t" else separator[1]
        position, _ = _header_position(head[1:], delimiter)
        return delimiter, position + 1, f" Line {head[0][0]} says so itself."
    scored = []
    for order, delimiter in enumerate(DELIMITERS):
        position, known = _header_position(head, delimiter)
        scored.append((known, *_consistency(head[position:], delimiter), -order, delimiter, position))
    *_, delimiter, position = max(scored)
    above = f" {position} lines above the header were passed over: {head[0][1][:80]!r}." if position else ""
    return delimiter, position, above


def _header_position(head: list[tuple[int, str]], delimiter: str) -> tuple[int, int]:
    """Where the header stands, by the columns that are known, and how many those are; the first line where none is."""
    counts = [len({name for name in split_line(text, delimiter) if is_known(name)}) for _, text in head[:MAX_TITLE]]
    best = max(counts)
    return next(position for position, count in enumerate(counts) if count * 2 >= best), best


def _consistency(head: list[tuple[int, str]], delimiter: str) -> tuple[int, int]:
    counts = [len(split_line(text, delimiter)) for _, text in head]
    return (counts[0] > 1) * sum(count == counts[0] for count in counts), counts[0]


def split_line(text: str, delimiter: str) -> list[str]:
    """The fields of one line, however its quotes stand."""
    try:
        return next(csv.reader([text], delimiter=delimiter), [])
    except csv.Error:
        return text.split(delimiter)
