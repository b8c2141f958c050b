"""Numbers that differ only by case or Unicode form are two specimens, and a warning names both rows."""

import unicodedata
from pathlib import Path

import pytest
from sqlalchemy import event

from app.runtime.context import Runtime
from iiif.catalogue import service
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


HERE = [("hb-1", "HB-1"), ("hb-1", "hB-1"), ("hB-1a", "Hb-1A"), ("Straße 1", "STRASSE 1"), (APART, "bÄr-1"), ("BÄR-1", APART)]


@pytest.mark.parametrize("pair", HERE)
def test_a_row_and_a_specimen_that_is_here(take_in: Ingest, folder: Path, pair: tuple[str, str]) -> None:
    assert not take_in(table(folder, "old.csv", f"{pair[0]},B")).entries
    report = take_in(table(folder, "new.csv", f"{pair[1]},B"))
    assert reasons(report) == [("similar-number", "new.csv, line 2")]
    assert f"{pair[0]!r} of old.csv, line 2" in report.entries[0].sentence  # however the two are spelt
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


def test_very_long_numbers_that_begin_alike_are_not_alike(take_in: Ingest, folder: Path) -> None:
    assert not take_in(table(folder, "old.csv", f"{'ß' * 200}1,B")).entries
    assert not take_in(table(folder, "new.csv", f"{'ß' * 200}2,B")).entries
    assert reasons(take_in(table(folder, "third.csv", f"{'ẞ' * 200}2,B"))) == [("similar-number", "third.csv, line 2")]


def test_numbers_are_looked_up_by_an_index(runtime: Runtime) -> None:
    with runtime.reads.begin() as session:
        asked: list[str] = []
        event.listen(session.connection(), "before_cursor_execute", lambda *given: asked.append(given[2]))
        service.numbers_alike(session, [("B", "", "hb-1")])
        (plan,) = session.connection().exec_driver_sql(f"EXPLAIN QUERY PLAN {asked[0]}", ("hb-1", "B", "")).all()[:1]
    assert "USING INDEX ix_specimens_folded_number" in plan.detail
