"""Rows of the data files that a descriptor names: fields by their index, defaults filled in, nothing dropped in silence."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from iiif.ingest.delimited import plain, split_line
from iiif.ingest.metafile import META, DataFile
from iiif.ingest.model import MAX_VALUE, IngestIssue, Place, SourceError, readable, warning
from iiif.ingest.rows import QUOTE, Dialect, Row, rows_of_lines
from iiif.ingest.text_lines import TextForm, form_of, lines_of
from ontology import darwin_core

SAMPLE = 200
ID_COLUMNS = frozenset({"id", "coreid", "coreid_", "gbifid", "_id"})


@dataclass(frozen=True, slots=True)
class DataRow:
    """One row of a data file: its identifier (that of the core), and its values by the short names of their terms.

    `is_row` is False for what is no row, as a header that was not declared.
    """

    place: Place
    key: str
    cells: Mapping[str, str]
    issues: tuple[IngestIssue, ...] = ()
    is_row: bool = True

    @property
    def refused(self) -> bool:
        return not self.is_row or any(issue.severity == "rejected" for issue in self.issues)


@dataclass(slots=True)
class _Reading:
    """One file: how its text is read, how many fields its rows have, and what columns without a term are called.

    `names` are the fields by short name, index and default. `least` is the number of fields that a row has to have. `adds_id`:
    the identifier of a row of the core is none of its fields.
    """

    file: DataFile
    name: str
    archive: str
    form: TextForm
    dialect: Dialect
    others: Mapping[int, str] = field(default_factory=dict)
    names: tuple[tuple[str, int | None, str], ...] = ()
    least: int = 0
    has_defaults: bool = False
    adds_id: bool = False


def rows_of_file(folder: Path, file: DataFile, archive: str) -> Iterator[DataRow]:
    """The rows of all files of a core or extension, one at a time. Raises SourceError where one cannot be read at all."""
    for location in file.locations:
        yield from _rows_of(folder, file, location, archive)


def lines_in(folder: Path, file: DataFile) -> int:
    """How many lines its files have, about."""
    total = 0
    for location in file.locations:
        with (folder / location).open("rb") as stream:
            while chunk := stream.read(1 << 20):
                total += chunk.count(b"\n")
        total += 1 - file.header_lines
    return max(0, total)


def _rows_of(folder: Path, file: DataFile, location: str, archive: str) -> Iterator[DataRow]:
    reading, about = _open(folder / location, file, readable(location), archive)
    for issue in about:
        place = issue.place or Place(reading.name)
        yield DataRow(Place(reading.name, place.line, archive), "", {}, (replace(issue, place=None),), is_row=False)
    lines = islice(lines_of(folder / location, reading.form), file.header_lines, None)
    is_first = True
    for row in rows_of_lines(lines, reading.dialect):
        if is_first and _is_header(row.fields, file):
            sentence = f"The line is a header, though {META} says that there is none (ignoreHeaderLines): it was passed over."
            issue = warning("header-row", sentence, value=" | ".join(row.fields)[:MAX_VALUE])
            yield DataRow(Place(reading.name, row.line, archive), "", {}, (issue,), is_row=False)
        else:
            yield _row(row, reading)
        is_first = False
    if is_first and file.header_lines:
        sentence = f"The file has no row below the {file.header_lines} lines that {META} says are its header (ignoreHeaderLines)."
        issue = IngestIssue("empty-csv", sentence, "ignoreHeaderLines", str(file.header_lines))
        yield DataRow(Place(reading.name, 0, archive), "", {}, (issue,), is_row=False)


def _open(path: Path, file: DataFile, name: str, archive: str) -> tuple[_Reading, tuple[IngestIssue, ...]]:
    form = form_of(path, file.encoding)
    head = [line.text.rstrip("\r\n") for line in islice(lines_of(path, form), file.header_lines + SAMPLE)]
    delimiter, about = _delimiter(file, head)
    quote = file.quote
    counts = Counter(
        len(split_line(text, delimiter)) if quote else text.count(delimiter) + 1
        for text in head[file.header_lines :]
        if text.strip()
    )
    header = split_line(head[file.header_lines - 1], delimiter) if 0 < file.header_lines <= len(head) else []
    _check_order(file, header, name)
    width = max(file.width, len(header) or (counts.most_common(1)[0][0] if counts else 0))
    used = {each.index for each in file.fields} | {file.key_index}
    others = {index: name for index, name in enumerate(header) if index not in used and name.strip()}
    issues = (*form.issues, *about, *_about_header(file, header, head))
    dialect = Dialect(delimiter, quote, width, plain_first=False, declared=True)
    named, has_defaults = _names(file), any(each.default for each in file.fields)
    adds_id = file.is_core and all(each.index != file.key_index for each in file.fields)
    return _Reading(file, name, archive, form, dialect, others, named, file.width, has_defaults, adds_id), issues


def _delimiter(file: DataFile, head: list[str]) -> tuple[str, tuple[IngestIssue, ...]]:
    """The declared delimiter, unless it parts nothing where another gives just the columns that are described."""
    rows = [text for text in head if text.strip()]
    if file.width < 2 or not rows or any(file.delimiter in text for text in rows):
        return file.delimiter, ()
    for other in ("\t", ",", ";", "|"):
        if all(len(split_line(text, other)) >= file.width for text in rows):
            sentence = f"{META} says that {file.delimiter!r} separates fields, but {other!r} does: read with {other!r}."
            return other, (warning("wrong-delimiter", sentence, value=other),)
    return file.delimiter, ()


def _check_order(file: DataFile, header: list[str], name: str) -> None:
    """Raises SourceError where the header names the descriptor's terms in other columns: all values would be shifted."""
    places = {darwin_core.spelling(each.term): each.index for each in file.fields}
    told = [(index, places[spelt]) for index, text in enumerate(header) if (spelt := darwin_core.spelling(text)) in places]
    elsewhere = [(index, place) for index, place in told if place is not None and place != index]
    if len(elsewhere) >= 2 and len(elsewhere) * 2 > len(told):
        index, place = elsewhere[0]
        sentence = (
            f"{META} gives {len(elsewhere)} terms other columns than the header of {name} does: {header[index]!r} is column "
        )
        sentence += f"{index + 1}, and by {META} it would be column {place + 1}. Nothing of the file was taken in."
        raise SourceError("bad-archive", sentence, column=header[index], place=Place(name, file.header_lines))


