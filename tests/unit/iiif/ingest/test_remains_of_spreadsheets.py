"""What programs leave in tables beside the rows and values: errors, headings, totals, characters that nobody sees."""

import warnings
import zipfile
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from iiif.ingest.delimited import columns_of, plain
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

NO_ROWS = ("Total: 2", "SUMME", "2 records", "Exported by Specify 7 on 2024-01-01", "Notes: see the register")


def table(folder: Path, text: str) -> Path:
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return folder / "t.csv"


def test_an_error_of_a_spreadsheet_is_no_number_and_no_value(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    report = take_in(table(folder, "catalogNumber,locality\n#REF!,Bonn\n1,#N/A\n2,#NV\n#2,Bonn\n"))
    assert reasons(report) == [
        ("lost-cells", "t.csv, line 2"),
        ("lost-cells", "t.csv, line 3"),
        ("lost-cells", "t.csv, line 4"),
        ("missing-id", "t.csv, line 2"),
    ]
    specimens = all_of(runtime)[0]
    assert sorted(specimens) == ["#2", "1", "2"]
    assert "locality" not in specimens["1"].interpreted
    assert specimens["1"].verbatim["locality"] == "#N/A"


def test_a_text_that_a_spreadsheet_protects_is_the_text(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    assert not take_in(table(folder, 'catalogNumber,locality\n"=""0012""","=""a ""b"""""\n')).entries
    (specimen,) = all_of(runtime)[0].values()
    assert (specimen.catalog_number, specimen.interpreted["locality"]) == ("0012", 'a "b"')


def test_a_formula_is_no_text_that_is_protected() -> None:
    assert plain('="a"&"b"') == '="a"&"b"'


@pytest.mark.parametrize("line", NO_ROWS)
def test_a_total_or_note_below_the_rows_is_no_specimen(runtime: Runtime, take_in: Ingest, folder: Path, line: str) -> None:
    report = take_in(table(folder, f"catalogNumber,scientificName,country\n1,Carex,\n{line},,\n"))
    assert reasons(report) == [("no-row", "t.csv, line 3")]
    assert (report.records, list(all_of(runtime)[0])) == (1, ["1"])


@pytest.mark.parametrize("number", ["SUM-0012", "SUM 1234", "COUNT-1", "Record: 12", "TOTAL-7", "NA 12", "Notes"])
def test_a_number_that_begins_so_is_a_number(runtime: Runtime, take_in: Ingest, folder: Path, number: str) -> None:
    assert not take_in(table(folder, f"catalogNumber\n{number}\n")).entries
    assert list(all_of(runtime)[0]) == [number]


@pytest.mark.parametrize("line", NO_ROWS)
def test_a_specimen_may_be_called_so(take_in: Ingest, folder: Path, line: str) -> None:
    report = take_in(table(folder, f"catalogNumber,scientificName\n{line},Carex\n"))
    assert (report.specimens_added, report.entries) == (1, [])


@pytest.mark.parametrize("line", ["Catalogue No.,Name", "Barcode,Species", "catalog number,scientific name"])
def test_a_second_line_of_headings_is_no_specimen(runtime: Runtime, take_in: Ingest, folder: Path, line: str) -> None:
    report = take_in(table(folder, f"catalogNumber,scientificName\n{line}\n1,Carex\n"))
    assert (reasons(report), list(all_of(runtime)[0])) == ([("no-row", "t.csv, line 2")], ["1"])


def test_tables_that_were_put_together_are_read_on(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    part = "\ufeffcatalogNumber,locality\n{},Bonn\n"
    report = take_in(table(folder, part.format(1) + part.format(2)))
    assert (reasons(report), sorted(all_of(runtime)[0])) == ([("header-row", "t.csv, line 3")], ["1", "2"])


def test_a_header_that_is_repeated_may_have_delimiters_more(take_in: Ingest, folder: Path) -> None:
    report = take_in(table(folder, "catalogNumber,locality\n1,Bonn\ncatalogNumber,locality,,\n2,Bonn\n"))
    assert reasons(report) == [("header-row", "t.csv, line 3")]


@pytest.mark.parametrize("unseen", ["\u200b", "\u00ad", "\u202e", "\u2060"])
def test_characters_that_nobody_sees_make_no_other_number(runtime: Runtime, take_in: Ingest, folder: Path, unseen: str) -> None:
    report = take_in(table(folder, f"catalogNumber,locality\nK{unseen}1,Bonn\nK1,Bonn\n"))
    assert reasons(report) == [("duplicate-by-catalog-number", "t.csv, line 3"), ("unseen-characters", "t.csv, line 2")]
    (told,) = [entry.sentence for entry in report.entries if entry.code == "unseen-characters"]
    assert told == f"catalogNumber {f'K{unseen}1'!a} holds characters that nobody sees; the number is 'K1'."
    assert list(all_of(runtime)[0]) == ["K1"]


@pytest.mark.parametrize("none", ["nan", "NA", "None", "n/a", "-", "?", "s.n.", "Unknown", "ohne Nummer"])
def test_a_word_for_no_number_is_no_number(runtime: Runtime, take_in: Ingest, folder: Path, none: str) -> None:
    picture(folder / "K9.jpg")
    report = take_in(table(folder, f"catalogNumber,occurrenceID,file\n{none},,K9.jpg\n{none},urn:x:1,\n{none},,\n"))
    assert reasons(report) == [("missing-id", "t.csv, line 4")]
    assert sorted(all_of(runtime)[0]) == ["K9", "urn:x:1"]
    (refused,) = report.entries
    assert (refused.column, refused.value) == ("catalogNumber", none)
    assert f"catalogNumber {none!r} is taken for none" in refused.sentence


def test_a_whole_number_with_a_point_is_named(take_in: Ingest, folder: Path) -> None:
    assert reasons(take_in(table(folder, "catalogNumber,locality\n1234.0,Bonn\n12.34,Bonn\n"))) == [
        ("rounded-number", "t.csv, line 2")
    ]


def test_what_office_puts_beside_an_open_file_is_passed_over(take_in: Ingest, folder: Path) -> None:
    table(folder, "catalogNumber\nK1\n")
    (folder / "~$t.xlsx").write_bytes(b"A. Curator")
    assert (take_in(folder).entries, len(list(folder.iterdir()))) == ([], 2)


def test_control_characters_are_taken_out() -> None:
    assert plain("a\x00b\x1b[1m\x7f\tc\nd\ufeff") == "ab[1m\tc\nd"


def test_cells_of_an_archive_in_which_nothing_can_be_seen_are_empty(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(
            "meta.xml",
            '<archive xmlns="http://rs.tdwg.org/dwc/text/"><core rowType="http://rs.tdwg.org/dwc/terms/Occurrence" '
            'encoding="UTF-8" fieldsTerminatedBy="," fieldsEnclosedBy="" ignoreHeaderLines="1">'
            "<files><location>o.csv</location></files>"
            '<id index="0"/><field index="1" term="http://rs.tdwg.org/dwc/terms/catalogNumber"/>'
            '<field index="2" term="http://rs.tdwg.org/dwc/terms/locality"/></core></archive>',
        )
        archive.writestr("o.csv", 'id,catalogNumber,locality,x\n1,="K1",\x01,\x02\n2,K2,="",\n3,\ufeff,Bonn,\n')
    assert {entry.severity for entry in take_in(folder / "a.zip").entries} <= {"warning"}
    specimens = all_of(runtime)[0]
    assert sorted(specimens) == ["3", "K1", "K2"]
    assert all("locality" not in specimens[number].verbatim for number in ("K1", "K2"))


def test_a_column_that_comes_again_is_named(take_in: Ingest, folder: Path) -> None:
    report = take_in(table(folder, "catalogNumber,locality,Locality,locality,,\n1,Bonn,Ulm,Kiel,,\n"))
    assert [(entry.code, entry.column) for entry in report.entries] == [
        ("repeated-column", "Locality"),
        ("repeated-column", "locality"),
    ]


def test_of_two_columns_of_one_term_the_second_is_read_where_the_first_is_empty(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    report = take_in(table(folder, "catalogNumber,locality,Locality\n1,Bonn,Ulm\n2,,Ulm\n"))
    (entry,) = report.entries
    assert entry.sentence.endswith("'locality' and 'Locality' are one term: the second is read only where the first is empty.")
    assert {number: each.interpreted["locality"] for number, each in all_of(runtime)[0].items()} == {"1": "Bonn", "2": "Ulm"}


def test_names_of_columns_that_look_like_made_up_ones_stay_apart() -> None:
    assert columns_of(["a", "a (3)", "a"]) == ("a", "a (3)", "a (3) (3)")


def test_images_of_an_identifier_that_two_rows_have_go_to_the_first_only(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    form = 'fieldsTerminatedBy="," ignoreHeaderLines="1" encoding="UTF-8"'
    dwc = "http://rs.tdwg.org/dwc/terms"
    picture(folder / "a.jpg")
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(
            "meta.xml",
            f'<archive xmlns="{dwc.removesuffix("terms")}text/"><core rowType="{dwc}/Occurrence" {form}><files><location>o.csv'
            f'</location></files><id index="0"/><field index="1" term="{dwc}/catalogNumber"/></core>'
            f'<extension rowType="http://rs.gbif.org/terms/1.0/Multimedia" {form}><files><location>m.csv</location></files>'
            '<coreid index="0"/><field index="1" term="http://purl.org/dc/terms/identifier"/></extension></archive>',
        )
        archive.writestr("o.csv", "id,catalogNumber\n1,K1\n1,K2\n2,K3\n")
        archive.writestr("m.csv", "coreid,identifier\n1,a.jpg\n")
        archive.write(folder / "a.jpg", "a.jpg")
    report = take_in(folder / "a.zip")
    assert reasons(report) == [("repeated-id", "a.zip: o.csv, line 3")]
    specimens, media = all_of(runtime)
    assert sorted(specimens) == ["K1", "K2", "K3"]
    assert {number: len(images) for number, images in media.items()} == {"K1": 1, "K2": 0, "K3": 0}


@pytest.mark.parametrize("other", ["t.csv", "./t.csv"])
def test_an_archive_with_two_members_of_one_name_is_refused(take_in: Ingest, folder: Path, other: str) -> None:
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr(other, "catalogNumber,locality\n1,Bonn\n")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # zipfile warns, and writes it
            archive.writestr("t.csv", "catalogNumber,locality\n1,Ulm\n")
    report = take_in(folder / "a.zip")
    assert reasons(report) == [("bad-archive", "a.zip")]
    assert "two members are called 't.csv'" in report.entries[0].sentence
