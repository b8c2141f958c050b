"""What strangers send and what crashes leave: a clear answer, bounded work, and nothing lost or doubled."""

import os
import time
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from analytics import service, tasks
from analytics.model import StepMark, Worker
from app.cli.ingest import ingest_paths
from app.runtime.blobs import FolderBlobs
from app.runtime.context import Runtime
from app.web import create_app
from iiif.catalogue import service as catalogue
from iiif.image.rendering import render
from iiif.image.request import ImageRequest, SizeLimits


def photograph(path: Path, seed: int) -> None:
    Image.fromarray(np.random.default_rng(seed).integers(0, 255, (40, 60, 3), np.uint8)).save(path, "PNG")


def test_a_folder_that_a_crash_left_is_swept(tmp_path: Path) -> None:
    left = tmp_path / "incoming" / "left"
    left.mkdir(parents=True)
    (left / "half.tif").write_bytes(b"half")
    os.utime(left, (time.time() - 9e5,) * 2)
    blobs = FolderBlobs(tmp_path)
    blobs.prepare(used=False)
    assert blobs.sweep() == 1
    assert not left.exists()


def test_a_step_that_another_worker_has_ended_is_not_done_again(runtime: Runtime, tmp_path: Path) -> None:
    photograph(tmp_path / "a.png", 1)
    ingest_paths(runtime, [tmp_path / "a.png"])
    with runtime.db.begin() as session:
        (run,) = service.page(session, limit=2)
        (task,) = service.list_tasks(session, run.key, limit=2)
        which = (run.key, task.media_key)
        assert tasks.begin(session, *which, Worker("1", "", {}), at=runtime.clock())
        assert tasks.begin_step(session, *which, "quality")
        tasks.end_step(session, *which, "quality", StepMark("done", "", 1.0, ("n1",)))
        assert not tasks.begin_step(session, *which, "quality")
        tasks.end_step(session, *which, "quality", StepMark("failed", "too late", 1.0))
        assert tasks.get(session, *which).steps["quality"] == {"state": "done", "seconds": 1.0, "annotations": ["n1"]}
        tasks.fail(session, *which, "given up", at=runtime.clock())
        assert not tasks.begin_step(session, *which, "ruler")


@pytest.mark.parametrize("query", ["limit=--5", "limit=00000000000000000001999999999", "limit=٣", "page=1e3", "page=-1"])
def test_numbers_that_are_none_are_refused(runtime: Runtime, query: str) -> None:
    assert create_app(runtime).test_client().get(f"/api/runs?{query}").status_code == 400


@pytest.mark.parametrize("path", ["/api/specimens/%00", "/api/specimens?after=%00", "/annotations/%00", "/iiif/3/%00/info.json"])
def test_a_nul_in_an_address_is_refused(runtime: Runtime, path: str) -> None:
    assert create_app(runtime).test_client().get(path).status_code == 400


def test_a_distorted_picture_of_a_large_image_reads_little() -> None:
    class Levels:
        levels = (None,) * 7

    request = ImageRequest.parse(3, "full", "16000,1", "0", "default", "jpg")
    geometry = request.resolve(31_000, 31_000, SizeLimits(16_000, 36_000_000))
    assert render.pixels_read(Levels(), geometry) <= render.MOST_DISTORTED_PX  # type: ignore[arg-type] # no more is asked of it


def test_a_cell_that_no_file_system_could_name_costs_its_row_only(runtime: Runtime, tmp_path: Path) -> None:
    photograph(tmp_path / "good.png", 2)
    (tmp_path / "t.csv").write_text(f"catalogNumber,file\nA,{'x' * 300}.png\nB,good.png\n", encoding="utf-8")
    report = ingest_paths(runtime, [tmp_path])
    assert [(entry.code, entry.catalog_number) for entry in report.entries] == [("missing-file", "A")]
    with runtime.reads.begin() as session:
        found = catalogue.list_specimens(session, limit=9)
        images = {one.catalog_number: len(catalogue.media_of(session, one.key)) for one in found}
    assert images == {"A": 0, "B": 1}


def archive(meta: str, rows: str) -> bytes:
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("meta.xml", meta)
        packed.writestr("occurrence.txt", rows)
    return out.getvalue()


META = """<archive xmlns="http://rs.tdwg.org/dwc/text/"><core encoding="UTF-8" fieldsTerminatedBy="," linesTerminatedBy="\\n"
 ignoreHeaderLines="0" rowType="http://rs.tdwg.org/dwc/terms/Occurrence"><files><location>occurrence.txt</location></files>
 <id index="0"/><field index="{index}" term="http://rs.tdwg.org/dwc/terms/catalogNumber"/></core></archive>"""


def test_a_column_before_the_first_is_reported(runtime: Runtime, tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(archive(META.format(index=-9), "1,2\n"))
    report = ingest_paths(runtime, [tmp_path / "a.zip"])
    assert [entry.code for entry in report.entries] == ["bad-archive"]


def test_a_damaged_archive_is_reported(runtime: Runtime, tmp_path: Path) -> None:
    whole = archive(META.format(index=1), "1,2\n" * 5000)
    middle = whole.index(b"occurrence.txt") + 20
    (tmp_path / "a.zip").write_bytes(
        whole[:middle] + bytes(255 - byte for byte in whole[middle : middle + 12]) + whole[middle + 12 :]
    )
    report = ingest_paths(runtime, [tmp_path / "a.zip"])
    assert [entry.code for entry in report.entries] == ["bad-archive"]
