"""Darwin Core Archives: meta.xml by python-dwca-reader, rows one at a time.

The reader's own row iterators stop at the first malformed row and keep an index of each extension in memory; so its
descriptors are used, and the rows are read here, media rows by way of a temporary database.
"""

import codecs
import csv
import json
import sqlite3
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from dwca.descriptors import ArchiveDescriptor, DataFileDescriptor
from dwca.exceptions import InvalidArchive

from iiif.ingest import depicted, tabular
from iiif.ingest.delimited import MAX_FIELD, plain
from iiif.ingest.files import Finder, is_within
from iiif.ingest.model import ImageFile, IngestIssue, IngestSource, Record, SourceError
from ontology import darwin_core

META = "meta.xml"
MAX_META_BYTES = 5_000_000
CORES = frozenset({"occurrence", "materialentity", "materialsample", "preservedspecimen", "fossilspecimen", "simpledarwinrecord"})
MEDIA_TYPES = frozenset(
    {"http://rs.gbif.org/terms/1.0/Multimedia", "http://rs.gbif.org/terms/1.0/Image", "http://rs.tdwg.org/ac/terms/Multimedia"}
)
MEDIA_COLUMNS = ("accessuri", "identifier", "goodqualityaccessuri", "file", "filename")


@dataclass(frozen=True, slots=True)
class ArchiveRow:
    """One row of a data file: its identifier (that of the core), and its terms by short name."""

    line: int
    key: str
    cells: Mapping[str, str]
    finding: IngestIssue | None = None


def is_archive(folder: Path) -> bool:
    return (folder / META).is_file()


def open_archive(folder: Path, name: str, scratch: Path, *, images: Path | None = None) -> IngestSource:
    """An unpacked archive. `scratch` is an empty folder for the index of media rows. Raises SourceError (`bad-archive`, …)."""
    descriptor = _descriptor_of(folder)
    core = descriptor.core
    if darwin_core.spelling(str(core.type)) not in CORES:
        raise SourceError("bad-archive", f"The core of {name} is {core.type}; cores of occurrences or material are read.")
    extensions = [each for each in descriptor.extensions if each.type in MEDIA_TYPES]
    for each in (core, *extensions):
        _check_location(folder, each.file_location)
        _check_form(each)
    finder = Finder((folder,) if images is None else (images, folder))
    notes = [f"{name}: Darwin Core Archive, core {core.file_location}, media from {_listing(extensions)}."]
    with (folder / core.file_location).open("rb") as stream:
        total = max(0, sum(1 for _ in stream) - core.lines_to_ignore)
    return IngestSource(name, total, _records(folder, core, extensions, scratch, finder), tuple(notes))


def _listing(extensions: list[DataFileDescriptor]) -> str:
    return ", ".join(each.file_location for each in extensions) or "associatedMedia only"


def _descriptor_of(folder: Path) -> ArchiveDescriptor:
    meta = folder / META
    if meta.stat().st_size > MAX_META_BYTES or not is_within(meta, folder):
        raise SourceError("bad-archive", f"{META} is larger than {MAX_META_BYTES} bytes, or a link out of the archive.")
    try:
        return ArchiveDescriptor(meta.read_text(encoding="utf-8-sig"))
    except (InvalidArchive, ET.ParseError, UnicodeDecodeError) as error:
        raise SourceError("bad-archive", f"{META} cannot be read ({error}).") from error
    except (AttributeError, TypeError, ValueError, LookupError) as error:  # what the reader raises where an element is missing
        sentence = f"{META} lacks what it must have: a core with location and id, extensions with location and coreid."
        raise SourceError("bad-archive", sentence) from error


def _check_location(folder: Path, location: str) -> None:
    path = folder / location
    if not is_within(path, folder):
        raise SourceError("path-outside", f"{META} names {location[:200]!r}, which leads out of the archive.")
    if not path.is_file():
        raise SourceError("bad-archive", f"{META} names {location[:200]!r}, which is not in the archive.")


def _check_form(descriptor: DataFileDescriptor) -> None:
    try:
        codecs.lookup(descriptor.file_encoding)
        csv.reader((), delimiter=descriptor.fields_terminated_by, quotechar=descriptor.fields_enclosed_by or None)
        indexes = [field["index"] for field in descriptor.fields] + [descriptor.id_index, descriptor.coreid_index]
        if any(index is not None and index < 0 for index in indexes):
            raise LookupError("a column's index is below 0")
    except (LookupError, TypeError) as error:
        raise SourceError(
            "bad-archive", f"{META} describes {descriptor.file_location} in a way that cannot be read ({error})."
        ) from error


