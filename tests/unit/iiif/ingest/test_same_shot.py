"""A camera's raw file beside its picture is one image of the specimen; the report names the other file."""

from pathlib import Path

import pytest

from app.runtime.context import Runtime
from tests.unit.iiif.image.pictures import drawn
from tests.unit.iiif.image.sources import dng
from tests.unit.iiif.ingest.conftest import Ingest, all_of, picture, reasons


def raw(path: Path) -> Path:
    path.write_bytes(dng(drawn(120, 90)))
    return path


@pytest.mark.parametrize(
    ("others", "best"),
    [(("K1.JPG",), "K1.dng"), (("K1.jpg", "K1.png"), "K1.dng"), (("K1.tif", "K1.jpg"), "K1.tif"), (("k1.JPG",), "K1.dng")],
)
def test_the_best_file_of_a_shot_is_its_image(
    runtime: Runtime, take_in: Ingest, folder: Path, others: tuple[str, ...], best: str
) -> None:
    raw(folder / "K1.dng")
    for name in others:
        picture(folder / name)
    report = take_in(folder)
    _, images = all_of(runtime)
    assert {number: [image.file_name for image in found] for number, found in images.items()} == {"K1": [best]}
    left = sorted({"K1.dng", *others} - {best})
    assert reasons(report) == [("same-shot", name) for name in left]
    assert all(best in entry.sentence for entry in report.entries)


def test_a_row_says_which_file_it_is(runtime: Runtime, take_in: Ingest, folder: Path) -> None:
    raw(folder / "K1.dng")
    picture(folder / "K1.jpg")
    (folder / "t.csv").write_text("catalogNumber,file\nK 1,K1.jpg\n")
    assert reasons(take_in(folder)) == [("same-shot", "K1.dng")]
    _, images = all_of(runtime)
    assert {number: [image.file_name for image in found] for number, found in images.items()} == {"K 1": ["K1.jpg"]}


def test_files_of_other_folders_and_pictures_without_a_raw_file_are_images_of_their_own(
    runtime: Runtime, take_in: Ingest, folder: Path
) -> None:
    raw(folder / "K1.dng")
    picture(folder / "sub" / "K1.jpg", 10)
    picture(folder / "K2.jpg", 20)
    picture(folder / "K2.png", 30)
    report = take_in(folder)
    assert "same-shot" not in report.codes
    assert report.media_added == 4
