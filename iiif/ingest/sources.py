"""Open whatever path a person names: the kinds of source are seen from what lies there, however deep."""

import tempfile
import zipfile
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from iiif.ingest.darwin_core_archive import is_archive, open_archive
from iiif.ingest.data_package import DESCRIPTOR, is_package, open_package
from iiif.ingest.files import is_image_name, is_regular, is_within, lines_below_header, walk, walk_names
from iiif.ingest.folder import DELIMITED_SUFFIXES, TEXT_SUFFIXES, is_table, open_file, open_folder, open_table_alone
from iiif.ingest.metafile import META
from iiif.ingest.model import IngestLimits, IngestSource, SourceError, readable
from iiif.ingest.unpack import is_zip_name, unpack

DESCRIPTORS = (META, DESCRIPTOR)
MAX_NESTING = 3  # zips in zips
MOST_COUNTED = 5  # files of an archive whose rows a refusal counts
NOT_COUNTED = "None of its rows went in; how many it has cannot be told before it is unpacked."


@dataclass(frozen=True, slots=True)
class Options:
    """What a person said beside the path; `prefix` goes before each place, so that several sources are told apart."""

    images: Path | None = None
    csv: Path | None = None
    prefix: str = ""


@contextmanager
def open_source(
    path: Path, limits: IngestLimits, scratch: Path, options: Options
) -> Iterator[Iterator[IngestSource | SourceError]]:
    """The sources at a path, one after another: archives and packages in folders or zips, tables, images.

    `scratch` is a folder for what has to be unpacked; it is empty again afterwards. A source that cannot be opened is yielded as
    its error, so that the next one comes. Raises SourceError where the path as a whole cannot be opened.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ingest-") as name:
        if path.is_dir():
            yield _sources_in(path, readable(path.resolve().name), options, limits, Path(name), archive=options.prefix)
        elif not path.exists():
            raise SourceError("missing-file", f"There is no file or folder {readable(str(path))!r}.")
        elif not is_regular(path):
            raise SourceError("unreadable", f"{readable(str(path))!r} is neither a file nor a folder.")
        elif is_zip(path):
            yield _in_zip(path, readable(path.name), options, limits, Path(name), nesting=1)
        elif is_zip_name(path.name):
            broken = SourceError("bad-archive", f"{readable(path.name)} is not a zip file, or is broken.")
            raise broken.of(readable(path.name), NOT_COUNTED)
        elif is_table(path):
            yield iter((open_table_alone(path, limits, images=options.images, archive=options.prefix),))
        elif options.csv is not None:
            tables = (options.csv,)
            yield iter((open_folder(path.parent, readable(path.name), limits, tables=tables, images=options.images),))
        else:
            yield iter((open_file(path, options.prefix),))


def is_zip(path: Path) -> bool:
    """Whether to unpack it: spreadsheets and some images are zips too."""
    try:
        return is_regular(path) and not is_image_name(path.name) and not is_table(path) and zipfile.is_zipfile(path)
    except OSError:
        return False


def _in_zip(
    path: Path, name: str, options: Options, limits: IngestLimits, scratch: Path, *, nesting: int
) -> Iterator[IngestSource | SourceError]:
    with tempfile.TemporaryDirectory(dir=scratch, prefix="zip-") as inner:
        try:
            folder = unpack(path, Path(inner), limits)
        except SourceError as error:
            yield error.of(name, NOT_COUNTED)
            return
        yield from _sources_in(folder, name, options, limits, scratch, archive=name, nesting=nesting)


def _sources_in(
    root: Path, name: str, options: Options, limits: IngestLimits, scratch: Path, *, archive: str, nesting: int = 0
) -> Iterator[IngestSource | SourceError]:
    """The archives, packages and zips below a folder, then what else is there, as tables and images."""
    if options.csv is not None:
        yield open_folder(root, name, limits, tables=(options.csv,), images=options.images, archive=archive)
        return
    described = _described(root)
    archives = frozenset(described)
    zips = [
        path
        for path in (Path(folder, name) for folder, name in walk_names(root) if is_zip_name(name))
        if not _is_below(path, archives) and is_within(path, root)
    ]
    for folder in described:
        below = "" if folder == root else readable(str(folder.relative_to(root)))
        yield from _described_source(folder, "/".join(filter(None, (name, below))), options, scratch)
    if root in described:
        return
    for path in zips:
        title = "/".join(filter(None, (archive, readable(str(path.relative_to(root))))))
        if nesting >= MAX_NESTING:
            yield SourceError("bad-archive", "It lies in too many nested zips: unpack it first.").of(title, NOT_COUNTED)
        elif is_zip(path):
            yield from _in_zip(path, title, options, limits, scratch, nesting=nesting + 1)
        else:
            yield SourceError("bad-archive", "It is not a zip file, or is broken.").of(title, NOT_COUNTED)
    without = frozenset((*described, *zips))
    if not without or any(not _is_below(path, without) for path in walk(root)):
        yield open_folder(root, name, limits, images=options.images, archive=archive, without=without)


def _described(root: Path) -> list[Path]:
    """The folders that a descriptor makes an archive or package of; what lies below one of them belongs to it."""
    found: list[Path] = []
    known: set[Path] = set()
    for folder in sorted({root, *(Path(folder) for folder, name in walk_names(root) if name in DESCRIPTORS)}):
        if not _is_below(folder, known) and (is_archive(folder) or is_package(folder)):
            found.append(folder)
            known.add(folder)
    return found


def _is_below(path: Path, folders: AbstractSet[Path]) -> bool:
    """Whether it is one of the folders, or lies in one."""
    return bool(folders) and (path in folders or not folders.isdisjoint(path.parents))


def _described_source(folder: Path, name: str, options: Options, scratch: Path) -> Iterator[IngestSource | SourceError]:
    """An archive or package, with a scratch folder that lasts as long as it is read."""
    with tempfile.TemporaryDirectory(dir=scratch, prefix="index-") as inner:
        opener = open_archive if is_archive(folder) else open_package
        try:
            yield opener(folder, name, Path(inner), images=options.images)
        except SourceError as error:
            yield error.of(name, _rows_left(folder))


def _rows_left(folder: Path) -> str:
    """How many rows the texts of an archive have that is refused."""
    counted = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in (*DELIMITED_SUFFIXES, *TEXT_SUFFIXES) and is_within(path, folder) and is_regular(path):
            counted.append(f"{readable(path.name)} has {lines_below_header(path):,} lines below its first")
    more = [f"and {len(counted) - MOST_COUNTED} more files have others"] if len(counted) > MOST_COUNTED else []
    return f"None of its rows went in: {', '.join([*counted[:MOST_COUNTED], *more])}." if counted else "It has no rows."
