"""Darwin Core Archives: rows of the core one at a time, with the rows of extensions by way of a temporary database.

Rows of media become images with terms of their own. Rows of other extensions are kept with their record, verbatim.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

from iiif.ingest import depicted, tabular
from iiif.ingest.columns import kind_of
from iiif.ingest.data_files import DataRow, lines_in, rows_of_file
from iiif.ingest.files import Finder, Links, is_image_name, is_regular, walk
from iiif.ingest.metafile import META, Archive, DataFile, read_metafile
from iiif.ingest.model import ImageFile, IngestIssue, IngestSource, Place, Record, readable, warning
from iiif.ingest.references import Resolution, by_number, references_of, resolve
from ontology import darwin_core

MEDIA_COLUMNS = ("accessuri", "identifier", "goodqualityaccessuri", "file", "filename")
MAX_ROWS_OF_EXTENSION = 50
SHOWN = 20


def is_archive(folder: Path) -> bool:
    return is_regular(folder / META)


def open_archive(folder: Path, name: str, scratch: Path, *, images: Path | None = None) -> IngestSource:
    """An unpacked archive. `scratch` is an empty folder for the index of extensions. Raises SourceError (`bad-archive`, …)."""
    archive = read_metafile(folder)
    finder = Finder((folder,) if images is None else (images, folder))
    extensions = ", ".join(f"{' and '.join(each.locations)} ({_use_of(each)})" for each in archive.extensions)
    notes = [f"{name}: Darwin Core Archive, core {' and '.join(archive.core.locations)}, extensions: {extensions or 'none'}."]
    left = _other_files(folder, archive)
    if left:
        more = f" and {len(left) - SHOWN} more" if len(left) > SHOWN else ""
        notes.append(f"{name}: {META} names none of these, and they were not read: {', '.join(left[:SHOWN])}{more}.")
    total = lines_in(folder, archive.core)
    return IngestSource(name, total, _records(folder, archive, name, scratch, finder, images is None), tuple(notes))


def _use_of(extension: DataFile) -> str:
    return f"{extension.name}, images" if extension.is_media else f"{extension.name}, kept verbatim with their records"


def _other_files(folder: Path, archive: Archive) -> list[str]:
    named = {META, archive.metadata, "eml.xml"}
    named.update(location for file in (archive.core, *archive.extensions) for location in file.locations)
    names = (readable(str(path.relative_to(folder))) for path in walk(folder) if not is_image_name(path.name))
    return [name for name in names if name not in named]


def _records(folder: Path, archive: Archive, name: str, scratch: Path, finder: Finder, own_images: bool) -> Iterator[Record]:
    taken = tabular.Taken()
    with closing(sqlite3.connect(scratch / "extensions.db", isolation_level=None)) as index:
        yield from _fill(index, folder, archive, name)
        for row in rows_of_file(folder, archive.core, name):
            if not row.is_row:
                yield Record.remark(row.place, *row.issues)
            else:
                media, others, issues = _rows_of_record(index, archive, row) if archive.extensions else ([], [], [])
                media, more = _with_regions(index, media, row.place)
                row = replace(row, issues=(*row.issues, *issues, *more)) if issues or more else row
                yield record_of(row, archive.core, media, others, finder, taken)
        if archive.extensions:
            yield from _orphans(index, archive, name)
    if own_images:
        yield from _unnamed_images(folder, name, taken, finder.links)


def _fill(index: sqlite3.Connection, folder: Path, archive: Archive, name: str) -> Iterator[Record]:
    """Put the rows of all extensions into the index; what is wrong with them is yielded."""
    index.execute("PRAGMA journal_mode=OFF")
    index.execute("PRAGMA synchronous=OFF")  # it is thrown away; one transaction lasts as long as it
    index.execute("CREATE TABLE rows (key TEXT, extension INTEGER, cells TEXT, file TEXT, line INTEGER)")
    index.execute("CREATE TABLE used (key TEXT PRIMARY KEY, number TEXT, line INTEGER) WITHOUT ROWID")
    index.execute("CREATE TABLE names (name TEXT, row INTEGER)")
    index.execute("BEGIN")
    for number, extension in enumerate(archive.extensions):
        for row in rows_of_file(folder, extension, name):
            if not row.is_row:
                yield Record.remark(row.place, *row.issues)
            elif row.refused:
                yield Record.refusal(row.place, *row.issues)
            else:
                if row.issues:
                    yield Record.remark(row.place, *row.issues)
                cells = (row.key, number, json.dumps(dict(row.cells)), row.place.file, row.place.line)
                added = index.execute(
                    "INSERT INTO rows (key, extension, cells, file, line) VALUES (?, ?, ?, ?, ?)", cells
                ).lastrowid
                if extension.is_media:
                    names = [(each, added) for each in depicted.names_of(row.cells)]
                    index.executemany("INSERT INTO names (name, row) VALUES (?, ?)", names)
    index.execute("CREATE INDEX by_key ON rows (key, extension)")
    index.execute("CREATE INDEX by_name ON names (name)")


def _rows_of_record(
    index: sqlite3.Connection, archive: Archive, core_row: DataRow
) -> tuple[list[DataRow], list[tuple[DataFile, list[DataRow]]], list[IngestIssue]]:
    """The media rows of a record, and those of each other extension; at most MAX_ROWS_OF_EXTENSION of each of these.

    Where an earlier row of the core has the same identifier and another number, they are that row's, and an issue says so.
    """
    key, number = core_row.key, tabular.number_of(core_row.cells)
    found = index.execute(
        "SELECT extension, cells, file, line FROM rows WHERE key = ? ORDER BY rowid LIMIT 10000", (key,)
    ).fetchall()
    if not found:
        return [], [], []
    if index.execute("INSERT OR IGNORE INTO used VALUES (?, ?, ?)", (key, number, core_row.place.line)).rowcount == 0:
        earlier, line = index.execute("SELECT number, line FROM used WHERE key = ?", (key,)).fetchone()
        if earlier != number:
            sentence = f"The identifier {key[:100]!r} is that of line {line} too; rows of extensions that name it are that row's."
            return [], [], [warning("repeated-id", sentence, "id", key[:100])]
    media: list[DataRow] = []
    others: dict[int, list[DataRow]] = {}
    for extension, cells, file, line in found:
        row = DataRow(Place(file, line), key, json.loads(cells))
        if archive.extensions[extension].is_media:
            media.append(row)
        else:
            others.setdefault(extension, []).append(row)
    return media, [(archive.extensions[extension], rows) for extension, rows in others.items()], []


def _with_regions(index: sqlite3.Connection, media: list[DataRow], place: Place) -> tuple[list[DataRow], list[IngestIssue]]:
    """The media rows of a record with what rows of regions say of their images."""
    if not any(depicted.is_region(row.cells) for row in media):
        return media, []
    cells, issues = depicted.joined([row.cells for row in media], partial(_media_row, index))
    own = [row for row in media if not depicted.is_region(row.cells)]
    others = [DataRow(place, media[0].key, {})] * (len(cells) - len(own))
    return [replace(row, cells=each) for row, each in zip((*own, *others), cells, strict=True)], issues


def _media_row(index: sqlite3.Connection, name: str) -> Mapping[str, str] | None:
    """The first media row of that identifier or address, of whatever record."""
    query = "SELECT cells FROM rows JOIN names ON names.row = rows.rowid WHERE names.name = ? LIMIT 1"
    found = index.execute(query, (name,)).fetchone()
    cells: Mapping[str, str] | None = json.loads(found[0]) if found else None
    return cells


def record_of(
    row: DataRow,
    core: DataFile,
    media: list[DataRow],
    others: list[tuple[DataFile, list[DataRow]]],
    finder: Finder,
    taken: tabular.Taken,
) -> Record:
    """The record of a row of the core, with its media rows and those of other extensions."""
    if row.refused:
        return Record.refusal(row.place, *row.issues, number=row.key)
    number = tabular.number_of(row.cells) or row.key
    if not number:
        issue = IngestIssue("missing-id", "The row has neither a catalogue number nor an identifier.")
        return Record.refusal(row.place, *row.issues, issue)
    found = _images(media, row.place.archive, finder) if media else resolve(_references(row, core, finder), finder)
    found = by_number(number, found, finder)
    taken.note(number, found, finder)
    verbatim, issues = _with_extensions(row, others)
    return Record(
        row.place,
        number,
        True,
        verbatim,
        tuple(found.images),
        (*row.issues, *found.issues, *tabular.doubts_of(number, row.cells), *issues),
    )


def _references(row: DataRow, core: DataFile, finder: Finder) -> list[tuple[str, list[str]]]:
    """As of a table; a field that meta.xml says is a list is parted as it says."""
    cells = dict(row.cells)
    for field in core.fields:
        if field.delimited_by and kind_of(field.name) and field.name in cells:
            cells[field.name] = "|".join(cells[field.name].split(field.delimited_by))
    return references_of(cells, finder)


def _images(media: list[DataRow], archive: str, finder: Finder) -> Resolution:
    """The images of the media rows, each with its row's own terms."""
    found = Resolution()
    for row in media:
        place = Place(row.place.file, row.place.line, archive)
        references = [(column, [row.cells[column].strip()]) for column in _media_columns(tuple(row.cells))]
        if not references:
            sentence = "The media row names no address or file (accessURI or identifier)."
            found.issues.append(IngestIssue("missing-file", sentence, place=place))
            continue
        one = _first_that_leads_anywhere(references, finder)
        found.images += [ImageFile(image.path, image.file_name, row.cells) for image in one.images if not found.has(image.path)]
        found.held += one.held
        found.issues += [
            IngestIssue(each.code, each.sentence, each.column, each.value, each.severity, place) for each in one.issues
        ]
    return found


