"""Spreadsheets: sheets with columns of specimens, whole numbers and days as they would be written, and what is refused."""

import zipfile
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from xml.sax.saxutils import escape

import pytest
from python_calamine import CalamineWorkbook

from app.runtime.context import Runtime
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest import spreadsheet
from iiif.ingest.model import IngestLimits, SourceError
from iiif.ingest.spreadsheet import open_sheets
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

LIMITS = IngestLimits(DecodeLimits(max_pixels=10**9, seconds=60, address_space=4 * 10**9), max_file_bytes=10**9)
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
RELS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
Cell = str | float | None
DAY = 1  # the style of a day


def workbook(path: Path, **sheets: list[list[Cell | tuple[float, int]]]) -> Path:
    """The least that a program takes for an Excel workbook (ECMA-376, part 1); a pair is a number with its style."""

    def cell(row: int, column: int, value: Cell | tuple[float, int]) -> str:
        place = f'r="{chr(65 + column)}{row}"'
        if isinstance(value, tuple):
            return f'<c {place} s="{value[1]}"><v>{value[0]}</v></c>'
        if isinstance(value, str):
            return f'<c {place} t="inlineStr"><is><t>{escape(value)}</t></is></c>'
        return f"<c {place}><v>{value}</v></c>" if value is not None else ""

    names = list(sheets)
    kinds = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    members = {
        "[Content_Types].xml": f'<Types xmlns="{PACKAGE}/content-types">'
        f'<Default Extension="xml" ContentType="{kinds}.sheet.main+xml"/>'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="r1" Type="{RELS}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook {MAIN} xmlns:r="{RELS}"><sheets>'
        + "".join(f'<sheet name="{name}" sheetId="{number}" r:id="s{number}"/>' for number, name in enumerate(names, 1))
        + "</sheets></workbook>",
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{PACKAGE}/relationships">'
        + "".join(
            f'<Relationship Id="s{number}" Type="{RELS}/worksheet" Target="worksheets/sheet{number}.xml"/>'
            for number in range(1, len(names) + 1)
        )
        + f'<Relationship Id="st" Type="{RELS}/styles" Target="styles.xml"/></Relationships>',
        "xl/styles.xml": f'<styleSheet {MAIN}><cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>',
    }
    for number, name in enumerate(names, 1):
        rows = "".join(
            f'<row r="{row}">{"".join(cell(row, column, value) for column, value in enumerate(cells))}</row>'
            for row, cells in enumerate(sheets[name], 1)
        )
        members[f"xl/worksheets/sheet{number}.xml"] = f"<worksheet {MAIN}><sheetData>{rows}</sheetData></worksheet>"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for member, text in members.items():
            packed.writestr(member, text)
    return path


def test_rows_of_a_workbook_become_specimens(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "K1.jpg")
    workbook(
        folder / "list.xlsx",
        Sheet1=[
            ["Herbarium X, exported"],
            ["catalogNumber", "locality", "eventDate", "decimalLatitude", "decimalLongitude"],
            ["K1", "Köln", (27000, DAY), 50.5, 6],
            [2.0, "Bonn"],
        ],
        Notes=[["who", "what"], ["A", "B"]],
        Empty=[],
    )
    report = take_in(folder)
    specimens, media = all_of(runtime)
    assert dict(specimens["K1"].verbatim) == {
        "catalogNumber": "K1",
        "locality": "Köln",
        "eventDate": "1973-12-02",
        "decimalLatitude": "50.5",
        "decimalLongitude": "6",
    }
    assert (set(specimens), [one.file_name for one in media["K1"]]) == ({"K1", "2"}, ["K1.jpg"])
    assert specimens["2"].source == "list.xlsx [Sheet1], line 4"
    assert reasons(report) == [("no-known-columns", "list.xlsx")]
    assert "Notes" in report.entries[0].sentence
    assert (report.records, take_in(folder / "list.xlsx").already_here) == (2, 2)


def test_a_workbook_without_known_columns_is_refused(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    report = take_in(workbook(folder / "list.xlsx", A=[["who", "what"], ["A", "B"]]))
    assert reasons(report) == [("no-known-columns", "list.xlsx")]
    assert report.is_failure


@pytest.mark.parametrize("suffix", [".xlsx", ".xls", ".ods", ".xlsb"])
def test_what_is_no_workbook_is_refused_by_name(take_in: Ingest, folder: Path, suffix: str) -> None:
    (folder / f"a{suffix}").write_bytes(b"catalogNumber\nK1\n")
    assert reasons(take_in(folder)) == [("unreadable", f"a{suffix}")]


def test_a_workbook_that_unpacks_to_too_much_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "bomb.xlsx", A=[["catalogNumber"], ["x" * 100_000]])
    with pytest.raises(SourceError) as caught:
        open_sheets(path, replace(LIMITS, max_spreadsheet_bytes=50_000))
    assert caught.value.finding.code == "zip-bomb"
    assert open_sheets(path, LIMITS)[0][0].columns == ("catalogNumber",)


