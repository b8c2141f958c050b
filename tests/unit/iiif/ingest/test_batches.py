"""Many rows with images go in with one transaction; a bad one costs only itself, and a kill nothing that was accepted."""

import errno
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from app.runtime.blobs import FolderBlobs, StoreAway
from app.runtime.context import Runtime
from app.runtime.disk import DiskFull, DiskReadOnly
from iiif.catalogue import service
from iiif.catalogue.model import Media
from iiif.image.masters.decoder_client import DecoderUnavailable
from iiif.ingest import batches, receive
from iiif.ingest.report import IngestReport
from iiif.ingest.run import ingest
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

ROWS = 12


@pytest.fixture
def sheets(folder: Path) -> Path:
    """Rows with an image each; that of the fifth is cut off in its header."""
    lines = ["catalogNumber,file,country"]
    for number in range(ROWS):
        picture(folder / f"{number}.jpg", shade=number)
        lines.append(f"HB-{number},{number}.jpg,DE")
    (folder / "4.jpg").write_bytes((folder / "4.jpg").read_bytes()[:400])
    (folder / "list.csv").write_text("\n".join(lines))
    return folder


def test_rows_with_images_share_a_transaction(runtime: Runtime, sheets: Path) -> None:
    told: list[int] = []

    def on_media(_session: Session, media: Sequence[Media]) -> None:
        told.append(len(media))

    report = ingest(runtime, [sheets], on_media=on_media, progress=lambda done, total: None)
    assert told == [ROWS - 1]
    assert (report.records, report.specimens_added, report.media_added, report.refused) == (ROWS, ROWS, ROWS - 1, 0)
    assert reasons(report) == [("not-an-image", "list.csv, line 6, 4.jpg")]
    assert {number: len(media) for number, media in all_of(runtime)[1].items()} == {
        f"HB-{number}": int(number != 4) for number in range(ROWS)
    }


def test_a_source_of_too_many_rows_ends_and_what_came_before_is_in(runtime: Runtime, folder: Path) -> None:
    (folder / "list.csv").write_text("\n".join(["catalogNumber", *(f"HB-{number}" for number in range(ROWS))]))
    few = replace(runtime, settings=runtime.settings.model_copy(update={"max_rows": 5}))
    report = ingest(few, [folder], on_media=lambda _session, _media: None, progress=lambda _done, _total: None)
    assert (report.records, report.specimens_added) == (5, 5)
    assert reasons(report) == [("too-many-rows", folder.name)]
    assert sorted(all_of(runtime)[1]) == [f"HB-{number}" for number in range(5)]


def test_a_row_that_the_database_refuses_costs_only_itself_and_no_image_is_told_twice(
    runtime: Runtime, take_in: Ingest, sheets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_one = service.add_specimen

    def refuse(*_given: object, **_named: object) -> None:
        raise DataError("INSERT", {}, ValueError("bad"))

    def one(session: Session, draft: service.SpecimenDraft, **options: object) -> object:
        if draft.catalog_number == "HB-7":
            raise DataError("INSERT", {}, ValueError("bad"))
        return add_one(session, draft, **options)  # type: ignore[arg-type] # as the service's

    monkeypatch.setattr(service, "add_new", refuse)
    monkeypatch.setattr(service, "add_specimen", one)
    report = take_in(sheets)
    assert reasons(report) == [("internal-error", "list.csv, line 9"), ("not-an-image", "list.csv, line 6, 4.jpg")]
    assert (report.records, report.specimens_added, report.media_added, report.refused) == (ROWS, ROWS - 1, ROWS - 2, 1)


def test_a_decoder_that_cannot_be_started_for_one_row_costs_only_that_row(
    runtime: Runtime, take_in: Ingest, sheets: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = receive.checked

    def checked(sha256: str, *given: object) -> str:
        if sha256 == third:
            raise DecoderUnavailable("no process can be started")
        return check(sha256, *given)  # type: ignore[arg-type]

    third = receive.digest(sheets / "3.jpg")[0]
    monkeypatch.setattr(receive, "checked", checked)
    report = take_in(sheets)
    assert ("internal-error", "list.csv, line 5") in reasons(report)
    assert (report.specimens_added, report.refused) == (ROWS - 1, 1)


@pytest.mark.parametrize("most", [1, 3, 5])
def test_what_was_accepted_is_in_when_an_ingest_of_images_is_killed(
    runtime: Runtime, take_in: Ingest, sheets: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(batches, "MOST_IMAGES", most)
    report = IngestReport()

    def die(session: Session, media: Sequence[Media]) -> None:
        if report.media_added >= 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(runtime, [sheets], on_media=die, progress=lambda done, total: None, report=report)
    media = all_of(runtime)[1]
    assert len(media) == report.specimens_added >= 6
    assert sum(map(len, media.values())) == report.media_added
    again = take_in(sheets)
    assert (again.already_here, again.specimens_added) == (len(media), ROWS - len(media))
    assert len(all_of(runtime)[0]) == ROWS


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (StoreAway("The folder of the stored files is not there."), StoreAway),
        (OSError(errno.ENOSPC, "No space left on device"), DiskFull),
        (OSError(errno.EROFS, "Read-only file system"), DiskReadOnly),
    ],
)
def test_a_store_that_is_away_or_full_ends_the_ingest_and_blames_no_row(
    runtime: Runtime, sheets: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, raised: type[Exception]
) -> None:
    def put(self: FolderBlobs, stream: object) -> tuple[str, int]:
        raise error

    monkeypatch.setattr(FolderBlobs, "put", put)
    report = IngestReport()
    with pytest.raises(raised):
        ingest(runtime, [sheets], on_media=lambda session, media: None, progress=lambda done, total: None, report=report)
    assert (report.entries, report.refused, all_of(runtime)) == ([], 0, ({}, {}))


def test_copies_in_one_batch_and_a_second_row_of_a_specimen_come_out_as_one_by_one(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "a.jpg")
    (folder / "copy.jpg").write_bytes((folder / "a.jpg").read_bytes())
    picture(folder / "b.jpg", shade=9)
    (folder / "t.csv").write_text("catalogNumber,file\n1,a.jpg\n2,copy.jpg\n1,b.jpg\n1,b.jpg\n")
    report = take_in(folder)
    assert {number: [one.file_name for one in media] for number, media in all_of(runtime)[1].items()} == {
        "1": ["a.jpg", "b.jpg"],
        "2": ["a.jpg"],
    }
    assert [entry.code for entry in report.entries] == ["same-image", "duplicate-by-hash"]
    assert report.records == report.specimens_added + report.already_here + report.merged + report.refused
