"""Darwin Core Data Packages (dwc.tdwg.org/dp): material and its media by their link table, with event and identifications.

Only what is understood comes in: tables that are not read are named with their rows, and a package of another kind is refused as
a whole, so that no table of links becomes specimens.
"""

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from iiif.ingest import tabular
from iiif.ingest.darwin_core_archive import record_of
from iiif.ingest.data_files import DataRow
from iiif.ingest.delimited import Table, TableRow, open_table, rows_of
from iiif.ingest.files import Finder, is_regular, is_url, is_within
from iiif.ingest.metafile import DataFile
from iiif.ingest.model import IngestIssue, IngestSource, Place, Record, SourceError, warning
from ontology import darwin_core

DESCRIPTOR = "datapackage.json"
MAX_DESCRIPTOR_BYTES = 20_000_000
CORES = {"material": "materialentity", "material-entity": "materialentity", "occurrence": "occurrence"}
MAX_LINKED = 1000


@dataclass(frozen=True, slots=True)
class Package:
    """The tables of a package by the names of its resources."""

    folder: Path
    tables: Mapping[str, tuple[Table, ...]]

    @property
    def core(self) -> str:
        return next(name for name in CORES if name in self.tables)

    def column(self, resource: str, entity: str) -> str:
        """The column of a table that gives or refers to the key of that kind of thing; empty where it has none."""
        names = (f"{entity}id", f"{entity}pk", f"{entity}fk")
        columns = self.tables[resource][0].columns if resource in self.tables else ()
        return next((column for column in columns if darwin_core.spelling(column) in names), "")


def is_package(folder: Path) -> bool:
    return is_regular(folder / DESCRIPTOR)


def open_package(folder: Path, name: str, scratch: Path, *, images: Path | None = None) -> IngestSource:
    """An unpacked package. `scratch` is an empty folder for the index of its tables. Raises SourceError (`bad-archive`, …)."""
    package = _package_of(folder)
    notes = [f"{name}: Darwin Core Data Package, specimens from the resource {package.core!r}."]
    notes += [f"{table.name}: {table.note}" for tables in package.tables.values() for table in tables]
    finder = Finder((folder,) if images is None else (images, folder))
    total = sum(table.rows for table in package.tables[package.core])
    return IngestSource(name, total, _records(package, name, scratch, finder), tuple(notes))


def _bad(what: str, value: str = "") -> SourceError:
    return SourceError("bad-archive", f"{DESCRIPTOR} {what}: nothing of the package was taken in.", value=value[:200])


def _package_of(folder: Path) -> Package:
    path = folder / DESCRIPTOR
    try:
        if path.stat().st_size > MAX_DESCRIPTOR_BYTES or not is_within(path, folder):
            raise _bad("is too large, or a link out of the package")
        descriptor = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise _bad(f"cannot be read ({error})") from error
    resources = descriptor.get("resources") if isinstance(descriptor, dict) else None
    if not isinstance(resources, list) or not all(isinstance(each, dict) for each in resources):
        raise _bad("has no list of resources")
    names = [str(each.get("name", "")) for each in resources]
    if not any(name in CORES for name in names):
        raise _bad(f"names no resource 'material' or 'occurrence' ({', '.join(names)[:150]}), so it is no package of specimens")
    return Package(folder, {name: _tables(folder, each) for name, each in zip(names, resources, strict=True)})


def _tables(folder: Path, resource: Mapping[str, Any]) -> tuple[Table, ...]:
    paths = resource.get("path")
    paths = [paths] if isinstance(paths, str) else paths
    if not isinstance(paths, list) or not paths or not all(isinstance(each, str) for each in paths):
        raise _bad(f"gives the resource {str(resource.get('name'))[:80]!r} no path")
    tables = []
    for path in paths:
        if is_url(path) or "\0" in path or not is_within(folder / path, folder):
            raise SourceError(
                "path-outside", f"{DESCRIPTOR} names {path[:200]!r}, which leads out of the package.", value=path[:200]
            )
        if not is_regular(folder / path):
            raise _bad(f"names {path[:200]!r}, which is not in the package", path)
        try:
            tables.append(open_table(folder / path))
        except SourceError as error:
            if error.finding.code != "empty-csv":
                raise
    return tuple(tables)


def _records(package: Package, name: str, scratch: Path, finder: Finder) -> Iterator[Record]:
    core, taken = package.core, tabular.Taken()
    key_column = package.column(core, CORES[core])
    about = {resource: DataFile(resource, (resource,), "utf-8", ",", '"', 1, 0, (), False) for resource in package.tables}
    with closing(sqlite3.connect(scratch / "package.db", isolation_level=None)) as index:
        yield from _fill(index, package, name)
        for table in package.tables[core]:
            yield from (Record.remark(Place(table.name, 0, name), issue) for issue in table.issues)
            for row in rows_of(table):
                if not row.is_row:
                    yield Record.remark(Place(table.name, row.line, name), *row.issues)
                    continue
                key = row.cells.get(key_column, "").strip()
                data = DataRow(Place(table.name, row.line, name), key, _with_event(index, package, row), row.issues)
                media = [each for each in _linked(index, "media", key) if key]
                others = [
                    (about[resource], list(_linked(index, resource, key)))
                    for resource in package.tables
                    if resource == "identification"
                ]
                yield record_of(data, about[core], media, [each for each in others if each[1] and key], finder, taken)
        yield from _orphans(index, name)