def _records(
    folder: Path, core: DataFileDescriptor, extensions: list[DataFileDescriptor], scratch: Path, finder: Finder
) -> Iterator[Record]:
    with closing(sqlite3.connect(scratch / "media.db", isolation_level=None)) as index:
        index.execute("PRAGMA journal_mode=OFF")
        index.execute("CREATE TABLE media (key TEXT, cells TEXT, place TEXT, used INTEGER DEFAULT 0)")
        index.execute("CREATE TABLE names (name TEXT, row INTEGER)")
        index.execute("BEGIN")
        for extension in extensions:
            for line in _lines(folder, extension):
                place = f"{extension.file_location}, line {line.line}"
                if line.finding is not None:
                    yield Record(place, "", False, {}, findings=(line.finding,), refused=True)
                else:
                    row = (line.key, json.dumps(dict(line.cells)), place)
                    added = index.execute("INSERT INTO media (key, cells, place) VALUES (?, ?, ?)", row).lastrowid
                    names = [(name, added) for name in depicted.names_of(line.cells)]
                    index.executemany("INSERT INTO names (name, row) VALUES (?, ?)", names)
        index.execute("CREATE INDEX by_key ON media (key)")
        index.execute("CREATE INDEX by_name ON names (name)")
        index.execute("COMMIT")
        for line in _lines(folder, core):
            media = index.execute("SELECT cells FROM media WHERE key = ? ORDER BY rowid", (line.key,)).fetchall()
            index.execute("UPDATE media SET used = 1 WHERE key = ?", (line.key,))
            rows, issues = depicted.joined([json.loads(cells) for (cells,) in media], partial(_media_row, index))
            yield _record(line, core.file_location, rows, tuple(issues), finder)
        for place, key in index.execute("SELECT place, key FROM media WHERE NOT used"):
            finding = IngestIssue("orphan-media", f"The media row speaks of {key[:80]!r}, which is no row of the core.")
            yield Record(place, "", False, {}, findings=(finding,), refused=True)


def _media_row(index: sqlite3.Connection, name: str) -> Mapping[str, str] | None:
    """The first media row of that identifier or address, of whatever record."""
    found = index.execute("SELECT cells FROM media JOIN names ON row = media.rowid WHERE name = ? LIMIT 1", (name,)).fetchone()
    cells: Mapping[str, str] | None = json.loads(found[0]) if found else None
    return cells


def _record(
    line: ArchiveRow, name: str, media: Sequence[Mapping[str, str]], issues: tuple[IngestIssue, ...], finder: Finder
) -> Record:
    place = f"{name}, line {line.line}"
    if line.finding is not None:
        return Record(place, "", False, {}, findings=(line.finding,), refused=True)
    number = tabular.number_of(darwin_core.interpret(line.cells).terms) or line.key
    if not number:
        finding = IngestIssue("missing-id", "The row has neither a catalogue number nor an identifier.")
        return Record(place, "", False, {}, findings=(finding,), refused=True)
    images: list[ImageFile] = []
    findings: list[IngestIssue] = []
    for row in media:
        seen, missed = _images_of(row, finder)
        images += [image for image in seen if all(image.path != other.path for other in images)]
        findings += missed
    if not media:
        found, missed = tabular.resolve(tabular.image_references(line.cells), finder)
        images += found
        findings += missed
    if not images:
        by_number, left = tabular.instead(number, tuple(findings), finder)
        return Record(place, number, True, line.cells, by_number, (*left, *issues))
    return Record(place, number, True, line.cells, tuple(images), (*findings, *issues))


def _images_of(row: Mapping[str, str], finder: Finder) -> tuple[list[ImageFile], tuple[IngestIssue, ...]]:
    """The image of one media row, with that row's own terms."""
    by_spelling = {darwin_core.spelling(column): value for column, value in row.items()}
    references = [[by_spelling[column]] for column in MEDIA_COLUMNS if by_spelling.get(column)]
    if not references:
        return [], (IngestIssue("missing-file", "A media row names no address or file (accessURI or identifier)."),)
    images, findings = tabular.resolve(references, finder)
    return [ImageFile(image.path, image.file_name, row) for image in images], findings


def _lines(folder: Path, descriptor: DataFileDescriptor) -> Iterator[ArchiveRow]:
    """The rows of a data file; fields by their index in meta.xml, defaults filled in."""
    csv.field_size_limit(MAX_FIELD)
    key_index = descriptor.id_index if descriptor.represents_corefile else descriptor.coreid_index
    indexes = [field["index"] for field in descriptor.fields if field["index"] is not None]
    width = max([*indexes, key_index or 0]) + 1
    rows = _fields(folder / descriptor.file_location, descriptor)
    for line, fields in rows:
        if isinstance(fields, IngestIssue):
            yield ArchiveRow(line, "", {}, fields)
        elif len(fields) < width:
            yield ArchiveRow(
                line, "", {}, IngestIssue("wrong-column-count", f"The row has {len(fields)} fields; {META} names {width}.")
            )
        else:
            key = fields[key_index].strip() if key_index is not None else ""
            yield ArchiveRow(line, key, _cells(fields, descriptor))


def _cells(fields: list[str], descriptor: DataFileDescriptor) -> dict[str, str]:
    cells: dict[str, str] = {}
    for field in descriptor.fields:
        value = plain((fields[field["index"]] if field["index"] is not None else "") or field["default"] or "")
        if value.strip():
            term = str(field["term"])
            short = term.rsplit("/", 1)[-1].rsplit("#", 1)[-1]
            cells[short if short not in cells else term] = value
    return cells


def _fields(path: Path, descriptor: DataFileDescriptor) -> Iterator[tuple[int, list[str] | IngestIssue]]:
    encoding = {"utf-8": "utf-8-sig", "utf8": "utf-8-sig"}.get(descriptor.file_encoding.lower(), descriptor.file_encoding)
    quote = descriptor.fields_enclosed_by
    with path.open(encoding=encoding, errors="replace", newline="") as stream:
        reader = csv.reader(
            stream,
            delimiter=descriptor.fields_terminated_by,
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
        )
        seen = 0
        while True:
            try:
                fields = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield reader.line_num, IngestIssue("bad-row", f"The row cannot be read ({error}).")
                continue
            seen += 1
            if seen > descriptor.lines_to_ignore and any(fields):
                yield reader.line_num, fields
