"""Folders of images, with or without tables, and single files."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from iiif.ingest import spreadsheet, tabular
from iiif.ingest.columns import NUMBER_TERMS, names_images_or_specimens
from iiif.ingest.delimited import TableRow, open_table, rows_of
from iiif.ingest.files import Finder, Links, is_image_name, is_regular, is_within, walk_files, walk_names
from iiif.ingest.model import ImageFile, IngestIssue, IngestLimits, IngestSource, Place, Record, SourceError, readable
from iiif.ingest.references import resembling
from iiif.ingest.same_shot import Shots, left_out
from iiif.ingest.unpack import is_zip_name

DELIMITED_SUFFIXES = frozenset({".csv", ".tsv", ".tab"})
TEXT_SUFFIXES = frozenset({".txt", ".dat", ".asc"})
TABLE_SUFFIXES = DELIMITED_SUFFIXES | spreadsheet.SUFFIXES
SHOWN = 20
LINK = IngestIssue("path-outside", "The file is a link that leads out of its folder, or round in a circle.")


@dataclass(frozen=True, slots=True)
class OpenedTable:
    """A table or sheet that is read: its name in reports, its rows from the first each time, how many, and what is said of it."""

    name: str
    rows: Callable[[], Iterator[TableRow]]
    total: int
    note: str
    issues: tuple[IngestIssue, ...] = ()


@dataclass(slots=True)
class _Contents:
    """What lies in a folder, sorted by what becomes of it."""

    tables: list[OpenedTable]
    remarks: list[Record]
    notes: list[str]
    images: int = 0


def open_folder(
    root: Path,
    name: str,
    limits: IngestLimits,
    *,
    tables: tuple[Path, ...] = (),
    images: Path | None = None,
    archive: str = "",
    without: frozenset[Path] = frozenset(),
) -> IngestSource:
    """The rows of the folder's tables (or of those given), then every image that no row has taken.

    With `images`, the rows' files are looked for there first; of that folder only what rows name is taken in. `without` are
    folders and files below that are sources of their own. `archive` goes before each place in the report.
    """
    contents = _contents(root, limits, tables, archive, without)
    finder = Finder((root,) if images is None else (images, root))
    taken = tabular.Taken()
    rows = (tabular.records_of(table.rows(), table.name, archive, finder, taken) for table in contents.tables)
    others = _records_of_images(root, taken, finder.links, archive, without)
    total = max(sum(table.total for table in contents.tables), contents.images)
    return IngestSource(name, total, chain(contents.remarks, chain.from_iterable(rows), others), tuple(contents.notes))


def open_table_alone(path: Path, limits: IngestLimits, *, images: Path | None = None, archive: str = "") -> IngestSource:
    """A table by itself; its images lie under `images`, or beside it."""
    contents = _Contents([], [], [])
    _add_table(contents, path, readable(path.name), limits, archive, chosen=True)
    roots = (path.parent,) if images is None else (images, path.parent)
    rows = (tabular.records_of(table.rows(), table.name, archive, Finder(roots), tabular.Taken()) for table in contents.tables)
    total = sum(table.total for table in contents.tables)
    return IngestSource(path.name, total, chain(contents.remarks, chain.from_iterable(rows)), tuple(contents.notes))


def open_file(path: Path, archive: str = "") -> IngestSource:
    """A single image; its ending does not matter."""
    return IngestSource(path.name, 1, iter((_image_record(path, Place(readable(path.name), 0, archive)),)))


def is_table(path: Path) -> bool:
    """Whether a path that was named for itself is to be read as a table: by its ending, or, of a text, by its first line."""
    suffix = path.suffix.lower()
    return suffix in TABLE_SUFFIXES or (suffix in TEXT_SUFFIXES and not is_image_name(path.name))


def _contents(root: Path, limits: IngestLimits, tables: tuple[Path, ...], archive: str, without: frozenset[Path]) -> _Contents:
    contents = _Contents([], [], [])

    def refuse(path: Path, why: str) -> None:
        place = Place(_relative(path, root), 0, archive)
        contents.remarks.append(Record.remark(place, IngestIssue("unreadable", f"The folder could not be read ({why}).")))

    for path in tables:
        _add_table(contents, path, readable(path.name), limits, archive, chosen=True)
    others, count = [], 0
    for folder, file in walk_names(root, refuse):
        if not without and is_image_name(file):
            contents.images += 1
            continue
        path = Path(folder, file)
        if _is_in(path, without) or is_zip_name(file):
            continue
        name = _relative(path, root)
        if is_image_name(file):
            contents.images += 1
        elif not is_within(path, root):
            contents.remarks.append(Record.remark(Place(name, 0, archive), LINK))
        elif not tables and _is_a_table_here(path):
            _add_table(contents, path, name, limits, archive, chosen=False)
        else:
            others += [name] if count < SHOWN else []
            count += 1
    if others:
        more = f" and {count - SHOWN} more" if count > SHOWN else ""
        prefix = f"{archive}: " if archive else ""
        contents.notes.append(f"{prefix}Neither images nor tables of specimens, and not read: {', '.join(others)}{more}.")
    return contents


def _is_a_table_here(path: Path) -> bool:
    """By its ending, or, of a text among other files, by what it holds."""
    suffix = path.suffix.lower()
    return is_regular(path) and (suffix in TABLE_SUFFIXES or (suffix in TEXT_SUFFIXES and _looks_like_a_table(path)))


def _looks_like_a_table(path: Path) -> bool:
    """Whether a text has a header of columns that are known; what is refused as a table later is said then."""
    try:
        table = open_table(path)
    except SourceError as error:
        return error.finding.code not in ("empty-csv", "bad-row")
    return len(table.columns) > 1 and names_images_or_specimens(table.columns)


def _add_table(contents: _Contents, path: Path, name: str, limits: IngestLimits, archive: str, *, chosen: bool) -> None:
    """Open it for reading, or say why it is not read."""
    try:
        opened, issues = _open(path, name, limits, chosen)
    except SourceError as error:
        issue = error.finding
        place = Place(name, issue.place.line if issue.place else 0, archive)
        contents.remarks.append(Record.remark(place, IngestIssue(issue.code, issue.sentence, issue.column, issue.value)))
        return
    contents.tables += opened
    contents.notes += [f"{archive}: {table.note}" if archive else table.note for table in opened]
    for table in opened:
        for issue in table.issues:
            contents.remarks.append(
                Record.remark(Place(table.name, issue.place.line if issue.place else 0, archive), _here(issue))
            )
    contents.remarks += [Record.remark(Place(name, 0, archive), issue) for issue in issues]


def _here(issue: IngestIssue) -> IngestIssue:
    return IngestIssue(issue.code, issue.sentence, issue.column, issue.value, issue.severity)


def _open(path: Path, name: str, limits: IngestLimits, chosen: bool) -> tuple[list[OpenedTable], list[IngestIssue]]:
    """Its tables, and what is said of the whole. Raises SourceError."""
    if path.suffix.lower() in spreadsheet.SUFFIXES:
        return _open_sheets(path, limits)
    table = open_table(path)
    if chosen or names_images_or_specimens(table.columns):
        return [OpenedTable(name, lambda: rows_of(table), table.rows, f"{name}: {table.note}", table.issues)], []
    columns = ", ".join(table.columns)
    sentence = (
        f"No column names specimens ({', '.join(NUMBER_TERMS)}) or images, so its rows were not read; it has {columns[:200]}."
    )
    return [], [IngestIssue("no-known-columns", sentence, value=columns[:200])]


def _open_sheets(path: Path, limits: IngestLimits) -> tuple[list[OpenedTable], list[IngestIssue]]:
    """Of a spreadsheet; see `_open`."""
    sheets, others, issues = spreadsheet.open_sheets(path, limits)
    opened = [
        OpenedTable(sheet.name, lambda sheet=sheet: spreadsheet.rows_of_sheet(sheet, limits), sheet.rows, sheet.note)  # type: ignore[misc] # bound in the loop
        for sheet in sheets
    ]
    if others:
        sentence = f"No column of these sheets names specimens or images, and they were not read: {', '.join(others)[:300]}."
        issues = [*issues, IngestIssue("no-known-columns", sentence, severity="warning" if sheets else "rejected")]
    return opened, issues


def _records_of_images(
    root: Path, taken: tabular.Taken, links: Links, archive: str, without: frozenset[Path]
) -> Iterator[Record]:
    shots = Shots()
    for folder, name, is_plain in walk_files(root):
        if not is_image_name(name) or (real := links.real_of(folder, name, is_plain=is_plain)) in taken.files:
            continue
        path = Path(folder, name)
        if _is_in(path, without):
            continue
        place = Place(_relative(path, root), 0, archive)
        if not links.is_in(real, root):
            yield Record.refusal(place, LINK, number=readable(path.stem))
        elif not is_regular(path):
            issue = IngestIssue(
                "unreadable", "It is not a file that can be read to its end: a link to nothing, a pipe or a device."
            )
            yield Record.refusal(place, issue, number=readable(path.stem))
        elif real in taken.resembling:
            yield Record.remark(place, resembling(path, taken.resembling[real]))
        elif better := _better_shot(folder, name, shots, taken, links):
            yield Record.remark(place, left_out(readable(name), readable(better)))
        else:
            yield _image_record(path, place)


def _better_shot(folder: str, name: str, shots: Shots, taken: tabular.Taken, links: Links) -> str:
    """The file that is taken for this one's shot: one that a row has taken, or the best; empty where it is this one."""
    others = shots.others(folder, name)
    named = next((other for other in others if links.real_of(folder, other) in taken.files), "")
    return named or ("" if shots.is_best(folder, name) else others[0])


def _is_in(path: Path, folders: frozenset[Path]) -> bool:
    return bool(folders) and (path in folders or not folders.isdisjoint(path.parents))


def _relative(path: Path, root: Path) -> str:
    return readable(str(path.relative_to(root))) if path.is_relative_to(root) else readable(str(path))


def _image_record(path: Path, place: Place) -> Record:
    image = ImageFile.at(path)
    return Record(place, readable(path.stem), False, {"file": image.file_name}, images=(image,))