def _fill(index: sqlite3.Connection, package: Package, name: str) -> Iterator[Record]:
    """Put media, links, events and identifications into the index; other tables are named with their rows."""
    index.execute("PRAGMA journal_mode=OFF")
    index.execute("PRAGMA synchronous=OFF")  # it is thrown away; one transaction lasts as long as it
    index.execute("CREATE TABLE rows (resource TEXT, key TEXT, cells TEXT, file TEXT, line INTEGER, used INTEGER DEFAULT 0)")
    index.execute("CREATE TABLE links (owner TEXT, media TEXT)")
    index.execute("BEGIN")
    entity = CORES[package.core]
    for resource, tables in package.tables.items():
        if resource == package.core or not tables:
            continue
        media, owner = package.column(resource, "media"), package.column(resource, entity)
        event = package.column(resource, "event") if resource == "event" else ""
        is_link = resource.endswith("-media") and bool(media and owner)
        key = media if resource == "media" else owner if resource == "identification" else event
        if not key and not is_link:
            count = sum(1 for table in tables for _ in rows_of(table))
            sentence = f"The table {resource!r} of a data package is not read: {count} rows."
            yield Record.remark(Place(tables[0].name, 0, name), warning("extension-rows", sentence, value=resource))
            continue
        for table in tables:
            yield from _fill_table(index, resource, table, name, (owner, media) if is_link else (key,))
            if resource == "media" and owner:
                index.execute(
                    "INSERT INTO links SELECT json_extract(cells, ?), key FROM rows WHERE resource = 'media'", (f'$."{owner}"',)
                )
    index.execute("CREATE INDEX by_key ON rows (resource, key)")
    index.execute("CREATE INDEX by_owner ON links (owner)")


def _fill_table(index: sqlite3.Connection, resource: str, table: Table, name: str, keys: tuple[str, ...]) -> Iterator[Record]:
    yield from (Record.remark(Place(table.name, 0, name), issue) for issue in table.issues)
    for row in rows_of(table):
        place = Place(table.name, row.line, name)
        if row.issues:
            yield Record.remark(place, *row.issues)
        if row.refused:
            continue
        values = [row.cells.get(key, "").strip() for key in keys]
        if len(values) == 2:
            index.execute("INSERT INTO links VALUES (?, ?)", values)
        else:
            cells = (resource, values[0], json.dumps(dict(row.cells)), table.name, row.line)
            index.execute("INSERT INTO rows (resource, key, cells, file, line) VALUES (?, ?, ?, ?, ?)", cells)


def _linked(index: sqlite3.Connection, resource: str, key: str) -> Iterator[DataRow]:
    """The rows of a table that belong to a specimen: media by the links, others by their own key."""
    where = "key IN (SELECT media FROM links WHERE owner = ?)" if resource == "media" else "key = ?"
    query = f"SELECT cells, file, line, rowid FROM rows WHERE resource = ? AND {where} ORDER BY rowid LIMIT {MAX_LINKED}"  # noqa: S608
    for cells, file, line, number in index.execute(query, (resource, key)).fetchall():
        index.execute("UPDATE rows SET used = 1 WHERE rowid = ?", (number,))
        yield DataRow(Place(file, line), key, json.loads(cells))


def _with_event(index: sqlite3.Connection, package: Package, row: TableRow) -> dict[str, str]:
    """The row's columns with those of the event that it refers to, as far as it has none of its own."""
    cells = dict(row.cells)
    for column, key in row.cells.items() if "event" in package.tables else ():
        if darwin_core.spelling(column).endswith(("eventid", "eventfk")):
            found = index.execute("SELECT cells FROM rows WHERE resource = 'event' AND key = ?", (key.strip(),)).fetchone()
            return {**json.loads(found[0]), **cells} if found else cells
    return cells


def _orphans(index: sqlite3.Connection, name: str) -> Iterator[Record]:
    query = "SELECT resource, key, file, line FROM rows WHERE NOT used AND resource IN ('media', 'identification') ORDER BY rowid"
    for resource, key, file, line in index.execute(query):
        sentence = f"The {resource} row {key[:80]!r} belongs to no specimen of the package."
        yield Record.remark(Place(file, line, name), IngestIssue("orphan-media", sentence, "mediaID", key[:200]))
