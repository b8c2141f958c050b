"""Open whatever path a person names: the kind of source is seen from what lies there."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from iiif.ingest.darwin_core_archive import is_archive, open_archive
from iiif.ingest.files import IMAGE_SUFFIXES, is_image_name, walk
from iiif.ingest.folder import TABLE_SUFFIXES, open_csv, open_file, open_folder
from iiif.ingest.model import IngestLimits, IngestSource, SourceError
from iiif.ingest.unpack import unpack


def expand(path: Path) -> Iterator[Path]:
    """The path; of a folder also the zips that lie in it, and of one that holds nothing else only those."""
    archives = sorted(path.glob("*.zip")) if path.is_dir() and not is_archive(path) else []
    suffixes = {each.suffix.lower() for each in walk(path)} if archives else set()
    if not archives or suffixes & (TABLE_SUFFIXES | IMAGE_SUFFIXES):
        yield path
    yield from archives


@contextmanager
def open_source(
    path: Path, limits: IngestLimits, scratch: Path, *, images: Path | None = None, csv: Path | None = None
) -> Iterator[IngestSource]:
    """The source at a path: folder, Darwin Core Archive (zip or folder), zip of a folder, table or image.

    `scratch` is a folder for what has to be unpacked; it is empty again afterwards. Raises SourceError.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch, prefix="ingest-") as name:
        inner = Path(name, "unpacked")
        inner.mkdir()
        if path.is_dir():
            yield _open_dir(path, path.name, Path(name), images, csv)
        elif not path.is_file():
            raise SourceError("missing-file", f"There is no file or folder {str(path)!r}.")
        elif path.suffix.lower() in TABLE_SUFFIXES:
            yield open_csv(path, images=images)
        elif not is_image_name(path.name) and zipfile.is_zipfile(path):
            yield _open_dir(unpack(path, inner, limits), path.name, Path(name), images, csv)
        elif path.suffix.lower() == ".zip":
            raise SourceError("bad-archive", f"{path.name} is no zip file, or is broken.")
        elif csv is not None:
            yield open_folder(path.parent, path.name, tables=(csv,), images=images)
        else:
            yield open_file(path)


def _open_dir(folder: Path, name: str, scratch: Path, images: Path | None, csv: Path | None) -> IngestSource:
    if csv is None and is_archive(folder):
        return open_archive(folder, name, scratch, images=images)
    return open_folder(folder, name, tables=() if csv is None else (csv,), images=images)
