"""Tables of unknown origin: encodings, delimiters, broken rows."""

import codecs
import csv
import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.ingest.delimited import TableRow, open_table, rows_of
from iiif.ingest.model import SourceError

TEXT = "catalogNumber,recordedBy\nA 1,Müller\nA 2,Åström\n"


def _table(tmp_path: Path, data: bytes) -> Path:
    path = tmp_path / "specimens.csv"
    path.write_bytes(data)
    return path


def _rows(path: Path) -> list[TableRow]:
    return list(rows_of(open_table(path)))


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (TEXT.encode(), "utf-8"),
        (codecs.BOM_UTF8 + TEXT.encode(), "utf-8-sig"),
        (TEXT.encode("utf-16"), "utf-16"),
        (TEXT.encode("utf-16-le"), "utf-16-le"),
        (TEXT.encode("utf-16-be"), "utf-16-be"),
        (TEXT.encode("latin-1"), "cp1252"),
        (TEXT.encode("latin-1") + b"A 3,\x81\n", "latin-1"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, data: bytes, encoding: str) -> None:
    table = open_table(_table(tmp_path, data))
    assert table.encoding == encoding
    assert table.columns == ("catalogNumber", "recordedBy")
    assert [row.cells["recordedBy"] for row in rows_of(table)][:2] == ["Müller", "Åström"]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    data = f'catalogNumber{delimiter}locality\nA1{delimiter}"Brno, {delimiter} South; left|right"\n'.encode()
    assert _rows(_table(tmp_path, data))[0].cells == {"catalogNumber": "A1", "locality": f"Brno, {delimiter} South; left|right"}


WRITTEN = st.characters(exclude_categories=["Cs", "Cc"], include_characters="\t\n\r\x85\x9f", exclude_characters="\ufeff")


@given(
    st.lists(st.lists(st.text(WRITTEN, max_size=8), min_size=3, max_size=3)),
    st.sampled_from([",", ";", "\t"]),
)
def test_what_was_written_is_read(tmp_path_factory: pytest.TempPathFactory, rows: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=delimiter)
    writer.writerows([["catalogNumber", "country", "locality"], ["A", "B", "C"], *rows])
    path = _table(tmp_path_factory.mktemp("table"), out.getvalue().encode())
    wanted = [[cell for cell in row if cell.strip()] for row in [["A", "B", "C"], *rows]]
    assert [list(row.cells.values()) for row in _rows(path)] == [row for row in wanted if row]


def test_rows_of_another_width_are_named_and_the_others_read(tmp_path: Path) -> None:
    rows = _rows(_table(tmp_path, b"file,country\na.jpg,BE\nb.jpg\nc.jpg,NL,\nd.jpg,NL,more\n\ne.jpg,DE\n"))
    assert [row.cells.get("file") for row in rows] == ["a.jpg", None, "c.jpg", None, "e.jpg"]
    assert [issue.code for row in rows for issue in row.issues] == ["wrong-column-count"] * 2
    assert rows[1].line == 3


@pytest.mark.parametrize("data", [b"", b"\n\n", b"   \n", codecs.BOM_UTF8, b"file,country\n", b"file,country\n,\n"])
def test_an_empty_table_is_said_to_be_empty(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(SourceError) as caught:
        open_table(_table(tmp_path, data))
    assert caught.value.finding.code == "empty-csv"


def test_columns_without_a_name_or_with_the_same_are_told_apart(tmp_path: Path) -> None:
    assert open_table(_table(tmp_path, b"file,,file\na,b,c\n")).columns == ("file", "column 2", "file (3)")


def test_a_field_that_never_ends_does_not_hide_the_rows_before_it(tmp_path: Path) -> None:
    rows = _rows(_table(tmp_path, b'file,country\na.jpg,BE\nb.jpg,"' + b"x" * 2_000_000))
    assert rows[0].cells["file"] == "a.jpg"
    assert [issue.code for row in rows for issue in row.issues] == ["bad-row"]


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    try:
        rows = _rows(_table(tmp_path_factory.mktemp("table"), data))
    except SourceError:
        return
    assert all(row.refused or "\0" not in "".join(row.cells.values()) for row in rows)
