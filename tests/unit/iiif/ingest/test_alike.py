"""Numbers that differ only by case or Unicode form are two specimens, and a warning names both rows."""

import unicodedata
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

APART = unicodedata.normalize("NFD", "BÄR-1")


def table(folder: Path, name: str, *numbers: str) -> Path:
    (folder / name).write_text("\n".join(["catalogNumber,institutionCode", *numbers]), encoding="utf-8")
    return folder / name


@pytest.mark.parametrize("pair", [("hb-1", "HB-1"), ("Hb-1a", "hB-1A"), ("bär-1", "BÄR-1"), ("BÄR-1", APART)])
def test_two_rows_of_a_table(runtime: Runtime, take_in: Ingest, folder: Path, pair: tuple[str, str]) -> None:
    report = take_in(table(folder, "t.csv", f"{pair[0]},B", "HB-2,B", f"{pair[1]},B"))
    assert reasons(report) == [("similar-number", "t.csv, line 4")]
    how = "Unicode form" if pair[1] == APART else "case"
    assert report.entries[0].sentence == (
        f"{pair[1]!r} differs from {pair[0]!r} of t.csv, line 2 by {how} only; they are two specimens."
    )
    assert set(all_of(runtime)[0]) == {*pair, "HB-2"}


@pytest.mark.parametrize("pair", [("hb-1", "HB-1"), ("HB-1", "hb-1"), ("Hb-1", "HB-1"), (APART, "BÄR-1"), ("BÄR-1", APART)])
def test_a_row_and_a_specimen_that_is_here(take_in: Ingest, folder: Path, pair: tuple[str, str]) -> None:
    assert not take_in(table(folder, "old.csv", f"{pair[0]},B")).entries
    report = take_in(table(folder, "new.csv", f"{pair[1]},B"))
    assert reasons(report) == [("similar-number", "new.csv, line 2")]
    assert f"{pair[0]!r} of old.csv, line 2" in report.entries[0].sentence
    again = take_in(folder / "new.csv")
    assert (again.already_here, again.entries) == (1, [])


def test_a_row_that_is_taken_by_itself(take_in: Ingest, folder: Path) -> None:
    (folder / "t.csv").write_text("catalogNumber,occurrenceID\nhb-1,a\nHB-1,b\nHB-1,c\n")
    report = take_in(folder / "t.csv")
    assert reasons(report) == [
        ("same-number", "t.csv, line 4"),
        ("similar-number", "t.csv, line 3"),
        ("similar-number", "t.csv, line 4"),
    ]


def test_images_without_rows(take_in: Ingest, folder: Path) -> None:
    picture(folder / "a" / "hb-1.jpg", 1), picture(folder / "b" / "HB-1.jpg", 2)
    assert [code for code, _ in reasons(take_in(folder))] == ["similar-number"]


def test_other_collections_may_spell_as_they_like(take_in: Ingest, folder: Path) -> None:
    assert not take_in(table(folder, "t.csv", "hb-1,B", "HB-1,M", "HB-2,B", "3,B", "3,M")).entries
