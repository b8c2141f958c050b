"""The report as CSV: from the command, from the API, and harmless in a spreadsheet."""

import csv
import io
from pathlib import Path

from click.testing import CliRunner
from flask.testing import FlaskClient

from app.cli.ingest import ingest as command
from app.cli.ingest import ingest_paths
from app.runtime.context import Runtime
from app.web import create_app
from iiif.ingest.model import IngestIssue, Place
from iiif.ingest.report import COLUMNS, KEPT_ENTRIES, IngestReport, csv_of


def read(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def test_every_entry_is_a_row_with_its_place_value_and_advice() -> None:
    report = IngestReport()
    issue = IngestIssue("bad-date", "27/11/15 is no date.", "eventDate", "27/11/15", "warning")
    report.add(Place("core.txt", 3, "a.zip"), "N1", issue)
    (row,) = read(csv_of(report.to_json()))
    assert tuple(row) == COLUMNS
    assert row == {
        "severity": "warning",
        "code": "bad-date",
        "archive": "a.zip",
        "file": "core.txt",
        "line": "3",
        "column": "eventDate",
        "value": "27/11/15",
        "catalogNumber": "N1",
        "sentence": "27/11/15 is no date.",
        "advice": "Write ISO 8601, as 1887-06-12 or 1887-06.",
    }


def test_no_cell_is_a_formula() -> None:
    report = IngestReport()
    for value in ('=HYPERLINK("http://x")', "+1", "@x", "-x", "-33.7", "-1+cmd|' /C calc'!A0", " =1", "＝1"):
        report.add(Place("t.csv", 2), "=1+1", IngestIssue("bad-date", "x", "c", value))
    rows = read(csv_of(report.to_json()))
    assert [row["value"] for row in rows] == [
        '\'=HYPERLINK("http://x")',
        "'+1",
        "'@x",
        "'-x",
        "-33.7",
        "'-1+cmd|' /C calc'!A0",
        "' =1",
        "'＝1",
    ]
    assert {row["catalogNumber"] for row in rows} == {"'=1+1"}


def test_the_command_writes_all_entries_and_the_api_those_that_are_kept(prepared: Runtime, tmp_path: Path) -> None:
    table, out = tmp_path / "t.csv", tmp_path / "out.csv"
    table.write_text("catalogNumber,country\n" + "x\n" * (KEPT_ENTRIES + 5) + "N1,Peru\n")
    report = ingest_paths(prepared, [table], report_csv=out)
    written = read(out.read_text(encoding="utf-8"))
    assert len(written) == KEPT_ENTRIES + 5 == report.rejected == report.refused
    assert (written[-1]["line"], written[-1]["file"]) == (str(KEPT_ENTRIES + 6), "t.csv")
    client: FlaskClient = create_app(prepared).test_client()
    key = client.get("/api/ingests").get_json()["items"][0]["key"]
    answer = client.get(f"/api/ingests/{key}/report.csv")
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert len(read(answer.text)) == KEPT_ENTRIES
    assert f"/api/ingests/{key}/report.csv" in client.get(f"/runs/{key}").text
    assert client.get("/api/ingests/j1zzzzzzzzzz/report.csv").status_code == 404


def test_the_option_is_there() -> None:
    assert "--report-csv" in CliRunner().invoke(command, ["--help"]).output
