"""Darwin Core Archives: our own small ones, hostile ones, and the real ones beside the project."""

import os
import stat
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.runtime.context import Runtime
from iiif.image.masters.decoder_protocol import DecodeLimits
from iiif.ingest.files import is_image_name
from iiif.ingest.model import IngestLimits, SourceError
from iiif.ingest.unpack import unpack
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons

DWC = "http://rs.tdwg.org/dwc/terms/"
OCCURRENCES = "id,catalogNumber,country\n1,N1,Peru\n2,N2,Chile\n"
DECODE = DecodeLimits(max_pixels=10**9, seconds=60, address_space=4 * 10**9)
LIMITS = IngestLimits(DECODE, max_file_bytes=10**9)


def meta(extension: str = "", location: str = "occurrence.csv", row_type: str = f"{DWC}Occurrence") -> str:
    form = 'encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n" fieldsEnclosedBy=\'"\' ignoreHeaderLines="1"'
    core = (
        f'<core {form} rowType="{row_type}"><files><location>{location}</location></files><id index="0"/>'
        f'<field index="1" term="{DWC}catalogNumber"/><field index="2" term="{DWC}country"/>'
        f'<field default="BR" term="{DWC}institutionCode"/></core>'
    )
    return f'<archive xmlns="http://rs.tdwg.org/dwc/text/">{core}{extension.replace("FORM", form)}</archive>'


MULTIMEDIA = (
    '<extension FORM rowType="http://rs.gbif.org/terms/1.0/Multimedia"><files><location>multimedia.csv</location></files>'
    '<coreid index="0"/><field index="1" term="http://purl.org/dc/terms/identifier"/>'
    '<field index="2" term="http://purl.org/dc/terms/license"/><field index="3" term="http://purl.org/dc/terms/creator"/></extension>'
)
AUDIOVISUAL = (
    '<extension FORM rowType="http://rs.tdwg.org/ac/terms/Multimedia"><files><location>media.csv</location></files>'
    '<coreid index="0"/><field index="1" term="http://rs.tdwg.org/ac/terms/accessURI"/>'
    '<field index="2" term="http://purl.org/dc/terms/identifier"/></extension>'
)


