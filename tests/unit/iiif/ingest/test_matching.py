"""Which specimen a record speaks of, and images that show several."""

from pathlib import Path

import pytest

from app.runtime.context import Runtime
from iiif.catalogue import service
from iiif.catalogue.model import Specimen
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

SKIN, SKULL = "urn:catalog:X:skin", "urn:catalog:X:skull"


def table(folder: Path, text: str, name: str = "t.csv") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def of_number(runtime: Runtime, number: str) -> list[Specimen]:
    with runtime.reads.begin() as session:
        return sorted(
            service.list_specimens_by_number(session, number, limit=100), key=lambda one: one.interpreted.get("occurrenceID", "")
        )


def images_of(runtime: Runtime, specimen: Specimen) -> list[str]:
    with runtime.reads.begin() as session:
        return [one.file_name for one in service.media_of(session, specimen.key)]


def test_an_image_that_two_rows_name_shows_both_specimens(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "box62.jpg")
    table(folder, "catalogNumber,scientificName,file\nC-1,Carex flava,box62.jpg\nC-2,Carex nigra,box62.jpg\n")
    report = take_in(folder)
    media = all_of(runtime)[1]
    assert [one.key for one in media["C-1"]] == [one.key for one in media["C-2"]]
    assert (report.specimens_added, report.media_added, report.depictions_added, report.rejected) == (2, 1, 1, 0)
    assert reasons(report) == [("same-image", "t.csv, line 3, box62.jpg")]
    assert "shows 'C-1'" in report.entries[0].sentence
    again = take_in(folder)
    assert (again.specimens_added, again.depictions_added, again.already_here, again.rejected, again.warnings) == (0, 0, 2, 0, 0)