@lru_cache(maxsize=512)
def _media_columns(columns: tuple[str, ...]) -> tuple[str, ...]:
    """Those that name the image of a media row, in the order of trust."""
    by_spelling = {darwin_core.spelling(column): column for column in columns}
    return tuple(by_spelling[name] for name in MEDIA_COLUMNS if name in by_spelling)


def _first_that_leads_anywhere(references: list[tuple[str, list[str]]], finder: Finder) -> Resolution:
    """The columns of a media row name one image: the first that leads to a file counts, else what the first is missing."""
    tried = [resolve([reference], finder) for reference in references]
    return next((each for each in tried if each.images), next((each for each in tried if each.held), tried[0]))


def _with_extensions(row: DataRow, others: list[tuple[DataFile, list[DataRow]]]) -> tuple[dict[str, str], list[IngestIssue]]:
    """The record's verbatim columns with those of extension rows: `Identification 1: typeStatus`."""
    verbatim, issues = dict(row.cells), []
    for extension, rows in others:
        for position, each in enumerate(rows[:MAX_ROWS_OF_EXTENSION], 1):
            verbatim.update({f"{extension.name} {position}, {column}": value for column, value in each.cells.items()})
        if len(rows) > MAX_ROWS_OF_EXTENSION:
            left = len(rows) - MAX_ROWS_OF_EXTENSION
            sentence = (
                f"Of {len(rows)} rows of {extension.locations[0]} the first {MAX_ROWS_OF_EXTENSION} are kept, {left} are not."
            )
            place = Place(rows[MAX_ROWS_OF_EXTENSION].place.file, rows[MAX_ROWS_OF_EXTENSION].place.line, row.place.archive)
            issues.append(warning("extension-rows", sentence, value=row.key, place=place))
    return verbatim, issues


