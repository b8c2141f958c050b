"""Every row of real archives (../shared/data/archives) is accounted for: counted by the csv module, and found in the report.

A row of the core became a specimen, was merged, or is refused; one of media is an image or named; one of another extension is
kept with its record, or counted. An archive that is refused as a whole is refused by name, and nothing of it is in.
"""

import csv
import io
import re
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

import pytest

from app.runtime.context import Runtime
from iiif.catalogue import service
from iiif.catalogue.model import Specimen
from iiif.ingest.report import IngestReport
from tests.unit.iiif.ingest.conftest import Ingest

ZIPS = ("invalid-ac-media", "kew-gbif-media", "lux-associated-media", "naturalis-ac-media", "only-occurrences", "rbins")
FOLDERS = (
    *(f"ala/dwca/dwca-sample{number}" for number in range(1, 8)),
    *(f"ala/occurrence/sample{number}" for number in range(1, 7)),
    *("dr893", "gbif_multimedia"),
)
ARCHIVES = (*(f"dissco_dwca-{name}.zip" for name in ZIPS), "gbif-results.zip", *FOLDERS)
WHOLE = {"ala/dwca/dwca-sample2", "ala/dwca/dwca-sample3", "ala/occurrence/sample2", "ala/occurrence/sample3"}
"""Refused as a whole: the header names the terms of meta.xml in other columns."""
PER_ROW = ("missing-file", "orphan-media", "wrong-column-count", "bad-row", "wrong-encoding")


@dataclass(frozen=True)
class Counted:
    """A core or extension: its first file, the type of its rows, and how many rows the csv module finds in its files."""

    file: str
    row_type: str
    rows: int

    @property
    def is_media(self) -> bool:
        return self.row_type.rsplit("/", 1)[-1].casefold() in ("multimedia", "image")


def count(archive: Path) -> list[Counted]:
    """The core, then the extensions."""
    contents = _members(archive) if archive.suffix == ".zip" else {path.name: path.read_bytes() for path in archive.iterdir()}
    root = ElementTree.fromstring(contents["meta.xml"])
    found = []
    for element in root:
        if not element.tag.endswith(("core", "extension")):
            continue
        names = [(each.text or "").strip() for each in element.iter() if each.tag.endswith("location")]
        rows = sum(1 for name in names for _ in _rows(contents[name], element))
        found.append(Counted(names[0], element.get("rowType", ""), rows))
    return found


def _members(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name.rsplit("/", 1)[-1]: opened.read(name) for name in opened.namelist() if not name.endswith("/")}


def _rows(data: bytes, element: ElementTree.Element) -> Iterator[list[str]]:
    text = data.decode(element.get("encoding") or "utf-8", "replace").removeprefix("\ufeff")
    delimiter = (element.get("fieldsTerminatedBy") or ",").replace("\\t", "\t")
    quote = element.get("fieldsEnclosedBy", '"')
    quoting = csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote or None, quoting=quoting)
    for number, row in enumerate(reader):
        if number >= int(element.get("ignoreHeaderLines") or 0) and any(cell.strip() for cell in row):
            yield row


@pytest.mark.parametrize("name", ARCHIVES)
def test_every_row_of_a_real_archive_is_accounted_for(
    runtime: Runtime, take_in: Ingest, shared: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    archive = shared / "data" / "archives" / name
    if not archive.exists():
        pytest.skip("needs the archives beside the project")
    if archive.is_dir():
        archive = Path(shutil.copytree(archive, tmp_path / "in" / archive.name))
    report = take_in(archive)
    with capsys.disabled():
        print(f"\n{name}: {report.summary()} {dict(report.codes)}")  # noqa: T201 - for who looks at the counts
    assert report.records == report.specimens_added + report.already_here + report.merged + report.refused
    assert report.rejected + report.warnings == sum(report.codes.values())
    if name in WHOLE:
        assert (dict(report.codes), report.records) == ({"bad-archive": 1}, 0)
        return
    core, *extensions = count(archive)
    refused_elsewhere = _entries(report, [each.file for each in extensions], ("orphan-media", "wrong-column-count", "bad-row"))
    headers = _entries(report, [core.file], ("header-row",))
    assert report.records - refused_elsewhere == core.rows - headers
    specimens = _specimens(runtime)
    assert report.specimens_added == len(specimens)
    for extension in extensions:
        named = _entries(report, [extension.file], PER_ROW)
        if extension.is_media:
            assert named + report.media_added == extension.rows, extension
        else:
            assert named + _kept(specimens, extension) + _uncounted(report, extension) == extension.rows, extension


def _entries(report: IngestReport, files: list[str], codes: tuple[str, ...]) -> int:
    found = Counter((entry.where.file, entry.code) for entry in report.entries)
    return sum(number for (file, code), number in found.items() if file in files and code in codes)


def _uncounted(report: IngestReport, extension: Counted) -> int:
    """The rows that belong to no row of the core, or were left out with a record."""
    found = [entry for entry in report.entries if entry.code == "extension-rows" and entry.where.file == extension.file]
    orphans = [int(entry.value) for entry in found if "belong to no row" in entry.sentence]
    return sum(orphans) + sum(
        int(re.findall(r"(\d+) are not", entry.sentence)[0]) for entry in found if "are kept" in entry.sentence
    )


def _kept(specimens: list[Specimen], extension: Counted) -> int:
    """Rows that lie with their records, as `Identification 1, typeStatus`."""
    of_row = re.compile(rf"{extension.row_type.rsplit('/', 1)[-1]} (\d+), ")
    columns = ((one.key, of_row.match(column)) for one in specimens for column in one.verbatim)
    return len({(key, match[1]) for key, match in columns if match})


def _specimens(runtime: Runtime) -> list[Specimen]:
    with runtime.reads.begin() as session:
        return list(service.list_specimens(session, limit=10_000))
