"""Cases of what users of such software ran into (../shared/cases/ingest), each with what must come of it.

The same kinds are in test_careless.py with inputs of our own; these run where the folder lies beside the project.
"""

import shutil
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from iiif.catalogue import rights
from tests.unit.iiif.ingest.conftest import Ingest, all_of


def bare(*numbers: str) -> dict[str, list[str]]:
    """Specimens without images."""
    return {number: [] for number in numbers}


# Case, path to take in; images by catalogue number; codes in order.
CASES: dict[str, tuple[str, dict[str, list[str]], list[str]]] = {
    "01-wrong-picture-by-file-name/same-name-other-folder": (
        ".",
        {"HB-100": [], "HB-101": ["original.jpg"], "HB-103": ["original.jpg"]},
        ["missing-file"],
    ),
    "01-wrong-picture-by-file-name/wrong-folder-in-path": (".", {"BE-1": ["IMG_0001.JPG"], "BE-2": []}, ["missing-file"]),
    "01-wrong-picture-by-file-name/ambiguous-file-name": (".", {"BE-1": [], "BE-2": []}, ["ambiguous-file"] * 2),
    "01-wrong-picture-by-file-name/wrong-silent": (".", {"HB-100": []}, ["missing-file"]),
    "02-stray-quote-swallows-rows/stray-quote-archive": (".", bare("HB-1", "HB-3", "HB-4", "HB-5"), ["bad-row"]),
    "02-stray-quote-swallows-rows/stray-quote-csv": (
        "list.csv",
        bare("HB-1", "HB-3", "HB-4", "HB-5", "HB-6"),
        ["bad-row"],
    ),
    "02-stray-quote-swallows-rows/gbif-simple-csv": ("0001-occ.csv", bare("A1", "A2", "A3", "A4"), []),
    "03-image-published-under-the-records-licence/input": (".", {"HB-1": ["HB-1.jpg"], "HB-2": ["HB-2.jpg"]}, []),
    "05-encoding-not-as-declared/declared-latin1-is-utf8": (".", {"HB-1": []}, ["wrong-encoding"]),
    "05-encoding-not-as-declared/declared-utf8-is-cp1252": (".", {"HB-1": [], "HB-2": []}, ["wrong-encoding"]),
    "05-encoding-not-as-declared/excel-mac-roman": (".", {"HB-1": [], "HB-2": []}, ["wrong-encoding"]),
    "05-encoding-not-as-declared/one-bad-byte": (".", bare("HB-1", "HB-2", "HB-3", "HB-4"), ["wrong-encoding"]),
    "06-associatedMedia-parted-by-comma/media-comma-archive": (
        ".",
        {number: [f"{number}_front.jpg", f"{number}_back.jpg"] for number in ("HB-1", "HB-2")},
        [],
    ),
    "06-associatedMedia-parted-by-comma/media-separators": (
        ".",
        {letter: [f"{letter.lower()}1.jpg", f"{letter.lower()}2.jpg"] for letter in "ABCDEF"}
        | {name: [f"{name}.jpg"] for name in ("g1", "g2", "h1", "h2")},
        [],
    ),
    "07-archive-not-at-the-top-is-passed-over/folder-of-archives": (
        "all",
        {"HB-1": ["HB-1_a.jpg"], "HB-2": ["HB-2_a.jpg"], "HB-3": [], "MB-1": [], "MB-2": [], "MB-3": []},
        ["missing-file"] * 2,
    ),
    "07-archive-not-at-the-top-is-passed-over/table-in-subfolder": (".", {"K1": ["K1.jpg"], "K2": ["K2.jpg"], "K3": []}, []),
    "07-archive-not-at-the-top-is-passed-over/zip-nested-twice": (
        "a.zip",
        {"HB-1": ["HB-1_a.jpg"], "HB-2": ["HB-2_a.jpg"], "HB-3": []},
        [],
    ),
    "07-archive-not-at-the-top-is-passed-over/zip-nested-with-readme": (
        "a.zip",
        {"HB-1": ["HB-1_a.jpg"], "HB-2": ["HB-2_a.jpg"], "HB-3": []},
        [],
    ),
    "08-txt-xlsx-and-archive-without-meta/no-meta-txt": (
        "a.zip",
        {"HB-1": ["HB-1_a.jpg"], "HB-2": ["HB-2_a.jpg"], "HB-3": []},
        [],
    ),
    "08-txt-xlsx-and-archive-without-meta/xlsx-and-txt-ignored": (".", {"K1": ["K1.jpg"], "K2": []}, ["unreadable"]),
    "08-txt-xlsx-and-archive-without-meta/brahms-columns": (
        ".",
        {"BR0001": ["BR0001.jpg"], "BR0002": ["BR0002.jpg"]},
        ["no-known-columns"],
    ),
    "12-dwc-dp-makes-false-specimens/input": (".", {"HB-1": ["sheet_one.jpg"], "HB-2": ["sheet_two.jpg"]}, []),
    "13-images-that-a-row-names-become-specimens/two-image-columns": (
        ".",
        {"P1": ["P1_front.jpg", "P1_back.jpg"], "P2": ["P2_dorsal.jpg", "P2_ventral.jpg"]},
        [],
    ),
    "13-images-that-a-row-names-become-specimens/suffix-images": (
        ".",
        {"K0001": ["K0001.jpg"], "K0002": []},
        ["unnamed-image"] * 4,
    ),
    "13-images-that-a-row-names-become-specimens/specify-mapping-file": (
        ".",
        {"UX-90126": ["UX-90126.jpg"], "UX-90175": ["UX-90175_1.jpg", "UX-90175.jpg"]},
        [],
    ),
    "14-second-row-says-more/second-row-says-more": (
        ".",
        {"HB-1": ["HB-1_a.jpg", "HB-1_b.jpg"], "HB-2": ["HB-2_a.jpg"]},
        ["says-more"] * 2,
    ),
    "14-second-row-says-more/changed-second-run": (".", {"HB-1": []}, ["says-more"]),
    "14-second-row-says-more/determination-history": (".", {"HB-1": []}, []),
    "14-second-row-says-more/id-not-a-field": (".", {"HB-1": []}, ["unknown-column"]),
    "16-one-image-of-several-specimens/input": (".", {"C-1": ["box62.jpg"], "C-2": ["box62.jpg"]}, ["same-image"]),
    "18-withheld-place-is-published/input": (".", {"SE-1": ["SE-1.jpg"]}, ["withheld-place", "rights-contradiction"]),
    "19-lot-with-parts/header-not-declared": (".", {"HB-1": []}, ["header-row"]),
    "19-lot-with-parts/lot-with-parts": (".", {"4711": []}, ["same-number"]),
    "20-report-does-not-say-which-archive/input": (".", {"FU-1": [], "HB-1": []}, ["wrong-column-count"] * 2),
}


