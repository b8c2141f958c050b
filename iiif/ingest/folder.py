"""Folders of images, with or without tables, and single files."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

from iiif.ingest import tabular
from iiif.ingest.delimited import Table, open_table
from iiif.ingest.files import Finder, is_image_name, is_within, walk
from iiif.ingest.model import ImageFile, IngestIssue, IngestSource, Record, SourceError, readable

TABLE_SUFFIXES = frozenset({".csv", ".tsv"})


def open_folder(root: Path, name: str, *, tables: tuple[Path, ...] = (), images: Path | None = None) -> IngestSource:
    """The rows of the folder's tables (or of those given), then every image that no row has taken.

    With `images`, the rows' files are looked for there first; of that folder only what rows name is taken in.
    """
    found = tables or tuple(path for path in sorted(root.iterdir()) if path.suffix.lower() in TABLE_SUFFIXES and path.is_file())
    opened, refused, notes = _open_tables(found, chosen=bool(tables))
    finder = Finder((root,) if images is None else (images, root))
    taken: set[Path] = set()
    rows = (tabular.records_of(table, finder, lambda path: taken.add(path.resolve())) for table in opened)
    others = _records_of_images(root, taken)
    files = sum(1 for path in walk(root) if is_image_name(path.name))
    total = len(refused) + max(sum(table.rows for table in opened), files)
    return IngestSource(name, total, chain(refused, chain.from_iterable(rows), others), tuple(notes))


def open_csv(path: Path, *, images: Path | None = None) -> IngestSource:
    """A table by itself; its images lie under `images`, or beside it."""
    opened, refused, notes = _open_tables((path,), chosen=True)
    roots = (path.parent,) if images is None else (images, path.parent)
    rows = (tabular.records_of(table, Finder(roots), lambda _: None) for table in opened)
    total = len(refused) + sum(table.rows for table in opened)
    return IngestSource(path.name, total, chain(refused, chain.from_iterable(rows)), tuple(notes))


def open_file(path: Path) -> IngestSource:
    """A single image; its ending does not matter."""
    return IngestSource(path.name, 1, iter((_image_record(path, readable(path.name)),)))


def _open_tables(paths: tuple[Path, ...], *, chosen: bool) -> tuple[list[Table], list[Record], list[str]]:
    opened: list[Table] = []
    refused: list[Record] = []
    notes: list[str] = []
    for path in paths:
        try:
            table = open_table(path)
        except SourceError as error:
            refused.append(Record(path.name, "", False, {}, findings=(error.finding,), refused=True))
            continue
        if chosen or tabular.names_images_or_specimens(table.columns):
            opened.append(table)
            notes.append(f"{path.name}: {table.encoding}, fields parted by {table.delimiter!r}.")
        else:
            notes.append(f"{path.name} was passed over: no column names specimens or images.")
    return opened, refused, notes


def _records_of_images(root: Path, taken: set[Path]) -> Iterator[Record]:
    for path in walk(root):
        if not is_image_name(path.name):
            continue
        place = readable(str(path.relative_to(root)))
        if not is_within(path, root):
            finding = IngestIssue("path-outside", "The file is a link that leads out of its folder.")
            yield Record(place, readable(path.stem), False, {}, findings=(finding,), refused=True)
        elif path.resolve() not in taken:
            yield _image_record(path, place)


def _image_record(path: Path, place: str) -> Record:
    image = ImageFile.at(path)
    return Record(place, readable(path.stem), False, {"file": image.file_name}, images=(image,))