def _orphans(index: sqlite3.Connection, archive: Archive, name: str) -> Iterator[Record]:
    """Rows that belong to no row of the core: each of media, and how many of each other extension."""
    for number, extension in enumerate(archive.extensions):
        where = "FROM rows WHERE extension = ? AND key NOT IN (SELECT key FROM used)"
        if extension.is_media:
            for key, file, line in index.execute(f"SELECT key, file, line {where} ORDER BY rowid", (number,)):
                sentence = f"The media row refers to {key[:80]!r}, which is not a row of the core."
                yield Record.refusal(Place(file, line, name), IngestIssue("orphan-media", sentence, "coreid", key[:200]))
            continue
        count, line, file = index.execute(f"SELECT count(*), min(line), min(file) {where}", (number,)).fetchone()
        if count:
            sentence = f"{count} rows of {extension.name}, from line {line}, belong to no row of the core: they are not kept."
            yield Record.remark(Place(file, line, name), warning("extension-rows", sentence, value=str(count)))


def _unnamed_images(folder: Path, name: str, taken: tabular.Taken, links: Links) -> Iterator[Record]:
    for path in walk(folder):
        if is_image_name(path.name) and links.real(path) not in taken.files:
            place = Place(readable(str(path.relative_to(folder))), 0, name)
            yield Record.remark(place, warning("unnamed-image", "No row of the archive names this image; it was not taken in."))