@pytest.fixture
def case(shared: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """A copy without the reports that lie beside the inputs."""
    source = shared / "cases" / "ingest" / request.param
    if not source.is_dir():
        pytest.skip("needs the cases beside the project")
    target = tmp_path / "in" / source.name
    for path in source.rglob("*"):
        if path.is_file() and path.name not in ("_report-of-first-run.json", "report.json", "README.txt"):
            (target / path.relative_to(source)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target / path.relative_to(source))
    return target


@pytest.mark.parametrize(("case", "expected"), [(name, name) for name in CASES], indirect=["case"])
def test_every_case_comes_out_right(runtime: Runtime, take_in: Ingest, case: Path, expected: str) -> None:
    path, images, codes = CASES[expected]
    report = take_in(case / path)
    assert {number: [one.file_name for one in media] for number, media in all_of(runtime)[1].items()} == images
    assert [entry.code for entry in report.entries] == codes
    assert report.records == report.specimens_added + report.already_here + report.merged + report.refused


@pytest.mark.parametrize("case", ["02-stray-quote-swallows-rows/repair-after-quote"], indirect=True)
def test_a_table_that_was_put_right_brings_the_row_that_was_refused(runtime: Runtime, take_in: Ingest, case: Path) -> None:
    assert take_in(case / "list.csv").specimens_added == 3
    assert take_in(case / "fixed.csv").specimens_added == 1
    assert all_of(runtime)[0]["HB-2"].interpreted["locality"] == "Old mill"


@pytest.mark.parametrize("case", ["03-image-published-under-the-records-licence/input"], indirect=True)
def test_the_licence_of_an_image_is_its_own(runtime: Runtime, take_in: Ingest, case: Path) -> None:
    take_in(case)
    media = all_of(runtime)[1]
    assert rights.iri_of(media["HB-1"][0].rights) == "http://creativecommons.org/licenses/by-nc/4.0/"
    assert (rights.iri_of(media["HB-2"][0].rights), media["HB-2"][0].rights) == ("", "All rights reserved")
    assert {one.rights_holder for several in media.values() for one in several} == {"The Museum"}


@pytest.mark.parametrize(
    ("case", "localities"),
    [
        ("05-encoding-not-as-declared/declared-latin1-is-utf8", {"HB-1": "Köln – Łódź"}),
        ("05-encoding-not-as-declared/declared-utf8-is-cp1252", {"HB-1": "Köln, 50°N", "HB-2": "Bonn"}),
        ("05-encoding-not-as-declared/excel-mac-roman", {"HB-1": "Zürich", "HB-2": "Genève"}),
        ("05-encoding-not-as-declared/one-bad-byte", {"HB-1": "Zürich", "HB-2": "Genève", "HB-3": "Bâle", "HB-4": "Łódź"}),
        (
            "02-stray-quote-swallows-rows/gbif-simple-csv",
            {"A1": '"Old mill', "A2": "Trier", "A3": 'station 6" pipe', "A4": 'end"'},
        ),
    ],
    indirect=["case"],
)
def test_no_letter_is_lost(runtime: Runtime, take_in: Ingest, case: Path, localities: dict[str, str]) -> None:
    take_in(case)
    assert {number: one.verbatim["locality"] for number, one in all_of(runtime)[0].items()} == localities


@pytest.mark.parametrize("case", ["10-dates-from-parts"], indirect=True)
def test_dates_are_read_where_they_leave_no_doubt_and_named_where_not(runtime: Runtime, take_in: Ingest, case: Path) -> None:
    report = take_in(case)
    dates = {number: one.interpreted.get("eventDate") for number, one in all_of(runtime)[0].items()}
    parts = "1887-06-12 1887-06-12 1887-06-12 1887-06 1887 1887 1887-06 - - 1887/1890 1887-06-12"
    assert [dates[f"P{number:02}"] or "-" for number in range(11)] == parts.split()
    doubtful = {entry.catalog_number for entry in report.entries}
    assert doubtful == {f"P{number:02}" for number in (5, 6, 7, 8)} | {
        f"D{number:02}" for number in (7, 8, 9, 10, 11, 13, 14, 15, 20, 22)
    }
    assert {number for number, date in dates.items() if date is None} == doubtful - {"P05", "P06"}


@pytest.mark.parametrize("case", ["20-report-does-not-say-which-archive/input"], indirect=True)
def test_the_report_and_the_record_say_which_archive(runtime: Runtime, take_in: Ingest, case: Path) -> None:
    report = take_in(case)
    assert [entry.place for entry in report.entries] == [f"{name}.zip: occurrence.txt, line 3" for name in ("fungi", "herbarium")]
    assert all_of(runtime)[0]["FU-1"].source == "fungi.zip: occurrence.txt, line 2"


@pytest.mark.parametrize("case", ["14-second-row-says-more/determination-history"], indirect=True)
def test_the_history_of_determinations_is_kept(runtime: Runtime, take_in: Ingest, case: Path) -> None:
    take_in(case)
    assert all_of(runtime)[0]["HB-1"].verbatim["Identification 1, typeStatus"] == "Holotype"
