"""From files into the hub and out again: images found, classes mapped, rows refused one by one, and nothing twice."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, func, select

from analytics import service as analytics
from annotations import service
from annotations.exchange.import_report import ImportReport
from annotations.tables import AnnotationRow
from app.exchange import exporting, importing
from app.exchange.archive import zipped
from app.exchange.choice import ExportChoice, StatementFilter
from app.exchange.exporting import Export
from app.exchange.importing import AskedImport
from app.exchange.pictures import Pictures
from app.runtime.context import Runtime
from app.runtime.db import Base
from app.runtime.errors import Forbidden, Invalid, NotAllowed
from app.runtime.principal import NOBODY, Principal
from iiif.catalogue import service as catalogue
from tests.sheets import add_sheet, comment

US = Principal.of_operator()
SQUARE = [[10, 10, 110, 10, 110, 110, 10, 110]]


def coco(*objects: dict[str, Any], name: str = "BR 0001 0.jpg", size: tuple[int, int] = (4000, 6000)) -> dict[str, Any]:
    """A file of one image with these objects, of the classes leaf (1) and twig (2)."""
    given = {"image_id": 1, "category_id": 1, "segmentation": SQUARE, "iscrowd": 0}
    image = {"id": 1, "file_name": name, "width": size[0], "height": size[1]}
    annotations = [{"id": number, **given, **one} for number, one in enumerate(objects, 1)]
    return {"images": [image], "annotations": annotations, "categories": [{"id": 1, "name": "leaf"}, {"id": 2, "name": "twig"}]}


def bring(runtime: Runtime, tmp_path: Path, document: Any, **said: Any) -> ImportReport:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document), encoding="utf-8")
    return importing.run(runtime, path, AskedImport("coco", **{"dry": False, **said}), US)


def take(runtime: Runtime, format_name: str = "coco", by: Principal = US, **said: Any) -> tuple[dict[str, bytes], dict[str, Any]]:
    _, pieces = exporting.pieces(runtime, Export(format_name, **said), by)
    files: dict[str, bytes] = {}
    for name, data in pieces:
        files[name] = files.get(name, b"") + data
    return files, json.loads(files["losses.json"])


def statements(runtime: Runtime) -> int:
    with runtime.reads.begin() as session:
        return session.scalar(select(func.count()).select_from(AnnotationRow)) or 0


def reasons(report: ImportReport) -> Sequence[str]:
    return [one["reason"] for one in report.refusals]


def test_a_dry_run_tells_unknown_classes_and_writes_nothing(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    report = bring(runtime, tmp_path, coco({}, {"category_id": 2}), dry=True)
    assert (report.added, report.refused, dict(report.unknown_classes)) == (1, 1, {"twig": 1})
    assert statements(runtime) == 0


def test_good_rows_come_in_under_a_run_and_each_refused_one_has_its_reason(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    bad = [{"segmentation": [[1, 1, 2]]}, {"segmentation": [[10, 10, 9000, 10, 9000, 50]]}, {"category_id": 2}]
    report = bring(runtime, tmp_path, coco({}, *bad))
    assert (report.added, report.refused, report.read) == (1, 3, 4)
    assert "even number" in reasons(report)[0]
    assert "past the edge of the image of 4000 by 6000" in reasons(report)[1]
    assert "'twig' is unknown" in reasons(report)[2]
    with runtime.reads.begin() as session:
        run = analytics.get(session, report.run.rpartition("/")[2])
        (row,) = session.scalars(select(AnnotationRow))
    assert (run.pipeline, run.state, run.ended_at is not None) == ("import", "completed", True)
    assert (row.run_key, row.kind, row.layer) == (run.key, "leaf", "people")
    assert row.document["wasGeneratedBy"] == report.run
    kept = row.document["body"][-1]["details"]["exchange"]
    assert (kept["file"], kept["row"], kept["sha256"]) == ("a.json", "a.json: annotations[0]", report.sha256)


def test_a_second_import_adds_nothing_and_twins_in_one_file_both_come_in(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    first = bring(runtime, tmp_path, coco({}, {}, {"segmentation": [[0, 0, 9, 0, 9, 9]]}))
    again = bring(runtime, tmp_path, coco({}, {}, {"segmentation": [[0, 0, 9, 0, 9, 9]]}))
    assert (first.added, again.added, again.known) == (3, 0, 3)
    assert statements(runtime) == 3


def test_an_import_that_is_retracted_is_gone_and_may_come_in_again(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    report = bring(runtime, tmp_path, coco({}))
    key, at = report.run.rpartition("/")[2], runtime.clock()
    with runtime.db.begin() as session:
        analytics.retract(session, key, "the wrong file", by=US, at=at)
        assert analytics.settle_batch(session, key, at=at) == 1
    assert take(runtime)[1]["objects"]["asked"] == 0
    assert bring(runtime, tmp_path, coco({})).added == 1
    assert take(runtime)[1]["objects"]["asked"] == 1


def test_what_is_very_like_what_stands_here_is_told_and_comes_in(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    bring(runtime, tmp_path, coco({}))
    report = bring(runtime, tmp_path, coco({"segmentation": [[10, 10, 110, 10, 110, 109, 10, 110]]}))
    assert (report.added, report.alike_count) == (1, 1)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("BR 0001 0.jpg", True),
        ("photos/br 0001 0.JPG", True),
        ("BR 0001 0.tif", True),
        ("./BR 0001 0.jpg", True),
        ("scans/BR 0001.png", True),  # the catalogue number
        ("BR 0009.jpg", False),
        ("", False),
    ],
)
def test_an_image_is_found_by_its_path_name_or_stem(runtime: Runtime, tmp_path: Path, name: str, found: bool) -> None:
    add_sheet(runtime)
    assert bring(runtime, tmp_path, coco({}, name=name)).added == found


def test_an_image_is_found_by_key_ark_and_digest_and_an_ambiguous_name_is_refused(runtime: Runtime, tmp_path: Path) -> None:
    _, (media,) = add_sheet(runtime, file_name="a/IMG_1.jpg")
    add_sheet(runtime, "BR 0002", file_name="b/IMG_1.jpg")
    ambiguous = bring(runtime, tmp_path, coco({}, name="c/img_1.jpg"))
    assert "Several images have the name 'img_1.jpg'" in reasons(ambiguous)[0]
    assert bring(runtime, tmp_path, coco({}, name="a/IMG_1.jpg")).added == 1
    for number, said in enumerate(({"id": runtime.addresses.pid(media.key)}, {"sha256": media.sha256}), 20):
        document = coco({"segmentation": [[0, 0, number, 0, number, number]]}, name="c/img_1.jpg")
        document["images"][0]["lectotype"] = said
        assert bring(runtime, tmp_path, document).added == 1
    assert bring(runtime, tmp_path, coco({"segmentation": [[0, 0, 7, 0, 7, 7]]}, name=f"images/{media.key}-x.jpg")).added == 1


def test_a_name_in_another_unicode_form_is_the_same_name(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime, file_name="schädel № 7.jpg")
    assert bring(runtime, tmp_path, coco({}, name="scha\u0308del № 7.jpg")).added == 1


def test_sizes_are_equal_scaled_turned_or_refused(runtime: Runtime, tmp_path: Path) -> None:
    _, (media,) = add_sheet(runtime)
    scaled = bring(runtime, tmp_path, coco({}, size=(2000, 3000)))
    assert scaled.notes == {"Coordinates of a picture of another size were scaled to the image": 1}
    other = bring(runtime, tmp_path, coco({}, size=(2000, 2000)))
    assert "2000 by 2000, but it is 4000 by 6000" in reasons(other)[0]
    swapped = bring(runtime, tmp_path, coco({}, size=(6000, 4000)))
    assert swapped.added == 0
    with runtime.db.begin() as session:
        catalogue.media_ready(session, media.key, catalogue.Derivative(4000, 6000, 6, "", "ab" * 32, 1), at=runtime.clock())
    turned = bring(runtime, tmp_path, coco({}, size=(6000, 4000)))
    assert turned.added == 1
    assert any("EXIF orientation 6" in sentence for sentence in turned.notes)
    files, _ = take(runtime)
    rings = [one["segmentation"][0] for one in json.loads(files["annotations.json"])["annotations"]]
    assert rings[0] == [20, 20, 220, 20, 220, 220, 20, 220]
    assert sorted(rings[1][::2]) == [3890, 3890, 3990, 3990]


def test_classes_are_mapped_by_the_table_that_is_given(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    table = "name,class\nleaf,-\ntwig,http://example.org/twig Twig\n"
    report = bring(runtime, tmp_path, coco({}, {"category_id": 2}), classes=table)
    assert (report.added, report.left_out) == (1, 1)
    files, _ = take(runtime)
    (category,) = json.loads(files["annotations.json"])["categories"]
    assert (category["name"], category["lectotype"]["id"]) == ("Twig", "http://example.org/twig")
    with pytest.raises(Invalid):
        bring(runtime, tmp_path, coco({}), classes="name,class\nleaf,nonsense\n")


def test_export_import_export_gives_the_same_file(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    holed = {"size": [6000, 4000], "counts": [6000 * 10, 20, 6000 - 20, 5, 10, 5, 6000 * 4000 - 6000 * 11 - 20]}
    bring(
        runtime,
        tmp_path,
        coco({"score": 0.125}, {"segmentation": holed, "iscrowd": 1}, {"segmentation": None, "bbox": [1, 2, 3, 4.5]}),
    )
    files, _ = take(runtime)
    first = json.loads(files["annotations.json"])
    with runtime.db.begin() as session:
        run = analytics.page(session, limit=1)[0].key
        analytics.retract(session, run, "again", by=US, at=runtime.clock())
        analytics.settle_batch(session, run, at=runtime.clock())
    assert bring(runtime, tmp_path, first).added == 3
    second = json.loads(take(runtime)[0]["annotations.json"])
    for document in (first, second):
        for one in document["annotations"]:
            for name in ("id", "run", "creator"):
                one["lectotype"].pop(name, None)
    assert first == second


def test_a_machines_statements_make_segments_as_those_of_a_run_do(runtime: Runtime, tmp_path: Path) -> None:
    _, (media,) = add_sheet(runtime)
    assert bring(runtime, tmp_path, coco({"score": 0.5}), layer="machine").added == 1
    with runtime.reads.begin() as session:
        (row,) = session.scalars(select(AnnotationRow))
        assert (row.layer, row.confidence) == ("machine", 0.5)
        from annotations.segments import store as segments

        assert len(segments.of_class_on(session, media.key, "leaf")) == 1


def test_a_mask_of_many_corners_is_kept_as_a_file_and_comes_out_as_the_same_pixels(runtime: Runtime, tmp_path: Path) -> None:
    import numpy as np

    from annotations import region_rle
    from annotations.region_masks import Mask

    add_sheet(runtime, sizes=((200, 160),))
    pixels = np.zeros((160, 200), bool)
    pixels[::2, ::2] = True
    runs = region_rle.compressed(region_rle.counts(Mask.of_pixels(pixels), 200, 160))
    bring(runtime, tmp_path, coco({"segmentation": {"size": [160, 200], "counts": runs}}, size=(200, 160)))
    files, losses = take(runtime)
    (one,) = json.loads(files["annotations.json"])["annotations"]
    assert one["segmentation"]["counts"] == runs
    assert losses["objects"]["exact"] == 1


def test_who_may_not_curate_imports_nothing_and_sees_no_closed_image(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime)
    _, (closed,) = add_sheet(runtime, "BR 0002")
    with runtime.db.begin() as session:
        catalogue.set_access(session, closed.key, "closed", by=US, at=runtime.clock())
    path = tmp_path / "a.json"
    path.write_text(json.dumps(coco({})))
    with pytest.raises((NotAllowed, Forbidden)):
        importing.run(runtime, path, AskedImport("coco", dry=False), NOBODY)
    files, losses = take(runtime, by=NOBODY)
    assert [one["file_name"] for one in json.loads(files["annotations.json"])["images"]] != []
    assert closed.key not in files["annotations.json"].decode()
    assert losses["withheld"]["the image is not public"]["count"] == 1


def test_geometry_and_sizes_follow_the_pictures(runtime: Runtime, tmp_path: Path) -> None:
    add_sheet(runtime, sizes=((4000, 5999),))
    bring(runtime, tmp_path, coco({}, size=(4000, 5999)))
    asked = Export("coco", pictures=Pictures("resized", 1024))
    found = list(
        exporting.stream(runtime, asked, US, exporting.Losses("coco", {}), exporting.choices.images(runtime, asked.choice, US))
    )
    (image, (one,)) = found[0]
    assert (image.width, image.height) == (683, 1024)
    assert one.region is not None
    assert one.region.box.x1 == pytest.approx(110 * 683 / 4000)
    assert one.region.box.y1 == pytest.approx(110 * 1024 / 5999)


def test_exports_are_of_specimens_images_runs_and_kinds(runtime: Runtime, tmp_path: Path) -> None:
    specimen, (media,) = add_sheet(runtime)
    other, _ = add_sheet(runtime, "BR 0002")
    run = bring(runtime, tmp_path, coco({})).run.rpartition("/")[2]

    def asked(**choice: Any) -> tuple[int, int]:
        said = take(runtime, choice=ExportChoice(**choice))[1]
        return said["images"], said["objects"]["asked"]

    assert asked() == (2, 1)
    assert asked(specimens=(specimen.key,)) == (1, 1)
    assert asked(specimens=(other.key,)) == (1, 0)
    assert asked(media=(media.key,)) == (1, 1)
    assert asked(run=run) == (1, 1)
    assert asked(which=StatementFilter(kinds=frozenset({"stamp"}))) == (2, 0)
    with pytest.raises(Invalid):
        ExportChoice(media=(media.key,), run=run)


def test_a_zip_of_an_export_is_the_same_bytes_twice(runtime: Runtime, tmp_path: Path) -> None:
    import io
    import zipfile

    add_sheet(runtime)
    bring(runtime, tmp_path, coco({}))
    first, second = (b"".join(zipped(exporting.pieces(runtime, Export("coco"), US)[1])) for _ in range(2))
    assert first == second
    with zipfile.ZipFile(io.BytesIO(first)) as archive:
        assert archive.testzip() is None
        assert archive.namelist() == ["annotations.json", "ids.csv", "losses.json"]


def test_documents_go_out_and_into_an_empty_hub_and_out_again_as_the_same_bytes(runtime: Runtime, tmp_path: Path) -> None:
    _, (media,) = add_sheet(runtime)
    bring(runtime, tmp_path, coco({"score": 0.25}, {"segmentation": None, "bbox": [1, 2, 3, 4.5]}))
    with runtime.db.begin() as session:
        said = comment(runtime.addresses.canvas(media.specimen_key, media.key), "東京, ünïcode", via="http://x.test/1")
        service.create(session, said, by=US, addresses=runtime.addresses, at=runtime.clock())
    first = take(runtime, "w3c")[0]["annotations.jsonl"]
    assert len(first.splitlines()) == 3
    with runtime.db.begin() as session:
        for table in reversed(Base.metadata.sorted_tables):
            if table.name not in ("specimens", "media", "depictions"):
                session.execute(delete(table))
    path = tmp_path / "a.jsonl"
    path.write_bytes(first)
    report = importing.run(runtime, path, AskedImport("w3c", dry=False), US)
    assert (report.added, report.refused) == (3, 0)
    assert take(runtime, "w3c")[0]["annotations.jsonl"] == first
    assert importing.run(runtime, path, AskedImport("w3c", dry=False), US).added == 0