def zipped(path: Path, members: Mapping[str, str | bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def test_simple_multimedia_brings_images_with_their_own_rights(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    images = {name: picture(tmp_path / name).read_bytes() for name in ("a.jpg", "b.jpg")}
    rows = "id,identifier,license,creator\n1,https://h.example/x/a.jpg,CC BY 4.0,Ann\n1,b.jpg,CC0,\n2,gone.jpg,,\n9,a.jpg,,\n"
    members = {"meta.xml": meta(MULTIMEDIA), "occurrence.csv": OCCURRENCES, "multimedia.csv": rows}
    report = take_in(zipped(tmp_path / "dwca.zip", {**members, **{f"pics/{name}": data for name, data in images.items()}}))
    specimens, media = all_of(runtime)
    assert dict(specimens["N1"].interpreted) == {"catalogNumber": "N1", "country": "Peru", "institutionCode": "BR"}
    found = [(one.file_name, one.rights, one.creator) for one in media["N1"]]
    assert found == [("a.jpg", "CC BY 4.0", "Ann"), ("b.jpg", "CC0", "")]
    assert media["N2"] == []
    assert reasons(report) == [
        ("missing-file", "dwca.zip: multimedia.csv, line 4"),
        ("orphan-media", "dwca.zip: multimedia.csv, line 5"),
    ]
    assert list(Path(runtime.settings.data_dir, "incoming").iterdir()) == []


def test_audiovisual_core_is_read_from_a_folder_with_images_elsewhere(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    picture(folder / "n2.jpg")
    archive = folder.parent / "dwca"
    archive.mkdir()
    (archive / "meta.xml").write_text(meta(AUDIOVISUAL))
    (archive / "occurrence.csv").write_text(OCCURRENCES)
    (archive / "media.csv").write_text("id,accessURI,identifier\n2,https://h.example/n2.jpg,https://h.example/media/2\n")
    assert take_in(archive, images=folder).media_added == 1
    assert all_of(runtime)[1]["N2"][0].file_name == "n2.jpg"


def test_associated_media_is_enough(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    picture(tmp_path / "a.jpg"), picture(tmp_path / "b.jpg")
    core = meta().replace(f"{DWC}country", f"{DWC}associatedMedia")
    members = {"meta.xml": core, "occurrence.csv": "id,n,m\n1,N1,https://h/a.jpg | https://h/b.jpg\n"}
    images = {name: (tmp_path / name).read_bytes() for name in ("a.jpg", "b.jpg")}
    take_in(zipped(tmp_path / "dwca.zip", {**members, **images}))
    assert [one.file_name for one in all_of(runtime)[1]["N1"]] == ["a.jpg", "b.jpg"]


def test_a_bad_row_is_named_and_the_rest_go_in(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    rows = "id,catalogNumber,country\n1,N1\n2,N2,Chile\n,,Peru\n"
    report = take_in(zipped(tmp_path / "dwca.zip", {"meta.xml": meta(), "occurrence.csv": rows}))
    assert reasons(report) == [
        ("missing-id", "dwca.zip: occurrence.csv, line 4"),
        ("wrong-column-count", "dwca.zip: occurrence.csv, line 2"),
    ]
    assert set(all_of(runtime)[0]) == {"N2"}


def test_reading_an_archive_twice_adds_nothing(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    archive = zipped(tmp_path / "dwca.zip", {"top/meta.xml": meta(), "top/occurrence.csv": OCCURRENCES})
    assert (take_in(archive).specimens_added, take_in(archive).already_here) == (2, 2)
    assert take_in(archive).rejected == 0
    assert len(all_of(runtime)[0]) == 2


def test_a_zip_of_images_is_read_as_a_folder(runtime: Runtime, take_in: Ingest, tmp_path: Path) -> None:
    data = picture(tmp_path / "x.jpg").read_bytes()
    members = {"box/N1.jpg": data, "box/t.csv": "catalogNumber,country\nN1,Peru\n", "__MACOSX/box/._N1.jpg": b"x"}
    take_in(zipped(tmp_path / "box.zip", members))
    specimens, media = all_of(runtime)
    assert (list(specimens), media["N1"][0].file_name) == (["N1"], "N1.jpg")


@pytest.mark.parametrize(
    ("members", "code"),
    [
        ({"../evil.jpg": "x", "meta.xml": meta(), "occurrence.csv": OCCURRENCES}, "path-outside"),
        ({"/tmp/evil.jpg": "x"}, "path-outside"),
        ({"a/../../evil.jpg": "x"}, "path-outside"),
        ({"meta.xml": meta(location="../../../etc/hostname")}, "path-outside"),
        ({"meta.xml": meta(location="/etc/hostname")}, "path-outside"),
        ({"meta.xml": meta(location="gone.csv")}, "bad-archive"),
        ({"meta.xml": "<archive"}, "bad-archive"),
        ({"meta.xml": "<archive/>"}, "bad-archive"),
        ({"meta.xml": meta().replace("UTF-8", "klingon"), "occurrence.csv": OCCURRENCES}, "bad-archive"),
        ({"meta.xml": meta().replace('By=","', 'By="::"'), "occurrence.csv": OCCURRENCES}, "bad-archive"),
        ({"meta.xml": meta(row_type=f"{DWC}Taxon"), "occurrence.csv": OCCURRENCES}, "bad-archive"),
        ({"data.bin": bytes(60_000_000)}, "zip-bomb"),
        ({"readme.txt": "nothing here"}, "nothing-found"),
    ],
)
def test_a_bad_archive_is_refused_as_a_whole(
    runtime: Runtime, take_in: Ingest, tmp_path: Path, members: dict[str, str | bytes], code: str
) -> None:
    report = take_in(zipped(tmp_path / "bad.zip", members))
    assert reasons(report) == [(code, "bad.zip")]
    assert report.is_failure
    assert all_of(runtime) == ({}, {})
    assert not list(tmp_path.rglob("evil.jpg"))
    assert list(Path(runtime.settings.data_dir, "incoming").iterdir()) == []


def test_a_refused_archive_says_how_many_rows_it_has(take_in: Ingest, tmp_path: Path) -> None:
    members = {
        "meta.xml": meta(row_type=f"{DWC}Taxon"),
        "occurrence.csv": "id\n" + "1\n" * 1204,
        "notes.bin": "x",
        "more.txt": "a\nb",
    }
    report = take_in(zipped(tmp_path / "bad.zip", members))
    wanted = "None of its rows went in: more.txt has 1 lines below its first, occurrence.csv has 1,204 lines below its first."
    assert report.entries[0].sentence.endswith(wanted)
    (tmp_path / "fake.zip").write_text("no zip")
    assert take_in(tmp_path / "fake.zip").entries[0].sentence.endswith("how many it has cannot be told before it is unpacked.")


def test_a_file_that_is_no_zip_is_refused(take_in: Ingest, tmp_path: Path) -> None:
    (tmp_path / "fake.zip").write_text("no zip")
    whole = zipped(tmp_path / "whole.zip", {"meta.xml": meta(), "occurrence.csv": OCCURRENCES * 500}).read_bytes()
    (tmp_path / "cut.zip").write_bytes(whole[: len(whole) // 2])
    report = take_in(tmp_path / "fake.zip", tmp_path / "cut.zip")
    assert reasons(report) == [("bad-archive", "cut.zip"), ("bad-archive", "fake.zip")]


def test_a_link_in_an_archive_is_refused(tmp_path: Path) -> None:
    link = zipfile.ZipInfo("link.jpg")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    with zipfile.ZipFile(tmp_path / "link.zip", "w") as archive:
        archive.writestr(link, "/etc/hostname")
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError) as caught:
        unpack(tmp_path / "link.zip", tmp_path / "out", LIMITS)
    assert caught.value.finding.code == "path-outside"


@pytest.mark.parametrize("limits", [{"max_members": 2}, {"max_unpacked_bytes": 100}, {"max_ratio": 2, "ratio_from_bytes": 100}])
def test_each_limit_of_unpacking_holds(tmp_path: Path, limits: dict[str, int]) -> None:
    path = zipped(tmp_path / "big.zip", {f"{number}.txt": "0" * 2000 for number in range(3)})
    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(SourceError) as caught:
        unpack(path, out, IngestLimits(DECODE, max_file_bytes=1, **limits))
    assert caught.value.finding.code == "zip-bomb"
    assert unpack(path, out, LIMITS) == out


def test_many_small_members_together_are_bounded_as_a_large_one_is(tmp_path: Path) -> None:
    path = zipped(tmp_path / "many.zip", {f"{number}.txt": bytes(1_000_000) for number in range(30)})
    with pytest.raises(SourceError, match="unpacks to 30,000,000 bytes; 20,000,000 are allowed"):
        unpack(path, tmp_path, LIMITS)


def test_members_that_overlap_are_refused(tmp_path: Path) -> None:
    """200 members in the central directory, and the bytes of one."""
    with zipfile.ZipFile(tmp_path / "overlap.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("0.txt", os.urandom(10_000))
        archive.filelist *= 200
    (tmp_path / "out").mkdir()
    with pytest.raises(SourceError, match="overlaps another one") as caught:
        unpack(tmp_path / "overlap.zip", tmp_path / "out", LIMITS)
    assert caught.value.finding.code == "zip-bomb"
    assert not list((tmp_path / "out").iterdir())


def test_every_real_archive_gives_specimens_or_says_why_not(runtime: Runtime, take_in: Ingest, shared: Path) -> None:
    root = shared / "data" / "archives"
    archives = sorted([*root.glob("*.zip"), *(path.parent for path in root.rglob("meta.xml"))])
    assert len(archives) > 15
    for archive in archives:
        report = take_in(archive)
        assert report.specimens_added or report.already_here or report.entries, archive
        assert report.records == report.specimens_added + report.already_here + report.merged + report.refused, archive
        assert report.refused <= report.rejected, archive
        assert "internal-error" not in report.codes, archive


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("dissco_dwca-kew-gbif-media.zip", 19),
        ("dissco_dwca-lux-associated-media.zip", 20),
        ("dissco_dwca-naturalis-ac-media.zip", 14),
        ("dissco_dwca-invalid-ac-media.zip", 1),
        ("gbif-results.zip", 158),
        ("dr893", 5),
        ("gbif_multimedia", 1),
    ],
)
def test_the_rows_of_real_archives_become_specimens(
    runtime: Runtime, take_in: Ingest, shared: Path, name: str, count: int
) -> None:
    report = take_in(shared / "data" / "archives" / name)
    others = report.codes["duplicate-by-catalog-number"] + report.codes["missing-id"] + report.codes["wrong-column-count"]
    assert report.specimens_added + others == report.records == count
    assert report.specimens_added >= 0.9 * count


def test_the_archives_in_a_folder_are_read_with_it(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    zipped(folder / "dwca.zip", {"meta.xml": meta(), "occurrence.csv": OCCURRENCES})
    assert take_in(folder).specimens_added == 2
    picture(folder / "N9.jpg")
    assert take_in(folder).already_here == 2
    assert set(all_of(runtime)[0]) == {"N1", "N2", "N9"}


@pytest.mark.slow
def test_every_real_photograph_comes_in(runtime: Runtime, take_in: Ingest, shared: Path) -> None:
    folder = shared / "data" / "specimens"
    report = take_in(folder)
    pictures = [path for path in folder.iterdir() if is_image_name(path.name)]
    specimens, media = all_of(runtime)
    assert report.media_added == len(pictures) == len(specimens)
    assert {one[0].file_name for one in media.values()} == {path.name for path in pictures}
    assert take_in(folder).already_here == len(pictures)
