"""Rows of delimited text: quotes that do not close, rows that run over lines, and nothing that vanishes."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iiif.ingest.rows import BLANKS, Dialect, Row, rows_of_lines
from iiif.ingest.text_lines import Line

OLD_MILL = '1,"Old mill near town\n2,Aachen\n3,Trier\n'


def rows(text: str, **dialect: object) -> list[Row]:
    lines = (Line(number, line) for number, line in enumerate(io.StringIO(text, newline="\n"), 1))
    return list(rows_of_lines(lines, Dialect(**{"delimiter": ",", "width": 2, **dialect})))  # type: ignore[arg-type]


def test_a_quote_that_does_not_close_costs_its_own_row_only() -> None:
    found = rows("0,Bonn\n" + OLD_MILL)
    assert [row.fields for row in found] == [["0", "Bonn"], [], ["2", "Aachen"], ["3", "Trier"]]
    assert (found[1].line, found[1].issues[0].code, found[1].issues[0].severity) == (2, "bad-row", "rejected")
    assert "lines 2 to 4" in found[1].issues[0].sentence


def test_a_quote_that_closes_rows_later_does_not_make_one_row_of_them() -> None:
    found = rows('HB-1,"Old mill\nHB-2,Aachen\nHB-3,Trier"\nHB-4,Mainz\n')
    assert next(row.fields for row in found if row.fields) == ["HB-2", "Aachen"]
    assert [row.line for row in found if not row.fields] == [1]
    assert found[-1].fields == ["HB-4", "Mainz"]


def test_a_field_may_run_over_lines_that_are_no_rows() -> None:
    found = rows('HB-1,"Old mill, near town\nSouth, of the river"\nHB-2,x\n')
    assert [row.fields for row in found] == [["HB-1", "Old mill, near town\nSouth, of the river"], ["HB-2", "x"]]
    assert (found[1].line, [row.issues for row in found]) == (3, [(), ()])


@pytest.mark.parametrize(
    ("line", "fields"),
    [
        ('1,"Old "mill" road, north"', ["1", 'Old "mill" road, north']),
        ('1,"Also ""Cape"" ivy"', ["1", 'Also "Cape" ivy']),
        ('1,"Also \\"Cape\\", ivy"', ["1", 'Also "Cape", ivy']),
        ('1,station 6" pipe', ["1", 'station 6" pipe']),
        ('1,"Mainz" west', ["1", '"Mainz" west']),
    ],
)
def test_a_quote_within_a_field_is_a_character_where_that_leaves_no_doubt(line: str, fields: list[str]) -> None:
    assert [row.fields for row in rows(line + "\n2,x\n")] == [fields, ["2", "x"]]


def test_quotes_are_plain_in_a_table_parted_by_tabs_unless_they_enclose_a_field() -> None:
    text = '1\t"Old mill\n2\tTrier\n3\t6" pipe\n4\tend"\n5\t"a\tb"\n'
    found = rows(text, delimiter="\t", plain_first=True)
    assert [row.fields[1] for row in found] == ['"Old mill', "Trier", '6" pipe', 'end"', "a\tb"]
    assert not any(row.issues for row in found)


def test_without_enclosing_quotes_are_characters_unless_only_they_make_a_whole_row() -> None:
    found = rows('1,"Bonn"\n2,"Bonn, Rhine"\n3,a,b\n', quote="")
    assert [row.fields for row in found] == [["1", '"Bonn"'], ["2", "Bonn, Rhine"], ["3", "a", "b"]]
    assert [[issue.code for issue in row.issues] for row in found] == [[], ["stray-quote"], []]


def test_a_file_full_of_open_quotes_is_read_in_time() -> None:
    found = rows("".join(f'{number},"open\n' for number in range(20_000)))
    assert len(found) == 20_000


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=12)


def test_quotes_around_nothing_make_no_row() -> None:
    found = rows('"HB-1","Bonn"\n"",""\n" ","\r"\n"HB-2",""\n')
    assert [row.fields for row in found] == [["HB-1", "Bonn"], ["HB-2", ""]]


@given(st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=8), st.sampled_from([",", "\t", ";"]))
def test_what_was_written_is_read(table: list[list[str]], delimiter: str) -> None:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(table)
    found = rows(out.getvalue(), delimiter=delimiter, width=3)
    assert [row.fields for row in found] == [row for row in table if "".join(row).strip(delimiter + BLANKS + "\n\r")]


@given(st.text(st.sampled_from('ab1,;\t"\\\n\r é'), max_size=200), st.sampled_from(['"', ""]), st.booleans())
def test_every_line_with_text_is_in_a_row_or_named(text: str, quote: str, plain_first: bool) -> None:
    found = rows(text, quote=quote, plain_first=plain_first)
    lines = io.StringIO(text, newline="\n").readlines()
    assert [row.line for row in found] == sorted({row.line for row in found})
    covered = set()
    for row in found:
        assert row.fields or row.issues
        covered.update(range(row.line, row.line + sum(field.count("\n") for field in row.fields) + 1))
    unread = [line for number, line in enumerate(lines, 1) if number not in covered]
    assert all(not line.strip(', \t\r\n"') for line in unread)
