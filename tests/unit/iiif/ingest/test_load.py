"""Ingest of folders, tables and files: what goes in, what is refused, and why."""

import os
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.runtime.blobs import FolderBlobs
from app.runtime.context import Runtime
from app.runtime.outbox import OutboxRow
from iiif.catalogue import service
from iiif.catalogue.model import Media
from iiif.image.errors import RejectedImage
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest.model import IngestLimits
from iiif.ingest.receive import checked
from iiif.ingest.run import ingest
from tests.unit.iiif.image.pictures import drawn, enter, file_of
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons


def header_bomb(path: Path) -> Path:
    """A PNG whose header promises 50,000 × 50,000 pixels and that has none."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    data = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b"")
    path.write_bytes(data)
    return path


def test_without_a_table_the_number_is_the_files_name(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "BR 0001.jpg"), picture(folder / "deep" / "BR.0002.tif"), (folder / "notes.txt").write_text("not ours")
    report = take_in(folder)
    specimens, media = all_of(runtime)
    assert (report.specimens_added, report.media_added, report.rejected) == (2, 2, 0)
    assert {number: one[0].file_name for number, one in media.items()} == {"BR 0001": "BR 0001.jpg", "BR.0002": "BR.0002.tif"}
    assert media["BR.0002"][0].format == "image/tiff"
    assert media["BR 0001"][0].state == "pending"
    assert specimens["BR 0001"].verbatim == {"file": "BR 0001.jpg"}


def test_the_master_lies_among_the_blobs_to_the_byte(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    path = picture(folder / "A.jpg")
    take_in(folder)
    media = all_of(runtime)[1]["A"][0]
    with runtime.blobs.open(media.sha256) as stream:
        assert stream.read() == path.read_bytes()
    assert media.byte_size == path.stat().st_size


def test_each_image_has_its_derivative_ordered_and_its_specimen_indexed(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "A.jpg")
    take_in(folder)
    specimens, media = all_of(runtime)
    with runtime.reads.begin() as session:
        rows = {(row.kind, row.name): row.payload for row in session.scalars(select(OutboxRow))}
    assert rows["job", "derive_image"] == {"media_key": media["A"][0].key}
    assert rows["index", "specimen"] == {"key": specimens["A"].key}


def test_the_hook_runs_in_the_transaction_that_adds_the_image(runtime: Runtime, folder: Path) -> None:
    picture(folder / "A.jpg")

    def refuse(session: Session, media: Sequence[Media]) -> None:
        assert [service.get_media(session, one.key) for one in media] == list(media)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ingest(runtime, [folder], on_media=refuse, progress=lambda done, total: None)
    assert all_of(runtime) == ({}, {})


def test_a_refused_file_stays_where_another_ingest_entered_it_meanwhile(runtime: Runtime) -> None:
    media = enter(runtime, file_of(drawn(300, 200))[:2000])
    with pytest.raises(RejectedImage):
        checked(media.sha256, runtime, IngestLimits(DecodeLimits.of(runtime.settings), 10**6))
    assert runtime.blobs.has(media.sha256)


def test_running_it_twice_adds_nothing_and_says_so(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "A.jpg"), picture(folder / "B.jpg")
    (folder / "t.csv").write_text("file,catalogNumber,country\nA.jpg,1,BE\n,2,NL\n")
    first = take_in(folder)
    before = all_of(runtime)
    second = take_in(folder)
    assert (first.specimens_added, first.media_added, first.already_here) == (3, 2, 0)
    assert (second.specimens_added, second.media_added, second.already_here, second.rejected) == (0, 0, 3, 0)
    assert all_of(runtime) == before
    assert "3 already here" in second.summary()


def test_rows_are_read_and_kept_to_the_letter(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "sheet one.jpg")
    (folder / "specimens.csv").write_text(
        "FileName,dwc:Catalogue Number,ScientificName,eventDate,decimalLatitude,decimalLongitude,licence,photographer,shelf\n"
        "sheet one.jpg, BR 7 , Quercus robur L. ,1887/6/12,0,0,CC BY 4.0,A. Camera,12b\n"
    )
    report = take_in(folder)
    specimens, media = all_of(runtime)
    specimen = specimens["BR 7"]
    assert dict(specimen.interpreted) == {
        "catalogNumber": "BR 7",
        "scientificName": "Quercus robur L.",
        "eventDate": "1887-06-12",
        "license": "CC BY 4.0",
    }
    assert specimen.verbatim["ScientificName"] == " Quercus robur L. "
    assert specimen.verbatim["shelf"] == "12b"
    assert (media["BR 7"][0].rights, media["BR 7"][0].creator) == ("CC BY 4.0", "A. Camera")
    assert reasons(report) == [("zero-coordinates", "specimens.csv, line 2")]
    assert report.entries[0].severity == "warning"


def test_several_images_of_a_specimen_stay_together(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    for number, name in enumerate(("a.jpg", "b.jpg", "c.png", "X3.jpg", "X3.tif")):
        picture(folder / name, shade=10 * number)
    (folder / "t.csv").write_text("catalogNumber,associatedMedia\nX1,a.jpg | https://host/pics/b.jpg\nX2,c.png\nX3,\n")
    report = take_in(folder)
    media = all_of(runtime)[1]
    assert {number: [one.file_name for one in several] for number, several in media.items()} == {
        "X1": ["a.jpg", "b.jpg"],
        "X2": ["c.png"],
        "X3": ["X3.jpg", "X3.tif"],
    }
    assert [one.sequence for one in media["X1"]] == [1, 2]
    assert report.rejected == 0


def test_rows_with_the_same_number_add_their_images_to_one_specimen(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "front.jpg"), picture(folder / "back.jpg", shade=9), picture(folder / "other.jpg", shade=5)
    (folder / "t.csv").write_text(
        "file,catalogNumber,country\nfront.jpg,1,Peru\nback.jpg,1,Peru\nother.jpg,1,Chile\nfront.jpg,1,Peru\n,1,Peru\n"
    )
    report = take_in(folder)
    assert [one.file_name for one in all_of(runtime)[1]["1"]] == ["front.jpg", "back.jpg"]
    assert reasons(report) == [
        ("duplicate-by-catalog-number", "t.csv, line 4"),
        ("duplicate-by-catalog-number", "t.csv, line 6"),
        ("duplicate-by-hash", "t.csv, line 5, front.jpg"),
    ]


def test_the_same_bytes_come_in_once(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "copy.jpg").write_bytes(picture(folder / "A.jpg").read_bytes())
    report = take_in(folder)
    assert list(all_of(runtime)[0]) == ["A"]
    assert reasons(report) == [("duplicate-by-hash", "copy.jpg")]
    assert "'A.jpg' of 'A'" in report.entries[0].sentence


def test_bad_files_are_named_with_their_reason_and_good_ones_go_in(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    whole = picture(folder / "good.jpg", size=(400, 300)).read_bytes()
    (folder / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    tiff = picture(folder / "cut.tif", size=(400, 300))
    tiff.write_bytes(tiff.read_bytes()[:20_000])
    (folder / "text.jpg").write_text("this is no picture")
    (folder / "empty.png").write_bytes(b"")
    header_bomb(folder / "bomb.png")
    picture(folder / "one.png", size=(1, 1))
    report = take_in(folder)
    specimens, media = all_of(runtime)
    assert set(specimens) == {"good", "one"}
    found = {place: code for code, place in reasons(report)}
    assert found == {
        "cut.jpg": "truncated-image",
        "cut.tif": found["cut.tif"],
        "text.jpg": "not-an-image",
        "empty.png": "empty-file",
        "bomb.png": "too-many-pixels",
    }
    assert found["cut.tif"] in ("truncated-image", "not-an-image")
    blobs: FolderBlobs = runtime.blobs
    assert {entry.sha256 for entry in blobs.entries()} == {one.sha256 for several in media.values() for one in several}


def test_pictures_of_every_make_come_in(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    picture(folder / "turned.jpg", exif=exif)
    Image.new("CMYK", (30, 20), (10, 20, 30, 40)).save(folder / "cmyk.jpg")
    Image.new("LA", (30, 20), (90, 128)).save(folder / "alpha.png")
    Image.new("I;16", (30, 20), 40_000).save(folder / "deep.tif")
    picture(folder / "web.webp")
    report = take_in(folder)
    assert report.rejected == 0
    assert {one[0].format for one in all_of(runtime)[1].values()} == {"image/jpeg", "image/png", "image/tiff", "image/webp"}


def test_limits_are_those_of_the_settings(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    small = Runtime(
        runtime.settings.with_(max_file_bytes=2_000, max_pixels=5_000), runtime.database, runtime.blobs, runtime.search
    )
    picture(folder / "wide.png", size=(101, 50)), picture(folder / "heavy.png", size=(60, 60), compress_level=0)
    Image.new("1", (101, 50)).save(folder / "wide.png")
    report = ingest(small, [folder], on_media=lambda session, media: None, progress=lambda done, total: None)
    assert reasons(report) == [("too-many-bytes", "heavy.png"), ("too-many-pixels", "wide.png")]


def test_a_specimen_stands_without_its_image_if_it_has_a_number(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "t.csv").write_text("catalogNumber,file,country\nN1,gone.jpg,Peru\n,lost.jpg,Peru\n,,Peru\n")
    report = take_in(folder)
    specimens, media = all_of(runtime)
    assert (set(specimens), media["N1"]) == ({"N1"}, [])
    assert reasons(report) == [
        ("missing-file", "t.csv, line 2"),
        ("missing-file", "t.csv, line 3"),
        ("missing-id", "t.csv, line 4"),
    ]


def test_an_image_named_by_the_number_stands_in_for_one_that_is_elsewhere(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    picture(folder / "N1.tif")
    (folder / "t.csv").write_text("catalogNumber,associatedMedia\nN1,https://h.example/photo?id=4\n")
    assert take_in(folder).rejected == 0
    assert [one.file_name for one in all_of(runtime)[1]["N1"]] == ["N1.tif"]


def test_an_image_that_a_row_takes_does_not_come_in_by_itself_too(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "IMG_1.jpg"), picture(folder / "IMG_2.jpg", shade=3)
    (folder / "t.csv").write_text("file,catalogNumber\nIMG_1.jpg,N1\n")
    take_in(folder)
    assert set(all_of(runtime)[0]) == {"N1", "IMG_2"}


def test_a_latin_1_table_is_read_and_its_encoding_reported(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg")
    (folder / "t.csv").write_bytes("file;catalogNumber;recordedBy\na.jpg;N1;Bjørn Müller\n".encode("latin-1"))
    report = take_in(folder)
    assert all_of(runtime)[0]["N1"].interpreted["recordedBy"] == "Bjørn Müller"
    assert report.notes == ["t.csv: cp1252, fields separated by ';'."]


def test_an_empty_table_is_a_clear_error_and_the_images_come_in(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg")
    (folder / "t.csv").write_bytes(b"")
    report = take_in(folder)
    assert reasons(report) == [("empty-csv", "t.csv")]
    assert set(all_of(runtime)[0]) == {"a"}
    alone = take_in(folder / "t.csv")
    assert alone.is_failure


def test_addresses_are_looked_for_in_the_folder_of_images(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    picture(tmp_path / "store" / "2024" / "a 1.jpg"), picture(tmp_path / "store" / "b.jpg", shade=4)
    table = tmp_path / "urls.csv"
    table.write_text(
        "catalogNumber,accessURI\nN1,https://museum.example/2024/a%201.jpg?size=full\nN2,https://x.example/any/where/b.jpg\n"
        "N3,https://x.example/c.jpg\n"
    )
    report = take_in(table, images=tmp_path / "store")
    assert {number: len(several) for number, several in all_of(runtime)[1].items()} == {"N1": 1, "N2": 1, "N3": 0}
    assert reasons(report) == [("missing-file", "urls.csv, line 4")]


@pytest.mark.parametrize("path", ["../secret.jpg", "/etc/hostname", "deep/../../secret.jpg", "..\\secret.jpg"])
def test_a_path_that_leads_out_of_its_folder_is_refused(runtime: Runtime, take_in: Ingest, folder: Path, path: str) -> None:
    picture(folder.parent / "secret.jpg")
    (folder / "t.csv").write_text(f"catalogNumber,file\nN1,{path}\n")
    report = take_in(folder)
    assert reasons(report) == [("path-outside", "t.csv, line 2")]
    assert all_of(runtime)[1]["N1"] == []


def test_a_link_out_of_the_folder_is_refused(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    secret = picture(folder.parent / "elsewhere" / "secret.jpg")
    (folder / "link.jpg").symlink_to(secret)
    (folder / "deep").symlink_to(secret.parent)
    picture(folder / "a.jpg", shade=7)
    (folder / "t.csv").write_text("catalogNumber,file\nN1,deep/secret.jpg\n")
    report = take_in(folder)
    assert reasons(report) == [("path-outside", "link.jpg"), ("path-outside", "t.csv, line 2")]
    assert set(all_of(runtime)[0]) == {"a", "N1"}


def test_a_link_within_the_folder_is_the_same_file(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "b.jpg").symlink_to(picture(folder / "a.jpg"))
    assert reasons(take_in(folder)) == [("duplicate-by-hash", "b.jpg")]


def test_a_name_that_is_not_utf_8_is_kept_readable(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "a.jpg").rename(os.fsdecode(os.fsencode(folder) + b"/M\xfcller.jpg"))
    assert take_in(folder).specimens_added == 1
    assert list(all_of(runtime)[0]) == ["M�ller"]


def test_a_number_that_is_too_long_is_refused(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "t.csv").write_text(f"catalogNumber,country\n{'9' * 300},Peru\n5,Peru\n")
    assert reasons(take_in(folder)) == [("value-too-long", "t.csv, line 2")]
    assert set(all_of(runtime)[0]) == {"5"}


def test_what_is_not_there_is_said(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    report = take_in(folder / "nowhere", folder)
    assert reasons(report) == [("missing-file", "nowhere"), ("nothing-found", "images")]
    assert report.is_failure


def test_a_single_file_of_any_ending_comes_in(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    path = picture(folder / "A.jpg").rename(folder / "A.scan")
    assert take_in(path).media_added == 1
    assert set(all_of(runtime)[0]) == {"A"}


def test_the_report_counts_all_and_names_each(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    (folder / "a.jpg").write_text("no"), picture(folder / "b.jpg")
    report = take_in(folder)
    body = report.to_json()
    assert (body["records"], body["specimensAdded"], body["rejectedTotal"], body["codes"]) == (2, 1, 1, {"not-an-image": 1})
    assert body["rejected"][0]["place"] == "a.jpg"
    assert "not-an-image" in report.readable()
    assert report.readable().endswith(report.summary())