def _about_header(file: DataFile, header: list[str], head: list[str]) -> Iterator[IngestIssue]:
    """What is doubtful in the lines that the descriptor says are none of the rows."""
    unread = [
        name
        for index, name in enumerate(header)
        if index not in {each.index for each in file.fields} | {file.key_index} and name.strip()
    ]
    if unread:
        sentence = (
            f"{META} gives no term for {len(unread)} columns ({', '.join(unread)[:MAX_VALUE]}): they are kept verbatim only."
        )
        yield warning("unknown-column", sentence, column=unread[0], value=", ".join(unread)[:MAX_VALUE])
    indices = Counter(each.index for each in file.fields if each.index is not None)
    for index, several in indices.items():
        named = [each.name for each in file.fields if each.index == index]
        if several > 1 and len({"verbatim" in name.lower() for name in named}) == 1:
            sentence = f"{META} takes {', '.join(named)} from one column ({index + 1}): each has its values, right or not."
            yield warning("shared-column", sentence[:500], column=named[-1], value=", ".join(named)[:MAX_VALUE])
    if header and not _spells_a_term(header, file) and len(head) > file.header_lines and file.key_index is not None:
        below = split_line(head[file.header_lines], file.delimiter)
        if file.key_index < min(len(header), len(below)) and _looks_alike(header[file.key_index], below[file.key_index]):
            where = f"line {file.header_lines} is a header (ignoreHeaderLines)"
            sentence = f"{META} says that {where}, but it looks like a row; it was passed over."
            yield warning("header-row", sentence, value=" | ".join(header)[:MAX_VALUE], place=Place("", file.header_lines))


def _spells_a_term(header: list[str], file: DataFile) -> bool:
    return any(
        each.index is not None
        and each.index < len(header)
        and darwin_core.spelling(header[each.index]) == darwin_core.spelling(each.term)
        for each in file.fields
    )


def _looks_alike(text: str, other: str) -> bool:
    def form(value: str) -> str:
        return "".join("9" if char.isdigit() else "A" if char.isalpha() else char for char in value.strip().strip(QUOTE))

    return any(char.isdigit() for char in text) and form(text) == form(other)


def _is_header(fields: list[str], file: DataFile) -> bool:
    """Whether the cells of a row are the names of their own terms, all that have any, or most."""
    named = [
        (fields[each.index].strip(), each.term) for each in file.fields if each.index is not None and each.index < len(fields)
    ]
    filled = [(text, term) for text, term in named if text]
    alike = sum(darwin_core.spelling(text) == darwin_core.spelling(term) for text, term in filled)
    return alike > 0 and alike * 2 >= len(filled)


def _names(file: DataFile) -> tuple[tuple[str, int | None, str], ...]:
    """Short name, index and default of each field; a short name that comes again gives way to the whole term."""
    names: dict[str, tuple[int | None, str]] = {}
    for each in file.fields:
        names[each.name if each.name not in names else each.term] = (each.index, each.default)
    return tuple((name, index, default) for name, (index, default) in names.items())


def _row(row: Row, reading: _Reading) -> DataRow:
    place = Place(reading.name, row.line, reading.archive)
    fields, file, width = row.fields, reading.file, reading.dialect.width
    if not fields:
        return DataRow(place, "", {}, row.issues)
    count = len(fields)
    if count < reading.least or (count > width and any(text.strip() for text in fields[width:])):
        expected = f"{META} names {reading.least}" if count < reading.least else f"others have {width}"
        sentence = f"The row has {count} fields, {expected}: its values cannot be assigned to columns."
        issue = IngestIssue("wrong-column-count", sentence, value=" | ".join(fields)[:MAX_VALUE])
        return DataRow(place, "", {}, (*row.issues, issue))
    key = plain(fields[file.key_index]).strip() if file.key_index is not None else ""
    return DataRow(place, key, _cells(fields, reading, key), row.issues)


def _cells(fields: list[str], reading: _Reading, key: str) -> dict[str, str]:
    if reading.has_defaults:
        values = ((name, (fields[index] if index is not None else "") or default) for name, index, default in reading.names)
        cells = {name: text for name, text in values if text and not text.isspace()}
    else:
        cells = {name: text for name, index, _ in reading.names if index is not None and (text := fields[index]).strip()}
    if not (joined := "".join(cells.values())).isprintable() or '="' in joined:
        cells = {name: shown for name, text in cells.items() if (shown := plain(text)) and not shown.isspace()}
    if key and reading.adds_id:
        cells["id"] = key
    for index, name in reading.others.items():
        if index < len(fields) and (text := plain(fields[index])).strip():
            cells[f"{plain(name)} (column {index + 1}, no term)"] = text
    return cells