def test_cells_with_errors_and_formulas_without_a_result_are_named(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    path = workbook(
        folder / "list.xlsx", Sheet1=[["catalogNumber", "country"], ["1", "x"], ["2", "y"], ["3", "z"], ["0004", 7.0]]
    )
    with zipfile.ZipFile(path) as packed:
        members = {name: packed.read(name).decode() for name in packed.namelist()}
    sheet = members["xl/worksheets/sheet1.xml"]
    for place, text, instead in (
        ("B2", "x", ' t="e"><v>#REF!'),
        ("B3", "y", "><f>A1</f><v>"),
        ("B4", "z", ' t="str"><f>A1</f><v>DE'),
    ):
        sheet = sheet.replace(f' r="{place}" t="inlineStr"><is><t>{text}</t></is>', f' r="{place}"{instead}</v>')
    members["xl/worksheets/sheet1.xml"] = sheet
    with zipfile.ZipFile(path, "w") as packed:
        for name, content in members.items():
            packed.writestr(name, content)
    report = take_in(folder)
    assert [(entry.code, entry.value, entry.sentence.split(",")[0]) for entry in report.entries] == [
        ("lost-cells", "B2", "2 cells")
    ]
    countries = {number: one.verbatim.get("country", "") for number, one in all_of(runtime)[0].items()}
    assert countries == {"1": "", "2": "", "3": "DE", "0004": "7"}


def overwrite(path: Path, member: str, at: int, changed: bytes, *, local: bool = True) -> None:
    """Bytes of a member's header (APPNOTE 4.3.7): of the one before its data, or of its entry in the directory."""
    with zipfile.ZipFile(path) as packed:
        start = packed.getinfo(member).header_offset
    raw = bytearray(path.read_bytes())
    if not local:
        start = raw.rindex(member.encode()) - 46
    raw[start + at : start + at + len(changed)] = changed
    path.write_bytes(raw)


def test_a_sheet_that_cannot_be_read_is_refused_by_name_and_the_others_come_in(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    path = workbook(folder / "list.xlsx", Good=[["catalogNumber"], ["K1"]], Bad=[["catalogNumber"], ["K2"]])
    overwrite(path, "xl/worksheets/sheet2.xml", 16, b"\0\0\0\0", local=False)  # its checksum
    report = take_in(folder)
    refused = [(entry.code, entry.place, entry.value) for entry in report.entries if entry.severity == "rejected"]
    assert refused == [("unreadable", "list.xlsx", "Bad")]
    assert "'Bad' cannot be read" in report.entries[0].sentence
    assert list(all_of(runtime)[0]) == ["K1"]


def test_that_lost_cells_cannot_be_counted_is_told(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    path = workbook(folder / "list.xlsx", A=[["catalogNumber"], ["K1"]])
    overwrite(path, "xl/worksheets/sheet1.xml", 30, b"yl")  # the name before the data, which calamine does not read
    report = take_in(folder)
    assert reasons(report) == [("lost-cells", "list.xlsx")]
    assert "cannot be told" in report.entries[0].sentence
    assert list(all_of(runtime)[0]) == ["K1"]


class PanicException(BaseException):
    """What a panic of a library in Rust is in Python."""


def test_a_workbook_at_which_the_library_panics_is_refused_and_another_one_comes_in(
    runtime: Runtime, take_in: Ingest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = workbook(folder / "bad.xlsx", A=[["catalogNumber"], ["K1"]])
    workbook(folder / "good.xlsx", A=[["catalogNumber"], ["K2"]])

    read = CalamineWorkbook.from_path

    def from_path(path: str) -> CalamineWorkbook:
        if path == str(bad):
            raise PanicException("index out of bounds")
        return read(path)

    monkeypatch.setattr(spreadsheet, "CalamineWorkbook", SimpleNamespace(from_path=from_path))
    assert reasons(take_in(folder)) == [("unreadable", "bad.xlsx")]
    assert list(all_of(runtime)[0]) == ["K2"]