def test_a_copy_of_an_image_that_no_row_speaks_of_makes_no_specimen(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg")
    (folder / "a copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    report = take_in(folder)
    assert list(all_of(runtime)[0]) == ["a copy"]
    assert reasons(report) == [("duplicate-by-hash", "a.jpg")]


def test_an_image_shows_no_more_specimens_than_it_may(
    runtime: Runtime, take_in: Ingest, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    picture(folder / "drawer.jpg")
    table(folder, "catalogNumber,file\n1,drawer.jpg\n2,drawer.jpg\n3,drawer.jpg\n")
    monkeypatch.setattr(service, "MAX_SPECIMENS", 2)
    report = take_in(folder)
    assert report.specimens_added == 3
    assert ("too-many-specimens", "t.csv, line 4, drawer.jpg") in reasons(report)


def test_two_identifiers_under_one_number_are_two_specimens(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    table(folder, f"occurrenceID,catalogNumber,preparations\n{SKIN},4711,skin\n{SKULL},4711,skull\n")
    report = take_in(folder)
    assert [one.interpreted["preparations"] for one in of_number(runtime, "4711")] == ["skin", "skull"]
    assert reasons(report) == [("same-number", "t.csv, line 3")]
    again = take_in(folder)
    assert (again.already_here, again.rejected, again.warnings) == (2, 0, 0)


def test_the_same_identifier_with_another_number_is_refused(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    table(folder, f"occurrenceID,catalogNumber\n{SKIN},1\n{SKIN},2\n")
    report = take_in(folder)
    assert reasons(report) == [("duplicate-by-identifier", "t.csv, line 3")]
    assert of_number(runtime, "2") == []


def test_an_identifier_that_is_given_everywhere_counts_within_its_number(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    table(folder, "occurrenceID,catalogNumber\n1,A-1\n", "a.csv"), table(folder, "occurrenceID,catalogNumber\n1,B-9\n", "b.csv")
    report = take_in(folder)
    assert (report.specimens_added, report.rejected) == (2, 0)


def test_material_goes_before_occurrence(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    table(folder, "materialEntityID,occurrenceID,catalogNumber\nm:1,o:1,7\nm:2,o:1,7\n")
    report = take_in(folder)
    assert {one.interpreted["materialEntityID"] for one in of_number(runtime, "7")} == {"m:1", "m:2"}
    assert reasons(report) == [("same-number", "t.csv, line 3")]


def test_a_record_is_known_by_the_weaker_identifier_too(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    take_in(table(folder, "occurrenceID,catalogNumber\no:1,7\n", "first.csv"))
    report = take_in(table(folder, "materialEntityID,occurrenceID,catalogNumber\nm:1,o:1,7\n", "second.csv"))
    (specimen,) = of_number(runtime, "7")
    assert specimen.interpreted["materialEntityID"] == "m:1"
    assert reasons(report) == [("identified", "second.csv, line 2")]
    again = take_in(folder / "first.csv")
    assert (again.already_here, len(of_number(runtime, "7"))) == (1, 1)


def test_a_specimen_known_by_its_number_gets_its_identifier_and_is_not_doubled(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "x.jpg")
    take_in(table(folder, "catalogNumber,country,file\n9,Peru,x.jpg\n", "first.csv"))
    (before,) = of_number(runtime, "9")
    report = take_in(table(folder, "dwc:occurrenceID,catalogNumber,country,locality\nurn:9,9,Peru,Lima\n", "second.csv"))
    (after,) = of_number(runtime, "9")
    assert after.key == before.key
    assert after.interpreted == {**before.interpreted, "occurrenceID": "urn:9"}
    assert after.verbatim == {**before.verbatim, "dwc:occurrenceID": "urn:9"}
    assert after.version > before.version
    assert (report.specimens_added, report.already_here) == (0, 1)
    assert reasons(report) == [("identified", "second.csv, line 2"), ("says-more", "second.csv, line 2")]
    assert "locality 'Lima'" in report.entries[-1].sentence
    assert reasons(take_in(folder / "second.csv")) == [("says-more", "second.csv, line 2")]
    assert take_in(folder / "first.csv").already_here == 1


def test_a_contradiction_keeps_the_record_of_the_number_as_it_is(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    take_in(table(folder, "catalogNumber,country\n9,Peru\n", "first.csv"))
    report = take_in(table(folder, "occurrenceID,catalogNumber,country\nurn:9,9,Chile\n", "second.csv"))
    assert [one.interpreted["country"] for one in of_number(runtime, "9")] == ["Peru", "Chile"]
    assert reasons(report) == [("same-number", "second.csv, line 2")]


def test_a_file_that_bears_the_number_of_several_is_taken_by_none(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    take_in(table(folder, f"occurrenceID,catalogNumber\n{SKIN},4711\n{SKULL},4711\n"))
    (folder / "t.csv").unlink()
    blobs = {path.name for path in (runtime.settings.data_dir / "blobs").rglob("*") if path.is_file()}
    picture(folder / "4711.jpg")
    report = take_in(folder)
    assert reasons(report) == [("ambiguous-number", "4711.jpg")]
    assert all(one.key in report.entries[0].sentence for one in of_number(runtime, "4711"))
    assert SKULL in report.entries[0].sentence
    assert [images_of(runtime, one) for one in of_number(runtime, "4711")] == [[], []]
    assert {path.name for path in (runtime.settings.data_dir / "blobs").rglob("*") if path.is_file()} == blobs


def test_a_file_of_a_number_that_a_second_row_has_too_stays_with_the_first(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "4711.jpg")
    table(folder, f"occurrenceID,catalogNumber\n{SKIN},4711\n{SKULL},4711\n")
    report = take_in(folder)
    assert [images_of(runtime, one) for one in of_number(runtime, "4711")] == [["4711.jpg"], []]
    assert reasons(report) == [("ambiguous-number", "t.csv, line 3, 4711.jpg"), ("same-number", "t.csv, line 3")]
    again = take_in(folder)
    assert reasons(again) == [("ambiguous-number", "t.csv, line 3, 4711.jpg")]
    assert [images_of(runtime, one) for one in of_number(runtime, "4711")] == [["4711.jpg"], []]


def test_a_file_that_one_of_several_has_already_is_already_here(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "4711.jpg")
    take_in(folder)
    take_in(table(folder, f"occurrenceID,catalogNumber,file\n{SKIN},4711,\n{SKULL},4711,\n"))
    again = take_in(folder / "4711.jpg")
    assert (again.already_here, again.rejected) == (1, 0)


def test_a_row_without_an_identifier_is_the_specimen_of_its_number(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    take_in(table(folder, f"occurrenceID,catalogNumber\n{SKIN},4711\n", "first.csv"))
    report = take_in(table(folder, "catalogNumber,country\n4711,Peru\n", "second.csv"))
    assert (report.already_here, len(of_number(runtime, "4711"))) == (1, 1)
    take_in(table(folder, f"occurrenceID,catalogNumber\n{SKULL},4711\n", "third.csv"))
    assert reasons(take_in(folder / "second.csv")) == [("ambiguous-number", "second.csv, line 2")]
